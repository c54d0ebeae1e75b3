//! Rooms import downward only, and a crate that we may have to leave is named in one file.

use std::collections::BTreeMap;

use super::files::{Finding, TextFile};

/// Which rooms a room may use. Nobody may use the root, `testkit`, `sim` or
/// `xtask`, but that tests may use `testkit`.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("kernel", &[]),
    ("trace", &[]),
    ("state", &["kernel"]),
    ("workflows", &["kernel", "trace"]),
    ("engine", &["kernel", "state"]),
    ("activities", &["kernel", "trace", "workflows", "engine"]),
    ("testkit", &["kernel", "state", "engine"]),
    (
        "sim",
        &[
            "kernel",
            "trace",
            "state",
            "workflows",
            "engine",
            "activities",
        ],
    ),
    (
        "xtask",
        &[
            "kernel",
            "trace",
            "state",
            "workflows",
            "engine",
            "activities",
        ],
    ),
];

/// Crates that may have to be left, and the one file that names each.
const CONFINED: [(&str, &str); 7] = [
    ("sled", "state/src/sled_store.rs"),
    ("bincode", "state/src/codec.rs"),
    ("chacha20poly1305", "state/src/encryption.rs"),
    ("backoff", "src/retry.rs"),
    ("jiff", "engine/src/schedule/zone.rs"),
    ("reqwest", "activities/src/model/http.rs"),
    ("rustls", "activities/src/model/http.rs"),
];

pub(crate) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = edges(files);
    findings.extend(confined(files));
    findings
}

fn edges(files: &[TextFile]) -> Vec<Finding> {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    let mut findings = Vec::new();
    for file in files {
        let Some(room) = file.name.strip_suffix("/Cargo.toml") else {
            continue;
        };
        let Some(may_use) = allowed.get(room) else {
            let what =
                "a room that the rings do not know; give it its place in xtask/src/tidy/rings.rs";
            findings.push(Finding::new(&file.name, 0, what));
            continue;
        };
        let mut section = "";
        for (index, line) in file.text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('[') {
                section = line;
            } else if section == "[dependencies]" {
                let used = line.split(['.', ' ', '=']).next().unwrap_or_default();
                let is_room = allowed.contains_key(used);
                if is_room && !may_use.contains(&used) {
                    let what = format!("{room} must not use {used}: rooms import downward only");
                    findings.push(Finding::new(&file.name, index + 1, what));
                }
            }
        }
    }
    findings
}

fn confined(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.name.ends_with(".rs")) {
        for (index, line) in file.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (name, home) in CONFINED {
                let used =
                    code.contains(&format!("{name}::")) || code.contains(&format!("use {name};"));
                // `state::backoff::` and the like are our own words.
                let ours =
                    code.contains(&format!("::{name}::")) || code.contains(&format!("_{name}::"));
                if used && !ours && file.name != *home {
                    let what = format!("{name} may be named in {home} only");
                    findings.push(Finding::new(&file.name, index + 1, what));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> TextFile {
        TextFile {
            name: name.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn an_upward_import_is_found_and_a_downward_one_is_not() {
        let up = file(
            "kernel/Cargo.toml",
            "[dependencies]\nengine.workspace = true\n",
        );
        assert_eq!(check(&[up]).len(), 1);
        let down = file(
            "engine/Cargo.toml",
            "[dependencies]\nkernel.workspace = true\n",
        );
        assert_eq!(check(&[down]), []);
        let tests = file(
            "trace/Cargo.toml",
            "[dev-dependencies]\nkernel.workspace = true\n",
        );
        assert_eq!(check(&[tests]), []);
        assert_eq!(check(&[file("attic/Cargo.toml", "")]).len(), 1);
    }

    #[test]
    fn a_crate_that_we_may_leave_is_named_in_its_one_file() {
        let line = concat!("let db = sl", "ed::open(p);\n");
        assert_eq!(check(&[file("engine/src/a.rs", line)]).len(), 1);
        assert_eq!(check(&[file("state/src/sled_store.rs", line)]), []);
        assert_eq!(
            check(&[file(
                "engine/src/a.rs",
                concat!("// sl", "ed::open is slow\n")
            )]),
            []
        );
    }
}
