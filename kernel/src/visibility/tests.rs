//! Promises about search attributes and memo.

use super::*;
use crate::chain::{WorkflowOptions, successor};
use crate::decide::{Input, StartRequest, decide, start};
use crate::ids::{RunId, WorkflowId};
use crate::machine::Definition;
use crate::replay::replay;
use crate::testing::{RUN, TestRun, json};
use crate::{Command, Cx, Failure};

fn definition() -> Definition {
    Definition::new("order", |cx: Cx, n: u64| async move {
        cx.upsert_search_attribute("customer", "ada");
        cx.upsert_search_attribute("items", 3);
        cx.upsert_memo("note", "to be wrapped")?;
        let _: u64 = cx.signal("change").await?;
        assert_eq!(cx.info().search_attributes["items"], SearchValue::Int(3));
        cx.remove_search_attribute("customer");
        cx.upsert_search_attribute("items", 4);
        cx.remove_memo("note");
        cx.upsert_memo("left", &n)?;
        cx.continue_as_new::<_, u64>(&n)
    })
}

#[test]
fn attributes_and_memo_are_as_the_code_set_them_last_and_go_on_to_the_next_run() {
    let mut run = TestRun::new(&definition(), json(&1_u64));
    run.turn();
    let options = &run.state.options;
    assert_eq!(
        options.search_attributes["customer"],
        SearchValue::from("ada")
    );
    assert_eq!(options.memo["note"], json("to be wrapped"));
    let (name, input) = ("change".to_owned(), json(&1_u64));
    run.feed(Input::Signal { name, input }).unwrap();
    run.turn();
    let next = successor(&run.state, &run.history.last().unwrap().kind).unwrap();
    let (state, _) = start(next, run.now).unwrap();
    let expected = SearchAttributes::from([("items".to_owned(), SearchValue::Int(4))]);
    assert_eq!(state.options.search_attributes, expected);
    assert_eq!(
        state.options.memo,
        Memo::from([("left".to_owned(), json(&1_u64))])
    );
    replay(
        &definition(),
        WorkflowId::new("test-run"),
        RUN,
        &run.history,
    )
    .unwrap();
    let silent = Definition::new("order", |cx: Cx, n: u64| async move {
        let _: u64 = cx.signal("change").await?;
        Ok::<u64, Failure>(n)
    });
    let error = replay(&silent, WorkflowId::new("test-run"), RUN, &run.history).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("event 3: the history has UpsertWorkflowSearchAttributes"),
        "{error}"
    );
}

fn refused(commands: Vec<Command>) -> String {
    let options = WorkflowOptions {
        search_attributes: [("kind".to_owned(), SearchValue::from("big"))].into(),
        ..WorkflowOptions::default()
    };
    let request = StartRequest {
        options,
        ..StartRequest::new(WorkflowId::new("a"), RUN, "order", json(&1_u64))
    };
    let (state, _) = start(request, Timestamp(0)).unwrap();
    let input = Input::WorkflowTaskCompleted {
        commands,
        successor: None,
    };
    decide(&state, input, Timestamp(0)).unwrap_err().to_string()
}

fn set(name: &str, value: SearchValue) -> Command {
    Command::UpsertWorkflowSearchAttributes {
        attributes: [(name.to_owned(), Some(value))].into(),
    }
}

#[test]
fn what_is_too_large_or_of_another_type_is_refused() {
    let text = refused(vec![set("kind", SearchValue::Int(1))]);
    assert_eq!(text, "the search attribute kind is a Keyword, not a Int");
    let text = refused(vec![
        set("n", SearchValue::Int(1)),
        set("n", SearchValue::Bool(true)),
    ]);
    assert_eq!(
        text, "the search attribute n is a Int, not a Bool",
        "within one turn too"
    );
    let text = refused(vec![set("x", SearchValue::Double(f64::NAN))]);
    assert!(text.contains("not a finite number"), "{text}");
    let long = "x".repeat(limits::SEARCH_ATTRIBUTE_BYTES_MAX + 1);
    let text = refused(vec![set("x", SearchValue::Text(long))]);
    assert!(text.contains("the limit is 2048"), "{text}");
    let many = (0..limits::VISIBLE_NAMES_MAX).map(|n| set(&n.to_string(), SearchValue::Int(1)));
    assert!(refused(many.collect()).contains("101 search attributes"));
    let big = json(&"x".repeat(limits::MEMO_BYTES_MAX));
    let memo = [("big".to_owned(), Some(big))].into();
    assert!(refused(vec![Command::ModifyWorkflowProperties { memo }]).contains("memo field big"));
    let request = StartRequest {
        options: WorkflowOptions {
            search_attributes: [(String::new(), SearchValue::Int(1))].into(),
            ..WorkflowOptions::default()
        },
        ..StartRequest::new(WorkflowId::new("a"), RunId([1; 16]), "order", json(&1_u64))
    };
    assert!(start(request, Timestamp(0)).is_err());
}
