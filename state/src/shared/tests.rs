//! Values that grow, that are equal in part, and that are damaged.

use super::*;
use crate::kv::{KeyRange, Order};
use crate::memory_store::MemoryKv;

fn run(n: u8) -> RunId {
    RunId([n; 16])
}

/// Text that looks random and is the same each time.
fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        b'a' + u8::try_from((state >> 33) % 26).unwrap()
    };
    (0..len).map(|_| next()).collect()
}

fn put(kv: &MemoryKv, run_id: RunId, bytes: &[u8]) -> Stored {
    let mut batch = Batch::default();
    let stored = share(kv, &mut batch, run_id, codec::wrap(bytes)).unwrap();
    kv.apply(batch).unwrap();
    stored
}

fn stored_bytes(kv: &MemoryKv) -> usize {
    let all = KeyRange {
        from: vec![0],
        to: vec![0xff],
    };
    let pairs = kv.scan(&all, Order::Forward, usize::MAX).unwrap();
    pairs
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum()
}

#[test]
fn a_value_comes_back_whatever_its_length() {
    let kv = MemoryKv::default();
    for len in [0, 1, 65_536, 65_537, 70_000, 262_144, 1_000_003, 2_000_000] {
        for bytes in [text(7, len), vec![b'x'; len]] {
            let stored = put(&kv, run(1), &bytes);
            assert_eq!(stored.format == FORMAT_SHARED, len > SHARE_BYTES_MIN);
            assert_eq!(whole(&kv, stored).unwrap().bytes, bytes, "{len}");
        }
    }
}

#[test]
fn a_conversation_that_grows_costs_what_it_grows_by() {
    let kv = MemoryKv::default();
    let mut conversation = Vec::new();
    let mut list_bytes = 0;
    for turn in 0..200 {
        conversation.extend(text(turn, 4_000));
        list_bytes += put(&kv, run(1), &conversation).bytes.len();
    }
    let all = stored_bytes(&kv) + list_bytes;
    assert!(
        all < 4 * conversation.len(),
        "{all} bytes for a conversation of {}",
        conversation.len()
    );
}

#[test]
fn an_insertion_at_the_front_and_another_run_share_the_rest() {
    let kv = MemoryKv::default();
    let bytes = text(1, 500_000);
    put(&kv, run(1), &bytes);
    let before = stored_bytes(&kv);
    let changed = [b"one more word ", bytes.as_slice()].concat();
    put(&kv, run(2), &changed);
    let grown = stored_bytes(&kv) - before;
    // The marks of the other run, and the pieces around the change.
    assert!(grown < 40_000, "{grown} bytes for 14 more");
}

#[test]
fn a_run_that_has_a_piece_does_not_mark_it_again() {
    let kv = MemoryKv::default();
    let bytes = text(1, 300_000);
    put(&kv, run(1), &bytes);
    let mut batch = Batch::default();
    share(&kv, &mut batch, run(1), codec::wrap(&bytes)).unwrap();
    assert!(batch.is_empty());
}

#[test]
fn pieces_go_with_the_last_run_that_holds_them() {
    let kv = MemoryKv::default();
    let bytes = text(1, 500_000);
    put(&kv, run(1), &bytes);
    let alone = stored_bytes(&kv);
    let longer = [bytes.as_slice(), &text(2, 100_000)].concat();
    let stored = put(&kv, run(2), &longer);
    let forget_all = |run_id, limit| {
        loop {
            let mut batch = Batch::default();
            let marks = forget(&kv, &mut batch, run_id, limit).unwrap();
            kv.apply(batch).unwrap();
            if marks < limit {
                return;
            }
        }
    };
    forget_all(run(1), 7);
    assert_eq!(whole(&kv, stored).unwrap().bytes, longer);
    put(&kv, run(1), &bytes);
    forget_all(run(2), 1_000);
    assert_eq!(
        stored_bytes(&kv),
        alone,
        "what only the other run held is gone"
    );
    forget_all(run(1), 1);
    assert_eq!(stored_bytes(&kv), 0);
}

#[test]
fn a_piece_that_is_missing_or_changed_is_named() {
    let kv = MemoryKv::default();
    let stored = put(&kv, run(1), &text(1, 300_000));
    let name = Digest(
        stored.bytes[HEAD_BYTES..HEAD_BYTES + 32]
            .try_into()
            .unwrap(),
    );
    let mut batch = Batch::default();
    values::put(&mut batch, &keys::piece(&name), &codec::wrap(b"other"), 0).unwrap();
    kv.apply(batch).unwrap();
    let error = whole(&kv, stored.clone()).unwrap_err().to_string();
    assert!(error.contains("does not match its name"), "{error}");
    let mut batch = Batch::default();
    values::delete(&mut batch, &keys::piece(&name), 20);
    kv.apply(batch).unwrap();
    let error = whole(&kv, stored).unwrap_err().to_string();
    assert!(error.contains("is missing"), "{error}");
}

#[test]
fn a_damaged_list_is_named_and_never_asks_for_much_memory() {
    let kv = MemoryKv::default();
    let stored = put(&kv, run(1), &text(1, 300_000));
    for at in PREFIX_BYTES..stored.bytes.len() {
        let mut damaged = stored.clone();
        damaged.bytes[at] ^= 0x81;
        assert!(whole(&kv, damaged).is_err(), "byte {at}");
    }
    for cut in 0..stored.bytes.len() {
        let mut damaged = stored.clone();
        damaged.bytes.truncate(cut);
        assert!(whole(&kv, damaged).is_err(), "cut to {cut}");
    }
}
