//! The words of `reset`, `fork` and `batch`.

use std::num::NonZeroU32;

use clap::{Args, Subcommand};
use kernel::{EventId, ResetTo};
use serde_json::Value;

pub(crate) const RESET_EXAMPLES: &str = "Examples:
  openclaw-trace reset nightly --to failed-activity --preview
  openclaw-trace reset nightly --to 14 --reason 'the disk was full' --yes
  openclaw-trace reset nightly --to last-task --result 12='{\"ok\":true}' --yes

EVENT is the first event that is not kept, as `openclaw-trace history ID` numbers them.";

#[derive(Clone, Debug, Args)]
pub(crate) struct ResetArgs {
    /// A workflow id (its newest run) or a run id
    pub(crate) id: String,
    /// Where to go back to: EVENT, first-task, last-task or failed-activity
    #[arg(long, value_name = "POINT", value_parser = point)]
    pub(crate) to: ResetTo,
    #[command(flatten)]
    pub(crate) edits: EditArgs,
    /// Why, for the record
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) reason: String,
    /// Only show what would be kept, run again and left behind
    #[arg(long)]
    pub(crate) preview: bool,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct EditArgs {
    /// Send this signal along (may be repeated)
    #[arg(long, value_name = "NAME=JSON", value_parser = named)]
    pub(crate) signal: Vec<(String, Value)>,
    /// Give this activity (its ActivityTaskScheduled event) another result (may be repeated)
    #[arg(long, value_name = "ACTIVITY=JSON", value_parser = numbered)]
    pub(crate) result: Vec<(u64, Value)>,
    /// Leave out signals and updates that came after the point
    #[arg(long)]
    pub(crate) no_reapply: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ForkArgs {
    /// A workflow id (its newest run) or a run id
    #[arg(value_name = "ID")]
    pub(crate) of: String,
    /// The first event that is not copied; or first-task, last-task, failed-activity
    #[arg(long, value_name = "POINT", value_parser = point)]
    pub(crate) at: ResetTo,
    /// Another input; only at the first task
    #[arg(long, value_name = "JSON", value_parser = json)]
    pub(crate) input: Option<Value>,
    /// Give this activity (its ActivityTaskScheduled event) another result (may be repeated)
    #[arg(long, value_name = "ACTIVITY=JSON", value_parser = numbered)]
    pub(crate) result: Vec<(u64, Value)>,
    /// The workflow id of the new run [default: ID-fork-...]
    #[arg(long = "id", value_name = "NEW")]
    pub(crate) new_id: Option<String>,
    /// Why, for the record
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) reason: String,
    /// Only show what would be kept and run again
    #[arg(long)]
    pub(crate) preview: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// Stop runs without asking their code
    Terminate(BatchArgs),
    /// Ask runs to stop
    Cancel(BatchArgs),
    /// Send a signal to runs; asked again, it is sent again
    Signal {
        /// The name that the workflow's code listens to
        name: String,
        /// The value that goes with it
        #[arg(long, value_name = "JSON", default_value = "null", value_parser = json)]
        input: Value,
        #[command(flatten)]
        batch: BatchArgs,
    },
    /// Put new runs in the place of runs, each the newest of its id
    Reset {
        /// Where to go back to: EVENT, first-task, last-task or failed-activity
        #[arg(long, value_name = "POINT", value_parser = point)]
        to: ResetTo,
        /// Leave out signals and updates that came after the point
        #[arg(long)]
        no_reapply: bool,
        #[command(flatten)]
        batch: BatchArgs,
    },
    /// Forget runs that have ended
    Delete(BatchArgs),
    /// Let runs begin nothing new
    Pause(BatchArgs),
    /// Let paused runs go on
    Unpause(BatchArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BatchArgs {
    /// Which runs; `openclaw-trace list --query` shows them
    #[arg(long, short = 'Q', value_name = "QUERY")]
    pub(crate) query: String,
    /// Why, for the record
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) reason: String,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// At most N runs a second
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) rate: Option<NonZeroU32>,
}

fn point(text: &str) -> Result<ResetTo, String> {
    match text {
        "first-task" => Ok(ResetTo::FirstWorkflowTask),
        "last-task" => Ok(ResetTo::LastWorkflowTask),
        "failed-activity" => Ok(ResetTo::FailedActivity),
        number => number
            .parse()
            .map(|id| ResetTo::Event(EventId(id)))
            .map_err(|_| {
                "it is the number of an event, first-task, last-task or failed-activity".to_owned()
            }),
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| {
        format!("it is not JSON ({error}); text is written with quotes: '\"ship it\"'")
    })
}

fn named(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("it is written NAME=JSON, as in approve='{\"by\":\"ada\"}'")?;
    Ok((name.to_owned(), json(value)?))
}

fn numbered(text: &str) -> Result<(u64, Value), String> {
    let form = "it is written ACTIVITY=JSON, as in 12='\"done\"'; `openclaw-trace history ID` has the numbers";
    let (activity, value) = text.split_once('=').ok_or(form)?;
    let activity = activity.parse().map_err(|_| form)?;
    Ok((activity, json(value)?))
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let form = "it is a number of runs a second from 1, as in 20/s";
    number.parse().map_err(|_| form.to_owned())
}
