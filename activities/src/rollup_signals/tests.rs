//! The rollup does not see in which order things came, nor what is there twice.

use super::*;
use crate::testing::{fails, session, user};
use trace::mine::{FileRef, MineOptions, Skipped, mine};

/// What a run without other runs gives.
fn roll_up(manifest: &Manifest, mined: Vec<MinedSession>) -> (RollupDocument, Vec<MinedSignal>) {
    let gathered = Gathered::of(manifest, mined, Vec::new());
    (gathered.document(manifest), gathered.signals())
}

fn mined(name: &str, id: &str, error: &str) -> MinedSession {
    let text = session(id, &[user("go on"), fails("exec", error)]);
    mine(
        &FileRef { name },
        &mut text.as_bytes(),
        &MineOptions::default(),
    )
    .unwrap()
}

#[test]
fn any_order_of_files_gives_the_same_bytes() {
    let sessions = vec![
        mined("c.jsonl", "s-3", "connection refused"),
        mined("a.jsonl", "s-1", "connection refused"),
        mined("b.jsonl", "s-2", "npm: command not found"),
    ];
    let manifest = Manifest::default();
    let expected = roll_up(&manifest, sessions.clone());
    assert_eq!(expected.1.len(), 3);
    for turn in 0..sessions.len() {
        let mut turned = sessions.clone();
        turned.rotate_left(turn);
        let rolled = roll_up(&manifest, turned);
        let bytes = |rolled| serde_json::to_vec(rolled).unwrap();
        assert_eq!(bytes(&rolled), bytes(&expected));
    }
}

#[test]
fn a_line_that_two_files_hold_counts_once() {
    let archive = mined("s.jsonl.reset.2026", "s-1", "connection refused");
    let live = mined("s.jsonl", "s-1", "connection refused");
    let other = mined("t.jsonl", "s-2", "connection refused");
    let (document, signals) = roll_up(&Manifest::default(), vec![archive, other, live]);
    let files: Vec<&str> = signals.iter().map(|s| s.source.file.as_str()).collect();
    assert_eq!(files, ["s.jsonl", "t.jsonl"]);
    assert_eq!(document.rollups[0].count_items, 2);
    assert_eq!(document.counts.signals, 2);
}

#[test]
fn what_was_skipped_anywhere_is_in_the_document() {
    let manifest = Manifest {
        files: Vec::new(),
        skipped: vec![Skipped::new("x.jsonl", 0, "empty file")],
        skipped_more: 4,
    };
    let mut session = mined("a.jsonl", "s-1", "connection refused");
    session.skipped_more = 2;
    let (document, _) = roll_up(&manifest, vec![session]);
    let reasons: Vec<&str> = document.skipped.iter().map(|s| s.reason.as_str()).collect();
    let expected = [
        "4 more files beyond the limit",
        "2 more lines beyond the limit",
        "empty file",
    ];
    assert_eq!(reasons, expected);
}
