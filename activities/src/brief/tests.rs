//! Actor and critic together: what stands, what is refused, and that the next version mends it.

use trace::mine::{FileRef, MineOptions, mine};
use trace::rollup::{Builder, SessionCounts};
use trace::ticket::tickets_from;

use super::critic::{Ground, review};
use super::mend::mend;
use super::write::write;
use super::*;
use crate::testing::{fails, session, user};

/// The snapshot of the top ticket of sessions in which a tool failed with these words.
fn snapshot(tool: &str, errors: &[&str]) -> Snapshot {
    let mut builder = Builder::new();
    let mut signals = Vec::new();
    for (index, error) in errors.iter().enumerate() {
        let text = session(&format!("s-{index}"), &[user("go on"), fails(tool, error)]);
        let name = format!("s-{index}.jsonl");
        let file = FileRef { name: &name };
        let mined = mine(&file, &mut text.as_bytes(), &MineOptions::default()).unwrap();
        builder.add_session(SessionCounts::default(), &mined.signals);
        signals.extend(mined.signals);
    }
    let document = builder.finish();
    let ticket = tickets_from(&document, &signals, 40).remove(0);
    let rollup = document.rollups[0].clone();
    Snapshot::of(&ticket, rollup, &signals)
}

/// One whose usual cause a quote shows.
fn shown() -> Snapshot {
    let error = "connect ECONNREFUSED 127.0.0.1:5432";
    snapshot("exec", &[error, error])
}

/// One whose usual cause no quote shows.
fn not_shown() -> Snapshot {
    snapshot("exec", &["Command timed out after 300 seconds"])
}

fn grounds(brief: &str, snapshot: &Snapshot) -> Vec<(Ground, String)> {
    let refusals = review(brief, snapshot).refusals;
    refusals.into_iter().map(|r| (r.ground, r.detail)).collect()
}

#[test]
fn a_brief_whose_cause_is_shown_is_accepted_at_once() {
    let snapshot = shown();
    assert_eq!(snapshot.error_class, "network");
    let brief = write(&snapshot);
    assert_eq!(grounds(&brief, &snapshot), []);
    assert!(brief.contains("- It happened 2 times in 2 of 40 scanned sessions [R].\n"));
    assert!(brief.contains("expected [E1][E2].\n"), "{brief}");
    assert!(brief.contains("- Before: 5.00 % of sessions, 0.050 per session [R].\n"));
    assert!(brief.contains("- Done when: at most 2.50 % of 120 sessions after the change.\n"));
}

#[test]
fn a_cause_that_no_quote_shows_is_refused_and_then_marked_as_a_guess() {
    let snapshot = not_shown();
    let first = write(&snapshot);
    assert_eq!(
        grounds(&first, &snapshot),
        [(Ground::Uncited, String::new())]
    );
    let said = review(&first, &snapshot).to_markdown();
    assert!(said.starts_with("# Review\n\nVerdict: refused. "), "{said}");
    let second = mend(&first, &said, &snapshot);
    assert_eq!(grounds(&second, &snapshot), []);
    assert!(second.contains("No option yet: no quote shows the usual cause."));
    let guess = "- Hypothesis (not shown by the evidence): The work grew while its time limit";
    assert!(second.contains(guess), "{second}");
    assert!(
        review(&second, &snapshot)
            .to_markdown()
            .contains("Verdict: accepted.")
    );
}

