//! Tests of `rollup`.

use proptest::prelude::*;

use super::*;
use crate::signal::{Evidence, Source, Span};

/// Text of a test, through the same door as any other.
pub(crate) fn clean(text: &str) -> Scrubbed {
    Scrubber::shared().scrub(text)
}

/// A signal of a made-up session.
pub(crate) fn signal(session: &str, line: u64, cause: &str) -> MinedSignal {
    MinedSignal {
        schema_version: SCHEMA_VERSION,
        signal_id: format!("sig_{session}_{line}_{cause}"),
        session_id: clean(session),
        source: Source {
            format: "openclaw".into(),
            file: clean(&format!("{session}.jsonl")),
            line,
        },
        kind: Kind::Error,
        class: Class::Defect,
        tool: clean("exec"),
        summary: clean(&format!("{cause} in {session}")),
        severity: Severity::Medium,
        confidence: 0.9,
        tags: vec![format!("error_class:{cause}"), "repeats:3".into()],
        span: Span {
            start: line,
            end: line,
        },
        evidence: vec![Evidence {
            line,
            role: "tool".into(),
            quote: clean(&format!("error: {cause}")),
            digest: "sha256:0011223344556677".into(),
        }],
        fingerprint_id: format!("fp1:{cause}"),
        merged_from: String::new(),
        signature: clean(&format!("error|exec|{cause}|error: {cause}")),
        message: clean(&format!("error: {cause}")),
        at: format!("2026-03-{:02}T10:00:00Z", 1 + line % 28),
    }
}

fn counts() -> SessionCounts {
    SessionCounts {
        lines: 10,
        events: 8,
        bytes: 1000,
    }
}

fn skipped(file: &str, line: u64) -> Skipped {
    Skipped::new(file, line, "not JSON")
}

#[test]
fn signals_of_one_fingerprint_are_one_rollup() {
    let mut builder = Builder::new();
    let mut second = signal("b", 4, "timeout");
    second.severity = Severity::High;
    builder.add_session(counts(), &[second, signal("b", 2, "timeout")]);
    builder.add_session(counts(), &[signal("a", 7, "timeout")]);
    builder.add_session(counts(), &[]);
    let document = builder.finish();
    assert_eq!(document.counts.sessions, 3);
    assert_eq!(document.counts.sessions_with_signals, 2);
    assert_eq!(document.counts.signals, 3);
    assert_eq!(document.counts.bytes, 3000);
    let [rollup] = document.rollups.as_slice() else {
        panic!("one rollup")
    };
    assert_eq!((rollup.count_items, rollup.count_sessions), (3, 2));
    assert_eq!(rollup.max_severity, Severity::High);
    assert_eq!(rollup.tier, 1);
    assert_eq!(rollup.summary, "timeout in a");
    assert_eq!(rollup.first_seen, "2026-03-03T10:00:00Z");
    assert_eq!(rollup.last_seen, "2026-03-08T10:00:00Z");
    assert_eq!(rollup.tags, ["error_class:timeout"]);
}

#[test]
fn samples_come_from_many_sessions_first() {
    let mut builder = Builder::new();
    let many: Vec<MinedSignal> = (1..=9).map(|line| signal("a", line, "x")).collect();
    builder.add_session(counts(), &many);
    builder.add_session(counts(), &[signal("b", 40, "x"), signal("b", 50, "x")]);
    let document = builder.finish();
    let places: Vec<(&str, u64)> = document.rollups[0]
        .samples
        .iter()
        .map(|s| (s.session_id.as_str(), s.line))
        .collect();
    assert_eq!(places, [("a", 1), ("a", 2), ("a", 3), ("b", 40), ("b", 50)]);
}

