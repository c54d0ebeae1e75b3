//! What is asked about many runs: lists and counts of a query.

use engine::Client;
use engine::visibility::list::{self, Error};
use engine::visibility::query::status_name;
use engine::visibility::retention::{Mode, prune_page};
use engine::visibility::{Query, QueryError, Request};

use crate::control::{Answer, Asked};
use crate::face_error::FaceError;
use crate::views::RunRow;

/// The query is checked here, so that both sides of the socket give the same words.
pub(crate) fn request(asked: Asked) -> Result<Request, FaceError> {
    let query: Query = asked.query.parse().map_err(|error: QueryError| {
        FaceError::usage(
            format!("could not {error}"),
            "`openclaw-trace list --help` has examples, docs/VISIBILITY.md the whole language",
        )
    })?;
    Ok(Request {
        query,
        search: asked.search,
    })
}

pub(super) fn find(
    client: &Client,
    asked: Asked,
    page: Option<String>,
    limit: u64,
) -> Result<Answer, FaceError> {
    let request = request(asked)?;
    let page = page.map(|page| page.parse()).transpose().map_err(refused)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let now = engine::clock::now();
    let page = list::list(&**client.store(), &request, page, limit, now).map_err(refused)?;
    Ok(Answer::Found {
        rows: page.runs.iter().map(RunRow::of).collect(),
        next: page.next.map(|next| next.to_string()),
    })
}

pub(super) fn count(client: &Client, asked: Asked) -> Result<Answer, FaceError> {
    let request = request(asked)?;
    let now = engine::clock::now();
    let counts = list::count(&**client.store(), &request, now).map_err(refused)?;
    let named = counts
        .into_iter()
        .map(|(status, n)| (status_name(status).to_owned(), n));
    Ok(Answer::Counts(named.collect()))
}

pub(super) fn delete(client: &Client, run_id: kernel::RunId) -> Result<Answer, FaceError> {
    use engine::visibility::delete::Error as E;
    match engine::visibility::delete::delete(&**client.store(), run_id) {
        Ok(()) => Ok(Answer::Deleted {
            run_id: run_id.to_string(),
        }),
        Err(E::Store(error)) => Err(error.into()),
        Err(error @ E::Open) => Err(FaceError::usage(
            format!("could not {error}"),
            "`openclaw-trace cancel` ends it; delete it then",
        )),
        Err(error) => Err(FaceError::usage(
            format!("could not {error}"),
            "nothing was deleted; try again when that has ended",
        )),
    }
}

/// Runs that are looked at for one answer: few, so that whoever asks can tell how far it is.
const PRUNED_A_STEP: usize = 200;

pub(super) fn prune(
    client: &Client,
    asked: Asked,
    page: Option<String>,
    dry_run: bool,
) -> Result<Answer, FaceError> {
    let request = request(asked)?;
    let page = page.map(|page| page.parse()).transpose().map_err(refused)?;
    let mode = if dry_run { Mode::DryRun } else { Mode::Delete };
    let now = engine::clock::now();
    let step = (PRUNED_A_STEP, mode);
    let pruned = prune_page(&**client.store(), &request, page, step, now).map_err(refused)?;
    Ok(Answer::Pruned {
        deleted: pruned.deleted,
        kept: pruned.kept,
        next: pruned.next.map(|next| next.to_string()),
    })
}

fn refused(error: Error) -> FaceError {
    match error {
        Error::Store(error) => error.into(),
        other => FaceError::usage(format!("could not {other}"), String::new()),
    }
}
