//! Files and outputs that agents look at when nothing is wrong: sources, listings, test runs.
//!
//! Neighbours: `chapters` shows them. Must not hold anything that a reader could take for a failure
//! of the agent; texts about failures are the traps' business.

use std::fmt::Write as _;

use super::rng::Rng;
use super::world::{Place, Words};

/// The path of a source file.
pub(crate) fn source_path(place: &Place<'_>, name: &str) -> String {
    let project = place.project;
    match project.extension {
        "tf" => format!("{}/modules/{name}/main.tf", project.root),
        "rs" => format!("{}/crates/{name}/src/lib.rs", project.root),
        "py" => format!("{}/src/{name}.py", project.root),
        other => format!("{}/src/{name}/{name}.service.{other}", project.root),
    }
}

/// A source file of some dozen lines.
pub(crate) fn source(place: &Place<'_>, words: &Words, rng: &mut Rng) -> String {
    let functions = 3 + rng.below(6);
    let mut text = header(place, words);
    for _ in 0..functions {
        let verb = rng.pick(&VERBS);
        let noun = rng.pick(&NOUNS);
        let (low, high) = (rng.range(2, 40), rng.range(50, 900));
        text.push_str(&function(place, words, verb, noun, (low, high)));
    }
    text
}

const VERBS: [&str; 12] = [
    "load", "merge", "sort", "plan", "count", "group", "render", "assign", "queue", "trim", "pair",
    "rank",
];
const NOUNS: [&str; 12] = [
    "rows", "slots", "labels", "totals", "drafts", "entries", "windows", "pages", "batches",
    "orders", "offers", "notes",
];

fn header(place: &Place<'_>, words: &Words) -> String {
    let (part, other) = (words.part, words.other);
    match place.project.extension {
        "rs" => format!(
            "//! The {part} part of {}.\n\nuse crate::{other}::Handle;\n\n",
            place.project.name
        ),
        "py" => format!(
            "\"\"\"The {part} part of {}.\"\"\"\n\nfrom dataclasses import dataclass\n\nfrom .{other} \
             import Handle\n\n",
            place.project.name
        ),
        "tf" => format!(
            "# The {part} of {}, with its {other}.\n\n",
            place.project.name
        ),
        _ => format!(
            "import {{ Handle }} from \"../{other}/{other}.service\";\n\nexport type Row = {{ id: \
             string; {part}: number; at: Date }};\n\n"
        ),
    }
}

fn function(
    place: &Place<'_>,
    words: &Words,
    verb: &str,
    noun: &str,
    (low, high): (u64, u64),
) -> String {
    let part = words.part;
    match place.project.extension {
        "rs" => format!(
            "/// Gives the {noun} of one {part}, at most {high}.\npub fn {verb}_{noun}(handle: \
             &Handle, limit: usize) -> Vec<u64> {{\n    let mut all: Vec<u64> = \
             handle.{noun}().collect();\n    all.sort_unstable();\n    \
             all.truncate(limit.clamp({low}, {high}));\n    all\n}}\n\n"
        ),
        "py" => format!(
            "def {verb}_{noun}(handle: Handle, limit: int = {high}) -> list[int]:\n    \"\"\"The \
             {noun} of one {part}, oldest first.\"\"\"\n    found = [row.value for row in \
             handle.{noun}()]\n    found.sort()\n    return found[: max({low}, limit)]\n\n\n"
        ),
        "tf" => format!(
            "resource \"{part}_{noun}\" \"{verb}\" {{\n  name     = \"{part}-{noun}-{low}\"\n  capacity \
             = {high}\n  tags = {{\n    team  = \"{part}\"\n    stage = var.stage\n  }}\n}}\n\n"
        ),
        _ => format!(
            "/** The {noun} of one {part}, oldest first. */\nexport async function {verb}{}(handle: \
             Handle, limit = {high}): Promise<Row[]> {{\n  const rows = await handle.{noun}();\n  \
             rows.sort((a, b) => a.at.getTime() - b.at.getTime());\n  return rows.slice(0, \
             Math.max({low}, limit));\n}}\n\n",
            capital(noun)
        ),
    }
}

pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// A test run in which all is well: the command and what it prints.
pub(crate) fn tests_pass(place: &Place<'_>, words: &Words, rng: &mut Rng) -> (String, String) {
    let (part, many) = (words.part, 6 + rng.below(14));
    let root = place.project.root;
    let names: Vec<String> = (0..many)
        .map(|_| format!("{}_{}", rng.pick(&VERBS), rng.pick(&NOUNS)))
        .collect();
    let mut out = String::new();
    let command = match place.project.extension {
        "rs" => {
            let _ = writeln!(out, "running {many} tests");
            for name in &names {
                let _ = writeln!(out, "test {part}::{name} ... ok");
            }
            let _ = writeln!(out, "\ntest result: ok. {many} passed; 0 failed; 0 ignored");
            format!("cd {root} && cargo test -p {part}")
        }
        "py" => {
            let _ = writeln!(out, "collected {many} items\n");
            for name in &names {
                let _ = writeln!(out, "tests/test_{part}.py::test_{name} PASSED");
            }
            let _ = writeln!(
                out,
                "\n===== {many} passed in {}.{}s =====",
                rng.range(0, 9),
                rng.range(10, 99)
            );
            format!("cd {root} && python -m pytest -v tests/test_{part}.py")
        }
        "tf" => {
            for name in &names {
                let _ = writeln!(
                    out,
                    "{part}_{name}.main: Refreshing state... [id={}]",
                    rng.hex(12)
                );
            }
            out.push_str("\nNo changes. Your infrastructure matches the configuration.\n");
            format!("cd {root} && terraform plan -target=module.{part}")
        }
        _ => {
            let _ = writeln!(out, " RUN  v3.0.5 {root}\n");
            for name in &names {
                let _ = writeln!(
                    out,
                    " ✓ src/{part}/{part}.spec.ts > {part} > {name} {}ms",
                    rng.range(1, 80)
                );
            }
            let _ = writeln!(
                out,
                "\n Test Files  1 passed (1)\n      Tests  {many} passed ({many})"
            );
            format!("cd {root} && pnpm vitest run src/{part}")
        }
    };
    (command, out)
}

/// What a search for a function prints.
pub(crate) fn matches(place: &Place<'_>, words: &Words, rng: &mut Rng) -> (String, String) {
    let pattern = format!("{}_{}", rng.pick(&VERBS), rng.pick(&NOUNS));
    let mut out = String::new();
    for _ in 0..3 + rng.below(12) {
        let name = rng.pick(&place.project.parts);
        let _ = writeln!(
            out,
            "{}:{}:    let {} = {pattern}(handle, {});",
            source_path(place, name),
            rng.range(8, 420),
            rng.pick(&NOUNS),
            words.small
        );
    }
    (pattern, out)
}

/// A directory listing.
pub(crate) fn listing(place: &Place<'_>, rng: &mut Rng) -> String {
    let mut out = String::from("total 96\n");
    for part in &place.project.parts {
        let _ = writeln!(
            out,
            "drwxr-xr-x 2 dev dev {:>6} Jan {:>2} {:02}:{:02} {part}",
            rng.range(512, 8192),
            rng.range(1, 28),
            rng.range(0, 23),
            rng.range(0, 59)
        );
    }
    out.push_str("-rw-r--r-- 1 dev dev   2118 Jan 11 09:40 README.md\n");
    out
}

/// A table of daily figures, as reports print them.
pub(crate) fn figures(words: &Words, rng: &mut Rng) -> String {
    let mut out = format!("day,{},{},share\n", words.part, words.other);
    for day in 1..=20 + rng.below(40) {
        let _ = writeln!(
            out,
            "{day},{},{},{}.{:02}",
            rng.range(100, 9_000),
            rng.range(10, 900),
            rng.range(1, 60),
            rng.range(0, 99)
        );
    }
    out
}
