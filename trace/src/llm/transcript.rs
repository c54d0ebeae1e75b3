//! A session as text that may leave the process: one entry an event, scrubbed, long ones cut.
//!
//! Neighbours: [`crate::mine::mine_with_transcript`] feeds it the events that the detectors see. Must not know models.

use std::borrow::Cow;

use crate::event::{Body, SessionEvent, Text, floor_char};
use crate::hash;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::scrub::{Scrubbed, Scrubber};

/// Longest text of one entry, bytes. What a person says is rarely longer; results of tools are cut in their middle.
pub const ENTRY_BYTES_MAX: usize = 6 * 1024;
/// How much of the end of a long text is kept, bytes.
const TAIL_BYTES: usize = 1_536;
/// Text that is scrubbed beyond a cut and then dropped, so that no secret is cut into an unknown shape. Bytes.
const MARGIN_BYTES: usize = 16 * 1024;
/// Most entries of one session.
pub const ENTRIES_MAX: usize = 20_000;
/// Most bytes of text of one session.
pub const TEXT_BYTES_MAX: usize = 32 << 20;
const TOOL_BYTES_MAX: usize = 120;
/// How much readers keep of what the model says, bytes.
const SPOKEN_KEPT: usize = 1_024;
/// Longest word at the end of a text that is surely no part of a secret, bytes.
const PLAIN_WORD_BYTES_MAX: usize = 20;
/// Words at the end of a text that are dropped at most.
const ODD_WORDS_MAX: usize = 12;

/// Who speaks in an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The user role.
    User,
    /// What the model said.
    Assistant,
    /// What the model asked a tool to do.
    Call,
    /// What a tool answered.
    Result,
    /// The harness or the provider.
    System,
}

impl Role {
    /// The name in prompts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Call => "tool call",
            Self::Result => "tool result",
            Self::System => "system",
        }
    }

    /// The name in evidence.
    #[must_use]
    pub fn evidence_name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant | Self::Call => "assistant",
            Self::Result => "tool",
            Self::System => "system",
        }
    }
}

/// One event as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Line in the file, from 1.
    pub line: u64,
    /// Milliseconds since 1970 in UTC, when the line says.
    pub at_ms: Option<i64>,
    /// Who speaks.
    pub role: Role,
    /// The tool of a call or a result, else empty.
    pub tool: Scrubbed,
    /// What is shown. Quotes are looked for in here.
    pub text: Scrubbed,
    /// `sha256:` and 16 hex digits of the raw line.
    pub digest: String,
    /// Whether the middle of the text was left out.
    pub is_cut: bool,
}

impl Entry {
    /// Whether a chunk may begin here: where a person or the model begins to speak, never between a call and its result.
    fn begins_turn(&self, before: Option<&Self>) -> bool {
        match self.role {
            Role::User | Role::Assistant => true,
            Role::Call => before.is_none_or(|b| matches!(b.role, Role::Result | Role::System)),
            Role::Result | Role::System => false,
        }
    }
}

/// A session as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// In file order, empty texts left out.
    pub entries: Vec<Entry>,
    /// Entries whose middle was left out.
    pub entries_cut: u64,
    /// Entries beyond [`ENTRIES_MAX`] or [`TEXT_BYTES_MAX`], not shown at all.
    pub entries_beyond: u64,
    /// Entries of which the scrubber left nothing but placeholders, not shown.
    pub entries_scrubbed: u64,
    text_bytes: usize,
}

impl Transcript {
    /// Whether a chunk may begin at an entry.
    pub(crate) fn is_border(&self, index: usize) -> bool {
        let before = index.checked_sub(1).and_then(|i| self.entries.get(i));
        let entry = self.entries.get(index);
        entry.is_some_and(|entry| entry.begins_turn(before))
    }

    /// Adds an event; `raw` is its line.
    pub(crate) fn push(&mut self, event: &SessionEvent<'_>, raw: &[u8]) {
        let Shown { role, tool, text } = shown(&event.body);
        if text.is_blank() {
            return;
        }
        if self.entries.len() >= ENTRIES_MAX || self.text_bytes >= TEXT_BYTES_MAX {
            self.entries_beyond += 1;
            return;
        }
        let (text, is_cut) = text.scrubbed(role);
        if text.is_only_placeholders() {
            self.entries_scrubbed += 1;
            return;
        }
        self.entries_cut += u64::from(is_cut);
        self.text_bytes += text.len();
        let tool = &tool[..floor_char(tool, TOOL_BYTES_MAX)];
        self.entries.push(Entry {
            line: event.line,
            at_ms: event.at_ms,
            role,
            tool: Scrubber::shared().scrub(tool),
            text,
            digest: format!("sha256:{}", hash::short_hex(raw, 16)),
            is_cut,
        });
    }
}

