//! A conversation before it has a format: who says and does what, in order.
//!
//! Neighbours: `chapters`, `plants`, `traps` and `moods` write scripts; `openclaw`, `claude` and `codex` put them
//! on disk as each agent does.

use serde_json::Value;

use super::manifest::Mark;

/// What an agent does with a tool.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Runs a command line.
    Run(String),
    /// Reads a file.
    Read(String),
    /// Looks for a pattern below a path.
    Search { pattern: String, path: String },
    /// Replaces text in a file.
    Edit {
        path: String,
        old: String,
        new: String,
    },
    /// Writes a file.
    Write { path: String, content: String },
    /// A tool by its name in the one format that knows it.
    Tool { name: &'static str, input: Value },
}

/// How the harness records the end of a call.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// It worked.
    Fine,
    /// The command ended with this code.
    Exit(i64),
    /// The harness marks the result as an error.
    Flagged,
    /// The harness caught an error and returned it as a normal result.
    Caught,
    /// A normal result with these details.
    Details(Value),
}

/// One call and its result.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) act: Act,
    pub(crate) output: String,
    pub(crate) end: End,
    /// On the line of the result.
    pub(crate) marks: Vec<Mark>,
}

impl Call {
    pub(crate) fn new(act: Act, output: impl Into<String>) -> Self {
        Self {
            act,
            output: output.into(),
            end: End::Fine,
            marks: Vec::new(),
        }
    }

    pub(crate) fn run(command: impl Into<String>, output: impl Into<String>) -> Self {
        Self::new(Act::Run(command.into()), output)
    }

    pub(crate) fn tool(name: &'static str, input: Value, output: impl Into<String>) -> Self {
        Self::new(Act::Tool { name, input }, output)
    }

    pub(crate) fn ends(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    pub(crate) fn marked(mut self, mark: &Mark) -> Self {
        self.marks.push(mark.clone());
        self
    }
}

/// One step of a conversation.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A person speaks.
    Human(String),
    /// The harness speaks in the user's role.
    Harness(String),
    /// The agent speaks and is done.
    Say(String),
    /// The agent thinks, if it wants to, and calls tools.
    Calls {
        thought: &'static str,
        calls: Vec<Call>,
    },
    /// The model's provider fails.
    ModelError(String),
    /// The same as a record beside the conversation.
    PromptError(String),
    /// A copy of what a tool or job sent.
    Mirror(String),
    /// The conversation is shortened to this summary.
    Compaction(String),
    /// A person stops the agent.
    Interrupt,
    /// Nothing happens for some minutes.
    Pause(u64),
}

/// A step and the marks on its line.
#[derive(Clone, Debug)]
pub(crate) struct Beat {
    pub(crate) step: Step,
    pub(crate) marks: Vec<Mark>,
}

impl Beat {
    pub(crate) fn marked(mut self, mark: &Mark) -> Self {
        self.marks.push(mark.clone());
        self
    }
}

impl From<Step> for Beat {
    fn from(step: Step) -> Self {
        Self {
            step,
            marks: Vec::new(),
        }
    }
}

pub(crate) fn human(text: impl Into<String>) -> Beat {
    Step::Human(text.into()).into()
}

pub(crate) fn harness(text: impl Into<String>) -> Beat {
    Step::Harness(text.into()).into()
}

pub(crate) fn say(text: impl Into<String>) -> Beat {
    Step::Say(text.into()).into()
}

pub(crate) fn pause(minutes: u64) -> Beat {
    Step::Pause(minutes).into()
}

pub(crate) fn calls(thought: &'static str, calls: Vec<Call>) -> Beat {
    Step::Calls { thought, calls }.into()
}

pub(crate) fn call(call: Call) -> Beat {
    calls("", vec![call])
}
