//! Layers over a base that fails, dies and is slow, against one plain map.

use std::sync::atomic::AtomicU64;

use super::*;

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// A base in memory: shared, so that it outlives the layers over it; its n-th write can fail.
#[derive(Clone, Default)]
struct MapBase {
    map: Arc<Mutex<(Pairs, u64)>>,
    writes: Arc<AtomicU64>,
    fail_from: Arc<AtomicU64>,
}

impl MapBase {
    fn new() -> Self {
        let this = Self::default();
        this.fail_from.store(u64::MAX, Ordering::Release);
        this
    }
}

impl Base for MapBase {
    fn group(&self) -> Result<u64, Error> {
        Ok(self.map.lock().unwrap().1)
    }

    fn write(&self, batch: Batch, group: Option<u64>) -> Result<(), Error> {
        if self.writes.fetch_add(1, Ordering::AcqRel) >= self.fail_from.load(Ordering::Acquire) {
            return Err(Error::Io {
                doing: "write the base".into(),
                source: std::io::Error::other("a planted fault"),
            });
        }
        let mut map = self.map.lock().unwrap();
        for (key, value) in batch {
            match value {
                Some(value) => map.0.insert(key, value),
                None => map.0.remove(&key),
            };
        }
        map.1 = group.unwrap_or(map.1);
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.map.lock().unwrap().0.get(key).cloned())
    }

    fn visit(
        &self,
        range: &KeyRange,
        order: Order,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), Error> {
        let map = self.map.lock().unwrap();
        let mut pairs: Vec<_> = map.0.range(range.from.clone()..range.to.clone()).collect();
        if order == Order::Backward {
            pairs.reverse();
        }
        let _all = pairs
            .iter()
            .try_for_each(|(key, value)| visitor(key, value));
        Ok(())
    }
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

fn random_batch(numbers: &mut Numbers, oracle: &mut Pairs) -> Batch {
    let mut batch = Batch::default();
    for _ in 0..=numbers.below(6) {
        let key = vec![b'a', u8::try_from(numbers.below(120)).unwrap()];
        if numbers.below(3) == 0 {
            oracle.remove(&key);
            batch.delete(key);
        } else {
            let len = [3, 90, 9_000][numbers.below(3)];
            let value = vec![u8::try_from(numbers.below(256)).unwrap(); len];
            oracle.insert(key.clone(), value.clone());
            batch.put(key, value);
        }
    }
    batch
}

fn check(layered: &Layered<MapBase>, oracle: &Pairs, numbers: &mut Numbers) {
    let mut ends = [numbers.below(130), numbers.below(130)].map(|n| u8::try_from(n).unwrap());
    ends.sort_unstable();
    let range = KeyRange {
        from: vec![b'a', ends[0]],
        to: vec![b'a', ends[1]],
    };
    let limit = [1, 2, 7, usize::MAX][numbers.below(4)];
    let expected = oracle
        .range(range.from.clone()..range.to.clone())
        .map(|(k, v)| (k.clone(), v.clone()));
    let forward: Vec<_> = expected.clone().take(limit).collect();
    let backward: Vec<_> = expected.rev().take(limit).collect();
    assert_eq!(
        layered.scan(&range, Order::Forward, limit).unwrap(),
        forward
    );
    assert_eq!(
        layered.scan(&range, Order::Backward, limit).unwrap(),
        backward
    );
    let key = vec![b'a', ends[0]];
    assert_eq!(layered.get(&key).unwrap().as_ref(), oracle.get(&key));
}

#[test]
fn it_reads_like_one_map_at_every_moment_and_after_every_reopening() {
    for seed in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let base = MapBase::new();
        let mut numbers = Numbers(seed);
        let mut oracle = BTreeMap::new();
        let open = || Layered::open(dir.path(), base.clone(), 40_000).unwrap();
        let mut layered = open();
        for _ in 0..150 {
            let batch = random_batch(&mut numbers, &mut oracle);
            layered.apply(batch).unwrap();
            check(&layered, &oracle, &mut numbers);
            if numbers.below(20) == 0 {
                drop(layered);
                layered = open();
                check(&layered, &oracle, &mut numbers);
            }
        }
        assert!(base.group().unwrap() > 0, "nothing was ever moved down");
    }
}

#[test]
fn a_move_that_fails_stops_the_writer_and_loses_nothing() {
    for fail_from in 0..12 {
        let dir = tempfile::tempdir().unwrap();
        let base = MapBase::new();
        base.fail_from.store(fail_from, Ordering::Release);
        let mut numbers = Numbers(fail_from);
        let mut oracle = BTreeMap::new();
        let layered = Layered::open(dir.path(), base.clone(), 150_000).unwrap();
        let mut told = Ok(());
        for _ in 0..2_000 {
            let before = oracle.clone();
            told = layered.apply(random_batch(&mut numbers, &mut oracle));
            if told.is_err() {
                oracle = before;
                break;
            }
        }
        let why = told.expect_err("the base failed and nobody said so");
        assert!(why.to_string().contains("write the base"), "{why}");
        drop(layered);
        base.fail_from.store(u64::MAX, Ordering::Release);
        let layered = Layered::open(dir.path(), base.clone(), 150_000).unwrap();
        for _ in 0..20 {
            check(&layered, &oracle, &mut numbers);
        }
        for _ in 0..200 {
            let batch = random_batch(&mut numbers, &mut oracle);
            layered.apply(batch).unwrap();
            check(&layered, &oracle, &mut numbers);
        }
    }
}

#[test]
fn a_journal_that_lost_groups_in_the_middle_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let base = MapBase::new();
    base.fail_from.store(0, Ordering::Release);
    let layered = Layered::open(dir.path(), base.clone(), 1_000).unwrap();
    let mut oracle = BTreeMap::new();
    let mut numbers = Numbers(1);
    while layered
        .apply(random_batch(&mut numbers, &mut oracle))
        .is_ok()
    {}
    drop(layered);
    // The old layer's journal, which the base does not have.
    std::fs::remove_file(dir.path().join("journal/0")).unwrap();
    let error = Layered::open(dir.path(), base, 1_000).err().unwrap();
    assert!(error.to_string().contains("follows group 0"), "{error}");
}
