//! What the terminal is like: how wide, and whether it shows colours.

use std::io::IsTerminal;

use trace::report::Colour;

/// Columns when nobody says how many there are.
const WIDTH: usize = 120;

/// The columns for text: what the user says in `COLUMNS`, else the terminal's own, else a width
/// that suits a file.
pub(crate) fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|v| v.parse().ok());
    said.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|columns| (20..=500).contains(columns))
        .unwrap_or(WIDTH)
}

/// Colours only for a person at a terminal who has not declined them (`NO_COLOR`).
pub(crate) fn colour() -> Colour {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if std::io::stdout().is_terminal() && !declined && !is_dumb {
        Colour::Ansi
    } else {
        Colour::Plain
    }
}
