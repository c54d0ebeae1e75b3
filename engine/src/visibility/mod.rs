//! Finding runs: a small filter language, and what it means for one run.
//!
//! Reading order: [`query`] (what a query is), `lexer` and `parser` (text to query), `print` (query
//! to text), `matches` (whether a run is meant), [`error`] (what is wrong with a text, and where), `plan` (which parts of
//! the index are walked), [`list`] (lists and counts), [`delete`], [`retention`]. All of these but the last two are pure: the time comes in as an argument. The language is described in
//! `docs/VISIBILITY.md`.

pub mod delete;
pub mod error;
mod lexer;
pub mod list;
mod matches;
mod moment;
mod parser;
mod plan;
mod print;
pub mod query;
pub mod retention;

#[cfg(test)]
mod tests;

pub use error::QueryError;
pub use list::{Page, PageToken, Request};
pub use query::{Direction, Field, Filter, Literal, Operator, OrderBy, Query};
