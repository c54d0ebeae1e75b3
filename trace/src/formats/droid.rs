//! Sessions of Droid: a first line about the session, then messages made of blocks.
//!
//! Neighbours: `blocks` reads the messages. Lines for the user's eyes only are the harness speaking, though their
//! role is the user's.

use serde::{Deserialize, Serialize};

use super::blocks::{self, Message};
use super::calls::Calls;
use super::raw::{self, Content, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::iso_to_ms;
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
    message: Loose<Message<'a>>,
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
            "message" if raw::inside(line.visibility) == "user_only" => {
                if let Content::Text(text) = &line.message.0.content {
                    blocks::nobody(at_ms, text.clone(), sink);
                }
            }
            "message" => line.message.0.read(at_ms, &mut self.calls, sink),
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}
