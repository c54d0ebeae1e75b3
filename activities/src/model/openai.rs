//! `OpenAI`'s chat completions, which many other providers speak too.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use trace::llm::budget::Usage;

use super::access::Endpoint;
use super::http::Http;
use super::{Model, Prompt, Reply, Unanswered};

/// A model of `OpenAI`'s, or of whoever speaks like it.
#[derive(Debug)]
pub(super) struct OpenAi {
    pub(super) http: Http,
    pub(super) endpoint: Endpoint,
    pub(super) model: String,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Counted,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    /// Missing when the model refuses.
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize)]
struct Counted {
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

#[async_trait]
impl Model for OpenAi {
    async fn complete(&self, prompt: &Prompt) -> Result<Reply, Unanswered> {
        let body = json!({
            "model": self.model,
            // Bounds what is thought, too.
            "max_completion_tokens": prompt.output_tokens_max,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.data_text()},
            ],
        });
        let url = format!("{}/v1/chat/completions", self.endpoint.base_url);
        let bearer = format!("Bearer {}", self.endpoint.key.reveal());
        let headers = [("authorization", bearer.as_str())];
        let bytes = self
            .http
            .post(&url, &headers, body.to_string().into_bytes())
            .await?;
        let completion: Completion = super::body(&bytes)?;
        let first = completion.choices.into_iter().next();
        Ok(Reply {
            text: first
                .and_then(|choice| choice.message.content)
                .unwrap_or_default(),
            usage: Usage {
                input_tokens: completion.usage.prompt_tokens,
                output_tokens: completion.usage.completion_tokens,
            },
        })
    }
}
