//! One conversation in the three shapes in which telemetry carries it, and what is told of it.

use super::*;

/// What a reader tells of records, each as a word and a text.
fn told(records: &[String]) -> Vec<String> {
    let mut reader = Otel::default();
    let mut told = Vec::new();
    for record in records {
        let mut sink = |_: Option<i64>, body: Body<'_>| {
            told.push(match body {
                Body::User(turn) => format!("user {}", turn.human),
                Body::Assistant(turn) => format!("model {} {}", turn.text, turn.ends),
                Body::ToolCall(call) => format!("call {} {} {}", call.id, call.name, call.args),
                Body::ToolResult(result) => {
                    let text = result.text.head(100).into_owned();
                    format!(
                        "result {} {} {:?} {text}",
                        result.id, result.tool, result.is_error
                    )
                }
                Body::ProviderError(error) => format!("failed {}", error.message),
                Body::Interrupt(_) | Body::Notice(_) | Body::CronRun(_) | Body::Gateway(_) => {
                    String::new()
                }
            });
        };
        reader.read(record, &mut sink).unwrap();
    }
    told
}

/// A span whose attributes are all texts.
fn span(trace: &str, attributes: &[(&str, &str)]) -> String {
    let attributes: Vec<serde_json::Value> = attributes
        .iter()
        .map(|(key, value)| serde_json::json!({ "key": key, "value": { "stringValue": value } }))
        .collect();
    serde_json::json!({ "traceId": trace, "spanId": "5", "attributes": attributes }).to_string()
}

fn log(span: &str, event: &str, body: &serde_json::Value) -> String {
    serde_json::json!({
        "traceId": "t", "spanId": span, "eventName": event, "observedTimeUnixNano": "1767225601000000000",
        "body": body,
    })
    .to_string()
}

fn pairs(entries: &[(&str, serde_json::Value)]) -> serde_json::Value {
    let values: Vec<serde_json::Value> = entries
        .iter()
        .map(|(key, value)| serde_json::json!({ "key": key, "value": value }))
        .collect();
    serde_json::json!({ "kvlistValue": { "values": values } })
}

fn say(text: &str) -> serde_json::Value {
    serde_json::json!({ "stringValue": text })
}

const TOLD: [&str; 6] = [
    "user pack it",
    "model On it. false",
    r#"call c1 pack {"box":2}"#,
    r#"result c1 pack None no "box" \2"#,
    "model There is no box. true",
    "user then find one",
];

#[test]
fn numbered_attributes_tell_each_message_once_whatever_the_trace() {
    let first: &[(&str, &str)] = &[
        ("llm.request.type", "chat"),
        ("gen_ai.prompt.0.role", "system"),
        ("gen_ai.prompt.0.content", "be brief"),
        ("gen_ai.prompt.1.role", "user"),
        ("gen_ai.prompt.1.content", "pack it"),
    ];
    let calls: &[(&str, &str)] = &[
        ("gen_ai.completion.0.role", "assistant"),
        ("gen_ai.completion.0.content", "On it."),
        ("gen_ai.completion.0.tool_calls.0.id", "c1"),
        ("gen_ai.completion.0.tool_calls.0.name", "pack"),
        ("gen_ai.completion.0.tool_calls.0.arguments", r#"{"box":2}"#),
    ];
    let answered: &[(&str, &str)] = &[
        ("gen_ai.prompt.2.role", "assistant"),
        ("gen_ai.prompt.2.content", "On it."),
        ("gen_ai.prompt.2.tool_calls.0.id", "c1"),
        ("gen_ai.prompt.2.tool_calls.0.name", "pack"),
        ("gen_ai.prompt.3.role", "tool"),
        ("gen_ai.prompt.3.content", r#"no "box" \2"#),
        ("gen_ai.prompt.3.tool_call_id", "c1"),
    ];
    let ends: &[(&str, &str)] = &[("gen_ai.completion.0.content", "There is no box.")];
    let more: &[(&str, &str)] = &[
        ("gen_ai.prompt.4.role", "assistant"),
        ("gen_ai.prompt.4.content", "There is no box."),
        ("gen_ai.prompt.5.role", "user"),
        ("gen_ai.prompt.5.content", "then find one"),
    ];
    // A request that is no part of a span around it is a trace of its own.
    let records = [
        span("a", &[first, calls].concat()),
        span("b", &[first, answered, ends].concat()),
        span("c", &[first, answered, more].concat()),
        span("d", &[first, answered, more].concat()),
    ];
    assert_eq!(told(&records), TOLD);
}

#[test]
fn lists_in_attributes_tell_results_unless_a_span_of_the_tool_did() {
    let asked = r#"{"role":"user","parts":[{"type":"text","content":"pack it"}]}"#;
    let calls = r#"{"role":"assistant","parts":[{"type":"text","content":"On it."},{"type":"tool_call","id":"c1","name":"pack","arguments":{"box":2}}]}"#;
    let answer = r#"{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"no \"box\" \\2"}]}"#;
    let ends = r#"{"role":"assistant","parts":[{"type":"text","content":"There is no box."}]}"#;
    let again = r#"{"role":"user","parts":[{"type":"text","content":"then find one"}]}"#;
    let chat = |input: &[&str], output: &str| {
        let input = format!("[{}]", input.join(","));
        let output = format!("[{output}]");
        let attributes = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.input.messages", input.as_str()),
            ("gen_ai.output.messages", output.as_str()),
        ];
        span("t", &attributes)
    };
    let mut records = vec![
        chat(&[asked], calls),
        chat(&[asked, calls, answer], ends),
        chat(&[asked, calls, answer, ends, again], ""),
    ];
    assert_eq!(told(&records), TOLD);
    let tool = [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "pack"),
        ("gen_ai.tool.call.id", "c1"),
        ("error.type", "no_box"),
    ];
    records.insert(1, span("t", &tool));
    let mut expected = TOLD.map(str::to_owned);
    expected[3] = "result c1 pack Some(true) ".to_owned();
    assert_eq!(told(&records), expected);
}

