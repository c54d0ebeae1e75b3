//! Tests of `aliases`.

use proptest::prelude::*;

use super::*;

fn candidate(id: &str, message: &str) -> Candidate {
    Candidate {
        fingerprint_id: format!("fp1:{id}"),
        signature: Scrubbed::assembled(format!("error|exec|network|{message}")),
    }
}

fn on(day: u8) -> Occasion {
    Occasion {
        at: format!("2026-03-{day:02}T10:00:00Z"),
        run_id: format!("run-{day}"),
    }
}

fn why() -> Scrubbed {
    Scrubbed::from_static("one repair ended both")
}

#[test]
fn a_merge_is_one_step_and_can_be_taken_back() {
    let (a, b) = (candidate("a", "lost"), candidate("b", "gone"));
    let mut aliases = Aliases::default();
    aliases.merge(&a, &b, why(), &on(1)).unwrap();
    assert_eq!(aliases.head("fp1:a"), "fp1:b");
    assert_eq!(aliases.head("fp1:b"), "fp1:b");
    assert_eq!(aliases.aliases_of("fp1:b"), ["fp1:a"]);
    aliases.unmerge("fp1:a", why(), &on(2)).unwrap();
    assert!(aliases.is_empty());
    let deeds: Vec<(Deed, &str)> = aliases
        .changes()
        .iter()
        .map(|change| (change.deed, change.at.as_str()))
        .collect();
    assert_eq!(
        deeds,
        [
            (Deed::Merged, "2026-03-01T10:00:00Z"),
            (Deed::Unmerged, "2026-03-02T10:00:00Z")
        ]
    );
}

#[test]
fn what_would_make_a_chain_or_no_sense_is_refused_and_says_what_to_do() {
    let (a, b, c) = (
        candidate("a", "lost"),
        candidate("b", "gone"),
        candidate("c", "away"),
    );
    let mut praise = candidate("d", "thanks");
    praise.signature = Scrubbed::from_static("user_delight|||thanks");
    let mut aliases = Aliases::default();
    aliases.merge(&a, &b, why(), &on(1)).unwrap();
    let before = aliases.clone();
    aliases.merge(&a, &b, why(), &on(1)).unwrap();
    let mut refused = |from: &Candidate, into: &Candidate| {
        aliases
            .merge(from, into, why(), &on(2))
            .unwrap_err()
            .to_string()
    };
    let told = [
        refused(&a, &a),
        refused(&c, &a),
        refused(&b, &c),
        refused(&a, &c),
        refused(&c, &praise),
    ];
    assert_eq!(
        told,
        [
            "both names mean the same fingerprint; name two",
            "the second is merged into fp1:b itself; merge into that one",
            "1 others are merged into the first; merge the second into the first, or unmerge them before",
            "the first is merged into fp1:b already; unmerge it before",
            "one is of kind error, the other of kind user_delight: only one kind can be one failure",
        ]
    );
    for (id, told) in [
        ("fp1:c", "it is not merged into anything"),
        (
            "fp1:b",
            "it is not merged into anything; 1 others are merged into it: name one of those",
        ),
    ] {
        let refused = aliases.unmerge(id, why(), &on(2)).unwrap_err();
        assert_eq!(refused.to_string(), told);
    }
    assert_eq!(aliases, before);
}

#[test]
fn two_that_are_near_a_third_are_not_joined_through_it() {
    let all = [
        candidate("0", "the file was not saved. Try again"),
        candidate("1", "The file was not saved. Call somebody"),
        // The start of both, and younger: it can go to one of them only.
        candidate("2", "file not saved yet. Try again"),
        candidate("3", "file was not saved yet"),
        candidate("4", "The file is not saved yet. Call somebody"),
    ];
    let mut aliases = Aliases::default();
    assert_eq!(aliases.merge_near(&all, &on(1)), 1);
    let heads: Vec<&str> = all
        .iter()
        .map(|candidate| aliases.head(&candidate.fingerprint_id))
        .collect();
    // 3 is near 2 and near 4, and 2 is not near 4.
    assert_eq!(heads, ["fp1:0", "fp1:1", "fp1:2", "fp1:2", "fp1:4"]);
}

#[test]
fn what_a_person_took_apart_stays_apart_until_a_person_joins_it() {
    let both = [
        candidate("a", "connection to <*> lost"),
        candidate("b", "Connection to <*> was lost."),
    ];
    let mut aliases = Aliases::default();
    assert_eq!(aliases.merge_near(&both, &on(1)), 1);
    assert_eq!(aliases.head("fp1:b"), "fp1:a");
    assert_eq!(aliases.alias("fp1:b").unwrap().by, By::Near);
    aliases.unmerge("fp1:b", why(), &on(2)).unwrap();
    assert_eq!(aliases.merge_near(&both, &on(3)), 0);
    let turned = [both[1].clone(), both[0].clone()];
    assert_eq!(aliases.merge_near(&turned, &on(3)), 0);
    aliases.merge(&both[0], &both[1], why(), &on(4)).unwrap();
    assert_eq!(aliases.head("fp1:a"), "fp1:b");
}

