//! A state file of an agent: read whole when it changed, or when other files lie beside it; known otherwise.
//!
//! Neighbours: [`trace::state_file`] looks at it, `gathered` keeps the cursor of what lies in many files.

use std::collections::BTreeSet;
use std::path::Path;

use trace::state_file::{BYTES_MAX, StateFile, mine_state_file};

use super::gathered;
use super::*;

pub(super) fn mine_or_reuse(
    cx: &ActivityCx,
    file: &SessionFile,
) -> Result<(MineSessionOutput, Vec<Row>), Failure> {
    let key = format!("state/{}", trace::hash::sha256_hex(file.path.as_bytes()));
    let path = Path::new(&file.path);
    let seen = StateFile::of_path(&file.path).map(|kind| (kind, seen(path, kind)));
    let (kind, seen) = match seen {
        Some((kind, Ok(seen))) => (kind, seen),
        Some((_, Err(error))) => return gathered::trouble(cx, file, &error),
        None => return gathered::not_read(cx, file, "not a state file".to_owned()),
    };
    gathered::mine_unless_known(cx, file, key.into_bytes(), seen.stamp(), || {
        let name = FileRef { name: &file.name };
        let mut content = Vec::new();
        let opened = File::open(path)?.take(BYTES_MAX + 1);
        Counted { inner: opened, cx }.read_to_end(&mut content)?;
        if content.len() as u64 > BYTES_MAX {
            let why = format!("longer than {BYTES_MAX} bytes");
            return Ok(unread(file, why));
        }
        Ok(mine_state_file(&name, kind, &content, &seen.beside))
    })
}

/// What the system says of a state file without opening it, and the names of what lies beside it.
struct Seen {
    stamp: Stamp,
    beside: BTreeSet<String>,
}

impl Seen {
    fn stamp(&self) -> String {
        let names: Vec<&[u8]> = self.beside.iter().map(String::as_bytes).collect();
        format!("{:?} {}", self.stamp, trace::hash::sha256_hex_parts(&names))
    }
}

fn seen(path: &Path, kind: StateFile) -> io::Result<Seen> {
    let metadata = std::fs::metadata(path)?;
    if let Some(what) = not_a_file(&metadata) {
        return Err(io::Error::other(what));
    }
    let directory = path.parent().unwrap_or(path);
    let beside = match kind {
        // A newer OpenClaw keeps its transcripts in a store: then files say nothing of what is lost.
        StateFile::SessionIndex if has_store(directory) => BTreeSet::new(),
        StateFile::SessionIndex => names(directory)?,
        StateFile::Jobs => match names(&directory.join("runs")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            names => names?,
        },
    };
    let stamp = Stamp::of(&metadata);
    Ok(Seen { stamp, beside })
}

fn has_store(sessions: &Path) -> bool {
    let agent = sessions.parent().map(|agent| agent.join("agent"));
    agent.is_some_and(|agent| agent.join("openclaw-agent.sqlite").exists())
}

/// Names that are no text name no session.
fn names(directory: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(directory)? {
        if let Ok(name) = entry?.file_name().into_string() {
            names.insert(name);
        }
        if names.len() >= crate::limits::BESIDE_MAX {
            break;
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
