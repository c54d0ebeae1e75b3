//! A file that grew gives what it would have given when read whole.

use proptest::prelude::*;

use super::*;

/// Lines of every format that is made of lines, with things in them that detectors remember for long.
const FILES: &[&str] = &[
    include_str!("../../../fixtures/formats/grown-openclaw.jsonl"),
    include_str!("../../../fixtures/formats/grown-claude.jsonl"),
    include_str!("../../../fixtures/formats/grown-codex.jsonl"),
    include_str!("../../../fixtures/formats/grown-cron.jsonl"),
    include_str!("../../../fixtures/formats/copilot.jsonl"),
    include_str!("../../../fixtures/formats/cursor.jsonl"),
    include_str!("../../../fixtures/formats/droid.jsonl"),
    include_str!("../../../fixtures/formats/gemini.jsonl"),
    include_str!("../../../fixtures/formats/neutral.jsonl"),
];

const FILE: FileRef<'_> = FileRef { name: "a.jsonl" };

/// Reads a file that is written up to each of `cuts` in turn, going on where the reading before stopped.
fn in_pieces(bytes: &[u8], cuts: &[usize], options: &MineOptions) -> (MinedSession, u64) {
    let mut kept: Option<Checkpoint> = None;
    let mut bytes_read = 0;
    for (index, end) in cuts.iter().chain([&bytes.len()]).enumerate() {
        // Kept as text between runs.
        let text = serde_json::to_string(&kept).unwrap();
        let from: Option<Checkpoint> = serde_json::from_str(&text).unwrap();
        let start = from
            .as_ref()
            .map_or(0, |from| usize::try_from(from.bytes).unwrap());
        let mut part = &bytes[start..*end];
        bytes_read += part.len() as u64;
        let (session, checkpoint) = mine_on(&FILE, &mut part, options, from).unwrap().unwrap();
        if index == cuts.len() {
            return (session, bytes_read);
        }
        kept = checkpoint;
    }
    unreachable!("the last piece returns")
}

#[test]
fn only_what_is_new_is_read_again() {
    let options = MineOptions { format: None };
    let bytes = FILES[0].as_bytes();
    let half = bytes.len() / 2;
    let line_start = bytes[..half].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    let (session, bytes_read) = in_pieces(bytes, &[half], &options);
    assert_eq!(bytes_read, (half + bytes.len() - line_start) as u64);
    assert!(session.signals.len() > 2, "the fixture shows something");
}

#[test]
fn a_checkpoint_of_another_time_is_refused_and_documents_have_none() {
    let options = MineOptions { format: None };
    let mut whole = FILES[0].as_bytes();
    let (_, kept) = mine_on(&FILE, &mut whole, &options, None).unwrap().unwrap();
    let mut kept = kept.unwrap();
    kept.reader = "[]".to_owned();
    assert!(
        mine_on(&FILE, &mut &b""[..], &options, Some(kept))
            .unwrap()
            .is_none()
    );
    let mut document = &include_bytes!("../../../fixtures/formats/gemini.json")[..];
    let (_, kept) = mine_on(&FILE, &mut document, &options, None)
        .unwrap()
        .unwrap();
    assert!(kept.is_none());
}

/// Found by fuzzing: the risk came back from JSON with another last digit, and counts ran over.
#[test]
fn a_result_reads_back_as_it_was_and_impossible_counts_are_not_gone_on_from() {
    for file in FILES {
        for lines in 1..=file.lines().count() {
            let some: String = file.split_inclusive('\n').take(lines).collect();
            let options = MineOptions::default();
            let mined = mine(&FILE, &mut some.as_bytes(), &options).unwrap();
            let json = serde_json::to_string(&mined).unwrap();
            assert_eq!(serde_json::from_str::<MinedSession>(&json).unwrap(), mined);
        }
    }
    let options = MineOptions::default();
    let read = mine_on(&FILE, &mut FILES[0].as_bytes(), &options, None).unwrap();
    let mut kept = serde_json::to_value(read.unwrap().1.unwrap()).unwrap();
    kept["lines"] = u64::MAX.into();
    let kept: Checkpoint = serde_json::from_value(kept).unwrap();
    let session = mine_on(&FILE, &mut &b"x\n"[..], &options, Some(kept)).unwrap();
    assert!(session.is_none());
}