#[test]
fn only_errors_of_one_tool_and_class_are_merged_by_rule() {
    let mut others = vec![candidate("a", "connection to <*> lost")];
    for (id, place) in [
        ("b", "error|read|network|"),
        ("c", "error|exec|timeout|"),
        ("d", "user_frustration|exec|network|"),
        ("e", ""),
    ] {
        let mut other = candidate(id, "");
        other.signature = Scrubbed::assembled(format!("{place}connection to <*> lost"));
        others.push(other);
    }
    assert_eq!(Aliases::default().merge_near(&others, &on(1)), 0);
}

#[test]
fn a_head_of_yesterday_stays_the_head_when_an_older_one_turns_up() {
    let older = candidate("z", "connection to <*> lost!");
    let known = [
        candidate("a", "connection to <*> lost"),
        candidate("b", "Connection to <*> was lost."),
    ];
    let mut aliases = Aliases::default();
    aliases.merge_near(&known, &on(1));
    let all = [older, known[0].clone(), known[1].clone()];
    assert_eq!(aliases.merge_near(&all, &on(2)), 1);
    assert_eq!(aliases.head("fp1:z"), "fp1:a");
}

#[test]
fn the_history_has_a_limit_and_what_is_merged_has_none() {
    let (a, b) = (candidate("a", "lost"), candidate("b", "gone"));
    let keep = candidate("c", "away");
    let mut aliases = Aliases::default();
    aliases.merge(&keep, &b, why(), &on(1)).unwrap();
    for _ in 0..CHANGES_MAX {
        aliases.merge(&a, &b, why(), &on(1)).unwrap();
        aliases.unmerge("fp1:a", why(), &on(2)).unwrap();
    }
    assert_eq!(aliases.changes().len(), CHANGES_MAX);
    assert_eq!(aliases.head("fp1:c"), "fp1:b");
}

#[derive(Clone, Debug)]
enum Step {
    Merge(usize, usize),
    Unmerge(usize),
    Near(usize),
}

const MESSAGES: [&str; 8] = [
    "connection to <*> lost",
    "Connection to the <*> was lost.",
    "connection to <*> refused",
    "the control service of the gateway answers nobody, restart it",
    "The control service of the gateway answers nobody, restart it and try again",
    "The control service of the gateway answers nobody, restart it and try again. Ask somebody",
    "quota used up",
    "Quota is used up!",
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = MESSAGES.len();
    let step = prop_oneof![
        (0..n, 0..n).prop_map(|(a, b)| Step::Merge(a, b)),
        (0..n).prop_map(Step::Unmerge),
        (0..=n).prop_map(Step::Near),
    ];
    prop::collection::vec(step, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_there_are_no_chains_and_every_merge_has_its_reason(steps in steps()) {
        let all: Vec<Candidate> = MESSAGES
            .iter()
            .zip('a'..)
            .map(|(message, id)| candidate(&id.to_string(), message))
            .collect();
        let mut aliases = Aliases::default();
        let mut apart: BTreeSet<(String, String)> = BTreeSet::new();
        for (step, day) in steps.iter().zip(1..) {
            let before = aliases.clone();
            match step {
                Step::Merge(a, b) => {
                    let (a, b) = (&all[*a], &all[*b]);
                    match aliases.merge(a, b, why(), &on(day)) {
                        Ok(()) => {
                            prop_assert_eq!(aliases.head(&a.fingerprint_id), &b.fingerprint_id);
                            apart.remove(&(a.fingerprint_id.clone(), b.fingerprint_id.clone()));
                            apart.remove(&(b.fingerprint_id.clone(), a.fingerprint_id.clone()));
                        }
                        Err(_) => prop_assert_eq!(&aliases, &before),
                    }
                }
                Step::Unmerge(a) => {
                    let id = &all[*a].fingerprint_id;
                    let head = before.head(id).to_owned();
                    if aliases.unmerge(id, why(), &on(day)).is_ok() {
                        apart.insert((id.clone(), head));
                        prop_assert_eq!(aliases.head(id), id);
                    } else {
                        prop_assert_eq!(&aliases, &before);
                    }
                }
                Step::Near(first) => {
                    aliases.merge_near(&all[*first..], &on(day));
                    let once = aliases.clone();
                    prop_assert_eq!(aliases.merge_near(&all[*first..], &on(day)), 0);
                    prop_assert_eq!(&aliases, &once);
                }
            }
            for (id, alias) in aliases.iter() {
                prop_assert!(aliases.alias(&alias.into).is_none(), "{} is a chain", id);
                prop_assert!(!alias.because.is_empty());
                if alias.by == By::Near {
                    let words = |id: &str| {
                        let found = all.iter().find(|c| c.fingerprint_id == id).unwrap();
                        Wording::of(Signature::parse(&found.signature).unwrap().template)
                    };
                    prop_assert!(one_failure(&words(id), &words(&alias.into)).is_some());
                    let pair = (id.to_owned(), alias.into.clone());
                    prop_assert!(!apart.contains(&pair), "{:?}", pair);
                    prop_assert!(!apart.contains(&(pair.1, pair.0)));
                }
            }
            let kept = serde_json::to_string(&aliases).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Aliases>(&kept).unwrap(), &aliases);
        }
    }
}
