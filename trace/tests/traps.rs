//! What a miner of words takes for a failure, anger or praise, one test for each kind of trap.

use serde_json::{Value, json};
use trace::mine::{FileRef, MineOptions, MinedSession, mine};
use trace::signal::Kind;

/// An OpenClaw session of these messages, each so many seconds after the minute.
fn session(messages: &[(u32, Value)]) -> MinedSession {
    let header = json!({"type": "session", "version": 3, "id": "s-1",
        "timestamp": "2026-01-02T03:04:05.000Z", "cwd": "/w"});
    let rows = messages.iter().enumerate().map(|(n, (second, message))| {
        let at = format!("2026-01-02T03:05:{second:02}.000Z");
        json!({"type": "message", "id": n.to_string(), "timestamp": at, "message": message})
    });
    let lines: Vec<String> = std::iter::once(header)
        .chain(rows)
        .map(|row| row.to_string())
        .collect();
    let text = lines.join("\n");
    let name = "agents/main/sessions/s-1.jsonl";
    let file = FileRef { name };
    mine(&file, &mut text.as_bytes(), &MineOptions::default())
        .expect("a session held in memory can be read")
}

fn person(second: u32, text: &str) -> (u32, Value) {
    (second, json!({"role": "user", "content": text}))
}

fn ran(command: &str, exit_code: i64, text: &str) -> [(u32, Value); 2] {
    let call =
        json!([{"type": "toolCall", "id": "c", "name": "exec", "arguments": {"command": command}}]);
    let content = json!([{"type": "text", "text": text}]);
    [
        (
            0,
            json!({"role": "assistant", "content": call, "stopReason": "toolUse"}),
        ),
        (
            0,
            json!({"role": "toolResult", "toolCallId": "c", "toolName": "exec", "isError": false,
                "content": content, "details": {"status": "completed", "exitCode": exit_code}}),
        ),
    ]
}

fn kinds(session: &MinedSession) -> Vec<Kind> {
    session.signals.iter().map(|signal| signal.kind).collect()
}

#[test]
fn a_pasted_log_is_one_report_of_its_person_and_no_failure_of_a_tool() {
    let log = "it stops here:\n\nTraceback (most recent call last):\n  File \"till.py\", line 3\nKeyError: 'sum'\nERROR: exit 1\nERROR: giving up";
    let pasted = session(&[person(0, log)]);
    assert_eq!(pasted.signals.len(), 1, "{:#?}", pasted.signals);
    let tags = &pasted.signals[0].tags;
    assert!(tags.contains(&"detector:user".to_owned()), "{tags:?}");
    assert!(pasted.signals[0].tool.is_empty());
}

#[test]
fn text_read_off_a_picture_is_nobodys_mood() {
    let read = "[Image]\nUser text:\n<media:image>\nDescription:\nA poster of a stage play. It says: THE FAILURE, a comedy. Tickets at the door, doors open at seven. Reviews call it a delight and a disaster.";
    assert_eq!(kinds(&session(&[person(0, read)])), []);
}

#[test]
fn titles_and_subjects_that_speak_of_failures_are_none() {
    let mut events = Vec::new();
    events.extend(ran(
        "ls notes",
        0,
        "error-handling.md\nkilled-today.md\nwhy-the-build-failed.md",
    ));
    events.extend(ran(
        "git log --oneline -3",
        0,
        "a1b2c3d fix crash on empty basket\nb2c3d4e revert failing test\nc3d4e5f error page",
    ));
    assert_eq!(kinds(&session(&events)), []);
}

#[test]
fn an_exit_code_that_only_answers_is_no_failure() {
    let mut events = Vec::new();
    events.extend(ran("grep -rn tern src", 1, ""));
    events.extend(ran("./probe --json", 1, "{\"ok\": true, \"open\": 0}"));
    assert_eq!(kinds(&session(&events)), []);
}

#[test]
fn swearing_as_a_habit_and_for_joy_is_no_anger() {
    for text in [
        "fuck yeah nice, next one please",
        "damn that is good, ship it",
    ] {
        let found = kinds(&session(&[person(0, text)]));
        assert!(!found.contains(&Kind::UserFrustration), "{text}: {found:?}");
    }
}

#[test]
fn plain_speech_with_the_words_of_trouble_is_none() {
    for text in [
        "No thanks, that is all for today",
        "I sent the first invoice in error, please use the second",
        "nah, leave it as it is",
        "run it again with the new prices",
    ] {
        let found = kinds(&session(&[person(0, text)]));
        assert!(!found.contains(&Kind::UserFrustration), "{text}: {found:?}");
        assert!(!found.contains(&Kind::Error), "{text}: {found:?}");
    }
}

#[test]
fn a_turn_that_was_written_down_twice_is_said_once() {
    let words = "put the till report into the folder of this week";
    let twice = session(&[
        person(1, words),
        person(1, words),
        person(9, words),
        person(9, words),
    ]);
    assert_eq!(kinds(&twice), []);
    let three_times = session(&[person(1, words), person(9, words), person(20, words)]);
    assert_eq!(kinds(&three_times), [Kind::UserFrustration]);
}
