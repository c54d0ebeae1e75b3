//! Handlers of the body for questions and requests from outside: queries and updates.
//!
//! Neighbours: the machine asks them, `shared` keeps them. A query and the validator of an update
//! run while the run is read-only: whatever they ask of the context leaves no trace.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::calls::Cx;
use super::shared::Inner;
use crate::command::Command;
use crate::failure::Failure;
use crate::payload::Payload;

pub(crate) type Query = Arc<dyn Fn(&Payload) -> Result<Payload, Failure> + Send + Sync>;
pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = Result<Payload, Failure>> + Send>>;

type Validator = Arc<dyn Fn(&Payload) -> Result<(), Failure> + Send + Sync>;

/// The two sides of an update.
#[derive(Clone)]
pub(crate) struct Update {
    pub(crate) validate: Validator,
    pub(crate) handle: Arc<dyn Fn(Payload) -> HandlerFuture + Send + Sync>,
}

/// All handlers that a body registered, by name.
#[derive(Default)]
pub(crate) struct Handlers {
    queries: BTreeMap<String, Query>,
    updates: BTreeMap<String, Update>,
}

impl Cx {
    /// Answers questions from outside between turns, without a trace in the history; closed runs
    /// answer too. The handler sees what it shares with the body, and cannot do anything.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use kernel::{ActivityOptions, Cx, Failure};
    ///
    /// async fn count(cx: Cx, n: u64) -> Result<u64, Failure> {
    ///     let done = Arc::new(Mutex::new(0_u64));
    ///     let seen = Arc::clone(&done);
    ///     cx.query("done", move |()| Ok(*seen.lock().expect("nobody panics with it")));
    ///     for value in 0..n {
    ///         let _: u64 = cx.activity_named("Echo", &value, ActivityOptions::default()).await?;
    ///         *done.lock().expect("nobody panics with it") += 1;
    ///     }
    ///     Ok(n)
    /// }
    /// # drop(count);
    /// ```
    ///
    /// Registered before the body first waits, a query can be asked from the start.
    pub fn query<I, O, F>(&self, name: &str, handler: F)
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Fn(I) -> Result<O, Failure> + Send + Sync + 'static,
    {
        let query: Query = Arc::new(move |input| {
            let answer = handler(input.decode()?)?;
            Ok(Payload::json(&answer)?)
        });
        let old = self
            .shared()
            .with(|inner| inner.handlers.queries.insert(name.to_owned(), query));
        drop(old);
    }

    /// Takes requests from outside: the validator may refuse one, which leaves no history; one that
    /// it lets pass is recorded, and the handler's answer goes back to whoever asked. Handlers run
    /// beside the body and each other, one step at a time. What the body returns before a handler
    /// has ended, cuts it off.
    ///
    /// ```
    /// use kernel::{Cx, Failure, Millis};
    ///
    /// async fn door(cx: Cx, _: ()) -> Result<(), Failure> {
    ///     let wait = cx.clone();
    ///     cx.update(
    ///         "open",
    ///         |who: &String| match who.as_str() {
    ///             "" => Err(Failure::permanent("Nameless", "say who you are")),
    ///             _ => Ok(()),
    ///         },
    ///         move |who: String| {
    ///             let wait = wait.clone();
    ///             async move {
    ///                 wait.sleep(Millis::seconds(1)).await?;
    ///                 Ok(format!("come in, {who}"))
    ///             }
    ///         },
    ///     );
    ///     cx.sleep(Millis::seconds(3_600)).await
    /// }
    /// # drop(door);
    /// ```
    pub fn update<I, O, V, F, Fut>(&self, name: &str, validator: V, handler: F)
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        V: Fn(&I) -> Result<(), Failure> + Send + Sync + 'static,
        F: Fn(I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let update = Update {
            validate: Arc::new(move |input| validator(&input.decode()?)),
            handle: Arc::new(move |input| {
                let handler = Arc::clone(&handler);
                Box::pin(async move {
                    let output = handler(input.decode()?).await?;
                    Ok(Payload::json(&output)?)
                })
            }),
        };
        let old = self
            .shared()
            .with(|inner| inner.handlers.updates.insert(name.to_owned(), update));
        drop(old);
    }
}

impl Inner {
    pub(crate) fn query(&self, name: &str) -> Result<Query, Failure> {
        let known = self.handlers.queries.get(name).cloned();
        known.ok_or_else(|| unknown("query", name, self.handlers.queries.keys()))
    }

    pub(crate) fn update(&self, name: &str) -> Result<Update, Failure> {
        let known = self.handlers.updates.get(name).cloned();
        known.ok_or_else(|| unknown("update", name, self.handlers.updates.keys()))
    }

    /// From now on nothing that the code asks for has any effect.
    pub(crate) fn begin_reading(&mut self) {
        self.before_reading = Some(self.random_state());
    }

    pub(crate) fn end_reading(&mut self) {
        if let Some(random) = self.before_reading.take() {
            self.set_random_state(random);
        }
    }

    pub(crate) fn is_reading(&self) -> bool {
        self.before_reading.is_some()
    }

    pub(crate) fn accept_update(&mut self, update_id: String, name: String, input: Payload) {
        self.command(Command::AcceptUpdate {
            update_id,
            name,
            input,
        });
    }

    pub(crate) fn complete_update(&mut self, update_id: String, result: Result<Payload, Failure>) {
        self.command(Command::CompleteUpdate { update_id, result });
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> Failure {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    let text = format!("the workflow has no {what} {name:?}; it has {known}");
    Failure::permanent("UnknownHandler", text)
}

#[cfg(test)]
mod tests;
