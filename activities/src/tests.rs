//! The whole loop over session files written here, in an engine over a store in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use state::memory_store::MemoryStore;
use workflows::contracts::{
    CritiqueBrief, CritiqueBriefInput, DraftBrief, DraftBriefInput, FileTickets, FileTicketsInput,
    Reviewed, SnapshotEvidence, SnapshotEvidenceInput,
};
use workflows::{TraceRunInput, TraceRunOutput};

use crate::Config;
use crate::testing::{
    Answer, below, blob, fails, roll_up, run, run_activity, says, session, turn_fails, user, write,
};

/// Values that must not be in any report. Made up.
const MAIL: &str = "kim.lindqvist@example.org";
const KEY: &str = "sk-ant-api03-Zk3vQ9xT7mB2nR8wL5pY1cD6fH4jK0sAaBbCcDdEeFf1122334455";
const PASSWORD: &str = "tr0ub4dor-and-3";
const USER: &str = "kimlindqvist";

fn sessions(root: &Path) {
    let refused = "connect ECONNREFUSED 10.0.0.7:5432";
    let leak =
        format!("HTTP 401 for {MAIL}: api_key={KEY} password={PASSWORD} in /home/{USER}/.netrc");
    let overloaded = "529 {\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}";
    for (name, messages) in [
        (
            "a",
            vec![
                user("back the data up"),
                fails("exec", refused),
                says("It failed."),
            ],
        ),
        (
            "b",
            vec![
                user("and again"),
                fails("exec", refused),
                fails("exec", &leak),
            ],
        ),
        (
            "c",
            vec![
                user("hello"),
                turn_fails(overloaded),
                turn_fails(overloaded),
            ],
        ),
        (
            "d",
            vec![
                user("thank you, that is perfect!"),
                says("Glad to hear it."),
            ],
        ),
    ] {
        write(
            root,
            &format!("main/sessions/{name}.jsonl"),
            &session(name, &messages),
        );
    }
    write(
        root,
        &format!("-home-{USER}-work/e.jsonl"),
        &session("e", &[fails("exec", &leak)]),
    );
    write(root, "main/sessions/empty.jsonl", "");
}

async fn trace(store: &MemoryStore, root: &Path, out: &Path, id: &str) -> Answer<TraceRunOutput> {
    trace_with(store, root, out, id, Config::default()).await
}

async fn trace_with(
    store: &MemoryStore,
    root: &Path,
    out: &Path,
    id: &str,
    config: Config,
) -> Answer<TraceRunOutput> {
    let input = TraceRunInput {
        discover: below(root),
        out: out.to_str().unwrap().to_owned(),
        briefs: 3,
        model: "none".to_owned(),
        reading: None,
        merge_near: false,
    };
    let all = |builder: engine::Builder| {
        crate::register(builder.definitions(workflows::definitions()), config)
    };
    run(store, all, id, "TraceRun", &input).await
}

fn report(out: &Path, output: &TraceRunOutput) -> BTreeMap<String, Vec<u8>> {
    let read = |name: &String| (name.clone(), std::fs::read(out.join(name)).unwrap());
    output.files.iter().map(read).collect()
}

struct Place {
    _dir: tempfile::TempDir,
    root: PathBuf,
    out: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("agents");
    sessions(&root);
    Place {
        root,
        out: dir.path().join("out"),
        _dir: dir,
    }
}

#[tokio::test]
async fn a_run_goes_from_session_files_to_a_report_and_a_second_one_reads_nothing() {
    let at = place();
    let store = MemoryStore::new();
    let (output, meters) = trace(&store, &at.root, &at.out, "first").await;
    let output = output.unwrap();
    assert_eq!(output.sessions, 5);
    assert_eq!(meters["sessions_read"], 5);
    assert!(output.tickets >= 3 && output.briefs == 3, "{output:?}");
    let first = report(&at.out, &output);
    let of_rollup: trace::rollup::RollupDocument =
        serde_json::from_slice(&first["rollup.json"]).unwrap();
    assert_eq!(of_rollup.counts.sessions, 5);
    assert_eq!(of_rollup.skipped[0].reason, "empty file");
    let refused = of_rollup
        .rollups
        .iter()
        .find(|r| r.summary.contains("ECONNREFUSED"));
    assert_eq!(refused.unwrap().count_sessions, 2);
    let briefs = first.keys().filter(|name| name.contains("/brief-v1.md"));
    assert_eq!(briefs.count(), 3);

    let (again, meters) = trace(&store, &at.root, &at.out, "second").await;
    let again = again.unwrap();
    assert_eq!(again, output);
    assert_eq!(meters["sessions_unchanged"], 5);
    assert!(!meters.contains_key("sessions_read") && !meters.contains_key("bytes"));
    assert_eq!(report(&at.out, &again), first);

    let elsewhere = MemoryStore::new();
    let (other, _) = trace(&elsewhere, &at.root, &at.out, "third").await;
    assert_eq!(report(&at.out, &other.unwrap()), first);
}

