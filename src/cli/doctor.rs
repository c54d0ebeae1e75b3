//! `doctor`: checks the installation, the store and what can be mined here; says what to do.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::args::Global;
use super::{collect, output};
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::time_text;

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    /// `ok`, `warn` or `bad`.
    verdict: &'static str,
    found: String,
    /// What to do, empty when nothing.
    advice: String,
}

fn check(name: &'static str, verdict: &'static str, found: String, advice: &str) -> Check {
    Check {
        name,
        verdict,
        found,
        advice: advice.to_owned(),
    }
}

pub(super) async fn run(global: &Global) -> Result<ExitCode, FaceError> {
    let dir = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let mut checks = vec![check(
        "version",
        "ok",
        format!("openclaw-trace {}", env!("CARGO_PKG_VERSION")),
        "",
    )];
    checks.push(directory(&dir));
    checks.push(store(&dir).await);
    checks.push(blobs(&dir));
    checks.push(agents());
    checks.push(check("models", "ok", models(), ""));
    let bad = checks.iter().any(|c| c.verdict == "bad");
    if global.json {
        output::json(&checks)?;
    } else {
        for check in &checks {
            output::text_out(&format!(
                "{:<5} {:<10} {}",
                check.verdict, check.name, check.found
            ));
            if !check.advice.is_empty() {
                output::text_out(&format!("      {:<10} → {}", "", check.advice));
            }
        }
    }
    Ok(if bad {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

fn models() -> String {
    let access = activities::model::Access::from_environment();
    let mut keys = Vec::new();
    if access.anthropic.is_some() {
        keys.push("anthropic");
    }
    if access.openai.is_some() {
        keys.push("openai");
    }
    if keys.is_empty() {
        "none needed: rules work offline (--llm none)".to_owned()
    } else {
        format!(
            "keys for {} are set; rules work offline (--llm none)",
            keys.join(" and ")
        )
    }
}

fn directory(dir: &Path) -> Check {
    let shown = dir.display().to_string();
    match std::fs::metadata(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => check(
            "state",
            "ok",
            format!("{shown} is not there yet; the first run makes it"),
            "",
        ),
        Err(error) => check(
            "state",
            "bad",
            format!("{shown}: {error}"),
            "check its permissions",
        ),
        Ok(meta) if !meta.is_dir() => check(
            "state",
            "bad",
            format!("{shown} is not a directory"),
            "name another with --state",
        ),
        Ok(_) => {
            let probe = dir.join(".doctor-probe");
            let written = std::fs::write(&probe, b"probe");
            let removed = std::fs::remove_file(&probe);
            match written.and(removed) {
                Ok(()) => check("state", "ok", format!("{shown} ({})", size(dir)), ""),
                Err(error) => check(
                    "state",
                    "bad",
                    format!("{shown} cannot be written: {error}"),
                    "free some space or mend the permissions; nothing acknowledged is lost",
                ),
            }
        }
    }
}

/// Bytes of all files below a directory, at most some thousand files of it.
fn size(dir: &Path) -> String {
    let (mut bytes, mut files) = (0_u64, 0_u32);
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                todo.push(entry.path());
            } else {
                bytes += meta.len();
                files += 1;
            }
            if files > 100_000 {
                return format!("more than {}", time_text::bytes(bytes));
            }
        }
    }
    time_text::bytes(bytes)
}

async fn store(dir: &Path) -> Check {
    if !dir.join("FORMAT").exists() {
        return check("store", "ok", "none yet".to_owned(), "");
    }
    let host = match Host::open(dir, Role::Visitor, Missing::Refuse).await {
        Ok(host) => host,
        Err(error) => return check("store", "bad", error.message, &error.hint),
    };
    let owner = host.remote_pid().map_or_else(
        || "opened; no other process owns it".to_owned(),
        |pid| format!("process {pid} owns it and answers"),
    );
    let answer = host
        .ask(Request::List {
            limit: u64::MAX,
            open_only: true,
        })
        .await;
    host.close().await;
    match answer {
        Ok(Answer::List(open)) if open.is_empty() => {
            check("store", "ok", format!("{owner}; no run is open"), "")
        }
        Ok(Answer::List(open)) => {
            let roots = open.iter().filter(|row| row.parent.is_none()).count();
            check(
                "store",
                "warn",
                format!("{owner}; {roots} runs are open"),
                "openclaw-trace resume goes on with them",
            )
        }
        Ok(other) => check("store", "bad", format!("unexpected answer {other:?}"), ""),
        Err(error) => check("store", "bad", error.message, &error.hint),
    }
}

fn blobs(dir: &Path) -> Check {
    if !dir.join("FORMAT").exists() {
        return check("blobs", "ok", "none yet".to_owned(), "");
    }
    match collect::count(dir) {
        Ok(None) => check(
            "blobs",
            "ok",
            "not looked at: another process is at work on them".to_owned(),
            "",
        ),
        Ok(Some(census)) if census.orphans.count == 0 => {
            check("blobs", "ok", collect::said(census.blobs), "")
        }
        Ok(Some(census)) => {
            let since = census.oldest_orphan_at.map(time_text::iso);
            let since = since.map_or_else(String::new, |at| format!(", since {at}"));
            let (all, orphans) = (collect::said(census.blobs), collect::said(census.orphans));
            check(
                "blobs",
                "warn",
                format!("{all}; nothing names {orphans} of them{since}"),
                "openclaw-trace doctor --collect takes these away",
            )
        }
        Err(error) => check("blobs", "bad", error.message, &error.hint),
    }
}

fn agents() -> Check {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let temporary = activities::agents::temporary_directories();
    let found = activities::agents::agents_of_this_machine(&home, &temporary);
    if found.is_empty() {
        return check(
            "agents",
            "warn",
            "no agent sessions found below the home directory".to_owned(),
            "name a directory: openclaw-trace run PATH",
        );
    }
    let list: Vec<_> = found
        .iter()
        .map(|a| format!("{} ({} files)", a.name, a.files))
        .collect();
    check("agents", "ok", list.join(", "), "")
}
