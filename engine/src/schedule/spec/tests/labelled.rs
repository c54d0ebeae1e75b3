//! The labelled set of cron expressions, where it lies beside the checkout.

use std::path::Path;

use serde_json::Value;

use super::*;

fn lines(path: &Path) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(path).ok()?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Some(lines.map(|l| serde_json::from_str(l).unwrap()).collect())
}

/// The row's times, in its zone as it is built in or as given.
fn predict(row: &Value, rule: DstRule, zone: Option<Zone>) -> Value {
    let start = at(row["start_utc"].as_str().unwrap());
    let spec = ScheduleSpec::cron(row["expr"].as_str().unwrap())
        .in_zone(row["tz"].as_str().unwrap())
        .with_dst(rule);
    let Ok(mut timetable) = spec.compile() else {
        return Value::Array(Vec::new());
    };
    if let Some(zone) = zone {
        timetable.zone = zone;
    }
    let n = usize::try_from(row["count"].as_u64().unwrap()).unwrap();
    let times = timetable.next_times(start, n);
    times.into_iter().map(iso).collect()
}

/// The zone as this system has it. Its database may be older than the one built in, and the labels
/// were made with such a one: laws change.
fn of_the_system(name: &str) -> Option<Zone> {
    let bytes = std::fs::read(Path::new("/usr/share/zoneinfo").join(name)).ok()?;
    Zone::from_file(name, &bytes)
}

#[derive(Debug, Default, PartialEq)]
struct Score {
    agreed: usize,
    right: usize,
    /// Right with the system's database, not with the one built in.
    other_zone_data: Vec<String>,
    extensions: usize,
    extensions_right: usize,
    differ: usize,
    /// Rows where the references differ, that come out as Debian cron reads them.
    like_cron: usize,
    wrong: Vec<String>,
}

fn score(inputs: &[Value], gold: &[Value], rule: DstRule) -> Score {
    let mut score = Score::default();
    for (row, gold) in inputs.iter().zip(gold) {
        assert_eq!(row["id"], gold["id"]);
        let ours = predict(row, rule, None);
        let wanted = match gold["status"].as_str().unwrap() {
            "must_reject" | "never" => Value::Array(Vec::new()),
            "all_agree" | "accepting_libraries_agree" => gold["gold"].clone(),
            _ => {
                let reading = &gold["cronsim_reading"];
                score.differ += usize::from(reading.is_array());
                score.like_cron += usize::from(reading.is_array() && ours == *reading);
                continue;
            }
        };
        if ["ext_LW#", "six_fields_seconds_first"].contains(&row["tag"].as_str().unwrap()) {
            score.extensions += 1;
            score.extensions_right += usize::from(ours == wanted);
            continue;
        }
        score.agreed += 1;
        let zone = row["tz"].as_str().unwrap();
        let text = format!("{} {zone}: {ours} is not {wanted}", row["expr"]);
        if ours == wanted {
            score.right += 1;
        } else if of_the_system(zone).is_some_and(|zone| predict(row, rule, Some(zone)) == wanted) {
            score.other_zone_data.push(text);
        } else {
            score.wrong.push(text);
        }
    }
    score
}

#[test]
fn all_rows_on_which_the_references_agree_come_out_the_same() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/groundtruth/F_cron");
    let (Some(inputs), Some(gold)) = (
        lines(&dir.join("inputs.jsonl")),
        lines(&dir.join("gold.jsonl")),
    ) else {
        eprintln!(
            "NOT CHECKED: no labelled cron expressions at {}",
            dir.display()
        );
        return;
    };
    let cron = score(&inputs, &gold, DstRule::Cron);
    eprintln!("cron rule: {cron:?}");
    let literal = score(&inputs, &gold, DstRule::Literal);
    eprintln!("literal rule: {literal:?}");
    assert_eq!(cron.wrong, Vec::<String>::new());
    assert_eq!(cron.right + cron.other_zone_data.len(), cron.agreed);
    assert_eq!(cron.like_cron, cron.differ);
}