#[test]
fn records_of_a_log_tell_what_their_spans_do_not_hold() {
    let function = pairs(&[("name", say("pack")), ("arguments", say(r#"{"box":2}"#))]);
    let call = pairs(&[("id", say("c1")), ("function", function)]);
    let list = serde_json::json!({ "arrayValue": { "values": [call] } });
    let message = pairs(&[
        ("role", say("assistant")),
        ("content", say("On it.")),
        ("tool_calls", list),
    ]);
    let choice = pairs(&[("finish_reason", say("tool_calls")), ("message", message)]);
    let ends = pairs(&[("message", pairs(&[("content", say("There is no box."))]))]);
    let user = |text: &str| pairs(&[("content", say(text))]);
    let tool = pairs(&[("content", say(r#"no "box" \2"#)), ("id", say("c1"))]);
    let records = [
        log("1", "gen_ai.user.message", &user("pack it")),
        log("1", "gen_ai.choice", &choice),
        span("t", &[("gen_ai.operation.name", "chat")]),
        log("2", "gen_ai.user.message", &user("pack it")),
        log("2", "gen_ai.assistant.message", &pairs(&[])),
        log("2", "gen_ai.tool.message", &tool),
        log("2", "gen_ai.choice", &ends),
        log("3", "gen_ai.user.message", &user("pack it")),
        log("3", "gen_ai.tool.message", &tool),
        log("3", "gen_ai.user.message", &user("then find one")),
        // Content may be withheld.
        log("3", "gen_ai.choice", &pairs(&[("message", pairs(&[]))])),
        log("4", "gen_ai.user.message", &serde_json::json!({})),
        log(
            "4",
            "something.else",
            &serde_json::json!({ "stringValue": "x" }),
        ),
    ];
    assert_eq!(told(&records), TOLD);
    let document = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#,
        records[0]
    );
    assert_eq!(
        super::super::sniff("x", document.as_bytes()),
        Some(crate::mine::Format::Otel)
    );
    // As the first exporters named events.
    let named = records.map(|record| {
        let mut record: serde_json::Value = serde_json::from_str(&record).unwrap_or_default();
        if let Some(name) = record.as_object_mut().and_then(|r| r.remove("eventName")) {
            record["attributes"] =
                serde_json::json!([{ "key": "event.name", "value": { "stringValue": name } }]);
        }
        record.to_string()
    });
    assert_eq!(told(&named), TOLD);
    let document = document.replace("eventName", "was");
    assert_eq!(
        super::super::sniff("x", document.as_bytes()),
        Some(crate::mine::Format::Otel)
    );
}

#[test]
fn conversations_that_have_names_may_begin_alike() {
    let asked = r#"[{"role":"user","parts":[{"type":"text","content":"pack it"}]}]"#;
    let chat = |name: &str| {
        let attributes = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.conversation.id", name),
            ("gen_ai.input.messages", asked),
        ];
        span("t", &attributes)
    };
    let twice = ["user pack it", "user pack it"];
    assert_eq!(told(&[chat("a"), chat("b"), chat("a")]), twice);
}