/// What is shown of an event, not scrubbed yet.
struct Shown<'e> {
    role: Role,
    tool: &'e str,
    text: Source<'e>,
}

/// A text in one of the two forms that events have.
enum Source<'e> {
    Plain(Cow<'e, str>),
    Escaped(Text<'e>),
}

impl Source<'_> {
    fn is_blank(&self) -> bool {
        match self {
            Self::Plain(text) => text.trim().is_empty(),
            Self::Escaped(text) => text.is_empty(),
        }
    }

    /// The text as it may be shown, and whether something was left out.
    fn scrubbed(&self, role: Role) -> (Scrubbed, bool) {
        let window = ENTRY_BYTES_MAX + MARGIN_BYTES;
        match self {
            Self::Plain(text) if text.len() <= window && may_be_cut(role, text.len()) => {
                cut(without_half_secret(text))
            }
            Self::Plain(text) if text.len() <= window => cut(text),
            Self::Plain(text) => {
                let tail = text.len() - floor_char(text, TAIL_BYTES + MARGIN_BYTES);
                let tail = ceil_char(text, tail);
                joined(&text[..floor_char(text, window)], &text[tail..])
            }
            // Escapes make a text longer, never shorter, so twice the window is enough to see a whole short one.
            Self::Escaped(text) if text.last.is_empty() && text.first.len() <= 2 * window => {
                cut(&text.head(usize::MAX))
            }
            Self::Escaped(text) => {
                joined(&text.head(window), &text.tail(TAIL_BYTES + MARGIN_BYTES))
            }
        }
    }
}

/// Readers keep the beginning of long texts only, and know nothing of secrets: what ends a text that may have been cut
/// could be half a secret, which nobody would know for one. It goes, back to the first plain word.
fn without_half_secret(text: &str) -> &str {
    let mut rest = text.trim_end();
    for _ in 0..ODD_WORDS_MAX {
        let space = rest.char_indices().rfind(|(_, c)| c.is_whitespace());
        let start = space.map_or(0, |(at, c)| at + c.len_utf8());
        let word = rest[start..].trim_matches(|c: char| c.is_ascii_punctuation());
        if word.len() <= PLAIN_WORD_BYTES_MAX && word.chars().all(char::is_alphabetic) {
            break;
        }
        rest = rest[..start].trim_end();
    }
    rest
}

/// Whether a text may be the beginning of a longer one. Six bytes of an escape can be one byte of text, so the length of
/// what is left says little.
fn may_be_cut(role: Role, bytes: usize) -> bool {
    match role {
        Role::Assistant => (SPOKEN_KEPT / 6..=SPOKEN_KEPT).contains(&bytes),
        Role::User | Role::System => bytes >= MESSAGE_BYTES_MAX / 6,
        Role::Call | Role::Result => false,
    }
}

/// Scrubs a whole text, then leaves out its middle when it is long.
fn cut(text: &str) -> (Scrubbed, bool) {
    let scrubbed = Scrubber::shared().scrub(text);
    if scrubbed.len() <= ENTRY_BYTES_MAX {
        return (scrubbed, false);
    }
    (around(&scrubbed, &scrubbed), true)
}

/// Scrubs both ends of a text whose middle was not read, then drops what was read for the scrubber's sake only.
fn joined(head: &str, tail: &str) -> (Scrubbed, bool) {
    let scrubber = Scrubber::shared();
    (around(&scrubber.scrub(head), &scrubber.scrub(tail)), true)
}

/// The beginning of one text and the end of another.
fn around(head: &Scrubbed, tail: &Scrubbed) -> Scrubbed {
    let head = head.truncated(ENTRY_BYTES_MAX - TAIL_BYTES);
    let from = ceil_char(tail, tail.len().saturating_sub(TAIL_BYTES));
    // A cut inside a placeholder would leave a scrap of it: begin at the next word.
    let from = tail[from..]
        .find(char::is_whitespace)
        .map_or(tail.len(), |space| from + space);
    Scrubbed::assembled(format!("{head}\n[... left out ...]\n{}", &tail[from..]))
}

fn ceil_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

