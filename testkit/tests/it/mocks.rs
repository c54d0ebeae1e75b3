//! Mocked activities.

use kernel::{ActivityContract, ActivityOptions, Cx, Failure, FailureKind, Millis};
use serde::{Deserialize, Serialize};
use testkit::{Builder, Error, block_on};

use crate::shop::{order, patient, shop};

#[test]
fn a_sequence_fails_twice_then_succeeds_and_each_retry_is_waited_for() {
    let busy = || Err(Failure::retryable("Busy", "the bank is closed"));
    let env = shop()
        .mock_sequence("charge", [busy(), busy(), Ok(7_u64)])
        .build();
    let begin = env.now();
    let result: String = block_on(env.execute("order", "tea")).unwrap();
    assert_eq!(result, "mailed tea for 7");
    let attempts: Vec<u32> = env
        .calls("charge")
        .iter()
        .map(|call| call.attempt)
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
    // An hour, two hours, and the week that the workflow sleeps.
    let hours = 1 + 2 + 7 * 24;
    assert_eq!(env.now().since(begin), Millis::seconds(hours * 3_600));
}

#[test]
fn a_mock_knows_which_attempt_it_is() {
    let env = shop()
        .mock("charge", |_: String, attempt| match attempt {
            1..=3 => Err(Failure::retryable("Busy", "not yet")),
            _ => Ok(u64::from(attempt)),
        })
        .build();
    let result: String = block_on(env.execute("order", "tea")).unwrap();
    assert_eq!(result, "mailed tea for 4");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Parcel {
    grams: u64,
}

struct Weigh;

impl ActivityContract for Weigh {
    const TYPE: &'static str = "weigh";
    type Input = Parcel;
    type Output = u64;
}

#[test]
fn a_contract_gives_a_mock_its_name_and_types() {
    let body = |cx: Cx, grams: u64| async move { cx.activity::<Weigh>(&Parcel { grams }).await };
    let env = Builder::new()
        .workflow("post", body)
        .mock_typed::<Weigh, _>(|parcel, _| Ok(parcel.grams * 2))
        .build();
    assert_eq!(block_on(env.execute::<_, u64>("post", &4_u64)).unwrap(), 8);
    assert_eq!(
        env.calls("weigh")[0].input::<Parcel>().unwrap(),
        Parcel { grams: 4 }
    );
}

#[test]
fn an_activity_without_a_mock_is_named() {
    let env = Builder::new()
        .workflow("order", order)
        .mock("charge", |_: String, _| Ok(1_u64))
        .build();
    let error = block_on(env.execute::<_, String>("order", "tea")).unwrap_err();
    let text = error.to_string();
    let expected = "order asked for the activity mail, which is not mocked: add `.mock(\"mail\", \
                    ..)`. Mocked are: charge";
    assert_eq!(text, expected);
}

#[test]
fn a_sequence_without_an_answer_left_says_so() {
    let env = shop()
        .mock_sequence::<u64>("charge", [Err(Failure::retryable("Busy", "not yet"))])
        .build();
    let error = block_on(env.execute::<_, String>("order", "tea")).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the mock of charge could not answer"),
        "{text}"
    );
    assert!(
        text.contains("has 1 answers, and this is attempt 2"),
        "{text}"
    );
}

#[test]
fn an_assertion_in_a_mock_fails_the_test() {
    let env = shop()
        .mock("charge", |item: String, _| {
            assert_eq!(item, "coffee");
            Ok(1_u64)
        })
        .build();
    let error = block_on(env.execute::<_, String>("order", "tea")).unwrap_err();
    assert!(matches!(error, Error::Mock { .. }), "{error}");
    assert!(error.to_string().contains("it panicked"), "{error}");
}

#[test]
fn a_mock_of_another_type_says_what_it_was_given() {
    let env = shop().mock("charge", |_: u64, _| Ok(1_u64)).build();
    let error = block_on(env.execute::<_, String>("order", "tea")).unwrap_err();
    assert!(error.to_string().contains("takes another input"), "{error}");
}

#[test]
fn a_mock_that_uses_the_environment_is_told_not_to() {
    let slot = std::sync::Arc::new(std::sync::OnceLock::<testkit::TestEnv>::new());
    let inside = std::sync::Arc::clone(&slot);
    let env = shop()
        .mock("charge", move |_: String, _| {
            Ok(inside.get().map_or(0, |env| env.now().0))
        })
        .build();
    slot.set(env.clone()).unwrap();
    let error = block_on(env.execute::<_, String>("order", "tea")).unwrap_err();
    assert!(
        error.to_string().contains("a mock must not use it"),
        "{error}"
    );
}

#[test]
fn a_silent_activity_times_out_on_the_clock_of_the_test() {
    let body = |cx: Cx, (): ()| async move {
        let options = ActivityOptions {
            start_to_close: Millis::seconds(60),
            schedule_to_close: Some(Millis::seconds(90)),
            ..patient()
        };
        cx.activity_named::<_, u64>("fetch", &(), options).await
    };
    let env = Builder::new()
        .workflow("fetches", body)
        .mock_silent("fetch")
        .build();
    let error = block_on(env.execute::<_, u64>("fetches", &())).unwrap_err();
    let Error::Failed { failure, .. } = &error else {
        panic!("{error}")
    };
    let kinds = [Some(failure.kind), failure.cause.as_ref().map(|c| c.kind)];
    let timed_out = |k: &Option<FailureKind>| matches!(k, Some(FailureKind::Timeout(_)));
    assert!(kinds.iter().any(timed_out), "{error}");
    assert!(env.calls("fetch")[0].answer.is_none());
}
