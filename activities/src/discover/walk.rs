//! Walks files and directories: every regular file once, links to directories not at all.
//!
//! Neighbours: `discover` judges what is found. Must not read a file or know a format.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kernel::Failure;

use crate::errors::{io_failure, may_pass, reason};
use crate::limits::{DEPTH_MAX, ENTRIES_MAX};
use crate::mine_session::not_a_file;

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// Where it was met.
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Whether the user named it, and not a directory above it.
    pub(super) is_named: bool,
}

/// All that lies below some paths.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Files and what each named file or directory is relative to.
    pub(super) files: Vec<Found>,
    pub(super) roots: Vec<PathBuf>,
    /// What was not looked at, and why.
    pub(super) skipped: Vec<(PathBuf, String)>,
    pub(super) n_entries: u64,
}

struct Walk<'a> {
    walked: Walked,
    /// Canonical paths of the files found.
    seen: BTreeSet<PathBuf>,
    check: &'a dyn Fn() -> Result<(), Failure>,
}

/// Walks the paths in order. `check` is asked now and then whether to go on.
pub(super) fn walk(
    paths: &[String],
    check: &dyn Fn() -> Result<(), Failure>,
) -> Result<Walked, Failure> {
    let mut walk = Walk {
        walked: Walked::default(),
        seen: BTreeSet::new(),
        check,
    };
    let mut paths: Vec<&Path> = paths.iter().map(Path::new).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        walk.root(path)?;
    }
    let mut walked = walk.walked;
    walked.files.sort();
    walked.roots.sort();
    walked.roots.dedup();
    Ok(walked)
}

impl Walk<'_> {
    /// What the user names is followed, even when it is a link.
    fn root(&mut self, path: &Path) -> Result<(), Failure> {
        let whole = match fs::canonicalize(path) {
            Ok(whole) => whole,
            Err(error) => return self.skip(path, &error),
        };
        match fs::metadata(&whole) {
            Ok(metadata) if metadata.is_dir() => {
                self.walked.roots.push(whole.clone());
                self.directories(whole)
            }
            Ok(metadata) => {
                let parent = whole.parent().unwrap_or(&whole);
                self.walked.roots.push(parent.to_path_buf());
                self.file(&whole, &metadata, true);
                Ok(())
            }
            Err(error) => self.skip(path, &error),
        }
    }

    /// A list of directories yet to be read takes the place of recursion: depth costs no stack.
    fn directories(&mut self, root: PathBuf) -> Result<(), Failure> {
        let mut waiting = vec![(root, 0)];
        while let Some((directory, depth)) = waiting.pop() {
            (self.check)()?;
            if depth > DEPTH_MAX {
                let why = format!("more than {DEPTH_MAX} directories deep");
                self.walked.skipped.push((directory, why));
                continue;
            }
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) => {
                    self.skip(&directory, &error)?;
                    continue;
                }
            };
            for entry in entries {
                self.walked.n_entries += 1;
                if self.walked.n_entries > ENTRIES_MAX {
                    return Err(Failure::permanent(
                        "TooManyFiles",
                        format!("more than {ENTRIES_MAX} files below the paths; name fewer"),
                    ));
                }
                match entry {
                    Ok(entry) => self.entry(&entry, depth, &mut waiting)?,
                    Err(error) => {
                        // Reading on may give the same error for ever.
                        self.skip(&directory, &error)?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &fs::DirEntry,
        depth: usize,
        waiting: &mut Vec<(PathBuf, usize)>,
    ) -> Result<(), Failure> {
        let path = entry.path();
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => return self.skip(&path, &error),
        };
        if kind.is_dir() {
            if super::is_session_name(&path) {
                let why = "is a directory, not a file".to_owned();
                self.walked.skipped.push((path.clone(), why));
            }
            waiting.push((path, depth + 1));
            return Ok(());
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                let why = "a link to a directory is not followed; name it to read it".to_owned();
                self.walked.skipped.push((path, why));
                Ok(())
            }
            Ok(metadata) => {
                self.file(&path, &metadata, false);
                Ok(())
            }
            // A link that leads nowhere matters only where a session was expected.
            Err(error) if kind.is_symlink() && error.kind() == io::ErrorKind::NotFound => {
                if super::is_session_name(&path) {
                    let why = "a link that leads nowhere".to_owned();
                    self.walked.skipped.push((path, why));
                }
                Ok(())
            }
            Err(error) => self.skip(&path, &error),
        }
    }

    fn file(&mut self, path: &Path, metadata: &fs::Metadata, is_named: bool) {
        if let Some(what) = not_a_file(metadata) {
            self.walked
                .skipped
                .push((path.to_path_buf(), what.to_owned()));
            return;
        }
        let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if self.seen.insert(whole) {
            self.walked.files.push(Found {
                path: path.to_path_buf(),
                bytes: metadata.len(),
                is_named,
            });
        }
    }

    fn skip(&mut self, path: &Path, error: &io::Error) -> Result<(), Failure> {
        if may_pass(error) {
            return Err(io_failure("look for session files", error));
        }
        self.walked
            .skipped
            .push((path.to_path_buf(), reason(error)));
        Ok(())
    }
}
