//! A session in many files is one session, whatever became of some of them.

use super::*;
use crate::testing::write;

fn storage(root: &Path) -> PathBuf {
    write(
        root,
        "session/p1/ses_1.json",
        "{\n  \"id\": \"ses_1\",\n  \"directory\": \"/srv/shop\"\n}",
    );
    let message = |id: &str, role: &str, at: i64| {
        let text = format!(
            "{{\n  \"id\": \"{id}\",\n  \"role\": \"{role}\",\n  \"time\": {{ \"created\": {at} }}\n}}"
        );
        write(root, &format!("message/ses_1/{id}.json"), &text);
    };
    // Names say another order than times.
    message("msg_b", "user", 1);
    message("msg_a", "assistant", 2);
    message("msg_c", "user", 3);
    let part = |message: &str, id: &str, text: &str| {
        let text = format!("{{\"type\":\"text\",\"text\":\"{text}\"}}");
        write(root, &format!("part/{message}/{id}.json"), &text);
    };
    part("msg_b", "prt_2", "the tests");
    part("msg_b", "prt_1", "run");
    part("msg_a", "prt_1", "done");
    root.join("session/p1/ses_1.json")
}

fn lines(path: &Path) -> (Vec<String>, Vec<SkippedPiece>) {
    let mut lines = Pieces::of(path).unwrap().lines().unwrap();
    let mut text = String::new();
    lines.read_to_string(&mut text).unwrap();
    (text.lines().map(str::to_owned).collect(), lines.skipped)
}

#[test]
fn messages_are_in_the_order_of_their_times_and_parts_of_their_ids() {
    let dir = tempfile::tempdir().unwrap();
    let path = storage(dir.path());
    write(dir.path(), "part/msg_c/prt_1.json", "{\"type\":\"text\"}");
    let (lines, skipped) = lines(&path);
    assert!(skipped.is_empty(), "{skipped:?}");
    let values: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(values[0]["info"]["id"], "ses_1");
    let ids: Vec<&str> = values[1..]
        .iter()
        .map(|v| v["info"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["msg_b", "msg_a", "msg_c"]);
    assert_eq!(values[1]["parts"][0]["text"], "run");
    assert_eq!(values[1]["parts"][1]["text"], "the tests");
}

#[test]
fn what_is_torn_or_missing_is_told_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = storage(dir.path());
    let root = dir.path();
    write(root, "session/p1/ses_1.json", "{\"id\": \"ses");
    write(root, "message/ses_1/msg_d.json", "");
    write(root, "part/msg_b/prt_1.json", "{\"type\":\"te");
    write(root, "part/msg_b/prt_3.json", "[1]");
    write(root, "part/msg_b/prt_4.json", "nonsense");
    std::fs::create_dir_all(root.join("part/msg_b/prt_5.json")).unwrap();
    let (lines, skipped) = lines(&path);
    assert_eq!(lines.len(), 4);
    assert!(lines[0].contains("\"id\":\"ses_1\""), "{}", lines[0]);
    assert!(lines[1].contains("the tests") && !lines[1].contains("nonsense"));
    let skipped: Vec<(&str, &str)> = skipped.iter().map(|(p, w)| (&**p, &**w)).collect();
    let expected = [
        ("session/p1/ses_1.json", "cut off (still being written?)"),
        ("message/ses_1/msg_d.json", "empty file"),
        ("part/msg_b/prt_1.json", "cut off (still being written?)"),
        ("part/msg_b/prt_3.json", "not a JSON object"),
        ("part/msg_b/prt_4.json", "not JSON"),
        ("part/msg_b/prt_5.json", "is a directory, not a file"),
        ("message/ses_1/msg_c.json", "its parts are missing"),
    ];
    assert_eq!(skipped, expected);
}

#[test]
fn a_stamp_changes_with_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = storage(dir.path());
    let pieces = Pieces::of(&path).unwrap();
    let first = pieces.stamp().unwrap();
    assert_eq!(pieces.stamp().unwrap(), first);
    write(dir.path(), "part/msg_a/prt_2.json", "{}");
    let second = pieces.stamp().unwrap();
    assert_ne!(second, first);
    std::fs::remove_file(dir.path().join("message/ses_1/msg_c.json")).unwrap();
    assert_ne!(pieces.stamp().unwrap(), second);
}

#[test]
fn only_what_has_messages_is_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let path = storage(dir.path());
    write(dir.path(), "session/p1/ses_2.json", "{\"id\":\"ses_2\"}");
    assert!(Pieces::of(&path).is_some());
    assert!(Pieces::of(&dir.path().join("session/p1/ses_2.json")).is_none());
    assert!(Pieces::is_piece(&dir.path().join("part/msg_a/prt_1.json")));
    assert!(Pieces::is_piece(
        &dir.path().join("message/ses_1/msg_a.json")
    ));
    assert!(!Pieces::is_piece(&path));
    assert!(!Pieces::is_piece(&dir.path().join("part/msg_a/notes.txt")));
}
