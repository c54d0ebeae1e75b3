//! What a run may spend, what it has spent, and what it has put aside for questions that are under way.
//!
//! Before a question its upper bound is put aside; after the answer it is replaced by what was used. A question whose
//! answer was never recorded stays counted at its bound. Neighbours: whoever asks keeps the account durable between
//! these steps. Must not know what is asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tokens of one question, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read by the model.
    pub input_tokens: u64,
    /// Tokens written by it.
    pub output_tokens: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Sums up.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

/// About how many tokens a text has: a quarter of its bytes, which fits English and code. For planning only; what may
/// be spent is bounded by [`tokens_at_most`].
#[must_use]
pub fn tokens_about(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

/// No text of so many bytes has more tokens, with the frame that a provider puts around it: every token of the
/// vocabularies in use stands for at least one byte.
#[must_use]
pub fn tokens_at_most(bytes: u64) -> u64 {
    bytes.saturating_add(512)
}

/// What a model costs, in millionths of the currency for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// For tokens read.
    pub input_micros_per_million: u64,
    /// For tokens written.
    pub output_micros_per_million: u64,
}

impl Price {
    /// The cost in millionths of the currency, rounded up.
    #[must_use]
    pub fn cost_micros(self, usage: Usage) -> u64 {
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = part(usage.input_tokens, self.input_micros_per_million)
            .saturating_add(part(usage.output_tokens, self.output_micros_per_million));
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Tokens, read and written.
    pub tokens: u64,
    /// Money in millionths of the currency; needs a price.
    pub cost_micros: Option<u64>,
    /// What the model costs; unknown means that only tokens are counted.
    pub price: Option<Price>,
}

impl Limits {
    fn allow(&self, usage: Usage) -> bool {
        let in_money = match (self.cost_micros, self.price) {
            (Some(limit), Some(price)) => price.cost_micros(usage) <= limit,
            // A limit that cannot be kept lets nothing through.
            (Some(_), None) => false,
            (None, _) => true,
        };
        usage.tokens() <= self.tokens && in_money
    }
}

/// The budget does not hold another question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

/// The account of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Used by questions whose answer came, as the provider says.
    pub used: Usage,
    /// Bounds of questions whose answer was never recorded.
    pub lost: Usage,
    /// Questions that were answered.
    pub answered: u64,
    /// Questions whose answer was never recorded.
    pub unanswered: u64,
    /// Answers that used more than their bound: the provider does not keep to what it was told.
    pub overruns: u64,
    /// Bounds of questions under way, by the key of each.
    open: BTreeMap<String, Usage>,
}

impl Account {
    /// Everything that counts against the limits.
    #[must_use]
    pub fn counted(&self) -> Usage {
        let open = self.open.values().copied();
        open.fold(self.used.plus(self.lost), Usage::plus)
    }

    /// Puts `bound` aside for the question of a key. One of the same key that is still open counts as lost.
    ///
    /// # Errors
    /// [`Exhausted`] when it does not fit; nothing is put aside then.
    pub fn reserve(&mut self, key: &str, bound: Usage, limits: &Limits) -> Result<(), Exhausted> {
        self.lose(key);
        if !limits.allow(self.counted().plus(bound)) {
            return Err(Exhausted);
        }
        self.open.insert(key.to_owned(), bound);
        Ok(())
    }

    /// An answer came and used so much. One whose bound was given up as lost meanwhile stays lost.
    pub fn settle(&mut self, key: &str, used: Usage) {
        let Some(bound) = self.open.remove(key) else {
            return;
        };
        let is_over =
            used.input_tokens > bound.input_tokens || used.output_tokens > bound.output_tokens;
        self.overruns += u64::from(is_over);
        self.used = self.used.plus(used);
        self.answered += 1;
    }

    /// The question was refused before anything was spent.
    pub fn release(&mut self, key: &str) {
        self.open.remove(key);
    }

