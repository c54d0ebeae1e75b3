//! Tells what a person typed from what harnesses wrap around it.
//!
//! Most turns in the user role are not typed by anybody: schedules, heartbeats, system lines, reminders. Whoever
//! looks for feelings in those finds the harness's prose. Neighbours: the formats. Must not know about detectors.

use std::borrow::Cow;
use std::str::Lines;

use super::harness::{self, Harness};
use crate::event::{Notice, NoticeKind};

/// A user turn taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unwrapped {
    /// The human words, lines joined as they stood.
    pub(crate) human: String,
    /// Whether the turn came from a group.
    pub(crate) group: bool,
    /// Whether a chat message's id or sender came with it, which only a person's message has.
    pub(crate) has_sender: bool,
    /// Whether the envelope was a bare date, as agents get it from other agents and from the web interface.
    pub(crate) bare_date: bool,
}

/// Takes an OpenClaw user turn apart; system lines go to `notice`.
pub(crate) fn unwrap_openclaw(text: &str, notice: &mut dyn FnMut(Notice)) -> Unwrapped {
    let mut out = Unwrapped::default();
    let mut lines = text.lines();
    let mut kept: Vec<&str> = Vec::new();
    let mut enclosed = Enclosed::of(harness::OPENCLAW_ENCLOSED);
    while let Some(line) = lines.next() {
        let mut line = line.trim_end();
        // A date or channel in brackets opens the human's own words, or hides another envelope.
        if let Some((rest, bare_date)) = strip_bracket_date(line.trim_start()) {
            out.bare_date |= bare_date;
            out.has_sender |= !bare_date;
            line = rest;
        }
        line = strip_sender_id(line);
        let trimmed = line.trim_start();
        let begins = |starts: &[&str]| starts.iter().any(|start| trimmed.starts_with(start));
        if is_untrusted_heading(trimmed) {
            out.has_sender |= trimmed.starts_with("Conversation info");
            out.group |= skip_context(trimmed, &mut lines);
        } else if let Some(rest) = strip_system(trimmed) {
            let mut body = rest.to_owned();
            while let Some(next) = peek(&lines).filter(|next| !next.trim().is_empty()) {
                if strip_system(next.trim_start()).is_some() {
                    break;
                }
                body.push('\n');
                body.push_str(next);
                lines.next();
            }
            notice(Notice {
                kind: notice_kind(&body),
                text: body,
            });
        } else if trimmed.starts_with("[Chat messages since your last reply")
            || trimmed.starts_with("[Recent chat messages - for context]")
        {
            for inside in lines.by_ref() {
                if inside.starts_with("[Current message") {
                    break;
                }
            }
            out.group = true;
        } else if begins(harness::OPENCLAW_STARTS)
            || (begins(harness::OPENCLAW_OPENINGS)
                && kept.iter().all(|line| line.trim().is_empty()))
        {
            background_failures(text, notice);
            break;
        } else if enclosed.skip(trimmed, &mut lines) {
            // A quote, a document, or the harness's own context.
        } else if begins(harness::OPENCLAW_LINES) {
            out.has_sender |=
                trimmed.starts_with("[message_id:") || trimmed.starts_with("Queued #");
        } else if trimmed != "---" {
            kept.push(line);
        }
    }
    out.human = kept.join("\n").trim().to_owned();
    if !out.has_sender && out.bare_date && looks_like_a_task_sheet(&out.human) {
        out.human.clear();
    }
    if out.human == harness::OPENCLAW_HATCHED {
        out.human.clear();
    }
    out
}

fn peek<'t>(lines: &Lines<'t>) -> Option<&'t str> {
    lines.clone().next()
}

/// Goes past what stands below a heading of OpenClaw's, and gives back whether it tells of a group.
fn skip_context(heading: &str, lines: &mut Lines<'_>) -> bool {
    let mut is_group = false;
    if peek(lines).is_some_and(|next| next.starts_with("```")) {
        lines.next();
        for inside in lines.by_ref() {
            is_group |= inside.contains("\"is_group_chat\": true");
            if inside.trim_end() == "```" {
                break;
            }
        }
    } else if heading.ends_with(harness::OPENCLAW_MARK) {
        // What others said before, one a line.
        while peek(lines).is_some_and(|next| !next.trim().is_empty()) {
            lines.next();
        }
    }
    is_group
}

