//! Recorded histories.

use kernel::{Cx, Definition, Failure, Millis, ReplayError};
use testkit::{History, RecordingError, Recordings, block_on, replay};

use crate::shop::{order, patient, shop};

fn recorded() -> History {
    let env = shop().build();
    block_on(async {
        let run = env.start("order-1", "order", "tea").await.unwrap();
        let _: String = env.result(run).await.unwrap();
        env.history(run).unwrap()
    })
}

/// Mails before it waits.
async fn hasty(cx: Cx, item: String) -> Result<String, Failure> {
    let paid: u64 = cx.activity_named("charge", &item, patient()).await?;
    let receipt = format!("{item} for {paid}");
    let mailed = cx.activity_named("mail", &receipt, patient()).await;
    cx.sleep(Millis::seconds(7 * 86_400)).await?;
    mailed
}

#[test]
fn todays_code_replays_what_it_recorded() {
    replay(&recorded(), order).unwrap();
}

#[test]
fn other_code_is_refused_with_the_event_both_sides_and_the_way_out() {
    let mismatch = replay(&recorded(), hasty).unwrap_err();
    assert!(matches!(mismatch.why, ReplayError::Nondeterminism { .. }));
    let text = mismatch.to_string();
    for part in [
        "nondeterminism at event 6",
        "the history has TimerStarted(604800000 ms)",
        "the code did ActivityTaskScheduled(mail)",
        "Put back the old order of commands",
        ">      6",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn code_that_does_more_than_the_history_has_is_pointed_at_its_end() {
    let mut history = recorded();
    history.events.truncate(6);
    let longer = |cx: Cx, item: String| async move {
        let paid: u64 = cx.activity_named("charge", &item, patient()).await?;
        let nap = cx.sleep(Millis::seconds(7 * 86_400));
        let more = cx.sleep(Millis(paid));
        nap.await?;
        more.await
    };
    let text = replay(&history, longer).unwrap_err().to_string();
    assert!(text.contains("no further command"), "{text}");
    assert!(text.contains(">      7  (the history ends)"), "{text}");
}

#[test]
fn a_recording_is_kept_once_and_replayed_by_the_type_of_its_workflow() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = Recordings::in_dir(dir.path().join("histories"));
    let history = recorded();
    assert!(recordings.keep("order", &history).unwrap());
    let mut other = history.clone();
    other.events.truncate(1);
    assert!(!recordings.keep("order", &other).unwrap());
    let read = History::read(&dir.path().join("histories/order.json")).unwrap();
    assert_eq!(read, history);
    assert_eq!(
        recordings
            .replay([Definition::new("order", order)])
            .unwrap(),
        1
    );
    let error = recordings
        .replay([Definition::new("order", hasty)])
        .unwrap_err();
    assert!(matches!(error, RecordingError::Mismatch { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("order.json: nondeterminism at event 6"),
        "{error}"
    );
    let error = recordings
        .replay([Definition::new("refund", order)])
        .unwrap_err();
    assert!(
        matches!(error, RecordingError::UnknownType { .. }),
        "{error}"
    );
}

#[test]
fn a_directory_without_recordings_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let error = Recordings::in_dir(dir.path()).replay([]).unwrap_err();
    assert!(matches!(error, RecordingError::Empty { .. }), "{error}");
    let missing = Recordings::in_dir(dir.path().join("none"));
    let error = missing.replay([]).unwrap_err();
    assert!(matches!(error, RecordingError::Io { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_history_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.json"), "{").unwrap();
    let error = Recordings::in_dir(dir.path()).replay([]).unwrap_err();
    assert!(
        error.to_string().contains("bad.json: could not parse it"),
        "{error}"
    );
}
