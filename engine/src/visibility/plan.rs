//! From a filter to walks through the index: what every run that is meant must have.
//!
//! Neighbours: `list` carries the plan out and checks what it does not say. Must not read the store.

use std::collections::BTreeSet;

use kernel::Timestamp;
use kernel::primitives::workflow_execution::State;
use state::index::{Find, Newest, Place, Term};

use super::query::{Direction, Field, Filter, Literal, Operator, Query, STATUSES, status_name};

/// Both ends belong to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Span {
    fn not_before(&mut self, at: Timestamp) {
        self.from = Some(self.from.map_or(at, |from| from.max(at)));
    }

    fn not_after(&mut self, at: Timestamp) {
        self.to = Some(self.to.map_or(at, |to| to.min(at)));
    }

    fn is_bounded(self) -> bool {
        self.from.is_some() || self.to.is_some()
    }
}

/// What is walked, in which order, and what is left to check.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    statuses: Vec<State>,
    sets: Vec<Vec<Term>>,
    start: Span,
    close: Span,
    order: PlanOrder,
    /// Whether the terms and spans say everything that the filter says.
    all_said: bool,
}

/// Which walk gives the order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlanOrder {
    Start(Newest),
    Close(Newest),
    /// None does: what is found is sorted.
    By(Field, Direction),
}

/// One walk, and whether every run on it is meant.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) find: Find,
    pub(super) is_exact: bool,
}

impl Plan {
    /// The plan of a query at a time.
    pub(super) fn of(query: &Query, now: Timestamp) -> Self {
        let mut plan = Self {
            statuses: STATUSES.to_vec(),
            sets: Vec::new(),
            start: Span::default(),
            close: Span::default(),
            order: PlanOrder::Start(Newest::First),
            all_said: true,
        };
        if let Some(filter) = &query.filter {
            plan.take(filter, now);
        }
        plan.order = match &query.order {
            None if plan.close.is_bounded() => PlanOrder::Close(Newest::First),
            None => PlanOrder::Start(Newest::First),
            Some(order) => {
                let newest = match order.direction {
                    Direction::Ascending => Newest::Last,
                    Direction::Descending => Newest::First,
                };
                match order.field {
                    Field::StartTime => PlanOrder::Start(newest),
                    Field::CloseTime => PlanOrder::Close(newest),
                    Field::WorkflowId
                    | Field::WorkflowType
                    | Field::RunId
                    | Field::ExecutionStatus
                    | Field::ExecutionDuration
                    | Field::HistoryLength
                    | Field::HistorySizeBytes
                    | Field::ParentWorkflowId
                    | Field::Custom(_) => PlanOrder::By(order.field.clone(), order.direction),
                }
            }
        };
        plan
    }

    pub(super) fn order(&self) -> &PlanOrder {
        &self.order
    }

    /// Statuses that a run that is meant may have.
    pub(super) fn statuses(&self) -> &[State] {
        &self.statuses
    }

    /// The same for runs of one status only.
    pub(super) fn with_status(&self, status: State) -> Self {
        Self {
            statuses: vec![status],
            order: match self.order {
                PlanOrder::Close(newest) if self.close.is_bounded() => PlanOrder::Close(newest),
                PlanOrder::Start(_) | PlanOrder::Close(_) | PlanOrder::By(..) => {
                    PlanOrder::Start(Newest::First)
                }
            },
            ..self.clone()
        }
    }

    /// The walks, one after another: every run that is meant is on one of them.
    pub(super) fn walks(&self) -> Vec<Walk> {
        let newest = match self.order {
            PlanOrder::Start(newest) | PlanOrder::Close(newest) => newest,
            PlanOrder::By(..) => Newest::First,
        };
        if let PlanOrder::Start(_) | PlanOrder::By(..) = self.order {
            return vec![self.by_start(newest, &self.statuses)];
        }
        let (open, closed): (Vec<State>, Vec<State>) = self
            .statuses
            .iter()
            .partition(|status| **status == State::Running);
        let find = Find {
            all_of: vec![closed.into_iter().map(Term::closed).collect()],
            from: self.close.from,
            to: self.close.to,
            newest,
            after: None,
        };
        let is_exact = self.all_said && self.sets.is_empty() && !self.start.is_bounded();
        let mut walks = vec![Walk { find, is_exact }];
        // An open run has no time of its close: it comes last, and between two times never.
        if !self.close.is_bounded() {
            walks.push(self.by_start(newest, &open));
        }
        walks
    }

    fn by_start(&self, newest: Newest, statuses: &[State]) -> Walk {
        let status = statuses
            .iter()
            .map(|status| Term::status(*status))
            .collect();
        let mut all_of = self.sets.clone();
        // Without another set every status is walked, which is every run.
        if all_of.is_empty() || statuses.len() < STATUSES.len() {
            all_of.push(status);
        }
        Walk {
            find: Find {
                all_of,
                from: self.start.from,
                to: self.start.to,
                newest,
                after: None,
            },
            is_exact: self.all_said && !self.close.is_bounded(),
        }
    }

