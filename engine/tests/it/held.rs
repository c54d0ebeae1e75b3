//! Attempts that somebody elsewhere completes, with their token.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::core::{ActivityLimit, ActivityTask, Effect, Message, Reply, TokenWord};
use engine::{ActivityCx, Client, ClientError, Engine, HeartbeatAnswer};
use kernel::primitives::{activity, workflow_execution};
use kernel::{
    ActivityOptions, Cx, Definition, EventId, Failure, Millis, Payload, RunId, Semaphore,
    TaskToken, TokenRefusal, WorkflowId,
};

use state::memory_store::MemoryStore;
use state::store::Store;

use crate::rig::{self, One, Rig, once, slow_retry};

fn say(rig: &mut Rig, token: TaskToken, word: TokenWord) -> Reply {
    rig.ask(Message::ByToken { token, word })
}

fn complete(rig: &mut Rig, token: TaskToken, value: u64) -> Reply {
    say(
        rig,
        token,
        TokenWord::Complete(Payload::json(&value).unwrap()),
    )
}

fn fail(rig: &mut Rig, token: TaskToken, failure: Failure) -> Reply {
    say(rig, token, TokenWord::Fail(failure))
}

fn beat(rig: &mut Rig, token: TaskToken, details: &str) -> Reply {
    let details = Some(Payload::json(details).unwrap());
    say(rig, token, TokenWord::Heartbeat(details))
}

fn heard(is_cancel_requested: bool) -> Reply {
    Reply::TokenHeard {
        is_cancel_requested,
    }
}

fn hold(rig: &mut Rig, task: &ActivityTask) {
    rig.tell(Message::AttemptHeld { task: task.task });
}

/// A run whose one attempt is held.
fn held(options: ActivityOptions) -> (Rig, RunId, ActivityTask) {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", options);
    let task = rig.task();
    hold(&mut rig, &task);
    (rig, run, task)
}

#[test]
fn a_held_attempt_uses_no_slot_is_not_made_again_and_completes_across_a_restart() {
    let (mut rig, run, task) = held(slow_retry());
    assert_eq!(rig.core.attempts_out(), 0, "the slot is free");
    for _ in 0..2 {
        rig.restart();
        assert_eq!(rig.poll(), [], "nobody makes it again");
        rig.pass(Millis::seconds(20));
        assert_eq!(rig.poll(), []);
    }
    // What its worker says once more, or says again, is no news.
    rig.end(task.task, Ok(1));
    hold(&mut rig, &task);
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    assert_eq!(complete(&mut rig, task.token(), 42), Reply::Done);
    assert_eq!(rig.value(run), 42);
}

#[test]
fn a_completion_that_is_faster_than_the_function_wins() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let task = rig.task();
    assert_eq!(complete(&mut rig, task.token(), 42), Reply::Done);
    assert!(rig.effects.contains(&Effect::CancelAttempt(task.task)));
    hold(&mut rig, &task);
    assert_eq!(rig.core.attempts_out(), 0);
    assert_eq!(rig.value(run), 42);
}

#[test]
fn a_token_that_was_handed_out_before_a_crash_is_good_after_it() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let before = rig.task();
    rig.restart();
    assert_eq!(beat(&mut rig, before.token(), "half"), heard(false));
    let again = rig.task();
    assert_eq!(again.token(), before.token());
    assert_eq!(again.heartbeat, Some(Payload::json("half").unwrap()));
    assert_eq!(complete(&mut rig, before.token(), 42), Reply::Done);
    assert_eq!(rig.value(run), 42);
}

