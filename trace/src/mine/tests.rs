//! Whole files: bad input, folding, the traps of real sessions, and that evidence is what it says.

use std::fmt::Write as _;

mod grown;
mod seen;

use super::*;
use crate::signal::{Kind, Severity};

const HEADER: &str = r#"{"type":"session","version":3,"id":"s-1","timestamp":"2026-01-02T03:04:05.000Z","cwd":"/w"}"#;

fn mine_bytes(name: &str, bytes: &[u8]) -> MinedSession {
    let mut reader = bytes;
    mine(&FileRef { name }, &mut reader, &MineOptions::default()).unwrap()
}

/// An OpenClaw session of these lines below a header.
fn openclaw(lines: &[String]) -> MinedSession {
    let mut text = format!("{HEADER}\n");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    mine_bytes("agents/main/sessions/s-1.jsonl", text.as_bytes())
}

fn user(text: &str) -> String {
    message(
        &serde_json::json!({"role": "user", "content": [{"type": "text", "text": text}]}),
        0,
    )
}

fn user_at(text: &str, second: u32) -> String {
    message(
        &serde_json::json!({"role": "user", "content": text}),
        second,
    )
}

fn says(text: &str) -> String {
    let content = serde_json::json!([{"type": "text", "text": text}]);
    message(
        &serde_json::json!({"role": "assistant", "content": content, "stopReason": "stop"}),
        0,
    )
}

fn turn_failed(error: &str) -> String {
    message(
        &serde_json::json!({"role": "assistant", "content": [], "provider": "acme", "model": "m-1",
            "stopReason": "error", "errorMessage": error}),
        0,
    )
}

fn result(tool: &str, details: &serde_json::Value, text: &str) -> String {
    message(
        &serde_json::json!({"role": "toolResult", "toolCallId": "c", "toolName": tool, "isError": false,
            "content": [{"type": "text", "text": text}], "details": details}),
        0,
    )
}

fn message(message: &serde_json::Value, second: u32) -> String {
    let (minute, second) = (5 + second / 60, second % 60);
    serde_json::json!({"type": "message", "id": "1", "timestamp": format!("2026-01-02T03:{minute:02}:{second:02}.000Z"),
        "message": message})
    .to_string()
}

fn has_tag(session: &MinedSession, tag: &str) -> bool {
    session
        .signals
        .iter()
        .any(|signal| signal.tags.iter().any(|have| have == tag))
}

fn reasons(session: &MinedSession) -> Vec<(u64, &str)> {
    session
        .skipped
        .iter()
        .map(|skipped| (skipped.line, skipped.reason.as_str()))
        .collect()
}

#[test]
fn every_kind_of_bad_line_is_counted_and_the_rest_is_read() {
    let mut bytes = format!("{HEADER}\n").into_bytes();
    bytes.extend_from_slice(b"this is no json\n");
    bytes.extend_from_slice(b"{\"type\":\"message\",\"x\":\"\xff\xfe\"}\n");
    bytes.extend_from_slice(b"{\"type\":\"message\",\"x\":\"a\0b\"}\n");
    bytes.extend_from_slice(b"\0\0\0\0\n");
    bytes.extend_from_slice(b"{\"type\":\"message\"\n");
    let deep = format!(
        "{{\"type\":\"x\",\"a\":{}1{}}}\n",
        "[".repeat(3000),
        "]".repeat(3000)
    );
    bytes.extend_from_slice(deep.as_bytes());
    bytes.extend_from_slice(b"\n   \r\n[]\n\"text\"\n");
    bytes.extend_from_slice(user("hello").as_bytes());
    bytes.extend_from_slice(b"\n{\"type\":\"message\",\"message\":{\"role\":\"us");
    let session = mine_bytes("a.jsonl", &bytes);
    assert_eq!(
        reasons(&session),
        [
            (2, "not a JSON object"),
            (3, "invalid UTF-8 at byte 23"),
            (4, "NUL bytes"),
            (5, "NUL bytes"),
            (6, "cut off in the middle of the line"),
            (7, "nested deeper than 128 levels"),
            (10, "not a JSON object"),
            (11, "not a JSON object"),
            (13, "cut off (still being written?)"),
        ]
    );
    assert_eq!(
        (session.events, session.lines, session.is_session),
        (1, 13, true)
    );
    assert_eq!(session.bytes, bytes.len() as u64);
}

