//! Promises about patches and side effects, live and on replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cx::Cx;
use crate::event::EventKind;
use crate::failure::Failure;
use crate::ids::{Millis, WorkflowId};
use crate::machine::Definition;
use crate::options::ActivityOptions;
use crate::replay::{Replayed, replay};
use crate::testing::{RUN, TestRun, json};
use crate::{HistoryEvent, ReplayError};

/// The versions of one body, as its authors would write them one after the other.
#[derive(Clone, Copy, Debug)]
enum Code {
    Before,
    Patched,
    Deprecated,
    After,
}

fn body(code: Code) -> Definition {
    Definition::new("body", move |cx: Cx, n: u64| async move {
        cx.sleep(Millis(10)).await?;
        let is_new = match code {
            Code::Before => false,
            Code::Patched => cx.patched("change"),
            Code::Deprecated => {
                cx.deprecate_patch("change");
                true
            }
            Code::After => true,
        };
        let name = if is_new { "New" } else { "Old" };
        let first: u64 = cx
            .activity_named(name, &n, ActivityOptions::default())
            .await?;
        // Asked twice, recorded once.
        if matches!(code, Code::Patched) {
            assert_eq!(cx.patched("change"), is_new);
        }
        Ok(first)
    })
}

fn lived(code: Code) -> Vec<HistoryEvent> {
    let mut run = TestRun::new(&body(code), json(&1_u64));
    run.run_in_order();
    run.history
}

fn replayed(code: Code, history: &[HistoryEvent]) -> Result<Replayed, ReplayError> {
    replay(&body(code), WorkflowId::new("test-run"), RUN, history)
}

#[test]
fn a_patch_goes_through_its_life_and_each_version_reads_what_it_must() {
    use Code::{After, Before, Deprecated, Patched};
    for (written, read, good) in [
        (Before, Before, true),
        (Before, Patched, true),
        (Before, Deprecated, false),
        (Before, After, false),
        (Patched, Before, false),
        (Patched, Patched, true),
        (Patched, Deprecated, true),
        (Patched, After, false),
        (Deprecated, Patched, true),
        (Deprecated, Deprecated, true),
        (Deprecated, After, true),
        (After, After, true),
        (After, Patched, false),
    ] {
        let result = replayed(read, &lived(written));
        assert_eq!(
            result.is_ok(),
            good,
            "{written:?} read by {read:?}: {result:?}"
        );
    }
}

#[test]
fn a_patch_that_is_gone_too_early_is_named() {
    let error = replayed(Code::After, &lived(Code::Patched)).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "nondeterminism at event 6: the history has MarkerRecorded(patch change), the code \
             did ActivityTaskScheduled(New);"
        ),
        "{error}"
    );
}

#[test]
fn a_run_cut_before_the_patch_takes_the_new_side_and_one_cut_after_it_keeps_the_old() {
    let history = lived(Code::Before);
    let is_task = |e: &HistoryEvent| e.kind == EventKind::WorkflowTaskCompleted;
    let tasks: Vec<usize> = (0..history.len())
        .filter(|i| is_task(&history[*i]))
        .collect();
    for (cut, expected) in [(tasks[1], "MarkerRecorded(patch change)"), (tasks[2], "")] {
        let mut at = replayed(Code::Patched, &history[..cut]).unwrap();
        let turn = at.state.turn_start(history[cut].at);
        let commands = at.machine.advance(at.unseen, turn).unwrap();
        let text = commands[0].describe();
        assert!(
            text == expected || (expected.is_empty() && text.contains("Completed")),
            "{text}"
        );
    }
}

#[test]
fn a_side_effect_is_made_once_and_read_ever_after() {
    let made = Arc::new(AtomicU64::new(40));
    let counter = Arc::clone(&made);
    let definition = Definition::new("body", move |cx: Cx, _: u64| {
        let counter = Arc::clone(&counter);
        async move {
            let one = cx.side_effect(|| counter.fetch_add(1, Ordering::Relaxed))?;
            let two = cx.side_effect(|| counter.fetch_add(1, Ordering::Relaxed))?;
            cx.sleep(Millis(one)).await?;
            let three = cx.side_effect(|| counter.fetch_add(1, Ordering::Relaxed))?;
            Ok(one * 10_000 + two * 100 + three)
        }
    });
    let mut run = TestRun::new(&definition, json(&1_u64));
    run.run_in_order();
    assert_eq!(made.load(Ordering::Relaxed), 43);
    let id = || WorkflowId::new("test-run");
    for cut in [3, 6, run.history.len()] {
        let part = &run.history[..cut];
        if let Err(error) = replay(&definition, id(), RUN, part) {
            assert_eq!(cut, 3, "{error}");
        }
    }
    assert!(
        made.load(Ordering::Relaxed) <= 44,
        "only a cut turn is made anew"
    );
    let other = Definition::new("body", |cx: Cx, _: u64| async move {
        let one = cx.side_effect(|| 40_u64)?;
        cx.sleep(Millis(one)).await?;
        Ok(one)
    });
    let text = replay(&other, id(), RUN, &run.history)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("the history has MarkerRecorded(side effect), the code did TimerStarted")
    );
}

#[test]
fn a_side_effect_of_another_type_is_a_failure_not_a_panic() {
    let definition = |wrong: bool| {
        Definition::new("body", move |cx: Cx, n: u64| async move {
            if wrong {
                let _text: String = cx.side_effect(|| "text".to_owned())?;
            } else {
                let _number: u64 = cx.side_effect(|| n)?;
            }
            Ok::<u64, Failure>(n)
        })
    };
    let mut run = TestRun::new(&definition(false), json(&1_u64));
    run.run_in_order();
    let result = replay(
        &definition(true),
        WorkflowId::new("test-run"),
        RUN,
        &run.history,
    );
    assert!(matches!(result, Err(ReplayError::Nondeterminism { .. })));
}

#[test]
fn a_uuid_is_of_version_4_and_the_same_again() {
    let definition = Definition::new("body", |cx: Cx, _: u64| async move {
        Ok(vec![cx.uuid(), cx.uuid()])
    });
    let made = || {
        let mut run = TestRun::new(&definition, json(&1_u64));
        run.run_in_order();
        let Some(crate::Outcome::Completed(value)) = run.state.outcome else {
            panic!("no value")
        };
        value.decode::<Vec<String>>().unwrap()
    };
    let uuids = made();
    assert_eq!(uuids, made());
    assert_ne!(uuids[0], uuids[1]);
    assert!(
        uuids
            .iter()
            .all(|u| u.len() == 36 && u.as_bytes()[14] == b'4')
    );
}
