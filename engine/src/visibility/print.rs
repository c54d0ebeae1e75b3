//! A query as text that reads back as the same query.

use std::fmt;

use super::lexer::is_word;
use super::moment;
use super::query::{Direction, Field, Filter, Literal, Operator, OrderBy, Query, SYSTEM};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(filter) = &self.filter {
            write!(f, "{filter}")?;
        }
        if let Some(OrderBy { field, direction }) = &self.order {
            let space = if self.filter.is_some() { " " } else { "" };
            let direction = match direction {
                Direction::Ascending => "ASC",
                Direction::Descending => "DESC",
            };
            write!(f, "{space}ORDER BY {field} {direction}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => joined(f, all, " AND "),
            Self::Or(all) => joined(f, all, " OR "),
            Self::Not(inner) => write!(f, "NOT ({inner})"),
            Self::Compare(field, operator, value) => write!(f, "{field} {operator} {value}"),
            Self::In(field, values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "{field} IN ({})", values.join(", "))
            }
            Self::Between(field, low, high) => write!(f, "{field} BETWEEN {low} AND {high}"),
            Self::StartsWith(field, prefix) => write!(f, "{field} STARTS_WITH {}", quoted(prefix)),
            Self::IsNull(field) => write!(f, "{field} IS NULL"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, all: &[Filter], between: &str) -> fmt::Result {
    for (index, one) in all.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        match one {
            Filter::And(_) | Filter::Or(_) => write!(f, "({one})")?,
            Filter::Not(_)
            | Filter::Compare(..)
            | Filter::In(..)
            | Filter::Between(..)
            | Filter::StartsWith(..)
            | Filter::IsNull(_) => write!(f, "{one}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        })
    }
}

impl Field {
    /// Its name, as a query writes it but for quotes.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Custom(name) => name,
            Self::WorkflowId
            | Self::WorkflowType
            | Self::RunId
            | Self::ExecutionStatus
            | Self::StartTime
            | Self::CloseTime
            | Self::ExecutionDuration
            | Self::HistoryLength
            | Self::HistorySizeBytes
            | Self::ParentWorkflowId => {
                let named = SYSTEM.iter().find(|(_, field)| field == self);
                named.map_or("", |(name, _)| name)
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        if matches!(self, Self::Custom(_)) && !is_plain(name) {
            return write!(f, "`{}`", name.replace('`', "``"));
        }
        f.write_str(name)
    }
}

/// Whether a search attribute's name reads as itself without quotes.
fn is_plain(name: &str) -> bool {
    let is_system = SYSTEM.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let is_keyword = super::parser::KEYWORDS
        .iter()
        .any(|k| k.eq_ignore_ascii_case(name));
    is_word(name) && !is_system && !is_keyword
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Int(n) => write!(f, "{n}"),
            // With its point or its exponent, so that it does not read as a whole number.
            Self::Double(n) => write!(f, "{n:?}"),
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Time(at) => f.write_str(&quoted(&moment::time_text(*at))),
            Self::Now(0) => f.write_str("now"),
            Self::Now(ms) => {
                let sign = if *ms < 0 { '-' } else { '+' };
                let length = moment::duration_text(kernel::Millis(ms.unsigned_abs()));
                write!(f, "now {sign} {length}")
            }
            Self::Duration(duration) => f.write_str(&quoted(&moment::duration_text(*duration))),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