#[test]
fn a_last_line_cut_inside_a_character_is_cut_off_and_a_whole_one_without_newline_is_read() {
    let mut bytes = format!("{HEADER}\n{}", user("grüße")).into_bytes();
    assert_eq!(reasons(&mine_bytes("a", &bytes)), []);
    let at = bytes.iter().position(|b| *b == 0xc3).unwrap();
    bytes.truncate(at + 1);
    assert_eq!(
        reasons(&mine_bytes("a", &bytes)),
        [(2, "cut off (still being written?)")]
    );
}

#[test]
fn files_that_are_no_session_say_so() {
    for (bytes, want) in [
        (&b""[..], "empty file"),
        (b"# a readme\n", "not a session format I know"),
        (b"\0\0\0\0", "not a session format I know"),
    ] {
        let session = mine_bytes("x.jsonl", bytes);
        assert_eq!(reasons(&session), [(0, want)]);
        assert!(!session.is_session && session.format.is_empty());
    }
}

#[test]
fn a_line_over_the_limit_is_passed_over_without_being_held() {
    let mut text = format!("{HEADER}\n{{\"type\":\"message\",\"x\":\"");
    text.push_str(&"x".repeat(LINE_BYTES_MAX + 5));
    let _ = write!(text, "\"}}\n{}\n", user("still here"));
    let session = mine_bytes("a", text.as_bytes());
    assert_eq!(session.skipped.len(), 1);
    assert!(
        session.skipped[0]
            .reason
            .starts_with("longer than 67108864 bytes")
    );
    assert_eq!((session.events, session.skipped[0].line), (1, 2));
}

#[test]
fn half_a_surrogate_pair_does_not_cost_the_line() {
    let line = r#"{"type":"message","message":{"role":"user","content":"this is awesome \ud83d"}}"#;
    let session = openclaw(&[line.to_owned()]);
    assert_eq!((reasons(&session), session.events), (vec![], 1));
    assert!(
        session.signals[0].evidence[0]
            .quote
            .contains("this is awesome")
    );
}

#[test]
fn many_bad_lines_are_counted_but_not_all_kept() {
    let session = openclaw(&vec!["no".to_owned(); 250]);
    assert_eq!((session.skipped.len(), session.skipped_more), (100, 150));
}

#[test]
fn evidence_is_a_slice_of_its_event_and_the_digest_is_of_the_raw_line() {
    let text = "Traceback (most recent call last):\n  File \"a.py\"\nKeyError: 'size'";
    let line = result(
        "exec",
        &serde_json::json!({"status": "completed", "exitCode": 1}),
        text,
    );
    let session = openclaw(std::slice::from_ref(&line));
    let signal = &session.signals[0];
    let evidence = &signal.evidence[0];
    assert_eq!((evidence.line, evidence.role.as_str()), (2, "tool"));
    assert!(text.contains(evidence.quote.as_str()), "{}", evidence.quote);
    assert_eq!(
        evidence.digest,
        format!("sha256:{}", crate::hash::short_hex(line.as_bytes(), 16))
    );
    assert_eq!(signal.session_id, "s-1");
    assert_eq!(signal.at, "2026-01-02T03:05:00.000Z");
    assert_eq!(session.signals_rejected, 0);
    assert_eq!(signal.signal_id.len(), "sig_".len() + 16);
}

#[test]
fn quotes_and_names_are_scrubbed() {
    let line = result(
        "web_fetch",
        &serde_json::json!({"status": "error", "error": "no access for kim.lee@example.org"}),
        "",
    );
    let session = openclaw(&[line]);
    let all = serde_json::to_string(&session).unwrap();
    assert!(!all.contains("kim.lee@example.org"), "{all}");
    assert!(all.contains("no access for"));
}

#[test]
fn the_same_failure_again_is_one_signal_with_a_count() {
    let error = |n: u32| {
        let details = serde_json::json!({"status": "error", "error": format!("ENOENT: no such file, open '/w/{n}.md'")});
        result("read", &details, "")
    };
    let mut lines: Vec<String> = (0..12).map(error).collect();
    lines.push(result(
        "read",
        &serde_json::json!({"status": "error", "error": "EACCES: permission denied"}),
        "",
    ));
    let session = openclaw(&lines);
    assert_eq!(session.signals.len(), 2);
    let first = &session.signals[0];
    assert!(
        first.tags.contains(&"repeats:12".to_owned()),
        "{:?}",
        first.tags
    );
    assert_eq!(
        (first.span.start, first.span.end, first.source.line),
        (2, 13, 2)
    );
    assert_eq!(
        first.severity,
        Severity::Medium,
        "twelve times costs more than once"
    );
}

