//! Signs of chains and the mood of texts, through the public interface.

use std::borrow::Cow;

use proptest::prelude::*;

use trace::event::{AssistantTurn, Body, SessionEvent, ToolCall, ToolResult, UserTurn};
use trace::mine::{Judged, judge_events};
use trace::sentiment::{self, Polarity};

fn person(text: &str) -> Body<'_> {
    Body::User(UserTurn {
        text: Cow::Borrowed(text),
        human: text.to_owned(),
        waiting: true,
    })
}

fn agent(text: &str) -> Body<'_> {
    Body::Assistant(AssistantTurn {
        text: Cow::Borrowed(text),
        calls_tools: false,
        ends: true,
    })
}

fn call<'a>(id: &'a str, args: &'a str) -> Body<'a> {
    Body::ToolCall(ToolCall {
        id: Cow::Borrowed(id),
        name: Cow::Borrowed("exec"),
        args,
    })
}

fn result<'a>(id: &'a str, error: &'a str) -> Body<'a> {
    Body::ToolResult(ToolResult {
        id: Cow::Borrowed(id),
        tool: Cow::Borrowed("exec"),
        error: Cow::Borrowed(error),
        ..ToolResult::default()
    })
}

fn judge(bodies: Vec<Body<'_>>) -> Judged {
    judge_events(
        bodies
            .into_iter()
            .zip(1_u64..)
            .map(|(body, line)| SessionEvent {
                line,
                at_ms: None,
                body,
            }),
    )
}

fn signs(bodies: Vec<Body<'_>>) -> Vec<&'static str> {
    judge(bodies).signs.iter().map(|sign| sign.name).collect()
}

const START: &str = r#"{"command":"systemctl start proxy"}"#;

#[test]
fn success_claimed_after_a_failure_is_a_sign_and_one_after_a_repair_is_not() {
    let claimed = vec![
        person("start the proxy"),
        call("1", START),
        result("1", "unit not found"),
        agent("All done, the proxy is up and running."),
    ];
    assert_eq!(
        signs(claimed),
        ["unrecovered_tool_fail", "claimed_success_after_tool_error"]
    );
    let repaired = vec![
        person("start the proxy"),
        call("1", START),
        result("1", "unit not found"),
        call("2", START),
        result("2", ""),
        agent("All done, the proxy is up and running."),
    ];
    assert_eq!(signs(repaired), [] as [&str; 0]);
    let honest = vec![
        person("start the proxy"),
        call("1", START),
        result("1", "unit not found"),
        agent("I finished looking, but the proxy failed to start."),
    ];
    assert_eq!(signs(honest), ["unrecovered_tool_fail"]);
}

#[test]
fn the_same_failing_call_three_times_is_a_loop_and_three_different_calls_are_not() {
    let mut same = vec![person("start the proxy")];
    let mut varied = vec![person("start the proxy")];
    let others = [
        START,
        r#"{"command":"ls /etc"}"#,
        r#"{"command":"journalctl -u proxy --no-pager"}"#,
    ];
    for (id, other) in ["1", "2", "3"].into_iter().zip(others) {
        same.extend([call(id, START), result(id, "unit not found")]);
        varied.extend([call(id, other), result(id, "unit not found")]);
    }
    assert_eq!(signs(same), ["doom_loop"]);
    assert_eq!(signs(varied), [] as [&str; 0]);
}

#[test]
fn no_is_a_correction_after_a_statement_and_an_answer_after_a_question() {
    let corrected = vec![
        person("when?"),
        agent("On Monday."),
        person("No, on Friday."),
    ];
    assert_eq!(signs(corrected), ["user_correction"]);
    let answered = vec![
        person("go on"),
        agent("Shall I delete it?"),
        person("no, thanks"),
    ];
    assert_eq!(signs(answered), [] as [&str; 0]);
}

#[test]
fn giving_up_counts_when_it_is_the_last_word() {
    let left = vec![
        person("fix it"),
        agent("I tried."),
        person("forget it, I'll do it myself"),
    ];
    assert_eq!(signs(left), ["user_dissatisfied"]);
    let stayed = vec![
        person("fix it"),
        agent("I tried."),
        person("forget it"),
        agent("Here is another way."),
        person("that one is fine for me"),
    ];
    assert_eq!(signs(stayed), [] as [&str; 0]);
}

#[test]
fn a_session_of_failures_is_riskier_than_a_careful_one() {
    let failing = judge(vec![
        person("start the proxy"),
        call("1", START),
        result("1", "unit not found"),
        agent("Done."),
    ]);
    let careful = judge(vec![
        person("refund my ticket"),
        agent("I am sorry, our policy does not allow a refund."),
    ]);
    assert!(failing.risk > careful.risk);
    let answered = |answer| judge(vec![person("move my booking to Friday"), agent(answer)]).risk;
    let told = answered("Friday is free, but such a fare is not eligible for a change.");
    let excused = answered("Sorry for the confusion, I apologize. It is moved.");
    assert!(told < excused, "an apology tells no limit");
    assert!(answered("Leider ist das nicht möglich.") < excused);
}

#[test]
fn moods_are_told_apart_and_negation_and_code_are_understood() {
    for (text, want) in [
        ("This is awesome, thank you so much!", Polarity::Positive),
        ("I hate this horrible, ugly api", Polarity::Negative),
        ("The function returns a list of rows.", Polarity::Neutral),
        (
            "```\nawful horrible hate\n```\nThe function returns a list.",
            Polarity::Neutral,
        ),
        (
            "> I hate this horrible thing\nIt takes two arguments.",
            Polarity::Neutral,
        ),
        ("", Polarity::Neutral),
    ] {
        assert_eq!(sentiment::of(text).polarity, want, "{text}");
    }
    let plain = sentiment::of("works great :)");
    let frowning = sentiment::of("works badly :(");
    assert!(frowning.negativity() > plain.negativity());
}

proptest! {
    #[test]
    fn no_text_is_too_odd_for_moods_outcomes_and_suspects(text in "\\PC{0,80}(\n\\PC{0,40}){0,4}") {
        let mood = sentiment::of(&text);
        prop_assert!(mood.negativity().is_finite());
        let bodies = vec![
            person(&text),
            agent(&text),
            call("1", &text),
            result("1", &text),
            agent(&text),
        ];
        prop_assert!(judge(bodies).risk.is_finite());
        let input = trace::outcome::OutcomeInput {
            tool: "bash",
            command: &text,
            text: &text,
            ..Default::default()
        };
        let outcome = trace::outcome::classify(&input);
        prop_assert!(outcome.message.is_empty() || text.contains(outcome.message));
    }
}
