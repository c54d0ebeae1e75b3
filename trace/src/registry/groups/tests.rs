//! Tests of `groups`.

use proptest::prelude::*;

use super::super::aliases::Occasion;
use super::super::tests::{apply, clean, session};
use super::super::{QUIET_SESSIONS_MIN, Standing};
use super::*;

fn merged(pairs: &[(&str, &str)]) -> Aliases {
    let mut aliases = Aliases::default();
    let candidate = |cause: &str| Candidate {
        fingerprint_id: format!("fp1:{cause}"),
        signature: Scrubbed::default(),
    };
    let occasion = Occasion {
        at: String::new(),
        run_id: String::new(),
    };
    for (from, into) in pairs {
        aliases
            .merge(
                &candidate(from),
                &candidate(into),
                Scrubbed::from_static("so"),
                &occasion,
            )
            .unwrap();
    }
    aliases
}

fn both(registry: &Registry) -> Standing {
    registry
        .group("fp1:timeout", &merged(&[("slow", "timeout")]))
        .unwrap()
}

#[test]
fn a_session_with_both_wordings_is_one_session() {
    let mut registry = Registry::default();
    apply(
        &mut registry,
        &[
            session("a", 1, &["timeout", "slow"]),
            session("b", 3, &["slow"]),
            session("c", 2, &["timeout", "timeout"]),
            session("d", 2, &[]),
        ],
    );
    let standing = both(&registry);
    assert_eq!((standing.items, standing.sessions), (5, 3));
    assert_eq!(standing.sessions_scanned, 4);
    assert_eq!(standing.first_seen, "2026-03-01T10:00:00Z");
    assert_eq!(standing.last_seen, "2026-03-03T10:00:00Z");
    let items: Vec<u64> = standing.trend.iter().map(|day| day.items).collect();
    assert_eq!(items, [2, 2, 1]);
    assert!(
        standing.because.ends_with("2 wordings together"),
        "{standing:?}"
    );
}

#[test]
fn what_was_resolved_and_comes_back_in_other_words_has_regressed() {
    let mut registry = Registry::default();
    apply(&mut registry, &[session("a", 1, &["timeout"])]);
    apply(&mut registry, &clean(0, QUIET_SESSIONS_MIN, 3));
    assert_eq!(both(&registry).state, State::Resolved);
    apply(&mut registry, &[session("b", 4, &["slow"])]);
    assert_eq!(both(&registry).state, State::Regressed);
    apply(&mut registry, &[session("c", 5, &["slow"])]);
    assert_eq!(both(&registry).state, State::Ongoing);
    apply(&mut registry, &clean(100, QUIET_SESSIONS_MIN * 2, 6));
    assert_eq!(both(&registry).state, State::Resolved);
}

#[test]
fn old_sessions_in_other_words_are_no_regression() {
    let mut registry = Registry::default();
    apply(&mut registry, &[session("a", 10, &["timeout"])]);
    apply(&mut registry, &clean(0, QUIET_SESSIONS_MIN, 12));
    apply(&mut registry, &[session("old", 2, &["slow"])]);
    assert_eq!(both(&registry).state, State::Resolved);
}

#[test]
fn an_absent_alias_is_told_with_its_head_and_not_beside_it() {
    let mut registry = Registry::default();
    apply(
        &mut registry,
        &[
            session("a", 1, &["timeout", "quota"]),
            session("b", 2, &["slow"]),
        ],
    );
    let aliases = merged(&[("slow", "timeout")]);
    let ids = |present: &[&str]| -> Vec<String> {
        let present = present.iter().copied().collect();
        let absent = registry.absent(&present, &aliases, 10);
        absent
            .into_iter()
            .map(|absent| absent.fingerprint_id)
            .collect()
    };
    assert_eq!(ids(&[]), ["fp1:timeout", "fp1:quota"]);
    assert_eq!(ids(&["fp1:timeout"]), ["fp1:quota"]);
    assert_eq!(ids(&["fp1:quota"]), ["fp1:timeout"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The registry never learns of a merge, so one that is taken back leaves everything as it was; and a group is
    /// never less than its greatest member, nor more than the sum.
    #[test]
    fn groups_are_sums_of_what_is_kept(
        runs in prop::collection::vec(prop::collection::vec((0..30_u64, prop::sample::subsequence(vec!["timeout", "slow", "late"], 0..3)), 0..6), 1..6)
    ) {
        let mut registry = Registry::default();
        let mut n = 0;
        for run in runs {
            let sessions: Vec<_> = run
                .iter()
                .map(|(day, causes)| {
                    n += 1;
                    session(&format!("s{n}"), 1 + day % 28, causes)
                })
                .collect();
            apply(&mut registry, &sessions);
        }
        let before = registry.clone();
        let aliases = merged(&[("slow", "timeout"), ("late", "timeout")]);
        let members: Vec<Standing> = ["timeout", "slow", "late"]
            .iter()
            .filter_map(|cause| registry.standing(&format!("fp1:{cause}")))
            .collect();
        let group = registry.group("fp1:timeout", &aliases);
        prop_assert_eq!(&registry, &before);
        prop_assert_eq!(group.is_none(), members.is_empty());
        if let Some(group) = group {
            let sum = |of: fn(&Standing) -> u64| members.iter().map(of).sum::<u64>();
            prop_assert_eq!(group.items, sum(|s| s.items));
            prop_assert!(group.sessions <= sum(|s| s.sessions));
            prop_assert!(members.iter().all(|s| s.sessions <= group.sessions));
            prop_assert!(members.iter().all(|s| group.first_seen <= s.first_seen && s.last_seen <= group.last_seen));
        }
        for cause in ["timeout", "slow", "late"] {
            let id = format!("fp1:{cause}");
            prop_assert_eq!(registry.group(&id, &Aliases::default()), registry.standing(&id));
        }
    }
}
