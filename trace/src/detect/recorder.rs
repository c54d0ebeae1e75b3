//! Where findings become signals: the evidence is checked, scrubbed, fingerprinted, and repeats are folded.
//!
//! Neighbours: detectors call [`Recorder::find`], `mine` takes the signals at the end. Nothing unscrubbed leaves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chain::Sign;
use crate::event::{floor_char, ms_to_iso};
use crate::fingerprint::{Fingerprint, fingerprint};
use crate::hash;
use crate::limits::{
    MESSAGE_BYTES_MAX, QUOTE_BYTES_MAX, SIGNALS_PER_SESSION_MAX, SUMMARY_BYTES_MAX,
};
use crate::llm::Transcript;
use crate::outcome::Outcome;
use crate::scrub;
use crate::signal::{Class, Evidence, Kind, MinedSignal, SCHEMA_VERSION, Severity, Source, Span};

/// Most fingerprints that are remembered beside their words.
const PRINTS_MAX: usize = 64;
/// Most quotes that one signal keeps.
const EVIDENCE_MAX: usize = 3;

/// A quote and the text it must be found in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quote<'a> {
    /// Who spoke.
    pub(crate) role: &'static str,
    /// The text of the event.
    pub(crate) text: &'a str,
    /// The part to keep.
    pub(crate) quote: &'a str,
}

/// Words that may become evidence. Most never do, so they are scrubbed when they are shown, or written to a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Evidence", from = "Evidence")]
pub(crate) struct Held(Words);

#[derive(Clone, Debug)]
enum Words {
    AsSaid {
        line: u64,
        role: &'static str,
        words: String,
        digest: String,
    },
    Shown(Evidence),
}

impl Held {
    /// Where it was said.
    pub(crate) fn line(&self) -> u64 {
        match &self.0 {
            Words::AsSaid { line, .. } => *line,
            Words::Shown(evidence) => evidence.line,
        }
    }

    /// The evidence, scrubbed.
    pub(crate) fn shown(self) -> Evidence {
        match self.0 {
            Words::AsSaid {
                line,
                role,
                words,
                digest,
            } => Evidence {
                line,
                role: role.to_owned(),
                quote: scrub::Scrubber::shared()
                    .scrub(&words)
                    .truncated(QUOTE_BYTES_MAX),
                digest,
            },
            Words::Shown(evidence) => evidence,
        }
    }
}

impl From<Held> for Evidence {
    fn from(held: Held) -> Self {
        held.shown()
    }
}

impl From<Evidence> for Held {
    fn from(evidence: Evidence) -> Self {
        Self(Words::Shown(evidence))
    }
}

/// What a detector saw.
#[derive(Clone, Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) detector: &'static str,
    pub(crate) kind: Kind,
    pub(crate) class: Class,
    pub(crate) tool: &'a str,
    pub(crate) error_class: &'a str,
    /// What the fingerprint is made of, with the three fields above; empty for what people say.
    pub(crate) message: &'a str,
    pub(crate) summary: &'a str,
    pub(crate) severity: Severity,
    pub(crate) confidence: f64,
    pub(crate) tags: &'a [&'a str],
    /// Evidence on the current line.
    pub(crate) quote: Option<Quote<'a>>,
    /// Evidence from earlier lines, checked when it was kept.
    pub(crate) earlier: &'a [Evidence],
    /// Whether a repeat brings words of its own that are worth keeping.
    pub(crate) keeps_repeats: bool,
}

/// What the production rules say about one line, for measuring them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgment {
    /// Outcome label of the last tool result on the line.
    pub tool: Option<&'static str>,
    /// Its class, when it failed.
    pub tool_class: Option<&'static str>,
    /// Label of the user turn on the line.
    pub user: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open {
    signal: MinedSignal,
    detector: String,
    repeats: u64,
}

/// The signals of one session in the making.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recorder {
    open: Vec<Open>,
    by_fingerprint: BTreeMap<String, usize>,
    /// Fingerprints by the words they were made of: failures come back. It only saves work, so the words are not kept in a
    /// checkpoint.
    #[serde(skip)]
    prints: BTreeMap<String, Fingerprint>,
    /// Whether a schedule started the session; its signals are tagged so.
    pub(crate) is_cron: bool,
    /// Findings beyond the limit.
    pub(crate) dropped: u64,
    /// Findings dropped because nothing in their event could be quoted.
    pub(crate) rejected: u64,
    /// What the rules said line by line, when somebody measures.
    #[serde(skip)]
    pub(crate) judgments: Option<BTreeMap<u64, Judgment>>,
    /// Signs of chains, when somebody measures.
    #[serde(skip)]
    pub(crate) signs: Vec<Sign>,
    /// The events as they may be shown, when somebody is to read them.
    #[serde(skip)]
    pub(crate) transcript: Option<Transcript>,
}

