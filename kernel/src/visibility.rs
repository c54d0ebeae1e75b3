//! Search attributes and memo: what people find a run by, and what they read of it in a list.
//!
//! Neighbours: `chain` starts a run with them, `cx` changes them, `run_state` holds them as they
//! are. Must not know how a search is done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decide::Rejection;
use crate::ids::Timestamp;
use crate::limits;
use crate::payload::Payload;

/// The typed value of a search attribute; the types are Temporal's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SearchValue {
    /// A word that is found as a whole.
    Keyword(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Yes or no.
    Bool(bool),
    /// A moment.
    Datetime(Timestamp),
    /// Several words, each found as a whole.
    KeywordList(Vec<String>),
    /// A text that is found by its words.
    Text(String),
}

impl SearchValue {
    /// The name of its type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Keyword(_) => "Keyword",
            Self::Int(_) => "Int",
            Self::Double(_) => "Double",
            Self::Bool(_) => "Bool",
            Self::Datetime(_) => "Datetime",
            Self::KeywordList(_) => "KeywordList",
            Self::Text(_) => "Text",
        }
    }

    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Keyword(text) | Self::Text(text) => text.len(),
            Self::KeywordList(words) => words.iter().map(|word| word.len() + 4).sum(),
            Self::Int(_) | Self::Double(_) | Self::Datetime(_) => 8,
            Self::Bool(_) => 1,
        }
    }
}

impl From<&str> for SearchValue {
    fn from(word: &str) -> Self {
        Self::Keyword(word.to_owned())
    }
}

impl From<i64> for SearchValue {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<f64> for SearchValue {
    fn from(n: f64) -> Self {
        Self::Double(n)
    }
}

impl From<bool> for SearchValue {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<Timestamp> for SearchValue {
    fn from(at: Timestamp) -> Self {
        Self::Datetime(at)
    }
}

impl From<Vec<String>> for SearchValue {
    fn from(words: Vec<String>) -> Self {
        Self::KeywordList(words)
    }
}

/// Search attributes by name.
pub type SearchAttributes = BTreeMap<String, SearchValue>;
/// Memo fields by name.
pub type Memo = BTreeMap<String, Payload>;
/// Changes by name; `None` takes away.
pub type Changes<T> = BTreeMap<String, Option<T>>;

/// Carries changes out.
pub(crate) fn change<T: Clone>(values: &mut BTreeMap<String, T>, changes: &Changes<T>) {
    for (name, value) in changes {
        match value {
            Some(value) => {
                values.insert(name.clone(), value.clone());
            }
            None => {
                values.remove(name);
            }
        }
    }
}

/// Bytes of changes of search attributes in a history.
pub(crate) fn attributes_bytes(changes: &Changes<SearchValue>) -> usize {
    let values = changes.iter();
    values
        .map(|(name, value)| name.len() + value.as_ref().map_or(0, SearchValue::size_bytes))
        .sum()
}

/// Bytes of changes of a memo in a history.
pub(crate) fn memo_bytes(changes: &Changes<Payload>) -> usize {
    let values = changes.iter();
    values
        .map(|(name, value)| name.len() + value.as_ref().map_or(0, |value| value.data.len()))
        .sum()
}

/// Refuses search attributes over a limit, and a change of a type.
pub(crate) fn check_attributes(
    now: &SearchAttributes,
    changes: &Changes<SearchValue>,
) -> Result<(), Rejection> {
    let mut after = now.clone();
    change(&mut after, changes);
    for (name, value) in &after {
        if let Some(before) = now.get(name)
            && before.type_name() != value.type_name()
        {
            return Err(Rejection::BadCommand(format!(
                "the search attribute {name} is a {}, not a {}",
                before.type_name(),
                value.type_name()
            )));
        }
        if let SearchValue::Double(n) = value
            && !n.is_finite()
        {
            let text = format!("the search attribute {name} is not a finite number");
            return Err(Rejection::BadCommand(text));
        }
        check_one("search attribute", name, value.size_bytes(), ATTRIBUTE)?;
    }
    let bytes = after.iter().map(|(n, v)| n.len() + v.size_bytes()).sum();
    check_all("search attributes", after.len(), bytes, ATTRIBUTES)
}

/// Refuses a memo over a limit.
pub(crate) fn check_memo(now: &Memo, changes: &Changes<Payload>) -> Result<(), Rejection> {
    let mut after = now.clone();
    change(&mut after, changes);
    for (name, value) in &after {
        check_one("memo field", name, value.data.len(), MEMO)?;
    }
    let bytes = after.iter().map(|(n, v)| n.len() + v.data.len()).sum();
    check_all("memo fields", after.len(), bytes, MEMO)
}

const ATTRIBUTE: usize = limits::SEARCH_ATTRIBUTE_BYTES_MAX;
const ATTRIBUTES: usize = limits::SEARCH_ATTRIBUTES_BYTES_MAX;
const MEMO: usize = limits::MEMO_BYTES_MAX;

fn check_one(what: &str, name: &str, bytes: usize, bytes_max: usize) -> Result<(), Rejection> {
    if name.is_empty() || name.len() > limits::NAME_BYTES_MAX {
        return Err(Rejection::OverLimit(format!(
            "the name of a {what} has 1 to {} bytes, this one has {}",
            limits::NAME_BYTES_MAX,
            name.len()
        )));
    }
    if bytes > bytes_max {
        return Err(Rejection::OverLimit(format!(
            "the {what} {name} has {bytes} bytes, the limit is {bytes_max}"
        )));
    }
    Ok(())
}

fn check_all(what: &str, n: usize, bytes: usize, bytes_max: usize) -> Result<(), Rejection> {
    if n > limits::VISIBLE_NAMES_MAX || bytes > bytes_max {
        return Err(Rejection::OverLimit(format!(
            "{n} {what} have {bytes} bytes, the limit is {} with {bytes_max} bytes",
            limits::VISIBLE_NAMES_MAX
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