/// An agent starting another one writes a structured task; a person chatting does not.
fn looks_like_a_task_sheet(human: &str) -> bool {
    let structured = human.lines().skip(1).any(|line| {
        let line = line.trim_start();
        line.starts_with("## ")
            || line.starts_with("- ")
            || line.starts_with("1. ")
            || line.starts_with("```")
            || line.trim_end().ends_with(':')
    });
    (human.starts_with("You are ") && human.len() > 80) || (structured && human.len() > 120)
}

/// Takes `ou_5f3a...: ` off a line: a chat's id for the sender.
fn strip_sender_id(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("ou_") else {
        return line;
    };
    match rest.split_once(": ") {
        Some((id, words)) if id.len() >= 16 && id.bytes().all(|b| b.is_ascii_hexdigit()) => words,
        Some(_) | None => line,
    }
}

fn is_untrusted_heading(line: &str) -> bool {
    let is_untrusted = line.ends_with("):") && line.contains(" (untrusted");
    (is_untrusted || line.ends_with(harness::OPENCLAW_MARK)) && line.len() < 120
}

fn strip_system(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("System")?;
    let rest = rest
        .strip_prefix(" (untrusted)")
        .unwrap_or(rest)
        .strip_prefix(": ")?;
    let Some(dated) = rest.strip_prefix('[') else {
        return Some(rest);
    };
    dated.split_once("] ").map(|(_, text)| text).or(Some(""))
}

/// Takes `[Wed 2026-02-04 13:41 GMT+11] ` or `[Telegram ann id:1 +2m 2026-02-04 13:41 UTC] ` off a line.
/// Gives the rest and whether nothing but a date was in the brackets.
fn strip_bracket_date(line: &str) -> Option<(&str, bool)> {
    let inside = line.strip_prefix('[')?;
    let (head, rest) = inside.split_once(']')?;
    if head.len() > 200 || !has_date_and_time(head) {
        return None;
    }
    let first = head.split(' ').next().unwrap_or("");
    let is_day = matches!(first, "Mon" | "Tue" | "Wed" | "Thu" | "Fri" | "Sat" | "Sun");
    let starts_with_digit = first.starts_with(|c: char| c.is_ascii_digit());
    Some((rest.trim_start(), is_day || starts_with_digit))
}

fn has_date_and_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(9)).any(|at| {
        let window = &bytes[at..at + 10];
        window.iter().enumerate().all(|(i, b)| match i {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        })
    })
}

fn notice_kind(body: &str) -> NoticeKind {
    if body.starts_with("Cron (error)") {
        NoticeKind::CronError
    } else if body.starts_with("Exec failed") {
        NoticeKind::ExecFailed
    } else if body.starts_with("Exec denied") {
        NoticeKind::ExecDenied
    } else {
        NoticeKind::Other
    }
}

/// Finds refusals and failures of background commands inside the prose that reports them.
fn background_failures(text: &str, notice: &mut dyn FnMut(Notice)) {
    for line in text.lines().map(str::trim) {
        let kind = notice_kind(line);
        if matches!(kind, NoticeKind::ExecFailed | NoticeKind::ExecDenied) {
            notice(Notice {
                kind,
                text: line.to_owned(),
            });
        }
    }
}

/// What a person typed in a turn of a coding harness.
pub(crate) fn unwrap_coding<'t>(text: &'t str, by: &Harness) -> Cow<'t, str> {
    let mut trimmed = text.trim();
    let starts = harness::STARTS.iter().chain(by.starts);
    if starts.into_iter().any(|start| trimmed.starts_with(start)) {
        return Cow::Borrowed("");
    }
    for (start, heading) in by.headings {
        if trimmed.starts_with(start) {
            trimmed = after_heading(trimmed, heading).unwrap_or(trimmed);
        }
    }
    let human = without_tags(trimmed, by);
    match without_lines(&human, by) {
        Some(kept) => Cow::Owned(kept),
        None => human,
    }
}

/// What stands below the last line that is `heading`.
fn after_heading<'t>(text: &'t str, heading: &str) -> Option<&'t str> {
    text.rmatch_indices(heading).find_map(|(at, _)| {
        let (before, after) = text.split_at(at);
        let is_line = before.is_empty() || before.ends_with('\n');
        let below = after[heading.len()..].trim_start_matches([' ', '\r']);
        (is_line && (below.is_empty() || below.starts_with('\n'))).then(|| below.trim())
    })
}

