//! Blobs that nobody names, over every kind of store.

use std::collections::{BTreeMap, BTreeSet};

use kernel::RunId;
use tempfile::TempDir;

use crate::conformance::{Random, Run, Subject, commit};
use crate::orphans::{self, Census, Pile};
use crate::store::{Namespace, Row, Store};
use crate::{Coding, Digest, KeyRing, SledStore};

use super::subjects::MemorySubject;

/// A sled store whose values lie in some way.
struct CodedSubject {
    dir: TempDir,
    coding: Coding,
}

impl CodedSubject {
    fn new(coding: Coding) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, coding }
    }
}

impl Subject for CodedSubject {
    fn fresh(&self) -> Box<dyn Store> {
        Box::new(SledStore::open_with(self.dir.path(), &self.coding).unwrap())
    }

    fn reopen(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        drop(store);
        self.fresh()
    }
}

const NAMESPACES: [Namespace; 4] = [
    Namespace::Breaker,
    Namespace::Cursor,
    Namespace::Meta,
    Namespace::Schedule,
];

/// A store, and what its writers know of it.
struct World {
    store: Box<dyn Store>,
    random: Random,
    /// Runs that are there, and what each names.
    runs: BTreeMap<RunId, (Run, Vec<Digest>)>,
    runs_begun: u64,
    rows: BTreeMap<(Namespace, Vec<u8>), Vec<Digest>>,
    /// All blobs ever put: their bytes, and what each names.
    blobs: BTreeMap<Digest, (Vec<u8>, Vec<Digest>)>,
}

impl World {
    fn new(store: Box<dyn Store>, seed: u64) -> Self {
        Self {
            store,
            random: Random::new(seed),
            runs: BTreeMap::new(),
            runs_begun: 0,
            rows: BTreeMap::new(),
            blobs: BTreeMap::new(),
        }
    }

    /// Text that says nothing, nearly never the same twice.
    fn noise(&mut self, len: usize) -> Vec<u8> {
        (0..len)
            .map(|_| b' ' + u8::try_from(self.random.below(90)).unwrap())
            .collect()
    }

    /// Bytes of some length that name these, each in one form or another.
    fn naming(&mut self, names: &[Digest]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in names {
            let len = self.random.below(40);
            bytes.extend(self.noise(len));
            bytes.push(b'"');
            match self.random.below(4) {
                0 => bytes.extend(name.0),
                1 => bytes.extend(format!("{:?}", name.0).into_bytes()),
                2 => bytes.extend(format!("{:?}", name.to_string().as_bytes()).into_bytes()),
                _other => bytes.extend(name.to_string().into_bytes()),
            }
            bytes.push(b'"');
        }
        // Some are large enough to be cut into pieces, wherever a name stands.
        let len = match self.random.below(6) {
            0 => 66_000 + self.random.below(9_000),
            _other => self.random.below(300),
        };
        let mut noise = self.noise(len);
        noise.extend(bytes);
        let tail = self.random.below(200);
        noise.extend(self.noise(tail));
        noise
    }

    /// Some of the blobs that are there, or none.
    fn some(&mut self) -> Vec<Digest> {
        let all: Vec<Digest> = self.blobs.keys().copied().collect();
        let n = self.random.below(3).min(all.len());
        (0..n).map(|_| all[self.random.below(all.len())]).collect()
    }

    fn put_blob(&mut self) -> Digest {
        let names = self.some();
        let bytes = self.naming(&names);
        let digest = self.store.put_blob(&bytes).unwrap();
        self.blobs.insert(digest, (bytes, names));
        digest
    }

    /// Blobs of which this is all: their writer was killed before it wrote who wants them.
    fn crash(&mut self, subject: &dyn Subject) {
        self.put_blob();
        let store = std::mem::replace(&mut self.store, Box::new(crate::MemoryStore::new()));
        self.store = subject.reopen(store);
    }

