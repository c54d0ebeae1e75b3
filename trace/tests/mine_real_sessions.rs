//! The miner over real session files, when the checkout has them beside it.
//!
//! Says loudly when they are missing, because then nothing was tested here.

#![expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; this test feeds it real files"
)]

use std::fs;
use std::path::{Path, PathBuf};

use trace::mine::{FileRef, MineOptions, mine};

fn files_below(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Formats that are cut into elements of a list, not into lines.
const DOCUMENTS: &[&str] = &[
    "gemini",
    "kiro",
    "opencode",
    "openhands",
    "otel",
    "swe-agent",
];

#[test]
fn real_sessions_are_read_without_panic_and_with_evidence_for_every_signal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/sessions");
    let mut files = Vec::new();
    files_below(&root, &mut files);
    if files.is_empty() {
        println!("NOT TESTED: no session files below {}", root.display());
        return;
    }
    let (mut sessions, mut signals) = (0, 0);
    for path in &files {
        let name = path
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let bytes = fs::read(path).unwrap();
        let mut reader = bytes.as_slice();
        let session = mine(
            &FileRef { name: &name },
            &mut reader,
            &MineOptions::default(),
        )
        .unwrap();
        assert_eq!(
            session.signals_rejected, 0,
            "{name}: a quote was not in its event"
        );
        let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        for signal in &session.signals {
            assert!(!signal.evidence.is_empty(), "{name}: {}", signal.signal_id);
            for evidence in &signal.evidence {
                // A record of a document begins there, and may end on another line.
                let line = lines[usize::try_from(evidence.line).unwrap() - 1];
                if DOCUMENTS.contains(&session.format.as_str()) {
                    continue;
                }
                let digest = format!("sha256:{}", trace::hash::short_hex(line, 16));
                assert_eq!(evidence.digest, digest, "{name}:{}", evidence.line);
            }
        }
        let mut again = bytes.as_slice();
        let second = mine(
            &FileRef { name: &name },
            &mut again,
            &MineOptions::default(),
        )
        .unwrap();
        assert_eq!(session, second, "{name}: mining twice gives two results");
        sessions += usize::from(session.is_session);
        signals += session.signals.len();
    }
    println!(
        "{} files, {sessions} sessions, {signals} signals",
        files.len()
    );
    assert!(sessions * 2 > files.len(), "most files are sessions");
    assert!(signals > 0);
}

#[test]
fn a_file_cut_anywhere_is_still_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/sessions");
    let mut files = Vec::new();
    files_below(&root, &mut files);
    if files.is_empty() {
        println!("NOT TESTED: no session files below {}", root.display());
        return;
    }
    for path in files.iter().step_by(7) {
        let bytes = fs::read(path).unwrap();
        for part in 1..8 {
            let mut cut = &bytes[..bytes.len() * part / 8];
            let session =
                mine(&FileRef { name: "cut" }, &mut cut, &MineOptions::default()).unwrap();
            assert!(session.skipped.len() <= 100);
        }
    }
}
