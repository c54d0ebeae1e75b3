//! Whole files of every format: recognised, cut into records and read, and never brought down by what is in them.

use proptest::prelude::*;

use super::*;
use crate::line::{Line, Lines};
use crate::mine::{FileRef, MineOptions, mine};
use crate::records::Records;

macro_rules! fixtures {
    ($($name:literal),+) => {
        &[$(($name, include_bytes!(concat!("../../../fixtures/formats/", $name)))),+]
    };
}

const FIXTURES: &[(&str, &[u8])] = fixtures![
    "copilot.jsonl",
    "cursor.jsonl",
    "droid.jsonl",
    "gemini.json",
    "gemini.jsonl",
    "kiro.json",
    "kiro-cli.jsonl",
    "neutral.jsonl",
    "opencode.json",
    "opencode-storage.jsonl",
    "openhands.json",
    "openhands.jsonl",
    "otel.jsonl",
    "swe-agent.traj"
];

/// What a file says, as a run would read it: format and session first, then `line time event`.
fn read_file(name: &str) -> Vec<String> {
    let (_, bytes) = FIXTURES.iter().find(|(have, _)| *have == name).unwrap();
    let format = sniff(name, bytes).unwrap();
    let mut reader = format.reader(None).unwrap();
    let mut source: &[u8] = bytes;
    let lines = Lines::new(&mut source, 1 << 20);
    let mut records = Records::new(lines, format.framing(bytes), 1 << 20, 0);
    let mut out = Vec::new();
    while let Some((number, record)) = records.next_record().unwrap() {
        let Line::Whole(record) = record else {
            panic!("{record:?}");
        };
        let mut events = Vec::new();
        let result = reader.read(std::str::from_utf8(record).unwrap(), &mut |at, body| {
            let seconds = at.map_or_else(|| "-".to_owned(), |ms| (ms / 1000 % 60).to_string());
            events.push(format!("{number} {seconds} {}", show(&body)));
        });
        out.append(&mut events);
        if let Err(reason) = result {
            out.push(format!("{number} skipped: {reason}"));
        }
    }
    let session = reader.session_id().unwrap_or("-");
    out.insert(0, format!("{format} {session}"));
    out
}

#[test]
fn gemini_tells_each_message_once_in_both_forms() {
    assert_eq!(
        read_file("gemini.json"),
        [
            "gemini gem-1",
            "6 1 user[run the tests]",
            "7 5 assistant[I will run them.]",
            "7 9 call c1 run_shell_command",
            "7 9 result c1 run_shell_command cmd[npm test] flag Some(true) status[] code None error[Command not found: npm] text[Command not found: npm]",
            "7 5 call c2 write_file",
            "7 5 interrupt[cancelled]",
            "7 5 call c3 read_file",
            "7 5 result c3 read_file cmd[] flag Some(false) status[] code None error[] text[# errors\nnone]",
            "19 20 provider error[You have exhausted your daily quota] echo false",
        ]
    );
    assert_eq!(
        read_file("gemini.jsonl"),
        [
            "gemini gem-2",
            "2 1 user[list it]",
            "3 2 assistant[Listing.]",
            "4 2 call t1 run_shell_command",
            "4 2 result t1 run_shell_command cmd[ls] flag Some(false) status[] code None error[] text[a.md]",
            "8 7 assistant[]",
            "8 8 call t2 run_shell_command",
            "8 8 result t2 run_shell_command cmd[make] flag Some(false) status[] code Some(2) error[] text[no rule]",
            "10 9 assistant[That failed.]",
        ]
    );
}

#[test]
fn copilot_passes_over_hooks_and_finds_codes_and_errors() {
    assert_eq!(
        read_file("copilot.jsonl"),
        [
            "copilot cop-1",
            "4 2 user[stop the server]",
            "5 3 assistant[]",
            "6 3 call k1 bash",
            "7 4 result k1 bash cmd[make stop] flag Some(false) status[] code Some(2) error[] text[make: no rule\n<shellId: 0 completed with exit code 2>]",
            "8 5 call k2 read_bash",
            "9 6 result k2 read_bash cmd[] flag Some(true) status[] code None error[shell 9 was already stopped] text[shell 9 was already stopped]",
            "10 7 assistant[It is stopped.]",
            "11 8 provider error[rate limit reached] echo false",
        ]
    );
}

#[test]
fn droid_and_cursor_are_told_from_what_they_look_like() {
    assert_eq!(
        read_file("droid.jsonl"),
        [
            "droid dr-1",
            "2 0 user[count the files]",
            "3 1 call d1 Execute",
            "3 1 assistant[Counting.]",
            "4 2 result d1 Execute cmd[ls | wc -l] flag Some(true) status[] code None error[] text[Error: not permitted]",
            "5 3 user[]",
        ]
    );
    assert_eq!(
        read_file("cursor.jsonl"),
        [
            "cursor -",
            "1 - user[add a footer]",
            "2 - call  ApplyPatch",
            "2 - assistant[Adding it.]",
            "3 - assistant[Done.]",
        ]
    );
}

