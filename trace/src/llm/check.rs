//! Claims become signals only when their quote stands where they say, in the text that was shown.
//!
//! Neighbours: [`super::parse`] gives the claims, [`super::Transcript`] the text. Nothing that a model wrote goes into
//! a signal: words come from the session, everything else from closed lists.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::chunk::Chunk;
use super::reply::Claim;
use super::transcript::{Entry, Role, Transcript};
use crate::event::ms_to_iso;
use crate::fingerprint::{Fingerprint, fingerprint};
use crate::hash;
use crate::limits::{QUOTE_BYTES_MAX, SIGNALS_PER_SESSION_MAX, SUMMARY_BYTES_MAX};
use crate::mine::MinedSession;
use crate::outcome::{OutcomeInput, classify};
use crate::scrub::Scrubbed;
use crate::signal::{Class, Evidence, Kind, MinedSignal, SCHEMA_VERSION, Severity, Source, Span};

/// The name in tags and ids.
const DETECTOR: &str = "llm";
/// A shorter quote stands everywhere and shows nothing. Letters and digits.
const QUOTE_LETTERS_MIN: usize = 4;

/// A claim whose quote was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The entry of the transcript, from 0.
    pub event: usize,
    /// First byte of the quote in the entry's text.
    pub from: usize,
    /// The byte after its last.
    pub to: usize,
    /// What kind.
    pub kind: Kind,
    /// Which quality.
    pub class: Class,
    /// The tool involved, one that was shown, or empty.
    #[serde(deserialize_with = "crate::scrub::stored")]
    pub tool: Scrubbed,
    /// How bad.
    pub severity: Severity,
    /// 0.0 to 1.0.
    pub confidence: f64,
}

/// Claims that were thrown away, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thrown {
    /// The quote does not stand in the event.
    pub quote_not_found: u64,
    /// The event is not part of what was shown.
    pub event_not_shown: u64,
    /// The quote is too short to show anything.
    pub quote_too_short: u64,
    /// The tool is none that was shown.
    pub unknown_tool: u64,
}

impl Thrown {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.quote_not_found + self.event_not_shown + self.quote_too_short + self.unknown_tool
    }

    /// Adds those of another chunk.
    pub fn add(&mut self, other: Self) {
        self.quote_not_found += other.quote_not_found;
        self.event_not_shown += other.event_not_shown;
        self.quote_too_short += other.quote_too_short;
        self.unknown_tool += other.unknown_tool;
    }
}

/// What is left of the claims about one chunk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    /// In the order of the answer.
    pub found: Vec<Finding>,
    /// The others, counted.
    pub thrown: Thrown,
}

/// Looks for the quote of every claim in the text of its event.
#[must_use]
pub fn check(claims: &[Claim], chunk: &Chunk, transcript: &Transcript) -> Claims {
    let shown = transcript
        .entries
        .get(chunk.start..chunk.end)
        .unwrap_or(&[]);
    let tools: BTreeSet<&str> = shown.iter().map(|entry| entry.tool.as_str()).collect();
    let mut checked = Claims::default();
    for claim in claims {
        let thrown = &mut checked.thrown;
        let event = usize::try_from(claim.event).unwrap_or(usize::MAX);
        let entry = event.checked_sub(chunk.start).and_then(|at| shown.get(at));
        let Some(entry) = entry else {
            thrown.event_not_shown += 1;
            continue;
        };
        let letters = claim.quote.chars().filter(|c| c.is_alphanumeric());
        if letters.take(QUOTE_LETTERS_MIN).count() < QUOTE_LETTERS_MIN {
            thrown.quote_too_short += 1;
            continue;
        }
        if !claim.tool.is_empty() && !tools.contains(claim.tool.as_str()) {
            thrown.unknown_tool += 1;
            continue;
        }
        let Some((from, to)) = find(&entry.text, &claim.quote) else {
            thrown.quote_not_found += 1;
            continue;
        };
        checked.found.push(Finding {
            event,
            from,
            to,
            kind: claim.kind,
            class: claim.class,
            tool: tools
                .get(claim.tool.as_str())
                .map(|tool| Scrubbed::assembled((*tool).to_owned()))
                .unwrap_or_default(),
            severity: claim.severity,
            confidence: claim.confidence,
        });
    }
    checked
}

