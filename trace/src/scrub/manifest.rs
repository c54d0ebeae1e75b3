//! Manifests of a cluster whose kind says that their values are secret, whatever the values look like.
//!
//! Neighbours: the scrubber asks for findings. Must not judge values: the kind of the document does.

use std::ops::Range;

use super::pattern::{Gate, Pattern};
use super::placeholder::Label;
use super::scrubber::Finding;

/// Finds the values in documents of kind `Secret`.
#[derive(Debug)]
pub(super) struct Manifests {
    kind: Pattern,
    pair: Pattern,
    gate: Gate,
}

/// Shorter values are switches and numbers.
const VALUE_BYTES_MIN: usize = 4;

impl Manifests {
    pub(super) fn new() -> Self {
        Self {
            kind: Pattern::new(
                r#"(?im)(?:^|[{,\s])["']?kind["']?[ ]*:[ ]*["']?secret["']?[ ]*(?:#.*)?(?:[,}\r]|$)"#,
            ),
            pair: Pattern::new(r#"["']?[A-Za-z0-9._-]{1,100}["']?\s*:\s*["']?([^\s"',{}]+)"#),
            gate: Gate::new(&[&["kind"], &["Secret", "secret"], &["data", "Data"]]),
        }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        if !self.gate.opens(text) {
            return;
        }
        let mut start = 0;
        for document in text.split("\n---") {
            if self.kind.is_match(document) {
                self.values(document, start, findings);
            }
            start += document.len() + "\n---".len();
        }
    }

    /// The values under `data` and `stringData`, line by line; `start` is where the document begins.
    fn values(&self, document: &str, start: usize, findings: &mut Vec<Finding>) {
        let mut within = None;
        let mut block = None;
        let mut at = start;
        for line in document.split_inclusive('\n') {
            let line_start = at;
            at += line.len();
            let body = line.trim_end();
            let content = body.trim_start();
            let indent = body.len() - content.len();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if block.is_some_and(|above| indent > above) {
                push(
                    line_start + indent..line_start + body.len(),
                    content,
                    findings,
                );
                continue;
            }
            block = None;
            // A whole document on one line.
            for name in ["\"data\":", "\"stringData\":"] {
                let map = content.split_once(name).map(|(_, map)| map.trim_start());
                if let Some(map) = map.filter(|map| map.starts_with('{')) {
                    let close = map.find('}').unwrap_or(map.len());
                    let map_start = line_start + body.len() - map.len();
                    self.pairs(&map[..close], map_start, findings);
                }
            }
            if let Some(rest) = data_of(content) {
                within = Some(indent);
                let rest_start = line_start + body.len() - rest.len();
                if rest.trim_start().starts_with('{') {
                    let close = rest.find('}').unwrap_or(rest.len());
                    self.pairs(&rest[..close], rest_start, findings);
                }
                continue;
            }
            if within.is_none_or(|above| indent <= above) {
                within = None;
                continue;
            }
            self.pairs(content, line_start + indent, findings);
            if content.ends_with(['|', '>']) || content.ends_with("|-") || content.ends_with(">-") {
                block = Some(indent);
            }
        }
    }

    fn pairs(&self, content: &str, start: usize, findings: &mut Vec<Finding>) {
        for captures in self.pair.captures_iter(content) {
            if let Some(value) = captures.get(1) {
                push(
                    start + value.start()..start + value.end(),
                    value.as_str(),
                    findings,
                );
            }
        }
    }
}

/// What stands behind the name of the map of values, when a line begins with it.
fn data_of(content: &str) -> Option<&str> {
    let content = content.trim_start_matches(['{', '"', '\'', ' ']);
    let rest = ["stringData", "data"]
        .iter()
        .find_map(|name| content.strip_prefix(name))?;
    rest.trim_start_matches(['"', '\'', ' ']).strip_prefix(':')
}

fn push(range: Range<usize>, value: &str, findings: &mut Vec<Finding>) {
    let is_reference = value.starts_with(['$', '<', '{', '[']);
    if value.len() >= VALUE_BYTES_MIN && !is_reference {
        findings.push(Finding::new(range, Label::Secret));
    }
}
