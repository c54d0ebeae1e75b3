//! Runs that begin: asked for once or again, together with a signal, against one that is there, or by
//! a schedule.
//!
//! Neighbours: the world lets clients and the clock, the ledger keeps what clients were told.

use std::collections::BTreeSet;

use engine::core::{ActivityLimit, IdConflictPolicy, IdReusePolicy, Message, Reply, StartSpec};
use engine::schedule::record::Schedule;
use engine::schedule::{Action, Body, NewSchedule, Overlap, Request, ScheduleSpec};
use kernel::{Payload, Timestamp, WorkflowId};
use state::store::{Namespace, Store};

use super::{Asked, World};
use crate::check::Histories;
use crate::report::Plant;
use crate::rng::Rng;
use crate::script;

/// The one schedule of a world, if it has one.
const SCHEDULE: &str = "s";
/// Starts against runs that are there, in one world: each may begin all of a script again.
pub(super) const AGAIN_MAX: u32 = 3;

/// What a client knows of the schedule that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    No,
    Wanted,
    Made,
}

/// How many attempts at once and in a second, if that is limited.
pub(super) fn limit(rng: &mut Rng) -> ActivityLimit {
    ActivityLimit {
        concurrency: rng.chance(30).then(|| 1 + rng.index(4)),
        per_second: rng
            .chance(30)
            .then(|| u32::try_from(1 + rng.below(20)).unwrap_or(1)),
    }
}

impl World {
    /// A client that has no answer asks for its run, again perhaps, some together with a signal.
    pub(super) fn submit(&mut self) -> Result<(), String> {
        let Some(index) = self.wanted.iter().position(|w| !w.acknowledged) else {
            return Ok(());
        };
        let spec = self.spec_of(index)?;
        if self.plant == Plant::EarlyAck {
            self.wanted[index].acknowledged = true;
        }
        if self.rng.chance(70) {
            return self.ask(Message::Start(spec), Asked::Start(index));
        }
        self.next_signal += 1;
        self.report.signals += 1;
        let message = Message::SignalWithStart {
            spec,
            name: "go".to_owned(),
            input: Payload::json(&self.next_signal).map_err(|e| e.to_string())?,
        };
        self.ask(message, Asked::SignalWithStart(index, self.next_signal))
    }

    fn spec_of(&self, index: usize) -> Result<StartSpec, String> {
        let wanted = &self.wanted[index];
        let input = Payload::json(&wanted.script).map_err(|e| e.to_string())?;
        Ok(StartSpec {
            options: script::start_options(),
            ..StartSpec::new(&wanted.id, "script", input)
        })
    }

    /// Somebody wants a run that was acknowledged already, and says what is to become of that one.
    pub(super) fn start_again(&mut self) -> Result<(), String> {
        let index = self.rng.index(self.wanted.len());
        if !self.wanted[index].acknowledged || self.again_left == 0 {
            return Ok(());
        }
        self.again_left -= 1;
        let mut spec = self.spec_of(index)?;
        spec.options.id_conflict = match self.rng.below(3) {
            0 => IdConflictPolicy::Fail,
            1 => IdConflictPolicy::UseExisting,
            _ => IdConflictPolicy::TerminateExisting,
        };
        spec.options.id_reuse = match self.rng.below(3) {
            0 => IdReusePolicy::AllowDuplicate,
            1 => IdReusePolicy::AllowDuplicateFailedOnly,
            _ => IdReusePolicy::RejectDuplicate,
        };
        let policies = (spec.options.id_conflict, spec.options.id_reuse);
        self.ask(Message::Start(spec), Asked::StartAgain(policies))
    }

    /// An id that may not be used again was not, and an open run is left alone by whoever says so.
    pub(super) fn started_again(
        &mut self,
        (conflict, reuse): (IdConflictPolicy, IdReusePolicy),
        reply: &Reply,
    ) -> Result<(), String> {
        // The run was acknowledged before, so there is one: open, or closed.
        let good = if let Reply::Started(_) = reply {
            reuse != IdReusePolicy::RejectDuplicate
                || conflict == IdConflictPolicy::TerminateExisting
        } else if let Reply::AlreadyRunning(_) = reply {
            conflict != IdConflictPolicy::TerminateExisting
        } else {
            matches!(reply, Reply::AlreadyRan(_)) && reuse != IdReusePolicy::AllowDuplicate
        };
        if !good {
            return Err(format!("{conflict:?} and {reuse:?} gave {reply:?}"));
        }
        if let Reply::Started(_) = reply {
            self.report.begun_again += 1;
        }
        Ok(())
    }

