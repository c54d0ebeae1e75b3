//! Schedules in the core: their records lie beside the runs, and change in the commit of what they
//! start. So a crash between the start of a run and the progress of its schedule cannot be.
//!
//! Neighbours: `crate::schedule` says what a schedule does at a time; `feed` tells when a run has
//! closed; `turn` gives schedules their turns before those of code. Must not commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::primitives::workflow_execution;
use kernel::{Input, Outcome, RunId, RunState, Timestamp};
use state::store::{Error as StoreError, Namespace, Row};

use super::Core;
use super::message::{Reply, StartSpec};
use crate::schedule::record::Waiting;
use crate::schedule::{
    Answer, Body, Closed, Description, Do, Error, NewSchedule, Request, Schedule, Step, Timetable,
    Update,
};

/// Schedules of one store.
const SCHEDULES_MAX: usize = 10_000;
/// Things that one schedule may do before a commit.
const DEEDS_PER_TURN: usize = 100;

/// All schedules of the store, once somebody asked for one.
#[derive(Default)]
pub(super) struct Schedules {
    loaded: bool,
    /// Whether they fire in this process.
    active: bool,
    all: BTreeMap<String, Entry>,
    /// Records that this binary cannot read, and why. They are left as they are.
    unreadable: BTreeMap<String, String>,
    wakes: BTreeSet<(Timestamp, String)>,
    by_run: HashMap<RunId, String>,
    /// Those that may have something to do now.
    ready: BTreeSet<String>,
    /// Those that go on after the commit.
    parked: BTreeSet<String>,
    /// Runs of schedules that closed, in order.
    closed: Vec<RunId>,
}

struct Entry {
    schedule: Schedule,
    /// Or why there is none: the zone may be unknown to this binary.
    timetable: Result<Timetable, String>,
    wake: Option<Timestamp>,
}

impl Schedules {
    pub(super) fn is_settled(&self) -> bool {
        self.ready.is_empty() && self.parked.is_empty() && self.closed.is_empty()
    }

    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// Those whose time has come are ready. Gives how many.
    pub(super) fn wake(&mut self, now: Timestamp) -> usize {
        let mut woken = 0;
        while let Some((at, id)) = self.wakes.first().cloned() {
            if at > now {
                break;
            }
            self.wakes.remove(&(at, id.clone()));
            if let Some(entry) = self.all.get_mut(&id) {
                entry.wake = None;
            }
            self.ready.insert(id);
            woken += 1;
        }
        woken
    }

    pub(super) fn run_closed(&mut self, run_id: RunId) {
        if self.by_run.contains_key(&run_id) {
            self.closed.push(run_id);
        }
    }

    pub(super) fn committed(&mut self) {
        self.ready.append(&mut self.parked);
    }

    fn set_wake(&mut self, id: &str, at: Option<Timestamp>) {
        let Some(entry) = self.all.get_mut(id) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut entry.wake, at) {
            self.wakes.remove(&(old, id.to_owned()));
        }
        if let Some(at) = at {
            self.wakes.insert((at, id.to_owned()));
        }
    }

    fn make_ready(&mut self, id: &str) {
        if self.active {
            self.ready.insert(id.to_owned());
        }
    }

    fn entry(&mut self, id: &str) -> Result<&mut Entry, Error> {
        if let Some(why) = self.unreadable.get(id) {
            return Err(Error::Unreadable(why.clone()));
        }
        self.all
            .get_mut(id)
            .ok_or_else(|| Error::NotFound(id.to_owned()))
    }
}

impl Entry {
    fn describe(&self, now: Timestamp) -> Description {
        let (next, problem) = match &self.timetable {
            Ok(timetable) => (self.schedule.next_times(timetable, now), None),
            Err(why) => (Vec::new(), Some(why.clone())),
        };
        Description {
            schedule: self.schedule.clone(),
            next,
            problem,
        }
    }
}

