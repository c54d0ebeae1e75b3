//! State files that are whole, torn, doubled and foreign, as texts.

use super::*;

fn beside(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Line, severity, repeats and summary of each signal.
fn told(kind: StateFile, content: &str, names: &[&str]) -> Vec<String> {
    let name = match kind {
        StateFile::SessionIndex => "agents/main/sessions/sessions.json",
        StateFile::Jobs => "cron/jobs.json",
    };
    let mined = mine_state_file(&FileRef { name }, kind, content.as_bytes(), &beside(names));
    let skipped = mined
        .skipped
        .iter()
        .map(|s| format!("skipped: {}", s.reason));
    let signals = mined.signals.iter().map(|signal| {
        for evidence in &signal.evidence {
            let line = usize::try_from(evidence.line).unwrap() - 1;
            let line = content.lines().nth(line).unwrap();
            assert!(line.contains(evidence.quote.as_str()), "{evidence:?}");
        }
        let repeats = signal.tags.iter().find_map(|t| t.strip_prefix("repeats:"));
        format!(
            "{} {:?} x{} {}",
            signal.source.line,
            signal.severity,
            repeats.unwrap_or("1"),
            signal.summary
        )
    });
    skipped.chain(signals).collect()
}

fn index(content: &str, names: &[&str]) -> Vec<String> {
    told(StateFile::SessionIndex, content, names)
}

const INDEX: &str = r#"{
  "agent:main:main": {
    "sessionId": "aaaa1111",
    "systemSent": true
  },
  "agent:main:chat": {
    "sessionId": "bbbb2222",
    "totalTokens": 12
  },
  "agent:main:cron:job": {
    "sessionId": "cccc3333",
    "systemSent": true
  },
  "agent:main:new": {
    "sessionId": "dddd4444"
  }
}"#;

#[test]
fn files_are_known_by_their_place() {
    let of = StateFile::of_path;
    assert_eq!(
        of("a/agents/main/sessions/sessions.json"),
        Some(StateFile::SessionIndex)
    );
    assert_eq!(of("cron/jobs.json"), Some(StateFile::Jobs));
    assert_eq!(of(r"x\cron\jobs-state.json"), Some(StateFile::Jobs));
    for other in ["sessions.json", "web/sessions.json", "jobs.json", ""] {
        assert_eq!(of(other), None, "{other}");
    }
}

#[test]
fn a_used_session_without_a_transcript_is_lost() {
    assert_eq!(
        index(INDEX, &["aaaa1111.jsonl", "sessions.json"]),
        ["7 Medium x1 sessions.json names a session whose transcript is not there"]
    );
    let archived = ["aaaa1111.jsonl", "bbbb2222.jsonl.reset.2026-01-02"];
    assert!(index(INDEX, &archived).is_empty());
    let of_topic = ["aaaa1111.jsonl", "bbbb2222-topic-7.jsonl"];
    assert!(index(INDEX, &of_topic).is_empty());
    // A backup without any transcript says nothing of what was lost.
    assert!(index(INDEX, &["sessions.json"]).is_empty());
}

#[test]
fn a_session_of_two_entries_is_told_unless_they_belong_together() {
    let two = "{\n\"a:one\":{\"sessionId\":\"s1\"},\n\"a:two\":{\"sessionId\":\"s1\"}\n}";
    assert_eq!(
        index(two, &[]),
        ["3 Medium x1 sessions.json gives two entries the same session"]
    );
    let run = "{\"a:cron:j\":{\"sessionId\":\"s1\"},\"a:cron:j:run:s1\":{\"sessionId\":\"s1\"}}";
    assert!(index(run, &[]).is_empty());
    let renamed = "{\"main\":{\"sessionId\":\"s1\"},\"agent:x:main\":{\"sessionId\":\"s1\"}}";
    assert!(index(renamed, &[]).is_empty());
    let twice = "{\"a:one\":{\"sessionId\":\"s1\"},\n\"a:one\":{\"sessionId\":\"s2\"}}";
    assert_eq!(
        index(twice, &[]),
        ["2 Medium x1 sessions.json has the same entry twice"]
    );
}

#[test]
fn a_damaged_index_is_told_with_its_last_line() {
    let cut = &INDEX[..INDEX.len() - 30];
    assert_eq!(
        index(cut, &[]),
        ["14 High x1 sessions.json damaged: it ends in the middle"]
    );
    let doubled = format!("{INDEX}\n\"updatedAt\": 5}}}}");
    assert_eq!(
        index(&doubled, &[]),
        ["18 High x1 sessions.json damaged: it goes on behind its end"]
    );
    let nul = format!("{}\0\0\0\0", &INDEX[..40]);
    assert_eq!(
        index(&nul, &[]),
        ["3 High x1 sessions.json damaged: it holds NUL bytes"]
    );
}

#[test]
fn what_is_no_index_is_passed_over_with_a_reason() {
    assert_eq!(index(" \n", &[]), ["skipped: empty file"]);
    assert_eq!(
        index("{ // mine\n \"a\": {} }", &[]),
        ["skipped: not strict JSON"]
    );
    let other = "{\"film\": {\"title\": \"Up\"}}";
    assert_eq!(
        index(other, &[]),
        ["skipped: not an index of OpenClaw's sessions"]
    );
    assert!(index("{}", &[]).is_empty());
    let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    let name = FileRef {
        name: "sessions/sessions.json",
    };
    let mined = mine_state_file(&name, StateFile::SessionIndex, &bytes, &BTreeSet::new());
    assert!(mined.signals.len() <= 1);
}

#[test]
fn jobs_that_keep_failing_are_told_where_no_run_log_says_so() {
    let jobs = r#"{"version": 1, "jobs": [
  {"id": "j1", "enabled": true, "state": {"lastStatus": "error", "consecutiveErrors": 25}},
  {"id": "j2", "enabled": true, "state": {"lastRunStatus": "error", "consecutiveErrors": 2,
    "lastError": "cron: job execution timed out"}},
  {"id": "j3", "enabled": false, "state": {"lastStatus": "error", "lastError": "boom"}},
  {"id": "j4", "enabled": true, "state": {"lastStatus": "ok", "lastError": "boom"}}
]}"#;
    let told = |names: &[&str]| told(StateFile::Jobs, jobs, names);
    assert_eq!(
        told(&[]),
        [
            "2 High x1 scheduled job, run failed: no reason was kept",
            "4 Medium x1 scheduled job, run timed out: cron: job execution timed out",
        ]
    );
    assert_eq!(told(&["j1.jsonl", "j2.jsonl"]).len(), 0);
}

#[test]
fn states_of_jobs_by_id_are_read_too() {
    let jobs = r#"{"version": 1, "jobs": {"j2": {"state": {"lastStatus": "error",
      "lastError": "Delivering to Telegram requires target <chatId>"}}}}"#;
    assert_eq!(
        told(StateFile::Jobs, jobs, &[]),
        [
            "2 Medium x1 scheduled job, result not delivered: Delivering to Telegram requires target <chatId>"
        ]
    );
}
