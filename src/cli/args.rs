//! The words of the command line, and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::activity::ActivityCommand;
use super::reset_args::{BatchCommand, ForkArgs, ResetArgs};
use super::schedule_args::ScheduleCommand;

/// Mines agent session traces for failures, rolls them up, files tickets and researches fixes.
///
/// Every stage is a checkpointed step of a durable workflow: a run that is killed goes on where it
/// stopped. Start with: openclaw-trace run PATH
#[derive(Debug, Parser)]
#[command(name = "openclaw-trace", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Where runs are kept [default: OPENCLAW_TRACE_STATE or the platform's data directory]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state: Option<PathBuf>,
    /// The key that the state directory is encrypted with [default: the key in OPENCLAW_TRACE_KEY]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) key_file: Option<PathBuf>,
    /// Compress what is kept, if this makes the state directory; one that is there stays as it is
    #[arg(long, global = true)]
    pub(crate) compress: bool,
    /// Print results as one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress, only results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log more to stderr (-v: what the engine does, -vv: everything)
    #[arg(long, short, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Mine the sessions below PATH, follow the run, print the top failures
    Run(RunArgs),
    /// The same without following: record the run and print its id
    Submit(RunArgs),
    /// How one run stands, or the table of runs
    Status(StatusArgs),
    /// All runs, newest first, or those of a query
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// The events of a run
    History(IdArg),
    /// The whole history of a run as JSON, in the shape of Temporal's tools
    #[command(
        after_help = "Example: openclaw-trace export nightly > nightly.json\n\nThe document \
        holds every value of the run as it was recorded: treat it as the sessions it came from."
    )]
    Export(ExportArgs),
    /// Take in a run that was exported elsewhere
    #[command(
        after_help = "Example: openclaw-trace import nightly.json\n\nA run that was open \
        stays open here; whoever exported it must not go on with it too. Its children and blobs are \
        not in the file."
    )]
    Import(ImportArgs),
    /// Run the workflow code of this binary against an exported history, offline
    #[command(
        after_help = "Example: openclaw-trace replay nightly.json --step\n\nNothing is run but \
        the workflow code: no activity, no store. Exit code 1 when the code no longer does what \
        the run recorded."
    )]
    Replay(ReplayArgs),
    /// The stages and children of a run
    Graph(GraphArgs),
    /// Go on with interrupted runs and follow them
    Resume(ResumeArgs),
    /// Ask a run to stop; what it has finished stays
    Cancel(CancelArgs),
    /// Stop a run without asking its code; nothing of it is tidied up
    Terminate(ReasonArgs),
    /// Let a run begin nothing new until `unpause`; what runs may end
    Pause(ReasonArgs),
    /// Let a paused run go on
    Unpause(IdArg),
    /// Send a signal to a run: openclaw-trace signal ID approve --input '{"by":"ada"}'
    Signal(TalkArgs),
    /// Ask a run's code a question that changes nothing, also when it has ended
    Query(TalkArgs),
    /// Ask a run's code for something, and wait for its answer
    Update(UpdateArgs),
    /// One activity by hand: retry, pause, reset it, or give it a result or a failure
    Activity {
        #[command(subcommand)]
        command: ActivityCommand,
    },
    /// Put a new run in the place of a run, with its history up to a point
    #[command(after_help = super::reset_args::RESET_EXAMPLES)]
    Reset(Box<ResetArgs>),
    /// Make a run of the history of another one up to a point; that one goes on untouched
    Fork(Box<ForkArgs>),
    /// Do one thing to every run of a query
    Batch {
        #[command(subcommand)]
        command: BatchCommand,
    },
    /// Forget a run that has ended: its history and its line in the list
    Delete(IdArg),
    /// Forget runs that ended long ago
    #[command(
        after_help = "Examples:\n  openclaw-trace prune --keep 30d --keep failed=90d --dry-run\n  openclaw-trace prune \
        --keep completed=7d --query \"WorkflowType = 'BriefLoop'\" --yes\n\nOpen runs stay, and those that an open \
        run or a schedule still needs. New runs use the room again; the files do not get smaller. \
        `serve --keep` does the same all the time."
    )]
    Prune(PruneArgs),
    /// Runs that start again and again; they fire while `serve` runs
    Schedule {
        #[command(subcommand)]
        command: ScheduleCommand,
    },
    /// Own the state directory, work on all runs and fire schedules, until told to stop
    Serve(ServeArgs),
    /// How a fingerprint or ticket of a report came about, and what is nearly the same
    Explain(ExplainArgs),
    /// Count one failure with another one from the next run on
    #[command(after_help = MERGE_EXAMPLES)]
    Merge(MergeArgs),
    /// Count a failure that was merged by itself again
    Unmerge(UnmergeArgs),
    /// Check the installation, the store and what can be mined here; say what to do
    Doctor(DoctorArgs),
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Replay all open runs against the workflow code of this binary and list those that it would
    /// break; changes nothing. Exit code 1 if there are any
    #[arg(long)]
    pub(crate) upgrade: bool,
    /// Take away the blobs that nothing names any more: what a crash left before anybody could name it, and
    /// what deleted runs named. Only while no other process owns the state directory
    #[arg(long, conflicts_with = "upgrade")]
    pub(crate) collect: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// Session files, or directories with session files below them
    /// [default: the agents found on this machine]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// A name for the run; a run of that name that was interrupted goes on
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Where the report goes
    #[arg(long, value_name = "DIR", default_value = "trace-report")]
    pub(crate) out: PathBuf,
    /// Read all files as this format instead of telling it by their content
    #[arg(long, default_value = "auto")]
    pub(crate) format: String,
    /// Only files whose path matches (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// No file whose path matches (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// At most N sessions, in the order of their names
    #[arg(long, value_name = "N")]
    pub(crate) max_sessions: Option<u64>,
    /// Which model reads sessions beside the rules; none works offline. See docs/LLM.md
    #[arg(long, value_enum, default_value = "none")]
    pub(crate) llm: Llm,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// Research the top N tickets
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) briefs: u64,
    /// Count failures of one tool and class as one when only their wording differs; `merge --list` shows which and
    /// why, `unmerge` takes it back
    #[arg(long)]
    pub(crate) merge_near: bool,
    /// Work on N things at once [default: twice the processors]
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<usize>,
}

