//! Parts of configuration whose heading says that what stands in them is secret: `credentials:`, `[secrets]`.
//!
//! Neighbours: the scrubber asks for findings; `manifest` knows documents that are secret as a whole, `context` names that
//! say so themselves. Must not take what is no random value: such parts hold names and addresses too.

use super::pattern::{Gate, Pattern};
use super::placeholder::Label;
use super::scrubber::Finding;
use super::value::{is_key_body, is_reference, looks_like_path, random_enough};
use super::words;
use crate::normalise::boundary;

/// Finds random values below headings for secrets.
#[derive(Debug)]
pub(super) struct Sections {
    heading: Pattern,
    pair: Pattern,
    gate: Gate,
}

/// How far below its heading a part is followed. Bounds the work per heading.
const PART_BYTES_MAX: usize = 2048;
const PART_LINES_MAX: usize = 24;

impl Sections {
    pub(super) fn new() -> Self {
        Self {
            heading: Pattern::new(
                r#"(?im)^[ \t]*(?:-[ ])?(?:\[[ ]?(?:[a-z0-9_.-]{0,40}[._-])?(?:secrets?|credentials?|passwords?|api_?keys|tokens)[ ]?\]|["']?(?:[a-z0-9_.-]{0,40}[._-])?(?:secrets?|credentials?|passwords?|api_?keys|tokens)["']?[ ]?[:=][ ]?\{?)[ \t]*\r?$"#,
            ),
            pair: Pattern::new(
                r#"^[ \t]*(?:-[ ])?["']?([A-Za-z0-9_.-]{1,60})["']?[ ]?[:=][ ]?["']?([^\s"',#]{10,400})["']?,?[ \t]*\r?$"#,
            ),
            gate: Gate::new(&[&["ecret", "redential", "assword", "oken", "eys"], &["\n"]]),
        }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        if !self.gate.opens(text) {
            return;
        }
        for heading in self.heading.find_iter(text) {
            let far = boundary(text, text.len().min(heading.end() + PART_BYTES_MAX));
            let indent = indent_of(heading.as_str());
            let is_table = heading.as_str().trim_start().starts_with('[');
            let mut at = heading.end();
            for line in text[heading.end()..far]
                .split_inclusive('\n')
                .take(PART_LINES_MAX)
            {
                let start = at;
                at += line.len();
                if line.trim().is_empty() {
                    continue;
                }
                let is_outside = if is_table {
                    line.trim_start().starts_with('[')
                } else {
                    indent_of(line) <= indent
                };
                if is_outside {
                    break;
                }
                if let Some(found) = self.value(line.trim_end_matches('\n')) {
                    findings.push(Finding::new(
                        start + found.start()..start + found.end(),
                        Label::Secret,
                    ));
                }
            }
        }
    }

    /// The random value of a line with a name and a value.
    fn value<'t>(&self, line: &'t str) -> Option<regex::Match<'t>> {
        let captures = self.pair.captures(line)?;
        let (name, value) = (captures.get(1)?, captures.get(2)?);
        let is_secret = (random_enough(value.as_str()) || is_key_body(value.as_str()))
            && !words::is_about(name.as_str().as_bytes())
            && !is_reference(value.as_str())
            && !looks_like_path(value.as_str())
            && !value.as_str().contains("://");
        is_secret.then_some(value)
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, values: &[&str]) {
        let mut findings = Vec::new();
        Sections::new().find(text, &mut findings);
        let found: Vec<&str> = findings.iter().map(|f| &text[f.range.clone()]).collect();
        assert_eq!(found, values, "{text}");
    }

    #[test]
    fn random_values_below_a_heading_for_secrets_are_secret() {
        let key = "9f3b1c7d5e2a4860b1d9c3f7a5e80246";
        check(
            &format!("credentials:\n  app: {key}\n  host: db-1.acme.dev\nid: {key}"),
            &[key],
        );
        check(
            &format!("[secrets]\nshop = \"{key}\"\n\n[build]\nid = \"{key}\""),
            &[key],
        );
        check(
            &format!("secrets:\n  - source: site\n    file: ./site.txt\nsha: {key}"),
            &[],
        );
        check(
            &format!("credentials:\n  id: {key}\n  name: main-account-of-the-shop"),
            &[],
        );
        check(&format!("tokens: {key}"), &[]);
    }
}