impl Core {
    /// Lets schedules fire in this process from now on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn enable_schedules(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.load_schedules()?;
        self.schedules.active = true;
        let runs: Vec<RunId> = self.schedules.by_run.keys().copied().collect();
        for run_id in runs {
            self.adopt(run_id, now)?;
            if !self.runs.contains_key(&run_id) {
                self.schedules.run_closed(run_id);
            }
        }
        self.schedules.closed.sort_unstable();
        let ids: BTreeSet<String> = self.schedules.all.keys().cloned().collect();
        self.schedules.ready = ids;
        Ok(())
    }

    fn load_schedules(&mut self) -> Result<(), StoreError> {
        if self.schedules.loaded {
            return Ok(());
        }
        for (key, value) in self.store.rows(Namespace::Schedule)? {
            let id = String::from_utf8_lossy(&key).into_owned();
            match Schedule::decode(&value) {
                Ok(schedule) => {
                    for running in &schedule.running {
                        self.schedules.by_run.insert(running.run_id, id.clone());
                    }
                    let timetable = schedule.spec.compile().map_err(|error| error.to_string());
                    let entry = Entry {
                        schedule,
                        timetable,
                        wake: None,
                    };
                    self.schedules.all.insert(id, entry);
                }
                Err(why) => {
                    tracing::error!(%id, %why, "a schedule cannot be read and does not fire");
                    self.schedules.unreadable.insert(id, why);
                }
            }
        }
        self.schedules.loaded = true;
        Ok(())
    }

    /// Answers a question about schedules.
    pub(super) fn ask_schedules(
        &mut self,
        request: Request,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        self.load_schedules()?;
        let body = self.schedule_request(request, now);
        let answer = Answer {
            active: self.schedules.active,
            body: body.unwrap_or_else(Body::Refused),
        };
        Ok(Reply::Schedule(Box::new(answer)))
    }

    fn schedule_request(&mut self, request: Request, now: Timestamp) -> Result<Body, Error> {
        let id = match request {
            Request::List => {
                let all = self.schedules.all.values();
                return Ok(Body::All(all.map(|entry| entry.describe(now)).collect()));
            }
            Request::Delete { id } => return self.delete_schedule(&id, now),
            Request::Describe { id } => {
                let description = self.schedules.entry(&id)?.describe(now);
                return Ok(Body::One(Box::new(description)));
            }
            Request::Create(new) => self.create_schedule(*new, now)?,
            Request::Update { id, change } => self.update_schedule(id, *change, now)?,
            Request::Pause { id, note } => {
                self.schedules.entry(&id)?.schedule.pause(note);
                id
            }
            Request::Unpause { id, note } => {
                self.schedules.entry(&id)?.schedule.unpause(note, now);
                id
            }
            Request::Trigger { id, overlap } => {
                self.schedules.entry(&id)?.schedule.trigger(overlap, now)?;
                id
            }
            Request::Backfill { id, range } => {
                let entry = self.schedules.entry(&id)?;
                let timetable = entry.timetable.clone().map_err(Error::Unreadable)?;
                entry.schedule.backfill(&timetable, range, now)?;
                id
            }
        };
        self.save_schedule(&id);
        self.schedules.make_ready(&id);
        let description = self.schedules.entry(&id)?.describe(now);
        Ok(Body::One(Box::new(description)))
    }

    fn create_schedule(&mut self, new: NewSchedule, now: Timestamp) -> Result<String, Error> {
        let id = new.id.clone();
        if self.schedules.all.contains_key(&id) || self.schedules.unreadable.contains_key(&id) {
            return Err(Error::Exists(id));
        }
        if self.schedules.all.len() >= SCHEDULES_MAX {
            return Err(Error::Limit(format!(
                "there are {SCHEDULES_MAX} schedules already"
            )));
        }
        self.check_workflow(&new.action.workflow_type)?;
        let (schedule, timetable) = Schedule::create(new, now)?;
        let entry = Entry {
            schedule,
            timetable: Ok(timetable),
            wake: None,
        };
        self.schedules.all.insert(id.clone(), entry);
        Ok(id)
    }

    fn update_schedule(
        &mut self,
        id: String,
        change: Update,
        now: Timestamp,
    ) -> Result<String, Error> {
        if let Some(action) = &change.action {
            self.check_workflow(&action.workflow_type)?;
        }
        // On a copy first: what is refused changes nothing.
        let mut trial = self.schedules.entry(&id)?.schedule.clone();
        trial.update(change.clone(), now)?;
        self.settle_due(&id, now)?;
        let entry = self.schedules.entry(&id)?;
        if let Some(timetable) = entry.schedule.update(change, now)? {
            entry.timetable = Ok(timetable);
        }
        Ok(id)
    }

    /// Times that have passed are recorded by the rules that held then.
    fn settle_due(&mut self, id: &str, now: Timestamp) -> Result<(), Error> {
        let entry = self.schedules.entry(id)?;
        if let Ok(timetable) = &entry.timetable {
            entry.schedule.settle_due(timetable, now);
        }
        Ok(())
    }

    fn check_workflow(&self, workflow_type: &str) -> Result<(), Error> {
        if self.options.workflows.contains_key(workflow_type) {
            return Ok(());
        }
        Err(Error::Limit(format!(
            "no workflow of type {workflow_type:?} is registered in this binary"
        )))
    }

    fn delete_schedule(&mut self, id: &str, now: Timestamp) -> Result<Body, Error> {
        let description = self.schedules.entry(id)?.describe(now);
        self.schedules.set_wake(id, None);
        self.schedules.all.remove(id);
        self.schedules.ready.remove(id);
        self.schedules.parked.remove(id);
        self.schedules.by_run.retain(|_, owner| owner != id);
        self.group.rows.push(Row {
            namespace: Namespace::Schedule,
            key: id.as_bytes().to_vec(),
            value: None,
        });
        Ok(Body::One(Box::new(description)))
    }

    /// Puts a record into the group under way; of several in one group the last holds.
    fn save_schedule(&mut self, id: &str) {
        if let Some(entry) = self.schedules.all.get(id) {
            self.group.rows.push(Row {
                namespace: Namespace::Schedule,
                key: id.as_bytes().to_vec(),
                value: Some(entry.schedule.encode()),
            });
        }
    }

    /// Gives one schedule its turn, if one may have something to do. Gives whether there was one.
    pub(super) fn carry_schedules(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        self.note_closed(now)?;
        let Some(id) = self.schedules.ready.pop_first() else {
            return Ok(false);
        };
        let Some(before) = self.schedules.all.get(&id).map(|e| e.schedule.clone()) else {
            return Ok(true);
        };
        let mut rest = None;
        for deeds in 0..=DEEDS_PER_TURN {
            if deeds == DEEDS_PER_TURN {
                self.schedules.parked.insert(id.clone());
                break;
            }
            let Some(entry) = self.schedules.all.get_mut(&id) else {
                return Ok(true);
            };
            let Ok(timetable) = &entry.timetable else {
                break;
            };
            match entry.schedule.step(timetable, now) {
                Step::Do(deed) => self.carry_out_deed(&id, deed, now)?,
                Step::More => {
                    self.schedules.parked.insert(id.clone());
                    break;
                }
                Step::Rest(at) => {
                    rest = at;
                    break;
                }
            }
        }
        self.schedules.set_wake(&id, rest);
        if self.schedules.all.get(&id).map(|e| &e.schedule) != Some(&before) {
            self.save_schedule(&id);
        }
        Ok(true)
    }

    fn carry_out_deed(&mut self, id: &str, deed: Do, now: Timestamp) -> Result<(), StoreError> {
        match deed {
            Do::Start {
                waiting,
                workflow_id,
                unless_known,
            } => {
                if unless_known && self.is_known(&workflow_id)? {
                    self.with_schedule(id, Schedule::known);
                    return Ok(());
                }
                self.start_for(id, waiting, workflow_id, now)
            }
            Do::Cancel(running) => {
                let reason = format!("schedule {id} starts it anew");
                for run in running {
                    let input = Input::CancelRequest {
                        reason: reason.clone(),
                    };
                    self.ask_of(run.run_id, input, now)?;
                }
                Ok(())
            }
            Do::Terminate(running) => {
                let reason = format!("schedule {id} starts it anew");
                for run in running {
                    let input = Input::Terminate {
                        reason: reason.clone(),
                    };
                    self.ask_of(run.run_id, input, now)?;
                }
                self.note_closed(now)
            }
        }
    }

    /// A run that cannot be asked has closed, and the schedule is told so.
    fn ask_of(&mut self, run_id: RunId, input: Input, now: Timestamp) -> Result<(), StoreError> {
        if self.dormant.holds(run_id) {
            self.adopt(run_id, now)?;
        }
        let refused = self.feed(run_id, input, now).is_err();
        let is_open = self
            .runs
            .get(&run_id)
            .is_some_and(|live| !live.state.is_closed());
        if refused && !is_open {
            self.schedules.run_closed(run_id);
        }
        Ok(())
    }

    fn start_for(
        &mut self,
        id: &str,
        waiting: Waiting,
        workflow_id: kernel::WorkflowId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(entry) = self.schedules.all.get(id) else {
            return Ok(());
        };
        let action = &entry.schedule.action;
        let spec = StartSpec::new(
            workflow_id.as_str(),
            &action.workflow_type,
            action.input.clone(),
        );
        let reply = self.start_run(&spec, now)?;
        if let Reply::Started(run_id) = reply {
            self.schedules.by_run.insert(run_id, id.to_owned());
            self.with_schedule(id, |schedule| {
                schedule.started(waiting, workflow_id, run_id, now);
            });
            return Ok(());
        }
        let why = if let Reply::Rejected(rejection) = reply {
            rejection.to_string()
        } else {
            "a run of that workflow id is open".to_owned()
        };
        self.with_schedule(id, |schedule| {
            schedule.refused(waiting, workflow_id, why, now);
        });
        Ok(())
    }

    fn is_known(&self, workflow_id: &kernel::WorkflowId) -> Result<bool, StoreError> {
        Ok(self.by_id.contains_key(workflow_id) || self.store.latest_run(workflow_id)?.is_some())
    }

    fn with_schedule(&mut self, id: &str, change: impl FnOnce(&mut Schedule)) {
        if let Some(entry) = self.schedules.all.get_mut(id) {
            change(&mut entry.schedule);
        }
    }

    /// Tells schedules of their runs that have closed.
    fn note_closed(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for run_id in std::mem::take(&mut self.schedules.closed) {
            let Some(id) = self.schedules.by_run.remove(&run_id) else {
                continue;
            };
            let loaded = match self.runs.get(&run_id) {
                Some(_) => None,
                None => self.store.load_run(run_id)?,
            };
            let state = self.runs.get(&run_id).map(|live| &live.state);
            let closed = match state.or(loaded.as_ref()) {
                Some(state) if !state.is_closed() => {
                    // It only left the memory.
                    self.schedules.by_run.insert(run_id, id);
                    continue;
                }
                Some(state) => match state.successor {
                    Some(next) => {
                        self.follow_chain(&id, run_id, next);
                        continue;
                    }
                    None => closed_of(state),
                },
                None => Closed {
                    outcome: "Lost".to_owned(),
                    failure: Some("the store has no such run".to_owned()),
                },
            };
            self.with_schedule(&id, |schedule| {
                schedule.closed(run_id, closed, now);
            });
            self.save_schedule(&id);
            self.schedules.make_ready(&id);
        }
        Ok(())
    }
}

impl Core {
    /// The run goes on in another one, which is the schedule's from now on.
    fn follow_chain(&mut self, id: &str, run_id: RunId, next: RunId) {
        self.schedules.by_run.insert(next, id.to_owned());
        self.with_schedule(id, |schedule| schedule.followed(run_id, next));
        self.save_schedule(id);
        // The next one may have closed already, while nobody looked.
        self.schedules.run_closed(next);
    }
}

fn closed_of(state: &RunState) -> Closed {
    let failure = match &state.outcome {
        Some(Outcome::Failed(failure)) if state.status == workflow_execution::State::Failed => {
            Some(failure.to_string())
        }
        Some(Outcome::Failed(_) | Outcome::Completed(_)) | None => None,
    };
    Closed {
        outcome: format!("{:?}", state.status),
        failure,
    }
}
