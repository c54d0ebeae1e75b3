//! Agent transcripts of Cursor: one message a line, without times, ids or results of tools.
//!
//! Neighbours: `blocks` reads the messages, `envelope` takes the tags off what a person typed.

use serde::{Deserialize, Serialize};

use super::blocks::Message;
use super::calls::Calls;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::json_path::Outline;

pub(super) const SPEC: Spec = Spec {
    name: "cursor",
    recognised: Recognised::ByPaths(recognises),
    framing: super::lines,
    reader: super::revived::<Cursor>,
};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow)]
    role: Raw<'a>,
    #[serde(borrow)]
    message: Loose<Message<'a>>,
}

fn recognises(outline: &Outline) -> bool {
    let names_itself = ["type", "id", "uuid", "sessionId"]
        .iter()
        .any(|path| outline.has(path));
    matches!(outline.text("role"), "user" | "assistant")
        && outline.has("message.content[].type")
        && !names_itself
}

impl FormatReader for Cursor {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let Line { role, message } = raw::parse_line(record)?;
        let message = Message {
            role,
            content: message.0.content,
        };
        message.read(None, &mut self.calls, sink);
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        None
    }
}
