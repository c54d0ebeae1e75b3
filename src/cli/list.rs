//! `list`: runs, newest first; all of them, those of a query, or how many there are.

use std::process::ExitCode;

use engine::visibility::Query;

use super::args::{Global, ListArgs};
use super::output;
use crate::control::{Answer, Asked, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::{render, terminal};

pub(super) async fn run(global: &Global, args: &ListArgs) -> Result<ExitCode, FaceError> {
    let asked = Asked {
        query: query(args)?,
        search: args.search.clone(),
    };
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let done = if args.count {
        count(global, &host, asked).await
    } else {
        list(global, &host, args, asked).await
    };
    host.close().await;
    done?;
    Ok(ExitCode::SUCCESS)
}

/// What the words of the command line mean together. Without a query, runs that other runs started
/// are left out: there may be thousands of them for each that a person started.
fn query(args: &ListArgs) -> Result<String, FaceError> {
    let given = args.query.clone().unwrap_or_default();
    // A mistake is shown in the query as it was written, not as it is sent.
    let asked = Asked {
        query: given.clone(),
        search: None,
    };
    let mut query = crate::answers::visibility::request(asked)?.query;
    let mut more = Vec::new();
    if args.open {
        more.push("ExecutionStatus = 'Running'");
    }
    if args.query.is_none() && args.search.is_none() && !args.children {
        more.push("ParentWorkflowId IS NULL");
    }
    if more.is_empty() {
        return Ok(given);
    }
    let order = query.order.take();
    let mut parts: Vec<String> = more.iter().map(|part| (*part).to_owned()).collect();
    parts.extend(query.filter.map(|filter| format!("({filter})")));
    let ordered = Query {
        filter: None,
        order,
    };
    Ok(format!("{} {ordered}", parts.join(" AND ")))
}

async fn count(global: &Global, host: &Host, asked: Asked) -> Result<(), FaceError> {
    let Answer::Counts(counts) = host.ask(Request::Count { asked }).await? else {
        return Err(FaceError::internal("the owner gave no counts"));
    };
    if global.json {
        return output::json(&counts);
    }
    output::text_out(&render::counts(&counts));
    Ok(())
}

async fn list(
    global: &Global,
    host: &Host,
    args: &ListArgs,
    asked: Asked,
) -> Result<(), FaceError> {
    let (mut rows, mut page) = (Vec::new(), args.page.clone());
    loop {
        // A page may be short, and yet not be the last one.
        let limit = args.limit.saturating_sub(rows.len() as u64);
        let request = Request::Find {
            asked: asked.clone(),
            page: page.take(),
            limit,
        };
        let Answer::Found { rows: more, next } = host.ask(request).await? else {
            return Err(FaceError::internal("the owner gave no list"));
        };
        rows.extend(more);
        page = next;
        if page.is_none() || rows.len() as u64 >= args.limit {
            break;
        }
    }
    if global.json {
        output::json(&rows)?;
    } else if rows.is_empty() {
        let is_all = args.query.is_none() && args.search.is_none() && !args.open;
        let hint = if is_all {
            "no runs yet: openclaw-trace run PATH"
        } else {
            "no run is meant by that"
        };
        output::note(global.quiet, hint);
        for field in unknown(host, args.query.as_deref()).await? {
            let told = format!(
                "  no run has a search attribute {field}; docs/VISIBILITY.md has the names that all runs have"
            );
            output::note(global.quiet, &told);
        }
    } else {
        output::text_out(&render::runs(&rows, terminal::width()));
    }
    if let Some(page) = page {
        output::note(global.quiet, &format!("there are more: --page {page}"));
    }
    Ok(())
}

/// Search attributes in a query that no run has: mostly names that were meant otherwise.
async fn unknown(host: &Host, query: Option<&str>) -> Result<Vec<String>, FaceError> {
    let query = query.and_then(|query| query.parse::<Query>().ok());
    let Some(filter) = query.and_then(|query| query.filter) else {
        return Ok(Vec::new());
    };
    let mut unknown = Vec::new();
    for field in filter.custom_attributes() {
        let asked = Asked {
            query: format!("{field} IS NOT NULL"),
            search: None,
        };
        let request = Request::Find {
            asked,
            page: None,
            limit: 1,
        };
        // A page that is short and not the last one has not seen all runs: then nothing is said.
        if let Answer::Found { rows, next: None } = host.ask(request).await?
            && rows.is_empty()
        {
            unknown.push(field.to_string());
        }
    }
    Ok(unknown)
}
