//! Sessions of Droid: a first line about the session, then messages made of blocks.
//!
//! Neighbours: `blocks` reads the messages. What is for the user's eyes only, or for the model's, is the harness
//! speaking, though its role is the user's. Which it is stands on the line or in the message.

use serde::{Deserialize, Serialize};

use super::blocks::{self, Message};
use super::calls::Calls;
use super::raw::{self, Content, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, iso_to_ms};
use crate::json_path::Outline;

pub(super) const SPEC: Spec = Spec {
    name: "droid",
    recognised: Recognised::ByPaths(recognises),
    framing: super::lines,
    reader: super::revived::<Droid>,
};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Droid {
    session_id: Option<String>,
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    visibility: Raw<'a>,
    #[serde(borrow)]
    message: Loose<Spoken<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spoken<'a> {
    #[serde(borrow)]
    role: Raw<'a>,
    #[serde(borrow)]
    visibility: Raw<'a>,
    #[serde(borrow)]
    content: Content<'a, blocks::Block<'a>>,
}

fn recognises(outline: &Outline) -> bool {
    outline.text("type") == "session_start" && outline.has("id")
}

impl FormatReader for Droid {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let line: Line<'_> = raw::parse_line(record)?;
        let at_ms = iso_to_ms(raw::inside(line.timestamp));
        match raw::inside(line.kind) {
            "session_start" if self.session_id.is_none() => {
                self.session_id = Some(raw::string(line.id).into_owned());
            }
            "message" => {
                let Spoken {
                    role,
                    visibility,
                    content,
                } = line.message.0;
                let seen_by = raw::inside(line.visibility.or(visibility));
                let message = Message { role, content };
                if matches!(seen_by, "user_only" | "llm_only") {
                    message.read(at_ms, &mut self.calls, &mut |at_ms, body| {
                        if let Body::User(turn) = body {
                            blocks::nobody(at_ms, turn.text, sink);
                        } else {
                            sink(at_ms, body);
                        }
                    });
                } else {
                    message.read(at_ms, &mut self.calls, sink);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}
