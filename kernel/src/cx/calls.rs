//! [`Cx`]: what a workflow body can ask for.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::futures::{Canceled, NextSignal, Operation};
use super::local::{Call, LocalActivityTask, LocalOperation};
use super::scope::Scope;
use super::shared::{Begin, OperationKind, Shared};
use crate::command::Command;
use crate::failure::Failure;
use crate::ids::{Millis, RunId, Seq, Timestamp, WorkflowId};
use crate::machine::{Replaying, WorkflowInfo};
use crate::marker::{Marker, PatchState};
use crate::options::{ActivityOptions, ChildOptions, LocalActivityOptions, ParentClosePolicy};
use crate::payload::Payload;

/// The typed promise of an activity, known to the workflow that calls it and the code that runs it.
pub trait ActivityContract {
    /// The registered name.
    const TYPE: &'static str;
    /// The one input.
    type Input: Serialize + DeserializeOwned + Send + 'static;
    /// The one output.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// How it is run unless the caller says otherwise.
    #[must_use]
    fn options() -> ActivityOptions {
        ActivityOptions::default()
    }
}

/// The typed promise of a workflow, for those who start it as a child or from outside.
pub trait WorkflowContract {
    /// The registered name.
    const TYPE: &'static str;
    /// The one input.
    type Input: Serialize + DeserializeOwned + Send + 'static;
    /// The one output.
    type Output: Serialize + DeserializeOwned + Send + 'static;
}

/// The handle through which a workflow body has effects. Cheap to clone.
///
/// ```
/// use kernel::{ActivityContract, Cx, Definition, Either, Failure, Millis, join_all, select};
///
/// struct Fetch;
/// impl ActivityContract for Fetch {
///     const TYPE: &'static str = "Fetch";
///     type Input = String;
///     type Output = u64;
/// }
///
/// /// Fetches all pages side by side, and gives up after a minute.
/// async fn crawl(cx: Cx, pages: Vec<String>) -> Result<u64, Failure> {
///     cx.stage("fetch", u64::try_from(pages.len()).ok());
///     let fetched = join_all(pages.iter().map(|page| cx.activity::<Fetch>(page)));
///     match select(fetched, cx.sleep(Millis::seconds(60))).await {
///         Either::First(sizes) => sizes.into_iter().sum(),
///         Either::Second(_) => Err(Failure::permanent("TooSlow", "a minute was not enough")),
///     }
/// }
/// let definition = Definition::new("crawl", crawl);
/// # assert_eq!(definition.workflow_type(), "crawl");
/// ```
///
/// Everything that is not in here (clocks, files, randomness, threads) is forbidden in a body:
/// the body is run again from its history after a crash, and must do the same again.
#[derive(Clone)]
pub struct Cx {
    shared: Arc<Shared>,
    scope: Scope,
}

impl std::fmt::Debug for Cx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cx({:?})", self.scope)
    }
}

impl Cx {
    pub(crate) fn root(shared: Arc<Shared>) -> Self {
        let scope = shared.with(|inner| inner.root_scope());
        Self { shared, scope }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Who this run is.
    #[must_use]
    pub fn info(&self) -> WorkflowInfo {
        self.shared.with(|inner| inner.info.clone())
    }

    /// The time of this turn; the same again on replay.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.with(|inner| inner.now)
    }

