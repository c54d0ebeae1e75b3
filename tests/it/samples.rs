//! The checked-in samples against their manifest: what was planted is found once, traps are not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::common::{Place, files, json_lines, samples, stderr};

fn manifest() -> Value {
    serde_json::from_slice(&std::fs::read(samples().join("MANIFEST.json")).unwrap()).unwrap()
}

/// File and line of each occurrence.
fn places(entry: &Value) -> Vec<(String, u64)> {
    let occurrences = entry["occurrences"].as_array().unwrap();
    occurrences
        .iter()
        .map(|o| {
            (
                o["file"].as_str().unwrap().to_owned(),
                o["line"].as_u64().unwrap(),
            )
        })
        .collect()
}

fn covers(signal: &Value, file: &str, line: u64) -> bool {
    let span = &signal["span"];
    signal["source"]["file"] == file
        && (signal["source"]["line"] == line
            || (span["start"].as_u64() <= Some(line) && span["end"].as_u64() >= Some(line)))
}

#[test]
fn every_planted_failure_is_found_under_one_fingerprint_and_no_trap_is() {
    let place = Place::new();
    let output = place.run(&samples(), &["--quiet"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let signals = json_lines(&place.out().join("signals.jsonl"));
    let manifest = manifest();
    let mut problems = Vec::new();
    let mut owner: BTreeMap<String, String> = BTreeMap::new();
    for planted in manifest["planted"].as_array().unwrap() {
        let id = planted["id"].as_str().unwrap();
        let mut fingerprints = BTreeSet::new();
        for (file, line) in places(planted) {
            let hit = signals
                .iter()
                .find(|s| s["kind"] == planted["kind"] && covers(s, &file, line));
            match hit {
                Some(signal) => {
                    fingerprints.insert(signal["fingerprint_id"].as_str().unwrap().to_owned());
                }
                None => problems.push(format!("{id} is not found at {file}:{line}")),
            }
        }
        if fingerprints.len() > 1 {
            problems.push(format!("{id} has {} fingerprints", fingerprints.len()));
        }
        for fingerprint in fingerprints {
            if let Some(other) = owner.insert(fingerprint.clone(), id.to_owned()) {
                problems.push(format!("{id} and {other} share {fingerprint}"));
            }
        }
    }
    for trap in manifest["traps"].as_array().unwrap() {
        for (file, line) in places(trap) {
            let hit = signals.iter().find(|s| {
                let is_problem = s["kind"] == "error" || s["kind"] == "user_frustration";
                is_problem && s["source"]["file"] == file.as_str() && s["source"]["line"] == line
            });
            if let Some(signal) = hit {
                let id = trap["id"].as_str().unwrap();
                problems.push(format!(
                    "trap {id} at {file}:{line} is taken for {}",
                    signal["summary"]
                ));
            }
        }
    }
    for (kind, list) in [
        ("user_delight", "delight"),
        ("user_frustration", "frustration"),
    ] {
        for planted in manifest[list].as_array().unwrap() {
            for (file, line) in places(planted) {
                if !signals
                    .iter()
                    .any(|s| s["kind"] == kind && covers(s, &file, line))
                {
                    let id = planted["id"].as_str().unwrap();
                    problems.push(format!("{list} {id} is not found at {file}:{line}"));
                }
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn nothing_private_is_written() {
    let place = Place::new();
    assert!(
        place
            .run(&samples(), &["--quiet"])
            .status()
            .unwrap()
            .success()
    );
    let manifest = manifest();
    let private = manifest["private"].as_array().unwrap();
    assert!(!private.is_empty());
    for (name, bytes) in files(&place.out()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for secret in private {
            let secret = secret.as_str().unwrap();
            assert!(!text.contains(secret), "{name} holds {secret}");
        }
    }
}
