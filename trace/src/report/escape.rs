//! Makes traced text harmless for each kind of reader.
//!
//! Neighbours: every writer of reports and tickets. Must not decide what is shown.

/// One line of visible text: control, direction and invisible characters are gone, white space is
/// single. Safe for a terminal and for a title.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || (c.is_control() && c != '\u{1b}') {
            if !line.ends_with(' ') && !line.is_empty() {
                line.push(' ');
            }
        } else if !is_invisible(c) {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Lines of visible text; tabs are spaces.
fn lines(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => clean.push('\n'),
            '\t' => clean.push_str("  "),
            c if c.is_control() || is_invisible(c) => {}
            c => clean.push(c),
        }
    }
    clean
}

/// Escape, direction marks, joiners, tags and other characters that show nothing themselves and
/// change what is shown.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{1b}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Text for an HTML element or a quoted attribute.
pub(crate) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for c in lines(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A code span for the cell of a Markdown table, where a `|` would end the cell.
pub(crate) fn cell_span(text: &str) -> String {
    code_span(&text.replace('|', "\u{a6}"))
}

/// A Markdown code span: the text shows as it is, without links, mentions, images or HTML.
pub(crate) fn code_span(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&line, '`') + 1);
    // A space inside keeps a backtick at the edge from joining the fence.
    let edge = if line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{edge}{line}{edge}{fence}")
}

/// A Markdown block that shows text as data; the fence is longer than any in the text.
pub(crate) fn code_block(text: &str) -> String {
    let body = lines(text);
    let fence = "`".repeat(longest_run(&body, '`').max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", body.trim_end_matches('\n'))
}

fn longest_run(text: &str, mark: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == mark { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Columns that a character takes on a terminal.
pub(crate) fn columns_of(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f
        | 0x483..=0x489
        | 0x591..=0x5bd
        | 0x610..=0x61a
        | 0x64b..=0x65f
        | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff
        | 0x20d0..=0x20ff
        | 0xfe00..=0xfe0f
        | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x231a..=0x231b
        | 0x23e9..=0x23f3
        | 0x25fd..=0x25fe
        | 0x2614..=0x2615
        | 0x2648..=0x2653
        | 0x26a1
        | 0x26aa..=0x26ab
        | 0x2705
        | 0x270a..=0x270b
        | 0x2728
        | 0x274c
        | 0x274e
        | 0x2753..=0x2757
        | 0x2795..=0x2797
        | 0x2b50
        | 0x2b55
        | 0x2e80..=0x303e
        | 0x3041..=0x33ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xa000..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe4f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x1fa70..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// One visible line of at most `columns_max` columns, with `…` where it was cut.
pub(crate) fn fit(text: &str, columns_max: usize) -> String {
    let line = one_line(text);
    let total: usize = line.chars().map(columns_of).sum();
    if total <= columns_max {
        return line;
    }
    let mut kept = String::new();
    let mut columns = 0;
    for c in line.chars() {
        columns += columns_of(c);
        if columns >= columns_max {
            break;
        }
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    if columns_max > 0 {
        kept.push('…');
    }
    kept
}

/// The line and spaces up to `columns` columns.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let mut line = fit(text, columns);
    let used: usize = line.chars().map(columns_of).sum();
    line.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    line
}
