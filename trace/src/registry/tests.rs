//! Tests of `registry`.

use super::aliases::Aliases;
use super::*;
use crate::rollup::tests::signal;

/// A session that ended on a day of March, with these failures.
pub(super) fn session(name: &str, day: u64, causes: &[&str]) -> MinedSession {
    let at = format!("2026-03-{day:02}T10:00:00Z");
    let signals = causes.iter().zip(1..).map(|(cause, line)| {
        let mut signal = signal(name, line, cause);
        signal.at.clone_from(&at);
        signal
    });
    MinedSession {
        session_id: name.into(),
        format: "openclaw".to_owned(),
        file: format!("{name}.jsonl").as_str().into(),
        events: 50,
        signals: signals.collect(),
        first_at: at.clone(),
        last_at: at,
        is_session: true,
        ..MinedSession::default()
    }
}

pub(super) fn apply(registry: &mut Registry, sessions: &[MinedSession]) {
    let mut batch = Batch::default();
    for session in sessions {
        batch.add(session);
    }
    registry.apply(batch, &BTreeMap::new());
}

pub(super) fn clean(from: u64, n: u64, day: u64) -> Vec<MinedSession> {
    (from..from + n)
        .map(|i| session(&format!("clean-{i}"), day, &[]))
        .collect()
}

fn state(registry: &Registry, cause: &str) -> State {
    registry.standing(&format!("fp1:{cause}")).unwrap().state
}

#[test]
fn whole_state_files_do_not_resolve_a_damaged_one() {
    let of_state = |session: MinedSession| MinedSession {
        format: crate::state_file::FORMAT.to_owned(),
        ..session
    };
    let mut registry = Registry::default();
    apply(&mut registry, &[of_state(session("a", 1, &["torn"]))]);
    let others = clean(0, 3 * QUIET_SESSIONS_MIN, 3);
    let others: Vec<_> = others.into_iter().map(of_state).collect();
    apply(&mut registry, &others);
    assert_eq!(state(&registry, "torn"), State::New);
}

#[test]
fn a_failure_is_new_then_ongoing_then_resolved_then_regressed() {
    let mut registry = Registry::default();
    let mut told = Vec::new();
    let batches = [
        vec![session("a", 1, &["timeout"])],
        vec![session("b", 2, &["timeout"])],
        clean(0, QUIET_SESSIONS_MIN - 1, 3),
        clean(100, 1, 3),
        vec![session("c", 4, &["timeout"])],
        vec![session("d", 5, &[])],
    ];
    for batch in batches {
        apply(&mut registry, &batch);
        told.push(state(&registry, "timeout").as_str());
    }
    assert_eq!(
        told,
        [
            "new",
            "ongoing",
            "ongoing",
            "resolved",
            "regressed",
            "ongoing"
        ]
    );
    assert_eq!(registry.standing("fp1:timeout").unwrap().regressions, 1);
}

#[test]
fn a_batch_that_was_counted_changes_nothing() {
    let mut registry = Registry::default();
    let batch = [session("a", 1, &["timeout"]), session("b", 2, &["quota"])];
    apply(&mut registry, &batch);
    let once = registry.clone();
    apply(&mut registry, &batch);
    apply(&mut registry, &batch[..1]);
    assert_eq!(registry, once);
}

#[test]
fn a_session_that_grew_adds_only_what_is_new() {
    let mut registry = Registry::default();
    apply(&mut registry, &[session("a", 1, &["timeout"])]);
    let mut grown = session("a", 1, &["timeout", "timeout", "quota"]);
    grown.events = 80;
    apply(&mut registry, &[grown]);
    let standing = registry.standing("fp1:timeout").unwrap();
    assert_eq!((standing.items, standing.sessions), (2, 1));
    assert_eq!(
        (standing.sessions_scanned, standing.events_scanned),
        (1, 80)
    );
    // An older copy of the file takes nothing back.
    let known = registry.clone();
    apply(&mut registry, &[session("a", 1, &["timeout"])]);
    assert_eq!(registry, known);
}

