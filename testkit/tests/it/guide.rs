//! The code of `docs/TESTING.md`: each block of the guide stands in this file, and runs.

use std::path::Path;

use kernel::{ActivityOptions, Cx, Definition, Failure, Millis};
use testkit::{Builder, Error, Recordings, TestEnv, block_on, crash_at_every_commit};

/// The workflow under test: charge a card, wait a week, send a receipt.
async fn order(cx: Cx, item: String) -> Result<String, Failure> {
    let options = ActivityOptions::default();
    let paid: u64 = cx.activity_named("charge", &item, options.clone()).await?;
    cx.sleep(Millis::seconds(7 * 86_400)).await?;
    let receipt = format!("{item} for {paid}");
    cx.activity_named("mail", &receipt, options).await
}

fn setup() -> Builder {
    TestEnv::builder()
        .workflow("order", order)
        .mock("charge", |_item: String, _attempt| Ok(30_u64))
        .mock("mail", |text: String, _attempt| Ok(format!("sent {text}")))
}

#[test]
fn an_order_is_paid_and_confirmed_after_a_week() {
    let env = setup().build();
    let begin = env.now();
    let sent: String = block_on(env.execute("order", "tea")).unwrap();
    assert_eq!(sent, "sent tea for 30");
    assert_eq!(env.now().since(begin), Millis::seconds(7 * 86_400));
    assert_eq!(env.calls("mail").len(), 1);
}

#[test]
fn a_card_that_is_refused_twice_is_charged_at_the_third_attempt() {
    let busy = || Err(Failure::retryable("Busy", "the bank does not answer"));
    let env = setup()
        .mock_sequence("charge", [busy(), busy(), Ok(30_u64)])
        .build();
    let sent: String = block_on(env.execute("order", "tea")).unwrap();
    assert_eq!(sent, "sent tea for 30");
    assert_eq!(env.calls("charge").len(), 3);
}

#[test]
fn an_order_can_be_canceled_while_it_waits() {
    let env = setup().build();
    let test = async {
        let run = env.start("order-1", "order", "tea").await?;
        env.sleep(Millis::seconds(86_400)).await?;
        env.cancel("order-1", "changed my mind").await?;
        let state = env.wait(run).await?;
        assert!(state.is_closed());
        assert_eq!(env.calls("mail").len(), 0);
        Ok::<_, Error>(())
    };
    block_on(test).unwrap();
}

#[test]
fn an_order_survives_a_crash_at_every_commit() {
    let survived = crash_at_every_commit(setup, |env| async move {
        env.execute::<_, String>("order", "tea").await
    })
    .unwrap();
    assert_eq!(survived.crashes, 3 * survived.commits);
}

#[test]
fn open_orders_go_on_with_todays_code() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let recordings = Recordings::in_dir(dir);
    let env = setup().build();
    let run = block_on(env.start("order-1", "order", "tea")).unwrap();
    let _sent: String = block_on(env.result(run)).unwrap();
    recordings
        .keep("order", &env.history(run).unwrap())
        .unwrap();

    recordings
        .replay([Definition::new("order", order)])
        .unwrap();
}

/// A process that keeps a cart in its memory.
fn forgetful() -> Builder {
    let cart = std::sync::Arc::new(std::sync::Mutex::new(Vec::<String>::new()));
    let filled = std::sync::Arc::clone(&cart);
    let shopping = |cx: Cx, (): ()| async move {
        for item in ["tea", "milk"] {
            let () = cx
                .activity_named("put", item, ActivityOptions::default())
                .await?;
        }
        cx.activity_named::<_, Vec<String>>("pay", &(), ActivityOptions::default())
            .await
    };
    Builder::new()
        .workflow("shopping", shopping)
        .mock("put", move |item: String, _| {
            let mut cart = filled.lock().unwrap();
            cart.retain(|known| *known != item);
            cart.push(item);
            Ok(())
        })
        .mock("pay", move |(): (), _| Ok(cart.lock().unwrap().clone()))
}

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/TESTING.md");
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of the guide in one language.
fn blocks<'a>(guide: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    let parts = guide.split(fence.as_str()).skip(1);
    parts
        .map(|part| part.split("\n```").next().unwrap_or_default())
        .collect()
}

#[test]
fn the_code_of_the_guide_is_the_code_of_this_file() {
    let (guide, here) = (guide(), include_str!("guide.rs"));
    let blocks = blocks(&guide, "rust");
    assert!(blocks.len() >= 5, "{}", blocks.len());
    for block in blocks {
        assert!(here.contains(block), "not in guide.rs:\n{block}");
    }
}

#[test]
fn the_report_in_the_guide_is_what_a_divergence_shows() {
    let divergence = crash_at_every_commit(forgetful, |env| async move {
        env.execute::<_, Vec<String>>("shopping", &()).await
    })
    .unwrap_err();
    let (guide, report) = (guide(), divergence.to_string());
    assert_eq!(blocks(&guide, "text"), [report.trim_end()]);
}
