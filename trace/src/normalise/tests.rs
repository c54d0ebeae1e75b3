//! Tests of `normalise`.

use proptest::prelude::*;

use super::template;

fn check(message: &str, expected: &str) {
    assert_eq!(template(message), expected, "for {message:?}");
}

fn same(left: &str, right: &str) {
    assert_eq!(template(left), template(right), "{left:?} and {right:?}");
}

fn differ(left: &str, right: &str) {
    assert_ne!(template(left), template(right), "{left:?} and {right:?}");
}

#[test]
fn values_become_placeholders() {
    check("could not open /var/lib/app/data.db", "could not open <*>");
    check(r"could not open C:\Users\kim\data.db", "could not open <*>");
    check(
        r"could not open C:\\Users\\kim\\data.db",
        "could not open <*>",
    );
    check(
        "GET https://api.acme.dev/v2/items?id=7 failed",
        "GET <*> failed",
    );
    check(
        "no answer from 10.1.2.3:8080 in 30s",
        "no answer from <*> in <*>",
    );
    check(
        "job 7f3e9a10-5b6c-4d2e-8f10-0a1b2c3d4e5f lost",
        "job <*> lost",
    );
    check("object at 0x7f3e9a105b6c is gone", "object at <*> is gone");
    check("mail to kim.lee@acme.org bounced", "mail to <*> bounced");
    check(
        "retry at 2026-03-01T10:22:31Z or Mon, 02 Mar 2026 09:00 UTC",
        "retry at <*> or <*>",
    );
    check(
        "used 1,204,500 of 2,000,000 tokens (60%)",
        "used <*> of <*> tokens (<*>)",
    );
    check(
        "unknown column 'price' in \"orders\"",
        "unknown column <*> in <*>",
    );
    check(
        "\u{1b}[31merror\u{1b}[0m:  too   many\topen files",
        "error: too many open files",
    );
}

#[test]
fn words_with_digits_keep_their_name_and_ids_do_not() {
    check(
        "utf8 error in sha256 of worker12",
        "utf8 error in sha256 of worker<*>",
    );
    check("try_2231_0007_a_000004_2 was lost", "<*> was lost");
    check(
        "toolu_01AbCdEf9x was not answered",
        "toolu_<*> was not answered",
    );
    check(
        "It's row 6 that Kim hasn't filled",
        "It's row <*> that Kim hasn't filled",
    );
}

#[test]
fn names_of_somebodys_choice_are_values() {
    check(
        "getaddrinfo ENOTFOUND api.acme.ag",
        "getaddrinfo ENOTFOUND <*>",
    );
    check(
        "No session found with label: note-keeper",
        "No session found with label: <*>",
    );
    check(
        "No active session found for brisk-otter",
        "No active session found for <*>",
    );
    check("session: expired", "session: expired");
    check(
        "login failed for user kim from 10.0.0.7",
        "login failed for user <*> from <*>",
    );
    check(
        "ls: ~/notes/: No such file; did you mean .env?",
        "ls: <*>: No such file; did you mean <*>?",
    );
    check(
        "Exec failed (quiet-cl, signal SIGKILL)",
        "Exec failed (<*>, signal SIGKILL)",
    );
    differ("Exec failed (a-b, code 1)", "Exec failed (a-b, code 137)");
    differ("zsh: command not found: rg", "zsh: command not found: nvm");
}

#[test]
fn numbers_that_name_a_cause_stay() {
    check(
        "Request failed with status code 404",
        "Request failed with status code 404",
    );
    check(
        "[Errno 13] Permission denied: '/etc/shadow'",
        "[Errno 13] Permission denied: <*>",
    );
    check(
        "src/a.ts:12:5 - error TS2345: wrong type",
        "<*> - error TS2345: wrong type",
    );
    differ("HTTP 404", "HTTP 503");
    differ("bash: exit code 127", "bash: exit code 137");
}

#[test]
fn the_error_fields_of_json_keep_their_text() {
    let body = |kind: &str, id: &str| {
        format!(
            "{{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"stopped\"}},\
             \"request_id\":\"{id}\"}}"
        )
    };
    same(
        &body("rate_limit_error", "req_1a"),
        &body("rate_limit_error", "req_9z"),
    );
    differ(
        &body("rate_limit_error", "req_1a"),
        &body("overloaded_error", "req_1a"),
    );
}

#[test]
fn a_message_in_quotes_is_not_a_value() {
    differ(
        "Error: \"the disk is full again\"",
        "Error: \"the network is down again\"",
    );
    check(
        "\"connection refused by peer\"",
        "connection refused by peer",
    );
}

#[test]
fn frames_and_exit_tails_do_not_matter() {
    let python = |path: &str, line: u32| {
        format!(
            "Traceback (most recent call last):\n  File \"{path}\", line {line}, in load\n    \
             rows = parse(text)\n           ^^^^^^^^^^^\nValueError: bad row 7\n\nCommand exited with code 1"
        )
    };
    same(&python("/srv/a.py", 3), &python("/opt/other/b.py", 90));
    check(&python("/srv/a.py", 3), "ValueError: bad row <*>");
    check(
        "TypeError: x is not a function\n    at run (/srv/a.js:3:4)\n    at main (/srv/b.js:9:1)",
        "TypeError: x is not a function",
    );
    check(
        "(Command exited with code 2)",
        "(Command exited with code 2)",
    );
}

#[test]
fn the_arguments_of_a_call_are_values() {
    same(
        "could not run tool find with arguments {'q': 'red'}: no results",
        "could not run tool find with arguments {'q': {'all': ['blue']}}: no results",
    );
}

#[test]
fn other_scripts_and_odd_text_pass() {
    check("错误: 文件 /tmp/a.txt 不存在", "错误: 文件 <*> 不存在");
    check("", "");
    check("'", "");
    assert!(template(&"\"a".repeat(20_000)).len() <= super::TEMPLATE_BYTES_MAX);
    assert!(template(&"{".repeat(20_000)).len() <= super::TEMPLATE_BYTES_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_template_is_its_own_template(message in "\\PC{0,200}") {
        let once = template(&message);
        prop_assert_eq!(template(&once), once);
    }

    #[test]
    fn a_template_of_noise_is_its_own_template(
        message in "([a-zA-Z0-9'\"`{}\\[\\]:=,./\\\\<>*@#%+~_ \n-]|code |Mon |args |Jan |<\\*>|File |user |for |found |label: |host |Error: |Traceback \\(most recent call last\\)|\\n  at |\"message\": |arguments ){0,60}"
    ) {
        let once = template(&message);
        prop_assert_eq!(template(&once), once);
    }
}
