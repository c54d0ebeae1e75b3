//! The two kinds of store, as the suite wants them.

use std::cell::RefCell;

use tempfile::TempDir;

use crate::conformance::Subject;
use crate::store::Store;
use crate::{MemoryStore, SledStore};

/// A memory store; its processes end by crashing.
#[derive(Default)]
pub(super) struct MemorySubject {
    last: RefCell<MemoryStore>,
}

impl Subject for MemorySubject {
    fn fresh(&self) -> Box<dyn Store> {
        let store = MemoryStore::new();
        self.last.replace(store.clone());
        Box::new(store)
    }

    fn reopen(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        self.last.borrow().crash();
        store
    }
}

/// A sled store in a directory that goes when the subject goes.
#[derive(Default)]
pub(super) struct SledSubject {
    dir: RefCell<Option<TempDir>>,
}

impl Subject for SledSubject {
    fn fresh(&self) -> Box<dyn Store> {
        let dir = tempfile::tempdir().unwrap();
        let store = SledStore::open(&dir.path().join("state")).unwrap();
        self.dir.replace(Some(dir));
        Box::new(store)
    }

    fn reopen(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        drop(store);
        let dir = self.dir.borrow();
        let path = dir.as_ref().expect("a store was made").path().join("state");
        Box::new(SledStore::open(&path).unwrap())
    }
}
