//! Each format's basics: recognised by content, read into the same events, traps passed over.

mod golden;
mod harness;

use super::*;
use crate::event::NoticeKind;

/// What a reader makes of some lines, one short word group per event.
fn read(format: Format, lines: &[&str]) -> Vec<String> {
    let mut reader = format.reader(None).unwrap();
    let mut out = Vec::new();
    for line in lines {
        let result = reader.read(line, &mut |_, body| out.push(show(&body)));
        if let Err(reason) = result {
            out.push(format!("skipped: {reason}"));
        }
    }
    out
}

fn show(body: &Body<'_>) -> String {
    match body {
        Body::User(turn) => format!("user[{}]", turn.human),
        Body::Assistant(turn) => format!("assistant[{}]", turn.text),
        Body::ToolCall(call) => format!("call {} {}", call.id, call.name),
        Body::ToolResult(r) => format!(
            "result {} {} cmd[{}] flag {:?} status[{}] code {:?} error[{}] text[{}]",
            r.id,
            r.tool,
            r.command,
            r.is_error,
            r.status,
            r.exit_code,
            r.error,
            r.text.head(80)
        ),
        Body::ProviderError(e) => format!("provider error[{}] echo {}", e.message, e.echo),
        Body::Interrupt(text) => format!("interrupt[{text}]"),
        Body::Notice(notice) => format!("notice {:?} [{}]", notice.kind, notice.text),
        Body::Gateway(record) => format!("gateway {} [{}]", record.subsystem, record.message),
        Body::CronRun(run) => format!("run {} {} [{}]", run.job_id, run.status, run.error),
    }
}

#[test]
fn formats_are_recognised_by_content() {
    for (head, want) in [
        (
            r#"{"type":"session","version":3,"id":"s1","timestamp":"2026-01-02T03:04:05Z","cwd":"/w"}"#,
            Some(Format::OpenClaw),
        ),
        (
            r#"{"type":"session","id":"s1","timestamp":"2026-01-02T03:04:05Z","cwd":"/w","provider":"p"}"#,
            Some(Format::OpenClaw),
        ),
        (
            r#"{"type":"message","id":"1","timestamp":"t","message":{"role":"user","content":"hi"}}"#,
            Some(Format::OpenClaw),
        ),
        (
            r#"{"ts":1,"jobId":"j","action":"finished","status":"ok"}"#,
            Some(Format::OpenClawCron),
        ),
        (
            r#"{"type":"file-history-snapshot","messageId":"m","snapshot":{}}"#,
            Some(Format::Claude),
        ),
        (
            r#"{"type":"user","uuid":"u","sessionId":"s","message":{"role":"user","content":"hi"}}"#,
            Some(Format::Claude),
        ),
        (
            r#"{"type":"summary","summary":"x","leafUuid":"l"}"#,
            Some(Format::Claude),
        ),
        (
            r#"{"timestamp":"t","type":"session_meta","payload":{"id":"c1"}}"#,
            Some(Format::Codex),
        ),
        (
            r#"{"id":"c0","timestamp":"2025-08-01T00:00:00Z","instructions":null,"git":{}}"#,
            Some(Format::Codex),
        ),
        (
            r#"{"type":"session_start","id":"d","cwd":"/w"}"#,
            Some(Format::Droid),
        ),
        (
            r#"{"type":"session.start","data":{},"id":"x","timestamp":"t"}"#,
            Some(Format::Copilot),
        ),
        ("# notes\nnothing here\n", None),
        ("", None),
        ("[1,2,3]", None),
    ] {
        assert_eq!(sniff("any.jsonl", head.as_bytes()), want, "{head}");
    }
    let header = br#"{"type":"session","id":"s","cwd":"/w"}"#;
    assert_eq!(
        sniff("s.trajectory.jsonl", header),
        None,
        "a sidecar repeats the session"
    );
    let spoiled = b"\xff\xfe broken\n{\"type\":\"session\",\"id\":\"s\",\"cwd\":\"/w\"}\n";
    assert_eq!(sniff("x", spoiled), Some(Format::OpenClaw));
}

