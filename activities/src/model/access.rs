//! Where models are reached and with which key, from the environment of the process that asks.
//!
//! Keys never enter a history: a run names its model, and whoever works on it brings the key. Neighbours:
//! [`super::Model`] is what comes out.

use std::fmt;

use kernel::Failure;
use workflows::reading::MODEL_REFUSED;

use super::Model;
use super::anthropic::Anthropic;
use super::http::Http;
use super::openai::OpenAi;

/// A key. It does not show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// One of a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `https://...` without a slash at its end; plain `http` for this machine only.
    pub base_url: String,
    /// The key.
    pub key: Secret,
}

/// The providers that this process can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Anthropic's messages.
    pub anthropic: Option<Endpoint>,
    /// `OpenAI`'s chat completions, or whatever speaks like them.
    pub openai: Option<Endpoint>,
}

impl Access {
    /// What the environment says: `ANTHROPIC_API_KEY`, `OPENAI_API_KEY`, and `ANTHROPIC_BASE_URL`, `OPENAI_BASE_URL`
    /// for other places than the providers' own.
    #[must_use]
    pub fn from_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = |key, url, default: &str| {
            Some(Endpoint {
                key: Secret::new(set(key)?),
                base_url: set(url)
                    .unwrap_or_else(|| default.to_owned())
                    .trim_end_matches('/')
                    .to_owned(),
            })
        };
        Self {
            anthropic: endpoint(
                "ANTHROPIC_API_KEY",
                "ANTHROPIC_BASE_URL",
                "https://api.anthropic.com",
            ),
            openai: endpoint(
                "OPENAI_API_KEY",
                "OPENAI_BASE_URL",
                "https://api.openai.com",
            ),
        }
    }

    /// The model of a name such as `anthropic:claude-sonnet-4-5`.
    ///
    /// # Errors
    /// Permanent when no such provider is built in, its key is not there, or its address is not safe.
    pub fn model(&self, name: &str) -> Result<Box<dyn Model>, Failure> {
        let refused = |message: String| Failure::permanent(MODEL_REFUSED, message);
        let (provider, model) = name.split_once(':').unwrap_or((name, ""));
        let (endpoint, variable) = match provider {
            "anthropic" => (&self.anthropic, "ANTHROPIC_API_KEY"),
            "openai" => (&self.openai, "OPENAI_API_KEY"),
            _ => {
                let text = format!("{provider:?} is no provider that this version can ask");
                return Err(refused(text));
            }
        };
        let Some(endpoint) = endpoint.clone() else {
            return Err(refused(format!(
                "{variable} is not set in the process that works on the run; set it and start the run again"
            )));
        };
        if !is_safe(&endpoint.base_url) {
            return Err(refused(format!(
                "{} is no https address: a key does not leave this machine in plain text",
                endpoint.base_url
            )));
        }
        let http = Http::new()?;
        let model = model.to_owned();
        Ok(if provider == "anthropic" {
            Box::new(Anthropic {
                http,
                endpoint,
                model,
            })
        } else {
            Box::new(OpenAi {
                http,
                endpoint,
                model,
            })
        })
    }
}

fn is_safe(url: &str) -> bool {
    if url.starts_with("https://") {
        return true;
    }
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    let name = if host.starts_with('[') {
        host.split_once(']').map_or(host, |(name, _)| name)
    } else {
        host.split(':').next().unwrap_or_default()
    };
    !host.contains('@') && matches!(name, "127.0.0.1" | "localhost" | "[::1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_over_https_or_stays_on_this_machine() {
        for safe in [
            "https://api.example.org",
            "http://127.0.0.1:80",
            "http://localhost",
            "http://[::1]:9/v",
        ] {
            assert!(is_safe(safe), "{safe}");
        }
        for unsafe_url in [
            "http://api.example.org",
            "http://localhost.example.org",
            "http://127.0.0.1@example.org",
            "http://localhost:x@example.org/",
            "ftp://localhost",
            "",
        ] {
            assert!(!is_safe(unsafe_url), "{unsafe_url}");
        }
    }

    #[test]
    fn keys_do_not_show_and_what_is_missing_is_named() {
        let access = Access {
            anthropic: Some(Endpoint {
                base_url: "https://x".to_owned(),
                key: Secret::new("hunter2"),
            }),
            openai: None,
        };
        assert!(!format!("{access:?}").contains("hunter2"));
        let failure = access.model("openai:m").err().unwrap();
        assert_eq!(failure.error_type, MODEL_REFUSED);
        assert!(failure.message.starts_with("OPENAI_API_KEY is not set"));
        assert!(access.model("acme:m").is_err());
        assert!(access.model("anthropic:m").is_ok());
    }
}
