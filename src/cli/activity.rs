//! `activity`: one thing done to one activity of a run by hand.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::args::Global;
use super::verb::{json, run};
use crate::control::Verb;
use crate::face_error::FaceError;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ActivityCommand {
    /// Make its next attempt now instead of later
    Retry(WhichArgs),
    /// Let no further attempt of it begin until `activity unpause`; one that runs goes on
    Pause {
        #[command(flatten)]
        which: WhichArgs,
        /// Who wants it; by default whoever is logged in
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Why; `status` shows it
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let it go on after `activity pause`
    Unpause {
        #[command(flatten)]
        which: WhichArgs,
        /// Count its attempts from 1 again, and make the first now
        #[arg(long)]
        reset_attempts: bool,
    },
    /// Count its attempts from 1 again and make the first now, paused or not
    Reset {
        #[command(flatten)]
        which: WhichArgs,
        /// Leave it paused, if it is
        #[arg(long)]
        keep_paused: bool,
        /// Forget what its last attempt reported of its progress
        #[arg(long)]
        reset_heartbeat: bool,
    },
    /// End it with a result, as if an attempt had given it
    Complete {
        #[command(flatten)]
        which: WhichArgs,
        /// The result that the workflow gets
        #[arg(long, value_name = "JSON", default_value = "null")]
        result: String,
    },
    /// End it with a failure that is not tried again
    Fail {
        #[command(flatten)]
        which: WhichArgs,
        /// What the workflow is told
        #[arg(long, default_value = "given up by hand")]
        reason: String,
    },
}

/// One activity of one run.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhichArgs {
    /// A workflow id or run id
    id: String,
    /// The number that `status ID` shows as its event
    activity: u64,
}

pub(super) async fn activity(
    global: &Global,
    command: ActivityCommand,
) -> Result<ExitCode, FaceError> {
    let (WhichArgs { id, .. }, verb, done) = match command {
        ActivityCommand::Retry(which) => {
            let activity = which.activity;
            (which, Verb::RetryActivity { activity }, "retried")
        }
        ActivityCommand::Pause { which, by, reason } => {
            let verb = Verb::PauseActivity {
                activity: which.activity,
                by: by.unwrap_or_else(whoever),
                reason,
            };
            (which, verb, "activity paused")
        }
        ActivityCommand::Unpause {
            which,
            reset_attempts,
        } => {
            let verb = Verb::UnpauseActivity {
                activity: which.activity,
                reset_attempts,
            };
            (which, verb, "activity unpaused")
        }
        ActivityCommand::Reset {
            which,
            keep_paused,
            reset_heartbeat,
        } => {
            let verb = Verb::ResetActivity {
                activity: which.activity,
                keep_paused,
                reset_heartbeat,
            };
            (which, verb, "activity reset")
        }
        ActivityCommand::Complete { which, result } => {
            let verb = Verb::CompleteActivity {
                activity: which.activity,
                result: json(&result, "--result")?,
            };
            (which, verb, "given a result")
        }
        ActivityCommand::Fail { which, reason } => {
            let activity = which.activity;
            let verb = Verb::FailActivity { activity, reason };
            (which, verb, "given a failure")
        }
    };
    run(global, id, verb, done).await
}

/// Who is logged in, as the environment has it.
fn whoever() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| "an operator".to_owned())
}
