//! Remembers open tool calls, so that a result can be told which tool and which command it answers.
//!
//! Neighbours: the formats. Bounded: a session that never answers its calls cannot grow it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::raw::{self, Raw};
use crate::event::{floor_char, unescape};
use crate::json;
use crate::limits::PENDING_CALLS_MAX;
use crate::outcome::runs_commands;
use crate::scrub;

const COMMAND_BYTES_MAX: usize = 400;
/// Ids and names longer than this are nobody's.
const NAME_BYTES_MAX: usize = 256;
const ARGUMENTS_BYTES_MAX: usize = 64 * 1024;

/// A call that waits for its result.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Call {
    /// The tool.
    pub(super) tool: String,
    /// The start of the command line, empty when the tool runs none. A checkpoint keeps it scrubbed.
    #[serde(serialize_with = "scrub::kept")]
    pub(super) command: String,
}

/// The open calls by id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Calls {
    open: BTreeMap<String, Call>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Arguments<'a> {
    #[serde(borrow)]
    command: Raw<'a>,
    #[serde(borrow)]
    cmd: Raw<'a>,
}

impl Calls {
    /// Remembers a call. `arguments` is its JSON, or the inside of a string that holds JSON.
    pub(super) fn opened(&mut self, id: &str, tool: &str, arguments: &str) {
        if id.is_empty() || id.len() > NAME_BYTES_MAX || tool.len() > NAME_BYTES_MAX {
            return;
        }
        if self.open.len() >= PENDING_CALLS_MAX {
            self.open.pop_first();
        }
        let command = if runs_commands(tool) {
            command(arguments)
        } else {
            String::new()
        };
        self.open.insert(
            id.to_owned(),
            Call {
                tool: tool.to_owned(),
                command,
            },
        );
    }

    /// Takes the call that a result answers.
    pub(super) fn answered(&mut self, id: &str) -> Call {
        self.open.remove(id).unwrap_or_default()
    }
}

fn command(arguments: &str) -> String {
    if arguments.len() > ARGUMENTS_BYTES_MAX {
        return String::new();
    }
    // JSON, or JSON inside a string: then every quote still has its backslash.
    let unescaped = unescape(arguments);
    let parsed = json::from_str::<Arguments<'_>>(arguments)
        .or_else(|_| json::from_str::<Arguments<'_>>(&unescaped));
    let Ok(parsed) = parsed else {
        return String::new();
    };
    let field = parsed.command.or(parsed.cmd);
    let mut text = raw::string_head(field, COMMAND_BYTES_MAX).into_owned();
    if text.is_empty()
        && let Some(list) = field
        && let Ok(words) = json::from_str::<Vec<String>>(list.get())
    {
        text = words.join(" ");
        text.truncate(floor_char(&text, COMMAND_BYTES_MAX));
    }
    text
}
