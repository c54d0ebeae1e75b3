//! A workflow of a small shop, and its mocks.

use kernel::{ActivityOptions, Cx, Failure, Millis, RetryPolicy};
use testkit::Builder;

pub(crate) fn patient() -> ActivityOptions {
    ActivityOptions {
        retry: RetryPolicy {
            initial_interval: Millis::seconds(3_600),
            backoff_coefficient: 2.0,
            maximum_interval: Millis::seconds(86_400),
            ..RetryPolicy::default()
        },
        ..ActivityOptions::default()
    }
}

/// Charges, waits for the parcel or for a week, and writes a receipt.
pub(crate) async fn order(cx: Cx, item: String) -> Result<String, Failure> {
    let paid: u64 = cx.activity_named("charge", &item, patient()).await?;
    let context = cx.clone();
    cx.query("paid", move |()| {
        let _at = context.now();
        Ok(paid)
    });
    cx.sleep(Millis::seconds(7 * 86_400)).await?;
    let receipt = format!("{item} for {paid}");
    cx.activity_named("mail", &receipt, patient()).await
}

pub(crate) fn shop() -> Builder {
    Builder::new()
        .workflow("order", order)
        .mock("charge", |item: String, _| Ok(10 * item.len()))
        .mock("mail", |text: String, _| Ok(format!("mailed {text}")))
}