    /// A random number; the same again on replay.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.shared.with(super::shared::Inner::random)
    }

    /// A random UUID (version 4); the same again on replay.
    #[must_use]
    pub fn uuid(&self) -> String {
        let (high, low) = (self.random(), self.random());
        let mut bytes = [0_u8; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        RunId(bytes).to_string()
    }

    /// Whether this run takes the new side of a change of its code. The answer is recorded, and
    /// stays: a run that passed this place before the change was written keeps to the old side.
    ///
    /// ```
    /// use kernel::{ActivityOptions, Cx, Failure};
    /// async fn greet(cx: Cx, name: String) -> Result<String, Failure> {
    ///     let activity = if cx.patched("greet politely") { "GreetPolitely" } else { "Greet" };
    ///     cx.activity_named(activity, &name, ActivityOptions::default()).await
    /// }
    /// # drop(greet);
    /// ```
    ///
    /// When no run on the old side is left, delete that side and put
    /// [`deprecate_patch`](Self::deprecate_patch) in its place; when no run that recorded the
    /// patch without it is left, delete that as well.
    #[must_use]
    pub fn patched(&self, id: &str) -> bool {
        self.shared
            .with(|inner| inner.is_patched(id, PatchState::Active))
    }

    /// Says that the old side of a patch is gone, and that this call will soon be gone too.
    pub fn deprecate_patch(&self, id: &str) {
        self.shared
            .with(|inner| inner.is_patched(id, PatchState::Deprecated));
    }

    /// The value that `make` gives, made once and recorded: replay reads it from the history. For
    /// small and quick things that are different each time; anything that may fail is an activity.
    ///
    /// # Errors
    /// When the value cannot be encoded or does not read back.
    pub fn side_effect<T: Serialize + DeserializeOwned>(
        &self,
        make: impl FnOnce() -> T,
    ) -> Result<T, Failure> {
        let value = match self.shared.with(super::shared::Inner::recorded_side_effect) {
            Some(recorded) => recorded,
            None => Payload::json(&make())?,
        };
        // What was written is read back, so that the first time is like every other.
        let decoded = value.decode()?;
        self.shared.with(|inner| inner.record_side_effect(value));
        Ok(decoded)
    }

    /// Whether this turn repeats the past; for what must not happen twice outside, such as logging
    /// in another way than with [`log`](Self::log).
    #[must_use]
    pub fn is_replaying(&self) -> bool {
        self.shared.with(|inner| inner.replaying) == Replaying::Yes
    }

    /// Runs an activity with the options of its contract.
    pub fn activity<A: ActivityContract>(&self, input: &A::Input) -> Operation<A::Output> {
        self.activity_with::<A>(input, A::options())
    }

    /// Runs an activity with other options than its contract's.
    pub fn activity_with<A: ActivityContract>(
        &self,
        input: &A::Input,
        options: ActivityOptions,
    ) -> Operation<A::Output> {
        self.activity_named(A::TYPE, input, options)
    }

    /// Runs an activity by its registered name.
    pub fn activity_named<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        activity_type: &str,
        input: &I,
        options: ActivityOptions,
    ) -> Operation<O> {
        let input = Payload::json(input);
        self.begin(OperationKind::Activity, |seq| {
            Ok(Command::ScheduleActivityTask {
                seq,
                activity_type: activity_type.to_owned(),
                input: input?,
                options,
            })
        })
    }

    /// Runs an activity in this process, beside the turn that asks for it, with the timeouts and
    /// retries of its contract.
    ///
    /// It is not scheduled, waits for no worker and has no heartbeat: for short work that is called
    /// often. Its result is one event, written with whatever else the turn asks for. Until then a
    /// crash runs it again; the event is never run again.
    ///
    /// ```
    /// use kernel::{ActivityContract, Cx, Failure};
    ///
    /// struct Price;
    /// impl ActivityContract for Price {
    ///     const TYPE: &'static str = "Price";
    ///     type Input = String;
    ///     type Output = u64;
    /// }
    ///
    /// /// One commit for all of them, if they are quick.
    /// async fn total(cx: Cx, cart: Vec<String>) -> Result<u64, Failure> {
    ///     let mut sum = 0;
    ///     for item in &cart {
    ///         sum += cx.local_activity::<Price>(item).await?;
    ///     }
    ///     Ok(sum)
    /// }
    /// # drop(total);
    /// ```
    pub fn local_activity<A: ActivityContract>(
        &self,
        input: &A::Input,
    ) -> LocalOperation<A::Output> {
        self.local_activity_with::<A>(input, A::options().into())
    }

    /// Runs a local activity with other options than its contract's.
    pub fn local_activity_with<A: ActivityContract>(
        &self,
        input: &A::Input,
        options: LocalActivityOptions,
    ) -> LocalOperation<A::Output> {
        self.local_activity_named(A::TYPE, input, options)
    }

    /// Runs a local activity by its registered name.
    pub fn local_activity_named<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        activity_type: &str,
        input: &I,
        options: LocalActivityOptions,
    ) -> LocalOperation<O> {
        let call = Call {
            activity_type: activity_type.to_owned(),
            input: Payload::json(input).map_err(Failure::from),
            options,
            scheduled_at: self.now(),
            first_seq: None,
        };
        LocalOperation::new(self.clone(), call)
    }

    /// Waits; a restart does not forget how long is left.
    pub fn sleep(&self, duration: Millis) -> Operation<()> {
        self.begin(OperationKind::Timer, |seq| {
            Ok(Command::StartTimer {
                seq,
                start_to_fire: duration,
            })
        })
    }

    /// Starts a child workflow execution and waits for its result.
    pub fn child<W: WorkflowContract>(
        &self,
        workflow_id: WorkflowId,
        input: &W::Input,
        options: ChildOptions,
    ) -> Operation<W::Output> {
        self.child_named(W::TYPE, workflow_id, input, options)
    }

    /// Starts a child by the registered name of its workflow.
    pub fn child_named<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        workflow_type: &str,
        workflow_id: WorkflowId,
        input: &I,
        options: ChildOptions,
    ) -> Operation<O> {
        let input = Payload::json(input);
        let kind = match options.parent_close_policy {
            ParentClosePolicy::Abandon => OperationKind::AbandonedChild,
            ParentClosePolicy::Terminate | ParentClosePolicy::RequestCancel => OperationKind::Child,
        };
        self.begin(kind, |seq| {
            Ok(Command::StartChildWorkflowExecution {
                seq,
                workflow_id,
                workflow_type: workflow_type.to_owned(),
                input: input?,
                options,
            })
        })
    }

    /// The next signal of that name, in order of arrival; each is given once.
    pub fn signal<T: DeserializeOwned>(&self, name: &str) -> NextSignal<T> {
        NextSignal::new(
            Arc::clone(&self.shared),
            self.scope.clone(),
            name.to_owned(),
        )
    }

    /// The next signal of that name that has arrived already, if there is one.
    ///
    /// # Errors
    /// When the signal's value does not fit the type.
    pub fn try_signal<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let signal = self.shared.with(|inner| inner.take_signal(name));
        signal.map(|payload| Ok(payload.decode()?)).transpose()
    }

    /// Declares a stage of this workflow's graph, or a new total for it. Activities and children
    /// whose options name the stage count towards it.
    pub fn stage(&self, name: &str, total: Option<u64>) {
        let marker = Marker::Stage {
            name: name.to_owned(),
            total,
        };
        self.shared
            .with(|inner| inner.command(Command::RecordMarker { marker }));
    }

    /// Ends this run and goes on in a new one of the same workflow id, with a fresh history. The
    /// answer is an error to be returned from the body at once:
    ///
    /// ```
    /// use kernel::{Cx, Failure};
    /// async fn count(cx: Cx, n: u64) -> Result<u64, Failure> {
    ///     if cx.info().continue_as_new_suggested {
    ///         return cx.continue_as_new(&(n + 1));
    ///     }
    ///     Ok(n)
    /// }
    /// # drop(count);
    /// ```
    ///
    /// Whoever waits for the run, or is its parent, is told of the last run's result only.
    /// Signals that have arrived and were not awaited stay behind: take them with
    /// [`try_signal`](Self::try_signal) first. A request to cancel is repeated to the new run.
    ///
    /// # Errors
    /// Always.
    pub fn continue_as_new<I: Serialize + ?Sized, T>(&self, input: &I) -> Result<T, Failure> {
        self.go_on(None, input)
    }

    /// As [`continue_as_new`](Self::continue_as_new), in a run of another type.
    ///
    /// # Errors
    /// Always.
    pub fn continue_as_new_named<I: Serialize + ?Sized, T>(
        &self,
        workflow_type: &str,
        input: &I,
    ) -> Result<T, Failure> {
        self.go_on(Some(workflow_type.to_owned()), input)
    }

    fn go_on<I: Serialize + ?Sized, T>(
        &self,
        workflow_type: Option<String>,
        input: &I,
    ) -> Result<T, Failure> {
        let input = Payload::json(input)?;
        Err(self
            .shared
            .with(|inner| inner.continue_as_new(workflow_type, input)))
    }

    /// Resolves when the run, or the scope of this handle, is asked to cancel.
    pub fn canceled(&self) -> Canceled {
        Canceled::new(Arc::clone(&self.shared), self.scope.clone())
    }

    /// Whether the run, or the scope of this handle, was asked to cancel.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        self.scope.reason().is_some()
    }

    /// A handle whose operations go on although the run is asked to cancel: for tidying up.
    #[must_use]
    pub fn shielded(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            scope: self.scope.shielded(),
        }
    }

    /// A handle for a part of the work that can be canceled alone, with
    /// [`cancel_scope`](Self::cancel_scope); what cancels this handle cancels that one too.
    ///
    /// ```
    /// use kernel::{ActivityOptions, Cx, Either, Failure, Millis, join_all, select};
    ///
    /// /// Whatever is not fetched within a minute is given up, the rest of the run goes on.
    /// async fn fetch(cx: Cx, pages: Vec<String>) -> Result<usize, Failure> {
    ///     let part = cx.scope();
    ///     let options = ActivityOptions::default;
    ///     let all = pages.iter().map(|p| part.activity_named::<_, u64>("Fetch", p, options()));
    ///     let limit = async {
    ///         cx.sleep(Millis::seconds(60)).await?;
    ///         part.cancel_scope("a minute is over");
    ///         std::future::pending::<Result<(), Failure>>().await
    ///     };
    ///     match select(join_all(all), limit).await {
    ///         Either::First(fetched) => Ok(fetched.iter().filter(|f| f.is_ok()).count()),
    ///         Either::Second(failed) => failed.map(|()| 0),
    ///     }
    /// }
    /// # drop(fetch);
    /// ```
    #[must_use]
    pub fn scope(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            scope: self.scope.child(),
        }
    }

    /// Cancels everything that was begun through this handle, its clones, and the scopes inside
    /// it. Shielded handles inside it go on.
    pub fn cancel_scope(&self, reason: &str) {
        self.shared
            .with(|inner| inner.cancel_scope(&self.scope, reason.to_owned()));
    }

    fn begin<T>(
        &self,
        kind: OperationKind,
        command: impl FnOnce(Seq) -> Result<Command, Failure>,
    ) -> Operation<T> {
        let seq = self
            .shared
            .with(|inner| inner.begin(kind, &self.scope, |seq| command(seq).map(Begin::Command)));
        Operation::new(Arc::clone(&self.shared), seq)
    }

    /// One attempt, or several with short waits between them, of a local activity.
    pub(super) fn begin_local<T>(&self, call: &Call, attempt: u32) -> Operation<T> {
        let begin = |seq: Seq| {
            Ok(Begin::Local(LocalActivityTask {
                seq,
                first_seq: call.first_seq.unwrap_or(seq),
                activity_type: call.activity_type.clone(),
                input: call.input.clone()?,
                options: call.options.clone(),
                attempt,
                scheduled_at: call.scheduled_at,
            }))
        };
        let kind = OperationKind::LocalActivity;
        let seq = self
            .shared
            .with(|inner| inner.begin(kind, &self.scope, begin));
        Operation::new(Arc::clone(&self.shared), seq)
    }
}
