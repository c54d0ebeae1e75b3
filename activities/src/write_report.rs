//! `WriteReport`: all files of a run, each written whole or not at all.
//!
//! Neighbours: [`trace::report`] makes pages, this puts them on disk. A file is written under a
//! temporary name in its directory, synced and renamed; directories are synced at the end. What an
//! earlier report left under `briefs/` and this one does not have is removed, nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::llm::coverage::{Coverage, markdown};
use trace::report::{report_html, rollup_md};
use trace::rollup::RollupDocument;
use trace::scrub::{Scrubbed, json_lines, json_pretty};
use trace::signal::MinedSignal;
use trace::ticket::Ticket;
use workflows::BriefLoopOutput;
use workflows::contracts::{self, WriteReportInput};

use crate::blobs;
use crate::errors::{blocking, check_canceled, io_failure};
use crate::limits::ROLLUPS_SHOWN_MAX;

const BRIEFS: &str = "briefs";

/// Writes all files of a run.
#[derive(Debug)]
pub struct WriteReport;

#[async_trait]
impl Activity for WriteReport {
    type Contract = contracts::WriteReport;

    async fn run(&self, cx: &ActivityCx, input: WriteReportInput) -> Result<Vec<String>, Failure> {
        blocking(cx, move |cx| {
            let files = contents(cx, &input)?;
            let out = Path::new(&input.out);
            // Two runs may write to one place: their temporary files must differ.
            let temporary = format!(".{}.tmp", cx.run_id());
            write_all(cx, out, &files, &temporary)?;
            Ok(files.into_keys().collect())
        })
        .await
    }
}

/// Names below `out`, with `/` between their parts, and what each file holds.
/// Only scrubbed bytes become files.
type Files = BTreeMap<String, Scrubbed<Vec<u8>>>;

fn contents(cx: &ActivityCx, input: &WriteReportInput) -> Result<Files, Failure> {
    let document: RollupDocument = blobs::json(cx, &input.rollup)?;
    let signals: Vec<MinedSignal> = blobs::lines(cx, &input.signals)?;
    let mut files = Files::new();
    let tickets: Vec<Ticket> = blobs::lines(cx, &input.tickets)?;
    let mut add = |name: &str, bytes| files.insert(name.to_owned(), bytes);
    let json = |e| Failure::internal(format!("could not write JSON: {e}"));
    add("signals.jsonl", json_lines(&signals).map_err(json)?);
    add("tickets.jsonl", json_lines(&tickets).map_err(json)?);
    add("rollup.json", json_pretty(&document).map_err(json)?);
    let mut rollup_md = rollup_md(&document, ROLLUPS_SHOWN_MAX);
    // Runs that were begun by an older version have none.
    let coverage: Option<Coverage> = match input.coverage.as_str() {
        "" => None,
        _ => Some(blobs::json(cx, &input.coverage)?),
    };
    let page = report_html(&document, &signals, coverage.as_ref());
    if let Some(section) = coverage.as_ref().and_then(markdown) {
        rollup_md = Scrubbed::concat(&[rollup_md, section]);
    }
    add("rollup.md", Scrubbed::bytes(rollup_md));
    if let Some(coverage) = coverage {
        add("coverage.json", json_pretty(&coverage).map_err(json)?);
    }
    add("report.html", Scrubbed::bytes(page));
    for brief in &input.briefs {
        let directory = brief_directory(brief)?;
        for (version, reviewed) in (1..).zip(&brief.versions) {
            let version: u32 = version;
            let name = format!("{BRIEFS}/{directory}/brief-v{version}");
            let mut add_text = |name: String, blob| -> Result<(), Failure> {
                let text = blobs::scrubbed_text(cx, blob)?;
                add(&name, Scrubbed::bytes(text));
                Ok(())
            };
            add_text(format!("{name}.md"), &reviewed.brief)?;
            add_text(format!("{name}.review.md"), &reviewed.review)?;
        }
    }
    Ok(files)
}

