//! Secrets and personal data are replaced before any text leaves the process.
//!
//! Reading order: [`Scrubber`] (the whole pass), `prefixes` (tokens that name their maker), `context` (values that stand
//! beside words such as `password`) with `spoken` (in sentences) and `syntax` (in programs), `vocabulary` (those words), `words`
//! (what stands around them), `value` (what can stand beside them), `code` (what programs write there), `commands` (passwords given
//! to programs) with `layouts` (headings and what stands below), `manifest` (documents of secrets), `sections` (parts of
//! configuration for secrets), `structures` (key blocks, web tokens, addresses with credentials), `pii` with `phone`, `iban`,
//! `digits` (of other scripts) and `versions` (that look like addresses), `account` (names in logins), `homes` (and in paths), `near` (bounded looks beside a place), `check` (checksums
//! and shape of values), `placeholder` (what is written instead), [`Scrubbed`] (the type that proves it was done),
//! [`Leaves`] (the documents that may become files).
//! Must not know where the text came from or where it goes.

mod account;
mod check;
mod code;
mod commands;
mod context;
mod digits;
mod homes;
mod iban;
mod layouts;
mod leaves;
mod logins;
mod manifest;
mod near;
mod pattern;
mod phone;
mod phrase;
mod pii;
mod placeholder;
mod prefixes;
mod rows;
mod scrubber;
mod sections;
mod spoken;
mod structures;
mod syntax;
mod text;
mod value;
mod versions;
mod vocabulary;
mod words;

pub use leaves::{Leaves, json_lines, json_pretty};
pub use scrubber::Scrubber;
pub(crate) use text::kept;
pub use text::{Scrubbed, stored};

#[cfg(test)]
mod tests;
