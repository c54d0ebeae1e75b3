//! Activities that are completed from elsewhere, and local ones.

use kernel::{ActivityOptions, Cx, Failure, LocalActivityOptions, Millis};
use testkit::{Builder, Error, TestEnv, block_on, crash_at_every_commit};

/// Asks a person, and tells what came of it.
async fn ask(cx: Cx, question: String) -> Result<String, Failure> {
    let options = ActivityOptions {
        start_to_close: Millis::seconds(30 * 86_400),
        ..ActivityOptions::default()
    };
    let yes: bool = cx.activity_named("approve", &question, options).await?;
    Ok(format!("{question} {yes}"))
}

fn setup() -> Builder {
    Builder::new().workflow("ask", ask).mock_held("approve")
}

/// The answer comes after a week.
async fn answered(env: TestEnv) -> Result<String, Error> {
    let run = env.start("ask", "ask", "ship it?").await?;
    env.sleep(Millis::seconds(7 * 86_400)).await?;
    let calls = env.calls("approve");
    let token = calls.last().and_then(|call| call.token).unwrap();
    env.complete_by_token(token, &true).await?;
    env.result(run).await
}

#[test]
fn an_answer_from_elsewhere_is_given_by_the_test_and_survives_every_crash() {
    let env = setup().build();
    assert_eq!(block_on(answered(env.clone())).unwrap(), "ship it? true");
    assert_eq!(env.calls("approve").len(), 1);
    let survived = crash_at_every_commit(setup, answered).unwrap();
    assert!(survived.commits >= 3, "{survived:?}");
}

#[test]
fn a_failure_from_elsewhere_is_tried_again_with_a_new_token_and_the_old_one_is_refused() {
    let env = setup().build();
    block_on(async {
        let run = env.start("ask", "ask", "ship it?").await.unwrap();
        env.sleep(Millis(1)).await.unwrap();
        let first = env.calls("approve")[0].token.unwrap();
        let away = Failure::retryable("Away", "nobody is in");
        env.fail_by_token(first, away).await.unwrap();
        env.sleep(Millis::seconds(3_600)).await.unwrap();
        let calls = env.calls("approve");
        assert_eq!(calls.len(), 2);
        let refused = env.complete_by_token(first, &true).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(_)), "{refused}");
        let second = calls[1].token.unwrap();
        env.complete_by_token(second, &false).await.unwrap();
        let answer: String = env.result(run).await.unwrap();
        assert_eq!(answer, "ship it? false");
    });
}

/// Two steps in this process, then one that is scheduled.
async fn count(cx: Cx, n: u64) -> Result<u64, Failure> {
    let options = LocalActivityOptions::default();
    let n: u64 = cx.local_activity_named("next", &n, options.clone()).await?;
    let n: u64 = cx.local_activity_named("next", &n, options).await?;
    cx.activity_named("double", &n, ActivityOptions::default())
        .await
}

fn counting() -> Builder {
    Builder::new()
        .workflow("count", count)
        .mock("next", |n: u64, attempt| match attempt {
            1 => Err(Failure::retryable("Busy", "not yet")),
            _ => Ok(n + 1),
        })
        .mock("double", |n: u64, _| Ok(2 * n))
}

#[test]
fn local_activities_are_mocked_tried_again_and_survive_every_crash() {
    let env = counting().build();
    let counted: u64 = block_on(env.execute("count", &5_u64)).unwrap();
    assert_eq!(counted, 14);
    let calls = env.calls("next");
    assert_eq!(calls.len(), 4);
    assert!(calls.iter().all(|call| call.token.is_none()));
    let play = |env: TestEnv| async move { env.execute::<_, u64>("count", &5_u64).await };
    let survived = crash_at_every_commit(counting, play).unwrap();
    assert!(survived.commits >= 3, "{survived:?}");
}

#[test]
fn a_local_activity_that_is_to_be_completed_from_elsewhere_fails_the_test() {
    let env = counting().mock_held("next").build();
    let failed = block_on(env.execute::<_, u64>("count", &5_u64)).unwrap_err();
    let text = failed.to_string();
    assert!(
        text.contains("cannot be completed from elsewhere"),
        "{text}"
    );
}