fn shown<'e>(body: &'e Body<'_>) -> Shown<'e> {
    let plain = |role, text: &'e str| Shown {
        role,
        tool: "",
        text: Source::Plain(Cow::Borrowed(text)),
    };
    match body {
        Body::User(turn) => plain(Role::User, &turn.text),
        Body::Assistant(turn) => plain(Role::Assistant, &turn.text),
        Body::ToolCall(call) => Shown {
            tool: &call.name,
            ..plain(Role::Call, call.args)
        },
        Body::ToolResult(result) => Shown {
            role: Role::Result,
            tool: &result.tool,
            text: if result.error.is_empty() {
                Source::Escaped(result.text)
            } else {
                let text = result.text.head(ENTRY_BYTES_MAX + MARGIN_BYTES);
                Source::Plain(Cow::Owned(format!("{}\n{text}", result.error)))
            },
        },
        Body::ProviderError(error) => plain(Role::System, &error.message),
        Body::Interrupt(text) => plain(Role::User, text),
        Body::Notice(notice) => plain(Role::System, &notice.text),
        Body::Gateway(record) => plain(Role::System, &record.message),
        Body::CronRun(run) => {
            let parts = [&run.error, &run.delivery_error, &run.summary];
            let said: Vec<&str> = parts
                .iter()
                .map(|p| p.as_ref())
                .filter(|p| !p.is_empty())
                .collect();
            Shown {
                role: Role::System,
                tool: "",
                text: Source::Plain(Cow::Owned(said.join("\n"))),
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::event::{AssistantTurn, ToolResult, UserTurn};

    pub(crate) fn entry(role: Role, line: u64, text: &str) -> Entry {
        Entry {
            line,
            at_ms: Some(1_772_323_199_999),
            role,
            tool: if matches!(role, Role::Call | Role::Result) {
                "exec".into()
            } else {
                "".into()
            },
            text: text.into(),
            digest: "sha256:0123456789abcdef".to_owned(),
            is_cut: false,
        }
    }

    pub(crate) fn transcript(entries: Vec<Entry>) -> Transcript {
        Transcript {
            entries,
            ..Transcript::default()
        }
    }

    fn user(text: &str) -> Scrubbed {
        let mut transcript = Transcript::default();
        let turn = UserTurn {
            text: text.into(),
            ..UserTurn::default()
        };
        let event = SessionEvent {
            line: 1,
            at_ms: None,
            body: Body::User(turn),
        };
        transcript.push(&event, b"raw");
        transcript
            .entries
            .pop()
            .map(|entry| entry.text)
            .unwrap_or_default()
    }

    const KEY: &str = "sk-ant-api03-Zk3vQ9xT7mB2nR8wL5pY1cD6fH4jK0sAaBbCcDdEeFf1122334455";

    #[test]
    fn a_secret_never_shows_wherever_a_cut_falls() {
        for before in (0..48 * 1024)
            .step_by(509)
            .chain([4_590, 4_600, 4_608, 4_620, 22_500, 22_528])
        {
            let text = format!(
                "{} {KEY} {}",
                "word ".repeat(before / 5),
                "tail ".repeat(6_000)
            );
            let shown = user(&text);
            for from in (0..KEY.len() - 12).step_by(4).skip(3) {
                assert!(!shown.contains(&KEY[from..from + 12]), "{before}: {from}");
            }
            assert!(shown.len() <= ENTRY_BYTES_MAX + 32, "{}", shown.len());
        }
    }

    #[test]
    fn a_secret_in_an_escaped_result_never_shows_either() {
        for before in (0..40 * 1024).step_by(1_021) {
            let raw = format!(
                "{} {KEY}\\n{}",
                "w\\n".repeat(before / 3),
                "tail ".repeat(9_000)
            );
            let mut transcript = Transcript::default();
            let result = ToolResult {
                text: Text {
                    first: &raw,
                    last: "",
                },
                ..ToolResult::default()
            };
            let event = SessionEvent {
                line: 1,
                at_ms: None,
                body: Body::ToolResult(result),
            };
            transcript.push(&event, b"raw");
            let shown = &transcript.entries[0].text;
            assert!(!shown.contains(&KEY[16..40]), "{before}");
            assert_eq!(transcript.entries_cut, 1);
        }
    }

    #[test]
    fn what_may_be_half_a_secret_goes_and_plain_words_stay() {
        for (text, want) in [
            ("we then used the key sk-ant-api0", "we then used the key"),
            ("write to kim.lee@exam", "write to"),
            ("the card 4111 1111 11", "the card"),
            (
                "the report stays (in drafts).",
                "the report stays (in drafts).",
            ),
            ("", ""),
            ("é7\u{a0}ü8", ""),
        ] {
            assert_eq!(without_half_secret(text), want);
        }
        for kept in 1..KEY.len() {
            let text = format!("{}the key {}", "é ".repeat(200), &KEY[..kept]);
            let turn = AssistantTurn {
                text: text.into(),
                ..AssistantTurn::default()
            };
            let event = SessionEvent {
                line: 1,
                at_ms: None,
                body: Body::Assistant(turn),
            };
            let mut transcript = Transcript::default();
            transcript.push(&event, b"raw");
            let shown = &transcript.entries[0].text;
            assert!(kept < 4 || !shown.contains(&KEY[..kept]), "{shown}");
        }
    }

    #[test]
    fn short_texts_are_whole_and_blank_ones_are_left_out() {
        assert_eq!(user("please try again"), "please try again");
        assert_eq!(user("  \n"), "");
        assert_eq!(user(KEY), "", "nothing is left of it");
    }
}