#[test]
fn ids_do_not_depend_on_other_files_and_differ_between_files() {
    let line = result(
        "read",
        &serde_json::json!({"status": "error", "error": "ENOENT: gone"}),
        "",
    );
    let text = format!("{HEADER}\n{line}\n");
    let alone = mine_bytes("a.jsonl", text.as_bytes());
    let _ = mine_bytes("b.jsonl", text.as_bytes());
    let again = mine_bytes("a.jsonl", text.as_bytes());
    assert_eq!(alone, again);
    let other = mine_bytes("b.jsonl", text.as_bytes());
    assert_ne!(alone.signals[0].signal_id, other.signals[0].signal_id);
    assert_eq!(
        alone.signals[0].fingerprint_id,
        other.signals[0].fingerprint_id
    );
}

#[test]
fn one_cause_of_failed_turns_is_one_signal_and_an_outage_is_an_incident() {
    let failed = |n: u32| {
        turn_failed(&format!(
            "429 {{\"error\":\"weekly usage limit reached (ref: {n:08x}-1111-4222-8333-444455556666)\"}}"
        ))
    };
    let few: Vec<String> = (0..3).map(failed).collect();
    let session = openclaw(&few);
    assert_eq!(session.signals.len(), 1, "{:#?}", session.signals);
    assert!(has_tag(&session, "repeats:3") && has_tag(&session, "error_class:quota"));
    assert!(!has_tag(&session, "incident"));
    let many: Vec<String> = (0..10).map(failed).collect();
    let session = openclaw(&many);
    assert!(has_tag(&session, "incident") && has_tag(&session, "repeats:10"));
    assert_eq!(session.signals[0].severity, Severity::High);
    let mut broken_row: Vec<String> = (0..9).map(failed).collect();
    broken_row.push(says("done"));
    broken_row.extend((0..9).map(failed));
    assert!(
        !has_tag(&openclaw(&broken_row), "incident"),
        "a turn that worked ends the row"
    );
}

#[test]
fn the_second_record_of_a_failed_turn_is_not_a_second_failure() {
    let echo = r#"{"type":"custom","customType":"openclaw:prompt-error","timestamp":"2026-01-02T03:05:00Z","data":{"error":"terminated"}}"#;
    let session = openclaw(&[turn_failed("terminated"), echo.to_owned()]);
    assert!(!has_tag(&session, "repeats:2"));
    assert_eq!(session.signals.len(), 1);
    assert_eq!(
        openclaw(&[echo.to_owned()]).signals.len(),
        1,
        "alone it is the only trace"
    );
}

#[test]
fn a_person_answered_with_a_control_token_is_a_silent_failure() {
    let session = openclaw(&[user("is this chat working"), says("HEARTBEAT_OK")]);
    assert!(has_tag(&session, "error_class:control_token"));
    let silent = session
        .signals
        .iter()
        .find(|s| s.tags.contains(&"silent".to_owned()))
        .unwrap();
    let quotes: Vec<&str> = silent.evidence.iter().map(|e| e.quote.as_str()).collect();
    assert_eq!(quotes, ["is this chat working", "HEARTBEAT_OK"]);
    assert_eq!((silent.span.start, silent.span.end), (2, 3));
    let heartbeat = openclaw(&[
        user("Read HEARTBEAT.md if it exists."),
        says("HEARTBEAT_OK"),
    ]);
    assert_eq!(heartbeat.signals, []);
    let group = user(
        "Conversation info (untrusted metadata):\n```json\n{\n  \"is_group_chat\": true\n}\n```\n\nlunch?",
    );
    assert_eq!(openclaw(&[group, says("NO_REPLY")]).signals, []);
    let call = message(
        &serde_json::json!({"role": "assistant", "stopReason": "toolUse",
        "content": [{"type": "toolCall", "id": "c", "name": "message", "arguments": {}}]}),
        0,
    );
    assert_eq!(
        openclaw(&[user("say hi to Ann"), call, says("NO_REPLY")]).signals,
        []
    );
}

