//! The body's side of search attributes and memo.

use std::sync::Arc;

use serde::Serialize;

use super::calls::Cx;
use super::shared::Inner;
use crate::command::Command;
use crate::failure::Failure;
use crate::payload::Payload;
use crate::visibility::{Changes, SearchValue, change};

impl Cx {
    /// Sets a search attribute, by which people find this run. It keeps the type it had first.
    ///
    /// ```
    /// use kernel::{Cx, Failure};
    /// async fn order(cx: Cx, customer: String) -> Result<(), Failure> {
    ///     cx.upsert_search_attribute("customer", customer.as_str());
    ///     cx.upsert_search_attribute("items", 3);
    ///     cx.upsert_memo("note", "to be wrapped")
    /// }
    /// # drop(order);
    /// ```
    pub fn upsert_search_attribute(&self, name: &str, value: impl Into<SearchValue>) {
        self.upsert_search_attributes([(name.to_owned(), Some(value.into()))].into());
    }

    /// Takes a search attribute away.
    pub fn remove_search_attribute(&self, name: &str) {
        self.upsert_search_attributes([(name.to_owned(), None)].into());
    }

    /// Changes several search attributes in one event.
    pub fn upsert_search_attributes(&self, attributes: Changes<SearchValue>) {
        self.shared()
            .with(|inner| inner.upsert_search_attributes(attributes));
    }

    /// Sets a field of the memo, which people read in lists but do not search.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    pub fn upsert_memo<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Failure> {
        let value = Payload::json(value)?;
        self.change_memo([(name.to_owned(), Some(value))].into());
        Ok(())
    }

    /// Takes a field of the memo away.
    pub fn remove_memo(&self, name: &str) {
        self.change_memo([(name.to_owned(), None)].into());
    }

    fn change_memo(&self, memo: Changes<Payload>) {
        self.shared().with(|inner| inner.change_memo(memo));
    }
}

impl Inner {
    fn upsert_search_attributes(&mut self, attributes: Changes<SearchValue>) {
        if !self.is_reading() {
            change(Arc::make_mut(&mut self.info.search_attributes), &attributes);
            self.command(Command::UpsertWorkflowSearchAttributes { attributes });
        }
    }

    fn change_memo(&mut self, memo: Changes<Payload>) {
        if !self.is_reading() {
            change(Arc::make_mut(&mut self.info.memo), &memo);
            self.command(Command::ModifyWorkflowProperties { memo });
        }
    }
}