    fn begin(&mut self) {
        self.runs_begun += 1;
        let (run, first) = Run::start(&format!("job-{}", self.runs_begun % 5), self.runs_begun);
        commit(&*self.store, &[&first], &[&run], vec![]);
        self.runs.insert(run.state.run_id, (run, Vec::new()));
    }

    fn chosen(&mut self) -> Option<RunId> {
        let ids: Vec<RunId> = self.runs.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[self.random.below(ids.len())])
    }

    fn tell(&mut self) {
        let Some(id) = self.chosen() else { return };
        let mut names = self.some();
        names.push(self.put_blob());
        let said = self.naming(&names);
        let Some((run, named)) = self.runs.get_mut(&id).filter(|(r, _)| !r.state.is_closed())
        else {
            return;
        };
        let written = run.tell(said);
        named.extend(names);
        commit(&*self.store, &[&written], &[run], vec![]);
    }

    fn close(&mut self) {
        let id = self.chosen();
        let Some((run, _)) = id.and_then(|id| self.runs.get_mut(&id)) else {
            return;
        };
        if !run.state.is_closed() {
            let end = run.close();
            commit(&*self.store, &[&end], &[run], vec![]);
        }
    }

    fn delete(&mut self) {
        let Some(id) = self.chosen().filter(|id| self.runs[id].0.state.is_closed()) else {
            return;
        };
        assert!(self.store.delete_run(id).unwrap());
        if self.random.below(2) == 0 {
            self.store.sweep(3).unwrap();
        }
        self.runs.remove(&id);
    }

    fn write_row(&mut self) {
        let namespace = NAMESPACES[self.random.below(4)];
        let mut names = self.some();
        let mut key = vec![u8::try_from(self.random.below(6)).unwrap()];
        if self.random.below(3) == 0 {
            let in_key = self.put_blob();
            key.extend(in_key.0);
            names.push(in_key);
        }
        let value = (self.random.below(4) > 0).then(|| self.naming(&names));
        match value {
            Some(_) => self.rows.insert((namespace, key.clone()), names),
            None => self.rows.remove(&(namespace, key.clone())),
        };
        let row = Row {
            namespace,
            key,
            value,
        };
        commit(&*self.store, &[], &[], vec![row]);
    }

    fn step(&mut self, subject: &dyn Subject) {
        match self.random.below(16) {
            0 | 1 => self.begin(),
            2..=6 => self.tell(),
            7 | 8 => self.close(),
            9 | 10 => self.delete(),
            11..=13 => self.write_row(),
            14 => _ = self.put_blob(),
            _other => self.crash(subject),
        }
    }

    /// What somebody names, and what is named there, and so on.
    fn needed(&self) -> BTreeSet<Digest> {
        let of_runs = self.runs.values().flat_map(|(_, names)| names);
        let mut todo: Vec<Digest> = of_runs
            .chain(self.rows.values().flatten())
            .copied()
            .collect();
        let mut needed = BTreeSet::new();
        while let Some(digest) = todo.pop() {
            if needed.insert(digest) {
                todo.extend(self.blobs[&digest].1.iter().copied());
            }
        }
        needed
    }

    /// Nobody but the blobs that nothing names may go, and all of them.
    fn check_collected(&mut self) -> Census {
        let needed = self.needed();
        let counted = orphans::count(&*self.store).unwrap();
        let census = orphans::collect(&*self.store).unwrap();
        assert_eq!(counted.orphans, census.orphans);
        assert_eq!(counted.removed, Pile::default());
        assert_eq!(census.removed, census.orphans);
        for (digest, (bytes, _)) in &self.blobs {
            let kept = self.store.blob(digest).unwrap();
            assert_eq!(kept.as_ref(), needed.contains(digest).then_some(bytes));
        }
        for (run, _) in self.runs.values() {
            let found = self.store.load_run(run.state.run_id).unwrap();
            assert_eq!(found.as_ref(), Some(&run.state));
        }
        self.blobs.retain(|digest, _| needed.contains(digest));
        let again = orphans::collect(&*self.store).unwrap();
        assert_eq!(again.orphans, Pile::default());
        assert_eq!(again.blobs.count, u64::try_from(needed.len()).unwrap());
        census
    }
}

