//! `doctor --collect`: takes away the blobs that nothing names, which `doctor` counts.
//!
//! An engine knows things that it has not written yet, so neither is done on a store that one works on: this
//! process owns the directory meanwhile and starts none.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use state::orphans::{self, Census, Pile};

use super::args::Global;
use super::output;
use crate::face_error::{FaceError, Kind};
use crate::host::{Idle, default_state_dir};
use crate::time_text;

pub(super) fn run(global: &Global) -> Result<ExitCode, FaceError> {
    let dir = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let idle = Idle::open(&dir).map_err(|error| match error.kind {
        Kind::Busy => FaceError::busy(
            error.message,
            "stop that process first: what it is at work on may be named by nothing yet",
        ),
        Kind::Failed | Kind::Usage | Kind::NotFound | Kind::Internal => error,
    })?;
    let census = orphans::collect(idle.store())?;
    if global.json {
        output::json(&json!({
            "blobs": pile(census.blobs),
            "removed": pile(census.removed),
        }))?;
    } else {
        let left = Pile {
            count: census.blobs.count - census.removed.count,
            bytes: census.blobs.bytes - census.removed.bytes,
        };
        output::text_out(&format!(
            "took away {}, which nothing named; {} are left",
            said(census.removed),
            said(left)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn pile(pile: Pile) -> serde_json::Value {
    json!({ "count": pile.count, "bytes": pile.bytes })
}

/// What there is in a directory, unless another process owns it.
pub(super) fn count(dir: &Path) -> Result<Option<Census>, FaceError> {
    match Idle::open(dir) {
        Ok(idle) => Ok(Some(orphans::count(idle.store())?)),
        Err(error) if error.kind == Kind::Busy => Ok(None),
        Err(error) => Err(error),
    }
}

/// `1,234 blobs (5.6 MB)`.
pub(super) fn said(pile: Pile) -> String {
    let (count, bytes) = (
        time_text::thousands(pile.count),
        time_text::bytes(pile.bytes),
    );
    let s = if pile.count == 1 { "" } else { "s" };
    format!("{count} blob{s} ({bytes})")
}