/// Where a quote stands in a text: as it is, or with any white space where the quote has some.
fn find(text: &str, quote: &str) -> Option<(usize, usize)> {
    let quote = quote.trim();
    if let Some(from) = text.find(quote) {
        return Some((from, from + quote.len()));
    }
    let (folded, places) = fold(text);
    let (wanted, _) = fold(quote);
    let from = folded.find(&wanted)?;
    let last = from + wanted.len() - 1;
    // The place of the last byte is that of its character's end in the text.
    Some((places.get(from)?.0, places.get(last)?.1))
}

/// A text with every run of white space as one space; for each of its bytes, the first and last place in the text.
fn fold(text: &str) -> (String, Vec<(usize, usize)>) {
    let mut folded = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if !c.is_whitespace() {
            folded.push(c);
            places.extend((at..end).map(|_| (at, end)));
        } else if !folded.ends_with(' ') {
            folded.push(' ');
            places.push((at, end));
        }
    }
    (folded, places)
}

/// The findings of one session as signals, and how many of them the rules have found too.
///
/// **Shapes**: one signal a fingerprint, in line order; a finding that names a failure of `mined` by its fingerprint,
/// or by its line and kind, is counted and left out.
#[must_use]
pub fn signals(
    findings: &[Finding],
    transcript: &Transcript,
    mined: &MinedSession,
) -> (Vec<MinedSignal>, u64) {
    let mut known = 0;
    let mut by_fingerprint: BTreeMap<String, (MinedSignal, u64)> = BTreeMap::new();
    for finding in findings {
        let Some(entry) = transcript.entries.get(finding.event) else {
            continue;
        };
        let Some(quote) = entry.text.as_str().get(finding.from..finding.to) else {
            continue;
        };
        let identity = identity(finding, entry, quote);
        let is_known = mined.signals.iter().any(|signal| {
            signal.fingerprint_id == identity.print.id
                || (signal.kind == finding.kind
                    && signal.evidence.iter().any(|e| e.line == entry.line))
        });
        if is_known {
            known += 1;
            continue;
        }
        match by_fingerprint.get_mut(&identity.print.id) {
            Some((first, repeats)) => {
                *repeats += 1;
                first.severity = first.severity.max(finding.severity);
                first.span.end = first.span.end.max(entry.line);
            }
            None => {
                let signal = signal(finding, entry, quote, &identity, mined);
                by_fingerprint.insert(identity.print.id, (signal, 1));
            }
        }
    }
    let tagged = by_fingerprint.into_values().map(|(mut signal, repeats)| {
        if repeats > 1 {
            signal.tags.push(format!("repeats:{repeats}"));
        }
        signal
    });
    let mut signals: Vec<MinedSignal> = tagged.collect();
    signals.sort_by(|a, b| {
        (a.source.line, &a.fingerprint_id).cmp(&(b.source.line, &b.fingerprint_id))
    });
    signals.truncate(SIGNALS_PER_SESSION_MAX);
    (signals, known)
}

/// Whether a model found it, and not the rules.
#[must_use]
pub fn is_from_model(signal: &MinedSignal) -> bool {
    let tag = signal
        .tags
        .iter()
        .find_map(|tag| tag.strip_prefix("detector:"));
    tag == Some(DETECTOR)
}

/// What a signal is known by.
struct Identity {
    print: Fingerprint,
    error_class: &'static str,
    message: String,
    tool: Scrubbed,
}

