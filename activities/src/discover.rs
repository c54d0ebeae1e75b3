//! `Discover`: which files below some paths are sessions.
//!
//! Neighbours: `walk` finds files, `glob` and `names` speak of their names, [`trace::mine::sniff`]
//! tells by content what a file is, `mine_session` reads it. Must not mine.

mod glob;
mod names;
mod stores;
mod walk;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::mine::{Format, SNIFF_BYTES, sniff};
use trace::rollup::Skipped;
use trace::state_file::{self, StateFile};
use workflows::contracts::{self, DiscoverInput, DiscoverOutput};

use crate::blobs;
use crate::errors::{blocking, check_canceled, io_failure, may_pass, reason};
use crate::expand;
use crate::limits::SKIPPED_MAX;
use crate::manifest::{Manifest, SessionFile};
use crate::pieces::Pieces;
use crate::sqlite;
use glob::Glob;
use walk::{Found, Walked, walk};

/// Finds the session files below some paths.
#[derive(Debug)]
pub struct Discover;

#[async_trait]
impl Activity for Discover {
    type Contract = contracts::Discover;

    async fn run(&self, cx: &ActivityCx, input: DiscoverInput) -> Result<DiscoverOutput, Failure> {
        blocking(cx, move |cx| {
            let manifest = discover(&input, &|| check_canceled(cx))?;
            Ok(DiscoverOutput {
                manifest: blobs::put_json(cx, &manifest)?,
                sessions: manifest.files.len() as u64,
                bytes: manifest.files.iter().map(|file| file.bytes).sum(),
            })
        })
        .await
    }
}

/// The manifest of some paths.
pub(crate) fn discover(
    input: &DiscoverInput,
    check: &dyn Fn() -> Result<(), Failure>,
) -> Result<Manifest, Failure> {
    let wanted = wanted_format(&input.format)?;
    let walked = walk(&input.paths, check)?;
    let n_seen = walked.n_entries.max(walked.files.len() as u64);
    let mut judge = Judge {
        base: names::base(&walked.roots),
        include: input.include.iter().map(|glob| Glob::new(glob)).collect(),
        exclude: input.exclude.iter().map(|glob| Glob::new(glob)).collect(),
        wanted,
        manifest: Manifest::default(),
    };
    judge.all(walked, check)?;
    judge.leave_copies();
    let mut manifest = judge.manifest;
    manifest
        .files
        .sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
    if input.max_sessions > 0 {
        let max = usize::try_from(input.max_sessions).unwrap_or(usize::MAX);
        manifest.files.truncate(max);
    }
    manifest.skipped.sort();
    manifest.skipped.dedup();
    let is_state = |file: &SessionFile| file.format == state_file::FORMAT;
    if manifest.files.iter().all(is_state) {
        return Err(no_sessions(input, &manifest, n_seen));
    }
    let beyond = manifest.skipped.len().saturating_sub(SKIPPED_MAX);
    manifest.skipped_more = beyond as u64;
    manifest.skipped.truncate(SKIPPED_MAX);
    Ok(manifest)
}

fn wanted_format(name: &str) -> Result<Option<Format>, Failure> {
    match name {
        "" | "auto" => Ok(None),
        name => name
            .parse()
            .map(Some)
            .map_err(|error| Failure::permanent("UnknownFormat", format!("{error}"))),
    }
}

struct Judge {
    base: Option<std::path::PathBuf>,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    wanted: Option<Format>,
    manifest: Manifest,
}

impl Judge {
    fn all(
        &mut self,
        walked: Walked,
        check: &dyn Fn() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for (path, why) in walked.skipped {
            let name = self.relative(&path);
            if self.is_asked_for(&name, &path) || path.is_dir() {
                self.skip(&name, why);
            }
        }
        let all: BTreeSet<&Path> = walked
            .files
            .iter()
            .map(|found| found.path.as_path())
            .collect();
        for (index, found) in walked.files.iter().enumerate() {
            if index % 64 == 0 {
                check()?;
            }
            let name = self.relative(&found.path);
            if !self.is_asked_for(&name, &found.path) {
                continue;
            }
            if self.state_file(&name, found) || is_noise(found) {
                continue;
            }
            // There are hundreds to a session: they are not even opened here.
            if !found.is_named && Pieces::is_piece(&found.path) {
                continue;
            }
            if self.pieces(&name, found) {
                continue;
            }
            if let Some(why) = copy_of_a_live_file(&found.path, &all) {
                self.skip(&name, why.to_owned());
                continue;
            }
            self.file(&name, found)?;
        }
        Ok(())
    }

    fn relative(&self, path: &Path) -> String {
        names::relative(path, self.base.as_deref())
    }

