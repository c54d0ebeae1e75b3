//! Whether a run is meant by a filter.
//!
//! Two-valued: a comparison with an attribute that the run does not have is false, and `NOT` of it
//! is true. `a != b` is `NOT a = b`.

use std::cmp::Ordering;

use kernel::{Millis, SearchValue, Timestamp};
use state::store::RunInfo;

use super::moment;
use super::query::{Field, Filter, Literal, Operator, status_name};

/// An attribute of one run.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Word(&'a str),
    OwnedWord(String),
    Words(&'a [String]),
    Text(&'a str),
    Int(i64),
    Double(f64),
    Bool(bool),
    Time(Timestamp),
    Duration(Millis),
}

impl Value<'_> {
    /// How two values of one attribute stand to each other. Those of two types stand by type, so
    /// that a sort has one order.
    pub(super) fn order(a: &Self, b: &Self) -> Ordering {
        match (a, b) {
            (Self::Word(a) | Self::Text(a), Self::Word(b) | Self::Text(b)) => a.cmp(b),
            (Self::OwnedWord(a), Self::OwnedWord(b)) => a.cmp(b),
            (Self::Words(a), Self::Words(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => a.total_cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            (a, b) => a.type_rank().cmp(&b.type_rank()),
        }
    }

    fn type_rank(&self) -> u8 {
        match self {
            Self::Word(_) | Self::Text(_) => 0,
            Self::OwnedWord(_) => 1,
            Self::Words(_) => 2,
            Self::Int(_) => 3,
            Self::Double(_) => 4,
            Self::Bool(_) => 5,
            Self::Time(_) => 6,
            Self::Duration(_) => 7,
        }
    }
}

impl Filter {
    /// Whether a run is meant, at a time.
    #[must_use]
    pub fn matches(&self, info: &RunInfo, now: Timestamp) -> bool {
        matches(self, info, now)
    }
}

/// What a run has for an attribute.
pub(super) fn value<'a>(info: &'a RunInfo, field: &Field) -> Option<Value<'a>> {
    let closed_at = info.closed_at;
    let whole = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    match field {
        Field::WorkflowId => Some(Value::Word(info.workflow_id.as_str())),
        Field::WorkflowType => Some(Value::Word(&info.workflow_type)),
        Field::RunId => Some(Value::OwnedWord(info.run_id.to_string())),
        Field::ExecutionStatus => Some(Value::Word(status_name(info.status))),
        Field::StartTime => Some(Value::Time(info.started_at)),
        Field::CloseTime => closed_at.map(Value::Time),
        Field::ExecutionDuration => closed_at.map(|at| Value::Duration(at.since(info.started_at))),
        Field::HistoryLength => closed_at.map(|_| whole(info.history_events)),
        Field::HistorySizeBytes => closed_at.map(|_| whole(info.history_bytes)),
        Field::ParentWorkflowId => info.parent.as_ref().map(|id| Value::Word(id.as_str())),
        Field::Custom(name) => Some(match info.search_attributes.get(name)? {
            SearchValue::Keyword(word) => Value::Word(word),
            SearchValue::Text(text) => Value::Text(text),
            SearchValue::Int(n) => Value::Int(*n),
            SearchValue::Double(n) => Value::Double(*n),
            SearchValue::Bool(yes) => Value::Bool(*yes),
            SearchValue::Datetime(at) => Value::Time(*at),
            SearchValue::KeywordList(words) => Value::Words(words),
        }),
    }
}

