//! What people read: a terminal table, a Markdown rollup, a page.
//!
//! Neighbours: reads [`crate::rollup`] and signals. `escape` is the only way for traced text into
//! any of them: sessions are hostile. Must not know the clock, so that the same run gives the same bytes.

pub(crate) mod escape;
mod html;
mod markdown;
mod table;
pub(crate) mod view;

pub use html::report_html;
pub use markdown::rollup_md;
pub use table::{Colour, table};

#[cfg(test)]
mod tests;
