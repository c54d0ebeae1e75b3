//! Cut, torn, hostile and reused files.

use std::fs;

use super::*;

fn batch(writes: &[(&str, Option<&str>)]) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in writes {
        match value {
            Some(value) => batch.put(key.as_bytes().to_vec(), value.as_bytes().to_vec()),
            None => batch.delete(key.as_bytes().to_vec()),
        }
    }
    batch
}

fn numbers(groups: &[Group]) -> Vec<u64> {
    groups.iter().map(|group| group.number).collect()
}

#[test]
fn groups_come_back_in_order_and_the_file_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    let (mut journal, found) = Journal::open(&path, 0).unwrap();
    assert!(found.is_empty());
    journal
        .append(7, &batch(&[("a", Some("1")), ("b", None)]))
        .unwrap();
    drop(journal);
    let (mut journal, _) = Journal::open(&path, 0).unwrap();
    journal.append(8, &batch(&[("", Some(""))])).unwrap();
    let (_, found) = Journal::open(&path, 0).unwrap();
    assert_eq!(numbers(&found), [7, 8]);
    let writes = [(b"a".to_vec(), Some(b"1".to_vec())), (b"b".to_vec(), None)];
    assert_eq!(found[0].writes, writes);
    assert_eq!(found[1].writes, [(vec![], Some(vec![]))]);
}

#[test]
fn a_new_use_hides_the_groups_of_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    let (mut journal, _) = Journal::open(&path, 0).unwrap();
    for number in 1..=20 {
        journal
            .append(number, &batch(&[("key", Some("some value"))]))
            .unwrap();
    }
    journal.reuse(u64::MAX).unwrap();
    journal
        .append(21, &batch(&[("key", Some("some value"))]))
        .unwrap();
    let (_, found) = Journal::open(&path, 0).unwrap();
    assert_eq!(numbers(&found), [21]);
}

#[test]
fn the_first_group_of_a_new_use_may_be_torn_over_groups_that_are_not_needed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    let (mut journal, _) = Journal::open(&path, 0).unwrap();
    for number in 1..=20 {
        journal
            .append(number, &batch(&[("key", Some("some value"))]))
            .unwrap();
    }
    // The old head, and remains of something else where the first group was.
    let mut bytes = fs::read(&path).unwrap();
    bytes[FILE_HEAD..FILE_HEAD + 5].copy_from_slice(b"other");
    fs::write(&path, &bytes).unwrap();
    assert!(Journal::open(&path, 0).is_err());
    let (mut journal, found) = Journal::open(&path, 20).unwrap();
    assert!(found.is_empty());
    journal.append(21, &batch(&[("key", None)])).unwrap();
    assert_eq!(numbers(&Journal::open(&path, 20).unwrap().1), [21]);
}

#[test]
fn a_huge_group_does_not_keep_the_file_huge() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    let (mut journal, _) = Journal::open(&path, 0).unwrap();
    let huge = "x".repeat(3 * 1024 * 1024);
    journal.append(1, &batch(&[("key", Some(&huge))])).unwrap();
    assert!(fs::metadata(&path).unwrap().len() > 3 * 1024 * 1024);
    journal.reuse(1024 * 1024).unwrap();
    journal.append(2, &batch(&[("key", None)])).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 1024 * 1024);
    let (_, found) = Journal::open(&path, 0).unwrap();
    assert_eq!(numbers(&found), [2]);
}

#[test]
fn a_file_that_is_cut_anywhere_gives_the_whole_groups_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    let (mut journal, _) = Journal::open(&path, 0).unwrap();
    let mut ends = Vec::new();
    for number in 1..=5 {
        journal
            .append(number, &batch(&[("key", Some("value"))]))
            .unwrap();
        ends.push(journal.bytes());
    }
    let bytes = fs::read(&path).unwrap();
    for cut in 0..=ends[4] {
        let cut_path = dir.path().join("cut");
        fs::write(&cut_path, &bytes[..usize::try_from(cut).unwrap()]).unwrap();
        let (_, found) = Journal::open(&cut_path, 0).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(found.len(), whole, "cut at {cut}");
    }
}

#[test]
fn a_changed_byte_is_the_end_or_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    let (mut journal, _) = Journal::open(&path, 0).unwrap();
    let mut ends = Vec::new();
    for number in 1..=3 {
        journal
            .append(number, &batch(&[("key", Some("value"))]))
            .unwrap();
        ends.push(journal.bytes());
    }
    let bytes = fs::read(&path).unwrap();
    for at in FILE_HEAD..usize::try_from(ends[2]).unwrap() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let changed_path = dir.path().join("changed");
        fs::write(&changed_path, &changed).unwrap();
        let in_last = length(at) >= ends[1];
        match Journal::open(&changed_path, 0) {
            // Torn while it was written, as far as anyone can tell from this file.
            Ok((_, found)) => assert_eq!((found.len(), in_last), (2, true), "byte {at}"),
            Err(error) => {
                assert!(!in_last, "byte {at}: {error}");
                assert!(error.to_string().contains("follows them"), "{error}");
            }
        }
    }
}

#[test]
fn a_value_that_looks_like_a_group_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    let (mut journal, _) = Journal::open(&path, 0).unwrap();
    let mut planted = Vec::new();
    write_group(0, 99, &batch(&[("k", Some("v"))]), &mut planted).unwrap();
    let mut hostile = Batch::default();
    hostile.put(b"key".to_vec(), planted);
    journal.append(1, &batch(&[("key", None)])).unwrap();
    journal.append(2, &hostile).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let end = usize::try_from(journal.bytes()).unwrap();
    // The group around it is torn at its end.
    bytes[end - 1] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (_, found) = Journal::open(&path, 0).unwrap();
    assert_eq!(numbers(&found), [1]);
}

#[test]
fn affirming_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    for groups in 1..=3 {
        let (mut journal, _) = Journal::open(&path, 0).unwrap();
        journal
            .append(groups, &batch(&[("key", Some("value")), ("gone", None)]))
            .unwrap();
        let before = fs::read(&path).unwrap();
        let (mut journal, found) = Journal::open(&path, 0).unwrap();
        journal.affirm(found.last().unwrap()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(
            numbers(&Journal::open(&path, 0).unwrap().1).len(),
            found.len()
        );
    }
}
