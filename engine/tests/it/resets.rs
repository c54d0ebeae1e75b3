//! Resets and forks: of open and closed runs, with children, signals and updates, wherever the process
//! dies.

use std::sync::Arc;

use engine::core::{ForkRequest, Message, Reply, ResetRequest, UpdateStage};
use engine::schedule::{Action, NewSchedule, Overlap, Request, ScheduleSpec};
use engine::{ClientError, Engine, ForkOptions, ResetOptions};
use kernel::primitives::workflow_execution::State as Status;
use kernel::reset::preview::ActivityFate;
use kernel::{
    ChildOptions, Cx, Definition, Edits, EventId, EventKind, Failure, Millis, ParentClosePolicy,
    Payload, Reapply, Refusal, ResetPlan, ResetTo, RunId, WorkflowId,
};
use state::memory_store::MemoryStore;
use state::sled_store::SledStore;

use crate::children::Die;
use crate::rig::{Rig, of, once};

/// So many pieces of work, one after another; their sum.
async fn steps(cx: Cx, n: u64) -> Result<u64, Failure> {
    let mut sum = 0;
    for value in 0..n {
        let one: u64 = cx.activity_named("work", &value, once()).await?;
        sum += one;
    }
    Ok(sum)
}

/// A child, then a piece of work, then another child.
async fn parent(cx: Cx, policy: ParentClosePolicy) -> Result<u64, Failure> {
    let child = |name: &str| {
        let id = WorkflowId(format!("{}/{name}", cx.info().workflow_id));
        let options = ChildOptions {
            parent_close_policy: policy,
            ..ChildOptions::default()
        };
        cx.child_named::<_, u64>("steps", id, &1_u64, options)
    };
    let first = child("first").await?;
    let work: u64 = cx.activity_named("mail", &7_u64, once()).await?;
    let second = child("second").await?;
    Ok(first + work + second)
}

/// Adds up signals until there were three, and takes updates meanwhile.
async fn adder(cx: Cx, _: ()) -> Result<u64, Failure> {
    let validator = |value: &u64| match value {
        13 => Err(Failure::permanent("Unlucky", "thirteen is refused")),
        _ => Ok(()),
    };
    cx.update("say", validator, |value: u64| async move { Ok(value + 1) });
    let mut sum = 0;
    for _ in 0..3 {
        sum = sum * 10 + cx.signal::<u64>("add").await?;
    }
    Ok(sum)
}

async fn nap(cx: Cx, ms: u64) -> Result<u64, Failure> {
    cx.sleep(Millis(ms)).await?;
    let one: u64 = cx.activity_named("work", &1_u64, once()).await?;
    Ok(ms + one)
}

/// Adds one signal in each of two runs.
async fn relay(cx: Cx, (left, sum): (u64, u64)) -> Result<u64, Failure> {
    let sum = sum * 10 + cx.signal::<u64>("add").await?;
    if left == 0 {
        return Ok(sum);
    }
    cx.continue_as_new(&(left - 1, sum))
}

pub(crate) fn rig() -> Rig {
    let workflows = of([
        Definition::new("steps", steps),
        Definition::new("parent", parent),
        Definition::new("adder", adder),
        Definition::new("nap", nap),
        Definition::new("relay", relay),
    ]);
    Rig::over(Arc::new(MemoryStore::new()), workflows)
}

pub(crate) fn to(event: u64) -> ResetTo {
    ResetTo::Event(EventId(event))
}

pub(crate) fn request(run_id: RunId, to: ResetTo) -> ResetRequest {
    ResetRequest {
        run_id,
        to,
        edits: Edits::default(),
        reason: "mended".to_owned(),
    }
}

pub(crate) fn made(reply: Reply) -> (RunId, ResetPlan) {
    let Reply::Made { run_id, plan } = reply else {
        panic!("not made: {reply:?}")
    };
    (run_id, *plan)
}

pub(crate) fn reset(rig: &mut Rig, run_id: RunId, to: ResetTo) -> (RunId, ResetPlan) {
    made(rig.ask(Message::Reset(Box::new(request(run_id, to)))))
}

fn signal(rig: &mut Rig, id: &str, value: u64) {
    let signal = Message::Signal {
        workflow_id: WorkflowId::new(id),
        name: "add".to_owned(),
        input: Payload::json(&value).unwrap(),
    };
    assert_eq!(rig.ask(signal), Reply::Done);
}

