//! What a storm is to do wrong on purpose, and what it saw.

use std::fmt;

/// A bug put into the engine's surroundings on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    /// Commits are acknowledged before they are on the disk.
    SkipSync,
    /// Clients are told before the commit.
    EarlyAck,
    /// The result of an attempt is taken in a second time, under the number of the next.
    DoubleApply,
    /// A crash leaves one half of the last group.
    TornGroup,
    /// A process that was taken for dead goes on writing beside the one that took over.
    StaleLease,
    /// The engine is told that it is later than it is.
    TimerEarly,
    /// A history is read back with two neighbours in the wrong order.
    OutOfOrder,
    /// Whoever gives a result with a token that is over is told that it was taken.
    StaleToken,
    /// A local activity that has ended is handed out again, as if its marker had been forgotten.
    LocalAgain,
    /// The start of a run that was reset says that it kept one event more than it did.
    BeyondPoint,
}

impl Plant {
    /// All that break something, by their names on the command line.
    pub(crate) const ALL: [(&'static str, Self); 10] = [
        ("skip-sync", Self::SkipSync),
        ("early-ack", Self::EarlyAck),
        ("double-apply", Self::DoubleApply),
        ("torn-group", Self::TornGroup),
        ("stale-lease", Self::StaleLease),
        ("timer-early", Self::TimerEarly),
        ("out-of-order", Self::OutOfOrder),
        ("stale-token", Self::StaleToken),
        ("local-again", Self::LocalAgain),
        ("beyond-point", Self::BeyondPoint),
    ];

    /// The plant of a name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, plant)| plant).ok_or_else(|| {
            let names = Self::ALL.map(|(known, _)| known).join(", ");
            format!("unknown --plant {name}: there are {names}")
        })
    }
}

/// What a world saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) digest: u64,
    pub(crate) runs: u64,
    pub(crate) events: u64,
    pub(crate) commits: u64,
    pub(crate) crashes: u64,
    pub(crate) faults: u64,
    pub(crate) attempts: u64,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) signals: u64,
    pub(crate) updates: u64,
    pub(crate) outages: u64,
    pub(crate) openings: u64,
    pub(crate) jumps: u64,
    pub(crate) pauses: u64,
    pub(crate) resets: u64,
    pub(crate) forks: u64,
    pub(crate) held: u64,
    pub(crate) by_token: u64,
    pub(crate) locals: u64,
    pub(crate) begun_again: u64,
    pub(crate) begun_with_signal: u64,
    pub(crate) scheduled: u64,
    pub(crate) timed_out: u64,
}

impl Report {
    pub(crate) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.events += other.events;
        self.commits += other.commits;
        self.crashes += other.crashes;
        self.faults += other.faults;
        self.attempts += other.attempts;
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.signals += other.signals;
        self.updates += other.updates;
        self.outages += other.outages;
        self.openings += other.openings;
        self.jumps += other.jumps;
        self.pauses += other.pauses;
        self.resets += other.resets;
        self.forks += other.forks;
        self.held += other.held;
        self.by_token += other.by_token;
        self.locals += other.locals;
        self.begun_again += other.begun_again;
        self.begun_with_signal += other.begun_with_signal;
        self.scheduled += other.scheduled;
        self.timed_out += other.timed_out;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs, {} events, {} commits, {} crashes ({} by a failing store), {} attempts ({} \
             lost, {} repeated), {} signals, {} updates, {} outages ({} breakers seen open), {} pauses, {} resets, {} forks, \
             {} held elsewhere, {} words with tokens, {} local attempts, {} begun again, {} with a signal, {} by a \
             schedule, {} runs out of time, {} clock jumps",
            self.runs,
            self.events,
            self.commits,
            self.crashes,
            self.faults,
            self.attempts,
            self.lost,
            self.repeated,
            self.signals,
            self.updates,
            self.outages,
            self.openings,
            self.pauses,
            self.resets,
            self.forks,
            self.held,
            self.by_token,
            self.locals,
            self.begun_again,
            self.begun_with_signal,
            self.scheduled,
            self.timed_out,
            self.jumps
        )
    }
}
