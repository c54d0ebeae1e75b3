//! Tests of `normalise`.

use proptest::prelude::*;

use super::{template, wording};

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

#[test]
fn the_sign_and_the_unit_of_a_value_make_no_other_message() {
    same("lost slot_-90421177", "lost slot_33021177");
    same("cores:-27 left", "cores:12 left");
    same("ratio is .5", "ratio is 12.25");
    same("no answer after 30s", "no answer after 2 minutes");
    same("cache holds 12 KB", "cache holds 3.4 MB");
    same("ready=true in reply", "ready=false in reply");
    same("landscape:true", "landscape:false");
    check("Waiting for the lock ...", "Waiting for the lock");
}

#[test]
fn dates_and_addresses_are_values_in_brackets_and_behind_keys_too() {
    same(
        "lookup (2 March 2026) failed",
        "lookup (31 Jan 2025) failed",
    );
    same(
        "at=Mon Mar  2 09:00:00 2026 lost",
        "at=Sat Jan 31 23:00:01 2026 lost",
    );
    same(
        "due Mon Mar 02 2026 09:00:00 GMT+0100 (CET).",
        "due Sat Jan 31 2026 23:00:01 GMT-0500 (EST).",
    );
    check("no route to ::ffff:10.0.0.7", "no route to <*>");
    check("GET https://[2001:db8::1]:8443/p failed", "GET <*> failed");
    check(
        "bad image data:image/png;base64,AAAA/+bb==",
        "bad image <*>",
    );
    check(
        "build-7/10.0.0.7:8030 and build-7:9000 left",
        "<*> and <*> left",
    );
}

#[test]
fn names_of_techniques_and_codes_keep_their_digits() {
    check("ext4 error on L2 of x86", "ext4 error on L2 of x86");
    check(
        "%CFG-5-RESTART: AES-256-GCM is off",
        "%CFG-5-RESTART: AES-256-GCM is off",
    );
    check(
        "org.acme.v2.Http2Server is missing",
        "org.acme.v2.Http2Server is missing",
    );
    same(
        "no bean of type org.acme.Clock",
        "no bean of type org.acme.web.Form",
    );
    differ(
        "error of type java.io.IOException",
        "error of type java.net.BindException",
    );
}

#[test]
fn the_status_of_a_request_among_its_measures_is_one_of_them() {
    same(
        "10.0.0.7 \"GET /a/1 HTTP/1.1\" status: 200 len: 17 time: 0.4",
        "10.0.0.9 \"GET /b HTTP/1.1\" status: 404 len: 9 time: 1.25",
    );
    differ(
        "GET /a failed with status: 404",
        "GET /a failed with status: 500",
    );
}

#[test]
fn a_field_of_a_line_keeps_what_went_wrong() {
    let line = |lane: u32, error: &str| format!("lane={lane} took_ms=12 error=\"{error}\"");
    same(&line(1, "bad row 7"), &line(2, "bad row 9"));
    differ(&line(1, "bad row 7"), &line(1, "no such table"));
    let object = |column: &str| {
        format!("{{\"status\":\"error\",\"error\":\"KeyError: '{column}'\",\"ms\":4}}")
    };
    same(&object("price"), &object("name"));
}

#[test]
fn an_object_and_a_trace_inside_a_string_are_read_as_such() {
    let inside = |id: &str, kind: &str| {
        format!("{{\"error\":\"429 {{\\\"type\\\":\\\"{kind}\\\",\\\"id\\\":\\\"{id}\\\"}}\"}}")
    };
    same(&inside("a-1", "slow_down"), &inside("zz", "slow_down"));
    differ(&inside("a-1", "slow_down"), &inside("a-1", "overloaded"));
    let trace = |path: &str, cause: &str| {
        format!(
            "{{\"error\":\"Traceback (most recent call last):\\n  File \\\"{path}\\\", line 3, in f\\n    g()\\n{cause}\"}}"
        )
    };
    same(
        &trace("/a.py", "OSError: full"),
        &trace("/srv/b.py", "OSError: full"),
    );
    differ(
        &trace("/a.py", "OSError: full"),
        &trace("/a.py", "OSError: gone"),
    );
}

#[test]
fn what_a_runtime_adds_to_a_failure_is_no_part_of_it() {
    check(
        "Exception in thread \"pool-3-thread-9\" java.io.IOException: disk full\n\tat a.B.c(B.java:3)",
        "java.io.IOException: disk full",
    );
    check(
        "Unhandled exception. System.Exception: disk full\n   at A.B() in /srv/a.cs:line 3",
        "System.Exception: disk full",
    );
    check(
        "/srv/a.rb:3:in `call': undefined method `strip' for nil (NoMethodError)\n\tfrom /srv/b.rb:9:in `run'",
        "<*>: undefined method <*> for nil (NoMethodError)",
    );
    check(
        "PHP Fatal error: no more memory\n#0 /srv/a.php(3): run()\n#1 {main}",
        "PHP Fatal error: no more memory",
    );
    check(
        "Traceback (most recent call last):\n  File \"/a.py\", line 3, in f\n    g()\nPlanError: 2 errors\nsteps.1.tool\n  Field required",
        "PlanError: <*> errors",
    );
}

#[test]
fn an_id_behind_its_kind_is_gone_whatever_its_letters() {
    same("run_01Qx8Zk2pLm4 failed", "run_pQzRtYbnMkLwXcVaSd failed");
}

#[test]
fn the_wording_keeps_quotes_lists_and_the_full_stop() {
    for (message, expected) in [
        ("Loaded 'core' in 12ms.", "Loaded '<*>' in <*>."),
        ("old: 3, new: /a/b /c/d", "old: <*>, new: <*> <*>"),
        ("users [1, 2, 3] left", "users [<*>] left"),
        ("since Mon, 02 Mar 2026 09:00 UTC (10)", "since <*> (<*>)"),
        ("at 2026-03-01 10:22:31 lost", "at <*> lost"),
        ("free 3.4 MB of 12 MB", "free <*> of <*> MB"),
        ("Waiting ...", "Waiting ..."),
    ] {
        assert_eq!(wording(message), expected, "for {message:?}");
    }
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