#[test]
fn a_first_line_longer_than_the_head_is_still_recognised() {
    let long = "x".repeat(70_000);
    let meta =
        format!(r#"{{"timestamp":"t","type":"session_meta","payload":{{"id":"c","i":"{long}"#);
    assert_eq!(sniff("a", &meta.as_bytes()[..65_536]), Some(Format::Codex));
    let user =
        format!(r#"{{"parentUuid":null,"sessionId":"s","type":"user","message":{{"c":"{long}"#);
    assert_eq!(sniff("a", &user.as_bytes()[..65_536]), Some(Format::Claude));
}

#[test]
fn names_go_both_ways() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert!(
        "word"
            .parse::<Format>()
            .unwrap_err()
            .to_string()
            .contains("known: neutral")
    );
}

#[test]
fn openclaw_results_carry_the_command_of_their_call() {
    let got = read(
        Format::OpenClaw,
        &[
            r#"{"type":"message","timestamp":"2026-01-02T03:04:05Z","message":{"role":"assistant","content":[{"type":"thinking","thinking":"hm","thinkingSignature":"AAAA"},{"type":"toolCall","id":"c1","name":"exec","arguments":{"command":"ls /nowhere"}}],"stopReason":"toolUse"}}"#,
            r#"{"type":"message","message":{"role":"toolResult","toolCallId":"c1","toolName":"exec","content":[{"type":"text","text":"ls: no\n\n(Command exited with code 2)"}],"details":{"status":"completed","exitCode":2,"aggregated":"ls: no"},"isError":false}}"#,
        ],
    );
    assert_eq!(
        got,
        [
            "call c1 exec",
            "assistant[]",
            "result c1 exec cmd[ls /nowhere] flag Some(false) status[completed] code Some(2) error[] text[ls: no\n\n(Command exited with code 2)]",
        ]
    );
}

#[test]
fn openclaw_copies_and_quotes_are_not_events() {
    let got = read(
        Format::OpenClaw,
        &[
            r#"{"type":"compaction","summary":"earlier: error, everything failed","tokensBefore":9}"#,
            r#"{"type":"branch_summary","fromId":"1","summary":"Traceback"}"#,
            r#"{"type":"custom_message","customType":"openclaw.runtime-context","content":"Error: no"}"#,
            r#"{"type":"message","message":{"role":"assistant","provider":"openclaw","model":"delivery-mirror","content":[{"type":"text","text":"sent"}],"stopReason":"stop"}}"#,
            r#"{"type":"message","message":{"role":"assistant","content":[{"type":"text","text":"/help"}],"stopReason":"injected"}}"#,
            r#"{"type":"who_knows","message":{"role":"user","content":"hi"}}"#,
        ],
    );
    assert_eq!(got, Vec::<String>::new());
}

#[test]
fn openclaw_failed_and_aborted_turns() {
    let got = read(
        Format::OpenClaw,
        &[
            r#"{"type":"message","message":{"role":"assistant","content":[],"provider":"p","model":"m","stopReason":"error","errorMessage":"429 slow down"}}"#,
            r#"{"type":"custom","customType":"openclaw:prompt-error","data":{"error":"LLM idle timeout (60s)","provider":"p"},"timestamp":"2026-01-02T03:04:05Z"}"#,
            r#"{"type":"message","message":{"role":"assistant","content":[],"stopReason":"aborted","errorMessage":"Request was aborted."}}"#,
        ],
    );
    assert_eq!(
        got,
        [
            "provider error[429 slow down] echo false",
            "provider error[LLM idle timeout (60s)] echo true",
            "interrupt[Request was aborted.]",
        ]
    );
}

#[test]
fn fields_of_a_wrong_type_lose_nothing_but_themselves() {
    let got = read(
        Format::OpenClaw,
        &[
            r#"{"type":"message","timestamp":5,"message":{"role":"toolResult","toolCallId":7,"toolName":null,"content":[3,"x",{"text":"out"}],"details":"gone","isError":"no"}}"#,
            r#"{"type":"message","message":"text"}"#,
            r#"{"type":7}"#,
            "[]",
            "{\"type\":\"message\"",
        ],
    );
    assert_eq!(
        got,
        [
            "result   cmd[] flag None status[] code None error[] text[out]",
            "skipped: not a JSON object",
            "skipped: cut off in the middle of the line",
        ]
    );
}

#[test]
fn claude_results_are_joined_to_their_call_and_wrappers_come_off() {
    let got = read(
        Format::Claude,
        &[
            r#"{"type":"assistant","sessionId":"s","message":{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"grep -r x ."}}]}}"#,
            r#"{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"Exit code 1","is_error":true}]},"toolUseResult":"Error: Exit code 1"}"#,
            r#"{"type":"progress","uuid":"u","sessionId":"s","type2":"x","data":{}}"#,
            r#"{"type":"user","message":{"role":"user","content":"<system-reminder>be careful, errors!</system-reminder>fix it"}}"#,
            r#"{"type":"user","isMeta":true,"message":{"role":"user","content":"Long prompt.\n\nARGUMENTS: the footer is gone"}}"#,
            r#"{"type":"user","isSidechain":true,"message":{"role":"user","content":"find all callers"}}"#,
            r#"{"type":"user","isCompactSummary":true,"message":{"role":"user","content":"This session is being continued"}}"#,
            r#"{"type":"user","message":{"role":"user","content":[{"type":"text","text":"[Request interrupted by user]"}]}}"#,
            r#"{"type":"assistant","isApiErrorMessage":true,"message":{"role":"assistant","model":"<synthetic>","content":[{"type":"text","text":"API Error: 529 overloaded"}]}}"#,
            r#"{"type":"user","message":{"role":"user","content":"<command-name>/fix</command-name><command-args>the login</command-args>"}}"#,
        ],
    );
    assert_eq!(
        got,
        [
            "call t1 Bash",
            "assistant[]",
            "result t1 Bash cmd[grep -r x .] flag Some(true) status[] code Some(1) error[] text[Exit code 1]",
            "user[fix it]",
            "user[the footer is gone]",
            "user[]",
            "user[]",
            "interrupt[[Request interrupted by user]]",
            "provider error[API Error: 529 overloaded] echo false",
            "user[the login]",
        ]
    );
}

#[test]
fn codex_reads_envelopes_bare_items_and_all_exit_code_shapes() {
    let enveloped = read(
        Format::Codex,
        &[
            r#"{"timestamp":"t","type":"session_meta","payload":{"id":"c1","cwd":"/w"}}"#,
            r#"{"type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"<environment_context>x</environment_context>"}]}}"#,
            r#"{"type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"make it green"}]}}"#,
            r#"{"type":"event_msg","payload":{"type":"user_message","message":"make it green"}}"#,
            r#"{"type":"response_item","payload":{"type":"function_call","name":"shell","call_id":"k","arguments":"{\"command\":[\"bash\",\"-lc\",\"make\"]}"}}"#,
            r#"{"type":"response_item","payload":{"type":"function_call_output","call_id":"k","output":"{\"output\":\"make: *** no rule\\n\",\"metadata\":{\"exit_code\":2}}"}}"#,
            r#"{"type":"response_item","payload":{"type":"function_call_output","call_id":"z","output":"Exit code: 1\nWall time: 0.1 seconds\nOutput:\nno\n"}}"#,
            r#"{"type":"event_msg","payload":{"type":"turn_aborted","reason":"interrupted"}}"#,
            r#"{"type":"event_msg","payload":{"type":"stream_error","message":"stream closed"}}"#,
            r#"{"type":"compacted","payload":{"message":"it all failed"}}"#,
        ],
    );
    assert_eq!(
        enveloped,
        [
            "user[]",
            "user[make it green]",
            "call k shell",
            "result k shell cmd[bash -lc make] flag None status[] code Some(2) error[] text[make: *** no rule\n]",
            "result z  cmd[] flag None status[] code Some(1) error[] text[Exit code: 1\nWall time: 0.1 seconds\nOutput:\nno\n]",
            "interrupt[interrupted]",
            "provider error[stream closed] echo false",
        ]
    );
    let bare = read(
        Format::Codex,
        &[
            r#"{"id":"c0","timestamp":"2025-08-01T00:00:00Z","instructions":null}"#,
            r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}"#,
            r#"{"type":"function_call","name":"shell","call_id":"k","arguments":"{}"}"#,
            r#"{"type":"function_call_output","call_id":"k","output":"done"}"#,
        ],
    );
    assert_eq!(
        bare,
        [
            "user[hi]",
            "call k shell",
            "result k shell cmd[] flag None status[] code None error[] text[done]",
        ]
    );
}

