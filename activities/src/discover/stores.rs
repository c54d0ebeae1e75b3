//! Stores: each session and each job in one is an entry of the manifest, and each session that OpenCode keeps in many
//! files.
//!
//! Neighbours: `sqlite` opens a store and lists what is in it. A session that was moved into a store and whose file
//! was left is read once, from the store: only that one grows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Format, Found, Judge, SessionFile, belongs, names};
use crate::errors::reason;
use crate::pieces::Pieces;
use crate::sqlite::{self, Listed, Part, Problem, Store};

impl Judge {
    /// Takes what is in a store, or says why not.
    pub(super) fn store(&mut self, name: &str, found: &Found, head: &[u8]) {
        let listed = if head.is_empty() {
            Err(Problem::Unusable("empty file".to_owned()))
        } else if sqlite::is_database(head) {
            Store::open(&found.path).and_then(|store| store.parts())
        } else {
            let why = "not an SQLite database: encrypted, or damaged";
            Err(Problem::Unusable(why.to_owned()))
        };
        let Some(path) = found.path.to_str() else {
            self.skip(name, "its path is not valid UTF-8".to_owned());
            return;
        };
        match listed {
            Ok(listed) => {
                for Listed { part, bytes } in listed {
                    self.part(name, path, part, bytes);
                }
            }
            // Agents have databases of other kinds too.
            Err(Problem::Foreign) if !found.is_named => {}
            Err(Problem::Foreign) => self.skip(
                name,
                "an SQLite database without the tables of sessions of OpenClaw or OpenCode"
                    .to_owned(),
            ),
            Err(Problem::Unusable(why)) => self.skip(name, why),
        }
    }

    fn part(&mut self, name: &str, path: &str, part: Part, bytes: u64) {
        let format = part.format();
        if self.wanted.is_some_and(|wanted| !belongs(format, wanted)) {
            return;
        }
        let name = format!("{name}/{}", part.label());
        self.manifest.files.push(SessionFile {
            name: names::scrubbed(&name, self.base.is_some()),
            path: path.to_owned(),
            format: format.name().to_owned(),
            bytes,
            part: Some(part),
            in_pieces: false,
        });
    }

    /// Leaves files of sessions that are in a store of the same agent.
    pub(super) fn leave_copies(&mut self) {
        let stored: BTreeSet<PathBuf> = self.manifest.files.iter().filter_map(file_of).collect();
        let files = std::mem::take(&mut self.manifest.files);
        let is_copy = |file: &SessionFile| {
            let path = Path::new(&file.path);
            let pieces = || Some((path.parent()?.parent()?.parent()?, path.file_name()?));
            file.part.is_none()
                && match pieces().filter(|_| file.in_pieces) {
                    // Below the directory of a project, which is another one when a project was renamed.
                    Some((storage, name)) => stored.contains(&storage.join(name)),
                    None => stored.contains(path),
                }
        };
        let (copies, files): (Vec<_>, Vec<_>) = files.into_iter().partition(is_copy);
        self.manifest.files = files;
        for copy in copies {
            let why = "a copy of a session that is read from its store";
            let skipped = trace::rollup::Skipped::new(&copy.name, 0, why.to_owned());
            self.manifest.skipped.push(skipped);
        }
    }
}

impl Judge {
    /// Takes a session that lies in many files; `false` when the file is none.
    pub(super) fn pieces(&mut self, name: &str, found: &Found) -> bool {
        let Some(pieces) = Pieces::of(&found.path) else {
            return false;
        };
        let path = match (found.path.to_str(), pieces.stamp()) {
            (None, _) => Err("its path is not valid UTF-8".to_owned()),
            (Some(_), Err(error)) => Err(reason(&error)),
            (Some(path), Ok((bytes, _))) => Ok((path, bytes)),
        };
        let (path, bytes) = match path {
            Ok(found) => found,
            Err(why) => {
                self.skip(name, why);
                return true;
            }
        };
        let format = Format::OpenCode;
        if let Some(wanted) = self.wanted.filter(|wanted| *wanted != format) {
            let why = format!("a session of {format}, but {wanted} was asked for");
            self.skip(name, why);
            return true;
        }
        self.manifest.files.push(SessionFile {
            name: names::scrubbed(name, self.base.is_some()),
            path: path.to_owned(),
            format: format.name().to_owned(),
            bytes,
            part: None,
            in_pieces: true,
        });
        true
    }
}

/// Where the file of a stored session would be; of OpenCode's, without the directory that differs.
fn file_of(file: &SessionFile) -> Option<PathBuf> {
    let id = match file.part.as_ref()? {
        Part::Transcript { session_id } | Part::Cold { session_id } => session_id,
        Part::Session { session_id } => {
            let storage = Path::new(&file.path).parent()?.join("storage");
            return Some(storage.join(format!("{session_id}.json")));
        }
        Part::Archive { .. } | Part::Runs { .. } | Part::RunLog { .. } => return None,
    };
    let agent = Path::new(&file.path).parent()?.parent()?;
    Some(agent.join("sessions").join(format!("{id}.jsonl")))
}