    fn is_asked_for(&self, name: &str, path: &Path) -> bool {
        let path = path.to_string_lossy();
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name, &path));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// Takes a file in which OpenClaw keeps what it knows of its sessions and jobs; whether it is whole is for those who read
    /// it. `false` when it is another kind of file.
    fn state_file(&mut self, name: &str, found: &Found) -> bool {
        let is_wanted = self.wanted.is_none_or(|wanted| wanted == Format::OpenClaw);
        let path = found.path.to_str();
        let path = path.filter(|path| is_wanted && StateFile::of_path(path).is_some());
        let Some(path) = path else {
            return false;
        };
        // An empty one is what OpenClaw makes before there is anything to know.
        if found.bytes > 0 {
            self.manifest.files.push(SessionFile {
                name: names::scrubbed(name, self.base.is_some()),
                path: path.to_owned(),
                format: state_file::FORMAT.to_owned(),
                bytes: found.bytes,
                part: None,
                in_pieces: false,
            });
        }
        true
    }

    /// Takes one file, skips it with a reason, or leaves it when it is none of ours.
    fn file(&mut self, name: &str, found: &Found) -> Result<(), Failure> {
        let head = match head(&found.path) {
            Ok(head) => head,
            Err(error) if may_pass(&error) => {
                return Err(io_failure("look for session files", &error));
            }
            Err(error) => {
                self.skip(name, reason(&error));
                return Ok(());
            }
        };
        if sqlite::is_store_name(&found.path) || (found.is_named && sqlite::is_database(&head)) {
            self.store(name, found, &head);
            return Ok(());
        }
        let expected = found.is_named || is_session_name(&found.path);
        let is = sniff(expand::plain_name(name), &head);
        let format = match (is, self.wanted) {
            (Some(is), Some(wanted)) if !belongs(is, wanted) => {
                self.skip(
                    name,
                    format!("a session of {is}, but {wanted} was asked for"),
                );
                return Ok(());
            }
            (Some(is), _) => is,
            (None, Some(wanted)) if expected && !head.is_empty() && !is_sidecar(name) => wanted,
            (None, _) => {
                if expected && !is_sidecar(name) {
                    self.skip(name, why_unknown(&head).to_owned());
                }
                return Ok(());
            }
        };
        let Some(path) = found.path.to_str() else {
            self.skip(name, "its path is not valid UTF-8".to_owned());
            return Ok(());
        };
        self.manifest.files.push(SessionFile {
            name: names::scrubbed(name, self.base.is_some()),
            path: path.to_owned(),
            format: format.name().to_owned(),
            bytes: found.bytes,
            part: None,
            in_pieces: false,
        });
        Ok(())
    }

    fn skip(&mut self, name: &str, reason: String) {
        let file = names::scrubbed(name, self.base.is_some());
        self.manifest.skipped.push(Skipped::new(&file, 0, reason));
    }
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let limit = u64::try_from(SNIFF_BYTES).unwrap_or(u64::MAX);
    expand::content(File::open(path)?, u64::MAX)?
        .take(limit)
        .read_to_end(&mut head)?;
    Ok(head)
}

/// Run logs of OpenClaw's jobs and logs of its gateway come with its sessions.
fn belongs(is: Format, wanted: Format) -> bool {
    let comes_along = matches!(is, Format::OpenClawCron | Format::OpenClawGateway);
    is == wanted || (wanted == Format::OpenClaw && comes_along)
}

fn why_unknown(head: &[u8]) -> &'static str {
    if head.is_empty() {
        "empty file"
    } else {
        "not a session of a known format"
    }
}

fn file_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// Whether a file of this name is expected to be a session: `.jsonl`, an archive of one, a chat of Gemini CLI, or a
/// trajectory. Others are only taken when their content says that they are.
pub(crate) fn is_session_name(path: &Path) -> bool {
    let name = file_name(path);
    let name = expand::plain_name(&name);
    if name.ends_with(".traj") || (name.starts_with("session-") && name.ends_with(".json")) {
        return true;
    }
    let Some((stem, tail)) = name.split_once(".jsonl") else {
        return false;
    };
    let is_archive = [".reset.", ".deleted.", ".bak-"]
        .iter()
        .any(|start| tail.starts_with(start));
    !stem.is_empty() && !stem.starts_with('.') && (tail.is_empty() || is_archive)
}

/// Files that agents keep beside their sessions and that repeat what these say.
fn is_sidecar(name: &str) -> bool {
    expand::plain_name(name).ends_with(".trajectory.jsonl")
}

/// Hidden files, locks and indexes stand beside sessions and are none, unless the user names one.
fn is_noise(found: &Found) -> bool {
    let name = file_name(&found.path);
    let is_beside = name.starts_with('.') || name.ends_with(".lock") || name == "sessions.json";
    is_beside && !found.is_named
}

/// Why a backup or checkpoint is not read: its live file is there and says the same.
fn copy_of_a_live_file(path: &Path, all: &BTreeSet<&Path>) -> Option<&'static str> {
    let name = file_name(path);
    let (stem, why) = if let Some((stem, _)) = name.split_once(".jsonl.bak-") {
        (stem, "a backup of a session that is read itself")
    } else if let Some((stem, _)) = name.split_once(".checkpoint.") {
        (stem, "a checkpoint of a session that is read itself")
    } else {
        return None;
    };
    let live = path.with_file_name(format!("{stem}.jsonl"));
    all.contains(live.as_path()).then_some(why)
}

fn no_sessions(input: &DiscoverInput, manifest: &Manifest, n_seen: u64) -> Failure {
    let formats = match input.format.as_str() {
        "" | "auto" => Format::ALL.map(Format::name).join(", "),
        one => one.to_owned(),
    };
    let mut message = format!(
        "no sessions found below {}: looked for session files of {formats} among {n_seen} entries",
        input.paths.join(", ")
    );
    if let Some(first) = manifest.skipped.first() {
        let n_skipped = manifest.skipped.len();
        message.push_str(&format!(
            "; {n_skipped} could not be taken, such as {} ({})",
            first.file, first.reason
        ));
    }
    if !(input.include.is_empty() && input.exclude.is_empty()) {
        message.push_str("; --include and --exclude may leave too little");
    }
    message.push_str(
        ". Name a directory that holds agent sessions, such as ~/.openclaw, ~/.claude/projects or \
         ~/.codex/sessions",
    );
    Failure::permanent("NoSessions", message)
}

#[cfg(test)]
mod tests;