#[test]
fn each_token_that_is_over_is_refused_with_a_reason_of_its_own() {
    let (mut rig, run, first) = held(slow_retry());
    let unknown = TaskToken {
        run_id: RunId([9; 16]),
        ..first.token()
    };
    let refused = |refusal| Reply::TokenRefused(refusal);
    let nowhere = refused(TokenRefusal::UnknownRun(unknown.run_id));
    assert_eq!(complete(&mut rig, unknown, 1), nowhere);
    let reset = TaskToken {
        resets: 1,
        ..first.token()
    };
    let activity = first.task.scheduled_event_id;
    let was_reset = refused(TokenRefusal::Reset(activity));
    assert_eq!(complete(&mut rig, reset, 1), was_reset);
    let other = TaskToken {
        scheduled_event_id: EventId(99),
        ..first.token()
    };
    let ended = refused(TokenRefusal::ActivityEnded(EventId(99)));
    assert_eq!(beat(&mut rig, other, "x"), ended);
    let busy = Failure::retryable("Busy", "the line is busy");
    assert_eq!(fail(&mut rig, first.token(), busy.clone()), Reply::Done);
    let old = refused(TokenRefusal::OldAttempt { current: 2, got: 1 });
    for _ in 0..2 {
        assert_eq!(complete(&mut rig, first.token(), 1), old);
        assert_eq!(fail(&mut rig, first.token(), busy.clone()), old);
        assert_eq!(beat(&mut rig, first.token(), "x"), old);
        rig.restart();
    }
    let terminate = Message::Terminate {
        workflow_id: WorkflowId::new("a"),
        reason: "enough".to_owned(),
    };
    assert_eq!(rig.ask(terminate), Reply::Done);
    let status = workflow_execution::State::Terminated;
    let closed = refused(TokenRefusal::RunClosed(run, status));
    for _ in 0..2 {
        assert_eq!(complete(&mut rig, first.token(), 1), closed);
        rig.restart();
    }
}

#[test]
fn a_failed_attempt_is_made_again_with_a_new_token_and_the_last_details() {
    let (mut rig, run, first) = held(slow_retry());
    assert_eq!(beat(&mut rig, first.token(), "half"), heard(false));
    assert_eq!(beat(&mut rig, first.token(), "most"), heard(false));
    let busy = Failure::retryable("Busy", "the line is busy");
    assert_eq!(fail(&mut rig, first.token(), busy), Reply::Done);
    rig.pass(Millis::seconds(600));
    let second = rig.task();
    assert_eq!(second.task.attempt, 2);
    assert_eq!(second.heartbeat, Some(Payload::json("most").unwrap()));
    hold(&mut rig, &second);
    assert_eq!(complete(&mut rig, second.token(), 7), Reply::Done);
    assert_eq!(rig.value(run), 7);
}

#[test]
fn start_to_close_counts_from_the_start_of_the_attempt_across_restarts() {
    let (mut rig, run, first) = held(slow_retry());
    rig.pass(Millis::seconds(50));
    rig.restart();
    rig.pass(Millis(9_999));
    assert_eq!(
        rig.state(run).activities[&first.task.scheduled_event_id].attempt,
        1
    );
    rig.pass(Millis(1));
    let pending = &rig.state(run).activities[&first.task.scheduled_event_id];
    assert_eq!((pending.attempt, pending.held), (2, None));
    rig.pass(Millis::seconds(600));
    let second = rig.task();
    assert_ne!(second.token(), first.token());
    rig.end(second.task, Ok(7));
    assert_eq!(rig.value(run), 7);
}

#[test]
fn a_timeout_that_came_while_no_process_was_there_is_seen_by_the_next() {
    let (mut rig, run, first) = held(once());
    rig.now = rig.now.after(Millis::seconds(3_600));
    rig.restart();
    assert_eq!(rig.state(run).status, workflow_execution::State::Failed);
    assert_eq!(rig.names(run)[3], "ActivityTaskTimedOut");
    let reply = complete(&mut rig, first.token(), 1);
    assert!(
        matches!(reply, Reply::TokenRefused(TokenRefusal::RunClosed(..))),
        "{reply:?}"
    );
}

