//! Kinds of mistakes that reading real sessions showed.

use super::*;

#[test]
fn a_control_token_that_answers_the_harness_is_no_answer_to_the_person() {
    let session = openclaw(&[
        user("ola"),
        turn_failed("429 quota exceeded"),
        user("Read HEARTBEAT.md if it exists."),
        says("HEARTBEAT_OK"),
    ]);
    assert!(has_tag(&session, "error_class:no_answer"), "{session:#?}");
    assert!(!has_tag(&session, "error_class:control_token"));
}

#[test]
fn a_background_command_that_the_agent_stopped_did_not_fail() {
    let call = |action: &str| {
        message(
            &serde_json::json!({"role": "assistant", "stopReason": "toolUse", "content": [
                {"type": "toolCall", "id": "t", "name": "process",
                 "arguments": {"action": action, "sessionId": "quiet-till"}}]}),
            0,
        )
    };
    let ended = |how: &str| {
        user(&format!(
            "System: [2026-01-05 09:00:00 UTC] Exec failed (quiet-ti, {how}) :: no answer"
        ))
    };
    assert_eq!(
        openclaw(&[call("kill"), ended("signal SIGKILL")]).signals,
        []
    );
    for lines in [
        [call("poll"), ended("signal SIGKILL")],
        [call("kill"), ended("code 2")],
    ] {
        assert_eq!(openclaw(&lines).signals.len(), 1);
    }
}

#[test]
fn a_turn_that_was_paid_for_and_not_written_down_was_no_empty_answer() {
    let lines = |tokens: u32| {
        format!(
            "{}\n{}\n{}",
            r#"{"type":"session.start","data":{"sessionId":"s"},"id":"1","timestamp":"2026-01-05T09:00:00Z"}"#,
            r#"{"type":"user.message","data":{"content":"open the till"},"id":"2","timestamp":"2026-01-05T09:00:01Z"}"#,
            format_args!(
                r#"{{"type":"assistant.message","data":{{"content":"","toolRequests":[],"outputTokens":{tokens}}},"id":"3","timestamp":"2026-01-05T09:00:02Z"}}"#
            ),
        )
    };
    let found = |tokens| {
        mine_bytes("s/events.jsonl", lines(tokens).as_bytes())
            .signals
            .len()
    };
    assert_eq!((found(0), found(30)), (1, 0));
}

#[test]
fn a_shell_that_was_asked_before_the_command_was_done_did_not_fail() {
    let list = r#"[{"id":1,"timestamp":"2026-01-05T09:00:00Z","source":"agent","action":"run","args":{"command":"python3 -m till.server"}},
{"id":2,"timestamp":"2026-01-05T09:00:09Z","source":"agent","observation":"run","cause":1,"content":"Serving","extras":{"exit_code":-1}}]"#;
    assert_eq!(mine_bytes("s/run.json", list.as_bytes()).signals, []);
}
