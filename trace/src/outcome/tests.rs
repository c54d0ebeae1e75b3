//! One row per shape of result: how it is labelled, and what line says what failed.

use super::*;

mod said;

fn check(input: &OutcomeInput<'_>, want: &str) {
    let got = classify(input);
    let class = if got.failed() {
        got.class.as_str()
    } else {
        "-"
    };
    assert_eq!(
        format!("{} {class} [{}]", got.label.as_str(), got.message),
        want,
        "{input:?}"
    );
}

fn exec<'a>(command: &'a str, code: i64, text: &'a str) -> OutcomeInput<'a> {
    OutcomeInput {
        tool: "exec",
        command,
        exit_code: Some(code),
        text,
        ..OutcomeInput::default()
    }
}

fn tool<'a>(tool: &'a str, status: &'a str, error: &'a str) -> OutcomeInput<'a> {
    OutcomeInput {
        tool,
        status,
        error,
        is_error: Some(false),
        ..OutcomeInput::default()
    }
}

#[test]
fn flags_and_statuses_decide() {
    check(
        &tool(
            "read",
            "error",
            "ENOENT: no such file or directory, access '/a/b'",
        ),
        "failure not_found [ENOENT: no such file or directory, access '/a/b']",
    );
    check(
        &tool(
            "browser",
            "error",
            "Can't reach the browser service (timed out after 9000ms).",
        ),
        "failure unavailable [Can't reach the browser service (timed out after 9000ms).]",
    );
    check(
        &tool("sessions_send", "forbidden", "visibility is restricted"),
        "failure auth_permission [visibility is restricted]",
    );
    check(&tool("exec", "running", ""), "benign - []");
    check(
        &tool("message", "error", "Action send requires a target."),
        "failure bad_arguments [Action send requires a target.]",
    );
    check(
        &OutcomeInput {
            tool: "Tool",
            is_error: Some(true),
            text: "Tool look_up not found",
            ..OutcomeInput::default()
        },
        "failure not_found [Tool look_up not found]",
    );
    check(
        &OutcomeInput {
            tool: "web_fetch",
            http_status: Some(503),
            text: "x",
            ..OutcomeInput::default()
        },
        "failure unavailable [x]",
    );
    check(
        &OutcomeInput {
            tool: "web_fetch",
            http_status: Some(200),
            text: "Error 404 explained",
            ..OutcomeInput::default()
        },
        "ok - []",
    );
}

#[test]
fn an_approval_that_is_missing_is_a_failure_of_permission() {
    let input = OutcomeInput {
        tool: "exec",
        status: "approval-pending",
        text: "Approval required (id 1).",
        ..OutcomeInput::default()
    };
    check(
        &input,
        "failure auth_permission [Approval required (id 1).]",
    );
}

#[test]
fn what_a_person_stopped_is_rejected() {
    for text in [
        "The user doesn't want to proceed with this tool use. Stop.",
        "Command aborted",
    ] {
        let input = OutcomeInput {
            tool: "Bash",
            is_error: Some(true),
            text,
            ..OutcomeInput::default()
        };
        assert_eq!(classify(&input).class, ErrorClass::UserRejected, "{text}");
    }
}

#[test]
fn an_exit_code_that_answers_is_benign() {
    check(&exec("grep -rn needle src", 1, ""), "benign - []");
    check(
        &exec("cd /w && rg needle | head", 1, ""),
        "failure other []",
    );
    check(&exec("diff a b", 1, "1c1\n< x\n> y"), "benign - []");
    check(&exec("which cargo", 1, "(no output)"), "benign - []");
    check(&exec("./run", 1, "{\"ok\": true}"), "benign - []");
    check(
        &exec(
            "grep -rn needle src",
            2,
            "grep: src: No such file or directory",
        ),
        "failure not_found [grep: src: No such file or directory]",
    );
    let sibling = OutcomeInput {
        is_error: Some(true),
        text: "<tool_use_error>Sibling tool call errored</tool_use_error>",
        ..OutcomeInput::default()
    };
    check(&sibling, "benign - []");
}

