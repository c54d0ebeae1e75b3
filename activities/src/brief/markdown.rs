//! How traced text enters a brief: as data that neither Markdown nor a reader can take for more.
//!
//! Neighbours: the actor writes with this, `sentences` reads it back. Must not choose any words.

/// Text without characters that show nothing themselves and change what is shown: controls,
/// direction marks, joiners. Line ends stay.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| *c == '\n' || !(c.is_control() || is_invisible(*c)))
        .collect()
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The first line with something in it.
pub(super) fn first_line(text: &str) -> &str {
    let lines = text.lines().map(str::trim);
    lines
        .into_iter()
        .find(|line| !line.is_empty())
        .unwrap_or("")
}

/// A code span of one line. Empty for an empty text.
pub(super) fn span(line: &str) -> String {
    let line = visible(line).replace('\n', " ");
    if line.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    let is_edged = line.starts_with(['`', ' ']) || line.ends_with(['`', ' ']);
    let edge = if is_edged { " " } else { "" };
    format!("{fence}{edge}{line}{edge}{fence}")
}

/// A fenced block; the fence is longer than any row of backticks in the text.
pub(super) fn block(text: &str) -> String {
    let text = visible(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Text in a heading: one line, without the marks that start links, code or HTML.
pub(super) fn heading(text: &str) -> String {
    let line = visible(text).replace('\n', " ");
    line.chars()
        .map(|c| if "`<>[]|*_#\\".contains(c) { ' ' } else { c })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