/// Found by fuzzing: the beginning of a document looked like lines, and the rest was read as one long line.
#[test]
fn a_document_that_is_still_being_written_is_read_from_its_start_next_time() {
    let whole = include_str!("../../../fixtures/formats/gemini.json");
    let options = MineOptions::default();
    for end in 1..whole.len().min(200) {
        let Some(part) = whole.get(..end) else {
            continue;
        };
        let read = mine_on(&FILE, &mut part.as_bytes(), &options, None).unwrap();
        assert!(read.unwrap().1.is_none(), "{part}");
    }
}

const SECRET: &str = "Hq7vT2mXw9LrPz4K";

/// A session of the neutral format with the secret in all places that detectors and readers remember.
fn with_a_secret() -> Vec<String> {
    let event = |value: serde_json::Value| value.to_string();
    let json = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let mut lines = vec![r#"{"agent_events": 1, "session": "s1"}"#.to_owned()];
    for (at, template) in [
        r#"{"type": "user", "text": "the password=SECRET does not work"}"#,
        r#"{"type": "user", "text": "the password=SECRET does not work"}"#,
        r#"{"type": "tool_call", "id": "1", "tool": "bash", "arguments": {"command": "login --password=SECRET --host a"}}"#,
        r#"{"type": "tool_result", "id": "1", "is_error": true, "exit_code": 2, "text": "error: login refused for password=SECRET"}"#,
        r#"{"type": "tool_call", "id": "2", "tool": "bash", "arguments": {"command": "login --password=SECRET --host a"}}"#,
        r#"{"type": "tool_result", "id": "2", "is_error": true, "exit_code": 2, "text": "error: login refused for password=SECRET"}"#,
        r#"{"type": "tool_call", "id": "3", "tool": "bash", "arguments": {"command": "login --password=SECRET --host a"}}"#,
        r#"{"type": "tool_result", "id": "3", "is_error": true, "exit_code": 2, "text": "error: login refused for password=SECRET"}"#,
        r#"{"type": "model_error", "error": "401 unauthorized, password=SECRET", "provider": "p", "model": "m"}"#,
        r#"{"type": "assistant", "text": "Done, I logged in with password=SECRET."}"#,
        r#"{"type": "user", "text": "no! password=SECRET is still refused"}"#,
        r#"{"type": "interrupt", "text": "stopped at password=SECRET"}"#,
    ]
    .iter()
    .enumerate()
    {
        let mut value = json(&template.replace("SECRET", SECRET));
        value["at"] = format!("2026-03-04T10:00:{at:02}Z").into();
        lines.push(event(value));
    }
    lines
}

#[test]
fn no_checkpoint_of_a_growing_file_holds_a_secret_wherever_it_stops() {
    let text = with_a_secret().join("\n") + "\n";
    let options = MineOptions::default();
    let whole = mine(&FILE, &mut text.as_bytes(), &options).unwrap();
    assert!(whole.signals.len() >= 5, "{:#?}", whole.signals);
    let loops = |mined: &MinedSession| {
        let tags = mined.signals.iter().flat_map(|signal| &signal.tags);
        tags.filter(|tag| *tag == "error_class:doom_loop").count()
    };
    assert_eq!(loops(&whole), 1, "calls are recognised");
    let mut n_checkpoints = 0;
    for end in 1..text.len() {
        let (session, kept) = mine_on(&FILE, &mut &text.as_bytes()[..end], &options, None)
            .unwrap()
            .unwrap();
        let result = serde_json::to_string(&session).unwrap();
        let stored = serde_json::to_string(&kept).unwrap();
        for stored in [result, stored] {
            assert!(!stored.contains(SECRET), "at byte {end}: {stored}");
        }
        n_checkpoints += usize::from(kept.is_some());
        if text.as_bytes()[end - 1] == b'\n' {
            let (session, _) = in_pieces(text.as_bytes(), &[end], &options);
            assert_eq!(session, whole, "stopped at byte {end}");
        }
    }
    assert!(n_checkpoints > text.len() / 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_file_that_grew_gives_what_it_gives_when_read_whole(
        which in 0..FILES.len(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let bytes = FILES[which].as_bytes();
        let format = sniff("a.jsonl", bytes);
        let options = MineOptions { format };
        let mut whole = bytes;
        let whole = mine(&FILE, &mut whole, &options).unwrap();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let (session, _) = in_pieces(bytes, &cuts, &options);
        prop_assert_eq!(session, whole);
    }
}
