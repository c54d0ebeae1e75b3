//! The words of `schedule`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use engine::schedule;

use super::args::{IdArg, RunArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Run over the sessions below PATH again and again
    Create(Box<CreateArgs>),
    /// All schedules and when they fire next
    List,
    /// One schedule in full
    Describe(IdArg),
    /// Change when a schedule fires and how; what is not given stays
    Update(Box<UpdateArgs>),
    /// Let its times do nothing
    Pause(NoteArgs),
    /// Let its times do something again; those that passed do not come back
    Unpause(NoteArgs),
    /// Start one run now, also while it is paused
    Trigger(TriggerArgs),
    /// Start the runs of a range of times that has passed
    Backfill(BackfillArgs),
    /// Forget it; its open runs go on
    Delete(IdArg),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) times: TimesArgs,
    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
    /// Begin paused
    #[arg(long)]
    pub(crate) paused: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct UpdateArgs {
    /// The schedule's name
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) times: TimesArgs,
    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
    /// Run over these from now on, instead of what was given before (may be repeated)
    #[arg(long = "path", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Where the report goes from now on
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Research the top N tickets from now on
    #[arg(long, value_name = "N")]
    pub(crate) briefs: Option<u64>,
    /// Take the limit of --remaining away
    #[arg(long, conflicts_with = "remaining")]
    pub(crate) unlimited: bool,
}

/// When it fires.
#[derive(Clone, Debug, Args)]
pub(crate) struct TimesArgs {
    /// A cron expression of 5 fields, 6 (second first) or 7 (year last); may be repeated
    #[arg(long, value_name = "EXPR")]
    pub(crate) cron: Vec<String>,
    /// An interval such as 90s, 15m, 6h, 1d; 6h+30m shifts it; may be repeated
    #[arg(long, value_name = "TIME")]
    pub(crate) every: Vec<String>,
    /// A structured calendar as JSON, such as {"hour":[{"start":8,"end":18,"step":2}]}
    #[arg(long, value_name = "JSON")]
    pub(crate) calendar: Vec<String>,
    /// A structured calendar of times that do not fire
    #[arg(long, value_name = "JSON")]
    pub(crate) exclude_calendar: Vec<String>,
    /// The time zone of cron expressions and calendars, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) tz: Option<String>,
    /// What becomes of local times that clocks skip or repeat [default: literal]
    #[arg(long, value_enum)]
    pub(crate) dst: Option<Dst>,
    /// Fire up to this much later than named, by an amount that the time decides
    #[arg(long, value_name = "TIME")]
    pub(crate) jitter: Option<String>,
    /// Do not fire before, such as 2026-01-31T06:00:00Z
    #[arg(long, value_name = "WHEN")]
    pub(crate) start_at: Option<String>,
    /// Do not fire after
    #[arg(long, value_name = "WHEN")]
    pub(crate) end_at: Option<String>,
}

/// How it behaves.
#[derive(Clone, Debug, Args)]
pub(crate) struct PolicyArgs {
    /// What a fire does while a run of the schedule is open [default: skip]
    #[arg(long, value_enum)]
    pub(crate) overlap: Option<OverlapArg>,
    /// Fires that are later than this, because the machine was off, are missed [default: 365d]
    #[arg(long, value_name = "TIME")]
    pub(crate) catchup: Option<String>,
    /// Whether a run that fails pauses the schedule
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) pause_on_failure: Option<bool>,
    /// Fire N times more, then no more
    #[arg(long, value_name = "N")]
    pub(crate) remaining: Option<u64>,
    /// A word for the reader
    #[arg(long)]
    pub(crate) note: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct NoteArgs {
    /// The schedule's name
    pub(crate) id: String,
    /// Why
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TriggerArgs {
    /// The schedule's name
    pub(crate) id: String,
    /// What it does while a run is open [default: the schedule's own]
    #[arg(long, value_enum)]
    pub(crate) overlap: Option<OverlapArg>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BackfillArgs {
    /// The schedule's name
    pub(crate) id: String,
    /// The first time, such as 2026-01-31 or 2026-01-31T06:00:00Z
    #[arg(long, value_name = "WHEN")]
    pub(crate) from: String,
    /// The last time, not later than now
    #[arg(long, value_name = "WHEN")]
    pub(crate) to: String,
    /// What its starts do while a run is open [default: the schedule's own]
    #[arg(long, value_enum)]
    pub(crate) overlap: Option<OverlapArg>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverlapArg {
    /// Nothing
    Skip,
    /// Wait for it, if nothing waits already
    BufferOne,
    /// Wait for it and all that wait
    BufferAll,
    /// Ask it to cancel, start when it has
    CancelOther,
    /// Terminate it and start
    TerminateOther,
    /// Start beside it
    AllowAll,
}

impl From<OverlapArg> for schedule::Overlap {
    fn from(arg: OverlapArg) -> Self {
        match arg {
            OverlapArg::Skip => Self::Skip,
            OverlapArg::BufferOne => Self::BufferOne,
            OverlapArg::BufferAll => Self::BufferAll,
            OverlapArg::CancelOther => Self::CancelOther,
            OverlapArg::TerminateOther => Self::TerminateOther,
            OverlapArg::AllowAll => Self::AllowAll,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dst {
    /// A time that is skipped does not fire, one that is repeated fires twice
    Literal,
    /// A named time of the day fires once on every day
    Cron,
}

impl From<Dst> for schedule::DstRule {
    fn from(arg: Dst) -> Self {
        match arg {
            Dst::Literal => Self::Literal,
            Dst::Cron => Self::Cron,
        }
    }
}
