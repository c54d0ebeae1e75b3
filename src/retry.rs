//! Waiting with growing pauses for something that is about to become free.
//!
//! The only file that names the `backoff` crate, which is no longer maintained.

use std::time::Duration;

use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff;

/// Calls `attempt` until it gives a value or a final error, or `patience` runs out; then the last
/// passing error. `Ok(Err(e))` of an attempt means: not yet, because of `e`.
pub(crate) async fn until<T, E>(
    patience: Duration,
    mut attempt: impl AsyncFnMut() -> Result<Result<T, E>, E>,
) -> Result<T, E> {
    let mut pauses = ExponentialBackoffBuilder::new()
        .with_initial_interval(Duration::from_millis(10))
        .with_max_interval(Duration::from_millis(250))
        .with_max_elapsed_time(Some(patience))
        .build();
    loop {
        match attempt().await? {
            Ok(value) => return Ok(value),
            Err(passing) => match pauses.next_backoff() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(passing),
            },
        }
    }
}
