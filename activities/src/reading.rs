//! What the activities of the reading stage share: the plan, the account in the store, the answers that are kept.
//!
//! Neighbours: `plan_reading` makes the plan, `read_session` spends and keeps answers, `rollup_signals` makes the record
//! of coverage. The rules of all of it are [`trace::llm`]'s. Must not know how a model is reached.

use std::sync::{Arc, Mutex, PoisonError};

use engine::ActivityCx;
use kernel::Failure;
use serde::{Deserialize, Serialize};
use trace::llm::budget::{Account, Exhausted, Limits, Usage};
use trace::llm::coverage::{Asking, Coverage, Drawn, SessionReading};
use trace::llm::sample::Stratum;
use trace::llm::{BadReply, Finding, PROMPT_VERSION, Thrown};
use trace::mine::MinedSession;
use workflows::contracts::BlobRef;
use workflows::reading::Readings;

use crate::blobs;

/// Which sessions are read, and what each stands for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Sessions by risk and size.
    pub(crate) strata: Vec<Stratum>,
    /// For each file of the manifest.
    pub(crate) drawn: Vec<Drawn>,
    /// What is read, in the order of the manifest.
    pub(crate) taken: Vec<Taken>,
}

/// A session to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// The file, by its place in the manifest.
    pub(crate) index: u64,
    /// What the rules gave.
    pub(crate) mined: BlobRef,
}

/// The plan that was read last: every session of a run asks for the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plans(Arc<Mutex<Option<KeptPlan>>>);

type KeptPlan = (BlobRef, Arc<Plan>);

impl Plans {
    pub(crate) fn plan(&self, cx: &ActivityCx, blob: &BlobRef) -> Result<Arc<Plan>, Failure> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, plan)) = &*kept
            && of == blob
        {
            return Ok(Arc::clone(plan));
        }
        let plan: Arc<Plan> = Arc::new(blobs::json(cx, blob)?);
        *kept = Some((blob.clone(), Arc::clone(&plan)));
        Ok(plan)
    }
}

/// What is kept of an answer, under the key of what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The account that paid.
    pub(crate) account: String,
    pub(crate) outcome: Outcome,
    /// What the answer used, with those before it that could not be read.
    pub(crate) usage: Usage,
}

/// What came of asking about a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// A JSON blob: [`Checked`].
    Answered(BlobRef),
    /// Twice no answer that can be read. Another run asks again.
    Unreadable(BadReply),
    /// The provider will not answer this. Another run asks again.
    Refused,
}

/// An answer after its claims were checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checked {
    pub(crate) found: Vec<Finding>,
    pub(crate) thrown: Thrown,
}

/// The key of the cursor of an answer.
pub(crate) fn answer_row(cache_key: &str) -> Vec<u8> {
    format!("llm/answer/{cache_key}").into_bytes()
}

fn account_row(account: &str) -> Vec<u8> {
    format!("llm/account/{account}").into_bytes()
}

/// The account of a run, as the store has it.
pub(crate) fn account(cx: &ActivityCx, account: &str) -> Result<Account, Failure> {
    match cx.cursor(&account_row(account))? {
        // An account that cannot be read must not let anybody spend again.
        Some(value) => serde_json::from_slice(&value).map_err(|e| {
            Failure::permanent(
                "BadAccount",
                format!("could not read the account of the run: {e}"),
            )
        }),
        None => Ok(Account::default()),
    }
}

type Row = (Vec<u8>, Vec<u8>);

/// Whoever spends from the account of a run. One at a time changes it, in this process, which owns the store.
///
/// **Durability**: a bound is on the disk before its question leaves, so a process that dies in between has spent it.
pub(crate) struct Purse<'p> {
    pub(crate) cx: &'p ActivityCx,
    pub(crate) account: &'p str,
    pub(crate) limits: &'p Limits,
    pub(crate) turn: &'p tokio::sync::Mutex<()>,
}

impl Purse<'_> {
    /// The start of every key of this activity, whatever its attempt.
    fn mine(&self) -> String {
        format!("{}/", self.cx.idempotency_key())
    }

    /// A key of this attempt.
    pub(crate) fn key(&self, question: &str) -> String {
        format!("{}{}/{question}", self.mine(), self.cx.attempt())
    }

    /// Counts what earlier attempts had put aside and nobody settled.
    pub(crate) async fn begin(&self) -> Result<(), Failure> {
        let mine = self.mine();
        self.change(|account| account.lose(&mine), Vec::new()).await
    }

    /// Puts a bound aside; says whether it fits.
    pub(crate) async fn reserve(
        &self,
        key: &str,
        bound: Usage,
    ) -> Result<Result<(), Exhausted>, Failure> {
        let limits = self.limits;
        self.change(|account| account.reserve(key, bound, limits), Vec::new())
            .await
    }

    /// Replaces a bound by what was used, and keeps `rows` in the same commit.
    pub(crate) async fn settle(
        &self,
        key: &str,
        used: Usage,
        rows: Vec<Row>,
    ) -> Result<(), Failure> {
        self.change(|account| account.settle(key, used), rows).await
    }

    /// Nothing was spent.
    pub(crate) async fn release(&self, key: &str, rows: Vec<Row>) -> Result<(), Failure> {
        self.change(|account| account.release(key), rows).await
    }

    /// Nobody knows what was spent.
    pub(crate) async fn lose(&self, key: &str) -> Result<(), Failure> {
        self.change(|account| account.lose(key), Vec::new()).await
    }

    async fn change<T>(
        &self,
        change: impl FnOnce(&mut Account) -> T,
        mut rows: Vec<Row>,
    ) -> Result<T, Failure> {
        let _turn = self.turn.lock().await;
        let before = account(self.cx, self.account)?;
        let mut after = before.clone();
        let result = change(&mut after);
        if after != before {
            rows.push((account_row(self.account), to_json(&after)?));
        }
        if !rows.is_empty() {
            self.cx.set_cursors(rows).await?;
        }
        Ok(result)
    }
}

/// A value as the bytes of a cursor.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value)
        .map_err(|e| Failure::internal(format!("could not write a cursor: {e}")))
}

/// The record of what was read, and the readings themselves. `mined` is in the order of the manifest.
pub(crate) fn coverage(
    cx: &ActivityCx,
    mined: &[MinedSession],
    readings: Option<&Readings>,
) -> Result<(Coverage, Vec<SessionReading>), Failure> {
    let Some(readings) = readings else {
        return Ok((Coverage::of(mined, None, &[], &[]), Vec::new()));
    };
    let plan: Plan = blobs::json(cx, &readings.plan)?;
    let mut sessions = Vec::new();
    for list in &readings.lists {
        let list: Vec<SessionReading> = blobs::json(cx, list)?;
        sessions.extend(list);
    }
    let asking = Asking {
        model: readings.settings.model.clone(),
        prompt_version: PROMPT_VERSION,
        limits: readings.settings.limits,
        seed: readings.settings.seed,
        strata: plan.strata,
        account: account(cx, &readings.account)?,
    };
    let coverage = Coverage::of(mined, Some(asking), &plan.drawn, &sessions);
    Ok((coverage, sessions))
}
