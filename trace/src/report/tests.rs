//! Tests of `report`.

use super::escape::{code_block, code_span, columns_of, fit, html, one_line, pad};
use super::{Colour, report_html, rollup_md, table};
use crate::event::EventCounts;
use crate::llm::budget::{Account, Limits};
use crate::llm::coverage::{Asking, Coverage, Drawn, SessionReading};
use crate::mine::MinedSession;
use crate::rollup::overview::{Beside, Overview};
use crate::rollup::skips::Unit;
use crate::rollup::tests::signal;
use crate::rollup::{Builder, RollupDocument, SessionCounts, Skipped};
use crate::signal::{Kind, MinedSignal, Severity};

fn document(signals: &[MinedSignal]) -> RollupDocument {
    let mut builder = Builder::new();
    builder.add_session(
        SessionCounts {
            lines: 40,
            events: 30,
            bytes: 123_456,
        },
        signals,
    );
    builder.add_skipped(Skipped {
        file: "b.jsonl".into(),
        line: 3,
        reason: "not JSON".into(),
    });
    builder.finish()
}

fn hostile() -> MinedSignal {
    let mut mined = signal("a", 5, "x");
    mined.summary =
        "<img src=x onerror=alert(1)> | \u{1b}[2J `x` [a](javascript:b) \u{202e}".into();
    mined.tool = "\"><script>alert(2)</script>".into();
    mined.evidence[0].quote = "</pre><script>alert(3)</script>\u{1b}]0;title\u{7}".into();
    mined.source.file = "'onmouseover='alert(4)".into();
    mined.signature = "error|<svg/onload=alert(5)>".into();
    mined
}

#[test]
fn the_table_fits_its_width() {
    let mut wide = signal("a", 2, "wide");
    wide.summary = "文件不存在 ".repeat(40).as_str().into();
    wide.tool = "a_very_long_tool_name_of_somebody".into();
    wide.severity = Severity::High;
    let document = document(&[signal("a", 1, "x"), wide]);
    for width in [60, 80, 120, 200] {
        let text = table(&document, width, 10, Colour::Plain);
        for line in text.lines() {
            let columns: usize = line.chars().map(columns_of).sum();
            assert!(columns <= width, "{columns} columns of {width}: {line}");
        }
    }
    let text = table(&document, 100, 1, Colour::Plain);
    assert!(text.starts_with("TIER  SCORE"));
    assert!(text.contains("... and 1 group more"));
}

#[test]
fn a_session_cannot_write_to_the_terminal() {
    let document = document(&[hostile()]);
    let text = table(&document, 200, 10, Colour::Plain);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    let coloured = table(&document, 200, 10, Colour::Ansi);
    assert!(!coloured.contains("\u{1b}[2J"));
    assert!(coloured.contains("\u{1b}[0m"));
}

#[test]
fn a_session_cannot_write_markup_into_the_page() {
    let mut praise = hostile();
    praise.kind = Kind::UserDelight;
    praise.fingerprint_id = "fp1:praise".into();
    let mut signals = vec![hostile(), praise];
    signals[0].severity = Severity::High;
    let document = document(&signals);
    let page = report_html(&document, &signals, None);
    for tag in ["<script", "<img", "<svg"] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert_eq!(
        page.matches("<pre>").count(),
        page.matches("</pre>").count()
    );
    assert!(!page.contains("'onmouseover"));
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(page.contains("alert(3)"), "the quote is shown");
    assert!(page.contains("What people liked"));
    assert_eq!(page, report_html(&document, &signals, None));
}

#[test]
fn a_session_cannot_write_markup_into_the_markdown() {
    let document = document(&[hostile()]);
    let text = rollup_md(&document, 10);
    let row = text.lines().find(|line| line.contains("onerror")).unwrap();
    assert_eq!(row.matches('|').count(), 11, "{row}");
    assert!(row.contains("``<img src=x"), "{row}");
    assert!(text.contains("- `not JSON`: 1 line in 1 file"));
}

