//! Signs of chains and the mood of texts, through the public interface.

use std::borrow::Cow;

use proptest::prelude::*;

use trace::event::{AssistantTurn, Body, SessionEvent, Text, ToolCall, ToolResult, UserTurn};
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
        ["claimed_success_after_tool_error", "unrecovered_tool_fail"]
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
    assert_eq!(signs(same), ["doom_loop", "unrecovered_tool_fail"]);
    assert_eq!(signs(varied), ["unrecovered_tool_fail"]);
}

#[test]
fn the_same_order_with_other_options_is_a_loop_while_its_error_stays() {
    let orders = [
        r#"{"command":"dig relay.example"}"#,
        r#"{"command":"dig relay.example -4"}"#,
        r#"{"command":"dig relay.example -4 -t any"}"#,
    ];
    let tried = |errors: [&'static str; 3]| {
        let mut bodies = vec![person("where is it?")];
        for ((id, order), error) in ["1", "2", "3"].into_iter().zip(orders).zip(errors) {
            bodies.extend([call(id, order), result(id, error)]);
        }
        signs(bodies)
    };
    let same = ["no servers could be reached"; 3];
    assert_eq!(tried(same), ["doom_loop", "unrecovered_tool_fail"]);
    let other = ["no servers could be reached", "invalid option", "not found"];
    assert_eq!(tried(other), ["unrecovered_tool_fail"]);
}

fn answered<'a>(id: &'a str, text: &'a str) -> Body<'a> {
    Body::ToolResult(ToolResult {
        id: Cow::Borrowed(id),
        tool: Cow::Borrowed("exec"),
        text: Text {
            first: text,
            last: "",
        },
        ..ToolResult::default()
    })
}

#[test]
fn equal_calls_with_equal_results_get_nowhere_unless_they_wait() {
    let look = r#"{"command":"cat plan.md"}"#;
    let rows = |args: &'static str, results: [&'static str; 5]| {
        let mut bodies = vec![person("go on with the plan")];
        for (id, text) in ["1", "2", "3", "4", "5"].into_iter().zip(results) {
            bodies.extend([call(id, args), answered(id, text)]);
        }
        signs(bodies)
    };
    assert_eq!(rows(look, ["step one"; 5]), ["stuck_loop"]);
    let moving = ["a", "b", "c", "d", "e"];
    assert_eq!(rows(look, moving), [] as [&str; 0]);
    let waiting = r#"{"command":"sleep 5; cat plan.md"}"#;
    assert_eq!(rows(waiting, ["step one"; 5]), [] as [&str; 0]);
}

#[test]
fn an_agent_that_gives_up_after_failures_is_told_once_it_is_over() {
    let gave_up = vec![
        person("fetch the archive"),
        call("1", START),
        result("1", "connection refused"),
        agent("I was unable to fetch the archive."),
        person("hm"),
    ];
    assert_eq!(signs(gave_up), ["gave_up", "unrecovered_tool_fail"]);
    let went_on = vec![
        person("fetch the archive"),
        call("1", START),
        result("1", "connection refused"),
        agent("I was unable to fetch the archive. Trying the mirror."),
        call("2", START),
        result("2", ""),
        agent("Here it is."),
    ];
    assert_eq!(signs(went_on), [] as [&str; 0]);
    let without_failure = vec![person("sing"), agent("I can't complete that.")];
    assert_eq!(signs(without_failure), [] as [&str; 0]);
}

#[test]
fn a_failure_is_left_when_the_session_ends_and_not_when_talk_lies_between_two_attempts() {
    let cut = vec![
        person("start"),
        call("1", START),
        result("1", "no such unit"),
    ];
    assert_eq!(signs(cut), ["unrecovered_tool_fail"]);
    let repaired = vec![
        person("start"),
        call("1", START),
        result("1", "the unit is masked"),
        agent("It is masked, I take the mask off."),
        call("2", START),
        result("2", ""),
    ];
    assert_eq!(signs(repaired), [] as [&str; 0]);
}

#[test]
fn a_command_that_can_only_fail_is_no_failure_to_claim_over() {
    let fails = |command: &'static str| {
        Body::ToolResult(ToolResult {
            id: Cow::Borrowed("1"),
            tool: Cow::Borrowed("exec"),
            command: Cow::Borrowed(command),
            is_error: Some(true),
            exit_code: Some(1),
            ..ToolResult::default()
        })
    };
    let story = |command| signs(vec![person("try it"), fails(command), agent("All done!")]);
    assert_eq!(story("false"), Vec::<&str>::new());
    assert_eq!(
        story("./build.sh"),
        ["claimed_success_after_tool_error", "unrecovered_tool_fail"]
    );
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
    for (objection, want) in [
        ("non, c'est inexact, jeudi", true),
        ("Es martes, no lunes. Te has equivocado", true),
        ("記憶が違います", true),
        ("nicht übel, danke", false),
        ("no problem, go on", false),
    ] {
        let bodies = vec![person("when?"), agent("On Monday."), person(objection)];
        let found = signs(bodies).contains(&"user_correction");
        assert_eq!(found, want, "{objection}");
    }
}

#[test]
fn giving_up_counts_when_it_is_the_last_word() {
    let left = vec![
        person("fix it"),
        agent("I tried."),
        person("forget it, I'll do it myself"),
    ];
    assert_eq!(signs(left), ["user_dissatisfied"]);
    for (word, want) in [
        ("bon, je m'en charge", true),
        ("没用，我自己来", true),
        ("ладно, сам починю", true),
        ("n'oublie pas la date", false),
        ("не забудь дату", false),
        ("I'll read it myself tonight, thanks", false),
    ] {
        let bodies = vec![person("fix it"), agent("I tried."), person(word)];
        assert_eq!(signs(bodies).contains(&"user_dissatisfied"), want, "{word}");
    }
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
