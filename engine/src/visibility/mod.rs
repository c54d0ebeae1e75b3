//! Finding runs: a small filter language, and what it means for one run.
//!
//! Reading order: [`query`] (what a query is), `lexer` and `parser` (text to query), `print` (query
//! to text), `matches` (whether a run is meant), [`error`] (what is wrong with a text, and where).
//! All of these are pure: the time comes in as an argument. The language is described in
//! `docs/VISIBILITY.md`.

pub mod error;
mod lexer;
mod matches;
mod moment;
mod parser;
mod print;
pub mod query;

#[cfg(test)]
mod tests;

pub use error::QueryError;
pub use query::{Direction, Field, Filter, Literal, Operator, OrderBy, Query};