#[test]
fn a_held_attempt_without_a_heartbeat_times_out_and_one_with_it_does_not() {
    let options = ActivityOptions {
        heartbeat: Some(Millis::seconds(10)),
        ..once()
    };
    let (mut rig, run, task) = held(options);
    for _ in 0..4 {
        rig.pass(Millis::seconds(9));
        assert_eq!(beat(&mut rig, task.token(), "alive"), heard(false));
    }
    rig.restart();
    rig.pass(Millis::seconds(9));
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    rig.pass(Millis::seconds(1));
    assert_eq!(rig.state(run).status, workflow_execution::State::Failed);
}

#[test]
fn the_deadline_of_all_attempts_ends_a_held_one() {
    let options = ActivityOptions {
        schedule_to_start: Some(Millis::seconds(2)),
        schedule_to_close: Some(Millis::seconds(30)),
        ..slow_retry()
    };
    let (mut rig, run, _) = held(options);
    rig.pass(Millis::seconds(29));
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    rig.restart();
    rig.pass(Millis::seconds(1));
    assert_eq!(rig.state(run).status, workflow_execution::State::Failed);
}

/// Takes its activity back at the first signal, and ends with the second.
async fn lingers(cx: Cx, one: One) -> Result<u64, Failure> {
    let scope = cx.scope();
    let work = scope.activity_named::<_, u64>(&one.name, &1_u64, one.options);
    let _first: u64 = cx.signal("number").await?;
    scope.cancel_scope("not wanted any more");
    let _canceled = work.await;
    cx.signal("number").await
}

fn signal(rig: &mut Rig) {
    let signal = Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "number".to_owned(),
        input: Payload::json(&1_u64).unwrap(),
    };
    assert_eq!(rig.ask(signal), Reply::Done);
}

#[test]
fn a_cancellation_is_told_with_the_next_heartbeat_also_after_a_restart() {
    let lingers = rig::of([Definition::new("lingers", lingers)]);
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), lingers);
    let one = One {
        name: "work".to_owned(),
        options: slow_retry(),
    };
    let run = rig.start("a", "lingers", &one);
    let task = rig.task();
    hold(&mut rig, &task);
    signal(&mut rig);
    assert!(!rig.effects.contains(&Effect::CancelAttempt(task.task)));
    for _ in 0..2 {
        let pending = &rig.state(run).activities[&task.task.scheduled_event_id];
        assert_eq!(pending.state, activity::State::HeldCancelRequested);
        assert_eq!(beat(&mut rig, task.token(), "x"), heard(true));
        rig.restart();
    }
    assert_eq!(
        fail(&mut rig, task.token(), Failure::canceled("told")),
        Reply::Done
    );
    assert_eq!(rig.state(run).activities.len(), 0);
    assert!(rig.names(run).contains(&"ActivityTaskCanceled"));
    signal(&mut rig);
    assert_eq!(rig.value(run), 1);
}

#[test]
fn a_run_that_obeys_a_cancellation_at_once_refuses_the_token_of_its_held_attempt() {
    let (mut rig, run, task) = held(slow_retry());
    let cancel = Message::Cancel {
        workflow_id: WorkflowId::new("a"),
        reason: "enough".to_owned(),
    };
    assert_eq!(rig.ask(cancel), Reply::Done);
    let status = workflow_execution::State::Canceled;
    assert_eq!(rig.state(run).status, status);
    let closed = Reply::TokenRefused(TokenRefusal::RunClosed(run, status));
    assert_eq!(beat(&mut rig, task.token(), "x"), closed);
}

