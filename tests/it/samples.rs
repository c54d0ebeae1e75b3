//! The checked-in samples against their manifest: what was planted is found once, traps are not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::common::{Place, files, json_lines, samples, stderr};

fn manifest() -> Value {
    serde_json::from_slice(&std::fs::read(samples().join("MANIFEST.json")).unwrap()).unwrap()
}

/// The lines of each file on which a thing occurs.
fn places(entry: &Value) -> BTreeMap<String, Vec<u64>> {
    let mut places: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for occurrence in entry["occurrences"].as_array().unwrap() {
        let file = occurrence["file"].as_str().unwrap().to_owned();
        let line = occurrence["line"].as_u64().unwrap();
        places.entry(file).or_default().push(line);
    }
    places
}

fn list<'a>(manifest: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = manifest[name].as_array().unwrap();
    assert!(!list.is_empty(), "the manifest lists no {name}");
    list
}

/// What a run over the samples wrote.
struct Mined {
    signals: Vec<Value>,
    rollup: Value,
    manifest: Value,
    problems: Vec<String>,
}

impl Mined {
    fn new() -> Self {
        let place = Place::new();
        let output = place.run(&samples(), &["--quiet"]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let rollup = std::fs::read(place.out().join("rollup.json")).unwrap();
        Self {
            signals: json_lines(&place.out().join("signals.jsonl")),
            rollup: serde_json::from_slice(&rollup).unwrap(),
            manifest: manifest(),
            problems: Vec::new(),
        }
    }

    /// The signal of a thing in one file: it begins at the first line, and its span reaches the others.
    fn signal(&self, file: &str, lines: &[u64], fits: impl Fn(&Value) -> bool) -> Option<&Value> {
        self.signals.iter().find(|signal| {
            let end = signal["span"]["end"].as_u64();
            signal["source"]["file"] == file
                && signal["source"]["line"] == lines[0]
                && end >= lines.last().copied()
                && fits(signal)
        })
    }

    fn done(self) {
        let (many, all) = (self.problems.len(), self.problems.join("\n"));
        assert!(self.problems.is_empty(), "{many} problems:\n{all}");
    }
}

#[test]
fn every_planted_failure_is_found_once_under_one_fingerprint() {
    let mut mined = Mined::new();
    let mut owner: BTreeMap<String, String> = BTreeMap::new();
    for planted in list(&mined.manifest.clone(), "planted") {
        let id = planted["id"].as_str().unwrap();
        let mut fingerprints = BTreeSet::new();
        let places = places(planted);
        for (file, lines) in &places {
            let fits = |s: &Value| {
                ["kind", "class", "tool"]
                    .iter()
                    .all(|field| s[*field] == planted[*field])
            };
            match mined.signal(file, lines, fits) {
                Some(signal) => {
                    fingerprints.insert(signal["fingerprint_id"].as_str().unwrap().to_owned());
                }
                None => mined
                    .problems
                    .push(format!("{id} is not found at {file}:{lines:?}")),
            }
        }
        if fingerprints.len() > 1 {
            mined
                .problems
                .push(format!("{id} has {} fingerprints", fingerprints.len()));
        }
        for fingerprint in fingerprints {
            let rollups = mined.rollup["rollups"].as_array().unwrap();
            let rollup = rollups.iter().find(|r| r["fingerprint_id"] == *fingerprint);
            let sessions = rollup.map(|r| r["count_sessions"].as_u64().unwrap());
            if sessions != u64::try_from(places.len()).ok() {
                let planted = places.len();
                mined.problems.push(format!(
                    "{id} is in {planted} sessions, its rollup says {sessions:?}"
                ));
            }
            if let Some(other) = owner.insert(fingerprint.clone(), id.to_owned()) {
                mined
                    .problems
                    .push(format!("{id} and {other} share {fingerprint}"));
            }
        }
    }
    mined.done();
}

#[test]
fn no_trap_is_a_problem_and_none_is_praise() {
    let mut mined = Mined::new();
    for trap in list(&mined.manifest.clone(), "traps") {
        let id = trap["id"].as_str().unwrap();
        for (file, lines) in places(trap) {
            for line in lines {
                let hit = mined.signals.iter().find(|s| {
                    let kinds = ["error", "user_frustration", "user_delight"];
                    kinds.iter().any(|kind| s["kind"] == *kind)
                        && s["source"]["file"] == file.as_str()
                        && s["source"]["line"] == line
                });
                if let Some(signal) = hit {
                    let summary = &signal["summary"];
                    mined
                        .problems
                        .push(format!("{id} at {file}:{line} is taken for {summary}"));
                }
            }
        }
    }
    mined.done();
}

#[test]
fn delight_and_frustration_are_found() {
    let mut mined = Mined::new();
    for (kind, name) in [
        ("user_delight", "delight"),
        ("user_frustration", "frustration"),
    ] {
        for planted in list(&mined.manifest.clone(), name) {
            for (file, lines) in places(planted) {
                if mined.signal(&file, &lines, |s| s["kind"] == kind).is_none() {
                    let id = planted["id"].as_str().unwrap();
                    mined
                        .problems
                        .push(format!("{name} {id} is not found at {file}:{lines:?}"));
                }
            }
        }
    }
    mined.done();
}

/// Nothing but what was planted is reported as a failure: the samples hold nothing else that is one,
/// except what a person is left with when the planted failure was the answer.
#[test]
fn nothing_else_is_reported_as_a_failure() {
    let mut mined = Mined::new();
    let mut planted: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for entry in list(&mined.manifest, "planted") {
        for (file, lines) in places(entry) {
            planted.entry(file).or_default().extend(lines);
        }
    }
    let signals = mined.signals.clone();
    let errors = signals.iter().filter(|s| s["kind"] == "error");
    for signal in errors {
        let file = signal["source"]["file"].as_str().unwrap();
        let tags = signal["tags"].as_array().unwrap();
        let known = planted.get(file);
        let line = signal["source"]["line"].as_u64().unwrap();
        let follows = tags.iter().any(|tag| tag == "silent");
        if !follows && !known.is_some_and(|lines| lines.contains(&line)) {
            let summary = &signal["summary"];
            mined
                .problems
                .push(format!("{file}:{line} is nothing planted: {summary}"));
        }
    }
    mined.done();
}

#[test]
fn damage_is_counted_with_file_line_and_reason_and_nothing_is_lost() {
    let mined = Mined::new();
    let skipped = mined.rollup["skipped"].as_array().unwrap();
    for damaged in list(&mined.manifest, "damaged") {
        let found = skipped.iter().find(|s| s["file"] == damaged["file"]);
        let line = damaged["line"].as_u64().unwrap_or(0);
        assert!(
            found.is_some_and(|s| s["line"] == line && s["reason"] != ""),
            "{damaged} is told as {found:?}"
        );
    }
    let read = mined.rollup["counts"]["sessions"].as_u64();
    let logs = std::fs::read_dir(samples().join("openclaw/cron/runs")).unwrap();
    let expected = mined.manifest["sessions"].as_u64().unwrap();
    // The indexes of two agents, the list of the jobs and their states.
    let state_files = 4;
    let logs = u64::try_from(logs.count()).unwrap();
    assert_eq!(read, Some(expected + logs + state_files));
}

#[test]
fn nothing_private_is_written() {
    let place = Place::new();
    let run = place.run(&samples(), &["--quiet"]).status().unwrap();
    assert!(run.success());
    let manifest = manifest();
    let private = list(&manifest, "private");
    for (name, bytes) in files(&place.out()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for secret in private {
            let secret = secret.as_str().unwrap();
            assert!(!text.contains(secret), "{name} holds {secret}");
        }
    }
}
