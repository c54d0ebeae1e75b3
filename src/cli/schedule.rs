//! `schedule`: runs that start again and again.

use std::process::ExitCode;

use engine::schedule::{
    self, Action, Backfill, Body, CalendarSpec, Description, Interval, NewSchedule, Overlap,
    Policies, Remaining, ScheduleSpec, Update,
};
use kernel::{Millis, Timestamp, WorkflowContract};
use workflows::{TraceRun, TraceRunInput};

use super::args::Global;
use super::schedule_args::{
    BackfillArgs, CreateArgs, PolicyArgs, ScheduleCommand, TimesArgs, UpdateArgs,
};
use super::{output, run};
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::render;
use crate::schedule_view::ScheduleView;
use crate::time_text;

pub(super) async fn run(global: &Global, command: ScheduleCommand) -> Result<ExitCode, FaceError> {
    // What is wrong with the words is said before anything is opened.
    let plan = plan(global, command)?;
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let missing = match &plan {
        Plan::Ask(schedule::Request::Create(_)) => Missing::Create,
        Plan::Ask(_) | Plan::Change(_) => Missing::Refuse,
    };
    let host = Host::open(&state, Role::Visitor, missing).await?;
    let asked = carry_out(&host, plan).await;
    let owner = host.remote_pid();
    host.close().await;
    show(global, owner, &asked?)
}

/// What is to be asked.
enum Plan {
    Ask(schedule::Request),
    /// A change, which needs to know how the schedule is now.
    Change(Box<UpdateArgs>),
}

fn plan(global: &Global, command: ScheduleCommand) -> Result<Plan, FaceError> {
    use schedule::Request as Ask;
    Ok(Plan::Ask(match command {
        ScheduleCommand::Create(args) => Ask::Create(Box::new(new_schedule(global, &args)?)),
        ScheduleCommand::Update(args) => {
            // Read twice: here for its errors only.
            merge_times(ScheduleSpec::default(), &args.times)?;
            merge_policies(Policies::default(), &args.policies)?;
            return Ok(Plan::Change(args));
        }
        ScheduleCommand::List => Ask::List,
        ScheduleCommand::Describe(args) => Ask::Describe { id: args.id },
        ScheduleCommand::Pause(args) => Ask::Pause {
            id: args.id,
            note: args.note,
        },
        ScheduleCommand::Unpause(args) => Ask::Unpause {
            id: args.id,
            note: args.note,
        },
        ScheduleCommand::Trigger(args) => Ask::Trigger {
            id: args.id,
            overlap: args.overlap.map(Overlap::from),
        },
        ScheduleCommand::Backfill(args) => backfill(args)?,
        ScheduleCommand::Delete(args) => Ask::Delete { id: args.id },
    }))
}

async fn carry_out(host: &Host, plan: Plan) -> Result<schedule::Answer, FaceError> {
    match plan {
        Plan::Ask(request) => ask(host, request).await,
        Plan::Change(args) => {
            let id = args.id.clone();
            let answer = ask(host, schedule::Request::Describe { id: id.clone() }).await?;
            let now = match &answer.body {
                Body::One(now) => now,
                Body::Refused(_) | Body::All(_) => return Ok(answer),
            };
            let change = Box::new(change(now, &args)?);
            ask(host, schedule::Request::Update { id, change }).await
        }
    }
}

async fn ask(host: &Host, request: schedule::Request) -> Result<schedule::Answer, FaceError> {
    let request = Request::Schedule {
        request: Box::new(request),
    };
    match host.ask(request).await? {
        Answer::Schedule(answer) => Ok(*answer),
        other => Err(FaceError::internal(format!("unexpected answer {other:?}"))),
    }
}