#[test]
fn a_held_attempt_keeps_its_permit_until_it_ends_and_over_a_restart() {
    let mut rig = Rig::new();
    let limit = ActivityLimit {
        concurrency: Some(1),
        per_second: None,
    };
    rig.limits = BTreeMap::from([("work".to_owned(), limit)]);
    rig.restart();
    let options = ActivityOptions {
        semaphore: Some(Semaphore {
            key: "model".to_owned(),
            permits: 1,
        }),
        ..once()
    };
    let of = |name: &str| One {
        name: name.to_owned(),
        options: options.clone(),
    };
    rig.start("a", "many", &vec![of("work"), of("work"), of("mail")]);
    for round in 0..3_u64 {
        let task = rig.task();
        hold(&mut rig, &task);
        assert_eq!(rig.poll(), [], "the permit is taken");
        rig.restart();
        assert_eq!(rig.poll(), [], "after a restart too");
        match round {
            0 => assert_eq!(complete(&mut rig, task.token(), 1), Reply::Done),
            1 => {
                let by_hand = Message::ResolveActivity {
                    workflow_id: WorkflowId::new("a"),
                    scheduled_event_id: task.task.scheduled_event_id,
                    result: Ok(Payload::json(&1).unwrap()),
                };
                assert_eq!(rig.ask(by_hand), Reply::Done);
            }
            _ => rig.pass(Millis::seconds(60)),
        }
    }
    let failed = rig.run_of("a");
    assert_eq!(rig.state(failed).status, workflow_execution::State::Failed);
    rig.start_one("b", "work", options.clone());
    let task = rig.task();
    hold(&mut rig, &task);
    rig.ask(Message::Terminate {
        workflow_id: WorkflowId::new("b"),
        reason: "enough".to_owned(),
    });
    rig.start_one("c", "work", options);
    assert_eq!(rig.poll().len(), 1, "a closed run holds no permit");
}

#[test]
fn a_paused_run_takes_the_word_of_a_token_and_goes_on_later() {
    let (mut rig, run, task) = held(slow_retry());
    rig.ask(Message::Pause {
        workflow_id: WorkflowId::new("a"),
        reason: "wait".to_owned(),
    });
    rig.restart();
    assert_eq!(complete(&mut rig, task.token(), 5), Reply::Done);
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    rig.ask(Message::Unpause {
        workflow_id: WorkflowId::new("a"),
    });
    assert_eq!(rig.value(run), 5);
}

#[test]
fn describe_says_who_is_waited_for_until_when_and_what_to_type() {
    let (mut rig, run, task) = held(slow_retry());
    rig.pass(Millis::seconds(12));
    rig.restart();
    let description = rig.describe(run);
    assert_eq!(description.running, []);
    let why = description.waiting_on;
    let command = format!("`activity complete --token {} --result JSON`", task.token());
    assert!(
        why.contains("somebody elsewhere to complete activity work")
            && why.contains("handed over 12 s ago")
            && why.contains("its start-to-close timeout ends the attempt in 48 s")
            && why.contains(&command),
        "{why}"
    );
}

/// The life of a held attempt: what is said, in order. Whoever gets no answer says it again.
fn live(dies_at: Option<usize>) -> (usize, u64, u32) {
    let mut rig = Rig::new();
    let mut steps = 0;
    let mut may_die = |rig: &mut Rig| {
        if dies_at == Some(steps) {
            rig.restart();
        }
        steps += 1;
    };
    let run = rig.start_one("a", "work", slow_retry());
    let mut made = 0;
    let mut token = None;
    for turn in 0..4 {
        may_die(&mut rig);
        // An attempt whose worker died before it could say that it is held is made again.
        for task in rig.poll() {
            made += 1;
            assert!(
                token.is_none_or(|t| t == task.token()),
                "{turn}: the same token"
            );
            token = Some(task.token());
            may_die(&mut rig);
            hold(&mut rig, &task);
            may_die(&mut rig);
        }
        let token = token.unwrap();
        assert_eq!(beat(&mut rig, token, "alive"), heard(false));
        may_die(&mut rig);
    }
    let token = token.unwrap();
    let message = |value: u64| Message::ByToken {
        token,
        word: TokenWord::Complete(Payload::json(&value).unwrap()),
    };
    rig.send(message(42));
    if dies_at == Some(steps) {
        // Before the commit: nobody was told, so it is said again.
        rig.restart();
        assert_eq!(complete(&mut rig, token, 42), Reply::Done);
    }
    steps += 1;
    rig.settle();
    let again = complete(&mut rig, token, 43);
    assert!(matches!(again, Reply::TokenRefused(_)), "{again:?}");
    let ends = rig.names(run);
    let ends = ends.iter().filter(|name| **name == "ActivityTaskCompleted");
    assert_eq!(ends.count(), 1);
    (steps, rig.value(run), made)
}