/// The recorder while one line is looked at.
pub(crate) struct Cx<'c> {
    pub(crate) line: u64,
    pub(crate) at_ms: Option<i64>,
    /// The raw line, for its digest.
    pub(crate) raw: &'c [u8],
    pub(crate) recorder: &'c mut Recorder,
}

impl Cx<'_> {
    /// Checks a quote on this line and keeps it; `None` when it is empty or not in the text.
    pub(crate) fn hold(&self, quote: Quote<'_>) -> Option<Held> {
        let cut = &quote.quote[..floor_char(quote.quote, QUOTE_BYTES_MAX)];
        if cut.trim().is_empty() || !quote.text.contains(cut) {
            return None;
        }
        Some(Held(Words::AsSaid {
            line: self.line,
            role: quote.role,
            words: cut.to_owned(),
            digest: self.digest(),
        }))
    }

    fn digest(&self) -> String {
        format!("sha256:{}", hash::short_hex(self.raw, 16))
    }

    /// Checks and scrubs a quote on this line; `None` when it is empty or not in the text.
    fn evidence(&self, quote: Quote<'_>) -> Option<Evidence> {
        self.hold(quote).map(Held::shown)
    }

    /// Turns a finding into a signal, or folds it into the one it repeats. Gives back the signal's fingerprint.
    pub(crate) fn find(&mut self, finding: &Finding<'_>) -> Option<String> {
        let print = self.recorder.fingerprint_of(finding);
        if let Some(index) = self.recorder.by_fingerprint.get(&print.id).copied() {
            self.fold(index, finding);
            return Some(print.id);
        }
        let mut evidence = finding.earlier.to_vec();
        match finding.quote {
            Some(quote) => match self.evidence(quote) {
                Some(kept) => evidence.push(kept),
                None => self.recorder.rejected += 1,
            },
            None if evidence.is_empty() => self.recorder.rejected += 1,
            None => {}
        }
        let first = evidence.first()?;
        if self.recorder.open.len() >= SIGNALS_PER_SESSION_MAX {
            self.recorder.dropped += 1;
            return None;
        }
        let last = evidence.last().map_or(first.line, |last| last.line);
        let span = Span {
            start: first.line.min(last),
            end: first.line.max(last),
        };
        // What is told by other lines than the current one begins where it began.
        let line = if finding.quote.is_some() {
            last
        } else {
            first.line
        };
        let signal = self.signal(finding, &print, evidence, line, span);
        self.recorder
            .by_fingerprint
            .insert(print.id.clone(), self.recorder.open.len());
        self.recorder.open.push(Open {
            signal,
            detector: finding.detector.to_owned(),
            repeats: 1,
        });
        Some(print.id)
    }

    fn fold(&mut self, index: usize, finding: &Finding<'_>) {
        let wants_more = finding.keeps_repeats
            && self
                .recorder
                .open
                .get(index)
                .is_some_and(|o| o.signal.evidence.len() < EVIDENCE_MAX);
        let more = finding
            .quote
            .filter(|_| wants_more)
            .and_then(|quote| self.evidence(quote));
        let line = self.line;
        let Some(open) = self.recorder.open.get_mut(index) else {
            return;
        };
        open.repeats = open.repeats.saturating_add(1);
        open.signal.span.end = open.signal.span.end.max(line);
        open.signal.severity = open.signal.severity.max(finding.severity);
        open.signal.confidence = open.signal.confidence.max(finding.confidence);
        for tag in finding.tags {
            if !open.signal.tags.iter().any(|have| have == tag) {
                open.signal.tags.push((*tag).to_owned());
            }
        }
        if let Some(more) = more
            && open
                .signal
                .evidence
                .iter()
                .all(|have| have.quote != more.quote)
        {
            open.signal.evidence.push(more);
        }
    }

    fn signal(
        &self,
        finding: &Finding<'_>,
        print: &Fingerprint,
        evidence: Vec<Evidence>,
        line: u64,
        span: Span,
    ) -> MinedSignal {
        let scrubber = scrub::Scrubber::shared();
        let mut tags: Vec<String> = finding.tags.iter().map(|tag| (*tag).to_owned()).collect();
        tags.push(format!("detector:{}", finding.detector));
        if !finding.error_class.is_empty() {
            tags.push(format!("error_class:{}", finding.error_class));
        }
        MinedSignal {
            schema_version: SCHEMA_VERSION,
            signal_id: String::new(),
            session_id: scrub::Scrubbed::default(),
            source: Source {
                format: String::new(),
                file: scrub::Scrubbed::default(),
                line,
            },
            kind: finding.kind,
            class: finding.class,
            tool: scrubber.scrub(finding.tool).truncated(SUMMARY_BYTES_MAX),
            summary: scrubber.scrub(finding.summary).truncated(SUMMARY_BYTES_MAX),
            severity: finding.severity,
            confidence: finding.confidence,
            tags,
            span,
            evidence,
            fingerprint_id: print.id.clone(),
            merged_from: String::new(),
            signature: scrubber.scrub(&print.signature),
            message: scrubber
                .scrub(&finding.message[..floor_char(finding.message, MESSAGE_BYTES_MAX)])
                .truncated(QUOTE_BYTES_MAX),
            at: self.at_ms.map(ms_to_iso).unwrap_or_default(),
        }
    }

    /// Notes the verdict on a tool result.
    pub(crate) fn judge_tool(&mut self, outcome: &Outcome<'_>) {
        let line = self.line;
        if let Some(judgments) = &mut self.recorder.judgments {
            let judgment = judgments.entry(line).or_default();
            judgment.tool = Some(outcome.label.as_str());
            judgment.tool_class = outcome.failed().then(|| outcome.class.as_str());
        }
    }

    /// Whether somebody measures what the rules say line by line.
    pub(crate) fn is_measured(&self) -> bool {
        self.recorder.judgments.is_some()
    }

    /// Notes a sign of a chain.
    pub(crate) fn sign(&mut self, name: &'static str) {
        let line = self.line;
        if self.is_measured() {
            self.recorder.signs.push(Sign { line, name });
        }
    }

    /// Notes the label of a user turn.
    pub(crate) fn judge_user(&mut self, label: &'static str) {
        let line = self.line;
        if let Some(judgments) = &mut self.recorder.judgments {
            judgments.entry(line).or_default().user = Some(label);
        }
    }
}

