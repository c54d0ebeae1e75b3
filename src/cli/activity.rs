//! `activity`: one thing done to one activity of a run by hand.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::args::Global;
use super::by_token;
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
        which: WhichOrToken,
        /// The result that the workflow gets
        #[arg(long, value_name = "JSON", default_value = "null")]
        result: String,
    },
    /// End it with a failure that is not tried again; with --token, fail its attempt, which is tried
    /// again as its policy says
    Fail {
        #[command(flatten)]
        which: WhichOrToken,
        /// With --token: it is not tried again
        #[arg(long, requires = "token")]
        permanent: bool,
        /// What the workflow is told
        #[arg(long, visible_alias = "message", default_value = "given up by hand")]
        reason: String,
    },
    /// Say that an attempt that is completed from elsewhere is alive; tells whether to go on
    Heartbeat {
        /// The task token of the attempt
        #[arg(long, value_name = "TOKEN")]
        token: String,
        /// For the next attempt to read
        #[arg(long, value_name = "JSON")]
        details: Option<String>,
    },
}

/// One activity of one run, or one attempt by its token.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhichOrToken {
    /// A workflow id or run id
    #[arg(required_unless_present = "token")]
    id: Option<String>,
    /// The number that `status ID` shows as its event
    #[arg(required_unless_present = "token")]
    activity: Option<u64>,
    /// In place of both: the task token of its attempt, which is completed from elsewhere
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["id", "activity"])]
    token: Option<String>,
}

impl WhichOrToken {
    fn named(self) -> Result<WhichArgs, FaceError> {
        let named = self.id.zip(self.activity);
        let (id, activity) = named.ok_or_else(|| {
            FaceError::usage(
                "which activity is not said",
                "give a run and the number that `openclaw-trace status ID` shows, or --token TOKEN",
            )
        })?;
        Ok(WhichArgs { id, activity })
    }
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
        ActivityCommand::Complete { mut which, result } => {
            let result = json(&result, "--result")?;
            if let Some(token) = which.token.take() {
                return by_token::complete(global, token, result).await;
            }
            let which = which.named()?;
            let activity = which.activity;
            let verb = Verb::CompleteActivity { activity, result };
            (which, verb, "given a result")
        }
        ActivityCommand::Heartbeat { token, details } => {
            let details = details.map(|text| json(&text, "--details")).transpose()?;
            return by_token::heartbeat(global, token, details).await;
        }
        ActivityCommand::Fail {
            mut which,
            permanent,
            reason,
        } => {
            if let Some(token) = which.token.take() {
                return by_token::fail(global, token, reason, permanent).await;
            }
            let which = which.named()?;
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