    pub(super) fn make_schedule(&mut self) -> Result<(), String> {
        if self.planned != Planned::Wanted {
            return Ok(());
        }
        let action = Action {
            workflow_type: "script".to_owned(),
            input: Payload::json(&script::brief(&mut self.rng)).map_err(|e| e.to_string())?,
        };
        let spec = ScheduleSpec::cron("* * * * *");
        let mut new = NewSchedule::new(SCHEDULE, spec, action);
        new.policies.overlap = Overlap::ALL[self.rng.index(Overlap::ALL.len())];
        new.remaining = Some(1 + self.rng.below(4));
        let create = Request::Create(Box::new(new));
        self.ask(Message::Schedule(create), Asked::Schedule)
    }

    /// Asked for again after a crash, it may be there already.
    pub(super) fn schedule_answered(&mut self, body: &Body) -> Result<(), String> {
        let record = self.schedule()?;
        if record.is_none() {
            return Err(format!(
                "the schedule is not there, and it was said: {body:?}"
            ));
        }
        self.planned = Planned::Made;
        Ok(())
    }

    fn schedule(&self) -> Result<Option<Schedule>, String> {
        let rows = self.store.rows(Namespace::Schedule);
        let row = rows.map_err(|e| e.to_string())?.into_iter().next();
        row.map(|(_, bytes)| Schedule::decode(&bytes)).transpose()
    }

    /// Runs that the schedule has started.
    pub(super) fn scheduled(&self) -> Result<u64, String> {
        let schedule = self.schedule()?;
        Ok(schedule.map_or(0, |schedule| schedule.counts.started))
    }

    /// Whether the schedule, if one is wanted, has made all its starts.
    pub(super) fn schedule_is_over(&self) -> bool {
        self.planned == Planned::No
            || self.planned == Planned::Made
                && self.schedule().is_ok_and(|schedule| {
                    schedule.is_some_and(|s| s.remaining == Some(0) && s.waiting.is_empty())
                })
    }

    /// What the record says was started is there, each time once, and nothing else is: both are
    /// written in one commit.
    pub(super) fn schedule_and_runs_agree(&self, histories: &Histories) -> Result<(), String> {
        let begun: BTreeSet<&WorkflowId> = histories
            .values()
            .map(|(id, _)| id)
            .filter(|id| is_scheduled(id))
            .collect();
        let begun = u64::try_from(begun.len()).unwrap_or(u64::MAX);
        match self.schedule()? {
            Some(schedule) if schedule.counts.started == begun => Ok(()),
            Some(schedule) => Err(format!(
                "{begun} runs of the schedule are there, {:?}",
                schedule.counts
            )),
            None if self.planned == Planned::Made => {
                Err("the schedule was acknowledged and is gone".to_owned())
            }
            None if begun > 0 => Err("runs of a schedule are there without it".to_owned()),
            None => Ok(()),
        }
    }

    /// One more attempt begins: there may be so many at once, and in a second.
    pub(super) fn count_the_limited(&mut self) -> Result<(), String> {
        let held = crate::check::held(&self.store)?;
        let out = self.out.len() + held;
        if let Some(most) = self.limit.concurrency.filter(|most| out > *most) {
            return Err(format!("{out} attempts at once, {most} are allowed"));
        }
        let Some(rate) = self.limit.per_second else {
            return Ok(());
        };
        let now = self.now;
        if self.begun.back().is_some_and(|last| *last > now) {
            // The clock went back: what was used up then says nothing of now.
            self.begun.clear();
        }
        self.begun.push_back(now);
        while let Some(first) = self.begun.front() {
            if now.since(*first).0 < 1_000 {
                break;
            }
            self.begun.pop_front();
        }
        // What was not used of the second before is there for this one.
        let most = 2 * usize::try_from(rate).unwrap_or(usize::MAX);
        if self.begun.len() > most {
            let n = self.begun.len();
            return Err(format!("{n} attempts within a second, {rate} are allowed"));
        }
        Ok(())
    }
}

fn is_scheduled(id: &WorkflowId) -> bool {
    let named = id.as_str().strip_prefix(SCHEDULE);
    let rest = named.and_then(|rest| rest.strip_prefix('-'));
    // A fork of a run, or a child of one, has a longer name.
    rest.is_some_and(|time| !time.contains(['/', '~']))
}

/// A run that was out of time was so.
pub(crate) fn timeouts_are_not_early(histories: &Histories) -> Result<(), String> {
    use kernel::EventKind::{WorkflowExecutionStarted, WorkflowExecutionTimedOut};
    for (id, events) in histories.values() {
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            continue;
        };
        if let WorkflowExecutionStarted { options, chain, .. } = &first.kind
            && matches!(last.kind, WorkflowExecutionTimedOut { .. })
            && chain.origin.is_none()
        {
            let of_run = options.run_timeout.map(|time| first.at.after(time));
            let ends: Vec<Timestamp> = of_run.into_iter().chain(chain.deadline).collect();
            if ends.iter().all(|end| last.at < *end) {
                return Err(format!(
                    "run {id} timed out at {:?} before {ends:?}",
                    last.at
                ));
            }
        }
    }
    Ok(())
}