/// What the finished signals are told about where they come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// As the user's file names it.
    pub(crate) session_id: &'a str,
    pub(crate) format: &'a str,
    /// As the user named it.
    pub(crate) file: &'a str,
    pub(crate) shown_session_id: &'a scrub::Scrubbed,
    pub(crate) shown_file: &'a scrub::Scrubbed,
}

impl Recorder {
    /// Adds a tag to the open signal with that fingerprint.
    pub(crate) fn tag(&mut self, fingerprint_id: &str, tag: &str) {
        let index = self.by_fingerprint.get(fingerprint_id).copied();
        if let Some(open) = index.and_then(|index| self.open.get_mut(index))
            && !open.signal.tags.iter().any(|have| have == tag)
        {
            open.signal.tags.push(tag.to_owned());
        }
    }

    fn fingerprint_of(&mut self, finding: &Finding<'_>) -> Fingerprint {
        let Finding {
            kind,
            tool,
            error_class,
            message,
            ..
        } = finding;
        let key = format!("{kind:?}\0{tool}\0{error_class}\0{message}");
        if let Some(print) = self.prints.get(&key) {
            return print.clone();
        }
        let print = fingerprint(*kind, tool, error_class, message);
        if self.prints.len() >= PRINTS_MAX {
            self.prints.clear();
        }
        self.prints.insert(key, print.clone());
        print
    }

    /// The signals in file order, with ids. What leaves is scrubbed, while the ids are made of the real names.
    pub(crate) fn finish(&mut self, origin: Origin<'_>) -> Vec<MinedSignal> {
        let mut signals: Vec<MinedSignal> = Vec::with_capacity(self.open.len());
        for Open {
            mut signal,
            detector,
            repeats,
        } in self.open.drain(..)
        {
            let line = signal.source.line.to_string();
            let id = hash::sha256_hex_parts(&[
                origin.session_id.as_bytes(),
                origin.file.as_bytes(),
                line.as_bytes(),
                detector.as_bytes(),
                signal.fingerprint_id.as_bytes(),
            ]);
            signal.signal_id = format!("sig_{}", &id[..16]);
            signal.session_id.clone_from(origin.shown_session_id);
            signal.source.format = origin.format.to_owned();
            signal.source.file.clone_from(origin.shown_file);
            signal.severity = raised(&signal, repeats);
            if self.is_cron && !signal.tags.iter().any(|tag| tag == "cron") {
                signal.tags.push("cron".to_owned());
            }
            if repeats > 1 {
                signal.tags.push(format!("repeats:{repeats}"));
            }
            signal.tags.sort();
            signals.push(signal);
        }
        signals.sort_by(|a, b| {
            (a.source.line, &a.fingerprint_id).cmp(&(b.source.line, &b.fingerprint_id))
        });
        self.by_fingerprint.clear();
        signals
    }
}

/// The same failure ten times in one session costs more than once: one step up, but not above high.
fn raised(signal: &MinedSignal, repeats: u64) -> Severity {
    let is_tool = signal.kind == Kind::Error && !signal.tool.is_empty();
    match (signal.severity, is_tool && repeats >= 10) {
        (Severity::Low, true) => Severity::Medium,
        (Severity::Medium, true) => Severity::High,
        (severity, _) => severity,
    }
}
