//! `PlanReading`: which sessions a model reads, by what the rules know of them and what may be spent.

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::llm::budget::{Limits, Price, Usage};
use trace::llm::coverage::Drawn;
use trace::llm::sample::{Candidate, Draw, draw};
use trace::llm::{ChunkLimits, INSTRUCTIONS, TEXT_BYTES_MAX, tokens_about};
use trace::mine::MinedSession;
use workflows::contracts::BlobRef;
use workflows::reading::{self, PlanReadingInput, PlanReadingOutput};

use crate::blobs;
use crate::errors::{blocking, check_canceled};
use crate::reading::{Plan, Taken};

/// About how long an answer is, tokens.
const ANSWER_TOKENS: u64 = 400;

/// Decides which sessions are read.
#[derive(Debug)]
pub struct PlanReading;

#[async_trait]
impl Activity for PlanReading {
    type Contract = reading::PlanReading;

    async fn run(
        &self,
        cx: &ActivityCx,
        input: PlanReadingInput,
    ) -> Result<PlanReadingOutput, Failure> {
        blocking(cx, move |cx| {
            let mut candidates = Vec::new();
            let mut results = Vec::new();
            let mut files = 0;
            for list in &input.lists {
                let list: Vec<BlobRef> = blobs::json(cx, list)?;
                for result in list {
                    check_canceled(cx)?;
                    let session: MinedSession = blobs::json(cx, &result)?;
                    if session.is_session && session.format != trace::state_file::FORMAT {
                        candidates.push(candidate(&session));
                        results.push(Taken {
                            index: files,
                            mined: result,
                        });
                    }
                    files += 1;
                }
            }
            let tokens_max = tokens_that_fit(&input.settings.limits);
            let drawn = draw(&candidates, tokens_max, input.settings.seed);
            let plan = plan(&drawn, &results, files);
            Ok(PlanReadingOutput {
                plan: blobs::put_json(cx, &plan)?,
                sessions: plan.taken.len() as u64,
            })
        })
        .await
    }
}

/// What a session costs is guessed from its bytes: high rather than low, since its file holds more than is shown.
fn candidate(session: &MinedSession) -> Candidate {
    let shown = session.bytes.min(TEXT_BYTES_MAX as u64);
    let limits = ChunkLimits::default();
    let chunks = tokens_about(shown).div_ceil(limits.tokens_max - limits.overlap_tokens_max);
    let per_chunk =
        tokens_about(INSTRUCTIONS.len() as u64) + limits.overlap_tokens_max + ANSWER_TOKENS;
    Candidate {
        name: session.file.to_string(),
        tokens: tokens_about(shown) + chunks * per_chunk,
        risk: session.risk,
    }
}

/// Tokens that a budget holds; where money is the shorter of the two, by the price of a question that reads fifteen
/// times what it writes.
fn tokens_that_fit(limits: &Limits) -> u64 {
    let by_money = |money: u64, price: Price| {
        let usage = Usage {
            input_tokens: 937_500,
            output_tokens: 62_500,
        };
        let per_million = u128::from(price.cost_micros(usage).max(1));
        u64::try_from(u128::from(money) * 1_000_000 / per_million).unwrap_or(u64::MAX)
    };
    match (limits.cost_micros, limits.price) {
        (Some(money), Some(price)) => by_money(money, price).min(limits.tokens),
        (Some(_) | None, _) => limits.tokens,
    }
}

fn plan(drawn: &Draw, results: &[Taken], files: u64) -> Plan {
    let mut plan = Plan {
        strata: drawn.strata.clone(),
        drawn: vec![Drawn::default(); usize::try_from(files).unwrap_or(0)],
        taken: Vec::new(),
    };
    for (stratum, result) in drawn.stratum_of.iter().zip(results) {
        let place = usize::try_from(result.index).unwrap_or(usize::MAX);
        if let Some(of_file) = plan.drawn.get_mut(place) {
            of_file.stratum = *stratum as u64;
        }
    }
    for taken in &drawn.taken {
        let Some(result) = results.get(*taken) else {
            continue;
        };
        let stratum = drawn
            .stratum_of
            .get(*taken)
            .and_then(|s| drawn.strata.get(*s));
        let place = usize::try_from(result.index).unwrap_or(usize::MAX);
        if let (Some(of_file), Some(stratum)) = (plan.drawn.get_mut(place), stratum) {
            of_file.weight = stratum.weight;
        }
        plan.taken.push(result.clone());
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_of_tokens_and_money_decides() {
        let price = Price {
            input_micros_per_million: 1_000_000,
            output_micros_per_million: 1_000_000,
        };
        let limits = |tokens, money| Limits {
            tokens,
            cost_micros: money,
            price: Some(price),
        };
        assert_eq!(tokens_that_fit(&limits(1_000, None)), 1_000);
        assert_eq!(tokens_that_fit(&limits(1_000, Some(500))), 500);
        assert_eq!(tokens_that_fit(&limits(400, Some(500))), 400);
    }

    #[test]
    fn a_plan_keeps_the_places_of_the_manifest() {
        let result = |index: u64| Taken {
            index,
            mined: format!("{index}"),
        };
        let candidates = [1_u64, 3].map(|n| Candidate {
            name: format!("{n}"),
            tokens: 10,
            risk: 0.0,
        });
        let plan = plan(&draw(&candidates, 100, 0), &[result(1), result(3)], 5);
        let weights: Vec<f64> = plan.drawn.iter().map(|d| d.weight).collect();
        assert_eq!(weights, [0.0, 1.0, 0.0, 1.0, 0.0]);
        assert_eq!(plan.taken, [result(1), result(3)]);
    }
}
