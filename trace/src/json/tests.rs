//! Tests of the parser, most of them against serde_json.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::quote::{self, End, Flaw};
use super::{Error, RawValue, from_str};
use crate::event::unescape;

fn value(text: &str) -> Result<Value, Error> {
    from_str(text)
}

#[test]
fn values_of_all_kinds_are_read_and_space_around_them_means_nothing() {
    for text in [
        "null",
        " true\n",
        "-7",
        "12",
        "-12.5e+3",
        "18446744073709551615",
        "\"a\"",
        "\"tab \\t and \\\"quotes\\\" and \\u00e9 and \\ud83d\\ude00\"",
        "[]",
        "{ }",
        "[1 , [ ] ,{\"a\" : null}]",
        "{\"a\":{\"b\\n\":[false]},\"a\":2}",
    ] {
        let want: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value(text).unwrap(), want, "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused_where_it_stops_to_be_some() {
    let unexpected = |at| Error::Unexpected { at };
    for (text, want) in [
        ("", Error::CutOff),
        ("{", Error::CutOff),
        ("{\"a\":1,", Error::CutOff),
        ("\"no end \\\"", Error::CutOff),
        ("tru", Error::CutOff),
        ("1.", Error::CutOff),
        ("-", Error::CutOff),
        ("trux", unexpected(0)),
        ("01", unexpected(1)),
        ("1.x", unexpected(2)),
        ("[1,]", unexpected(3)),
        ("[1 2]", unexpected(3)),
        ("{\"a\":1,}", unexpected(7)),
        ("{\"a\" 1}", unexpected(5)),
        ("{a:1}", unexpected(1)),
        ("{\"a\":{\"b\":1]}", unexpected(11)),
        ("\"a\u{1}b\"", unexpected(2)),
        ("{\"a\":1}{\"a\":2}", Error::Trailing { at: 7 }),
        ("1,", Error::Trailing { at: 1 }),
    ] {
        assert_eq!(value(text), Err(want), "{text}");
    }
}

#[test]
fn what_is_passed_over_has_to_be_json_too() {
    for text in [
        "{\"skipped\":{\"a\":[1,{]},\"wanted\":1}",
        "{\"skipped\":[tru],\"wanted\":1}",
        "{\"skipped\":\"a\u{0}\",\"wanted\":1}",
        "{\"skipped\":-,\"wanted\":1}",
    ] {
        let read = from_str::<BTreeMap<String, RawValue<'_>>>(text);
        assert!(matches!(read, Err(Error::Unexpected { .. })), "{text}");
    }
}

#[test]
fn nesting_ends_at_the_limit_whether_it_is_read_or_passed_over() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(value(&deep(128)).is_ok());
    assert_eq!(value(&deep(129)), Err(Error::TooDeep));
    assert!(from_str::<RawValue<'_>>(&deep(128)).is_ok());
    assert_eq!(from_str::<RawValue<'_>>(&deep(129)), Err(Error::TooDeep));
    assert_eq!(value(&"[".repeat(1_000_000)), Err(Error::TooDeep));
    let side_by_side = format!("[{}[]]", "[],".repeat(100_000));
    assert!(from_str::<RawValue<'_>>(&side_by_side).is_ok());
}

#[test]
fn a_value_is_given_as_it_is_written() {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        kept: Option<RawValue<'a>>,
        none: Option<u32>,
    }
    let text = r#"{"other":[1,2],"kept": {"a":"x\"y" , "b":[1]} ,"none":null}"#;
    let line: Line<'_> = from_str(text).unwrap();
    let kept = line.kept.unwrap().get();
    assert_eq!(kept, r#"{"a":"x\"y" , "b":[1]}"#);
    assert_eq!(line.none, None);
    let again: Line<'_> = from_str("{}").unwrap();
    assert!(again.kept.is_none());
}

#[test]
fn half_of_a_surrogate_pair_is_read_as_the_sign_for_that() {
    assert_eq!(
        value(r#"{"a":"cut \ud83d","b":"\q"}"#).unwrap(),
        serde_json::json!({"a": "cut \u{fffd}", "b": "\u{fffd}q"})
    );
}

/// The same search, one byte after the other.
fn end_by_bytes(bytes: &[u8], from: usize) -> Result<End, Flaw> {
    let (mut at, mut is_escaped) = (from, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Ok(End { at, is_escaped }),
            b'\\' => {
                is_escaped = true;
                // What is escaped may still be a control character.
                match bytes.get(at + 1) {
                    Some(byte) if *byte < b' ' => return Err(Flaw::Control(at + 1)),
                    Some(_) | None => at += 2,
                }
            }
            byte if byte < b' ' => return Err(Flaw::Control(at)),
            _ => at += 1,
        }
    }
    Err(Flaw::NoEnd)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_end_of_a_string_is_where_a_slow_search_finds_it(
        text in r#"([a-zé]{0,40}|\\{1,5}|"|\\"|\x01){0,40}"#,
        from in 0_usize..8,
    ) {
        let from = from.min(text.len());
        prop_assert_eq!(quote::end(text.as_bytes(), from), end_by_bytes(text.as_bytes(), from));
    }

    #[test]
    fn damaged_json_is_taken_only_where_another_parser_takes_it(
        text in r#"(\{"a":|\[|\]|\}|,|:|"[a-z]{0,3}"|"\\n\\u00e9"|"x\\\\"|-?[1-9][0-9]{0,2}(\.[0-9]{1,2})?|[0-9]{1,3}(\.[0-9]{1,2})?|true|null| |\t|\\|"){0,24}"#,
    ) {
        let ours = value(&text);
        match serde_json::from_str::<Value>(&text) {
            Ok(want) => prop_assert_eq!(ours, Ok(want)),
            Err(error) => {
                // An escape that means nothing is let through, and only that.
                let is_lenient = error.to_string().starts_with("invalid escape");
                prop_assert!(ours.is_err() || is_lenient, "{}: {:?}", error, ours);
                if error.is_eof() && !text.contains('\\') {
                    prop_assert_eq!(ours, Err(Error::CutOff));
                }
            }
        }
    }

    #[test]
    fn strings_are_read_as_another_parser_reads_them(text in "\\PC{0,200}") {
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(value(&json), Ok(Value::from(text.as_str())));
        let raw: RawValue<'_> = from_str(&json).unwrap();
        let inside = raw.get();
        prop_assert_eq!(unescape(&inside[1..inside.len() - 1]), text);
    }
}
