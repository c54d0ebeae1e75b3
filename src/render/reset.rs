//! What a reset or a fork keeps, runs again and leaves behind.

use std::collections::BTreeMap;

use kernel::reset::preview::{ActivityFate, ActivityPlan, ChildFate, Ended, TimerFate};
use kernel::{ResetPlan, Taking};
use serde_json::{Value, json};

use super::text::{lines, plain};
use crate::time_text::{iso, thousands};

/// Lines of one kind that are shown; the others are counted.
const LINES: usize = 20;

/// The plan for programs: stable field names.
pub(crate) fn reset_json(plan: &ResetPlan) -> Value {
    let activities = plan.activities.iter().map(|activity| {
        json!({
            "event_id": activity.scheduled_event_id.0,
            "activity_type": activity.activity_type,
            "ended": activity.ended,
            "fate": activity.fate,
        })
    });
    let timers = plan.timers.iter().map(|timer| {
        json!({
            "event_id": timer.started_event_id.0,
            "fires_at": iso(timer.fires_at),
            "fate": timer.fate,
        })
    });
    let children = plan.children.iter().map(|child| {
        json!({
            "event_id": child.initiated_event_id.0,
            "workflow_id": child.workflow_id.as_str(),
            "ended": child.ended,
            "fate": child.fate,
        })
    });
    json!({
        "workflow_id": plan.workflow_id.as_str(),
        "run_id": plan.run_id.to_string(),
        "event_id": plan.event_id.0,
        "event": plan.event,
        "events_kept": plan.events_kept,
        "events_dropped": plan.events_dropped,
        "activities": activities.collect::<Vec<_>>(),
        "timers": timers.collect::<Vec<_>>(),
        "children": children.collect::<Vec<_>>(),
        "signals": plan.signals,
        "updates_again": plan.updates_again,
        "updates_dropped": plan.updates_dropped,
        "cancel_request_dropped": plan.cancel_request_dropped,
    })
}

/// The plan for a person.
pub(crate) fn reset_text(plan: &ResetPlan, taking: Taking) -> String {
    let what = match taking {
        Taking::Reset => "goes back to before",
        Taking::Fork => "is forked before",
    };
    let event = plan.event.as_deref().unwrap_or("the end of its history");
    let mut out = vec![format!(
        "{} {what} event {} ({event}): {} events are kept, {} are not.",
        plain(plan.workflow_id.as_str()),
        plan.event_id,
        thousands(plan.events_kept),
        thousands(plan.events_dropped),
    )];
    let again = [ActivityFate::RunAgain, ActivityFate::Forgotten];
    part(
        &mut out,
        "RUN AGAIN",
        rows(plan, &again),
        "no activity runs again",
    );
    if plan
        .activities
        .iter()
        .filter(|a| again.contains(&a.fate))
        .count()
        > LINES
    {
        out.push(format!("  together: {}", by_type(&plan.activities, &again)));
    }
    part(
        &mut out,
        "GIVEN RESULTS",
        rows(plan, &[ActivityFate::Edited]),
        "",
    );
    let kept = by_type(&plan.activities, &[ActivityFate::Kept]);
    if !kept.is_empty() {
        out.push(format!("\nKEPT RESULTS, not run again\n  {kept}"));
    }
    part(&mut out, "TIMERS", timers(plan), "");
    part(&mut out, "CHILDREN", children(plan), "");
    part(&mut out, "SIGNALS AND UPDATES", messages(plan), "");
    if plan.cancel_request_dropped {
        out.push("\nSomebody asked the run to cancel: the new run does not know of that.".into());
    }
    out.join("\n")
}

fn part(out: &mut Vec<String>, title: &str, mut rows: Vec<Vec<String>>, if_none: &str) {
    if rows.is_empty() {
        if !if_none.is_empty() {
            out.push(format!("\n{title}\n  {if_none}"));
        }
        return;
    }
    let n = rows.len();
    rows.truncate(LINES);
    let padded = lines(&rows);
    out.push(format!("\n{title} ({})", thousands(n as u64)));
    out.extend(padded.iter().map(|line| format!("  {line}")));
    if n > LINES {
        let more = thousands((n - LINES) as u64);
        out.push(format!("  and {more} more; --json has all"));
    }
}

