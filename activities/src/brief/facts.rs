//! The figures of a brief: all follow from the snapshot, and every one of them can be checked.
//!
//! Neighbours: the actor writes them, the critic compares with them. Must not format for people
//! other than here, so that the two cannot differ.

use std::collections::BTreeSet;

use super::snapshot::Snapshot;

/// Sessions after a fix below which nothing is concluded.
const TRIAL_SESSIONS_MIN: u64 = 20;

/// The figures that follow from a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    items: u64,
    sessions: u64,
    scanned: u64,
    citations: u64,
}

impl Facts {
    /// The figures of a snapshot.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            items: snapshot.rollup.count_items,
            sessions: snapshot.rollup.count_sessions,
            scanned: snapshot.sessions_scanned,
            citations: snapshot.citations.len() as u64,
        }
    }

    /// `3 times in 2 of 40 scanned sessions`.
    #[must_use]
    pub fn frequency(&self) -> String {
        let times = counted(self.items, "time");
        let scanned = counted(self.scanned, "scanned session");
        format!("{times} in {} of {scanned}", self.sessions)
    }

    /// Share of scanned sessions that are affected, in percent with two decimals.
    #[must_use]
    pub fn share(&self) -> String {
        ratio(self.sessions.saturating_mul(100), self.scanned, 2)
    }

    /// Signals per scanned session, three decimals.
    #[must_use]
    pub fn rate(&self) -> String {
        ratio(self.items, self.scanned, 3)
    }

    /// Half the share, in percent with two decimals: the aim of a fix.
    #[must_use]
    pub fn half_share(&self) -> String {
        ratio(self.sessions.saturating_mul(50), self.scanned, 2)
    }

    /// Sessions to watch after a fix. When none of `n` sessions is affected, the share is below
    /// `3/n` with about 95 % confidence; `n` is chosen so that this bound is half of today's share.
    #[must_use]
    pub fn trial_sessions(&self) -> u64 {
        if self.sessions == 0 {
            return TRIAL_SESSIONS_MIN;
        }
        self.scanned
            .saturating_mul(6)
            .div_ceil(self.sessions)
            .max(TRIAL_SESSIONS_MIN)
    }

    /// The figures that a sentence which cites the rollup may state.
    #[must_use]
    pub fn stated(&self, snapshot: &Snapshot) -> BTreeSet<String> {
        BTreeSet::from([
            self.items.to_string(),
            self.sessions.to_string(),
            self.scanned.to_string(),
            self.citations.to_string(),
            self.share(),
            self.rate(),
            snapshot.rollup.tier.to_string(),
            format!("{:.2}", snapshot.rollup.score),
        ])
    }
}

/// `1 session`, `2 sessions`.
pub(super) fn counted(n: u64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

/// The quotient with that many decimals, rounded half up, in whole numbers: the same on every
/// machine. `0` over nothing.
fn ratio(part: u64, whole: u64, decimals: u32) -> String {
    let unit = 10_u128.pow(decimals);
    let whole = u128::from(whole).max(1);
    let rounded = (u128::from(part) * unit * 2 + whole) / (whole * 2);
    let width = usize::try_from(decimals).unwrap_or(0);
    format!("{}.{:0width$}", rounded / unit, rounded % unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(items: u64, sessions: u64, scanned: u64) -> Facts {
        Facts {
            items,
            sessions,
            scanned,
            citations: 1,
        }
    }

    #[test]
    fn figures_are_rounded_the_same_way_everywhere() {
        let some = facts(7, 3, 40);
        assert_eq!(some.frequency(), "7 times in 3 of 40 scanned sessions");
        assert_eq!(
            (some.share().as_str(), some.rate().as_str()),
            ("7.50", "0.175")
        );
        assert_eq!(some.half_share(), "3.75");
        assert_eq!(
            facts(1, 1, 1).frequency(),
            "1 time in 1 of 1 scanned session"
        );
        assert_eq!(facts(0, 0, 0).rate(), "0.000");
        assert_eq!(
            facts(u64::MAX, u64::MAX, 1).rate(),
            format!("{}.000", u64::MAX)
        );
    }

    #[test]
    fn a_rare_failure_needs_more_sessions_to_show_that_it_is_gone() {
        assert_eq!(facts(9, 9, 10).trial_sessions(), 20);
        assert_eq!(facts(7, 3, 40).trial_sessions(), 80);
        assert_eq!(facts(1, 1, 1_000).trial_sessions(), 6_000);
    }
}
