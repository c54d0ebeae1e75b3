//! `ReadSession`: a model is asked about each piece of one session; what it says counts when its quotes are there.
//!
//! Neighbours: [`trace::llm`] cuts, asks and checks by rules; `reading` keeps account and answers; [`crate::model`]
//! reaches the model. Before a question its bound is durable, and an answer, what it used and what came of it are one
//! commit: another attempt asks nothing that was answered. What of a session was not read is a line in its reading.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use tokio::sync::Mutex;
use trace::llm::budget::Usage;
use trace::llm::coverage::{Reasons, SessionReading, reason};
use trace::llm::{
    self, BadReply, Chunk, ChunkLimits, Finding, INSTRUCTIONS, Transcript, cache_key,
    repair_instructions,
};
use trace::mine::{FileRef, Format, MineOptions, MinedSession, mine_with_transcript};
use trace::scrub::{Scrubbed, Scrubber};
use workflows::contracts::BlobRef;
use workflows::reading::{self, ReadSessionInput};

use crate::blobs;
use crate::errors::{blocking, check_canceled, io_failure, may_pass};
use crate::limits::{ANSWER_TOKENS_MAX, REPLY_BYTES_MAX};
use crate::manifest::Cache;
use crate::mine_session::read_whole;
use crate::model::{Access, Fenced, Model, PROMPT_REFUSED, Prompt, Spent};
use crate::reading::{Checked, Kept, Outcome, Plans, Purse, answer_row, to_json};

/// The fenced part that holds a piece of a session.
const SESSION_PART: &str = "session";

/// Has a model read one session.
#[derive(Debug)]
pub struct ReadSession {
    manifests: Cache,
    plans: Plans,
    access: Access,
    /// The account is read, changed and kept by one question at a time.
    turn: Arc<Mutex<()>>,
}

impl ReadSession {
    /// One that shares manifests with others and reaches models by `access`.
    #[must_use]
    pub fn new(manifests: Cache, access: Access) -> Self {
        Self {
            manifests,
            plans: Plans::default(),
            access,
            turn: Arc::default(),
        }
    }
}

/// All that is known before the first question.
struct Work {
    index: u64,
    mined: MinedSession,
    transcript: Transcript,
    chunks: Vec<Chunk>,
}

#[async_trait]
impl Activity for ReadSession {
    type Contract = reading::ReadSession;

    async fn run(&self, cx: &ActivityCx, input: ReadSessionInput) -> Result<BlobRef, Failure> {
        let model = self.access.model(&input.settings.model)?;
        let (manifests, plans, asked) = (self.manifests.clone(), self.plans.clone(), input.clone());
        let work = blocking(cx, move |cx| prepare(cx, &manifests, &plans, &asked)).await?;
        let work = match work {
            Ok(work) => work,
            Err(unread) => return blocking(cx, move |cx| blobs::put_json(cx, &unread)).await,
        };
        let reader = Reader {
            cx,
            model: model.as_ref(),
            name: &input.settings.model,
            purse: Purse {
                cx,
                account: &input.account,
                limits: &input.settings.limits,
                turn: &self.turn,
            },
        };
        reader.purse.begin().await?;
        let mut sum = begun(&work);
        let mut found: Vec<Finding> = Vec::new();
        for (number, chunk) in work.chunks.iter().enumerate() {
            check_canceled(cx)?;
            match reader.chunk(number, chunk, &work.transcript).await? {
                Step::Broke => {
                    *sum.not_read.entry(reason::BUDGET.to_owned()).or_default() += 1;
                }
                Step::Kept(kept) => {
                    let is_ours = kept.account == input.account;
                    if is_ours {
                        sum.usage = sum.usage.plus(kept.usage);
                    }
                    match kept.outcome {
                        Outcome::Answered(blob) => {
                            sum.asked += u64::from(is_ours);
                            sum.cached += u64::from(!is_ours);
                            let checked: Checked = blobs::json(cx, &blob)?;
                            sum.thrown.add(checked.thrown);
                            found.extend(only_new(checked.found, chunk, &found));
                        }
                        Outcome::Unreadable(bad) => {
                            *sum.not_read.entry(bad.words().to_owned()).or_default() += 1;
                        }
                        Outcome::Refused => {
                            let why = "the provider refused to answer";
                            *sum.not_read.entry(why.to_owned()).or_default() += 1;
                        }
                    }
                }
            }
            cx.meter("chunks_read", 1);
            cx.heartbeat(&number)?;
        }
        blocking(cx, move |cx| {
            (sum.signals, sum.confirmed) = llm::signals(&found, &work.transcript, &work.mined);
            blobs::put_json(cx, &sum)
        })
        .await
    }
}

