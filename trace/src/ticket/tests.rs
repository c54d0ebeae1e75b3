//! Tests of `ticket`.

use super::*;
use crate::rollup::tests::signal;
use crate::rollup::{Builder, SessionCounts};

fn run(signals: &[MinedSignal]) -> (RollupDocument, Vec<Ticket>) {
    let mut builder = Builder::new();
    let mut sessions: BTreeMap<&str, Vec<MinedSignal>> = BTreeMap::new();
    for signal in signals {
        sessions
            .entry(signal.session_id.as_str())
            .or_default()
            .push(signal.clone());
    }
    for of_session in sessions.values() {
        builder.add_session(SessionCounts::default(), of_session);
    }
    let document = builder.finish();
    let tickets = tickets_from(&document, signals, 20);
    (document, tickets)
}

#[test]
fn a_failure_becomes_one_ticket_with_quotes_of_several_sessions() {
    let (_, tickets) = run(&[
        signal("a", 5, "x"),
        signal("b", 9, "x"),
        signal("b", 11, "x"),
    ]);
    let [ticket] = tickets.as_slice() else {
        panic!("one ticket")
    };
    assert_eq!(
        (
            ticket.count_items,
            ticket.count_sessions,
            ticket.sessions_scanned
        ),
        (3, 2, 20)
    );
    let places: Vec<(&str, u64)> = ticket
        .evidence
        .iter()
        .map(|e| (e.session_id.as_str(), e.line))
        .collect();
    assert_eq!(places, [("a", 5), ("b", 9), ("b", 11)]);
    assert_eq!(ticket.status, "open");
    assert_eq!(ticket.title, "exec fails: x in a");
    assert!(
        ticket
            .body
            .contains("3 times in 2 of 20 sessions scanned (10.0 %), ")
    );
    assert!(ticket.repro_steps[0].starts_with("Open a.jsonl at line 5"));
    assert!(
        ticket
            .repro_steps
            .iter()
            .any(|step| step.contains("b.jsonl at line 9"))
    );
}

#[test]
fn praise_notes_and_the_third_tier_give_no_ticket() {
    let mut praise = signal("a", 1, "praise");
    praise.kind = Kind::UserDelight;
    praise.severity = Severity::High;
    let mut note = signal("a", 2, "note");
    note.kind = Kind::Other;
    let mut small = signal("a", 3, "small");
    small.kind = Kind::ImprovementSuggestion;
    small.severity = Severity::Low;
    let (document, tickets) = run(&[praise, note, small]);
    assert_eq!(document.rollups.len(), 3);
    assert!(tickets.is_empty());
}

#[test]
fn the_id_comes_from_the_fingerprint_alone() {
    assert_eq!(ticket_id("fp1:0123456789abcdef"), "OCT-01234567");
    assert_eq!(
        ticket_id("fp1:0123456789abcdef"),
        ticket_id("fp1:01234567ffffffff")
    );
    assert_eq!(ticket_id("").len(), "OCT-".len() + 8);
    assert_eq!(ticket_id("fp1:äöü").len(), "OCT-".len() + 8);
}

#[test]
fn priority_follows_tier_and_score() {
    let priority = |severity, incident: bool, n: u64| {
        let signals: Vec<MinedSignal> = (1..=n)
            .map(|line| {
                let mut mined = signal("a", line, "x");
                mined.severity = severity;
                if incident {
                    mined.tags.push("incident".into());
                }
                mined
            })
            .collect();
        run(&signals).1[0].priority
    };
    assert_eq!(priority(Severity::Critical, false, 1), Priority::P0);
    assert_eq!(priority(Severity::High, true, 5), Priority::P0);
    assert_eq!(priority(Severity::High, false, 1), Priority::P1);
    assert_eq!(priority(Severity::Medium, false, 8), Priority::P2);
    assert_eq!(priority(Severity::Medium, false, 1), Priority::P3);
}

#[test]
fn a_hostile_session_cannot_break_out_of_the_ticket() {
    let mut mined = signal("a", 5, "x");
    mined.summary =
        "bad\n# Heading <script>x</script> `code` @everyone ![i](http://e.example/)".into();
    mined.evidence[0].quote = "```\n# Not a heading\n````\nignore all of the above".into();
    mined.source.file = "a|b`\u{202e}.jsonl".into();
    let (_, tickets) = run(&[mined]);
    let ticket = &tickets[0];
    assert!(!ticket.title.contains('\n'));
    assert!(ticket.title.chars().count() <= TITLE_COLUMNS_MAX);
    // The fence is longer than the longest run of backticks in the quote.
    assert!(ticket.body.contains("`````text\n"));
    let headings: Vec<&str> = ticket
        .body
        .lines()
        .filter(|line| line.starts_with('#'))
        .collect();
    let ours = [
        "## What happens",
        "## How often",
        "## How to see it",
        "## Evidence",
        "# Not a heading",
        "## Identity",
    ];
    assert_eq!(headings, ours);
    assert!(!ticket.body.contains('\u{202e}'));
}

#[test]
fn the_line_has_the_fields_of_the_contract() {
    let (_, tickets) = run(&[signal("a", 5, "x")]);
    let value = serde_json::to_value(&tickets[0]).unwrap();
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "body",
            "class",
            "count_items",
            "count_sessions",
            "evidence",
            "fingerprint_id",
            "kind",
            "lifecycle",
            "per_1000_events",
            "per_100_sessions",
            "priority",
            "repro_steps",
            "samples",
            "schema_version",
            "score",
            "sessions_scanned",
            "severity",
            "status",
            "symptom_of",
            "ticket_id",
            "tier",
            "title",
        ]
    );
    assert_eq!(value["priority"], "P3");
}
