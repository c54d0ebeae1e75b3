//! Which sessions are read when not all can be paid for, and what each of them stands for.
//!
//! Sessions are put into strata by risk and size. Within a stratum every session is as likely to be taken as any
//! other, and one that is taken stands for as many as its stratum has for each taken: sums over the taken ones,
//! weighted, estimate sums over all without bias, as long as every stratum has one taken. Riskier strata get more of
//! the budget. The draw depends on the seed and the session's name alone, so that the next run takes the same ones,
//! whose answers are kept.

use serde::{Deserialize, Serialize};

use crate::hash;

/// A session that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What it is drawn by: its name.
    pub name: String,
    /// About what it costs, tokens.
    pub tokens: u64,
    /// How likely it missed its aim; higher is likelier.
    pub risk: f64,
}

/// A stratum of the draw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stratum {
    /// `risk-high/large` and the like.
    pub name: String,
    /// Sessions in it.
    pub sessions: u64,
    /// Sessions taken.
    pub taken: u64,
    /// Sessions that each taken one stands for; 0 when none was.
    pub weight: f64,
    /// About how many tokens all of them cost.
    pub tokens: u64,
}

/// What was drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// The strata that have sessions, riskiest first.
    pub strata: Vec<Stratum>,
    /// For each candidate its stratum.
    pub stratum_of: Vec<usize>,
    /// Taken candidates, ascending.
    pub taken: Vec<usize>,
}

impl Draw {
    /// Whether every session had a chance, so that weighted sums have no bias.
    #[must_use]
    pub fn is_unbiased(&self) -> bool {
        self.strata.iter().all(|stratum| stratum.taken > 0)
    }
}

const RISKS: [(&str, u64); 3] = [("risk-high", 4), ("risk-middle", 2), ("risk-low", 1)];
const SIZES: [&str; 2] = ["large", "small"];

/// Draws sessions whose cost together is about `tokens_max` at most; all of them when that is enough.
#[must_use]
pub fn draw(candidates: &[Candidate], tokens_max: u64, seed: u64) -> Draw {
    let groups = groups(candidates);
    let total = sum(candidates.iter());
    let shares: u128 = groups
        .iter()
        .map(|(place, members)| share(*place, candidates, members))
        .sum();
    let mut drawn = Draw {
        stratum_of: vec![0; candidates.len()],
        ..Draw::default()
    };
    for (place, members) in &groups {
        let tokens = sum(members.iter().filter_map(|m| candidates.get(*m)));
        let n = members.len() as u64;
        let taken = if total <= tokens_max {
            n
        } else {
            let money = u128::from(tokens_max) * share(*place, candidates, members) / shares.max(1);
            // The mean decides, because which of them are drawn must not depend on what they cost.
            let mean = u128::from(tokens.max(1).div_ceil(n.max(1)));
            u64::try_from(money / mean).unwrap_or(u64::MAX).min(n)
        };
        let stratum = drawn.strata.len();
        let mut order: Vec<(String, usize)> = members
            .iter()
            .map(|m| (ticket(candidates, *m, seed), *m))
            .collect();
        order.sort();
        for (rank, (_, member)) in (0_u64..).zip(&order) {
            if let Some(place) = drawn.stratum_of.get_mut(*member) {
                *place = stratum;
            }
            if rank < taken {
                drawn.taken.push(*member);
            }
        }
        drawn.strata.push(Stratum {
            name: format!("{}/{}", RISKS[place.0].0, SIZES[place.1]),
            sessions: n,
            taken,
            weight: weight(n, taken),
            tokens,
        });
    }
    drawn.taken.sort_unstable();
    drawn
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of sessions are far below 2^52"
)]
fn weight(sessions: u64, taken: u64) -> f64 {
    if taken == 0 {
        0.0
    } else {
        sessions as f64 / taken as f64
    }
}

fn sum<'c>(candidates: impl Iterator<Item = &'c Candidate>) -> u64 {
    candidates.fold(0, |sum, candidate| sum.saturating_add(candidate.tokens))
}

/// What a stratum gets of the budget: its cost, times how much its risk matters.
fn share(place: (usize, usize), candidates: &[Candidate], members: &[usize]) -> u128 {
    let tokens = sum(members.iter().filter_map(|m| candidates.get(*m)));
    u128::from(tokens) * u128::from(RISKS[place.0].1)
}

/// The place of a candidate in the draw: uniform, whatever it is.
fn ticket(candidates: &[Candidate], index: usize, seed: u64) -> String {
    let name = candidates.get(index).map_or("", |c| c.name.as_str());
    hash::sha256_hex_parts(&[&seed.to_be_bytes(), name.as_bytes()])
}

type Group = ((usize, usize), Vec<usize>);