#[tokio::test]
async fn no_secret_and_no_person_is_in_any_file_of_a_report() {
    let at = place();
    let store = MemoryStore::new();
    let output = trace(&store, &at.root, &at.out, "run").await.0.unwrap();
    let mut said_something = false;
    for (name, bytes) in report(&at.out, &output) {
        let text = String::from_utf8(bytes).unwrap();
        said_something |= text.contains("HTTP 401");
        for secret in [MAIL, KEY, PASSWORD, USER, "kim.lindqvist"] {
            assert!(!text.contains(secret), "{secret} is in {name}");
            assert!(!name.contains(secret), "{secret} is in a file name");
        }
    }
    assert!(
        said_something,
        "the line with the secrets must be evidence of something"
    );
}

#[tokio::test]
async fn every_version_of_a_brief_but_the_last_is_refused_and_the_last_stands() {
    let at = place();
    let store = MemoryStore::new();
    let output = trace(&store, &at.root, &at.out, "run").await.0.unwrap();
    let reviews: Vec<(String, String)> = report(&at.out, &output)
        .into_iter()
        .filter(|(name, _)| name.ends_with(".review.md"))
        .map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap()))
        .collect();
    assert!(reviews.len() >= 3);
    for (index, (name, text)) in reviews.iter().enumerate() {
        let directory = |name: &str| name.rsplit_once('/').unwrap().0.to_owned();
        let next = reviews.get(index + 1).map(|(next, _)| directory(next));
        let is_last = next != Some(directory(name));
        assert_eq!(
            text.contains("Verdict: accepted."),
            is_last,
            "{name}: {text}"
        );
    }
}

#[tokio::test]
async fn research_done_twice_gives_the_same_blobs() {
    let at = place();
    let store = MemoryStore::new();
    let rolled = roll_up(&store, &at.root).await;
    let again = roll_up(&store, &at.root).await;
    assert_eq!(rolled, again);
    let input = FileTicketsInput {
        rollup: rolled.rollup.clone(),
        signals: rolled.signals.clone(),
        top: 1,
    };
    let filed = run_activity::<FileTickets>(&store, &input).await.0.unwrap();
    let input = SnapshotEvidenceInput {
        tickets: filed.tickets,
        signals: rolled.signals,
        rollup: rolled.rollup,
        ticket_id: filed.top[0].ticket_id.clone(),
    };
    let snapshot = run_activity::<SnapshotEvidence>(&store, &input)
        .await
        .0
        .unwrap();
    let twice = run_activity::<SnapshotEvidence>(&store, &input)
        .await
        .0
        .unwrap();
    assert_eq!(snapshot, twice);
    let mut draft = DraftBriefInput {
        snapshot: snapshot.clone(),
        model: "none".to_owned(),
        version: 1,
        previous: None,
    };
    let brief = run_activity::<DraftBrief>(&store, &draft).await.0.unwrap();
    assert_eq!(
        run_activity::<DraftBrief>(&store, &draft).await.0.unwrap(),
        brief
    );
    let critique = CritiqueBriefInput {
        snapshot,
        model: "none".to_owned(),
        brief: brief.clone(),
    };
    let said = run_activity::<CritiqueBrief>(&store, &critique)
        .await
        .0
        .unwrap();
    assert_eq!(
        run_activity::<CritiqueBrief>(&store, &critique)
            .await
            .0
            .unwrap(),
        said
    );
    draft.previous = Some(Reviewed {
        brief,
        review: said.review.clone(),
    });
    let second = run_activity::<DraftBrief>(&store, &draft).await.0.unwrap();
    assert_eq!(
        run_activity::<DraftBrief>(&store, &draft).await.0.unwrap(),
        second
    );
    assert!(blob(&store, &said.review).starts_with(b"# Review\n"));

    draft.model = "opus".to_owned();
    let failure = run_activity::<DraftBrief>(&store, &draft)
        .await
        .0
        .unwrap_err();
    assert_eq!(
        crate::testing::root(&failure).error_type,
        "ModelUnavailable"
    );
}

#[tokio::test]
async fn the_ledger_has_one_line_for_every_execution() {
    let at = place();
    let ledger = at.root.parent().unwrap().join("ledger");
    let config = Config {
        ledger: Some(ledger.clone()),
        ..Config::default()
    };
    let store = MemoryStore::new();
    let output = trace_with(&store, &at.root, &at.out, "run", config)
        .await
        .0
        .unwrap();
    let text = std::fs::read_to_string(ledger).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    assert!(
        lines.iter().all(|line| line.len() == 4 && line[3] == "1"),
        "{text}"
    );
    let of = |activity: &str| lines.iter().filter(|line| line[2] == activity).count();
    assert_eq!((of("discover"), of("write_report")), (1, 1));
    assert_eq!(of("mine_session"), 5);
    assert_eq!(
        of("snapshot_evidence"),
        usize::try_from(output.briefs).unwrap()
    );
    let different: std::collections::BTreeSet<_> = lines.iter().map(|l| (l[0], l[1])).collect();
    assert_eq!(different.len(), lines.len());
}

#[tokio::test]
async fn a_directory_without_sessions_ends_the_run_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let out = dir.path().join("out");
    let failure = trace(&store, dir.path(), &out, "run").await.0.unwrap_err();
    assert_eq!(crate::testing::root(&failure).error_type, "NoSessions");
    assert!(!out.exists());
}