pub(crate) fn end_next(rig: &mut Rig, value: u64) {
    let task = rig.task();
    rig.end(task.task, Ok(value));
}

fn open_of(rig: &Rig, id: &str) -> Vec<RunId> {
    let open = rig.store.open_runs().unwrap();
    let is_it = |run: &RunId| rig.state(*run).workflow_id.as_str() == id;
    open.into_iter().filter(is_it).collect()
}

#[test]
fn an_open_run_is_replaced_by_one_that_keeps_its_results() {
    let mut rig = rig();
    let old = rig.start("a", "steps", &3_u64);
    end_next(&mut rig, 10);
    let running = rig.task();
    let (new, plan) = reset(&mut rig, old, ResetTo::LastWorkflowTask);
    assert_eq!(plan.activities[0].fate, ActivityFate::Kept);
    assert_eq!(plan.activities[1].fate, ActivityFate::Forgotten);
    let ended = rig.state(old);
    assert_eq!(
        (ended.status, ended.successor),
        (Status::Terminated, Some(new))
    );
    let last = rig.history(old).pop().unwrap().kind;
    let EventKind::WorkflowExecutionTerminated { reason, next } = last else {
        panic!("{last:?}")
    };
    assert_eq!(next, Some(new));
    assert!(
        reason.contains("reset to event 5") && reason.contains("mended"),
        "{reason}"
    );
    // What the old attempt still says is of nobody's concern.
    rig.end(running.task, Ok(77));
    let again = rig.task();
    assert_eq!(
        (again.task.run_id, again.input.decode::<u64>()),
        (new, Ok(1))
    );
    rig.end(again.task, Ok(20));
    end_next(&mut rig, 30);
    assert_eq!(rig.value(new), 60);
    assert_eq!(rig.run_of("a"), new);
}

/// Rounds by hand, with the reset at one of them and a death at one commit.
fn story(reset_at: u64, point: ResetTo, die: Die) -> (u64, bool) {
    let mut rig = rig();
    let first = rig.start("a", "steps", &3_u64);
    let (mut commits, mut asked) = (0, false);
    let mut handed_out: Vec<(RunId, EventId)> = Vec::new();
    for round in 0..60 {
        if rig.core.open_runs() == 0 && rig.core.is_settled() && round > reset_at {
            let runs = rig.store.list_runs(None, 10).unwrap();
            let newest = rig.run_of("a");
            assert_eq!(rig.value(newest), 3, "{die:?}");
            for info in &runs {
                let state = rig.state(info.run_id);
                if let Some(origin) = &state.chain.origin {
                    let kept = rig.history(info.run_id);
                    let ended = kept.iter().filter(|e| e.id <= origin.kept());
                    for event in ended {
                        if let EventKind::ActivityTaskCompleted {
                            scheduled_event_id, ..
                        } = event.kind
                        {
                            let again = (info.run_id, scheduled_event_id);
                            assert!(!handed_out.contains(&again), "{again:?} {die:?}");
                        }
                    }
                }
            }
            return (commits, runs.len() > 1);
        }
        if round >= reset_at && !asked {
            let message = Message::Reset(Box::new(request(first, point)));
            rig.core.handle(message, None, rig.now).unwrap();
            asked = true;
        }
        rig.now = rig.now.after(Millis(700));
        rig.core.fire_due(rig.now);
        rig.core.run_workflow_tasks(rig.now).unwrap();
        commits += 1;
        let before = rig.store.list_runs(None, 10).unwrap().len();
        if die != Die::Before(commits) {
            rig.core.commit().unwrap();
        }
        if die == Die::Before(commits) || die == Die::After(commits) {
            let written = rig.store.list_runs(None, 10).unwrap().len() > before;
            // Who got no answer looks whether it was done, and asks again if not.
            asked &= written || die == Die::After(commits);
            rig.restart();
            assert_eq!(open_of(&rig, "a").len(), rig.core.open_runs(), "{die:?}");
            assert!(rig.core.open_runs() <= 1, "{die:?}");
            continue;
        }
        for task in rig.core.poll_tasks(rig.now) {
            handed_out.push((task.task.run_id, task.task.scheduled_event_id));
            let result = Some(Payload::json(&1_u64).map_err(Failure::from));
            let ended = Message::AttemptEnded {
                task: task.task,
                result,
            };
            rig.core.handle(ended, None, rig.now).unwrap();
        }
    }
    panic!("it does not end: {reset_at} {point:?} {die:?}");
}