/// Candidates by thirds of risk and halves of size. Equal figures stay together.
fn groups(candidates: &[Candidate]) -> Vec<Group> {
    let mut risks: Vec<f64> = candidates.iter().map(risk).collect();
    risks.sort_by(f64::total_cmp);
    let mut sizes: Vec<u64> = candidates.iter().map(|c| c.tokens).collect();
    sizes.sort_unstable();
    let at = |share: usize| risks.get(risks.len() * share / 3).copied().unwrap_or(0.0);
    let (low, high) = (at(1), at(2));
    let middle = sizes.get(sizes.len() / 2).copied().unwrap_or(0);
    let mut groups: Vec<Group> = (0..RISKS.len())
        .flat_map(|r| (0..SIZES.len()).map(move |s| ((r, s), Vec::new())))
        .collect();
    for (index, candidate) in candidates.iter().enumerate() {
        let by_risk = match risk(candidate) {
            risk if risk >= high && high > low => 0,
            risk if risk >= low && risk > risks.first().copied().unwrap_or(0.0) => 1,
            _ => 2,
        };
        let by_size = usize::from(candidate.tokens < middle);
        if let Some((_, members)) = groups.get_mut(by_risk * SIZES.len() + by_size) {
            members.push(index);
        }
    }
    groups.retain(|(_, members)| !members.is_empty());
    groups
}

fn risk(candidate: &Candidate) -> f64 {
    if candidate.risk.is_finite() {
        candidate.risk
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(n: u64) -> Vec<Candidate> {
        (0..n)
            .map(|i| Candidate {
                name: format!("session-{i}"),
                tokens: 500 + i * 7_919 % 4_000,
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                risk: (i * 31 % 17) as f64 / 4.0,
            })
            .collect()
    }

    #[test]
    fn all_are_taken_when_the_budget_is_enough() {
        let all = candidates(50);
        let drawn = draw(&all, u64::MAX, 1);
        assert_eq!(drawn.taken, (0..50).collect::<Vec<_>>());
        assert!(
            drawn
                .strata
                .iter()
                .all(|s| s.weight == 1.0 && s.taken == s.sessions)
        );
        assert!(drawn.is_unbiased());
        assert_eq!(draw(&[], 100, 1), Draw::default());
    }

    #[test]
    fn risky_sessions_are_taken_more_often_and_the_same_ones_again() {
        let all = candidates(300);
        let total = sum(all.iter());
        let drawn = draw(&all, total / 4, 1);
        assert_eq!(drawn, draw(&all, total / 4, 1));
        assert_ne!(drawn.taken, draw(&all, total / 4, 2).taken);
        let weights: Vec<f64> = drawn.strata.iter().map(|s| s.weight).collect();
        let (first, last) = (weights[0], weights[weights.len() - 1]);
        assert!(first < last, "{:?}", drawn.strata);
        // A larger budget takes these and more.
        let more = draw(&all, total / 2, 1);
        assert!(drawn.taken.iter().all(|t| more.taken.contains(t)));
    }

    #[test]
    fn weighted_sums_estimate_the_sum_over_all_without_bias() {
        let all = candidates(300);
        // Something that goes with risk: a plain mean of the taken ones would be far off.
        let has_it = |c: &Candidate| f64::from(u8::from(c.risk > 3.0));
        let truth: f64 = all.iter().map(has_it).sum();
        let (mut weighted, mut plain) = (0.0, 0.0);
        let rounds = 400;
        for seed in 0..rounds {
            let drawn = draw(&all, sum(all.iter()) / 6, seed);
            assert!(drawn.is_unbiased());
            let taken = |t: &usize| (has_it(&all[*t]), drawn.strata[drawn.stratum_of[*t]].weight);
            weighted += drawn
                .taken
                .iter()
                .map(taken)
                .map(|(x, w)| x * w)
                .sum::<f64>();
            let n = f64::from(u32::try_from(drawn.taken.len()).unwrap());
            plain += drawn
                .taken
                .iter()
                .map(taken)
                .map(|(x, _)| x * 300.0 / n)
                .sum::<f64>();
        }
        let mean = |sum: f64| sum / f64::from(u32::try_from(rounds).unwrap());
        assert!(
            (mean(weighted) - truth).abs() < truth * 0.03,
            "{} {truth}",
            mean(weighted)
        );
        assert!(
            (mean(plain) - truth).abs() > truth * 0.1,
            "{} {truth}",
            mean(plain)
        );
    }

    #[test]
    fn a_budget_too_small_for_a_stratum_says_so() {
        let drawn = draw(&candidates(30), 100, 1);
        assert!(drawn.taken.is_empty());
        assert!(!drawn.is_unbiased());
        let odd = Candidate {
            name: String::new(),
            tokens: u64::MAX,
            risk: f64::NAN,
        };
        assert!(draw(&[odd.clone(), odd], 5, 1).taken.is_empty());
    }
}