fn show(
    global: &Global,
    owner: Option<u32>,
    answer: &schedule::Answer,
) -> Result<ExitCode, FaceError> {
    let views = |all: &[Description]| -> Vec<ScheduleView> {
        let all = all.iter();
        all.map(|one| ScheduleView::of(one, answer.active))
            .collect()
    };
    match &answer.body {
        Body::Refused(error) => return Err(engine::ClientError::Schedule(error.clone()).into()),
        Body::All(all) if global.json => output::json(&views(all))?,
        Body::All(all) if all.is_empty() => {
            output::note(
                global.quiet,
                "no schedules: openclaw-trace schedule create --id NAME --cron EXPR PATH",
            );
            return Ok(ExitCode::SUCCESS);
        }
        Body::All(all) => output::text_out(&render::schedules(&views(all))),
        Body::One(one) if global.json => output::json(&ScheduleView::of(one, answer.active))?,
        Body::One(one) => {
            output::text_out(&render::schedule(&ScheduleView::of(one, answer.active)));
        }
    }
    if !answer.active {
        let who = match owner {
            Some(pid) => format!("process {pid} owns the directory and fires no schedules; they"),
            None => "no process works on the directory; schedules".to_owned(),
        };
        let text = format!("{who} need: openclaw-trace serve");
        output::note(global.quiet, &text);
    }
    Ok(ExitCode::SUCCESS)
}

fn new_schedule(global: &Global, args: &CreateArgs) -> Result<NewSchedule, FaceError> {
    let Some(id) = &args.run.id else {
        return Err(FaceError::usage(
            "a schedule needs a name",
            "give it with --id; its runs are called NAME-TIME",
        ));
    };
    if args.run.concurrency.is_some() {
        return Err(FaceError::usage(
            "--concurrency is not kept with a schedule",
            "give it to `openclaw-trace serve`",
        ));
    }
    let prepared = run::prepare(global, &args.run)?;
    let spec = merge_times(ScheduleSpec::default(), &args.times)?;
    // Here as well, so that wrong times are told even when nobody can be asked.
    let checked = spec
        .compile()
        .and_then(|timetable| timetable.check_fires(&spec, engine::clock::now()));
    checked.map_err(|error| FaceError::from(engine::ClientError::Schedule(error.into())))?;
    Ok(NewSchedule {
        spec,
        policies: merge_policies(Policies::default(), &args.policies)?,
        paused: args.paused,
        note: args.policies.note.clone().unwrap_or_default(),
        remaining: args.policies.remaining,
        ..NewSchedule::new(
            id,
            ScheduleSpec::default(),
            Action::start::<TraceRun>(&prepared.input)?,
        )
    })
}

fn change(now: &Description, args: &UpdateArgs) -> Result<Update, FaceError> {
    let old = &now.schedule;
    let spec = merge_times(old.spec.clone(), &args.times)?;
    let policies = merge_policies(old.policies, &args.policies)?;
    let remaining = args.policies.remaining.map(Remaining::Times);
    let change = Update {
        spec: (spec != old.spec).then_some(spec),
        action: changed_action(&old.action, args)?,
        policies: (policies != old.policies).then_some(policies),
        note: args.policies.note.clone(),
        remaining: remaining.or(args.unlimited.then_some(Remaining::Unlimited)),
    };
    if change == Update::default() {
        return Err(FaceError::usage(
            format!("nothing of schedule {:?} would change", args.id),
            "`openclaw-trace schedule update --help` shows what can",
        ));
    }
    Ok(change)
}

/// The action with what the words say, if they say anything of it.
fn changed_action(old: &Action, args: &UpdateArgs) -> Result<Option<Action>, FaceError> {
    if args.paths.is_empty() && args.out.is_none() && args.briefs.is_none() {
        return Ok(None);
    }
    let input = old.input.decode::<TraceRunInput>().ok();
    let Some(mut input) = input.filter(|_| old.workflow_type == TraceRun::TYPE) else {
        return Err(FaceError::usage(
            format!(
                "the schedule starts {}, which these words do not fit",
                old.workflow_type
            ),
            "change it through the library that made it",
        ));
    };
    if !args.paths.is_empty() {
        let paths = args.paths.iter().map(|path| run::existing(path));
        input.discover.paths = paths.collect::<Result<_, _>>()?;
    }
    if let Some(out) = &args.out {
        input.out = run::report_dir(out)?;
    }
    input.briefs = args.briefs.unwrap_or(input.briefs);
    let action = Action::start::<TraceRun>(&input)?;
    Ok((action != *old).then_some(action))
}

