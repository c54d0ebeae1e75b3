//! An explanation as text.

use trace::explain::Explanation;
use trace::registry::aliases::{By, Deed};

use super::text::plain;

pub(crate) fn explanation(told: &Explanation) -> String {
    let mut out = vec![
        format!("{}  {}", told.fingerprint_id, told.ticket_id),
        format!("  {}", plain(&told.summary)),
        String::new(),
        "How it came about".to_owned(),
        format!("  kind      {}", told.kind),
        format!("  tool      {}", or_none(&told.tool)),
        format!("  class     {}", or_none(&told.error_class)),
    ];
    if !told.message.is_empty() {
        out.push(format!("  message   {}", plain(&told.message)));
    }
    for step in &told.steps {
        out.push(format!("  step      {}", step.name));
        out.push(format!("         -> {}", plain(&step.text)));
    }
    out.push(format!("  template  {}", or_none(&told.template)));
    if !told.wording.is_empty() {
        out.push(format!("  in source {}", plain(&told.wording)));
    }
    out.push(format!("  signature {}", plain(&told.signature)));
    out.push(format!("  digest    {}", told.fingerprint_id));
    out.push(if told.repeats {
        "  The steps were done again just now and gave the same digest.".to_owned()
    } else {
        format!(
            "  The steps, done again, give another digest: {}.",
            told.repeats_not_because
        )
    });
    out.push(String::new());
    let more = told.places_count.saturating_sub(told.places.len() as u64);
    out.push(format!("Where ({} in all)", told.places_count));
    for place in &told.places {
        let (first, last) = place.lines;
        let lines = if first == last {
            format!("{first}")
        } else {
            format!("{first}-{last}")
        };
        out.push(format!("  {}:{lines}  {}", plain(&place.file), place.at));
    }
    if more > 0 {
        out.push(format!("  and {more} more in signals.jsonl"));
    }
    merged(told, &mut out);
    standing(told, &mut out);
    out.push(String::new());
    out.push("Nearly the same (not merged)".to_owned());
    for near in &told.near {
        out.push(format!(
            "  {}  {} % of the words  {}",
            near.fingerprint_id,
            near.words_shared_percent,
            plain(&near.summary)
        ));
        out.push(format!("      apart: {}", plain(&near.apart_because)));
        if !near.one_because.is_empty() {
            out.push(format!(
                "      `run --merge-near` would merge them: {}",
                plain(&near.one_because)
            ));
        }
    }
    if told.near.is_empty() {
        out.push("  nothing".to_owned());
    }
    out.join("\n")
}

/// What is counted with it, and how that came about.
fn merged(told: &Explanation, out: &mut Vec<String>) {
    if !told.aliases.is_empty() {
        out.push(String::new());
        out.push("Counted with it".to_owned());
    }
    for alias in &told.aliases {
        out.push(format!(
            "  {}  {} times  {}",
            alias.fingerprint_id,
            alias.count_items,
            plain(&alias.summary)
        ));
        let who = match alias.by {
            By::Hand => "by hand",
            By::Near => "by rule",
        };
        out.push(format!(
            "      since {}, {who}: {}",
            alias.since,
            plain(&alias.because)
        ));
    }
    if !told.alias_history.is_empty() {
        out.push(String::new());
        out.push("What was merged and taken apart".to_owned());
    }
    for change in &told.alias_history {
        let (deed, word) = match change.deed {
            Deed::Merged => ("merged", "into"),
            Deed::Unmerged => ("unmerged", "from"),
        };
        out.push(format!(
            "  {}  {} {deed} {word} {}: {}",
            change.at,
            change.fingerprint_id,
            change.into,
            plain(&change.because)
        ));
    }
}

fn standing(told: &Explanation, out: &mut Vec<String>) {
    if let Some(symptom) = &told.symptom_of {
        out.push(String::new());
        out.push(format!(
            "A symptom: in {} of {} sessions it came right after another failure, most often {}",
            symptom.caused_sessions, symptom.of_sessions, symptom.fingerprint_id
        ));
    }
    let Some(standing) = &told.standing else {
        return;
    };
    out.push(String::new());
    out.push(format!("Over all runs: {}", standing.state.as_str()));
    out.push(format!("  {}", standing.because));
    let from = or_none(&standing.first_seen);
    out.push(format!(
        "  seen      {from} to {}",
        or_none(&standing.last_seen)
    ));
    out.push(format!(
        "  rate      {} of 100 sessions, {} of 1,000 events",
        standing.per_100_sessions, standing.per_1000_events
    ));
    out.push(format!(
        "  read      {} sessions, {} events; {} sessions since it was last seen",
        standing.sessions_scanned, standing.events_scanned, standing.quiet_sessions
    ));
    for day in standing.trend.iter().filter(|day| day.items > 0) {
        out.push(format!(
            "  {}  {} in {} sessions",
            day.day, day.items, day.sessions_scanned
        ));
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else {
        plain(text)
    }
}
