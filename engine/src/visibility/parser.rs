//! The text of a query becomes a [`Query`]: recursive descent, one function a rule.
//!
//! ```text
//! query     = [any] [ORDER BY field [ASC | DESC]]
//! any       = all (OR all)*
//! all       = one (AND one)*
//! one       = NOT one | "(" any ")" | condition
//! condition = field (= | != | < | <= | > | >=) value
//!           | field [NOT] IN "(" value ("," value)* ")"
//!           | field [NOT] BETWEEN value AND value
//!           | field [NOT] STARTS_WITH text
//!           | field IS [NOT] NULL
//! ```
//!
//! Neighbours: `lexer` gives the words. A value is checked against its field here, so that an error
//! has a place.

use std::str::FromStr;

use super::error::QueryError;
use super::lexer::{self, Kind, Token};
use super::moment;
use super::query::{
    DEPTH_MAX, Direction, Field, Filter, IN_VALUES_MAX, Literal, Operator, OrderBy,
    QUERY_BYTES_MAX, Query, STATUSES, SYSTEM, status_name,
};

/// Words that are no names.
pub(super) const KEYWORDS: [&str; 15] = [
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "STARTS_WITH",
    "IS",
    "NULL",
    "ORDER",
    "BY",
    "ASC",
    "DESC",
    "TRUE",
    "FALSE",
    "NOW",
];

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::at(
                text,
                0,
                format!("{} bytes", text.len()),
                format!("a query of at most {QUERY_BYTES_MAX} bytes"),
            ));
        }
        let mut parser = Parser {
            text,
            tokens: lexer::tokens(text)?,
            next: 0,
            depth: 0,
        };
        parser.query()
    }
}

struct Parser<'a> {
    text: &'a str,
    /// The last one is the end.
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

/// What values a field is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Status,
    Time,
    Duration,
    Whole,
    Any,
}

impl Type {
    fn of(field: &Field) -> Self {
        match field {
            Field::WorkflowId | Field::WorkflowType | Field::RunId | Field::ParentWorkflowId => {
                Self::Text
            }
            Field::ExecutionStatus => Self::Status,
            Field::StartTime | Field::CloseTime => Self::Time,
            Field::ExecutionDuration => Self::Duration,
            Field::HistoryLength | Field::HistorySizeBytes => Self::Whole,
            Field::Custom(_) => Self::Any,
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Text => "a text in quotes".to_owned(),
            Self::Status => {
                let names: Vec<String> = STATUSES
                    .iter()
                    .map(|s| format!("'{}'", status_name(*s)))
                    .collect();
                format!("one of {}", names.join(", "))
            }
            Self::Time => "a time such as '2026-01-31T06:00:00Z' or now - 1h".to_owned(),
            Self::Duration => "a duration such as '90s' or '1h30m'".to_owned(),
            Self::Whole => "a whole number".to_owned(),
            Self::Any => "a text in quotes, a number, true, false or now".to_owned(),
        }
    }