/// The times with what the words say. Words that say when replace all that said so before.
fn merge_times(mut spec: ScheduleSpec, args: &TimesArgs) -> Result<ScheduleSpec, FaceError> {
    if !(args.cron.is_empty() && args.every.is_empty() && args.calendar.is_empty()) {
        spec.crons.clone_from(&args.cron);
        spec.intervals = args
            .every
            .iter()
            .map(|text| interval(text))
            .collect::<Result<_, _>>()?;
        spec.calendars = calendars("--calendar", &args.calendar)?;
    }
    if !args.exclude_calendar.is_empty() {
        spec.exclude = calendars("--exclude-calendar", &args.exclude_calendar)?;
    }
    if let Some(zone) = &args.tz {
        spec.time_zone.clone_from(zone);
    }
    if let Some(rule) = args.dst {
        spec.dst = rule.into();
    }
    if let Some(text) = &args.jitter {
        spec.jitter = duration("--jitter", text)?;
    }
    if let Some(text) = &args.start_at {
        spec.start_at = Some(when("--start-at", text)?);
    }
    if let Some(text) = &args.end_at {
        spec.end_at = Some(when("--end-at", text)?);
    }
    Ok(spec)
}

fn merge_policies(mut policies: Policies, args: &PolicyArgs) -> Result<Policies, FaceError> {
    if let Some(overlap) = args.overlap {
        policies.overlap = overlap.into();
    }
    if let Some(text) = &args.catchup {
        policies.catchup_window = duration("--catchup", text)?;
    }
    if let Some(pause) = args.pause_on_failure {
        policies.pause_on_failure = pause;
    }
    Ok(policies)
}

fn backfill(args: BackfillArgs) -> Result<schedule::Request, FaceError> {
    let range = Backfill {
        from: when("--from", &args.from)?,
        to: when("--to", &args.to)?,
        overlap: args.overlap.map(Overlap::from),
    };
    let id = args.id;
    Ok(schedule::Request::Backfill { id, range })
}

fn interval(text: &str) -> Result<Interval, FaceError> {
    let (every, phase) = match text.split_once('+') {
        Some((every, phase)) => (every, duration("--every", phase)?),
        None => (text, Millis(0)),
    };
    let every = duration("--every", every)?;
    Ok(Interval { every, phase })
}

fn calendars(flag: &str, texts: &[String]) -> Result<Vec<CalendarSpec>, FaceError> {
    let read = |text: &String| {
        serde_json::from_str(text).map_err(|error| {
            FaceError::usage(
                format!("could not read {flag} {text}: {error}"),
                r#"fields are second, minute, hour, day_of_month, month, year, day_of_week, each a list of {"start":1,"end":5,"step":2}"#,
            )
        })
    };
    texts.iter().map(read).collect()
}

fn duration(flag: &str, text: &str) -> Result<Millis, FaceError> {
    time_text::parse_duration(text).ok_or_else(|| {
        FaceError::usage(
            format!("{flag} {text:?} is no duration"),
            "write a number and a unit: 90s, 15m, 6h, 1d, 2w",
        )
    })
}

fn when(flag: &str, text: &str) -> Result<Timestamp, FaceError> {
    time_text::parse_iso(text).ok_or_else(|| {
        FaceError::usage(
            format!("{flag} {text:?} is no time"),
            "write 2026-01-31, 2026-01-31T06:00:00Z or 2026-01-31T06:00:00+02:00",
        )
    })
}
