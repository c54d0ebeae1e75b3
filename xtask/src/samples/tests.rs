//! The samples against their own manifest.

use std::collections::BTreeSet;

use super::manifest::{Noted, Occurrence};
use super::{SEED, plan};

#[test]
fn every_marked_line_says_what_the_manifest_says_of_it() {
    let (files, manifest) = plan::files(SEED);
    let look = |marker: &str, places: &[Occurrence], id: &str| {
        assert!(!places.is_empty(), "{id} is nowhere");
        for place in places {
            let text = String::from_utf8_lossy(&files[&place.file]);
            let line = usize::try_from(place.line).unwrap();
            let line = text.lines().nth(line - 1).unwrap_or("");
            assert!(line.contains(marker), "{id} at {place:?}: {line}");
        }
    };
    for planted in &manifest.planted {
        look(planted.marker, &planted.occurrences, planted.id);
        let sessions: BTreeSet<_> = planted.occurrences.iter().map(|o| &o.file).collect();
        assert!(
            (2..=9).contains(&sessions.len()),
            "{} is in {} sessions",
            planted.id,
            sessions.len()
        );
    }
    let all = |list: &[Noted]| {
        for n in list {
            look(n.marker, &n.occurrences, n.id);
        }
    };
    all(&manifest.traps);
    all(&manifest.delight);
    all(&manifest.frustration);
}

#[test]
fn there_is_enough_of_everything() {
    let (files, manifest) = plan::files(SEED);
    let bytes: usize = files.values().map(Vec::len).sum();
    assert!((2_000_000..6_000_000).contains(&bytes), "{bytes} bytes");
    assert!(manifest.sessions >= 150);
    assert!(manifest.planted.len() >= 24 && manifest.traps.len() >= 14);
    assert!(manifest.delight.len() >= 6 && manifest.frustration.len() >= 4);
    let ids: BTreeSet<_> = manifest.planted.iter().map(|p| p.id).collect();
    assert_eq!(ids.len(), manifest.planted.len(), "an id is used twice");
}

#[test]
fn private_strings_are_in_the_samples_so_that_their_absence_elsewhere_means_something() {
    let (files, manifest) = plan::files(SEED);
    let found = manifest.private.iter().filter(|secret| {
        files
            .values()
            .any(|bytes| String::from_utf8_lossy(bytes).contains(secret.as_str()))
    });
    assert!(found.count() >= 12);
}

#[test]
fn the_seed_decides_everything() {
    assert_eq!(plan::files(3).0, plan::files(3).0);
    assert_ne!(plan::files(3).0, plan::files(4).0);
}