    fn operators(self) -> &'static str {
        match self {
            Self::Text | Self::Any => {
                "an operator: =, !=, <, <=, >, >=, IN, BETWEEN, STARTS_WITH or IS"
            }
            Self::Status => "=, !=, IN or IS: a status has no order",
            Self::Time | Self::Duration | Self::Whole => {
                "an operator: =, !=, <, <=, >, >=, IN, BETWEEN or IS"
            }
        }
    }
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, QueryError> {
        let begins_order = self.is_word("ORDER");
        let filter = match self.peek() {
            Kind::End => None,
            Kind::Word(_) if begins_order => None,
            Kind::Word(_) | Kind::Name(_) | Kind::Text(_) | Kind::Number(_) | Kind::Sign(_) => {
                Some(self.any()?)
            }
        };
        let order = if self.take_word("ORDER") {
            Some(self.order()?)
        } else {
            None
        };
        if *self.peek() == Kind::End {
            return Ok(Query { filter, order });
        }
        Err(self.expected(match order {
            Some(_) => "the end of the query",
            None => "AND, OR, ORDER BY or the end of the query",
        }))
    }

    fn order(&mut self) -> Result<OrderBy, QueryError> {
        if !self.take_word("BY") {
            return Err(self.expected("BY"));
        }
        let field = self.field()?;
        let direction = if self.take_word("DESC") {
            Direction::Descending
        } else {
            self.take_word("ASC");
            Direction::Ascending
        };
        Ok(OrderBy { field, direction })
    }

    fn any(&mut self) -> Result<Filter, QueryError> {
        let mut all = vec![self.all()?];
        while self.take_word("OR") {
            all.push(self.all()?);
        }
        Ok(single(all, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter, QueryError> {
        let mut all = vec![self.one()?];
        while self.take_word("AND") {
            all.push(self.one()?);
        }
        Ok(single(all, Filter::And))
    }

    fn one(&mut self) -> Result<Filter, QueryError> {
        let is_not = self.is_word("NOT");
        if !is_not && *self.peek() != Kind::Sign("(") {
            return self.condition();
        }
        if self.depth == DEPTH_MAX {
            return Err(self.expected(&format!("at most {DEPTH_MAX} levels of ( and NOT")));
        }
        self.depth += 1;
        self.next += 1;
        let filter = if is_not {
            Filter::Not(Box::new(self.one()?))
        } else {
            let inner = self.any()?;
            if !self.take_sign(")") {
                return Err(self.expected("AND, OR or )"));
            }
            inner
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn condition(&mut self) -> Result<Filter, QueryError> {
        let field = self.field()?;
        let of_type = Type::of(&field);
        if self.take_word("IS") {
            let is_not = self.take_word("NOT");
            if !self.take_word("NULL") {
                return Err(self.expected(if is_not { "NULL" } else { "NULL or NOT NULL" }));
            }
            return Ok(negated(is_not, Filter::IsNull(field)));
        }
        if let Some(operator) = self.operator(of_type)? {
            let value = self.value(of_type)?;
            return Ok(Filter::Compare(field, operator, value));
        }
        let is_not = self.take_word("NOT");
        if self.take_word("IN") {
            return Ok(negated(is_not, Filter::In(field, self.values(of_type)?)));
        }
        if of_type != Type::Status && self.take_word("BETWEEN") {
            let low = self.value(of_type)?;
            if !self.take_word("AND") {
                return Err(self.expected("AND and the upper end of BETWEEN"));
            }
            let high = self.value(of_type)?;
            return Ok(negated(is_not, Filter::Between(field, low, high)));
        }
        if matches!(of_type, Type::Text | Type::Any) && self.take_word("STARTS_WITH") {
            let Literal::Text(prefix) = self.value(Type::Text)? else {
                return Err(self.expected("a text in quotes"));
            };
            return Ok(negated(is_not, Filter::StartsWith(field, prefix)));
        }
        Err(self.expected(if is_not {
            "IN, BETWEEN or STARTS_WITH"
        } else {
            of_type.operators()
        }))
    }

    fn operator(&mut self, of_type: Type) -> Result<Option<Operator>, QueryError> {
        let Kind::Sign(sign) = *self.peek() else {
            return Ok(None);
        };
        let operator = match sign {
            "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::AtMost,
            ">" => Operator::Greater,
            ">=" => Operator::AtLeast,
            _ => return Ok(None),
        };
        let by_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if of_type == Type::Status && by_order {
            return Err(self.expected(of_type.operators()));
        }
        self.next += 1;
        Ok(Some(operator))
    }

    fn values(&mut self, of_type: Type) -> Result<Vec<Literal>, QueryError> {
        if !self.take_sign("(") {
            return Err(self.expected("( and the values of IN"));
        }
        let mut values = vec![self.value(of_type)?];
        while self.take_sign(",") {
            if values.len() == IN_VALUES_MAX {
                return Err(self.expected(&format!("at most {IN_VALUES_MAX} values")));
            }
            values.push(self.value(of_type)?);
        }
        if self.take_sign(")") {
            return Ok(values);
        }
        Err(self.expected(", or )"))
    }

    fn field(&mut self) -> Result<Field, QueryError> {
        let field = match self.peek().clone() {
            Kind::Name(name) if !name.is_empty() => Field::Custom(name),
            Kind::Word(word) => {
                let is_keyword = KEYWORDS.iter().any(|k| k.eq_ignore_ascii_case(&word));
                if is_keyword || !lexer::is_word(&word) {
                    return Err(self.expected("the name of an attribute"));
                }
                match SYSTEM
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(&word))
                {
                    Some((name, field)) if *name == word => field.clone(),
                    Some((name, _)) => return Err(self.expected(&format!("{name}, spelled so"))),
                    None => Field::Custom(word),
                }
            }
            Kind::Name(_) | Kind::Text(_) | Kind::Number(_) | Kind::Sign(_) | Kind::End => {
                return Err(self.expected("the name of an attribute"));
            }
        };
        self.next += 1;
        Ok(field)
    }

    fn value(&mut self, of_type: Type) -> Result<Literal, QueryError> {
        let at = self.next;
        let literal = self.literal(of_type)?;
        let fits = match (of_type, literal) {
            (Type::Any | Type::Text, Literal::Text(text)) => Some(Literal::Text(text)),
            (Type::Status, Literal::Text(text)) => {
                let known = STATUSES.iter().any(|s| status_name(*s) == text);
                known.then_some(Literal::Text(text))
            }
            (Type::Time, Literal::Text(text)) => moment::time(&text).map(Literal::Time),
            (Type::Duration, Literal::Text(text)) => moment::duration(&text).map(Literal::Duration),
            (Type::Any | Type::Whole, Literal::Int(n)) => Some(Literal::Int(n)),
            (Type::Any | Type::Time, Literal::Now(ms)) => Some(Literal::Now(ms)),
            (Type::Any, other) => Some(other),
            (_, _) => None,
        };
        fits.ok_or_else(|| self.expected_at(at, &of_type.describe()))
    }

    fn literal(&mut self, of_type: Type) -> Result<Literal, QueryError> {
        let sign = if self.take_sign("-") { "-" } else { "" };
        let literal = match self.peek().clone() {
            Kind::Text(text) if sign.is_empty() => Literal::Text(text),
            Kind::Number(digits) => {
                let whole = format!("{sign}{digits}");
                let double = whole.parse().ok().filter(|n: &f64| n.is_finite());
                let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
                let number = match whole.parse() {
                    Ok(n) => Some(Literal::Int(n)),
                    Err(_) if is_whole => None,
                    Err(_) => double.map(Literal::Double),
                };
                number.ok_or_else(|| self.expected("a number of at most 64 bits"))?
            }
            Kind::Word(word) if sign.is_empty() => {
                if word.eq_ignore_ascii_case("now") {
                    self.next += 1;
                    return self.now();
                }
                let is = |name: &str| word.eq_ignore_ascii_case(name);
                match moment::duration(&word) {
                    Some(_) if of_type == Type::Duration => Literal::Text(word),
                    _ if is("true") => Literal::Bool(true),
                    _ if is("false") => Literal::Bool(false),
                    _ => return Err(self.expected(&of_type.describe())),
                }
            }
            Kind::Text(_) | Kind::Word(_) | Kind::Name(_) | Kind::Sign(_) | Kind::End => {
                return Err(self.expected(&of_type.describe()));
            }
        };
        self.next += 1;
        Ok(literal)
    }

    /// What follows `now`.
    fn now(&mut self) -> Result<Literal, QueryError> {
        let back = self.take_sign("-");
        if !back && !self.take_sign("+") {
            return Ok(Literal::Now(0));
        }
        let duration = match self.peek() {
            Kind::Word(text) | Kind::Text(text) => moment::duration(text),
            Kind::Name(_) | Kind::Number(_) | Kind::Sign(_) | Kind::End => None,
        };
        let ms = duration.and_then(|duration| i64::try_from(duration.0).ok());
        let ms = ms.ok_or_else(|| self.expected("a duration such as 90s or 1h30m"))?;
        self.next += 1;
        Ok(Literal::Now(if back { -ms } else { ms }))
    }

    fn peek(&self) -> &Kind {
        self.tokens
            .get(self.next)
            .map_or(&Kind::End, |token| &token.kind)
    }

    fn is_word(&self, keyword: &str) -> bool {
        matches!(self.peek(), Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let is = self.is_word(keyword);
        self.next += usize::from(is);
        is
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Kind::Sign(next) if *next == sign);
        self.next += usize::from(is);
        is
    }

    fn expected(&self, what: &str) -> QueryError {
        self.expected_at(self.next, what)
    }

    fn expected_at(&self, token: usize, what: &str) -> QueryError {
        let (at, found) = match self.tokens.get(token) {
            Some(token) => (token.at, token.kind.describe()),
            None => (self.text.len(), Kind::End.describe()),
        };
        QueryError::at(self.text, at, found, what.to_owned())
    }
}

fn single(mut all: Vec<Filter>, joined: fn(Vec<Filter>) -> Filter) -> Filter {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        last => {
            all.extend(last);
            joined(all)
        }
    }
}

fn negated(is_not: bool, filter: Filter) -> Filter {
    if is_not {
        Filter::Not(Box::new(filter))
    } else {
        filter
    }
}
