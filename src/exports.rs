//! Files of exported histories: reading one, and what is said of it.
//!
//! Neighbours: `cli::replay` and `cli::import` read them, the owner of a state directory too.

use std::path::Path;

use kernel::temporal::{Imported, import};
use serde::{Deserialize, Serialize};

use crate::face_error::FaceError;

/// A history has 50 MiB at most; base64 and names make it larger.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// `import --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ImportedView {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) workflow_type: String,
    pub(crate) status: String,
    pub(crate) history_events: u64,
}

/// Reads a file that `export` wrote, or one of Temporal's tools.
pub(crate) fn read(path: &Path) -> Result<Imported, FaceError> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        FaceError::usage(
            format!("could not read {shown}: {error}"),
            "name a file that `openclaw-trace export ID > FILE` wrote",
        )
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(FaceError::usage(
            format!("{shown} has {bytes} bytes, which no history has"),
            "name a file that `openclaw-trace export ID > FILE` wrote",
        ));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let document = serde_json::from_slice(&bytes).map_err(|error| {
        FaceError::usage(
            format!("{shown} is not JSON: {error}"),
            "name a file that `openclaw-trace export ID > FILE` wrote",
        )
    })?;
    import(&document).map_err(|error| {
        FaceError::usage(
            format!("could not {error} (in {shown})"),
            "`openclaw-trace export ID > FILE` and `temporal workflow show --output json` write \
             such files",
        )
    })
}
