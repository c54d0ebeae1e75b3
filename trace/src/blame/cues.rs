//! The cues of a step: what speaks for or against it being the root cause.
//!
//! Neighbours: [`super`] weighs them. One pass over the steps, each text read up to a limit.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{Step, StepKind};
use crate::event::floor_char;

const TEXT_BYTES: usize = 8_000;

/// One cue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    Invents,
    FirstFailure,
    ShowsCode,
    /// It follows a machine's answer and brings no code of its own.
    ReadsResult,
    FirstAct,
    SecondAct,
    Early,
    Late,
    Last,
    Writes,
    IsPlan,
    IsOrder,
    Blocked,
}

/// The cues of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct Cues(Vec<Cue>);

impl Cues {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Cue> {
        self.0.iter()
    }

    fn add(&mut self, cue: Cue, is: bool) {
        if is {
            self.0.push(cue);
        }
    }
}

const INVENTING: &[&str] = &[
    "simulat",
    "mock",
    "hypothetical",
    "placeholder",
    "sample data",
    "example data",
    "dummy",
    "synthetic",
    "fabricat",
    "assum",
    "for demonstration",
    "let's say",
    "i recall",
    "from memory",
    "general knowledge",
    "manually",
];
const BLOCKED: &[&str] = &[
    "content management policy",
    "content filter",
    "responsibleaipolicy",
    "usage policy",
    "jailbreak",
];

struct Words(Option<AhoCorasick>);

impl Words {
    fn new(words: &[&str]) -> Self {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(words);
        Self(automaton.ok())
    }

    fn is_in(&self, text: &str) -> bool {
        self.0
            .as_ref()
            .is_some_and(|automaton| automaton.is_match(text))
    }
}

static INVENTS: LazyLock<Words> = LazyLock::new(|| Words::new(INVENTING));
static IS_BLOCKED: LazyLock<Words> = LazyLock::new(|| Words::new(BLOCKED));

/// The cues of every step that an agent took, with its place in `steps`.
pub(super) fn of_steps(steps: &[Step<'_>]) -> Vec<(usize, Cues)> {
    let mut found = Vec::new();
    let (mut acts, mut has_failed) = (0_usize, false);
    for (at, step) in steps.iter().enumerate() {
        let writes = match step.kind {
            StepKind::Act { writes } => writes,
            StepKind::Plan | StepKind::Order => false,
            StepKind::Person | StepKind::Result { .. } | StepKind::Frame => continue,
        };
        let is_act = matches!(step.kind, StepKind::Act { .. });
        let mut cues = of_text(step.text);
        let previous = at.checked_sub(1).map(|before| steps[before].kind);
        let follows_result = matches!(previous, Some(StepKind::Result { .. }));
        let has_code = step.text.contains("```");
        cues.add(Cue::ShowsCode, has_code);
        cues.add(Cue::ReadsResult, follows_result && !has_code);
        if let Some(next) = steps.get(at + 1)
            && let StepKind::Result { failed } = next.kind
        {
            cues.add(Cue::FirstFailure, failed && !has_failed);
            has_failed |= failed;
        }
        cues.add(Cue::FirstAct, is_act && acts == 0);
        cues.add(Cue::SecondAct, is_act && acts == 1);
        acts += usize::from(is_act);
        cues.add(Cue::Early, at * 100 <= steps.len() * 35);
        cues.add(Cue::Late, at * 100 > steps.len() * 66);
        cues.add(Cue::Writes, writes);
        cues.add(Cue::IsPlan, step.kind == StepKind::Plan);
        cues.add(Cue::IsOrder, step.kind == StepKind::Order);
        found.push((at, cues));
    }
    if let Some((_, cues)) = found.last_mut() {
        cues.add(Cue::Last, true);
    }
    found
}

fn of_text(text: &str) -> Cues {
    let text = &text[..floor_char(text, TEXT_BYTES)];
    let mut cues = Cues::default();
    cues.add(Cue::Invents, INVENTS.is_in(text));
    cues.add(Cue::Blocked, IS_BLOCKED.is_in(text));
    cues
}
