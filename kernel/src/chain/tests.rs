//! Promises about runs that follow on each other: continue-as-new, retries, timeouts.

use super::*;
use crate::Cx;
use crate::decide::{Input, Rejection, decide, start};
use crate::ids::WorkflowId;
use crate::machine::{Definition, Machine, WorkflowInfo};
use crate::replay::replay;
use crate::testing::{NEXT_RUN, RUN, TestRun, json};

async fn counter(cx: Cx, n: u64) -> Result<u64, Failure> {
    let left = cx.sleep(Millis(5_000));
    let last: Option<u64> = cx.try_signal("last")?;
    let _: u64 = cx.signal("go").await?;
    drop(left);
    match last {
        Some(last) => Ok(last),
        None => cx.continue_as_new(&(n + 1)),
    }
}

fn go(run: &mut TestRun) {
    let input = json(&1_u64);
    let name = "go".to_owned();
    run.feed(Input::Signal { name, input }).unwrap();
}

#[test]
fn a_run_that_continues_as_new_names_the_next_one_and_leaves_nothing_pending() {
    let definition = Definition::new("counter", counter);
    let mut run = TestRun::new(&definition, json(&4_u64));
    run.turn();
    go(&mut run);
    run.turn();
    let names: Vec<_> = run.history.iter().map(|e| e.kind.name()).collect();
    assert_eq!(
        names[3..],
        [
            "WorkflowExecutionSignaled",
            "WorkflowTaskCompleted",
            "TimerCanceled",
            "WorkflowExecutionContinuedAsNew"
        ]
    );
    assert!(run.state.is_closed() && run.state.outcome.is_none());
    assert_eq!(run.state.successor, Some(NEXT_RUN));
    let next = successor(&run.state, &run.history.last().unwrap().kind).unwrap();
    assert_eq!((next.run_id, next.input.clone()), (NEXT_RUN, json(&5_u64)));
    let (state, _) = start(next, run.now).unwrap();
    assert_eq!(state.first_run_id(), RUN);
    assert_eq!(state.chain.continued_from, Some(RUN));
    let id = WorkflowId::new("test-run");
    assert!(
        replay(&definition, id, RUN, &run.history)
            .unwrap()
            .machine
            .is_done()
    );
}

#[test]
fn a_run_that_should_continue_as_new_and_does_something_else_does_not_replay() {
    let mut run = TestRun::new(&Definition::new("counter", counter), json(&4_u64));
    run.turn();
    go(&mut run);
    run.turn();
    let other = Definition::new("counter", |cx: Cx, n: u64| async move {
        let left = cx.sleep(Millis(5_000));
        let _: u64 = cx.signal("go").await?;
        drop(left);
        Ok(n)
    });
    let error = replay(&other, WorkflowId::new("test-run"), RUN, &run.history).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "nondeterminism at event 7: the history has WorkflowExecutionContinuedAsNew(counter), \
             the code did WorkflowExecutionCompleted;"
        ),
        "{error}"
    );
}

#[test]
fn code_that_goes_on_after_it_asked_for_a_new_run_gets_what_it_returns() {
    let definition = Definition::new("late", |cx: Cx, n: u64| async move {
        let _asked: Result<u64, Failure> = cx.continue_as_new(&n);
        Ok(n)
    });
    let mut run = TestRun::new(&definition, json(&4_u64));
    run.turn();
    assert_eq!(
        run.history.last().unwrap().kind.name(),
        "WorkflowExecutionCompleted"
    );
}

#[test]
fn a_long_history_suggests_a_new_run_on_replay_as_well() {
    let definition = Definition::new("long", |cx: Cx, _: u64| async move {
        let mut turns = 0_u64;
        while !cx.info().continue_as_new_suggested {
            let _: u64 = cx.signal("go").await?;
            turns += 1;
        }
        Ok(turns)
    });
    let mut run = TestRun::new(&definition, json(&4_u64));
    while !run.state.is_closed() {
        run.turn();
        if !run.state.is_closed() {
            go(&mut run);
        }
    }
    assert_eq!(run.history.len(), 4_099, "a signal and a turn each");
    replay(&definition, WorkflowId::new("test-run"), RUN, &run.history).unwrap();
}

