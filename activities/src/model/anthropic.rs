//! Anthropic's messages.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use trace::llm::budget::Usage;

use super::access::Endpoint;
use super::http::Http;
use super::{Model, Prompt, Reply, Unanswered};

/// The version of the interface that is spoken.
const VERSION: &str = "2023-06-01";

/// A model of Anthropic's.
#[derive(Debug)]
pub(super) struct Anthropic {
    pub(super) http: Http,
    pub(super) endpoint: Endpoint,
    pub(super) model: String,
}

#[derive(Deserialize)]
struct Message {
    content: Vec<Block>,
    usage: Counted,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Counted {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
}

#[async_trait]
impl Model for Anthropic {
    async fn complete(&self, prompt: &Prompt) -> Result<Reply, Unanswered> {
        let body = json!({
            "model": self.model,
            "max_tokens": prompt.output_tokens_max,
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.data_text()}],
        });
        let url = format!("{}/v1/messages", self.endpoint.base_url);
        let headers = [
            ("x-api-key", self.endpoint.key.reveal()),
            ("anthropic-version", VERSION),
        ];
        let bytes = self
            .http
            .post(&url, &headers, body.to_string().into_bytes())
            .await?;
        let message: Message = super::body(&bytes)?;
        let more = |tokens: Option<u64>| tokens.unwrap_or(0);
        Ok(Reply {
            text: message
                .content
                .into_iter()
                .map(|block| block.text)
                .collect(),
            usage: Usage {
                input_tokens: message
                    .usage
                    .input_tokens
                    .saturating_add(more(message.usage.cache_creation_input_tokens))
                    .saturating_add(more(message.usage.cache_read_input_tokens)),
                output_tokens: message.usage.output_tokens,
            },
        })
    }
}