    /// Takes in what a filter demands; what it cannot say is left to be checked.
    fn take(&mut self, filter: &Filter, now: Timestamp) {
        let said = match filter {
            Filter::And(all) => {
                all.iter().for_each(|one| self.take(one, now));
                true
            }
            Filter::Compare(Field::ExecutionStatus, operator, literal) => {
                let same = *operator == Operator::Equal;
                self.statuses
                    .retain(|s| is_text(literal, status_name(*s)) == same);
                matches!(operator, Operator::Equal | Operator::NotEqual)
            }
            Filter::In(Field::ExecutionStatus, literals) => {
                self.statuses
                    .retain(|s| literals.iter().any(|l| is_text(l, status_name(*s))));
                true
            }
            Filter::Compare(field, Operator::Equal, literal) if is_indexed(field) => {
                self.take_terms(field, std::slice::from_ref(literal))
            }
            Filter::In(field, literals) if is_indexed(field) => self.take_terms(field, literals),
            Filter::Compare(field, operator, literal) => {
                self.take_times(field, *operator, literal, now)
            }
            Filter::Between(field, low, high) => {
                let from = self.take_times(field, Operator::AtLeast, low, now);
                let to = self.take_times(field, Operator::AtMost, high, now);
                from && to
            }
            Filter::Or(_)
            | Filter::Not(_)
            | Filter::In(..)
            | Filter::StartsWith(..)
            | Filter::IsNull(_) => false,
        };
        self.all_said &= said;
    }

    /// Gives whether the terms say all.
    fn take_terms(&mut self, field: &Field, literals: &[Literal]) -> bool {
        let mut terms = BTreeSet::new();
        for literal in literals {
            match (field, literal) {
                (Field::WorkflowId, Literal::Text(text)) => terms.insert(Term::workflow_id(text)),
                (Field::WorkflowType, Literal::Text(text)) => {
                    terms.insert(Term::workflow_type(text))
                }
                (Field::ParentWorkflowId, Literal::Text(text)) => terms.insert(Term::parent(text)),
                (Field::Custom(name), Literal::Text(word)) => {
                    // A Text and a Datetime compare with a text too, and have the other term.
                    terms.insert(Term::other(name));
                    terms.insert(Term::keyword(name, word))
                }
                (Field::Custom(name), _) => terms.insert(Term::other(name)),
                (_, _) => return false,
            };
        }
        self.sets.push(terms.into_iter().collect());
        !matches!(field, Field::Custom(_))
    }

    /// Gives whether the spans say all.
    fn take_times(
        &mut self,
        field: &Field,
        operator: Operator,
        literal: &Literal,
        now: Timestamp,
    ) -> bool {
        let span = match field {
            Field::StartTime => &mut self.start,
            Field::CloseTime => &mut self.close,
            Field::WorkflowId
            | Field::WorkflowType
            | Field::RunId
            | Field::ExecutionStatus
            | Field::ExecutionDuration
            | Field::HistoryLength
            | Field::HistorySizeBytes
            | Field::ParentWorkflowId
            | Field::Custom(_) => return false,
        };
        let at = match literal {
            Literal::Time(at) => *at,
            Literal::Now(ms) => Timestamp(now.0.saturating_add(*ms)),
            Literal::Text(_)
            | Literal::Int(_)
            | Literal::Double(_)
            | Literal::Bool(_)
            | Literal::Duration(_) => return false,
        };
        match operator {
            Operator::Equal => {
                span.not_before(at);
                span.not_after(at);
            }
            Operator::Less | Operator::AtMost => span.not_after(at),
            Operator::Greater | Operator::AtLeast => span.not_before(at),
            Operator::NotEqual => return false,
        }
        // The ends of a span belong to it; without them the end itself is left to check.
        !matches!(operator, Operator::Less | Operator::Greater)
    }
}

fn is_text(literal: &Literal, text: &str) -> bool {
    matches!(literal, Literal::Text(literal) if literal == text)
}

fn is_indexed(field: &Field) -> bool {
    match field {
        Field::WorkflowId | Field::WorkflowType | Field::ParentWorkflowId | Field::Custom(_) => {
            true
        }
        Field::RunId
        | Field::ExecutionStatus
        | Field::StartTime
        | Field::CloseTime
        | Field::ExecutionDuration
        | Field::HistoryLength
        | Field::HistorySizeBytes => false,
    }
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// At a place of a walk.
    At(usize, Place),
    /// After this many of what was sorted.
    Sorted(usize),
}