/// The same path as that of the rules: the words of a failure make it, those of a person do not.
fn identity(finding: &Finding, entry: &Entry, quote: &str) -> Identity {
    let is_message = matches!(entry.role, Role::Result | Role::System);
    let (tool, error_class, message) = if finding.kind == Kind::Error && is_message {
        let tool = match entry.role {
            Role::Result if entry.tool.is_empty() => Scrubbed::from_static("unknown_tool"),
            Role::User | Role::Assistant | Role::Call | Role::Result | Role::System => {
                entry.tool.clone()
            }
        };
        let outcome = classify(&OutcomeInput {
            tool: &tool,
            is_error: Some(true),
            text: quote,
            ..OutcomeInput::default()
        });
        let message = match outcome.message {
            "" => quote.to_owned(),
            message => message.to_owned(),
        };
        let error_class = outcome.class.as_str();
        (tool, error_class, message)
    } else if entry.role == Role::User {
        (
            Scrubbed::default(),
            class_name(finding.class),
            String::new(),
        )
    } else {
        (
            finding.tool.clone(),
            class_name(finding.class),
            quote.to_owned(),
        )
    };
    Identity {
        print: fingerprint(finding.kind, &tool, error_class, &message),
        error_class,
        message,
        tool,
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::ReliabilityPerf => "reliability_perf",
        Class::Defect => "defect",
        Class::UxFriction => "ux_friction",
        Class::CapabilityGap => "capability_gap",
        Class::ProcessTooling => "process_tooling",
        Class::SafetyCompliance => "safety_compliance",
        Class::ProactiveOpportunity => "proactive_opportunity",
        Class::UserDelight => "user_delight",
    }
}