#[test]
fn old_sessions_that_are_read_late_are_no_regression() {
    let mut registry = Registry::default();
    apply(&mut registry, &[session("a", 10, &["timeout"])]);
    apply(&mut registry, &clean(0, QUIET_SESSIONS_MIN, 12));
    assert_eq!(state(&registry, "timeout"), State::Resolved);
    apply(&mut registry, &[session("old", 2, &["timeout"])]);
    assert_eq!(state(&registry, "timeout"), State::Resolved);
    let standing = registry.standing("fp1:timeout").unwrap();
    assert_eq!(standing.first_seen, "2026-03-02T10:00:00Z");
    assert_eq!(standing.items, 2);
}

#[test]
fn a_rare_failure_needs_a_longer_silence() {
    let mut registry = Registry::default();
    let mut first = clean(0, 99, 1);
    first.push(session("z", 2, &["timeout"]));
    apply(&mut registry, &first);
    apply(&mut registry, &clean(100, 299, 3));
    assert_eq!(state(&registry, "timeout"), State::Ongoing);
    apply(&mut registry, &clean(500, 1, 3));
    let standing = registry.standing("fp1:timeout").unwrap();
    assert_eq!(standing.quiet_sessions_needed, 300);
    assert_eq!(standing.state, State::Resolved);
}

#[test]
fn another_agent_says_nothing_about_it() {
    let mut registry = Registry::default();
    apply(&mut registry, &[session("a", 1, &["timeout"])]);
    let mut others = clean(0, 50, 3);
    for other in &mut others {
        other.format = "codex".to_owned();
    }
    apply(&mut registry, &others);
    let standing = registry.standing("fp1:timeout").unwrap();
    assert_eq!(standing.state, State::New);
    assert_eq!((standing.sessions_scanned, standing.quiet_sessions), (1, 0));
}

#[test]
fn rates_are_of_what_was_read() {
    let mut registry = Registry::default();
    let mut sessions = clean(0, 6, 1);
    sessions.push(session("a", 2, &["timeout", "timeout"]));
    apply(&mut registry, &sessions);
    let standing = registry.standing("fp1:timeout").unwrap();
    assert_eq!(standing.per_100_sessions.to_string(), "14.29");
    assert_eq!(standing.per_1000_events.to_string(), "5.714");
    let days: Vec<_> = standing
        .trend
        .iter()
        .map(|day| (day.day.as_str(), day.items, day.sessions_scanned))
        .collect();
    assert_eq!(days, [("2026-03-01", 0, 6), ("2026-03-02", 2, 1)]);
    assert_eq!(rate(1, 0, 100, 2).to_string(), "0");
}

#[test]
fn archives_and_copies_are_one_session() {
    let mut registry = Registry::default();
    let live = session("a", 1, &["timeout"]);
    let mut copy = session("a", 1, &[]);
    copy.file = "a.jsonl.bak".into();
    apply(&mut registry, &[live, copy]);
    assert_eq!(
        registry.standing("fp1:timeout").unwrap().sessions_scanned,
        1
    );
}

#[test]
fn what_a_run_did_not_see_is_listed_latest_first() {
    let mut registry = Registry::default();
    apply(
        &mut registry,
        &[session("a", 1, &["timeout"]), session("b", 2, &["quota"])],
    );
    let absent = registry.absent(&BTreeSet::from(["fp1:other"]), &Aliases::default(), 10);
    let ids: Vec<&str> = absent.iter().map(|a| a.fingerprint_id.as_str()).collect();
    assert_eq!(ids, ["fp1:quota", "fp1:timeout"]);
    assert!(
        registry
            .absent(&BTreeSet::from(["fp1:quota"]), &Aliases::default(), 0)
            .is_empty()
    );
}