fn without_tags<'t>(trimmed: &'t str, by: &Harness) -> Cow<'t, str> {
    if !trimmed.contains('<') {
        return Cow::Borrowed(trimmed);
    }
    // Some harnesses tag the person's words among their own context.
    if let Some(query) = between(trimmed, "<user_query>", "</user_query>") {
        return Cow::Borrowed(query.trim());
    }
    // The arguments of a slash command are the person's own words.
    let arguments = between(trimmed, "<command-args>", "</command-args>")
        .unwrap_or("")
        .trim();
    let mut kept = String::new();
    let mut rest = trimmed;
    let mut never_closed: Vec<&str> = Vec::new();
    while let Some(at) = rest.find('<') {
        let (before, tagged) = rest.split_at(at);
        kept.push_str(before);
        let mut tags = harness::TAGS.iter().chain(by.tags);
        let tag = tags.find(|tag| opens(tagged, tag) && !never_closed.contains(*tag));
        let after = tag.and_then(|tag| {
            let close = format!("</{tag}>");
            match tagged.find(&close) {
                Some(end) => Some(&tagged[end + close.len()..]),
                // What was cut off is the harness's; within a line a person speaks of it.
                None if kept.is_empty() || kept.ends_with('\n') => Some(""),
                None => {
                    never_closed.push(tag);
                    None
                }
            }
        });
        rest = match after {
            Some(after) => after,
            None if tagged.starts_with("<command-args>") => tagged
                .split_once("</command-args>")
                .map_or("", |(_, after)| after),
            None => {
                kept.push('<');
                &tagged[1..]
            }
        };
    }
    kept.push_str(rest);
    let kept = kept.trim();
    Cow::Owned(match (kept.is_empty(), arguments.is_empty()) {
        (true, _) => arguments.to_owned(),
        (false, true) => kept.to_owned(),
        (false, false) => format!("{kept}\n{arguments}"),
    })
}

/// The text without the lines that are the harness's; `None` when it has none.
fn without_lines(text: &str, by: &Harness) -> Option<String> {
    let begins = |line: &str, starts: &[&str]| {
        let line = line.trim_start();
        starts.iter().any(|start| line.starts_with(start))
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut has_dropped = false;
    let mut enclosed = Enclosed::of(by.enclosed);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let is_first = kept.iter().all(|line| line.trim().is_empty());
        let is_notice = begins(line, by.lines)
            || (is_first && begins(line, by.first_lines))
            || enclosed.skip(line.trim(), &mut lines);
        has_dropped |= is_notice;
        if !is_notice {
            kept.push(line);
        }
    }
    has_dropped.then(|| kept.join("\n").trim().to_owned())
}

/// What stands between a first and a last line that are known.
struct Enclosed {
    /// First and last lines; a pair whose last line does not come any more is taken out.
    pairs: Vec<(&'static str, &'static str)>,
}

impl Enclosed {
    fn of(pairs: &[(&'static str, &'static str)]) -> Self {
        Self {
            pairs: pairs.to_vec(),
        }
    }

    /// Goes past what `line` opens, when it is closed further down; a person may write the first line too.
    fn skip(&mut self, line: &str, lines: &mut Lines<'_>) -> bool {
        let mut pairs = self.pairs.iter();
        let Some(place) = pairs.position(|(open, _)| line.starts_with(open)) else {
            return false;
        };
        let (_, close) = self.pairs[place];
        if line.ends_with(close) {
            return true;
        }
        let mut ahead = lines.clone();
        // The last line may stand at the end of what is enclosed.
        let is_closed = ahead.any(|inside| inside.trim_end().ends_with(close));
        if is_closed {
            *lines = ahead;
        } else {
            self.pairs.remove(place);
        }
        is_closed
    }
}

/// What a person typed behind a slash command whose prompt the harness filled in.
pub(crate) fn arguments_of_filled_prompt(text: &str) -> &str {
    match text.rsplit_once("\nARGUMENTS: ") {
        Some((_, arguments)) => arguments.trim(),
        None => "",
    }
}

fn opens(text: &str, tag: &str) -> bool {
    text[1..]
        .strip_prefix(tag)
        .is_some_and(|rest| rest.starts_with(['>', ' ', '\n']))
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}