#[test]
fn a_reset_is_whole_or_not_there_wherever_the_process_dies() {
    for reset_at in 1..6 {
        for point in [to(2), to(4), to(5), ResetTo::LastWorkflowTask] {
            let (commits, _) = story(reset_at, point, Die::Never);
            for n in 1..=commits {
                story(reset_at, point, Die::Before(n));
                story(reset_at, point, Die::After(n));
            }
        }
    }
    assert!(story(3, to(4), Die::Never).1, "a second run was made");
}

#[test]
fn a_closed_run_goes_on_from_the_activity_that_failed() {
    let mut rig = rig();
    let old = rig.start("a", "steps", &2_u64);
    end_next(&mut rig, 10);
    let task = rig.task();
    rig.end(
        task.task,
        Err(Failure::permanent("Broken", "the disk is full")),
    );
    assert_eq!(rig.state(old).status, Status::Failed);
    let before = rig.history(old);
    rig.restart();
    let (new, plan) = reset(&mut rig, old, ResetTo::FailedActivity);
    assert_eq!(plan.activities[1].fate, ActivityFate::RunAgain);
    let again = rig.task();
    assert_eq!((again.task.run_id, again.task.attempt), (new, 1));
    rig.end(again.task, Ok(5));
    assert_eq!(rig.value(new), 15);
    assert_eq!(rig.history(old), before, "what has closed stays as it is");
}

#[test]
fn an_edited_result_takes_the_place_of_the_recorded_one() {
    let mut rig = rig();
    let old = rig.start("a", "steps", &2_u64);
    end_next(&mut rig, 10);
    end_next(&mut rig, 20);
    assert_eq!(rig.value(old), 30);
    let mut edited = request(old, ResetTo::LastWorkflowTask);
    let second = EventId(6);
    edited
        .edits
        .results
        .insert(second, Payload::json(&2_u64).unwrap());
    let (new, plan) = made(rig.ask(Message::Reset(Box::new(edited))));
    assert_eq!(plan.activities[1].fate, ActivityFate::Edited);
    assert_eq!(rig.poll(), [], "nothing is run");
    assert_eq!(rig.value(new), 12);
}

#[test]
fn signals_come_again_in_order_even_those_of_the_same_moment() {
    let mut rig = rig();
    let old = rig.start("a", "adder", &());
    signal(&mut rig, "a", 1);
    // The second is in the group that the reset is in.
    let second = rig.send(Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "add".to_owned(),
        input: Payload::json(&2_u64).unwrap(),
    });
    let (new, plan) = reset(&mut rig, old, ResetTo::FirstWorkflowTask);
    assert_eq!(rig.answer(second), Some(Reply::Done));
    assert_eq!(plan.signals["add"].again, 2);
    rig.restart();
    signal(&mut rig, "a", 3);
    assert_eq!(rig.value(new), 123);
    // Reset again: what the second run had itself comes after what it began with, nothing twice.
    let (third, _) = reset(&mut rig, new, ResetTo::FirstWorkflowTask);
    assert_eq!(rig.value(third), 123);
    // The first one once more: what followed on it counts too.
    let mut left_out = request(old, ResetTo::FirstWorkflowTask);
    left_out.edits.reapply = Reapply::None;
    let (fourth, plan) = made(rig.ask(Message::Reset(Box::new(left_out))));
    assert_eq!(plan.signals["add"].dropped, 3);
    assert_eq!(rig.state(fourth).signals, 0);
}

#[test]
fn a_run_of_a_chain_takes_along_what_its_successors_were_sent() {
    let mut rig = rig();
    let first = rig.start("a", "relay", &(2_u64, 0_u64));
    signal(&mut rig, "a", 1);
    signal(&mut rig, "a", 2);
    let last = rig.run_of("a");
    assert_ne!(first, last);
    let (new, _) = reset(&mut rig, first, ResetTo::FirstWorkflowTask);
    assert_eq!(rig.state(last).status, Status::Terminated);
    assert_eq!(rig.state(last).successor, Some(new));
    let signals = rig.history(new).into_iter().filter_map(|event| {
        if let EventKind::WorkflowExecutionSignaled { input, .. } = event.kind {
            input.decode::<u64>().ok()
        } else {
            None
        }
    });
    assert_eq!(signals.collect::<Vec<_>>(), [1, 2]);
    assert_eq!(rig.core.open_runs(), 1);
}

