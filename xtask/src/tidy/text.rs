//! Sizes, module comments, white space, papers.

use std::collections::BTreeMap;

use super::files::{Finding, TextFile};

/// Lines of a source file at most.
const LINES_MAX: usize = 600;

pub(crate) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        if file.name.ends_with(".rs") {
            size(file, &mut findings);
            module_comment(file, &mut findings);
            if file.name.ends_with("/mod.rs") {
                only_routes(file, &mut findings);
            }
        }
        if [".rs", ".md", ".toml"]
            .iter()
            .any(|ending| file.name.ends_with(ending))
        {
            white_space(file, &mut findings);
        }
        if file.name == "docs/GLOSSARY.md" {
            unique_words(file, &mut findings);
        }
    }
    papers(files, &mut findings);
    findings
}

fn size(file: &TextFile, findings: &mut Vec<Finding>) {
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        let what = format!("{lines} lines; look for the seam at {LINES_MAX}");
        findings.push(Finding::new(&file.name, 0, what));
    }
}

fn module_comment(file: &TextFile, findings: &mut Vec<Finding>) {
    if !file.text.starts_with("//!") {
        findings.push(Finding::new(
            &file.name,
            1,
            "starts with no `//!`: say what the module is for",
        ));
    }
}

/// Meeting points route: modules, re-exports, attributes and comments.
fn only_routes(file: &TextFile, findings: &mut Vec<Finding>) {
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim();
        let logic = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "impl ",
            "static ",
            "macro_rules!",
        ];
        if logic.iter().any(|start| line.starts_with(start)) {
            let what = "mod.rs holds no logic: move it to a file of its own";
            findings.push(Finding::new(&file.name, index + 1, what));
        }
    }
}

fn white_space(file: &TextFile, findings: &mut Vec<Finding>) {
    for (index, line) in file.text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            findings.push(Finding::new(
                &file.name,
                index + 1,
                "white space at the end of the line",
            ));
        }
        if ["<<<<<<< ", ">>>>>>> "]
            .iter()
            .any(|mark| line.starts_with(mark))
        {
            findings.push(Finding::new(
                &file.name,
                index + 1,
                "two versions stand side by side",
            ));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(Finding::new(&file.name, 0, "the last line has no end"));
    }
}

fn unique_words(file: &TextFile, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, line) in file.text.lines().enumerate() {
        let Some(word) = line
            .strip_prefix("| ")
            .and_then(|rest| rest.split(" |").next())
        else {
            continue;
        };
        if word == "word" || word.starts_with("---") {
            continue;
        }
        if let Some(first) = seen.insert(word, index + 1) {
            let what = format!("the word {word:?} is explained in line {first} already");
            findings.push(Finding::new(&file.name, index + 1, what));
        }
    }
}

/// A change log, and decisions numbered without gaps.
fn papers(files: &[TextFile], findings: &mut Vec<Finding>) {
    if !files.iter().any(|f| f.name == "CHANGELOG.md") {
        findings.push(Finding::new("CHANGELOG.md", 0, "is missing"));
    }
    let mut numbers: Vec<(usize, &str)> = Vec::new();
    for file in files {
        let Some(name) = file.name.strip_prefix("docs/adr/") else {
            continue;
        };
        let number = name.split('-').next().and_then(|n| n.parse().ok());
        match number {
            Some(number) if name.len() > 5 && name.ends_with(".md") => {
                numbers.push((number, &file.name));
            }
            _ => findings.push(Finding::new(
                &file.name,
                0,
                "should be named NNNN-verb-noun.md",
            )),
        }
    }
    numbers.sort_unstable();
    for (index, (number, name)) in numbers.iter().enumerate() {
        if *number != index + 1 {
            findings.push(Finding::new(
                name,
                0,
                format!("should have number {:04}", index + 1),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        let files = [
            TextFile {
                name: name.to_owned(),
                text: text.to_owned(),
            },
            TextFile {
                name: "CHANGELOG.md".to_owned(),
                text: "# x\n".to_owned(),
            },
        ];
        check(&files).into_iter().map(|f| f.what).collect()
    }

    #[test]
    fn each_check_can_fail() {
        assert_eq!(found("a/src/x.rs", "//! Fine.\n"), Vec::<String>::new());
        assert_eq!(
            found("a/src/x.rs", &format!("//! Long.\n{}", "\n".repeat(600))).len(),
            1
        );
        assert_eq!(found("a/src/x.rs", "fn bare() {}\n").len(), 1);
        assert_eq!(
            found("a/src/x/mod.rs", "//! Map.\nmod a;\n"),
            Vec::<String>::new()
        );
        assert_eq!(
            found("a/src/x/mod.rs", "//! Map.\nfn logic() {}\n").len(),
            1
        );
        assert_eq!(found("a.md", "trailing \n").len(), 1);
        assert_eq!(found("a.md", "no end").len(), 1);
        assert_eq!(found("a.md", "<<<<<<< ours\n").len(), 1);
        assert_eq!(
            found("docs/GLOSSARY.md", "| run | a |\n| run | b |\n").len(),
            1
        );
        assert_eq!(found("docs/adr/0002-skip-one.md", "# 2\n").len(), 1);
        assert_eq!(found("docs/adr/notes.md", "# x\n").len(), 1);
        assert_eq!(check(&[]).len(), 1);
    }
}