/// How the model of `--llm` is asked.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Reading with a model")]
pub(crate) struct ReadingArgs {
    /// The provider's name of the model
    #[arg(long, value_name = "NAME")]
    pub(crate) llm_model: Option<String>,
    /// Never use more than N tokens in this run, read and written together
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) llm_tokens: u64,
    /// Never spend more than this in this run, as in 2.50; needs a price in --llm-prices
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) llm_cost: Option<String>,
    /// What models cost: {"NAME":{"input":3.0,"output":15.0}}, per million tokens
    #[arg(long, value_name = "FILE")]
    pub(crate) llm_prices: Option<PathBuf>,
    /// Decides which sessions are read when the budget does not hold all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) llm_seed: u64,
    /// Ask about N sessions at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) llm_at_once: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Llm {
    None,
    Anthropic,
    Openai,
    ClaudeCli,
    CodexCli,
}

impl Llm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::ClaudeCli => "claude-cli",
            Self::CodexCli => "codex-cli",
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct StatusArgs {
    /// A workflow id or run id; without one, the table of runs
    pub(crate) id: Option<String>,
    /// What the process that works on the runs has counted and measured, as Prometheus reads it
    #[arg(long, conflicts_with = "id")]
    pub(crate) metrics: bool,
}

const LIST_EXAMPLES: &str = "Examples:
  openclaw-trace list --query \"ExecutionStatus = 'Failed' AND StartTime > now - 1d\"
  openclaw-trace list --query \"WorkflowType IN ('TraceRun') ORDER BY CloseTime DESC\" --limit 10
  openclaw-trace list --count --query \"ExecutionDuration >= '1h30m'\"