#[test]
fn an_open_run_that_did_not_follow_is_left_alone() {
    let mut rig = rig();
    let old = rig.start("a", "nap", &1_000_000_u64);
    rig.tell(Message::Terminate {
        workflow_id: WorkflowId::new("a"),
        reason: "enough".to_owned(),
    });
    let other = rig.start("a", "nap", &5_000_u64);
    let reply = rig.ask(Message::Reset(Box::new(request(old, to(2)))));
    assert_eq!(reply, Reply::Refused(Refusal::OpenElsewhere(other)));
    let reply = rig.ask(Message::Reset(Box::new(request(RunId([9; 16]), to(2)))));
    assert_eq!(reply, Reply::NotFound);
    assert_eq!(rig.core.open_runs(), 1);
}

#[test]
fn updates_are_asked_again_and_a_crash_does_not_lose_them() {
    let mut rig = rig();
    let old = rig.start("a", "adder", &());
    let update = |id: &str, value: u64| Message::Update {
        workflow_id: WorkflowId::new("a"),
        update_id: id.to_owned(),
        name: "say".to_owned(),
        input: Payload::json(&value).unwrap(),
        stage: UpdateStage::Completed,
    };
    let answer = |value: u64| Reply::UpdateCompleted(Ok(Payload::json(&value).unwrap()));
    assert_eq!(rig.ask(update("u", 5)), answer(6));
    assert!(matches!(rig.ask(update("v", 13)), Reply::UpdateRejected(_)));
    let message = Message::Reset(Box::new(request(old, ResetTo::FirstWorkflowTask)));
    rig.core.handle(message, None, rig.now).unwrap();
    // Durable, but the code has had no turn when the process dies.
    rig.core.commit().unwrap();
    let new = rig.run_of("a");
    assert_eq!(rig.state(new).updates_to_ask().len(), 1);
    rig.restart();
    assert_eq!(rig.state(new).updates_to_ask().len(), 0);
    assert!(rig.state(new).updates["u"].completed_event_id.is_some());
    assert_eq!(rig.ask(update("u", 5)), answer(6), "it is the same request");
    let accepted = rig.names(new);
    let accepted = accepted.iter().filter(|n| n.ends_with("UpdateAccepted"));
    assert_eq!(accepted.count(), 1);
    for value in 1..=3 {
        signal(&mut rig, "a", value);
    }
    assert_eq!(rig.value(new), 123);
}

#[test]
fn a_timer_that_waited_fires_when_it_would_have() {
    let mut rig = rig();
    let old = rig.start("a", "nap", &5_000_u64);
    rig.pass(Millis(6_000));
    end_next(&mut rig, 1);
    assert_eq!(rig.value(old), 5_001);
    rig.pass(Millis::seconds(100));
    // Before it fired: its time has passed, so it fires at once.
    let (new, _) = reset(&mut rig, old, to(4));
    end_next(&mut rig, 2);
    assert_eq!(rig.value(new), 5_002);
}

#[test]
fn a_pause_is_not_taken_along() {
    let mut rig = rig();
    let old = rig.start("a", "steps", &1_u64);
    rig.tell(Message::Pause {
        workflow_id: WorkflowId::new("a"),
        reason: "wait".to_owned(),
    });
    let (new, _) = reset(&mut rig, old, ResetTo::FirstWorkflowTask);
    end_next(&mut rig, 4);
    assert_eq!(rig.value(new), 4);
}

pub(crate) fn fork(rig: &mut Rig, run_id: RunId, to: ResetTo, edits: Edits) -> Reply {
    rig.ask(Message::Fork(Box::new(ForkRequest {
        run_id,
        to,
        edits,
        workflow_id: WorkflowId::new("b"),
        reason: String::new(),
    })))
}

#[test]
fn a_fork_goes_its_own_way_and_the_old_run_does_not_notice() {
    let mut rig = rig();
    let old = rig.start("a", "steps", &2_u64);
    end_next(&mut rig, 10);
    let task = rig.task();
    let before = rig.history(old);
    let (new, plan) = made(fork(&mut rig, old, to(7), Edits::default()));
    assert_eq!(plan.activities[1].fate, ActivityFate::RunAgain);
    assert_eq!(rig.history(old), before);
    let reply = fork(&mut rig, old, to(7), Edits::default());
    assert_eq!(reply, Reply::AlreadyRunning(new));
    let own = rig.task();
    assert_eq!(own.task.run_id, new);
    rig.end(own.task, Ok(1));
    rig.end(task.task, Ok(20));
    assert_eq!((rig.value(new), rig.value(old)), (11, 30));
    let edits = Edits {
        input: Some(Payload::json(&1_u64).unwrap()),
        ..Edits::default()
    };
    let (other, _) = made(fork(&mut rig, old, ResetTo::FirstWorkflowTask, edits));
    end_next(&mut rig, 3);
    assert_eq!(rig.value(other), 3, "one step instead of two");
}