fn live(subject: &dyn Subject, seed: u64, steps: usize) {
    let mut world = World::new(subject.fresh(), seed);
    let mut removed = 0;
    for _round in 0..3 {
        for _ in 0..steps {
            world.step(subject);
        }
        world.crash(subject);
        removed += world.check_collected().removed.count;
    }
    assert!(removed > 0 && !world.blobs.is_empty(), "seed {seed}");
}

#[test]
fn what_is_named_stays_and_what_is_not_goes_in_memory() {
    for seed in 0..8 {
        live(&MemorySubject::default(), seed, 60);
    }
}

#[test]
fn what_is_named_stays_and_what_is_not_goes_however_values_lie() {
    let ring = || KeyRing::parse(&"5c".repeat(32)).unwrap();
    let codings = [
        Coding::Plain,
        Coding::Compressed,
        Coding::Encrypted(ring()),
        Coding::CompressedEncrypted(ring()),
    ];
    for (seed, coding) in (100..).zip(codings) {
        live(&CodedSubject::new(coding), seed, 30);
    }
}

#[test]
fn what_was_put_since_the_store_was_opened_stays() {
    let subject = CodedSubject::new(Coding::Plain);
    let store = subject.fresh();
    let (old, both) = (
        store.put_blob(b"old").unwrap(),
        store.put_blob(b"both").unwrap(),
    );
    let store = subject.reopen(store);
    let new = store.put_blob(b"new").unwrap();
    assert_eq!(
        store.put_blob(b"both").unwrap(),
        both,
        "it was there before"
    );
    let census = orphans::collect(&*store).unwrap();
    assert_eq!((census.orphans.count, census.removed.count), (3, 1));
    assert!(census.oldest_orphan_at.is_some());
    assert_eq!(store.blob(&old).unwrap(), None);
    assert_eq!(store.blob(&both).unwrap(), Some(b"both".to_vec()));
    assert_eq!(store.blob(&new).unwrap(), Some(b"new".to_vec()));
    let store = subject.reopen(store);
    assert_eq!(orphans::collect(&*store).unwrap().removed.count, 2);
    // One that went can be put again.
    assert_eq!(store.put_blob(b"old").unwrap(), old);
    assert_eq!(store.blob(&old).unwrap(), Some(b"old".to_vec()));
}

#[test]
fn nothing_goes_while_something_cannot_be_read() {
    let subject = CodedSubject::new(Coding::Plain);
    let store = subject.fresh();
    let (orphan, named) = (
        store.put_blob(b"orphan").unwrap(),
        store.put_blob(b"list").unwrap(),
    );
    let row = Row {
        namespace: Namespace::Cursor,
        key: b"a.jsonl".to_vec(),
        value: Some(named.to_string().into_bytes()),
    };
    commit(&*store, &[], &[], vec![row]);
    let store = subject.reopen(store);
    let name = named.to_string();
    let path = subject
        .dir
        .path()
        .join("blobs")
        .join(&name[..2])
        .join(&name);
    std::fs::write(path, b"l1st").unwrap();
    assert!(orphans::collect(&*store).is_err());
    assert_eq!(store.blob(&orphan).unwrap(), Some(b"orphan".to_vec()));
}

#[test]
fn a_death_in_between_leaves_the_rest_for_the_next_time() {
    for n in 1..40 {
        let store = crate::MemoryStore::new();
        for text in ["a", "b", "c", "d"] {
            store.put_blob(text.as_bytes()).unwrap();
        }
        store.crash();
        store.fail_nth_call(n);
        let died = orphans::collect(&store).is_err();
        store.crash();
        store.fail_nth_call(u64::MAX);
        let left = orphans::collect(&store).unwrap();
        assert_eq!(left.removed, left.blobs);
        if !died {
            assert!(n > 4, "each removal is a call");
            return;
        }
    }
    panic!("it never ends");
}
