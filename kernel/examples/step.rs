//! What the kernel costs by itself: one sequential activity step, a replay, a wide fan-out.
//!
//! `cargo run --release -p kernel --example step`

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement reads the clock, the kernel does not"
)]

use std::error::Error;
use std::time::Instant;

use kernel::{
    ActivityOptions, Cx, Definition, EventId, Failure, HistoryEvent, Input, Machine, Millis,
    Payload, RunId, RunState, StartRequest, Timestamp, WorkflowId, WorkflowInfo, decide, join_all,
    replay, start,
};

const RUN: RunId = RunId([3; 16]);
const STEPS: u64 = 10_000;
const WIDTH: u64 = 2_000;

async fn sequence(cx: Cx, n: u64) -> Result<u64, Failure> {
    let mut sum = 0_u64;
    for value in 0..n {
        sum += cx
            .activity_named::<_, u64>("Echo", &value, ActivityOptions::default())
            .await?;
    }
    Ok(sum)
}

async fn fan_out(cx: Cx, n: u64) -> Result<u64, Failure> {
    let all = (0..n).map(|v| cx.activity_named::<_, u64>("Echo", &v, ActivityOptions::default()));
    join_all(all).await.into_iter().sum()
}

struct Run {
    state: RunState,
    machine: Machine,
    history: Vec<HistoryEvent>,
    now: Timestamp,
}

impl Run {
    fn new(definition: &Definition, n: u64) -> Result<Self, Box<dyn Error>> {
        let request = StartRequest::new(
            WorkflowId::new("step"),
            RUN,
            definition.workflow_type(),
            Payload::json(&n)?,
        );
        let input = request.input.clone();
        let (state, transition) = start(request, Timestamp(0))?;
        let machine = Machine::new(definition, WorkflowInfo::of(&state, 0), input);
        let mut run = Self {
            state,
            machine,
            history: transition.events,
            now: Timestamp(0),
        };
        run.turn(Vec::new())?;
        Ok(run)
    }

    fn turn(&mut self, news: Vec<kernel::News>) -> Result<(), Box<dyn Error>> {
        let commands = self
            .machine
            .advance(news, self.state.turn_start(self.now))?;
        let transition = decide(
            &self.state,
            Input::WorkflowTaskCompleted {
                commands,
                successor: None,
            },
            self.now,
        )?;
        self.state.apply(&transition)?;
        self.history.extend(transition.events);
        Ok(())
    }

    /// Completes the pending activity that was scheduled first, and runs the code on that.
    fn step(&mut self) -> Result<(), Box<dyn Error>> {
        let first: Option<EventId> = self.state.activities.keys().next().copied();
        let scheduled_event_id = first.ok_or("no activity is pending")?;
        let result = Ok(Payload::json(&1)?);
        self.now = self.now.after(Millis(1));
        let input = Input::ActivityResult {
            scheduled_event_id,
            attempt: 1,
            result,
        };
        let transition = decide(&self.state, input, self.now)?;
        let news = self.state.apply(&transition)?;
        self.history.extend(transition.events);
        self.turn(news)
    }
}

fn measure(name: &str, definition: &Definition, n: u64) -> Result<Run, Box<dyn Error>> {
    let mut run = Run::new(definition, n)?;
    let begun = Instant::now();
    for _ in 0..n {
        run.step()?;
    }
    let ns = begun.elapsed().as_nanos() / u128::from(n);
    println!(
        "{name}: {ns} ns a step, {n} steps, {} events",
        run.history.len()
    );
    if !run.state.is_closed() {
        return Err("the run did not end".into());
    }
    Ok(run)
}

fn main() -> Result<(), Box<dyn Error>> {
    let sequence = Definition::new("sequence", sequence);
    let run = measure("sequential", &sequence, STEPS)?;
    measure(
        "fan-out of 2,000, one result a turn",
        &Definition::new("fan-out", fan_out),
        WIDTH,
    )?;

    let events = &run.history[..10_000];
    let begun = Instant::now();
    replay(&sequence, WorkflowId::new("step"), RUN, events)?;
    let us = begun.elapsed().as_micros();
    println!(
        "replay of {} events: {}.{:03} ms",
        events.len(),
        us / 1_000,
        us % 1_000
    );
    Ok(())
}
