//! Documents that may leave the process: all traced text in them is [`Scrubbed`], the rest is the program's own.
//!
//! Neighbours: whoever writes a file asks for [`json_lines`] or [`json_pretty`] of one. Must not know where they go.

use serde::Serialize;

use super::Scrubbed;
use crate::llm::coverage::Coverage;
use crate::rollup::RollupDocument;
use crate::signal::MinedSignal;
use crate::ticket::Ticket;

/// A document whose traced text is scrubbed. Only this crate can say so, below.
///
/// ```compile_fail
/// struct Note { text: String }
/// impl trace::scrub::Leaves for Note {}
/// ```
pub trait Leaves: Serialize + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for MinedSignal {}
impl Leaves for MinedSignal {}
impl sealed::Sealed for RollupDocument {}
impl Leaves for RollupDocument {}
impl sealed::Sealed for Ticket {}
impl Leaves for Ticket {}
impl sealed::Sealed for Coverage {}
impl Leaves for Coverage {}

/// One JSON value a line, as in `signals.jsonl`.
///
/// # Errors
/// When a value cannot be JSON.
pub fn json_lines<T: Leaves>(values: &[T]) -> serde_json::Result<Scrubbed<Vec<u8>>> {
    let mut bytes = Vec::new();
    for value in values {
        serde_json::to_writer(&mut bytes, value)?;
        bytes.push(b'\n');
    }
    Ok(Scrubbed::assembled(bytes))
}

/// One document for people and programs, as in `rollup.json`.
///
/// # Errors
/// When the value cannot be JSON.
pub fn json_pretty<T: Leaves>(value: &T) -> serde_json::Result<Scrubbed<Vec<u8>>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(Scrubbed::assembled(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollup::{Builder, SessionCounts};

    /// Fails to compile when a field that holds traced text becomes a plain string.
    #[test]
    fn traced_text_is_scrubbed_by_its_type() {
        let clean = |_: &Scrubbed| ();
        let signal = crate::rollup::tests::signal("a", 1, "timeout");
        clean(&signal.session_id);
        clean(&signal.source.file);
        clean(&signal.tool);
        clean(&signal.summary);
        clean(&signal.signature);
        clean(&signal.message);
        clean(&signal.evidence[0].quote);
        let mut builder = Builder::new();
        let signals = [signal];
        builder.add_session(SessionCounts::default(), &signals);
        let document = builder.finish();
        let rollup = &document.rollups[0];
        clean(&rollup.signature);
        clean(&rollup.summary);
        clean(&rollup.tool);
        clean(&rollup.samples[0].session_id);
        let tickets = crate::ticket::tickets_from(&document, &signals, 1);
        let ticket = &tickets[0];
        clean(&ticket.title);
        clean(&ticket.body);
        clean(&ticket.repro_steps[0]);
        clean(&ticket.evidence[0].quote);
        assert_eq!(json_lines(&tickets).unwrap().get().last(), Some(&b'\n'));
    }
}
