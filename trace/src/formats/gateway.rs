//! Logs of OpenClaw's gateway: what goes wrong between sessions and in none of them.
//!
//! Two shapes: JSON lines of numbered arguments, and text lines of a time, a subsystem in brackets and a message.
//! Most lines are chatter; `detect::gateway` decides. Lines of text without a time, such as those of a stack, belong
//! to the line before and are passed over.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, GatewayRecord, iso_to_ms};
use crate::json;
use crate::limits::MESSAGE_BYTES_MAX;

pub(super) const SPEC: Spec = Spec {
    name: "openclaw-gateway",
    recognised: Recognised::PathsOrText {
        paths: |outline| outline.has("_meta.logLevelName") && outline.has("0"),
        text: |line| text_line(line).is_some_and(|line| is_known(line.subsystem)),
    },
    framing: super::lines,
    reader: super::revived::<Gateway>,
};

/// What the gateway calls its parts, up to the first `/`. Other programs write lines of the same shape.
const SUBSYSTEMS: &[&str] = &[
    "gateway",
    "ws",
    "diagnostic",
    "channels",
    "cron",
    "heartbeat",
    "health-monitor",
    "reload",
    "agent",
    "telegram",
    "whatsapp",
    "discord",
    "slack",
    "signal",
    "imessage",
    "canvas",
    "browser",
    "plugins",
    "delivery-recovery",
];
/// What the command itself says when there is no gateway yet: its lines of text have no subsystem, and may have no time.
const NO_START: &[&str] = &[
    "Gateway failed to start",
    "Gateway start blocked",
    "Refusing to bind gateway",
    "Missing config. Run",
];

/// Reads a log. A log has no id of its own: it is named after its file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Gateway {}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "0")]
    first: Raw<'a>,
    #[serde(borrow, rename = "1")]
    second: Raw<'a>,
    #[serde(borrow, rename = "2")]
    third: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    time: Raw<'a>,
    #[serde(borrow, rename = "_meta")]
    meta: Loose<Meta<'a>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Meta<'a> {
    #[serde(borrow)]
    date: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Bindings {
    subsystem: String,
}

struct TextLine<'a> {
    at_ms: i64,
    subsystem: &'a str,
    message: &'a str,
}

impl FormatReader for Gateway {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        if record.starts_with('{') {
            let line: Line<'_> = raw::parse_line(record)?;
            let at = [line.time, line.meta.0.date];
            let at_ms = at.into_iter().find_map(|at| iso_to_ms(raw::inside(at)));
            let first = raw::string_head(line.first, MESSAGE_BYTES_MAX);
            let bindings = json::from_str::<Bindings>(&first).ok();
            let said = [line.message, line.third, line.second]
                .map(|said| raw::string_head(said, MESSAGE_BYTES_MAX));
            let said = said.into_iter().find(|said| !said.is_empty());
            let message = match &bindings {
                Some(_) => said.unwrap_or_default(),
                None => said.unwrap_or(first),
            };
            let subsystem = Cow::Owned(bindings.unwrap_or_default().subsystem);
            sink(at_ms, Body::Gateway(GatewayRecord { subsystem, message }));
        } else if let Some(line) = text_line(record) {
            let (subsystem, message) = (line.subsystem.into(), line.message.into());
            sink(
                Some(line.at_ms),
                Body::Gateway(GatewayRecord { subsystem, message }),
            );
        } else if let Some((at_ms, message)) = no_start(record) {
            let (subsystem, message) = ("gateway".into(), message.into());
            sink(at_ms, Body::Gateway(GatewayRecord { subsystem, message }));
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        None
    }
}

fn text_line(line: &str) -> Option<TextLine<'_>> {
    let (at, rest) = line.split_once(' ')?;
    let (subsystem, message) = rest.strip_prefix('[')?.split_once("] ")?;
    Some(TextLine {
        at_ms: iso_to_ms(at)?,
        subsystem,
        message,
    })
}

/// The time and the words of a line that says why there is no gateway.
fn no_start(line: &str) -> Option<(Option<i64>, &str)> {
    let timed = line
        .split_once(' ')
        .and_then(|(at, rest)| Some((iso_to_ms(at)?, rest)));
    let (at_ms, message) = timed.map_or((None, line), |(at_ms, rest)| (Some(at_ms), rest));
    NO_START
        .iter()
        .any(|start| message.starts_with(start))
        .then_some((at_ms, message))
}

fn is_known(subsystem: &str) -> bool {
    let part = subsystem.split(['/', ':']).next().unwrap_or(subsystem);
    SUBSYSTEMS.contains(&part)
}