#[test]
fn a_person_left_with_failed_turns_only_is_told() {
    let session = openclaw(&[
        user("what is the plan"),
        turn_failed("fetch failed"),
        turn_failed("fetch failed"),
    ]);
    assert!(has_tag(&session, "error_class:no_answer"));
    let answered = openclaw(&[
        user("what is the plan"),
        turn_failed("fetch failed"),
        says("Here it is."),
    ]);
    assert!(!has_tag(&answered, "error_class:no_answer"));
}

#[test]
fn words_that_the_harness_gives_to_another_model_were_asked_once() {
    let question = "what is the plan";
    for (next, second, is_left) in [
        (question, 50, false),
        (question, 90, true),
        ("is anybody there", 50, true),
    ] {
        let lines = [
            user_at(question, 0),
            turn_failed("fetch failed"),
            user_at(next, second),
            says("Here it is."),
        ];
        let session = openclaw(&lines);
        assert_eq!(
            has_tag(&session, "error_class:no_answer"),
            is_left,
            "{next} {second}"
        );
    }
}

#[test]
fn a_cron_error_label_on_a_good_result_is_no_failure() {
    let report = "System: [2026-01-05 09:00:00 UTC] Cron (error): Backup finished. 14 files saved, nothing to do.\n\nRead HEARTBEAT.md if it exists.";
    assert_eq!(openclaw(&[user(report)]).signals, []);
    let real = "System: [2026-01-05 09:00:00 UTC] Cron (error): 405 Method Not Allowed\n\nRead HEARTBEAT.md if it exists.";
    let session = openclaw(&[user(real)]);
    assert!(has_tag(&session, "cron"));
    assert_eq!(
        session.signals[0].evidence[0].quote,
        "405 Method Not Allowed"
    );
}

fn cron_rows(rows: &[(&str, &str)]) -> MinedSession {
    let mut text = String::new();
    for (n, (status, error)) in rows.iter().enumerate() {
        let row = serde_json::json!({"ts": 1_767_225_600_000_u64 + n as u64 * 60_000, "jobId": "job-1",
            "action": "finished", "status": status, "error": error, "summary": "All good."});
        let _ = writeln!(text, "{row}");
    }
    mine_bytes("cron/runs/job-1.jsonl", text.as_bytes())
}

#[test]
fn a_failed_delivery_is_not_a_failed_job() {
    let session = cron_rows(&[
        ("error", "Delivering to Telegram requires target <chatId>"),
        ("ok", ""),
        ("error", "cron: job execution timed out"),
        ("skipped", ""),
    ]);
    let classes: Vec<bool> = ["error_class:delivery", "error_class:timeout"]
        .iter()
        .map(|tag| has_tag(&session, tag))
        .collect();
    assert_eq!((classes, session.signals.len()), (vec![true, true], 2));
    assert_eq!(session.session_id, "cron:job-1");
    assert_eq!(session.first_at, "2026-01-01T00:00:00.000Z");
    let row = vec![("error", "cron: job execution timed out"); 10];
    assert!(has_tag(&cron_rows(&row), "incident"));
    let deliveries = vec![("error", "Channel is required"); 20];
    assert!(!has_tag(&cron_rows(&deliveries), "incident"));
}

#[test]
fn harness_prose_and_quoted_errors_are_no_evidence() {
    let lines = [
        user(
            "[cron:1 Nightly] If anything fails, say wtf and report the error.\nCurrent time: now",
        ),
        user("Pre-compaction memory flush. Do not lose useless, frustrating details."),
        r#"{"type":"compaction","summary":"The user said: this is frustrating. Error: ENOENT"}"#
            .to_owned(),
        says("Perfect! I am so sorry, that error was ridiculous."),
        result(
            "read",
            &serde_json::json!({}),
            "raise ValueError('Parse failed')\nError: no",
        ),
        result(
            "exec",
            &serde_json::json!({"status": "completed", "exitCode": 0}),
            "0 failed, error = 0.90% PASS",
        ),
    ];
    assert_eq!(openclaw(&lines).signals, []);
}

#[test]
fn knocking_three_times_is_frustration() {
    let lines = [user_at("hi", 1), user_at("yo", 20), user_at("hello?", 40)];
    let session = openclaw(&lines);
    let told = "a person calls again and again and is not answered: hello?";
    assert!(
        session
            .signals
            .iter()
            .any(|signal| signal.summary.as_str() == told),
        "{:#?}",
        session.signals
    );
    assert!(
        has_tag(&session, "error_class:repeated_ping"),
        "{:#?}",
        session.signals
    );
    assert_eq!(
        openclaw(&[user_at("hi", 1), says("Hello!"), user_at("hi", 40)]).signals,
        []
    );
}

