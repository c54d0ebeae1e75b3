//! What an agent keeps of itself and finds broken when it comes back: torn lines of sessions, state files that do not
//! parse, sessions that an index names and nobody has, two entries for one id.
//!
//! Neighbours: `mine` shows torn lines of sessions, [`crate::state_file`] what is in a state file. A line that is still
//! being written is no damage: only what has an end, or has more behind it, is.
//!
//! **Severity**: high when the agent forgets all that the file held, medium when it is one session or a few lines.

use super::recorder::{Cx, Finding, Quote};
use crate::event::floor_char;
use crate::signal::{Class, Kind, Severity};

const DETECTOR: &str = "state";
/// What the state of an agent is called where signals name a tool.
const TOOL: &str = "state";
/// How much of a damaged line is quoted, bytes.
const OPENING_BYTES: usize = 120;

/// One broken thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A whole line of a session file is half a line.
    TornLine,
    /// A line of a session file holds NUL bytes, as files do after the power was lost.
    NulLine,
    /// A state file ends in the middle.
    CutFile,
    /// A state file goes on behind its end: something shorter was written over it.
    DoubledFile,
    /// A state file holds NUL bytes.
    NulFile,
    /// An index names a session that was written and is not there.
    LostSession,
    /// Two entries of an index are the same session.
    SharedId,
    /// One entry stands twice in an index.
    SharedKey,
}

impl Fault {
    /// What a reason for skipping a line says about its file, when it says that the file is damaged.
    pub(crate) fn of_skipped_line(reason: &str) -> Option<Self> {
        match reason {
            "cut off in the middle of the line" => Some(Self::TornLine),
            "NUL bytes" => Some(Self::NulLine),
            _ => None,
        }
    }

    fn error_class(self) -> &'static str {
        match self {
            Self::TornLine | Self::NulLine => "damaged_session",
            Self::CutFile | Self::DoubledFile | Self::NulFile => "damaged_state_file",
            Self::LostSession => "lost_session",
            Self::SharedId | Self::SharedKey => "duplicate_id",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::CutFile | Self::DoubledFile | Self::NulFile => Severity::High,
            Self::TornLine
            | Self::NulLine
            | Self::LostSession
            | Self::SharedId
            | Self::SharedKey => Severity::Medium,
        }
    }

    /// What happened to `file`, in plain words.
    fn what(self, file: &str) -> String {
        match self {
            Self::TornLine => "session file damaged: a line ends in the middle".to_owned(),
            Self::NulLine => "session file damaged: NUL bytes in a line".to_owned(),
            Self::CutFile => format!("{file} damaged: it ends in the middle"),
            Self::DoubledFile => format!("{file} damaged: it goes on behind its end"),
            Self::NulFile => format!("{file} damaged: it holds NUL bytes"),
            Self::LostSession => {
                format!("{file} names a session whose transcript is not there")
            }
            Self::SharedId => format!("{file} gives two entries the same session"),
            Self::SharedKey => format!("{file} has the same entry twice"),
        }
    }
}

/// Tells of a fault on the current line. `file` is what the state file is called, `line` its text, `quote` the part
/// of it that shows the fault.
pub(crate) fn report(fault: Fault, file: &str, line: &str, quote: &str, cx: &mut Cx<'_>) {
    let what = fault.what(file);
    cx.find(&Finding {
        detector: DETECTOR,
        kind: Kind::Error,
        class: Class::Defect,
        tool: TOOL,
        error_class: fault.error_class(),
        message: &what,
        summary: &what,
        severity: fault.severity(),
        confidence: 0.9,
        tags: &["state_corruption"],
        quote: Some(Quote {
            role: "system",
            text: line,
            quote,
        }),
        earlier: &[],
        keeps_repeats: true,
    });
}

/// Tells of a line of a session that is damaged. Its beginning is the evidence: it says which record it was.
pub(super) fn on_damaged_line(fault: Fault, line: &str, cx: &mut Cx<'_>) {
    report(fault, "", line, opening(line), cx);
}

/// The beginning of a damaged line, without half a value at its end: the scrubber knows a secret by the words before it and
/// by its whole length.
pub(crate) fn opening(line: &str) -> &str {
    let line = line.split('\0').find(|part| !part.trim().is_empty());
    let line = line.unwrap_or_default().trim();
    let cut = &line[..floor_char(line, OPENING_BYTES)];
    match cut.rfind([',', ' ']).or_else(|| cut.find(':')) {
        Some(end) if end > 0 => cut[..end].trim_end(),
        Some(_) | None => cut.get(..1).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_value_is_not_quoted() {
        let check = |line: &str, want: &str| assert_eq!(opening(line), want, "{line}");
        check(
            "{\"type\":\"message\",\"id\":\"a1\",\"key\":\"sk-half",
            "{\"type\":\"message\",\"id\":\"a1\"",
        );
        check("{\"password\":\"half", "{\"password\"");
        check("\0\0\0{\"id\":\"b2\",\"x\":\0\0", "{\"id\":\"b2\"");
        check("sk-abcdefgh", "s");
        check("", "");
        check("ä", "");
    }
}
