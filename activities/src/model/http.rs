//! One request to a provider. The only file that names the HTTP client.
//!
//! Neighbours: `anthropic` and `openai` say what is sent and what a body means. No redirect is followed, since it would
//! carry the key elsewhere, and no proxy of the environment is used.

use std::time::Duration;

use kernel::{Failure, Millis};
use trace::scrub::Scrubber;
use workflows::reading::MODEL_REFUSED;

use super::{PROMPT_REFUSED, Spent, Unanswered};
use crate::limits::{RESPONSE_BYTES_MAX, RESPONSE_SECONDS_MAX, RETRY_AFTER_MS_MAX};

/// Longest part of a provider's complaint that is kept, bytes.
const COMPLAINT_BYTES_MAX: usize = 300;

/// A client.
#[derive(Clone, Debug)]
pub(super) struct Http(reqwest::Client);

impl Http {
    /// One that waits for a response as long as a model may think.
    pub(super) fn new() -> Result<Self, Failure> {
        // A second call finds the first one's, which is the same.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(RESPONSE_SECONDS_MAX))
            .connect_timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|e| Failure::internal(format!("could not make an HTTP client: {e}")))?;
        Ok(Self(client))
    }

    /// The body of a response that says yes.
    pub(super) async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Unanswered> {
        let mut request = self.0.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.trim().to_owned())
        };
        let wait = retry_after(header("retry-after-ms"), header("retry-after"));
        let body = read(response).await?;
        if status == 200 {
            return Ok(body);
        }
        Err(turned_away(status, wait, &body))
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Unanswered> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(broken)? {
        if body.len() + part.len() > RESPONSE_BYTES_MAX {
            let text = format!("the provider's response is longer than {RESPONSE_BYTES_MAX} bytes");
            return Err(Unanswered {
                failure: Failure::retryable("BadResponse", text),
                spent: Spent::Unknown,
            });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn broken(error: reqwest::Error) -> Unanswered {
    let error = error.without_url();
    let (name, spent) = if error.is_connect() || error.is_builder() {
        ("ModelUnreachable", Spent::Nothing)
    } else {
        ("ModelSilent", Spent::Unknown)
    };
    let what = if error.is_timeout() {
        "the provider did not answer in time".to_owned()
    } else {
        format!("could not reach the provider: {error}")
    };
    Unanswered {
        failure: Failure::retryable(name, what),
        spent,
    }
}

/// What a response that says no means.
fn turned_away(status: u16, wait: Option<Millis>, body: &[u8]) -> Unanswered {
    let said = String::from_utf8_lossy(&body[..body.len().min(4 * COMPLAINT_BYTES_MAX)]);
    let said = Scrubber::shared()
        .scrub(&said)
        .truncated(COMPLAINT_BYTES_MAX);
    let text = format!("the provider answered {status}: {said}");
    let (failure, spent) = match status {
        401 | 403 | 404 => (
            Failure::permanent(
                MODEL_REFUSED,
                format!("{text}; check the key and the name of the model"),
            ),
            Spent::Nothing,
        ),
        408 | 409 | 425 | 429 | 503 | 529 => {
            (Failure::retryable("ModelBusy", text), Spent::Nothing)
        }
        500..=599 => (Failure::retryable("ModelFailed", text), Spent::Unknown),
        _ => (Failure::permanent(PROMPT_REFUSED, text), Spent::Nothing),
    };
    let failure = match wait {
        Some(wait) => failure.retry_after(wait),
        None => failure,
    };
    Unanswered { failure, spent }
}

/// The wait that a provider asks for, in milliseconds or in seconds. A date is not read: the policy of the activity
/// waits then.
fn retry_after(ms: Option<String>, seconds: Option<String>) -> Option<Millis> {
    let ms = ms.and_then(|ms| ms.parse::<u64>().ok());
    let seconds = || seconds?.parse::<u64>().ok()?.checked_mul(1_000);
    let wait = ms.or_else(seconds)?;
    Some(Millis(wait.min(RETRY_AFTER_MS_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Retry;

    #[test]
    fn each_status_says_whether_to_try_again_and_what_it_may_have_cost() {
        for (status, name, retry, spent) in [
            (401, MODEL_REFUSED, Retry::Permanent, Spent::Nothing),
            (404, MODEL_REFUSED, Retry::Permanent, Spent::Nothing),
            (400, PROMPT_REFUSED, Retry::Permanent, Spent::Nothing),
            (302, PROMPT_REFUSED, Retry::Permanent, Spent::Nothing),
            (429, "ModelBusy", Retry::Retryable, Spent::Nothing),
            (529, "ModelBusy", Retry::Retryable, Spent::Nothing),
            (500, "ModelFailed", Retry::Retryable, Spent::Unknown),
            (504, "ModelFailed", Retry::Retryable, Spent::Unknown),
        ] {
            let unanswered = turned_away(status, None, b"no");
            assert_eq!(unanswered.failure.error_type, name, "{status}");
            assert_eq!(
                (unanswered.failure.retry, unanswered.spent),
                (retry, spent),
                "{status}"
            );
        }
    }

    #[test]
    fn the_wait_is_read_and_bounded() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(retry_after(None, text("7")), Some(Millis(7_000)));
        assert_eq!(retry_after(text("250"), text("7")), Some(Millis(250)));
        assert_eq!(retry_after(None, text("99999999999999999999")), None);
        assert_eq!(retry_after(None, text("18446744073709551615")), None);
        assert_eq!(
            retry_after(None, text("864000")),
            Some(Millis(RETRY_AFTER_MS_MAX))
        );
        assert_eq!(
            retry_after(None, text("Wed, 21 Oct 2026 07:28:00 GMT")),
            None
        );
    }
}