/// What overlaps with the chunk before was found there already, or was not worth finding.
fn only_new(found: Vec<Finding>, chunk: &Chunk, before: &[Finding]) -> Vec<Finding> {
    let is_new = |finding: &Finding| {
        finding.event >= chunk.fresh
            || !before
                .iter()
                .any(|b| (b.event, b.kind) == (finding.event, finding.kind))
    };
    found.into_iter().filter(is_new).collect()
}

fn begun(work: &Work) -> SessionReading {
    let mut not_read = Reasons::new();
    let transcript = &work.transcript;
    for (why, n) in [
        (reason::TOO_LONG, transcript.entries_beyond),
        (reason::MIDDLE, transcript.entries_cut),
        (reason::SCRUBBED, transcript.entries_scrubbed),
        (reason::NOTHING, u64::from(work.chunks.is_empty())),
    ] {
        if n > 0 {
            not_read.insert(why.to_owned(), n);
        }
    }
    SessionReading {
        index: work.index,
        events: transcript.entries.len() as u64,
        chunks: work.chunks.len() as u64,
        not_read,
        ..SessionReading::default()
    }
}

fn prepare(
    cx: &ActivityCx,
    manifests: &Cache,
    plans: &Plans,
    input: &ReadSessionInput,
) -> Result<Result<Work, SessionReading>, Failure> {
    let plan = plans.plan(cx, &input.plan)?;
    let position = usize::try_from(input.position).unwrap_or(usize::MAX);
    let taken = plan.taken.get(position).ok_or_else(|| {
        Failure::permanent("BadIndex", format!("the plan has no session {position}"))
    })?;
    let manifest = manifests.manifest(cx, &input.manifest)?;
    let place = usize::try_from(taken.index).unwrap_or(usize::MAX);
    let file = manifest.files.get(place).ok_or_else(|| {
        Failure::permanent("BadIndex", format!("the manifest has no file {place}"))
    })?;
    let mined: MinedSession = blobs::json(cx, &taken.mined)?;
    let format: Format = file
        .format
        .parse()
        .map_err(|error| Failure::permanent("UnknownFormat", format!("{error}")))?;
    let options = MineOptions {
        format: Some(format),
    };
    let read = read_whole(cx, file, |content| {
        mine_with_transcript(&FileRef { name: &file.name }, content, &options)
    });
    let (_, transcript) = match read {
        Ok(read) => read,
        Err(error) => {
            check_canceled(cx)?;
            if may_pass(&error) {
                return Err(io_failure("read a session file", &error));
            }
            let why = crate::errors::reason(&error);
            return Ok(Err(SessionReading::none(taken.index, &why)));
        }
    };
    let chunks = llm::chunks(&transcript, ChunkLimits::default());
    Ok(Ok(Work {
        index: taken.index,
        mined,
        transcript,
        chunks,
    }))
}

/// How far asking about a chunk came.
enum Step {
    Kept(Kept),
    /// The budget does not hold it.
    Broke,
}

struct Reader<'r> {
    cx: &'r ActivityCx,
    model: &'r dyn Model,
    name: &'r str,
    purse: Purse<'r>,
}

