//! Cancellation scopes: a tree of which a part can be canceled alone.
//!
//! A node knows its parent only, so a scope that nobody holds leaves nothing behind. Neighbours:
//! handles and operations hold nodes, `shared` asks them.

use std::sync::{Arc, OnceLock};

/// Whether cancellation comes in from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shield {
    Up,
    Down,
}

#[derive(Debug)]
struct Node {
    parent: Option<Scope>,
    shield: Shield,
    /// Why it was canceled itself.
    canceled: OnceLock<String>,
}

/// One scope, by reference.
#[derive(Clone, Debug)]
pub(crate) struct Scope(Arc<Node>);

impl Scope {
    /// The scope of the whole run.
    pub(super) fn root() -> Self {
        Self::new(None, Shield::Down)
    }

    /// A scope inside this one, that can be canceled alone.
    pub(super) fn child(&self) -> Self {
        Self::new(Some(self.clone()), Shield::Down)
    }

    /// A scope inside this one, that cancellation from above does not reach.
    pub(super) fn shielded(&self) -> Self {
        Self::new(Some(self.clone()), Shield::Up)
    }

    fn new(parent: Option<Self>, shield: Shield) -> Self {
        Self(Arc::new(Node {
            parent,
            shield,
            canceled: OnceLock::new(),
        }))
    }

    /// Cancels it; the first reason stands.
    pub(super) fn cancel(&self, reason: String) {
        let _again = self.0.canceled.set(reason);
    }

    /// Whether its operations are canceled.
    pub(super) fn is_canceled(&self) -> bool {
        let mut at = self;
        loop {
            if at.0.canceled.get().is_some() {
                return true;
            }
            match (&at.0.parent, at.0.shield) {
                (Some(parent), Shield::Down) => at = parent,
                (Some(_), Shield::Up) | (None, Shield::Up | Shield::Down) => return false,
            }
        }
    }

    /// Why it, or one above it, was canceled, whatever shields are between.
    pub(super) fn reason(&self) -> Option<&str> {
        let mut at = Some(self);
        while let Some(scope) = at {
            if let Some(reason) = scope.0.canceled.get() {
                return Some(reason);
            }
            at = scope.0.parent.as_ref();
        }
        None
    }
}

#[cfg(test)]
mod tests;