#[test]
fn cron_rows_are_runs() {
    let got = read(
        Format::OpenClawCron,
        &[
            r#"{"ts":1767225600000,"jobId":"j1","action":"finished","status":"error","error":"cron: job execution timed out","durationMs":600000}"#,
            r#"{"ts":1,"jobId":"j1","action":"started"}"#,
        ],
    );
    assert_eq!(got, ["run j1 error [cron: job execution timed out]"]);
}

fn human(text: &str) -> (String, Vec<NoticeKind>) {
    let mut notices = Vec::new();
    let unwrapped = envelope::unwrap_openclaw(text, &mut |notice| notices.push(notice.kind));
    (unwrapped.human, notices)
}

#[test]
fn only_what_a_person_typed_is_human() {
    for (text, want) in [
        ("fix the door", "fix the door"),
        (
            "[Telegram Ann (@ann) id:42 +3m 2026-01-05 10:00 UTC] fix it\n[message_id: 77]",
            "fix it",
        ),
        ("[Mon 2026-01-05 10:00 GMT+1] fix it", "fix it"),
        ("[cron:1111 Nightly] tidy up\nCurrent time: Monday", ""),
        (
            "Read HEARTBEAT.md if it exists. If nothing needs attention, reply HEARTBEAT_OK.",
            "",
        ),
        (
            "System: [2026-01-05 10:00:00 UTC] WhatsApp gateway connected.\n\nhello?",
            "hello?",
        ),
        (
            "A new session was started via /new or /reset. Greet the user.",
            "",
        ),
        (
            "[Sun 2026-01-04 09:00 UTC] An async command the user already approved has completed.",
            "",
        ),
        (
            "Conversation info (untrusted metadata):\n```json\n{\n  \"message_id\": \"1\"\n}\n```\n\nSender (untrusted metadata):\n```json\n{}\n```\n\nwhere is it",
            "where is it",
        ),
        (
            "[Queued messages while agent was busy]\n\n---\nQueued #1 (from Ann)\nfirst\n\n---\nQueued #2 (from Ann)\nsecond",
            "first\n\nsecond",
        ),
        (
            "[media attached: /tmp/a.png (image/png)]\nwhat is this",
            "what is this",
        ),
        ("ou_0123456789abcdef0123: ready?", "ready?"),
        (
            "[Mon 2026-01-05 20:30 EST] You are a price scout. Find offers below ten euros and list them.\n\n## Rules\n- be quick\n- cite sources",
            "",
        ),
    ] {
        assert_eq!(human(text).0, want, "{text}");
    }
}

#[test]
fn system_lines_become_notices() {
    let text = "System: [2026-01-05 10:00:00 UTC] Exec failed (calm-owl, code 2) :: no such option\nSystem: [2026-01-05 10:00:01 UTC] Cron (error): 405 Method Not Allowed\n\nok";
    assert_eq!(
        human(text),
        (
            "ok".to_owned(),
            vec![NoticeKind::ExecFailed, NoticeKind::CronError]
        )
    );
}

#[test]
fn a_group_is_not_waiting() {
    let text = "Conversation info (untrusted metadata):\n```json\n{\n  \"is_group_chat\": true\n}\n```\n\nlunch?";
    assert!(envelope::unwrap_openclaw(text, &mut |_| ()).group);
}