#[test]
fn the_line_that_says_it_is_picked() {
    check(
        &exec(
            "python3 a.py",
            1,
            "starting\nTraceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'size'\n\nCommand exited with code 1",
        ),
        "failure crash [KeyError: 'size']",
    );
    check(
        &exec(
            "python3 a.py",
            1,
            "Traceback (most recent call last):\n  File \"a.py\"\nModuleNotFoundError: No module named 'lxml'",
        ),
        "failure not_found [ModuleNotFoundError: No module named 'lxml']",
    );
    check(
        &exec(
            "make",
            2,
            "cc -c a.c\na.c:3: error: expected ';'\nmake: *** [all] Error 1",
        ),
        "failure check_failed [a.c:3: error: expected ';']",
    );
    check(
        &exec("flutter run", 127, "zsh:1: command not found: flutter"),
        "failure not_found [zsh:1: command not found: flutter]",
    );
    check(
        &exec("curl -s https://api.example.com", 6, ""),
        "failure network []",
    );
    check(
        &exec(
            "sed -n 1,9p a.ts missing.ts",
            1,
            "throw new Error('no api key')\nsed: missing.ts: No such file or directory",
        ),
        "failure not_found [sed: missing.ts: No such file or directory]",
    );
    check(
        &tool(
            "web_search",
            "error",
            "Search API error (429): {\"id\":\"1234\",\"status\":429}",
        ),
        "failure rate_limit [Search API error (429)]",
    );
    check(
        &tool(
            "web_fetch",
            "error",
            "Web fetch failed (404): SECURITY NOTICE: the page says: error",
        ),
        "failure not_found [Web fetch failed (404)]",
    );
}

#[test]
fn old_layouts_put_the_exit_code_into_the_error() {
    check(
        &tool(
            "exec",
            "error",
            "zsh:4: unmatched \"\n\nCommand exited with code 1",
        ),
        "failure bad_arguments [zsh:4: unmatched \"]",
    );
    check(
        &tool("exec", "error", "Command exited with code 3"),
        "failure other [Command exited with code 3]",
    );
}

#[test]
fn success_that_failed_is_soft() {
    check(
        &tool("web_search", "", "missing_search_api_key"),
        "soft_failure unavailable [missing_search_api_key]",
    );
    check(
        &OutcomeInput {
            disabled: true,
            ..tool(
                "memory_search",
                "",
                "embeddings failed: 401 {\n \"error\": {}}",
            )
        },
        "soft_failure auth_permission [embeddings failed: 401]",
    );
    check(
        &exec(
            "curl -s https://api.example.com/x",
            0,
            "{\"error\":{\"code\":-32401,\"message\":\"missing api key\"}}",
        ),
        "soft_failure auth_permission [missing api key]",
    );
    check(
        &exec(
            "curl -s https://api.example.com/x",
            0,
            "{\"statusCode\":404,\"message\":\"Cannot GET /x\"}",
        ),
        "soft_failure not_found [Cannot GET /x]",
    );
    check(
        &exec(
            "python3 scan.py 2>&1 | tail -5",
            0,
            "Traceback (most recent call last):\n  File \"scan.py\"\nValueError: empty",
        ),
        "soft_failure crash [ValueError: empty]",
    );
    check(
        &exec("node prices.js", 0, "GOLD 12\nSILVER 3\nParse failed"),
        "soft_failure crash [Parse failed]",
    );
}

#[test]
fn text_that_is_read_is_never_a_failure() {
    let page = "except Exception as error:\n    raise ValueError('failed')\nTraceback (most recent call last):\nKeyError: 'x'";
    for (name, command) in [
        ("read", ""),
        ("Grep", ""),
        ("web_fetch", ""),
        ("exec", "cat app.py"),
        ("Bash", "git log -3"),
        ("exec", "cd /w && sed -n 1,20p log.txt"),
    ] {
        let input = OutcomeInput {
            tool: name,
            command,
            text: page,
            is_error: Some(false),
            ..OutcomeInput::default()
        };
        check(&input, "ok - []");
    }
    for text in [
        "{\"errors\": [], \"warnings\": []}",
        "{\"error\": null, \"ok\": true}",
        "12 passed, 0 failed",
        "p-value error = 0.90% PASS",
        "{\"jobs\":[{\"lastError\":\"timed out\"}]}",
    ] {
        check(&exec("./report", 0, text), "ok - []");
    }
    assert!(!needs_text("read", "", false));
    assert!(needs_text("read", "", true));
    assert!(needs_text("exec", "make", false));
}

#[test]
fn codex_failures_stand_in_the_text() {
    check(
        &OutcomeInput {
            tool: "apply_patch",
            text: "apply_patch verification failed: Failed to find expected lines in a.rs",
            ..OutcomeInput::default()
        },
        "failure edit_mismatch [apply_patch verification failed: Failed to find expected lines in a.rs]",
    );
    check(
        &OutcomeInput {
            tool: "shell",
            exit_code: Some(1),
            text: "Exit code: 1\nWall time: 0 seconds\nOutput:\nmkdir: /x: Operation not permitted\n",
            ..OutcomeInput::default()
        },
        "failure auth_permission [mkdir: /x: Operation not permitted]",
    );
}