fn matches(filter: &Filter, info: &RunInfo, now: Timestamp) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|one| matches(one, info, now)),
        Filter::Or(all) => all.iter().any(|one| matches(one, info, now)),
        Filter::Not(inner) => !matches(inner, info, now),
        Filter::Compare(field, operator, literal) => {
            let found = value(info, field);
            found.map_or(*operator == Operator::NotEqual, |value| {
                compares(&value, *operator, literal, now)
            })
        }
        Filter::In(field, literals) => value(info, field).is_some_and(|value| {
            let mut literals = literals.iter();
            literals.any(|literal| compares(&value, Operator::Equal, literal, now))
        }),
        Filter::Between(field, low, high) => value(info, field).is_some_and(|value| {
            compares(&value, Operator::AtLeast, low, now)
                && compares(&value, Operator::AtMost, high, now)
        }),
        Filter::StartsWith(field, prefix) => match value(info, field) {
            Some(Value::Word(word) | Value::Text(word)) => word.starts_with(prefix),
            Some(Value::OwnedWord(word)) => word.starts_with(prefix),
            Some(Value::Words(words)) => words.iter().any(|word| word.starts_with(prefix)),
            Some(
                Value::Int(_)
                | Value::Double(_)
                | Value::Bool(_)
                | Value::Time(_)
                | Value::Duration(_),
            )
            | None => false,
        },
        Filter::IsNull(field) => value(info, field).is_none(),
    }
}

fn compares(value: &Value<'_>, operator: Operator, literal: &Literal, now: Timestamp) -> bool {
    if operator == Operator::NotEqual {
        return !compares(value, Operator::Equal, literal, now);
    }
    match (value, literal) {
        (Value::Words(words), _) => words
            .iter()
            .any(|word| compares(&Value::Word(word), operator, literal, now)),
        (Value::Text(text), Literal::Text(wanted)) if operator == Operator::Equal => {
            has_words(text, wanted)
        }
        _ => order(value, literal, now).is_some_and(|order| match operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => order != Ordering::Equal,
            Operator::Less => order == Ordering::Less,
            Operator::AtMost => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::AtLeast => order != Ordering::Less,
        }),
    }
}

/// How a value stands to a literal; none when they are of different types.
fn order(value: &Value<'_>, literal: &Literal, now: Timestamp) -> Option<Ordering> {
    match (value, literal) {
        (Value::Word(word) | Value::Text(word), Literal::Text(text)) => {
            Some((*word).cmp(text.as_str()))
        }
        (Value::OwnedWord(word), Literal::Text(text)) => Some(word.cmp(text)),
        (Value::Int(n), Literal::Int(m)) => Some(n.cmp(m)),
        (Value::Int(n), Literal::Double(m)) => order_of_whole(*n, *m),
        (Value::Double(n), Literal::Double(m)) => n.partial_cmp(m),
        (Value::Double(n), Literal::Int(m)) => order_of_whole(*m, *n).map(Ordering::reverse),
        (Value::Bool(yes), Literal::Bool(wanted)) => Some(yes.cmp(wanted)),
        (Value::Time(at), Literal::Time(wanted)) => Some(at.cmp(wanted)),
        (Value::Time(at), Literal::Now(ms)) => Some(at.0.cmp(&now.0.saturating_add(*ms))),
        (Value::Time(at), Literal::Text(text)) => Some(at.cmp(&moment::time(text)?)),
        (Value::Duration(took), Literal::Duration(wanted)) => Some(took.cmp(wanted)),
        _ => None,
    }
}

/// Exact where a conversion of the whole number would round.
fn order_of_whole(n: i64, m: f64) -> Option<Ordering> {
    #[expect(clippy::cast_precision_loss, reason = "the limits are powers of two")]
    let (low, high) = (i64::MIN as f64, -(i64::MIN as f64));
    if m.is_nan() {
        return None;
    }
    if m < low {
        return Some(Ordering::Greater);
    }
    if m >= high {
        return Some(Ordering::Less);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "between the limits and whole"
    )]
    let whole = m.floor() as i64;
    let order = n.cmp(&whole);
    let has_fraction = m > m.floor();
    Some(if order == Ordering::Equal && has_fraction {
        Ordering::Less
    } else {
        order
    })
}

/// Whether a text has every word of another, in any order and case.
fn has_words(text: &str, wanted: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        words
            .filter(|w| !w.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    let (has, wanted) = (words(text), words(wanted));
    !wanted.is_empty() && wanted.iter().all(|word| has.contains(word))
}