fn with(options: WorkflowOptions) -> TestRun {
    let definition = Definition::new("wait", |cx: Cx, n: u64| async move {
        let fail: u64 = cx.signal("go").await?;
        if fail == 0 {
            return Ok(n);
        }
        Err(Failure::retryable("Flaky", "not today"))
    });
    let mut run = TestRun::new(&definition, json(&4_u64));
    let request = StartRequest {
        options,
        ..StartRequest::new(WorkflowId::new("test-run"), RUN, "wait", json(&4_u64))
    };
    let (state, transition) = start(request, run.now).unwrap();
    run.machine = Machine::new(&definition, WorkflowInfo::of(&state, 1), json(&4_u64));
    run.state = state;
    run.history = transition.events;
    run.turn();
    run
}

fn retrying(maximum_attempts: u32) -> WorkflowOptions {
    let retry = RetryPolicy {
        maximum_attempts,
        ..RetryPolicy::default()
    };
    WorkflowOptions {
        retry: Some(retry),
        ..WorkflowOptions::default()
    }
}

#[test]
fn a_failed_run_is_tried_again_with_its_input_after_a_wait_until_attempts_run_out() {
    let mut run = with(retrying(2));
    go(&mut run);
    run.turn();
    let last = &run.history.last().unwrap().kind;
    let next = successor(&run.state, last).unwrap();
    assert_eq!(next.input, json(&4_u64));
    assert_eq!(
        (next.chain.attempt, next.chain.first_task_delay),
        (2, Some(Millis(1_000)))
    );
    let (state, _) = start(next, run.now).unwrap();
    assert_eq!(state.first_task_at, Some(run.now.after(Millis(1_000))));
    // The second attempt is the last.
    let failed = vec![crate::Command::FailWorkflowExecution {
        failure: Failure::retryable("Flaky", "not today"),
    }];
    let input = Input::WorkflowTaskCompleted {
        commands: failed,
        successor: None,
    };
    let transition = decide(&state, input, run.now).unwrap();
    let EventKind::WorkflowExecutionFailed {
        retry_state, next, ..
    } = &transition.events[1].kind
    else {
        panic!("{transition:?}")
    };
    assert_eq!(
        (*retry_state, next),
        (Some(RetryState::MaximumAttemptsReached), &None)
    );
}

#[test]
fn a_run_that_was_asked_to_cancel_is_not_tried_again() {
    let mut run = with(retrying(0));
    let reason = "enough".to_owned();
    go(&mut run);
    run.feed(Input::CancelRequest { reason }).unwrap();
    run.turn();
    assert_eq!(run.state.successor, None);
}

#[test]
fn a_run_times_out_at_its_deadline_and_not_before() {
    let mut run = with(WorkflowOptions {
        run_timeout: Some(Millis(500)),
        ..WorkflowOptions::default()
    });
    let deadline = run.state.deadline().unwrap();
    assert_eq!(deadline, run.now.after(Millis(500)));
    let timeout = || Input::WorkflowTimeout { successor: None };
    let early = run.feed(timeout()).unwrap_err();
    assert_eq!(early, Rejection::NotDue(deadline));
    run.now = deadline;
    run.feed(timeout()).unwrap();
    assert_eq!(run.state.successor, None);
    let text = format!("{:?}", run.state.outcome);
    assert!(text.contains("run timeout of 500 ms"), "{text}");
    assert_eq!(run.feed(timeout()), Err(Rejection::Closed));
}

#[test]
fn a_run_without_timeouts_never_times_out() {
    let mut run = with(WorkflowOptions::default());
    let refused = run.feed(Input::WorkflowTimeout { successor: None });
    assert!(matches!(refused, Err(Rejection::NotPending(_))));
}

#[test]
fn the_whole_chain_shares_one_execution_timeout_and_no_retry_outlives_it() {
    let options = WorkflowOptions {
        execution_timeout: Some(Millis(1_500)),
        run_timeout: Some(Millis(1_000)),
        ..retrying(0)
    };
    let mut run = with(options);
    let end_of_all = run.now.after(Millis(1_500));
    go(&mut run);
    run.turn();
    let next = successor(&run.state, &run.history.last().unwrap().kind).unwrap();
    let (mut state, _) = start(next, run.now.after(Millis(100))).unwrap();
    assert_eq!(state.chain.deadline, Some(end_of_all));
    assert_eq!(
        state.deadline(),
        Some(end_of_all),
        "it comes before the run's own"
    );
    let timeout = Input::WorkflowTimeout {
        successor: Some(RunId([11; 16])),
    };
    let transition = decide(&state, timeout, end_of_all).unwrap();
    state.apply(&transition).unwrap();
    assert_eq!(
        state.successor, None,
        "there is no time for a third attempt"
    );
}