#[test]
fn an_http_code_must_be_named_as_one() {
    for (text, want) in [
        ("failed (404)", Some(404)),
        ("http 503 from upstream", Some(503)),
        ("status: 429", Some(429)),
        ("429 too many", Some(429)),
        ("read 500 lines", None),
        ("port 4040", None),
        ("version 1.404.2", None),
    ] {
        assert_eq!(http_code(text), want, "{text}");
    }
}

#[test]
fn the_sentence_inside_nested_json_is_found() {
    for (text, want) in [
        (
            r#"401 {"type":"error","error":{"type":"auth","message":"Invalid key"}}"#,
            "Invalid key",
        ),
        (
            r#"{"error":{"message":"{\n \"error\": {\n \"code\": 429,\n \"message\": \"Quota used up\"}}","code":429}}"#,
            "Quota used up",
        ),
        ("plain words", "plain words"),
        (r#"{"message":""#, r#"{"message":""#),
        ("", ""),
    ] {
        assert_eq!(innermost_message(text), want, "{text}");
    }
}

#[test]
fn hostile_texts_do_no_harm() {
    let quotes = "\"message\":\"".repeat(2000);
    let lines = "error\n".repeat(3000);
    let slashes = "\\\"message\\\":".repeat(1000);
    for text in [
        quotes.as_str(),
        &lines,
        &slashes,
        "\u{0}\u{0}",
        "é".repeat(4000).as_str(),
    ] {
        let input = OutcomeInput {
            tool: "exec",
            is_error: Some(true),
            error: text,
            text,
            tail: text,
            ..OutcomeInput::default()
        };
        assert!(classify(&input).failed());
    }
}

#[test]
fn summaries_of_test_runners_are_read_from_their_numbers() {
    for (text, want) in [
        (
            "collected 3 items\n=== 1 failed, 2 passed in 0.42s ===",
            true,
        ),
        (
            "Ran 26 tests in 17.171s\n\nFAILED (errors=2)\nDestroying test database...",
            true,
        ),
        ("Tests:       1 failed, 9 passed, 10 total", true),
        ("  12 passing (3s)\n  2 failing", true),
        ("test result: FAILED. 3 passed; 1 failed; 0 ignored", true),
        ("=== 3 passed in 0.42s ===", false),
        ("Tests:       0 failed, 9 passed, 10 total", false),
        ("test result: ok. 3 passed; 0 failed; 0 ignored", false),
        ("lines that failed to match: none in total", false),
    ] {
        let input = OutcomeInput {
            tool: "bash",
            command: "run the tests",
            text,
            ..OutcomeInput::default()
        };
        assert_eq!(classify(&input).failed(), want, "{text}");
    }
}

#[test]
fn a_reading_command_that_only_complains_has_failed() {
    let missing = "cat: notes.md: No such file or directory";
    check(
        &OutcomeInput {
            tool: "bash",
            command: "cat notes.md",
            text: missing,
            ..OutcomeInput::default()
        },
        "soft_failure not_found [cat: notes.md: No such file or directory]",
    );
    let log = format!("{missing}\nis what the log said\nyesterday\n");
    check(
        &OutcomeInput {
            tool: "bash",
            command: "cat app.log",
            text: &log,
            ..OutcomeInput::default()
        },
        "ok - []",
    );
}

#[test]
fn what_a_harness_killed_has_timed_out() {
    let text =
        "The last command <command>make</command> timed out and has been killed.\nThe output was:";
    let input = OutcomeInput {
        tool: "bash",
        text,
        ..OutcomeInput::default()
    };
    assert_eq!(
        (classify(&input).label, classify(&input).class),
        (Label::Failure, ErrorClass::Timeout)
    );
}

#[test]
fn a_script_that_powershell_cannot_parse_says_so_below_the_place() {
    let text = "In Zeile:1 Zeichen:17\r\n+ cd shop && node run.js\r\n+         ~~\r\nDas Token \"&&\" ist in dieser Version \
                ung\u{fc}ltig.\r\n    + CategoryInfo          : ParserError: (:) [], ParentContainsErrorRecordException\r\n    \
                + FullyQualifiedErrorId : InvalidEndOfLine\n\n(Command exited with code 1)";
    let input = exec("cd shop && node run.js", 1, text);
    assert_eq!(
        classify(&input).message,
        "Das Token \"&&\" ist in dieser Version ung\u{fc}ltig."
    );
}

#[test]
fn powershell_is_understood_in_every_language() {
    for (text, said) in [
        (
            "rg : Die Benennung \"rg\" wurde nicht als Name eines Cmdlet erkannt.\nIn Zeile:1 Zeichen:1\n+ rg shop\n+ ~~\n    + CategoryInfo          : ObjectNotFound: (rg:String) [], CommandNotFoundException\n    + FullyQualifiedErrorId : CommandNotFoundException",
            "rg : Die Benennung \"rg\" wurde nicht als Name eines Cmdlet erkannt.",
        ),
        (
            "ready\njq : Il termine 'jq' \u{e8} ignoto come nome di\ncmdlet, funzione o programma.\nIn riga:1 car:1\n+ jq .\n+ ~~\n    + CategoryInfo          : ObjectNotFound: (jq:String) [], CommandNotFoundException\n    + FullyQualifiedErrorId : CommandNotFoundException",
            "jq : Il termine 'jq' \u{e8} ignoto come nome di",
        ),
        (
            "Die Datei \"shop.csv\" ist nicht vorhanden.\r\n    + CategoryInfo          : ObjectNotFound: (:) [], ItemNotFoundException\r\n    + FullyQualifiedErrorId : PathNotFound",
            "Die Datei \"shop.csv\" ist nicht vorhanden.",
        ),
    ] {
        check(
            &exec("rg shop", 1, text),
            &format!("failure not_found [{said}]"),
        );
    }
}

fn class_of(command: &str, text: &str) -> &'static str {
    let outcome = classify(&OutcomeInput {
        tool: "bash",
        command,
        text,
        ..OutcomeInput::default()
    });
    assert!(outcome.failed(), "{command}: {text}");
    outcome.class.as_str()
}

