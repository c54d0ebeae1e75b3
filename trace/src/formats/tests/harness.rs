//! What harnesses write in the user's name is nobody's, and a person's words around it are kept.

use super::super::envelope::unwrap_coding;
use super::super::harness::{self, Harness};
use super::super::*;
use super::{human, read};

fn check(by: &Harness, cases: &[(&str, &str)]) {
    for (text, want) in cases {
        assert_eq!(unwrap_coding(text, by), *want, "{text}");
    }
}

#[test]
fn notices_of_claude_code_are_nobodys() {
    check(
        &harness::CLAUDE,
        &[
            (
                "<teammate-message teammate_id=\"scout\">the build is broken again!</teammate-message>",
                "",
            ),
            ("<tick>12:00</tick>", ""),
            (
                "Your todo list has changed. DO NOT mention this explicitly to the user.",
                "",
            ),
            ("Unknown skill: polish", ""),
            ("Unknown skill: polish\nwhy is it gone?", "why is it gone?"),
            (
                "[Image: original 900x600, displayed at 450x300. Multiply coordinates by 2.00.]\nthe button is cut off",
                "the button is cut off",
            ),
            (
                "the button is cut off\n[Image: source: /tmp/a.png]",
                "the button is cut off",
            ),
            (
                "<task-notification>it failed</task-notification>\nRead the output file to retrieve the result: /tmp/t.output",
                "",
            ),
            (
                "<task-notification>done</task-notification>\nFull transcript available at: /tmp/t.output\nlooks good",
                "looks good",
            ),
        ],
    );
}

#[test]
fn a_person_who_speaks_of_a_notice_keeps_the_words() {
    check(
        &harness::CLAUDE,
        &[
            (
                "it says\nUnknown skill: polish\nthat is wrong",
                "it says\nUnknown skill: polish\nthat is wrong",
            ),
            (
                "what is <teammate-message> good for? I hate it",
                "what is <teammate-message> good for? I hate it",
            ),
            (
                "fix it <system-reminder>be quick</system-reminder>",
                "fix it",
            ),
            // Cut off at the limit of what is read of a turn.
            ("fix it\n<system-reminder>be qui", "fix it"),
            // Another harness's wording.
            (
                "Warning: apply_patch was requested via a shell, what is that?",
                "Warning: apply_patch was requested via a shell, what is that?",
            ),
        ],
    );
    assert_eq!(
        unwrap_coding("<model_switch>x</model_switch>", &harness::ANY),
        "<model_switch>x</model_switch>"
    );
}

#[test]
fn notices_of_codex_are_nobodys() {
    check(
        &harness::CODEX,
        &[
            (
                "<user_shell_command>\n<command>make</command>\n<result>error</result>\n</user_shell_command>",
                "",
            ),
            ("<model_switch>another model</model_switch>\ngo on", "go on"),
            (
                "<codex_internal_context source=\"goal\">keep going</codex_internal_context>",
                "",
            ),
            (
                "Warning: apply_patch was requested via exec_command. Use the tool.",
                "",
            ),
            (
                "# Context from my IDE setup:\n\n## Open tabs:\n- broken.rs: src/broken.rs\n\n## My request for Codex:\nrename it",
                "rename it",
            ),
            (
                "# Files mentioned by the user:\n\n## a.png: /tmp/a.png\n\n## My request:\nis \"## My request:\" mine?",
                "is \"## My request:\" mine?",
            ),
            ("## My request:\nrename it", "## My request:\nrename it"),
            (
                "what does \"## My request for Codex:\" mean?",
                "what does \"## My request for Codex:\" mean?",
            ),
            ("see <image name=[Image #1]></image> here", "see  here"),
        ],
    );
}

#[test]
fn notices_of_gemini_cli_and_copilot_cli_are_nobodys() {
    check(
        &harness::GEMINI,
        &[
            ("<session_context>today is Monday</session_context>", ""),
            ("System: Please continue.", ""),
            (
                "read @a.txt\n\n--- Content from referenced files ---\nthis is terrible\n--- End of content ---",
                "read @a.txt",
            ),
            (
                "--- Content from referenced files --- is what I see",
                "--- Content from referenced files --- is what I see",
            ),
        ],
    );
    check(
        &harness::COPILOT,
        &[
            ("go\n\n<reminder>no plan yet</reminder>", "go"),
            (
                "You have not yet marked the task as complete using the task_complete tool. Go on.",
                "",
            ),
        ],
    );
}

