//! Logs written for these tests: what is found in them, and what looks like it and is not.

use crate::mine::{FileRef, MineOptions, MinedSession, mine, sniff};

fn mined(log: &str) -> MinedSession {
    let file = FileRef {
        name: "gateway.log",
    };
    mine(&file, &mut log.as_bytes(), &MineOptions::default()).unwrap()
}

fn found(log: &str) -> Vec<String> {
    let signals = mined(log).signals;
    let tags = signals.iter().flat_map(|signal| &signal.tags);
    let classes = tags.filter_map(|tag| tag.strip_prefix("error_class:"));
    classes.map(str::to_owned).collect()
}

fn starts(minutes: &[u32]) -> String {
    let line = |minute: &u32| {
        format!(
            "2026-03-01T10:{minute:02}:00.000Z [gateway] listening on ws://127.0.0.1:18789 (PID 7{minute})\n"
        )
    };
    minutes.iter().map(line).collect()
}

#[test]
fn text_and_json_logs_are_told_by_their_lines_and_give_the_same() {
    let text =
        "Node.js v24\n2026-03-01T10:00:00.000Z [telegram] [default] channel exited: fetch failed\n";
    let json = concat!(
        r#"{"0":"{\"subsystem\":\"telegram\"}","1":"[default] channel exited: fetch failed","#,
        r#""_meta":{"date":"2026-03-01T10:00:00.000Z","logLevelName":"ERROR"},"time":"2026-03-01T10:00:00.000Z"}"#,
        "\n"
    );
    let seen = |log: &str| {
        let session = mined(log);
        assert_eq!(session.format, "openclaw-gateway");
        let signal = &session.signals[0];
        (
            signal.fingerprint_id.clone(),
            session.first_at.clone(),
            session.signals.len(),
        )
    };
    assert_eq!(seen(text), seen(json));
    let other = "2026-03-01T10:00:00.000Z [nginx] channel exited: fetch failed\n";
    assert_eq!(sniff("access.log", other.as_bytes()), None);
}

#[test]
fn starts_are_a_loop_only_when_they_follow_closely() {
    assert_eq!(found(&starts(&[0, 2, 4, 6])), ["restart_loop"]);
    assert_eq!(found(&starts(&[0, 5, 10, 15, 20])), [""; 0]);
    let twice = starts(&[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(
        found(&twice),
        ["restart_loop"],
        "one that goes on is told once"
    );
}

#[test]
fn channels_lanes_and_configuration_fail_in_words_of_their_own() {
    let log = "\
2026-03-01T10:00:00Z [discord] [main] giving up after 10 restart attempts
2026-03-01T10:00:01Z [health-monitor] [slack:main] health-monitor: restart failed: socket hang up
2026-03-01T10:00:02Z [diagnostic] lane task error: lane=cron durationMs=81 error=\"Error: no route\"
2026-03-01T10:00:03Z [reload] config reload skipped (invalid config): gateway.port: expected number
Gateway failed to start: another gateway instance is already listening on ws://127.0.0.1:18789
";
    let classes = [
        "channel_down",
        "channel_exited",
        "cron_lane",
        "config",
        "no_start",
    ];
    assert_eq!(found(log), classes);
}

#[test]
fn a_gateway_that_did_not_start_says_why_with_or_without_time_and_part() {
    let log = "\
2026-03-01T10:00:00.031+00:00 [gateway] loading configuration…
2026-03-01T10:00:00.184+00:00 Gateway start blocked: existing config has no gateway.mode
2026-03-01T10:00:07.344+00:00 Refusing to bind gateway to lan without auth.
Set a token, or start with auth.
Missing config. Run `openclaw setup` first.
";
    assert_eq!(found(log), ["no_start", "no_start", "no_start"]);
    let json = r#"{"0":"Refusing to bind gateway to lan without auth.\nSet a token.","_meta":{"date":"2026-03-01T10:00:07.320Z","logLevelName":"ERROR","name":"openclaw"},"time":"2026-03-01T10:00:07.321+00:00","message":"Refusing to bind gateway to lan without auth.\nSet a token."}"#;
    assert_eq!(found(json), ["no_start"]);
}

#[test]
fn what_a_session_shows_itself_and_what_is_only_quoted_is_not_found_again() {
    let log = "\
2026-03-01T10:00:00Z [gateway] http server listening (4 plugins, 2.1s)
2026-03-01T10:00:01Z [diagnostic] lane task error: lane=session:agent:main:cron:7 durationMs=81 error=\"Error: no route\"
2026-03-01T10:00:02Z [diagnostic] lane task error: lane=main durationMs=81 error=\"Error: 429\"
2026-03-01T10:00:03Z [agent/embedded] embedded run tool end: read notes: channel exited: it was a test
2026-03-01T10:00:04Z [ws] closed before connect code=1006
    at channel exited (file.js:1:1)
2026-03-01T10:00:05Z [plugins] 0 errors, giving up after none
";
    assert_eq!(found(log), [""; 0]);
}