fn rows(plan: &ResetPlan, fates: &[ActivityFate]) -> Vec<Vec<String>> {
    let wanted = plan.activities.iter().filter(|a| fates.contains(&a.fate));
    wanted
        .map(|activity| {
            let fate = match activity.fate {
                ActivityFate::RunAgain => "at once, from its first attempt",
                ActivityFate::Forgotten => "when the code asks for it again",
                ActivityFate::Edited => "gets the result that is given",
                ActivityFate::Kept => "is kept",
            };
            vec![
                plain(&activity.activity_type),
                format!("event {}", activity.scheduled_event_id),
                ended(activity.ended).to_owned(),
                fate.to_owned(),
            ]
        })
        .collect()
}

/// How many activities of each type have such a fate, in words.
fn by_type(activities: &[ActivityPlan], fates: &[ActivityFate]) -> String {
    let mut by_type: BTreeMap<&str, u64> = BTreeMap::new();
    for activity in activities.iter().filter(|a| fates.contains(&a.fate)) {
        *by_type.entry(&activity.activity_type).or_default() += 1;
    }
    let each = by_type.iter();
    let each = each.map(|(name, n)| format!("{} {}", plain(name), thousands(*n)));
    each.collect::<Vec<_>>().join(", ")
}

fn timers(plan: &ResetPlan) -> Vec<Vec<String>> {
    let row = |timer: &kernel::reset::preview::TimerPlan| {
        let fate = match timer.fate {
            TimerFate::Waits => "waits on; fires at once if that has passed",
            TimerFate::Forgotten => "is forgotten; the code may start it again",
        };
        vec![
            format!("event {}", timer.started_event_id),
            format!("for {}", iso(timer.fires_at)),
            fate.to_owned(),
        ]
    };
    plan.timers.iter().map(row).collect()
}

fn children(plan: &ResetPlan) -> Vec<Vec<String>> {
    let row = |child: &kernel::reset::preview::ChildPlan| {
        let fate = match child.fate {
            ChildFate::Kept => "its end is kept",
            ChildFate::TakenOver => "goes on and reports to the new run",
            ChildFate::Terminated => "is terminated if open; the code may ask for it again",
            ChildFate::LeftAlone => "goes on without the new run",
        };
        vec![
            plain(child.workflow_id.as_str()),
            format!("event {}", child.initiated_event_id),
            ended(child.ended).to_owned(),
            fate.to_owned(),
        ]
    };
    plan.children.iter().map(row).collect()
}

fn messages(plan: &ResetPlan) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (name, signal) in &plan.signals {
        let counts = [
            (signal.kept, "kept"),
            (signal.again, "applied again"),
            (signal.dropped, "left out"),
            (signal.added, "sent along"),
        ];
        let told = counts.iter().filter(|(n, _)| *n > 0);
        let told = told.map(|(n, what)| format!("{} {what}", thousands(*n)));
        let told = told.collect::<Vec<_>>().join(", ");
        rows.push(vec!["signal".to_owned(), plain(name), told]);
    }
    for update in &plan.updates_again {
        let told = "asked again".to_owned();
        rows.push(vec!["update".to_owned(), plain(update), told]);
    }
    if plan.updates_dropped > 0 {
        let told = format!("{} left out", thousands(plan.updates_dropped));
        rows.push(vec!["updates".to_owned(), String::new(), told]);
    }
    rows
}

fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Pending => "has not ended",
        Ended::Completed => "completed",
        Ended::Failed => "failed",
        Ended::TimedOut => "timed out",
        Ended::Canceled => "canceled",
        Ended::Terminated => "terminated",
    }
}