    /// Nobody will learn what the questions under this key used: their bounds are counted for good.
    pub fn lose(&mut self, prefix: &str) {
        let keys: Vec<String> = self
            .open
            .range(prefix.to_owned()..)
            .map(|(key, _)| key.clone())
            .take_while(|key| key.starts_with(prefix))
            .collect();
        for key in keys {
            if let Some(bound) = self.open.remove(&key) {
                self.lost = self.lost.plus(bound);
                self.unanswered += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
        Usage {
            input_tokens,
            output_tokens,
        }
    }

    fn tokens(tokens: u64) -> Limits {
        Limits {
            tokens,
            cost_micros: None,
            price: None,
        }
    }

    #[test]
    fn what_is_put_aside_counts_until_the_answer_says_what_was_used() {
        let mut account = Account::default();
        assert_eq!(account.reserve("a", usage(60, 20), &tokens(100)), Ok(()));
        assert_eq!(
            account.reserve("b", usage(20, 1), &tokens(100)),
            Err(Exhausted)
        );
        account.settle("a", usage(30, 5));
        assert_eq!(account.counted(), usage(30, 5));
        assert_eq!(account.reserve("b", usage(50, 15), &tokens(100)), Ok(()));
        account.release("b");
        assert_eq!(account.counted().tokens(), 35);
    }

    #[test]
    fn a_question_that_nobody_settled_stays_counted() {
        let mut account = Account::default();
        account
            .reserve("run/7/1/0", usage(50, 10), &tokens(100))
            .unwrap();
        account.lose("run/7/");
        account.settle("run/7/1/0", usage(1, 1));
        assert_eq!((account.lost, account.used), (usage(50, 10), usage(0, 0)));
        assert_eq!(
            account.reserve("run/7/2/0", usage(41, 0), &tokens(100)),
            Err(Exhausted)
        );
        assert_eq!(
            account.reserve("run/7/2/0", usage(40, 0), &tokens(100)),
            Ok(())
        );
        account.lose("run/71/");
        assert_eq!(account.unanswered, 1);
    }

    #[test]
    fn money_is_rounded_up_and_a_limit_without_a_price_lets_nothing_through() {
        let price = Price {
            input_micros_per_million: 3_000_000,
            output_micros_per_million: 15_000_000,
        };
        assert_eq!(price.cost_micros(usage(1, 0)), 3);
        assert_eq!(price.cost_micros(usage(1_000_000, 1_000_000)), 18_000_000);
        let odd = Price {
            input_micros_per_million: 1,
            output_micros_per_million: 0,
        };
        assert_eq!(odd.cost_micros(usage(1, 0)), 1);
        assert_eq!(
            Price { ..price }.cost_micros(usage(u64::MAX, u64::MAX)),
            u64::MAX
        );
        let mut limits = Limits {
            tokens: 1_000,
            cost_micros: Some(300),
            price: Some(price),
        };
        let mut account = Account::default();
        assert_eq!(account.reserve("a", usage(100, 1), &limits), Err(Exhausted));
        assert_eq!(account.reserve("a", usage(100, 0), &limits), Ok(()));
        limits.price = None;
        assert_eq!(account.reserve("b", usage(0, 0), &limits), Err(Exhausted));
    }

    proptest! {
        #[test]
        fn the_limit_is_never_passed_whatever_happens(
            steps in prop::collection::vec((0_u8..4, 0_u8..6, 0_u64..60, 0_u64..60), 0..80),
        ) {
            let limits = Limits {
                tokens: 200,
                cost_micros: Some(500),
                price: Some(Price { input_micros_per_million: 1_000_000, output_micros_per_million: 4_000_000 }),
            };
            let mut account = Account::default();
            let mut bounds = BTreeMap::new();
            for (step, key, a, b) in steps {
                let key = format!("k{key}");
                match step {
                    0 => if account.reserve(&key, usage(a, b), &limits).is_ok() {
                        bounds.insert(key, usage(a, b));
                    },
                    1 => if let Some(bound) = bounds.remove(&key) {
                        account.settle(&key, usage(a.min(bound.input_tokens), b.min(bound.output_tokens)));
                    },
                    2 => account.release(&key),
                    _ => account.lose(&key),
                }
                prop_assert!(limits.allow(account.counted()), "{account:?}");
            }
        }
    }
}