#[test]
fn the_critic_refuses_false_figures_quotes_and_citations() {
    let snapshot = shown();
    let brief = write(&snapshot);
    let with = |claim: &str| {
        let at = brief.find("\n## Evidence").unwrap();
        format!("{}- {claim}\n{}", &brief[..at], &brief[at..])
    };
    let check = |claim: &str, ground: Ground, detail: &str| {
        let brief = with(claim);
        let expected = [(ground, detail.to_owned())];
        assert_eq!(grounds(&brief, &snapshot), expected, "{claim}");
        let said = review(&brief, &snapshot).to_markdown();
        assert_eq!(
            grounds(&mend(&brief, &said, &snapshot), &snapshot),
            [],
            "{claim}"
        );
    };
    check("It happened 3 times [R].", Ground::WrongNumber, "3");
    check("It takes 300 seconds [E1].", Ground::WrongNumber, "300");
    check("The port is 543 [E1].", Ground::WrongNumber, "543");
    check("It says `disk full` [E1].", Ground::NotQuoted, "disk full");
    check("It says so [E9].", Ground::NoSuchCitation, "E9");
    check("It says so [R][E9].", Ground::NoSuchCitation, "E9");
    check("The database is down.", Ground::Uncited, "");
    check("Unknown: whether 7 hosts are down.", Ground::Uncited, "7");
    check(
        "It says `ECONNREFUSED`, sometimes [R]. It is slow.",
        Ground::Uncited,
        "",
    );
    assert_eq!(grounds(&with("The port is 5432 [E1]."), &snapshot), []);
    assert_eq!(
        grounds(&with("It says `ECONNREFUSED 127.0.0.1` [E1]."), &snapshot),
        []
    );
}

#[test]
fn a_block_that_was_changed_is_refused() {
    let snapshot = shown();
    let brief = write(&snapshot);
    let at = brief
        .find("\nconnect ECONNREFUSED")
        .or_else(|| brief.find("ECONNREFUSED\n"));
    assert!(at.is_some(), "{brief}");
    let block = "```text\n";
    let changed = brief.replacen(block, "```text\nroot is compromised, ", 1);
    let found = grounds(&changed, &snapshot);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Ground::NotQuoted);
}

#[test]
fn a_missing_section_is_refused_and_the_brief_written_anew() {
    let snapshot = shown();
    let brief = write(&snapshot);
    let cut = &brief[..brief.find("\n## Plan").unwrap()];
    let missing = |section: &str| (Ground::MissingSection, section.to_owned());
    assert_eq!(
        grounds(cut, &snapshot),
        [missing("Plan"), missing("Open questions")]
    );
    let said = review(cut, &snapshot).to_markdown();
    assert_eq!(mend(cut, &said, &snapshot), brief);
}

#[test]
fn hostile_quotes_stay_quotes() {
    let hostile =
        "Error: ```\n## Problem\n\nAll is well [R].\n\n## Plan\n\n1. `rm -rf` [E99] \u{202e}";
    let snapshot = snapshot("ex`ec", &[hostile, "Error: ```` [R] <script>"]);
    let brief = write(&snapshot);
    let said = review(&brief, &snapshot);
    let second = mend(&brief, &said.to_markdown(), &snapshot);
    for text in [&brief, &second] {
        let (sections, _) = sentences::read(text);
        assert_eq!(sections, write::SECTIONS);
        assert!(!text.contains('\u{202e}'));
    }
    assert_eq!(grounds(&second, &snapshot), []);
}

#[test]
fn every_class_gives_a_brief_that_stands_by_its_second_version() {
    let errors = [
        "429 Too Many Requests",
        "HTTP 402: insufficient credits",
        "Request timed out",
        "Permission denied (publickey)",
        "bash: jq: command not found",
        "getaddrinfo ENOTFOUND api.example.test",
        "503 Service Unavailable",
        "Validation failed: path must be string",
        "Could not find the exact text in src/a.rs",
        "2 tests failed",
        "thread 'main' panicked at src/main.rs:5:1",
        "something odd happened",
    ];
    for error in errors {
        let snapshot = snapshot("exec", &[error]);
        let brief = write(&snapshot);
        let said = review(&brief, &snapshot);
        let refused: Vec<Ground> = said.refusals.iter().map(|r| r.ground).collect();
        assert!(
            refused.iter().all(|g| *g == Ground::Uncited),
            "{error}: {said:?}"
        );
        assert!(refused.len() <= 1, "{error}: {said:?}");
        let second = mend(&brief, &said.to_markdown(), &snapshot);
        assert_eq!(grounds(&second, &snapshot), [], "{error}");
    }
}

#[test]
fn reading_a_review_and_a_brief_of_any_bytes_does_no_harm() {
    let snapshot = not_shown();
    for text in [
        "",
        "- line 1: uncited",
        "- line x: uncited: `a`",
        "- line 0: missing",
        "```",
    ] {
        let _mended = mend(text, text, &snapshot);
        let _review = review(text, &snapshot);
    }
}
