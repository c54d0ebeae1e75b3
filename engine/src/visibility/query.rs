//! What a query is: a filter over the attributes of a run, and an order.

use std::collections::BTreeSet;

use kernel::primitives::workflow_execution::State;
use kernel::{Millis, Timestamp};

/// Longest text of a query, bytes.
pub const QUERY_BYTES_MAX: usize = 10_000;
/// Deepest nesting of parentheses and `NOT`s.
pub const DEPTH_MAX: usize = 50;
/// Most values of one `IN`.
pub const IN_VALUES_MAX: usize = 500;

/// Which runs, and in which order.
///
/// ```
/// use engine::visibility::Query;
///
/// let query: Query = "ExecutionStatus = 'Failed' AND StartTime > now - 1h".parse()?;
/// assert_eq!(query.to_string().parse(), Ok(query));
///
/// let error = "ExecutionStatus = ".parse::<Query>().unwrap_err();
/// assert_eq!(error.column, 19);
/// # Ok::<(), engine::visibility::QueryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Which runs; all without one.
    pub filter: Option<Filter>,
    /// In which order; newest first without one.
    pub order: Option<OrderBy>,
}

/// A condition on one run.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of two or more.
    And(Vec<Self>),
    /// One of two or more.
    Or(Vec<Self>),
    /// Not this one.
    Not(Box<Self>),
    /// A comparison with one value.
    Compare(Field, Operator, Literal),
    /// One of several values.
    In(Field, Vec<Literal>),
    /// From the first to the second value, both included.
    Between(Field, Literal, Literal),
    /// A word that begins like this.
    StartsWith(Field, String),
    /// The run has no such attribute.
    IsNull(Field),
}

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// An attribute of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The user's name for it.
    WorkflowId,
    /// The registered name of the workflow.
    WorkflowType,
    /// The run id.
    RunId,
    /// `Running`, or how it closed.
    ExecutionStatus,
    /// When it started.
    StartTime,
    /// When it closed; none while it is open.
    CloseTime,
    /// How long it took; none while it is open.
    ExecutionDuration,
    /// Events; none while it is open.
    HistoryLength,
    /// Bytes that count towards the limit; none while it is open.
    HistorySizeBytes,
    /// The workflow id of the parent; none in a run without one.
    ParentWorkflowId,
    /// A search attribute of that name.
    Custom(String),
}

/// Every attribute that all runs have, with its name.
pub(super) const SYSTEM: [(&str, Field); 10] = [
    ("WorkflowId", Field::WorkflowId),
    ("WorkflowType", Field::WorkflowType),
    ("RunId", Field::RunId),
    ("ExecutionStatus", Field::ExecutionStatus),
    ("StartTime", Field::StartTime),
    ("CloseTime", Field::CloseTime),
    ("ExecutionDuration", Field::ExecutionDuration),
    ("HistoryLength", Field::HistoryLength),
    ("HistorySizeBytes", Field::HistorySizeBytes),
    ("ParentWorkflowId", Field::ParentWorkflowId),
];

/// A value in a query, of the type of the attribute it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text. Beside a search attribute of type Datetime it is read as a time.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number, finite.
    Double(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A moment.
    Time(Timestamp),
    /// `now`, and milliseconds added to it.
    Now(i64),
    /// A duration.
    Duration(Millis),
}

/// An order of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBy {
    /// By what.
    pub field: Field,
    /// In which direction.
    pub direction: Direction,
}

/// Smallest or largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Every status.
pub(super) const STATUSES: [State; 7] = [
    State::Running,
    State::Completed,
    State::Failed,
    State::Canceled,
    State::Terminated,
    State::TimedOut,
    State::ContinuedAsNew,
];

/// Every status that a closed run may have.
#[must_use]
pub fn closed_statuses() -> [State; 6] {
    let [_running, closed @ ..] = STATUSES;
    closed
}

impl Filter {
    /// The search attributes that it names, each once, by name.
    #[must_use]
    pub fn custom_attributes(&self) -> BTreeSet<&Field> {
        let mut found = BTreeSet::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut BTreeSet<&'a Field>) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.collect(found);
                }
            }
            Self::Not(part) => part.collect(found),
            Self::Compare(field, ..)
            | Self::In(field, _)
            | Self::Between(field, ..)
            | Self::StartsWith(field, _)
            | Self::IsNull(field) => {
                if let Field::Custom(_) = field {
                    found.insert(field);
                }
            }
        }
    }
}

/// The name of a status in queries.
#[must_use]
pub fn status_name(status: State) -> &'static str {
    match status {
        State::Running => "Running",
        State::Completed => "Completed",
        State::Failed => "Failed",
        State::Canceled => "Canceled",
        State::Terminated => "Terminated",
        State::TimedOut => "TimedOut",
        State::ContinuedAsNew => "ContinuedAsNew",
    }
}