#[test]
fn a_schedule_waits_for_the_run_in_the_place_of_its_own() {
    let mut rig = rig();
    rig.core.enable_schedules(rig.now).unwrap();
    let mut new = NewSchedule::new(
        "s",
        ScheduleSpec::every(Millis::seconds(20)),
        Action {
            workflow_type: "steps".to_owned(),
            input: Payload::json(&1_u64).unwrap(),
        },
    );
    new.policies.overlap = Overlap::Skip;
    let create = Message::Schedule(Request::Create(Box::new(new)));
    assert!(matches!(rig.ask(create), Reply::Schedule(_)));
    rig.pass(Millis::seconds(21));
    let old = rig.task().task.run_id;
    let (made, _) = reset(&mut rig, old, ResetTo::FirstWorkflowTask);
    let task = rig.task();
    assert_eq!(task.task.run_id, made);
    rig.pass(Millis::seconds(20));
    assert_eq!(
        rig.poll(),
        [],
        "the run in its place is open: the fire is skipped"
    );
    rig.end(task.task, Ok(1));
    assert_eq!(rig.value(made), 1);
    rig.pass(Millis::seconds(20));
    assert_ne!(
        rig.task().task.run_id,
        made,
        "it has ended: the next one starts"
    );
}

/// Short closed runs are packed, long ones have snapshots; both are read whole.
#[tokio::test]
async fn packed_and_long_runs_are_reset_from_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    for n in [3_u64, 400] {
        let id = format!("run-{n}");
        let open = || {
            Engine::builder(Arc::new(SledStore::open(dir.path()).unwrap()))
                .workflow("steps", steps)
                .activity_fn("work", |_cx, value: u64| async move { Ok(value) })
                .start()
                .unwrap()
        };
        let engine = open();
        let run = engine.client().start(&id, "steps", &n).await.unwrap();
        let sum: u64 = engine.client().result(run).await.unwrap();
        engine.shutdown().await;
        let engine = open();
        let client = engine.client();
        let options = ResetOptions::default();
        let middle = ResetTo::Event(EventId(client.history(run).unwrap().len() as u64 / 2));
        let preview = client.preview_reset(run, middle, &options).unwrap();
        assert_eq!(client.find(&id).unwrap(), run, "a preview writes nothing");
        let made = client.reset(run, middle, options.clone()).await.unwrap();
        assert_eq!(made.plan, preview);
        assert_eq!(client.result::<u64>(made.run_id).await.unwrap(), sum);
        // And what was made, once it is packed itself.
        drop(client);
        engine.shutdown().await;
        let engine = open();
        let client = engine.client();
        let again = client.reset(made.run_id, middle, options).await.unwrap();
        assert_eq!(client.result::<u64>(again.run_id).await.unwrap(), sum);
        let fork = client
            .fork(run, middle, ForkOptions::default())
            .await
            .unwrap();
        assert!(
            fork.workflow_id
                .as_str()
                .starts_with(&format!("{id}-fork-"))
        );
        assert_eq!(client.result::<u64>(fork.run_id).await.unwrap(), sum);
        let gone = client
            .reset(RunId([1; 16]), middle, ResetOptions::default())
            .await;
        assert!(matches!(gone, Err(ClientError::NotFound)));
        drop(client);
        engine.shutdown().await;
    }
}

#[tokio::test]
async fn whoever_waits_for_a_run_gets_the_result_of_the_one_in_its_place() {
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("adder", adder)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("a", "adder", &()).await.unwrap();
    let waiter = tokio::spawn({
        let client = client.clone();
        async move { client.result::<u64>(run).await }
    });
    client.signal("a", "add", &1_u64).await.unwrap();
    let options = ResetOptions {
        edits: Edits {
            signals: vec![("add".to_owned(), Payload::json(&2_u64).unwrap())],
            ..Edits::default()
        },
        reason: String::new(),
    };
    client
        .reset(run, ResetTo::FirstWorkflowTask, options)
        .await
        .unwrap();
    client.signal("a", "add", &3_u64).await.unwrap();
    assert_eq!(waiter.await.unwrap().unwrap(), 123);
    engine.shutdown().await;
}
