//! The two kinds of store, as the suite wants them.

use std::cell::RefCell;

use tempfile::TempDir;

use crate::conformance::Subject;
use crate::store::Store;
use crate::{Coding, KeyRing, MemoryStore, SledStore};

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

/// A sled store that is encrypted; each process is given one more key than the one before.
#[derive(Default)]
pub(super) struct EncryptedSubject {
    dir: RefCell<Option<TempDir>>,
    keys: RefCell<Vec<String>>,
}

impl EncryptedSubject {
    fn open(&self) -> Box<dyn Store> {
        let mut keys = self.keys.borrow_mut();
        let next = format!("{:02x}", keys.len() + 1).repeat(32);
        keys.insert(0, next);
        let ring = KeyRing::parse(&keys.join(" ")).unwrap();
        let dir = self.dir.borrow();
        let path = dir.as_ref().expect("a store was made").path().join("state");
        Box::new(SledStore::open_with(&path, &Coding::Encrypted(ring)).unwrap())
    }
}

impl Subject for EncryptedSubject {
    fn fresh(&self) -> Box<dyn Store> {
        self.dir.replace(Some(tempfile::tempdir().unwrap()));
        self.keys.borrow_mut().clear();
        self.open()
    }

    fn reopen(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        drop(store);
        self.open()
    }
}