#[test]
fn kiro_joins_results_to_calls() {
    assert_eq!(
        read_file("kiro.json"),
        [
            "kiro kiro-1",
            "2 0 user[what failed?]",
            "2 0 call q1 execute_bash",
            "2 0 assistant[Looking.]",
            "3 - result q1 execute_bash cmd[make] flag Some(false) status[] code Some(2) error[] text[no rule]",
            "3 - call q2 fs_read",
            "3 - assistant[]",
            "4 - result q2 fs_read cmd[] flag Some(true) status[] code None error[] text[path does not exist]",
            "4 - assistant[The build has no rule.]",
        ]
    );
}

#[test]
fn opencode_reads_states_of_tools_and_passes_over_its_own_words() {
    assert_eq!(
        read_file("opencode.json"),
        [
            "opencode ses_1",
            "4 1 user[fix the build]",
            "6 3 call o1 bash",
            "6 3 result o1 bash cmd[make] flag Some(true) status[] code None error[make: timed out] text[make: timed out]",
            "6 2 call o2 read",
            "6 2 result o2 read cmd[] flag Some(false) status[] code None error[] text[all good]",
            "6 2 call o3 grep",
            "6 2 assistant[The build times out.]",
            "13 - provider error[overloaded] echo false",
            "14 - interrupt[aborted]",
        ]
    );
}

#[test]
fn kiro_cli_tells_exit_codes_that_its_status_does_not() {
    assert_eq!(
        read_file("kiro-cli.jsonl"),
        [
            "kiro-cli -",
            "1 1 user[run the tests]",
            "2 1 call t1 shell",
            "2 1 assistant[]",
            "3 1 result t1 shell cmd[npm test] flag Some(false) status[] code Some(1) error[] text[2 failing]",
            "4 1 call t2 read",
            "4 1 assistant[]",
            "5 1 result t2 read cmd[] flag Some(true) status[] code None error[] text[no such file]",
            "6 1 assistant[Two of them fail.]",
        ]
    );
}