#[test]
fn notices_of_openclaw_are_nobodys() {
    for (text, want) in [
        ("Continue the OpenClaw runtime event.", ""),
        (
            "[System Message] [sessionId: 1] A task has failed.\n\nTell the user.",
            "",
        ),
        ("[System] Your previous turn was interrupted.", ""),
        (
            "the log says\n[System] disk full\nhelp",
            "the log says\n[System] disk full\nhelp",
        ),
        (
            "the log says\n[System Message] disk full\nhelp",
            "the log says\n[System Message] disk full\nhelp",
        ),
        ("[Mon 2026-01-05 10:00 GMT+1] Wake up, my friend!", ""),
        (
            "Wake up, my friend! It is noon.",
            "Wake up, my friend! It is noon.",
        ),
        (
            "where is it\n\n[System: The bot encountered a permission error. Please tell the user.]",
            "where is it",
        ),
        (
            "thanks\n\n[Replying to Helper id:7]\nThis is awful\n[/Replying]\n\nbye",
            "thanks\n\n\nbye",
        ),
        (
            "[Replying to Helper id:7] is what it shows",
            "[Replying to Helper id:7] is what it shows",
        ),
        (
            "read it\n<file name=\"a.txt\" mime=\"text/plain\">\nthis is awful\n</file>",
            "read it",
        ),
        (
            "<file name=\"a\">x</file>\nread both\n<file name=\"b\">y</file>",
            "read both",
        ),
        (
            "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nA task failed.\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>\nok",
            "ok",
        ),
        (
            "Conversation info: ⟦openclaw:ctx⟧\n```json\n{\"message_id\": \"1\"}\n```\n\nChat history: ⟦openclaw:ctx⟧\n#1 Ann: this is awful\n#2 Bob: yes\n\nwhere is it",
            "where is it",
        ),
    ] {
        assert_eq!(human(text).0, want, "{text}");
    }
}

#[test]
fn claude_code_says_where_a_turn_comes_from() {
    let got = read(
        Format::Claude,
        &[
            r##"{"type":"user","sessionId":"s","planContent":"# Plan","message":{"role":"user","content":"Implement the following plan:\n\n# Plan\n\nThis is broken.\n\nUser feedback on this plan: leave the tests alone\n\nIf you need specific details from before exiting plan mode, read on"}}"##,
            r##"{"type":"user","planContent":"# Plan","message":{"role":"user","content":"Implement the following plan:\n\n# Plan"}}"##,
            r#"{"type":"user","message":{"role":"user","content":"Implement the following plan: paint it"}}"#,
            r#"{"type":"user","origin":{"kind":"task-notification"},"message":{"role":"user","content":"it failed"}}"#,
            r#"{"type":"user","origin":{"kind":"human"},"message":{"role":"user","content":"go on"}}"#,
            r#"{"type":"user","message":{"role":"user","content":"PreToolUse:Bash hook blocking error from command: \"guard\": no"}}"#,
            r#"{"type":"user","message":{"role":"user","content":"PreToolUse hook blocking my work"}}"#,
        ],
    );
    assert_eq!(
        got,
        [
            "user[leave the tests alone]",
            "user[]",
            "user[Implement the following plan: paint it]",
            "user[]",
            "user[go on]",
            "user[]",
            "user[PreToolUse hook blocking my work]",
        ]
    );
}

#[test]
fn copilot_cli_says_where_a_turn_comes_from() {
    let message = |more: &str| {
        format!(r#"{{"type":"user.message","data":{{"content":"fix it"{more}}},"id":"1"}}"#)
    };
    let lines = [
        message(""),
        message(r#","source":"user""#),
        message(r#","source":"skill-pdf""#),
        message(r#","source":"agent-7""#),
        message(r#","isAutopilotContinuation":true"#),
        message(r#","isAutopilotContinuation":false"#),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(
        read(Format::Copilot, &lines),
        [
            "user[fix it]",
            "user[fix it]",
            "user[]",
            "user[]",
            "user[]",
            "user[fix it]",
        ]
    );
}

#[test]
fn a_session_that_codex_spawned_has_no_person() {
    let turn = r#"{"type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"look for bugs"}]}}"#;
    for (source, want) in [
        (r#""cli""#, "user[look for bugs]"),
        (r#"{"subagent":{"thread_spawn":{"depth":1}}}"#, "user[]"),
        (r#"{"subagent":"review"}"#, "user[]"),
    ] {
        let meta =
            format!(r#"{{"type":"session_meta","payload":{{"id":"c1","source":{source}}}}}"#);
        assert_eq!(read(Format::Codex, &[&meta, turn]), [want], "{source}");
    }
}

#[test]
fn gemini_cli_shows_what_was_typed() {
    let turn = r#"{"id":"1","type":"user","content":[{"text":"Plan well. The footer is awful."}],"displayContent":[{"text":"/plan the footer"}]}"#;
    assert_eq!(read(Format::Gemini, &[turn]), ["user[/plan the footer]"]);
}

#[test]
fn what_opencode_only_shows_is_nobodys() {
    let turn = r#"{"info":{"id":"m","role":"user"},"parts":[{"type":"text","text":"tokens saved","ignored":true},{"type":"text","text":"go on"}]}"#;
    assert_eq!(read(Format::OpenCode, &[turn]), ["user[go on]"]);
}
