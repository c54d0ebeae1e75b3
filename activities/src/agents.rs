//! Where the agents of this machine keep their sessions.
//!
//! Neighbours: the command line asks when the user names no path. Must not know whose home it is
//! given, and must not read a session.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::limits::{DEPTH_MAX, ENTRIES_MAX};
use crate::pieces::Pieces;

/// A directory or a store with sessions of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAgent {
    /// The agent, by the name of its directory.
    pub name: String,
    /// The directory, or the store, that holds sessions.
    pub path: PathBuf,
    /// Files below it that are named like sessions; 1 for a store.
    pub files: u64,
}

/// Sessions lie in files up to 2026.8 and in stores from 2026.9 on; both stay when a home is upgraded.
const OPENCLAW: &[Place] = &[
    Place::OfAgents,
    Place::At("cron/runs"),
    Place::StoresOfAgents,
    Place::Store("state/openclaw.sqlite"),
    Place::Logs,
];

/// Agents, the directory of each below a home, and where in it sessions lie.
const PLACES: &[(&str, &str, &[Place])] = &[
    ("openclaw", ".openclaw", OPENCLAW),
    ("clawdbot", ".clawdbot", OPENCLAW),
    ("moltbot", ".moltbot", OPENCLAW),
    ("claude", ".claude/projects", &[Place::At("")]),
    (
        "codex",
        ".codex",
        &[Place::At("sessions"), Place::At("archived_sessions")],
    ),
    ("pi", ".pi/agent/sessions", &[Place::At("")]),
    ("copilot", ".copilot/session-state", &[Place::At("")]),
    ("gemini", ".gemini/tmp", &[Place::At("")]),
    ("droid", ".factory/sessions", &[Place::At("")]),
    ("cursor", ".cursor/projects", &[Place::At("")]),
    ("kiro", ".kiro/sessions/cli", &[Place::At("")]),
    (
        "opencode",
        ".local/share/opencode/storage",
        &[Place::InPieces],
    ),
    ("opencode", ".local/share/opencode", &[Place::Stores]),
];

/// Directories below one for temporary files in which a gateway writes its logs, by the day.
const LOGS: &[(&str, &str)] = &[
    ("openclaw", "openclaw"),
    ("clawdbot", "clawdbot"),
    ("moltbot", "moltbot"),
];

