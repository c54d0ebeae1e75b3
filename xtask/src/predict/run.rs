//! The command line of `predict`, and which set is answered by what.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::rows::Rows;
use super::{blame, cron, labels, outcome, spans, stats, text};

/// What went wrong, in words.
pub(crate) type Failed = String;

/// All sets.
pub(crate) const SETS: &[&str] = &[
    "A_toolresult",
    "A_swe_sessions",
    "A_taubench",
    "A_openclaw_chains",
    "A_whowhen",
    "A_agentrx",
    "A_trail",
    "B_loghub",
    "B_agent_errors",
    "B_agent_errors_root",
    "B_sentry_norm",
    "C_secrets",
    "C_pii",
    "D_sentiment",
    "E_stats",
    "F_cron",
    "L_tool",
    "L_user",
];

/// One prediction job.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Name of the set.
    pub(crate) set: String,
    /// Its inputs, one JSON object a line.
    pub(crate) inputs: PathBuf,
    /// The session files, for the sets that point into them.
    pub(crate) sessions: Option<PathBuf>,
    /// Where the predictions go.
    pub(crate) out: PathBuf,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Predicted {
    /// So many rows were written.
    Rows(usize),
    /// The part of the product that answers this set does not exist.
    NotBuilt(&'static str),
}

const USAGE: &str = "usage: cargo xtask predict SET --inputs FILE --out FILE [--sessions DIR]";

/// Runs the command.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let job = match parse(words) {
        Ok(job) => job,
        Err(why) => {
            eprintln!("error: {why}\n{USAGE}\nsets: {}", SETS.join(" "));
            return ExitCode::from(2);
        }
    };
    match predict(&job) {
        Ok(Predicted::Rows(count)) => {
            eprintln!("{}: {count} predictions in {}", job.set, job.out.display());
            ExitCode::SUCCESS
        }
        Ok(Predicted::NotBuilt(what)) => {
            eprintln!("error: {}: not built: {what}", job.set);
            ExitCode::from(3)
        }
        Err(why) => {
            eprintln!("error: {}: {why}", job.set);
            ExitCode::from(1)
        }
    }
}

fn parse(words: &[String]) -> Result<Job, Failed> {
    let (set, mut rest) = words.split_first().ok_or("which set?")?;
    if !SETS.contains(&set.as_str()) {
        return Err(format!("{set:?} is no set"));
    }
    let (mut inputs, mut out, mut sessions) = (None, None, None);
    while let [name, value, after @ ..] = rest {
        let place = match name.as_str() {
            "--inputs" => &mut inputs,
            "--out" => &mut out,
            "--sessions" => &mut sessions,
            other => return Err(format!("{other:?} is no option")),
        };
        *place = Some(PathBuf::from(value));
        rest = after;
    }
    if let [left] = rest {
        return Err(format!("{left:?} has no value"));
    }
    Ok(Job {
        set: set.clone(),
        inputs: inputs.ok_or("missing --inputs")?,
        out: out.ok_or("missing --out")?,
        sessions,
    })
}

/// Does one job.
pub(crate) fn predict(job: &Job) -> Result<Predicted, Failed> {
    let sessions = || -> Result<&Path, Failed> {
        job.sessions
            .as_deref()
            .ok_or_else(|| "missing --sessions".to_owned())
    };
    let rows = match job.set.as_str() {
        "E_stats" => return stats::predict(job),
        "F_cron" => cron::next_times(&Rows::read(&job.inputs)?),
        "L_tool" => labels::tool(&Rows::read(&job.inputs)?, sessions()?)?,
        "L_user" => labels::user(&Rows::read(&job.inputs)?, sessions()?)?,
        "A_toolresult" => outcome::tool_results(&Rows::read(&job.inputs)?),
        "A_swe_sessions" | "A_taubench" => outcome::sessions(&Rows::read(&job.inputs)?),
        "A_whowhen" | "A_agentrx" => blame::sessions(&Rows::read(&job.inputs)?),
        "A_openclaw_chains" => outcome::chains(&Rows::read(&job.inputs)?),
        "B_loghub" => text::logs(&Rows::read(&job.inputs)?),
        "B_agent_errors" => text::errors(&Rows::read(&job.inputs)?),
        "B_agent_errors_root" => text::causes(&Rows::read(&job.inputs)?),
        "B_sentry_norm" => text::messages(&Rows::read(&job.inputs)?),
        "C_secrets" | "C_pii" => text::scrubbed(&Rows::read(&job.inputs)?),
        "D_sentiment" => text::sentiments(&Rows::read(&job.inputs)?),
        "A_trail" => spans::traces(&Rows::read(&job.inputs)?),
        other => return Err(format!("{other:?} is no set")),
    };
    rows.write(&job.out).map(Predicted::Rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_command_line_is_read_or_refused_with_the_reason() {
        let job = parse(&words("C_pii --out o.jsonl --inputs i.jsonl")).unwrap();
        assert_eq!(job.set, "C_pii");
        assert_eq!(job.inputs, PathBuf::from("i.jsonl"));
        assert_eq!(job.out, PathBuf::from("o.jsonl"));
        for (line, reason) in [
            ("", "which set"),
            ("C_new --inputs i --out o", "is no set"),
            ("C_pii --inputs i", "missing --out"),
            ("C_pii --inputs i --out", "has no value"),
            ("C_pii --input i --out o", "is no option"),
        ] {
            let refused = parse(&words(line)).unwrap_err();
            assert!(refused.contains(reason), "{line}: {refused}");
        }
    }
}
