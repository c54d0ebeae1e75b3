//! What is wrong with the text of a query: where, and what would be right there.

use std::fmt;

/// Characters of a long query that are shown on either side of the fault.
const SHOWN_AROUND: usize = 56;

/// The text of a query is not one. Its Display has three lines: what was expected, the query, and a
/// caret below the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// The text.
    pub query: String,
    /// Where it stops making sense: characters from 1; one past the end for a text that ends early.
    pub column: usize,
    /// What is there instead.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl QueryError {
    /// An error at a byte of a text.
    pub(super) fn at(query: &str, byte: usize, found: String, expected: String) -> Self {
        let before = query.get(..byte).unwrap_or(query);
        Self {
            query: query.to_owned(),
            column: before.chars().count() + 1,
            found,
            expected,
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            column,
            found,
            expected,
            ..
        } = self;
        writeln!(
            f,
            "read the query: column {column}: expected {expected}, found {found}"
        )?;
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let first = column.saturating_sub(SHOWN_AROUND + 1);
        let shown: String = self.query.chars().map(plain).skip(first).collect();
        let is_cut = shown.chars().count() > 2 * SHOWN_AROUND;
        let shown: String = shown.chars().take(2 * SHOWN_AROUND).collect();
        let (before, after) = (
            if first > 0 { "..." } else { "" },
            if is_cut { "..." } else { "" },
        );
        writeln!(f, "    {before}{shown}{after}")?;
        let spaces = before.len() + column - 1 - first;
        write!(f, "    {}^", " ".repeat(spaces))
    }
}

impl std::error::Error for QueryError {}