impl Reader<'_> {
    /// What is kept of a chunk, asked for when nothing is.
    async fn chunk(
        &self,
        number: usize,
        chunk: &Chunk,
        transcript: &Transcript,
    ) -> Result<Step, Failure> {
        let row = answer_row(&cache_key(&chunk.digest, self.name));
        if let Some(kept) = self.kept(&row)? {
            return Ok(Step::Kept(kept));
        }
        let mut used = Usage::default();
        let mut refused: Option<(Scrubbed, BadReply)> = None;
        for attempt in 0..2 {
            let prompt = self.prompt(chunk, refused.as_ref());
            let key = self.purse.key(&format!("{number}/{attempt}"));
            if self.purse.reserve(&key, prompt.bound()).await?.is_err() {
                return Ok(Step::Broke);
            }
            let reply = match self.model.complete(&prompt).await {
                Ok(reply) => reply,
                Err(unanswered) if unanswered.failure.error_type == PROMPT_REFUSED => {
                    let kept = self.keeping(Outcome::Refused, used);
                    self.purse
                        .release(&key, vec![(row, to_json(&kept)?)])
                        .await?;
                    return Ok(Step::Kept(kept));
                }
                Err(unanswered) => {
                    match unanswered.spent {
                        Spent::Nothing => self.purse.release(&key, Vec::new()).await?,
                        Spent::Unknown => self.purse.lose(&key).await?,
                    }
                    return Err(unanswered.failure);
                }
            };
            self.cx.meter("model_answers", 1);
            used = used.plus(reply.usage);
            let bad = match llm::parse(&reply.text) {
                Ok(claims) => {
                    let claims = llm::check(&claims, chunk, transcript);
                    let checked = Checked {
                        found: claims.found,
                        thrown: claims.thrown,
                    };
                    let blob = blobs::put_json(self.cx, &checked)?;
                    let kept = self.keeping(Outcome::Answered(blob), used);
                    let rows = vec![(row, to_json(&kept)?)];
                    self.purse.settle(&key, reply.usage, rows).await?;
                    return Ok(Step::Kept(kept));
                }
                Err(bad) => bad,
            };
            if refused.is_some() {
                let kept = self.keeping(Outcome::Unreadable(bad), used);
                let rows = vec![(row, to_json(&kept)?)];
                self.purse.settle(&key, reply.usage, rows).await?;
                return Ok(Step::Kept(kept));
            }
            self.purse.settle(&key, reply.usage, Vec::new()).await?;
            let said = Scrubber::shared().scrub(&reply.text);
            refused = Some((said.truncated(REPLY_BYTES_MAX / 16), bad));
        }
        // The second round returns above; a third would be a way to spend without end.
        Err(Failure::internal(
            "a piece of a session was asked about three times",
        ))
    }

    fn kept(&self, row: &[u8]) -> Result<Option<Kept>, Failure> {
        let Some(value) = self.cx.cursor(row)? else {
            return Ok(None);
        };
        let Ok(kept) = serde_json::from_slice::<Kept>(&value) else {
            return Ok(None);
        };
        let is_ours = kept.account == self.purse.account;
        match &kept.outcome {
            // Lost or damaged: it is asked for anew.
            Outcome::Answered(blob) => match blobs::json::<Checked>(self.cx, blob) {
                Ok(_) => Ok(Some(kept)),
                Err(failure) if failure.retry == kernel::Retry::Retryable => Err(failure),
                Err(_) => Ok(None),
            },
            Outcome::Unreadable(_) | Outcome::Refused => Ok(is_ours.then_some(kept)),
        }
    }

    fn keeping(&self, outcome: Outcome, usage: Usage) -> Kept {
        Kept {
            account: self.purse.account.to_owned(),
            outcome,
            usage,
        }
    }

    fn prompt(&self, chunk: &Chunk, refused: Option<&(Scrubbed, BadReply)>) -> Prompt {
        let mut data = vec![Fenced {
            name: SESSION_PART,
            text: chunk.text.clone(),
        }];
        if let Some((said, bad)) = refused {
            data.push(Fenced {
                name: "refused answer",
                text: said.clone(),
            });
            data.push(Fenced {
                name: "reason",
                text: Scrubbed::from_static(bad.words()),
            });
        }
        Prompt {
            system: if refused.is_some() {
                repair_instructions()
            } else {
                INSTRUCTIONS
            },
            data,
            output_tokens_max: ANSWER_TOKENS_MAX,
        }
    }
}

#[cfg(test)]
mod tests;