#[test]
fn rejections_and_interrupts_are_the_persons_not_the_tools() {
    let lines = [
        r#"{"type":"user","uuid":"1","sessionId":"c-1","message":{"role":"user","content":"rename it"}}"#,
        r#"{"type":"assistant","sessionId":"c-1","message":{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"Edit","input":{}}]}}"#,
        r#"{"type":"user","sessionId":"c-1","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":"The user doesn't want to proceed with this tool use. The tool use was rejected."}]}}"#,
        r#"{"type":"user","sessionId":"c-1","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"u","is_error":true,"content":"<tool_use_error>Sibling tool call errored</tool_use_error>"}]}}"#,
        // The refusal, told once more by the harness.
        r#"{"type":"user","sessionId":"c-1","message":{"role":"user","content":[{"type":"text","text":"[Request interrupted by user for tool use]"}]}}"#,
        r#"{"type":"user","sessionId":"c-1","message":{"role":"user","content":"the other file"}}"#,
        r#"{"type":"user","sessionId":"c-1","message":{"role":"user","content":[{"type":"text","text":"[Request interrupted by user]"}]}}"#,
    ];
    let session = mine_bytes("p/c-1.jsonl", lines.join("\n").as_bytes());
    assert_eq!(session.signals.len(), 2, "{:#?}", session.signals);
    assert!(
        session
            .signals
            .iter()
            .all(|signal| !signal.tags.iter().any(|tag| tag.starts_with("repeats")))
    );
    assert!(
        session
            .signals
            .iter()
            .all(|signal| signal.kind == Kind::UserFrustration)
    );
    assert!(
        has_tag(&session, "error_class:rejection") && has_tag(&session, "error_class:interrupt")
    );
    assert_eq!(
        (session.session_id.as_str(), session.format.as_str()),
        ("c-1", "claude")
    );
}

#[test]
fn findings_beyond_the_limit_are_counted() {
    let words = |n: usize| -> String {
        let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap_or(0));
        [letter(n / 676), letter(n / 26), letter(n)]
            .iter()
            .collect()
    };
    let lines: Vec<String> = (0..2_100)
        .map(|n| {
            result(
                &format!("tool_{}", words(n)),
                &serde_json::json!({"status": "error", "error": "broken"}),
                "",
            )
        })
        .collect();
    let session = openclaw(&lines);
    assert_eq!(
        (session.signals.len(), session.signals_dropped),
        (2_000, 100)
    );
}

#[test]
fn judgments_come_from_the_same_rules() {
    let text = format!(
        "{HEADER}\n{}\n{}\n",
        user("you forgot the footer"),
        result(
            "read",
            &serde_json::json!({"status": "error", "error": "ENOENT: gone"}),
            ""
        )
    );
    let mut reader = text.as_bytes();
    let judged = judge_lines(&FileRef { name: "a" }, &mut reader, &MineOptions::default()).unwrap();
    assert_eq!(judged[&2].user, Some("correction"));
    assert_eq!(
        (judged[&3].tool, judged[&3].tool_class),
        (Some("failure"), Some("not_found"))
    );
}

#[test]
fn half_a_line_with_more_behind_it_is_damage_and_one_that_is_being_written_is_none() {
    let torn = "{\"type\":\"message\",\"id\":\"b2\",\"message\":{\"role\":\"us";
    let damaged = format!("{}\n{torn}\n{}\n", user("hello"), user("again"));
    let session = mine_bytes("a.jsonl", damaged.as_bytes());
    let told: Vec<_> = session
        .signals
        .iter()
        .filter(|signal| signal.tool.as_str() == "state")
        .map(|signal| (signal.source.line, signal.evidence[0].quote.to_string()))
        .collect();
    assert_eq!(
        told,
        [(2, "{\"type\":\"message\",\"id\":\"b2\"".to_owned())]
    );
    assert_eq!(
        reasons(&session),
        [(2, "cut off in the middle of the line")]
    );
    let written = format!("{}\n{torn}", user("hello"));
    let session = mine_bytes("a.jsonl", written.as_bytes());
    assert!(session.signals.is_empty(), "{:?}", session.signals);
}