fn signal(
    finding: &Finding,
    entry: &Entry,
    quote: &str,
    identity: &Identity,
    mined: &MinedSession,
) -> MinedSignal {
    // Parts of scrubbed text are scrubbed.
    let part = |text: &str| Scrubbed::assembled(text.to_owned());
    let words = quote.split_whitespace().collect::<Vec<_>>().join(" ");
    let summary = match identity.tool.as_str() {
        "" => words,
        tool => format!("{tool}: {words}"),
    };
    let line = entry.line.to_string();
    let id = hash::sha256_hex_parts(&[
        mined.session_id.as_bytes(),
        mined.file.as_bytes(),
        line.as_bytes(),
        DETECTOR.as_bytes(),
        identity.print.id.as_bytes(),
    ]);
    MinedSignal {
        schema_version: SCHEMA_VERSION,
        signal_id: format!("sig_{}", &id[..16]),
        session_id: mined.session_id.clone(),
        source: Source {
            format: mined.format.clone(),
            file: mined.file.clone(),
            line: entry.line,
        },
        kind: finding.kind,
        class: finding.class,
        tool: identity.tool.truncated(SUMMARY_BYTES_MAX),
        summary: part(&summary).truncated(SUMMARY_BYTES_MAX),
        severity: finding.severity,
        confidence: crate::rank::rounded(finding.confidence),
        tags: vec![
            format!("detector:{DETECTOR}"),
            format!("error_class:{}", identity.error_class),
        ],
        span: Span {
            start: entry.line,
            end: entry.line,
        },
        evidence: vec![Evidence {
            line: entry.line,
            role: entry.role.evidence_name().to_owned(),
            quote: part(quote).truncated(QUOTE_BYTES_MAX),
            digest: entry.digest.clone(),
        }],
        fingerprint_id: identity.print.id.clone(),
        merged_from: String::new(),
        signature: part(&identity.print.signature),
        message: part(&identity.message).truncated(QUOTE_BYTES_MAX),
        at: entry.at_ms.map(ms_to_iso).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::chunk::{ChunkLimits, chunks};
    use super::super::transcript::tests::{entry, transcript};
    use super::*;

    fn session() -> Transcript {
        transcript(vec![
            entry(Role::User, 3, "Please  back\nthe data up, é!"),
            entry(Role::Call, 4, "{\"command\":\"pg_dump\"}"),
            entry(
                Role::Result,
                5,
                "pg_dump: error: no such file: /srv/a/b.txt",
            ),
            entry(Role::Assistant, 6, "All backed up."),
        ])
    }

    fn claim(event: u64, quote: &str, tool: &str) -> Claim {
        Claim {
            event,
            quote: quote.to_owned(),
            kind: Kind::Error,
            class: Class::Defect,
            tool: tool.to_owned(),
            severity: Severity::High,
            confidence: 0.876_5,
        }
    }

    fn checked(claims: &[Claim]) -> Claims {
        let transcript = session();
        let chunk = &chunks(&transcript, ChunkLimits::default())[0];
        check(claims, chunk, &transcript)
    }

    #[test]
    fn a_quote_is_found_as_it_is_or_with_other_white_space() {
        let claims = checked(&[
            claim(3, "All backed up", ""),
            claim(0, " back the\n\tdata up, é ", ""),
        ]);
        assert_eq!(claims.thrown.total(), 0);
        let text = &session().entries[0].text;
        let found = &claims.found[1];
        assert_eq!(&text[found.from..found.to], "back\nthe data up, é");
    }

    #[test]
    fn a_claim_without_a_quote_that_stands_there_is_thrown_away_and_counted() {
        let claims = checked(&[
            claim(3, "The backup failed", ""),
            claim(2, "All backed up", ""),
            claim(9, "All backed up", ""),
            claim(u64::MAX, "All backed up", ""),
            claim(3, "...", ""),
            claim(3, "", ""),
            claim(3, "All backed up", "browser"),
        ]);
        assert!(claims.found.is_empty());
        let thrown = claims.thrown;
        assert_eq!((thrown.quote_not_found, thrown.event_not_shown), (2, 2));
        assert_eq!((thrown.quote_too_short, thrown.unknown_tool), (2, 1));
    }

    #[test]
    fn a_failure_has_the_fingerprint_that_the_rules_would_give_it() {
        let claims = checked(&[claim(
            2,
            "pg_dump: error: no such file: /srv/a/b.txt",
            "exec",
        )]);
        let (signals, known) = signals(&claims.found, &session(), &MinedSession::default());
        let text = "pg_dump: error: no such file: /home/kim/other.txt";
        let outcome = classify(&OutcomeInput {
            tool: "exec",
            is_error: Some(true),
            text,
            ..OutcomeInput::default()
        });
        let rule = fingerprint(Kind::Error, "exec", outcome.class.as_str(), outcome.message);
        assert_eq!(
            (signals[0].fingerprint_id.as_str(), known),
            (rule.id.as_str(), 0)
        );
        assert_eq!((signals[0].source.line, signals[0].confidence), (5, 0.88));
        assert_eq!(signals[0].tags[0], "detector:llm");
        assert_eq!(signals[0].evidence[0].role, "tool");
        let mined = MinedSession {
            signals,
            ..MinedSession::default()
        };
        let again = super::signals(&claims.found, &session(), &mined);
        assert_eq!(again, (Vec::new(), 1));
    }

    #[test]
    fn repeats_are_one_signal_and_all_words_are_the_sessions() {
        let claims = checked(&[
            claim(3, "All backed up.", "exec"),
            claim(3, "All backed up.", "exec"),
        ]);
        let (signals, _) = signals(&claims.found, &session(), &MinedSession::default());
        assert_eq!(signals.len(), 1);
        assert_eq!(signals[0].summary, "exec: All backed up.");
        assert!(signals[0].tags.contains(&"repeats:2".to_owned()));
    }

    proptest! {
        #[test]
        fn whatever_is_found_stands_in_the_text(
            text in "[a-cé \n\u{a0}]{0,60}", quote in "[a-cé \n]{1,12}",
        ) {
            if let Some((from, to)) = find(&text, &quote) {
                let (found, wanted) = (fold(&text[from..to]).0, fold(&quote).0);
                prop_assert_eq!(found.trim(), wanted.trim());
            }
        }
    }
}