Attributes: WorkflowId, WorkflowType, RunId, ExecutionStatus, StartTime, CloseTime, ExecutionDuration,
HistoryLength, HistorySizeBytes, ParentWorkflowId, and search attributes by their names.";

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ListArgs {
    /// Only runs for which this holds, children too; see the examples below
    #[arg(long, short = 'Q', value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// Only runs with this text, in any case, in an id, the type, the memo or the failure
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// How many there are, by status, instead of the runs
    #[arg(long)]
    pub(crate) count: bool,
    /// Go on where the page before ended, which names this word
    #[arg(long, value_name = "PAGE")]
    pub(crate) page: Option<String>,
    /// At most N runs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// Only runs that have not ended
    #[arg(long)]
    pub(crate) open: bool,
    /// Also runs that other runs started
    #[arg(long)]
    pub(crate) children: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct IdArg {
    /// A workflow id or run id
    pub(crate) id: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ReasonArgs {
    /// A workflow id or run id
    pub(crate) id: String,
    /// Why, for the record
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TalkArgs {
    /// A workflow id or run id
    pub(crate) id: String,
    /// The name that the workflow's code listens to
    pub(crate) name: String,
    /// The value that goes with it
    #[arg(long, value_name = "JSON", default_value = "null")]
    pub(crate) input: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
    /// A name for this request: asked again with it, it is the same request
    #[arg(long, value_name = "NAME")]
    pub(crate) update_id: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ExportArgs {
    /// A workflow id or run id
    pub(crate) id: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArgs {
    /// A file that `export` wrote
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A file that `export` wrote, or `temporal workflow show --output json`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Show each event, and what the code did in each turn
    #[arg(long)]
    pub(crate) step: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GraphArgs {
    /// A workflow id or run id
    pub(crate) id: String,
    /// How to draw it
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: GraphFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Text,
    Mermaid,
    Dot,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ResumeArgs {
    /// A workflow id or run id; without one, every run that has not ended
    pub(crate) id: Option<String>,
    /// Work on N things at once [default: twice the processors]
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<usize>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A fingerprint (fp1:...), a ticket (OCT-...), or the first six characters or more of one
    #[arg(value_name = "FINGERPRINT|TICKET")]
    pub(crate) id: String,
    /// The directory of the report
    #[arg(long, value_name = "DIR", default_value = "trace-report")]
    pub(crate) out: PathBuf,
}

const MERGE_EXAMPLES: &str = "Examples:
  openclaw-trace merge OCT-1f2e3d4c fp1:9a8b7c --because \"one repair ended both\"
  openclaw-trace merge --list

Names are fingerprints (fp1:...), tickets (OCT-...), or the first six characters or more of one.
Nothing that was counted changes: unmerge takes it back exactly. `run --merge-near` merges near
duplicates by rule, with the reason; what was taken apart by hand it leaves apart.";

#[derive(Clone, Debug, Args)]
pub(crate) struct MergeArgs {
    /// The failure that is to be counted with the other one
    #[arg(
        value_name = "FINGERPRINT|TICKET",
        required_unless_present = "list",
        requires = "into"
    )]
    pub(crate) from: Option<String>,
    /// The other one, which keeps its fingerprint and ticket
    #[arg(value_name = "INTO")]
    pub(crate) into: Option<String>,
    /// Why, for the record
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "asked for on the command line"
    )]
    pub(crate) because: String,
    /// Show what is merged, and what was done
    #[arg(long, conflicts_with_all = ["from", "into", "because"])]
    pub(crate) list: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct UnmergeArgs {
    /// The failure that was merged
    #[arg(value_name = "FINGERPRINT|TICKET")]
    pub(crate) from: String,
    /// Why, for the record
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "asked for on the command line"
    )]
    pub(crate) because: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PruneArgs {
    /// Keep runs this long after their end: an age for all (30d), or for a status (failed=90d).
    /// A status without an age is kept for ever
    #[arg(long, value_name = "[STATUS=]AGE", required = true)]
    pub(crate) keep: Vec<String>,
    /// Only runs that this means; `list --help` has examples
    #[arg(long, value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// Tell how many are old enough, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// Forget runs this long after their end: an age for all (30d), or for a status (failed=90d)
    #[arg(long, value_name = "[STATUS=]AGE")]
    pub(crate) keep: Vec<String>,
    /// Write metrics there every 15 seconds, as Prometheus' node exporter reads them (*.prom)
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,
    /// Work on N things at once [default: twice the processors]
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<usize>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CancelArgs {
    /// A workflow id or run id
    pub(crate) id: String,
    /// Why, for the record
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) reason: String,
}