#[derive(Clone, Copy, Debug)]
enum Place {
    /// `agents/*/sessions`.
    OfAgents,
    /// A directory below.
    At(&'static str),
    /// `agents/*/agent/openclaw-agent.sqlite`.
    StoresOfAgents,
    /// A file below.
    Store(&'static str),
    /// Files in it that are named like stores.
    Stores,
    /// `logs/gateway*.log`, what the gateway's service printed. Logs of other things lie beside them.
    Logs,
    /// A storage of sessions that lie in many files each.
    InPieces,
}

/// The places below `home` that hold session files, in a fixed order, then logs of gateways below `temporary`. A
/// directory that is reached by two names, as after a renamed agent left a link, is given once.
#[must_use]
pub fn agents_of_this_machine(home: &Path, temporary: &[PathBuf]) -> Vec<FoundAgent> {
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut found = Vec::new();
    for (name, directory, places) in PLACES {
        for place in *places {
            for path in places_of(&home.join(directory), *place) {
                let Ok(whole) = fs::canonicalize(&path) else {
                    continue;
                };
                if !seen.insert(whole) {
                    continue;
                }
                let files = match place {
                    Place::InPieces => count(&path, &|file| Pieces::of(file).is_some()),
                    Place::OfAgents
                    | Place::At(_)
                    | Place::StoresOfAgents
                    | Place::Store(_)
                    | Place::Stores
                    | Place::Logs => {
                        if path.is_dir() {
                            count(&path, &crate::discover::is_session_name)
                        } else {
                            1
                        }
                    }
                };
                if files > 0 {
                    let name = (*name).to_owned();
                    found.push(FoundAgent { name, path, files });
                }
            }
        }
    }
    for directory in temporary {
        for (name, below) in LOGS {
            let path = directory.join(below);
            let Ok(whole) = fs::canonicalize(&path) else {
                continue;
            };
            let start = format!("{name}-");
            let files = count(&path, &|file| is_log(file, &start));
            if files > 0 && seen.insert(whole) {
                let name = (*name).to_owned();
                found.push(FoundAgent { name, path, files });
            }
        }
    }
    found
}

/// Where gateways make their directories: the system's for temporary files, and `/tmp` whatever the system says.
#[must_use]
pub fn temporary_directories() -> Vec<PathBuf> {
    let mut directories = vec![std::env::temp_dir()];
    if cfg!(unix) && directories[0] != Path::new("/tmp") {
        directories.push(PathBuf::from("/tmp"));
    }
    directories
}

fn is_log(path: &Path, start: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(start) && name.ends_with(".log")
}

fn places_of(root: &Path, place: Place) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = match place {
        Place::At("") => vec![root.to_path_buf()],
        Place::At(below) => vec![root.join(below)],
        Place::OfAgents => list(&root.join("agents"))
            .map(|agent| agent.join("sessions"))
            .collect(),
        Place::StoresOfAgents => list(&root.join("agents"))
            .map(|agent| agent.join("agent/openclaw-agent.sqlite"))
            .collect(),
        Place::Store(below) => vec![root.join(below)],
        Place::Stores => list(root).filter(|path| path.is_file()).collect(),
        Place::Logs => list(&root.join("logs"))
            .filter(|path| is_log(path, "gateway"))
            .collect(),
        Place::InPieces => vec![root.to_path_buf()],
    };
    let is_wanted = |path: &Path| match place {
        Place::Logs => true,
        Place::OfAgents
        | Place::At(_)
        | Place::StoresOfAgents
        | Place::Store(_)
        | Place::Stores
        | Place::InPieces => crate::sqlite::is_store_name(path),
    };
    paths.retain(|path| path.is_dir() || (path.is_file() && is_wanted(path)));
    paths.sort();
    paths
}

/// What a directory holds; nothing when it cannot be read.
fn list(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map_while(Result::ok).map(|entry| entry.path())
}

/// Files below a directory that are wanted; links to directories are not followed.
fn count(root: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> u64 {
    let mut files = 0;
    let mut seen = 0;
    let mut waiting = vec![(root.to_path_buf(), 0)];
    while let Some((directory, depth)) = waiting.pop() {
        for path in list(&directory) {
            seen += 1;
            if seen > ENTRIES_MAX {
                return files;
            }
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            if metadata.is_dir() && depth < DEPTH_MAX {
                waiting.push((path, depth + 1));
            } else if path.is_file() && is_wanted(&path) {
                files += 1;
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}\n").unwrap();
    }

    #[test]
    fn every_agent_is_found_once_with_its_files() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        touch(&at(".clawdbot/agents/main/sessions/a.jsonl"));
        touch(&at(
            ".clawdbot/agents/main/sessions/b.jsonl.reset.2026-01-01",
        ));
        touch(&at(".clawdbot/agents/main/sessions/sessions.json"));
        touch(&at(".clawdbot/agents/side/sessions/c.jsonl"));
        touch(&at(".clawdbot/cron/runs/job.jsonl"));
        touch(&at(".clawdbot/agents/main/agent/openclaw-agent.sqlite"));
        touch(&at(".clawdbot/agents/main/agent/auth-profiles.json"));
        touch(&at(".clawdbot/state/openclaw.sqlite"));
        touch(&at(".codex/sessions/2026/03/01/rollout-x.jsonl"));
        touch(&at(".codex/archived_sessions/rollout-y.jsonl"));
        touch(&at(".claude/projects/notes.txt"));
        touch(&at(".copilot/session-state/1/events.jsonl"));
        touch(&at(".gemini/tmp/00/chats/session-1.json"));
        touch(&at(".gemini/tmp/00/logs.json"));
        touch(&at(".factory/sessions/-w/1.jsonl"));
        touch(&at(".factory/sessions/-w/1.settings.json"));
        touch(&at(".cursor/projects/w/agent-transcripts/1/1.jsonl"));
        touch(&at(".clawdbot/logs/gateway.err.log"));
        touch(&at(".clawdbot/logs/config-audit.jsonl"));
        touch(&at(".local/share/opencode/storage/session/p/ses_1.json"));
        touch(&at(".local/share/opencode/storage/session/p/ses_2.json"));
        touch(&at(".local/share/opencode/storage/message/ses_1/m.json"));
        touch(&at(".local/share/opencode/opencode.db"));
        touch(&at(".local/share/opencode/opencode.db-wal"));
        touch(&at(".local/share/opencode/opencode-dev.db"));
        touch(&at(".kiro/sessions/cli/1.jsonl"));
        touch(&at(".kiro/sessions/cli/1.json"));
        touch(&at("tmp/clawdbot/clawdbot-2026-03-01.log"));
        touch(&at("tmp/clawdbot/clawdbot-2026-03-02.log"));
        touch(&at("tmp/moltbot/voice.ogg"));
        #[cfg(unix)]
        std::os::unix::fs::symlink(at(".clawdbot"), at(".openclaw")).unwrap();

        // The same directory by two names is one.
        let temporary = [at("tmp"), at("tmp")];
        let found = agents_of_this_machine(home.path(), &temporary);
        let shown: Vec<(&str, u64)> = found.iter().map(|a| (a.name.as_str(), a.files)).collect();
        let (first, rest) = shown.split_at(6);
        let agent = if cfg!(unix) { "openclaw" } else { "clawdbot" };
        assert_eq!(
            first,
            [
                (agent, 2),
                (agent, 1),
                (agent, 1),
                (agent, 1),
                (agent, 1),
                (agent, 1)
            ]
        );
        let (one_each, logs) = rest.split_at(10);
        let names = [
            "codex", "codex", "copilot", "gemini", "droid", "cursor", "kiro", "opencode",
            "opencode", "opencode",
        ];
        assert_eq!(one_each, names.map(|name| (name, 1)));
        assert_eq!(logs, [("clawdbot", 2)]);
        assert!(agents_of_this_machine(&at("nobody"), &[at("nothing")]).is_empty());
    }
}