/// What a reader must find: formats, detectors with what they looked at, skips with their units, and the model.
#[test]
fn the_page_says_what_was_read_by_whom_and_what_was_not() {
    let mut builder = Builder::new();
    builder.add_session(SessionCounts::default(), &[signal("a", 5, "x")]);
    for line in [3, 9] {
        builder.add_skipped(Skipped::new("b.jsonl", line, "not JSON"));
    }
    builder.add_skipped(Skipped::new("c.jsonl", 0, "empty <file>"));
    builder.add_beyond("b.jsonl", Unit::Lines, 4_000);
    let mut document = builder.finish();
    let mined = MinedSession {
        format: "codex".to_owned(),
        is_session: true,
        events: 1_234,
        bytes: 5_600,
        event_counts: EventCounts {
            user_turns: 4_321,
            ..EventCounts::default()
        },
        ..MinedSession::default()
    };
    let beside = Beside {
        files_by_format: [("codex".to_owned(), 7)].into(),
        events_by_model: Some(88),
    };
    document.overview = Overview::of(std::slice::from_ref(&mined), &beside);
    let reading = SessionReading {
        chunks: 2,
        asked: 1,
        not_read: [("the <budget> was used up".to_owned(), 1)].into(),
        ..SessionReading::default()
    };
    let asking = Asking {
        model: "anthropic:<m>".to_owned(),
        prompt_version: 1,
        limits: Limits {
            tokens: 50_000,
            cost_micros: None,
            price: None,
        },
        seed: 0,
        strata: Vec::new(),
        account: Account::default(),
    };
    let coverage = Coverage::of(&[mined], Some(asking), &[Drawn::default()], &[reading]);
    let page = report_html(&document, &[], Some(&coverage));
    for shown in [
        "<code>codex</code></th><td class=\"n\">7</td><td class=\"n\">1</td><td class=\"n\">1,234</td>",
        "4,321 <span class=\"soft\">turns in the user role</span>",
        "88 <span class=\"soft\">events shown to it</span>",
        "empty &lt;file&gt;</th><td>1 file</td>",
        "not JSON</th><td>2 lines in 1 file</td>",
        "<td>4,000 lines in 1 file</td>",
        "By the model <code>anthropic:&lt;m&gt;</code>",
        "the &lt;budget&gt; was used up</th><td class=\"n\">1</td>",
        "0 of 50,000",
        "<a href=\"#reading\">",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    let text = rollup_md(&document, 10);
    assert!(text.contains("| `codex` | 7 | 1 | 1234 |"), "{text}");
    assert!(text.contains("- `llm`: 0 signals in 0 sessions, of 88 events shown to it"));
    let without = report_html(&document, &[], None);
    assert!(!without.contains("By the model"));
}

#[test]
fn nothing_found_is_said_in_words() {
    let document = Builder::new().finish();
    assert!(table(&document, 80, 10, Colour::Plain).starts_with("No failures found."));
    assert!(rollup_md(&document, 10).contains("No failures found."));
    assert!(report_html(&document, &[], None).contains("No failures found."));
}

#[test]
fn escapes_do_what_they_say() {
    assert_eq!(one_line(" a\t\nb\u{0}\u{1b}[1mc\u{200b} "), "a b [1mc");
    assert_eq!(
        html("<a href=\"x\">&'"),
        "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"
    );
    assert_eq!(code_span("a`b"), "``a`b``");
    assert_eq!(code_span("`"), "`` ` ``");
    assert_eq!(code_block("a\n```\nb"), "````text\na\n```\nb\n````\n");
    assert_eq!(fit("abcdef", 4), "abc…");
    assert_eq!(fit("文件不存在", 6), "文件…");
    assert_eq!(fit("abc", 0), "");
    assert_eq!(pad("ab", 4), "ab  ");
}
