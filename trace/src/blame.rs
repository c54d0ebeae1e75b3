//! Which step of a failed session went wrong first: the offline pointer to the root cause.
//!
//! No model is asked. Each step gets cues (it invents data, its action failed, it writes late), cues have
//! weights by the way the session is organised, and the steps come back ranked. It is a pointer, not a verdict: right
//! about once in three, so a brief says "look here first" and cites the step. Must not know any format.

mod cues;
pub mod flaws;

use cues::{Cue, Cues};

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// A person speaks.
    Person,
    /// An agent thinks or keeps its ledger, unseen by others.
    Plan,
    /// A leading agent tells another what to do.
    Order,
    /// An agent speaks or acts.
    Act {
        /// Whether it calls something that changes the world, not only looks.
        writes: bool,
    },
    /// A machine answers: a terminal, a tool.
    Result {
        /// Whether the answer is a failure.
        failed: bool,
    },
    /// Instructions and closing words.
    Frame,
}

/// One step of a session.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What the caller calls it, such as a line or an event number.
    pub index: u64,
    /// Who took it.
    pub agent: &'a str,
    /// What it is.
    pub kind: StepKind,
    /// What was said.
    pub text: &'a str,
}

/// How a session is organised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Agents talk in turns, a terminal runs their code.
    Team,
    /// One agent plans and orders, others act.
    Led,
    /// One agent talks with a person and calls tools.
    Dialogue,
}

/// Why a step is pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It made up data instead of getting it.
    Invented,
    /// Its own action failed.
    ActionFailed,
    /// It changed the world too early or wrongly.
    Changed,
    /// A safety filter stopped it.
    Blocked,
    /// Where it stands is all that speaks for it.
    Placed,
}

impl Reason {
    /// The name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invented => "invented_data",
            Self::ActionFailed => "action_failed",
            Self::Changed => "changed_wrongly",
            Self::Blocked => "blocked_by_filter",
            Self::Placed => "first_suspect",
        }
    }
}

/// A step that may be the root cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// The step's index.
    pub index: u64,
    /// Who took it.
    pub agent: String,
    /// Why it is pointed at.
    pub reason: Reason,
    /// How strongly, on a scale of its own.
    pub score: f64,
}

/// The steps that may be the root cause, likeliest first; empty when no agent took a step.
#[must_use]
pub fn suspects(steps: &[Step<'_>]) -> Vec<Suspect> {
    let shape = shape(steps);
    let mut ranked: Vec<Suspect> = cues::of_steps(steps)
        .into_iter()
        .map(|(at, cues)| suspect(&steps[at], &cues, shape))
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
    ranked
}

/// How the session is organised.
#[must_use]
pub fn shape(steps: &[Step<'_>]) -> Shape {
    let is_led = steps
        .iter()
        .any(|step| matches!(step.kind, StepKind::Plan | StepKind::Order));
    let mut agents: Vec<&str> = steps
        .iter()
        .filter(|step| matches!(step.kind, StepKind::Act { .. }))
        .map(|step| step.agent)
        .collect();
    agents.sort_unstable();
    agents.dedup();
    if is_led {
        Shape::Led
    } else if agents.len() > 1 {
        Shape::Team
    } else {
        Shape::Dialogue
    }
}

/// A cue's weight in sessions of teams, led teams and dialogues. Fitted on few labelled sessions and rounded.
fn weights(cue: Cue) -> [f64; 3] {
    match cue {
        Cue::Invents => [1.1, 0.0, 0.0],
        Cue::FirstFailure => [0.5, 0.0, 0.3],
        Cue::ShowsCode => [0.5, 0.0, 0.0],
        Cue::ReadsResult => [-0.8, 0.0, 0.0],
        Cue::FirstAct => [0.0, 1.0, 0.0],
        Cue::SecondAct => [0.3, 0.0, 0.0],
        Cue::Early => [0.0, 0.6, -0.3],
        Cue::Late => [0.0, 0.0, 0.8],
        Cue::Last => [-0.15, 0.0, 0.9],
        Cue::Writes => [0.0, 0.0, 0.4],
        Cue::IsPlan => [0.0, -1.2, 0.0],
        Cue::IsOrder => [0.0, -1.0, 0.0],
        Cue::Blocked => [0.3, 0.3, 0.3],
    }
}

fn suspect(step: &Step<'_>, cues: &Cues, shape: Shape) -> Suspect {
    let column = match shape {
        Shape::Team => 0,
        Shape::Led => 1,
        Shape::Dialogue => 2,
    };
    let mut score = 0.0;
    let mut strongest = (0.0, Reason::Placed);
    for cue in cues.iter() {
        let weight = weights(*cue)[column];
        score += weight;
        if let Some(reason) = reason(*cue)
            && weight > strongest.0
        {
            strongest = (weight, reason);
        }
    }
    Suspect {
        index: step.index,
        agent: step.agent.to_owned(),
        reason: strongest.1,
        score,
    }
}

fn reason(cue: Cue) -> Option<Reason> {
    match cue {
        Cue::Invents => Some(Reason::Invented),
        Cue::FirstFailure => Some(Reason::ActionFailed),
        Cue::Writes => Some(Reason::Changed),
        Cue::Blocked => Some(Reason::Blocked),
        Cue::ShowsCode
        | Cue::ReadsResult
        | Cue::FirstAct
        | Cue::SecondAct
        | Cue::Early
        | Cue::Late
        | Cue::Last
        | Cue::IsPlan
        | Cue::IsOrder => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step<'a>(index: u64, agent: &'a str, kind: StepKind, text: &'a str) -> Step<'a> {
        Step {
            index,
            agent,
            kind,
            text,
        }
    }

    const ACT: StepKind = StepKind::Act { writes: false };

    #[test]
    fn a_team_member_who_makes_up_data_is_the_first_suspect() {
        let steps = [
            step(0, "planner", ACT, "Let us look up the rainfall."),
            step(
                1,
                "terminal",
                StepKind::Result { failed: true },
                "no such file: rain.csv",
            ),
            step(
                2,
                "analyst",
                ACT,
                "I will simulate the data with a mock table.\n```python\nrows = []\n```",
            ),
            step(3, "terminal", StepKind::Result { failed: false }, "done"),
            step(4, "checker", ACT, "The answer is 12, verified."),
        ];
        let ranked = suspects(&steps);
        assert_eq!(ranked[0].index, 2);
        assert_eq!(ranked[0].reason, Reason::Invented);
        assert_eq!(ranked.len(), 3);
    }

    #[test]
    fn in_a_dialogue_the_last_change_is_the_first_suspect() {
        let write = StepKind::Act { writes: true };
        let steps = [
            step(1, "person", StepKind::Person, "Please move my order."),
            step(2, "agent", ACT, "Which one?"),
            step(3, "person", StepKind::Person, "The red one."),
            step(4, "agent", write, ""),
        ];
        let ranked = suspects(&steps);
        assert_eq!(ranked[0].index, 4);
        assert_eq!(ranked[0].reason, Reason::Changed);
    }

    #[test]
    fn without_an_agent_there_is_no_suspect() {
        assert_eq!(suspects(&[]), []);
        assert_eq!(suspects(&[step(1, "p", StepKind::Person, "hi")]), []);
    }
}
