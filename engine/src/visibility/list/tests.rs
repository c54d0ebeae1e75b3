//! Lists and counts against a plain walk over all lines.

use state::conformance::{Run, commit};
use state::memory_store::MemoryStore;

use super::*;
use crate::visibility::query::status_name;

const NOW: Timestamp = Timestamp(1_700_000_000_400);

/// Runs of four ids and three customers; two thirds have closed, not in the order of their starts.
fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    for n in 1..=120 {
        let (mut run, first) = Run::start(&format!("job-{}", n % 4), n);
        let mut written = vec![first];
        if n % 5 != 0 {
            written.push(run.upsert(
                "Customer",
                ["acme", "zenith", "Ümit"][usize::try_from(n % 3).unwrap()],
            ));
        }
        if n % 3 != 0 {
            written.extend((0..n * 7 % 11).map(|_| run.signal(3)));
            written.push(run.close());
        }
        commit(&store, &written.iter().collect::<Vec<_>>(), &[&run], vec![]);
    }
    store
}

fn asked(query: &str) -> Request {
    Request {
        query: query
            .parse()
            .unwrap_or_else(|error| panic!("could not {error}")),
        search: None,
    }
}

fn pages(store: &MemoryStore, request: &Request, limit: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    let mut page = None;
    loop {
        let one = list(store, request, page, limit, NOW).unwrap();
        assert!(one.runs.len() <= limit);
        runs.extend(one.runs.iter().map(|info| info.run_id));
        let Some(next) = one.next else {
            return runs;
        };
        // As it goes over a command line.
        page = Some(next.to_string().parse().unwrap());
    }
}

const QUERIES: [&str; 20] = [
    "",
    "ExecutionStatus = 'Running'",
    "ExecutionStatus != 'Running'",
    "ExecutionStatus = 'Terminated' AND WorkflowId = 'job-2'",
    "WorkflowId IN ('job-1', 'job-3') AND Customer = 'acme'",
    "Customer = 'zenith' OR WorkflowId = 'job-0'",
    "NOT Customer = 'zenith'",
    "Customer IS NULL AND WorkflowType = 'TraceRun'",
    "StartTime >= '2023-11-14T22:13:20.050Z' AND StartTime < '2023-11-14T22:13:20.080Z'",
    "StartTime > now - 300ms AND ExecutionStatus IN ('Running', 'Failed')",
    "WorkflowType = 'Other'",
    "CloseTime > '2023-11-14T22:13:20.100Z'",
    "CloseTime BETWEEN '2023-11-14T22:13:20.060Z' AND '2023-11-14T22:13:20.120Z' AND Customer = 'acme'",
    "ORDER BY CloseTime DESC",
    "WorkflowId = 'job-1' ORDER BY CloseTime ASC",
    "ORDER BY StartTime ASC",
    "ExecutionStatus = 'Terminated' ORDER BY HistoryLength DESC",
    "Customer STARTS_WITH 'a' ORDER BY Customer ASC",
    "ExecutionDuration > '40ms'",
    "ParentWorkflowId IS NULL AND NOT (ExecutionStatus = 'Running')",
];

#[test]
fn every_page_size_gives_the_runs_that_are_meant_once_and_in_order() {
    let store = filled();
    let all = store.list_runs(None, usize::MAX).unwrap();
    for text in QUERIES {
        let request = asked(text);
        let filter = &request.query.filter;
        let is_meant = |info: &&RunInfo| filter.as_ref().is_none_or(|f| f.matches(info, NOW));
        let mut meant: Vec<&RunInfo> = all.iter().filter(is_meant).collect();
        let newest_closed = |info: &&RunInfo| {
            let closed = info.closed_at.map(|at| (at, info.run_id));
            (std::cmp::Reverse(closed), std::cmp::Reverse(info.run_id))
        };
        if text.ends_with("CloseTime DESC") || text.starts_with("CloseTime") {
            meant.sort_by_key(newest_closed);
        } else if text.ends_with("CloseTime ASC") {
            meant.sort_by_key(|info| (info.closed_at.is_none(), info.closed_at, info.run_id));
        } else if text.ends_with("StartTime ASC") {
            meant.reverse();
        } else if text.ends_with("HistoryLength DESC") {
            meant.sort_by_key(|info| std::cmp::Reverse(info.history_events));
        }
        let meant: Vec<RunId> = meant.iter().map(|info| info.run_id).collect();
        for limit in [1, 7, 500] {
            assert_eq!(
                pages(&store, &request, limit),
                meant,
                "{text}, pages of {limit}"
            );
        }
    }
}

#[test]
fn counts_are_those_of_the_list() {
    let store = filled();
    for text in QUERIES {
        let request = asked(text);
        let mut expected = BTreeMap::new();
        for run_id in pages(&store, &request, 500) {
            let info = store.run_info(run_id).unwrap().unwrap();
            *expected.entry(info.status).or_insert(0) += 1;
        }
        assert_eq!(count(&store, &request, NOW).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_text_is_found_in_any_case_in_ids_and_failures() {
    let store = filled();
    let search = |text: &str| {
        let request = Request {
            search: Some(text.to_owned()),
            ..asked("ExecutionStatus = 'Terminated'")
        };
        pages(&store, &request, 9).len()
    };
    assert_eq!(search("JOB-2"), 20);
    assert_eq!(search("Not Needed"), 80, "the reason of the termination");
    assert_eq!(search("nowhere"), 0);
    let bad = Request {
        search: Some(String::new()),
        ..Request::default()
    };
    assert!(matches!(
        list(&store, &bad, None, 9, NOW),
        Err(Error::Search)
    ));
}

#[test]
fn a_page_of_another_question_is_refused_or_harmless() {
    let store = filled();
    assert!("yesterday".parse::<PageToken>().is_err());
    let sorted: PageToken = "sorted.7".parse().unwrap();
    let answer = list(&store, &asked(""), Some(sorted), 9, NOW);
    assert!(matches!(answer, Err(Error::Token)));
    let beyond: PageToken = format!("99.5.{}", RunId([7; 16])).parse().unwrap();
    let answer = list(&store, &asked(""), Some(beyond), 9, NOW).unwrap();
    assert_eq!(answer, Page::default());
}

#[test]
fn a_page_stays_good_while_runs_close() {
    let store = filled();
    let request = asked(&format!(
        "ExecutionStatus = '{}'",
        status_name(State::Running)
    ));
    let first = list(&store, &request, None, 10, NOW).unwrap();
    let last = first.runs.last().unwrap().run_id;
    let state = store.load_run(last).unwrap().unwrap();
    let mut run = Run {
        state,
        events: Vec::new(),
    };
    let end = run.close();
    commit(&store, &[&end], &[&run], vec![]);
    let second = list(&store, &request, first.next, 10, NOW).unwrap();
    assert!(second.runs.iter().all(|info| info.run_id < last));
    assert_eq!(second.runs.len(), 10);
}
