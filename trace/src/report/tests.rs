//! Tests of `report`.

use super::escape::{code_block, code_span, columns_of, fit, html, one_line, pad};
use super::{Colour, report_html, rollup_md, table};
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
    let page = report_html(&document, &signals);
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
    assert_eq!(page, report_html(&document, &signals));
}

#[test]
fn a_session_cannot_write_markup_into_the_markdown() {
    let document = document(&[hostile()]);
    let text = rollup_md(&document, 10);
    let row = text.lines().find(|line| line.contains("onerror")).unwrap();
    assert_eq!(row.matches('|').count(), 11, "{row}");
    assert!(row.contains("``<img src=x"), "{row}");
    assert!(text.contains("- `not JSON`: 1 place"));
}

#[test]
fn nothing_found_is_said_in_words() {
    let document = Builder::new().finish();
    assert!(table(&document, 80, 10, Colour::Plain).starts_with("No failures found."));
    assert!(rollup_md(&document, 10).contains("No failures found."));
    assert!(report_html(&document, &[]).contains("No failures found."));
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
