//! The layout of keys: one letter for the kind, fixed-width parts, big-endian, then the chunk.
//!
//! Neighbours: `kv_store` and `loading` make keys here only; `values` adds the chunk number. The
//! table of kinds is in `docs/FORMAT.md`. Must not know what values hold.

use kernel::{RunId, Timestamp};

use crate::blob::Digest;
use crate::index::{Place, Term};
use crate::kv::KeyRange;
use crate::store::Namespace;

/// Longest key of a row, bytes.
pub(crate) const ROW_KEY_BYTES_MAX: usize = 512;

/// One record of a run's history: what one transition changed.
pub(crate) fn record(run_id: RunId, number: u64) -> Vec<u8> {
    let mut key = run_key(b'h', run_id);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The number in the key of a record.
pub(crate) fn record_number(base: &[u8]) -> Option<u64> {
    let digits: [u8; 8] = base.get(17..)?.try_into().ok()?;
    Some(u64::from_be_bytes(digits))
}

/// The run in the key of a record.
pub(crate) fn run_of_record(base: &[u8]) -> Option<RunId> {
    base.get(1..17)?.try_into().ok().map(RunId)
}

/// The records of a run from a number on.
pub(crate) fn records(run_id: RunId, from: u64) -> KeyRange {
    KeyRange {
        from: record(run_id, from),
        to: after(&run_key(b'h', run_id)),
    }
}

/// A piece of large values.
pub(crate) fn piece(digest: &Digest) -> Vec<u8> {
    let mut key = Vec::with_capacity(35);
    key.push(b'p');
    key.extend_from_slice(&digest.0);
    key
}

/// Whether a base is that of a piece.
pub(crate) fn is_piece(base: &[u8]) -> bool {
    base.first() == Some(&b'p')
}

/// The mark of a run on a piece that it holds.
pub(crate) fn piece_mark(digest: &Digest, run_id: RunId) -> Vec<u8> {
    let mut key = Vec::with_capacity(51);
    key.push(b'q');
    key.extend_from_slice(&digest.0);
    key.extend_from_slice(&run_id.0);
    key
}

/// All marks on a piece.
pub(crate) fn piece_marks(digest: &Digest) -> KeyRange {
    let from = [b"q", &digest.0[..]].concat();
    let to = after(&from);
    KeyRange { from, to }
}

/// The same mark, to be found by its run.
pub(crate) fn piece_of_run(run_id: RunId, digest: &Digest) -> Vec<u8> {
    let mut key = run_key(b'y', run_id);
    key.extend_from_slice(&digest.0);
    key
}

/// All pieces that a run holds.
pub(crate) fn pieces_of_run(run_id: RunId) -> KeyRange {
    let from = run_key(b'y', run_id);
    let to = after(&from);
    KeyRange { from, to }
}

/// The digest in the base of a mark that is found by its run.
pub(crate) fn digest_in_piece_of_run(base: &[u8]) -> Option<Digest> {
    base.get(17..)?.try_into().ok().map(Digest)
}

/// The last snapshot of an open run.
pub(crate) fn snapshot(run_id: RunId) -> Vec<u8> {
    run_key(b's', run_id)
}

/// The mark of an open run.
pub(crate) fn open_mark(run_id: RunId) -> Vec<u8> {
    run_key(b'o', run_id)
}

/// All marks of open runs.
pub(crate) fn open_marks() -> KeyRange {
    KeyRange {
        from: vec![b'o'],
        to: vec![b'o' + 1],
    }
}

/// What a list shows of a run.
pub(crate) fn run_info(run_id: RunId) -> Vec<u8> {
    run_key(b'r', run_id)
}

/// What a list shows of all runs, or of those before one.
pub(crate) fn run_infos(before: Option<RunId>) -> KeyRange {
    let to = before.map_or_else(|| vec![b'r' + 1], run_info);
    KeyRange {
        from: vec![b'r'],
        to,
    }
}

/// Which run of a workflow id began last, where there is more than one.
pub(crate) fn latest(workflow_id: &Digest) -> Vec<u8> {
    // Workflow ids are text of any length; half their digest gives a key of fixed width.
    let mut key = Vec::with_capacity(19);
    key.push(b'w');
    key.extend_from_slice(&workflow_id.0[..16]);
    key
}

/// The entry of a run under a term.
pub(crate) fn entry(term: Term, place: Place) -> Vec<u8> {
    let mut key = Vec::with_capacity(36);
    key.push(b'x');
    key.extend_from_slice(&term.0);
    key.extend_from_slice(&sortable(place.at));
    key.extend_from_slice(&place.run_id.0);
    key
}

/// The entries under a term, between two times with both of them.
pub(crate) fn entries(term: Term, from: Option<Timestamp>, to: Option<Timestamp>) -> KeyRange {
    let prefix = [b"x", &term.0[..]].concat();
    let end = |at: Timestamp| [&prefix[..], &sortable(at)].concat();
    KeyRange {
        from: from.map_or_else(|| prefix.clone(), end),
        to: after(&to.map_or_else(|| prefix.clone(), end)),
    }
}

/// The place in the key of an entry, with its chunk.
pub(crate) fn entry_place(key: &[u8]) -> Option<Place> {
    let rest = key.get(9..)?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (run_id, _) = rest.split_first_chunk::<16>()?;
    let at = i64::from_be_bytes(*at) ^ i64::MIN;
    Some(Place {
        at: Timestamp(at),
        run_id: RunId(*run_id),
    })
}

/// Eight bytes that sort as the times do, also before 1970.
fn sortable(at: Timestamp) -> [u8; 8] {
    (at.0 ^ i64::MIN).to_be_bytes()
}

/// The mark of a run that is being deleted.
pub(crate) fn deleted_mark(run_id: RunId) -> Vec<u8> {
    run_key(b'd', run_id)
}

/// All marks of runs that are being deleted.
pub(crate) fn deleted_marks() -> KeyRange {
    KeyRange {
        from: vec![b'd'],
        to: vec![b'd' + 1],
    }
}

/// The run in the last 16 bytes of a key.
pub(crate) fn last_run_id(base: &[u8]) -> Option<RunId> {
    base.last_chunk::<16>().map(|bytes| RunId(*bytes))
}

/// One row beside the runs. The key's own bytes are written so that none is the start of another
/// and their order stays: `00` becomes `00 ff`, and `00 01` ends it.
pub(crate) fn row(namespace: Namespace, key: &[u8]) -> Vec<u8> {
    let mut whole = vec![b'k', namespace_byte(namespace)];
    for byte in key {
        whole.push(*byte);
        if *byte == 0 {
            whole.push(0xff);
        }
    }
    whole.extend_from_slice(&[0, 1]);
    whole
}

/// Every key from `after` on, of whatever kind, but `g`: that one is the log's own and holds no value.
pub(crate) fn everything(after: &[u8]) -> [KeyRange; 2] {
    let group = b"g\0\0".to_vec();
    let behind_group = [&group[..], &[0]].concat();
    [
        KeyRange {
            from: after.to_vec(),
            to: group,
        },
        KeyRange {
            from: after.max(&behind_group).to_vec(),
            to: vec![0xff],
        },
    ]
}

/// The first key that can follow all chunks of a value.
pub(crate) fn behind(base: &[u8]) -> Vec<u8> {
    [base, &[0xff, 0xff, 0]].concat()
}

/// The key that a row was given; nothing for the base of anything else.
pub(crate) fn row_key(base: &[u8]) -> Option<Vec<u8>> {
    let escaped = base.strip_prefix(b"k")?.get(1..)?.strip_suffix(&[0, 1])?;
    let mut key = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter();
    while let Some(byte) = bytes.next() {
        key.push(*byte);
        if *byte == 0 && bytes.next() != Some(&0xff) {
            return None;
        }
    }
    Some(key)
}

/// All rows of one kind.
pub(crate) fn rows(namespace: Namespace) -> KeyRange {
    let byte = namespace_byte(namespace);
    KeyRange {
        from: vec![b'k', byte],
        to: vec![b'k', byte + 1],
    }
}

/// Stored for ever: a number is not used again for another kind.
fn namespace_byte(namespace: Namespace) -> u8 {
    match namespace {
        Namespace::Breaker => 1,
        Namespace::Cursor => 2,
        Namespace::Meta => 3,
        Namespace::Schedule => 4,
    }
}

fn run_key(kind: u8, run_id: RunId) -> Vec<u8> {
    let mut key = Vec::with_capacity(27);
    key.push(kind);
    key.extend_from_slice(&run_id.0);
    key
}

/// The first key after all keys that begin with `prefix`, which begins with a letter.
fn after(prefix: &[u8]) -> Vec<u8> {
    let mut key = prefix.to_vec();
    while key.last() == Some(&0xff) {
        key.pop();
    }
    if let Some(last) = key.last_mut() {
        *last += 1;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_run_and_number() {
        let run = RunId([7; 16]);
        assert!(record(run, 255) < record(run, 256));
        assert!(record(run, u64::MAX) < records(run, 0).to);
        assert!(records(RunId([0xff; 16]), 0).to > record(RunId([0xff; 16]), u64::MAX));
        assert_eq!(record_number(&record(run, 9_000)), Some(9_000));
        assert_eq!(record_number(&record(run, 9_000)[..20]), None);
        assert_eq!(last_run_id(&open_mark(run)), Some(run));
    }

    #[test]
    fn row_keys_come_back_and_keep_their_order() {
        let mut keys = vec![
            vec![],
            vec![0],
            vec![0, 0],
            vec![0, 0xff],
            vec![0, 1],
            vec![1],
            b"a".to_vec(),
            b"a\0".to_vec(),
            b"a\0b".to_vec(),
            b"ab".to_vec(),
            vec![0xff; 3],
        ];
        keys.sort();
        let stored: Vec<_> = keys.iter().map(|k| row(Namespace::Cursor, k)).collect();
        assert!(
            stored
                .windows(2)
                .all(|w| w[0] < w[1] && !w[1].starts_with(&w[0]))
        );
        let range = rows(Namespace::Cursor);
        assert!(stored.iter().all(|k| range.from < *k && *k < range.to));
        assert_eq!(
            stored
                .iter()
                .map(|k| row_key(k))
                .collect::<Option<Vec<_>>>(),
            Some(keys)
        );
        assert_eq!(row_key(&[b'k', 1, 0, 2, 0, 1]), None);
    }
}