/// What another model handed over, and what the harness tells the model only, is no word of a person.
#[test]
fn the_user_role_is_not_always_a_person() {
    let angry = "this is terrible, fix it";
    let gemini = [
        r#"{"sessionId":"g","projectHash":"p","kind":"subagent"}"#.to_owned(),
        format!(r#"{{"id":"u","type":"user","content":"{angry}"}}"#),
    ]
    .join("\n");
    let droid = [
        r#"{"type":"session_start","id":"d","cwd":"/w"}"#.to_owned(),
        format!(
            r#"{{"type":"message","message":{{"role":"user","visibility":"llm_only","content":[{{"type":"text","text":"{angry}"}}]}}}}"#
        ),
    ]
    .join("\n");
    let shown = droid.replace(r#""visibility":"llm_only","#, "");
    let own = gemini.replace("subagent", "main");
    for (text, signals) in [(&gemini, 0), (&own, 1), (&droid, 0), (&shown, 1)] {
        let options = MineOptions::default();
        let session = mine(&FileRef { name: "x" }, &mut text.as_bytes(), &options).unwrap();
        assert_eq!(
            (session.events, session.signals.len()),
            (1, signals),
            "{text}"
        );
    }
}

#[test]
fn opencode_storage_is_read_as_its_export_is() {
    assert_eq!(
        read_file("opencode-storage.jsonl"),
        [
            "opencode ses_9",
            "2 1 user[run the tests]",
            "3 3 call c1 bash",
            "3 3 result c1 bash cmd[npm test] flag Some(false) status[] code Some(1) error[] text[2 failing]",
            "3 2 assistant[Two of them fail.]",
            "5 7 provider error[overloaded] echo false",
            "6 8 assistant[Once more.]",
            "6 9 call c2 bash",
            "6 9 result c2 bash cmd[npm test] flag Some(true) status[] code None error[shell tool terminated command after exceeding timeout 900 ms] text[1 of 2\n\n<shell_metadata>\nshell tool terminated command after exceeding timeou]",
            "6 8 call c3 run_all",
            "6 8 result c3 run_all cmd[] flag Some(true) status[] code None error[there is no tool run_all] text[there is no tool run_all, so nothing was done]",
            "6 8 call c4 bash",
        ]
    );
}

/// The task that a model hands to another one is no word of a person.
#[test]
fn a_session_that_another_began_has_no_person_in_it() {
    let text = [
        r#"{"storage":1,"info":{"id":"ses_2","parentID":"ses_1"}}"#,
        r#"{"info":{"id":"m","role":"user"},"parts":[{"type":"text","text":"this is terrible, fix it"}]}"#,
    ]
    .join("\n");
    let options = MineOptions::default();
    let session = mine(&FileRef { name: "x" }, &mut text.as_bytes(), &options).unwrap();
    assert_eq!((session.format.as_str(), session.events), ("opencode", 1));
    assert!(session.signals.is_empty(), "{:?}", session.signals);
    let own = text.replace(r#","parentID":"ses_1""#, "");
    let session = mine(&FileRef { name: "x" }, &mut own.as_bytes(), &options).unwrap();
    assert_eq!(session.signals.len(), 1);
}

#[test]
fn trajectories_of_research_agents_are_read_once() {
    assert_eq!(
        read_file("swe-agent.traj"),
        [
            "swe-agent -",
            "4 - call step-1 bash",
            "4 - assistant[Run it.]",
            "4 - result step-1 bash cmd[python t.py\n] flag None status[] code None error[] text[Traceback (most recent call last):\nNameError: x]",
            "5 - call step-2 bash",
            "5 - assistant[Hand it in.]",
            "5 - result step-2 bash cmd[submit] flag None status[] code None error[] text[ok]",
            "8 - provider error[exit_context] echo false",
        ]
    );
    assert_eq!(
        read_file("openhands.json"),
        [
            "openhands -",
            "2 0 user[make a game]",
            "3 1 call 1 bash",
            "3 1 assistant[Check.]",
            "4 2 result 1 bash cmd[pytest] flag Some(false) status[] code Some(1) error[] text[2 failed]",
            "6 - call 4 edit",
            "6 - assistant[]",
            "7 - result 4 edit cmd[] flag Some(true) status[] code None error[] text[No match for the old text]",
            "8 - provider error[RateLimitError: slow down] echo false",
            "9 - assistant[It is done.]",
        ]
    );
    assert_eq!(
        read_file("openhands.jsonl"),
        [
            "openhands one",
            "1 - user[]",
            "1 - call  bash",
            "1 - assistant[Look.]",
            "1 - result  bash cmd[ls] flag Some(false) status[] code Some(0) error[] text[a.c]",
        ]
    );
}

#[test]
fn spans_of_models_and_tools_are_events_and_others_are_not() {
    assert_eq!(
        read_file("otel.jsonl"),
        [
            "otel conv-1",
            "1 1 user[say \"hi\"]",
            "1 1 assistant[]",
            "1 1 call t shell",
            "2 2 result t shell cmd[say hi] flag Some(true) status[] code None error[no answer in 30 s] text[]",
            "2 3 provider error[429 too many] echo false",
        ]
    );
}

#[test]
fn the_neutral_format_says_everything_an_event_can() {
    let got = read_file("neutral.jsonl");
    assert_eq!(
        got,
        [
            "neutral 2026-03-04-a",
            "2 0 user[run the tests]",
            "3 2 call 1 bash",
            "4 2 assistant[Running them.]",
            "5 5 result 1 bash cmd[make test] flag Some(false) status[] code Some(2) error[] text[make: *** No rule to make target 'test'.]",
            "6 9 provider error[429 too many requests] echo false",
            "7 20 interrupt[stopped by the user]",
            "8 - user[]",
            "10 skipped: neither `agent_events` nor `type`",
        ]
    );
}

#[test]
fn the_documented_example_is_the_fixture() {
    let document = include_str!("../../../../docs/FORMATS.md");
    let fixture = include_str!("../../../fixtures/formats/neutral.jsonl");
    let example = fixture.lines().take(7).collect::<Vec<_>>().join("\n");
    assert!(
        document.contains(&example),
        "docs/FORMATS.md lacks the example"
    );
    for format in Format::ALL {
        let row = format!("| `{format}` |");
        assert!(document.contains(&row), "docs/FORMATS.md has no row {row}");
    }
}

#[test]
fn documents_of_other_kinds_are_no_sessions() {
    for head in [
        r#"{"name":"x","version":"1","messages":{"type":"a"}}"#,
        r#"{"messages":[{"role":"user","content":"hi"}]}"#,
        r#"{"info":{"title":"an API"},"paths":{}}"#,
        r#"[{"action":"opened","number":1}]"#,
        r#"{"history":[]}"#,
        r#"{"resourceSpans":[]}"#,
        r#"{"type":"session.started","id":1}"#,
        r#"{"role":"user","message":"hi"}"#,
    ] {
        assert_eq!(sniff("any.json", head.as_bytes()), None, "{head}");
    }
}

fn mine_all(name: &str, bytes: &[u8], format: Option<Format>) -> u64 {
    let options = MineOptions { format };
    let mut reader = bytes;
    let session = mine(&FileRef { name }, &mut reader, &options).unwrap();
    session.events + session.skipped.len() as u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_bring_a_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for format in Format::ALL {
            mine_all("any", &bytes, Some(format));
        }
    }

    #[test]
    fn no_flaw_in_a_file_brings_a_reader_down(
        which in 0..FIXTURES.len(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, prop::sample::select(
            vec!["", "}", "{", "[", "]", "\"", "\\", "null", "7", "[]", "\u{0}", "\n", "{\"a\":[{"],
        )), 1..5),
    ) {
        let (name, bytes) = FIXTURES[which];
        let mut bytes = bytes.to_vec();
        for (at, length, put) in cuts {
            let from = at.index(bytes.len() + 1);
            let to = (from + length).min(bytes.len());
            bytes.splice(from..to, put.bytes());
        }
        let format = sniff(name, FIXTURES[which].1);
        // Nothing is read more often than it is there.
        prop_assert!(mine_all(name, &bytes, format) <= bytes.len() as u64);
        mine_all(name, &bytes, None);
    }
}
