//! `prune`: forget runs that ended long ago.

use std::collections::BTreeMap;
use std::process::ExitCode;

use engine::visibility::Query;
use serde::Serialize;

use super::args::{Global, PruneArgs};
use super::confirm::{Said, confirm};
use super::keep::retention;
use super::output;
use crate::control::{Answer, Asked, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

/// What was deleted, and what had to stay.
#[derive(Debug, Default, Serialize)]
pub(super) struct Pruned {
    pub(super) deleted: u64,
    /// By the reason.
    pub(super) kept: BTreeMap<String, u64>,
}

pub(super) async fn run(global: &Global, args: PruneArgs) -> Result<ExitCode, FaceError> {
    let retention = retention(&args.keep)?;
    let asked = Asked {
        query: args.query.clone().unwrap_or_default(),
        search: None,
    };
    let only = crate::answers::visibility::request(asked)?.query.filter;
    let queries = retention.queries(only.as_ref(), engine::clock::now());
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let done = asked_first(global, &host, &args, &queries).await;
    host.close().await;
    done
}

async fn asked_first(
    global: &Global,
    host: &Host,
    args: &PruneArgs,
    queries: &[Query],
) -> Result<ExitCode, FaceError> {
    let mut due = 0;
    for query in queries {
        due += pages(host, query, true).await?.deleted;
    }
    let runs = |n: u64| format!("{n} run{}", if n == 1 { "" } else { "s" });
    if args.dry_run || due == 0 {
        if global.json {
            output::json(&serde_json::json!({ "old_enough": due, "deleted": 0 }))?;
        } else {
            let text = format!("{} ended long enough ago; nothing was deleted", runs(due));
            output::text_out(&text);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes {
        let question = format!("{} ended long enough ago. Delete them for good?", runs(due));
        output::note(false, &question);
        if confirm("go on?")? == Said::No {
            output::note(global.quiet, "nothing was deleted");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let mut all = Pruned::default();
    for query in queries {
        all.add(pages(host, query, false).await?);
    }
    if global.json {
        output::json(&all)?;
    } else {
        output::text_out(&format!("deleted {}", runs(all.deleted)));
        for (why, n) in &all.kept {
            output::text_out(&format!("kept {}: {why}", runs(*n)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Pruned {
    pub(super) fn add(&mut self, other: Self) {
        self.deleted += other.deleted;
        for (why, n) in other.kept {
            *self.kept.entry(why).or_default() += n;
        }
    }
}

/// All that one query means, page by page.
pub(super) async fn pages(host: &Host, query: &Query, dry_run: bool) -> Result<Pruned, FaceError> {
    let (mut all, mut page) = (Pruned::default(), None);
    loop {
        let asked = Asked {
            query: query.to_string(),
            search: None,
        };
        let request = Request::Prune {
            asked,
            page,
            dry_run,
        };
        let Answer::Pruned {
            deleted,
            kept,
            next,
        } = host.ask(request).await?
        else {
            return Err(FaceError::internal("the owner did not say what it deleted"));
        };
        all.add(Pruned { deleted, kept });
        page = next;
        if page.is_none() {
            return Ok(all);
        }
    }
}