#[test]
fn a_crash_at_any_moment_neither_loses_nor_doubles_a_completion() {
    let (steps, value, made) = live(None);
    assert_eq!((value, made), (42, 1));
    for dies_at in 0..steps {
        let (_, value, made) = live(Some(dies_at));
        assert_eq!(value, 42, "died at {dies_at}");
        assert!(made <= 2, "died at {dies_at}: made {made} times");
    }
}

async fn ask_somebody(cx: Cx, options: ActivityOptions) -> Result<String, Failure> {
    cx.activity_named("Ask", &(), options).await
}

/// The whole engine with its threads; every function that is asked gives its token away and returns.
fn whole_engine(
    store: Arc<dyn Store>,
    tokens: tokio::sync::mpsc::UnboundedSender<String>,
) -> Engine {
    let ask = move |cx: ActivityCx, (): ()| {
        let tokens = tokens.clone();
        async move {
            tokens
                .send(cx.task_token().to_string())
                .expect("somebody listens");
            cx.result_pending::<String>()
        }
    };
    let engine = Engine::builder(store).concurrency(1);
    let engine = engine.workflow("ask", ask_somebody).activity_fn("Ask", ask);
    engine.start().unwrap()
}

async fn until_held(client: &Client, run: RunId) {
    let is_held = |state: &kernel::RunState| state.activities.values().any(|a| a.held.is_some());
    while !is_held(&client.describe(run).await.unwrap().state) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_function_returns_and_a_client_gives_its_result_after_a_restart() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (send, mut tokens) = tokio::sync::mpsc::unbounded_channel();
    let engine = whole_engine(Arc::clone(&store), send.clone());
    let client = engine.client();
    // More of them than slots: none of them holds one.
    let first = client.start("first", "ask", &slow_retry()).await.unwrap();
    let second = client.start("second", "ask", &slow_retry()).await.unwrap();
    until_held(&client, first).await;
    until_held(&client, second).await;
    let (one, two) = (tokens.recv().await.unwrap(), tokens.recv().await.unwrap());
    let activity = one.parse::<TaskToken>().unwrap().scheduled_event_id;
    let owner = one.parse::<TaskToken>().unwrap().run_id;
    assert_eq!(client.token_of(owner, activity).unwrap().to_string(), one);
    engine.shutdown().await;

    let engine = whole_engine(store, send);
    let client = engine.client();
    let beat = client.heartbeat_by_token(&one, Some(&"half")).await;
    assert_eq!(beat.unwrap(), HeartbeatAnswer::GoOn);
    client.complete_by_token(&one, "yes").await.unwrap();
    let failure = Failure::retryable("Busy", "nobody there").retry_after(Millis(1));
    client.fail_by_token(&two, failure).await.unwrap();
    assert_eq!(client.result::<String>(owner).await.unwrap(), "yes");
    let again = client.complete_by_token(&one, "no").await;
    assert!(
        matches!(
            again,
            Err(ClientError::TokenRefused(TokenRefusal::RunClosed(..)))
        ),
        "{again:?}"
    );
    let old = client.complete_by_token(&two, "no").await;
    let current = TokenRefusal::OldAttempt { current: 2, got: 1 };
    assert!(
        matches!(old, Err(ClientError::TokenRefused(r)) if r == current),
        "{old:?}"
    );
    let garbage = client.complete_by_token("what?", "no").await.unwrap_err();
    assert!(matches!(garbage, ClientError::BadToken(_)));
    assert!(
        garbage.to_string().contains("it begins with at1-"),
        "{garbage}"
    );
    engine.shutdown().await;
}