#[test]
fn the_name_of_an_exception_says_more_than_its_words() {
    let raised = |exception: &str| {
        let text =
            format!("Traceback (most recent call last):\n  File \"a.py\", line 1\n{exception}");
        class_of("python3 a.py", &text)
    };
    assert_eq!(raised("ValueError: Format 'tea' is not supported"), "crash");
    assert_eq!(raised("KeyError: \"'kettle' does not exist\""), "crash");
    assert_eq!(raised("shop.errors.KettleError: dry"), "crash");
    assert_eq!(raised("RecursionError: maximum depth exceeded"), "crash");
    assert_eq!(raised("FileNotFoundError: menu.cfg"), "not_found");
    assert_eq!(raised("AssertionError: timeout is 3"), "check_failed");
    assert_eq!(raised("ValueError: too many requests"), "rate_limit");
}

#[test]
fn verdicts_of_test_runners_and_linters_are_failed_checks() {
    assert_eq!(
        class_of("pytest -q", "1 failed, 2 passed in 0.10s"),
        "check_failed"
    );
    assert_eq!(
        class_of("python3 -m unittest", "FAILED (errors=1)"),
        "check_failed"
    );
    assert_eq!(
        class_of("flake8 shop", "shop/a.py:3:61: E501 line too long"),
        "check_failed"
    );
    assert_eq!(
        class_of("black --check shop", "1 file would be reformatted."),
        "check_failed"
    );
}

#[test]
fn complaints_in_other_languages_have_their_class() {
    for (text, class) in [
        (
            "cat: tee.txt: Aucun fichier ou dossier de ce type",
            "not_found",
        ),
        (
            "cat: te.txt: No existe el fichero o el directorio",
            "not_found",
        ),
        ("cat: cha.txt: 没有那个文件或目录", "not_found"),
        (
            "cat: ocha.txt: そのようなファイルやディレクトリはありません",
            "not_found",
        ),
        ("cat: tee.txt: Keine Berechtigung", "auth_permission"),
    ] {
        let name = text.split(": ").nth(1).unwrap();
        assert_eq!(class_of(&format!("cat {name}"), text), class, "{text}");
    }
}

#[test]
fn git_says_what_was_missing_or_in_the_way() {
    assert_eq!(
        class_of(
            "git show tea",
            "fatal: ambiguous argument 'tea': unknown revision"
        ),
        "not_found"
    );
    assert_eq!(
        class_of("git stash pop", "No stash entries found."),
        "state"
    );
    assert_eq!(
        class_of("git apply a.diff", "error: corrupt patch at line 9"),
        "edit_mismatch"
    );
}
