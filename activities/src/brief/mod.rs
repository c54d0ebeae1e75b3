//! Research on one ticket: what may be cited, the actor's rules, the critic's rules.
//!
//! Reading order: [`snapshot`] (what may be cited), [`facts`] (the figures that follow from it),
//! [`knowledge`] (what is known of each class of error), [`write`](mod@write) (the actor's first
//! version), [`mend`](mod@mend) (its next ones), [`critic`] (who refuses), `sentences` and
//! `markdown` (how a brief is read and written). Pure: no files, no clock, no model.

pub mod critic;
pub mod facts;
pub mod knowledge;
mod markdown;
pub mod mend;
mod sentences;
pub mod snapshot;
pub mod write;

mod rules;

pub use critic::{Refusal, Review, review};
pub use rules::{BRIEF_PART, INSTRUCTIONS, REVIEW_PART, Rules, SNAPSHOT_PART};
pub use snapshot::{Citation, Snapshot};

#[cfg(test)]
mod tests;
