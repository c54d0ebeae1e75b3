//! A seeded random script on two stores at once: they must answer alike, and as their writer knows.
//!
//! Neighbours: the suite. Must not know the stores.

use kernel::{EventId, HistoryEvent};

use super::Subject;
use super::run::{Run, Written, run_id};
use crate::store::{Commit, Namespace, Row, RunInfo, Store};

/// A small generator of numbers that are the same for the same seed, everywhere.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `n`, which must not be 0.
    pub fn below(&mut self, n: usize) -> usize {
        // An odd multiplier and two shifts mix well enough to choose test steps.
        self.0 = self.0.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33;
        usize::try_from(mixed).expect("31 bits") % n
    }
}

/// Runs the script of a seed on both kinds of store. Panics at the first difference.
pub fn compare(left: &dyn Subject, right: &dyn Subject, seed: u64, steps: usize) {
    let mut random = Random::new(seed);
    let mut stores = Pair {
        left: left.fresh(),
        right: right.fresh(),
    };
    let mut runs: Vec<Run> = Vec::new();
    for step in 0..steps {
        match random.below(20) {
            0 => stores = stores.reopen_left(left),
            1 => stores = stores.reopen_right(right),
            2..=4 => check(&stores, &runs, &mut random),
            _other => write(&stores, &mut runs, &mut random),
        }
        let open = both(&stores, |store| store.open_runs().expect("open runs"));
        let known = runs.iter().filter(|r| !r.state.is_closed()).count();
        assert_eq!(open.len(), known, "seed {seed}, step {step}");
    }
    for _ in 0..10 {
        check(&stores, &runs, &mut random);
    }
}

struct Pair {
    left: Box<dyn Store>,
    right: Box<dyn Store>,
}

impl Pair {
    fn reopen_left(self, subject: &dyn Subject) -> Self {
        Self {
            left: subject.reopen(self.left),
            ..self
        }
    }

    fn reopen_right(self, subject: &dyn Subject) -> Self {
        Self {
            right: subject.reopen(self.right),
            ..self
        }
    }
}

fn both<T: PartialEq + std::fmt::Debug>(stores: &Pair, ask: impl Fn(&dyn Store) -> T) -> T {
    let answer = ask(&*stores.left);
    assert_eq!(answer, ask(&*stores.right), "the two stores differ");
    answer
}

/// One group of random transitions and rows.
fn write(stores: &Pair, runs: &mut Vec<Run>, random: &mut Random) {
    let mut written: Vec<Written> = Vec::new();
    let mut touched: Vec<usize> = Vec::new();
    for _ in 0..=random.below(6) {
        let index = if runs.len() < 12 && random.below(4) == 0 {
            let n = u64::try_from(runs.len()).expect("small") + 1;
            let (run, first) = Run::start(&format!("job-{}", n % 5), n);
            runs.push(run);
            written.push(first);
            runs.len() - 1
        } else if runs.is_empty() {
            continue;
        } else {
            let index = random.below(runs.len());
            if runs[index].state.is_closed() {
                continue;
            }
            written.push(step(&mut runs[index], random));
            index
        };
        if !touched.contains(&index) {
            touched.push(index);
        }
    }
    let rows: Vec<Row> = (0..random.below(3)).map(|_| random_row(random)).collect();
    both(stores, |store| {
        let commit = Commit {
            transitions: written.iter().map(Written::as_transition).collect(),
            states: touched.iter().map(|index| &runs[*index].state).collect(),
            rows: rows.clone(),
            imported: Vec::new(),
        };
        store.commit(&commit).expect("a commit")
    });
}

fn step(run: &mut Run, random: &mut Random) -> Written {
    let bytes = [0, 30, 300, 5_000, 40_000][random.below(5)];
    let idle = run.state.activities.is_empty();
    match random.below(12) {
        0..=4 => run.schedule(bytes),
        5..=7 if !idle => run.complete(bytes / 2),
        8..=9 if !idle => run.heartbeat(bytes / 4),
        10 if run.state.transitions > 20 => run.close(),
        _other => run.signal(bytes / 3),
    }
}

const NAMESPACES: [Namespace; 4] = [
    Namespace::Breaker,
    Namespace::Cursor,
    Namespace::Meta,
    Namespace::Schedule,
];

fn random_row(random: &mut Random) -> Row {
    let namespace = NAMESPACES[random.below(NAMESPACES.len())];
    let key = format!("key-{}\0", random.below(9)).into_bytes();
    let sizes = [None, Some(0), Some(50), Some(9_000)];
    let value = sizes[random.below(4)].map(|n| vec![9; n]);
    Row {
        namespace,
        key,
        value,
    }
}

/// Everything that can be asked about a random run, and some lists.
fn check(stores: &Pair, runs: &[Run], random: &mut Random) {
    for namespace in NAMESPACES {
        both(stores, |store| store.rows(namespace).expect("rows"));
    }
    let limit = random.below(8);
    let before = (random.below(2) == 0).then(|| run_id(u64::try_from(limit).expect("small") + 3));
    let listed = both(stores, |store| {
        store.list_runs(before, limit).expect("list")
    });
    assert!(listed.len() <= limit);
    if runs.is_empty() {
        return;
    }
    let run = &runs[random.below(runs.len())];
    let id = run.state.run_id;
    let state = both(stores, |store| store.load_run(id).expect("run"));
    assert_eq!(state.as_ref(), Some(&run.state));
    let latest = both(stores, |store| {
        store.latest_run(&run.state.workflow_id).expect("latest")
    });
    let same_id = |r: &&Run| r.state.workflow_id == run.state.workflow_id;
    assert_eq!(
        latest,
        runs.iter().filter(same_id).map(|r| r.state.run_id).max()
    );
    let after = random.below(run.events.len() + 2);
    let after_id = EventId(u64::try_from(after).expect("small"));
    let page: Vec<HistoryEvent> = both(stores, |store| {
        store.load_history(id, after_id, limit).expect("page")
    });
    let expected = run.events.get(after..).unwrap_or_default();
    assert_eq!(page, expected[..page.len()]);
    assert!(page.len() >= limit.min(expected.len()));
    let whole = both(stores, |store| {
        store.list_runs(None, usize::MAX).expect("list")
    });
    let mut infos: Vec<RunInfo> = runs.iter().map(|r| RunInfo::of(&r.state)).collect();
    infos.reverse();
    assert_eq!(whole, infos);
    both(stores, |store| super::check_index(store).expect("an index"));
}