#[test]
fn the_worst_comes_first_and_ties_go_by_id() {
    let mut incident = signal("a", 1, "outage");
    incident.tags.push("incident".into());
    let mut calm = signal("a", 2, "calm");
    calm.kind = Kind::Other;
    calm.severity = Severity::Low;
    let mut builder = Builder::new();
    let one = signal("a", 3, "one");
    let two = signal("a", 4, "two");
    builder.add_session(counts(), &[calm, two, one, incident]);
    let document = builder.finish();
    let ids: Vec<&str> = document
        .rollups
        .iter()
        .map(|r| r.fingerprint_id.as_str())
        .collect();
    assert_eq!(ids, ["fp1:outage", "fp1:one", "fp1:two", "fp1:calm"]);
    let tiers: Vec<u8> = document.rollups.iter().map(|r| r.tier).collect();
    assert_eq!(tiers, [1, 2, 2, 3]);
}

#[test]
fn the_document_has_the_fields_of_the_contract() {
    let mut builder = Builder::new();
    builder.add_session(counts(), &[signal("a", 1, "x")]);
    builder.add_skipped(skipped("a.jsonl", 3));
    let value = serde_json::to_value(builder.finish()).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let mut found = keys(&value);
    found.sort();
    assert_eq!(
        found,
        [
            "absent",
            "counts",
            "overview",
            "rollups",
            "schema_version",
            "skipped",
            "skips"
        ]
    );
    let mut rollup = keys(&value["rollups"][0]);
    rollup.sort();
    assert_eq!(
        rollup,
        [
            "class",
            "count_items",
            "count_sessions",
            "fingerprint_id",
            "first_seen",
            "kind",
            "last_seen",
            "max_severity",
            "per_1000_events",
            "per_100_sessions",
            "samples",
            "score",
            "signature",
            "standing",
            "summary",
            "symptom_of",
            "tags",
            "tier",
            "tier_reasons",
            "tool",
        ]
    );
    assert_eq!(value["rollups"][0]["score"].to_string(), "2.99");
}

#[test]
fn signals_are_sorted_by_file_line_and_id() {
    let mut signals = vec![
        signal("b", 1, "x"),
        signal("a", 9, "y"),
        signal("a", 9, "x"),
    ];
    sort_signals(&mut signals);
    let ids: Vec<&str> = signals.iter().map(|s| s.signal_id.as_str()).collect();
    assert_eq!(ids, ["sig_a_9_x", "sig_a_9_y", "sig_b_1_x"]);
}

type Session = Vec<(u64, u8, u8)>;

fn build(sessions: &[(usize, Session)], parts: usize) -> String {
    let mut builders = vec![Builder::new(); parts.max(1)];
    for (turn, (index, session)) in sessions.iter().enumerate() {
        let name = format!("s{}", index % 7);
        let signals: Vec<MinedSignal> = session
            .iter()
            .map(|(line, cause, severity)| {
                let mut mined = signal(&name, *line, ["a", "b", "c"][usize::from(cause % 3)]);
                mined.signal_id = format!("sig_{index}_{line}_{cause}_{severity}");
                mined.severity = [Severity::Low, Severity::High][usize::from(severity % 2)];
                if severity % 3 == 0 {
                    mined.at.clear();
                    mined.tags.push("incident".into());
                }
                mined
            })
            .collect();
        let builder = &mut builders[turn % parts.max(1)];
        builder.add_session(counts(), &signals);
        builder.add_skipped(skipped(&name, *index as u64));
    }
    let mut all = Builder::new();
    for part in builders {
        all.merge(part);
    }
    serde_json::to_string(&all.finish()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_split_gives_the_same_bytes(
        (sessions, shuffled) in prop::collection::vec(
            prop::collection::vec((1..30_u64, any::<u8>(), any::<u8>()), 0..8), 0..12,
        ).prop_map(|sessions| sessions.into_iter().enumerate().collect::<Vec<_>>())
         .prop_flat_map(|sessions| (Just(sessions.clone()), Just(sessions).prop_shuffle())),
        parts in 1..5_usize,
    ) {
        prop_assert_eq!(build(&sessions, 1), build(&shuffled, parts));
    }
}