/// The directory of a brief. Its name comes from a title, which comes from a session: it is checked
/// again where it becomes a path.
fn brief_directory(brief: &BriefLoopOutput) -> Result<String, Failure> {
    let name = format!("{}-{}", brief.ticket.ticket_id, brief.ticket.slug);
    if is_ticket_directory(&name) {
        return Ok(name);
    }
    let message = format!("{name:?} is no name for the directory of a brief");
    Err(Failure::permanent("BadTicket", message))
}

/// `OCT-`, 8 hex digits, and words in `a-z0-9-`.
fn is_ticket_directory(name: &str) -> bool {
    let Some((digits, slug)) = name
        .strip_prefix("OCT-")
        .and_then(|rest| rest.split_once('-'))
    else {
        return false;
    };
    let is_slug = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    digits.len() == 8
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && !slug.is_empty()
        && slug.bytes().all(is_slug)
}

fn write_all(cx: &ActivityCx, out: &Path, files: &Files, temporary: &str) -> Result<(), Failure> {
    let failed = |doing: String| move |error: io::Error| out_failure(&doing, &error);
    if out.exists() && !out.is_dir() {
        let message = format!(
            "could not write the report: {} is a file; name a directory with --out",
            out.display()
        );
        return Err(Failure::permanent("OutIsAFile", message));
    }
    let mut directories: BTreeSet<&Path> = BTreeSet::from([out]);
    fs::create_dir_all(out).map_err(failed(format!("make {}", out.display())))?;
    let places: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (out.join(name), bytes))
        .collect();
    for (path, bytes) in &places {
        check_canceled(cx)?;
        let doing = || format!("write {}", path.display());
        let directory = path.parent().unwrap_or(out);
        fs::create_dir_all(directory).map_err(failed(doing()))?;
        write_whole(path, directory, bytes, temporary).map_err(failed(doing()))?;
        directories.extend(
            directory
                .ancestors()
                .take_while(|above| above.starts_with(out)),
        );
    }
    remove_old_briefs(out, files).map_err(failed("remove old briefs".to_owned()))?;
    // Above `out` it may not be ours to open: what fails there is no failure of the report.
    let _best_effort = out.parent().map(sync_directory);
    for directory in directories {
        sync_directory(directory).map_err(failed(format!("sync {}", directory.display())))?;
    }
    Ok(())
}

fn out_failure(doing: &str, error: &io::Error) -> Failure {
    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
    let hint = if full.contains(&error.kind()) {
        "; make room, the run goes on by itself"
    } else if error.kind() == ErrorKind::PermissionDenied {
        "; name another directory with --out"
    } else {
        ""
    };
    let mut failure = io_failure(doing, error);
    failure.message.push_str(hint);
    failure
}

/// **Durability**: the bytes survive a power cut; the name does once its directory is synced.
fn write_whole(
    path: &Path,
    directory: &Path,
    content: &Scrubbed<Vec<u8>>,
    temporary: &str,
) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = directory.join(format!(".{name}{temporary}"));
    let mut file = File::create(&hidden)?;
    file.write_all(content.get())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&hidden, path)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Other systems cannot open a directory as a file.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes briefs that this report does not have, from directories that are named like ours.
fn remove_old_briefs(out: &Path, files: &Files) -> io::Result<()> {
    let entries = match fs::read_dir(out.join(BRIEFS)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(directory) = entry.file_name().into_string() else {
            continue;
        };
        if !entry.file_type()?.is_dir() || !is_ticket_directory(&directory) {
            continue;
        }
        for old in fs::read_dir(entry.path())? {
            let old = old?;
            let Ok(name) = old.file_name().into_string() else {
                continue;
            };
            let is_wanted = files.contains_key(&format!("{BRIEFS}/{directory}/{name}"));
            if !is_wanted && is_brief_name(&name) && old.file_type()?.is_file() {
                fs::remove_file(old.path())?;
            }
        }
        // A directory in which somebody keeps notes of their own stays.
        match fs::remove_dir(entry.path()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
            Err(error) => return Err(error),
        }
    }
    match fs::remove_dir(out.join(BRIEFS)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
        Err(error) => Err(error),
    }
}

/// `brief-vN.md` and `brief-vN.review.md`.
fn is_brief_name(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("brief-v") else {
        return false;
    };
    let version = rest
        .strip_suffix(".review.md")
        .or_else(|| rest.strip_suffix(".md"));
    version.is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
