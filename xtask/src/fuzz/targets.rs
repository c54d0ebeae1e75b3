//! What is given hostile bytes, and the samples that they are made of.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use trace::mine::{Checkpoint, FileRef, Format, MineOptions, mine, mine_on, mine_with_transcript};
use trace::scrub::Scrubber;
use trace::state_file::{StateFile, mine_state_file};
use trace::{llm, normalise, sentiment};

/// A sample.
pub(super) struct Seed {
    /// Name of its format; empty for texts.
    pub(super) format: String,
    pub(super) bytes: Vec<u8>,
}

impl Seed {
    fn is_session(&self) -> bool {
        !self.format.is_empty() && self.format != STATE
    }
}

/// The name under which state files are among the samples.
const STATE: &str = trace::state_file::FORMAT;

/// What a target reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Session files of one format.
    Sessions(Format),
    /// Any session file.
    Any,
    /// Pieces of text.
    Text,
    /// What is kept between two readings.
    Checkpoint,
    /// Answers of models.
    Answers,
    /// Indexes of sessions and lists of jobs.
    States,
}

type Run = Box<dyn Fn(&[u8])>;

/// Something that must take any bytes.
pub(super) struct Target {
    pub(super) name: String,
    pub(super) takes: Takes,
    pub(super) run: Run,
}

/// Every target.
pub(super) fn all() -> Vec<Target> {
    let mut all: Vec<Target> = Format::ALL
        .into_iter()
        .map(|format| Target {
            name: format!("format:{format}"),
            takes: Takes::Sessions(format),
            run: Box::new(move |case| session(case, Some(format))),
        })
        .collect();
    let mut add = |name: &str, takes, run: fn(&[u8])| {
        all.push(Target {
            name: name.to_owned(),
            takes,
            run: Box::new(run),
        });
    };
    add("detection", Takes::Any, |case| session(case, None));
    add("grown", Takes::Any, grown);
    add("checkpoint", Takes::Checkpoint, checkpoint);
    add("transcript", Takes::Any, transcript);
    add("state", Takes::States, |case| {
        for kind in [StateFile::SessionIndex, StateFile::Jobs] {
            let beside = BTreeSet::from(["a.jsonl".to_owned()]);
            let session = mine_state_file(&NAME, kind, case, &beside);
            for signal in &session.signals {
                assert!(!signal.evidence.is_empty(), "a signal without evidence");
            }
        }
    });
    add("scrub", Takes::Text, |case| {
        let once = Scrubber::shared().scrub(&String::from_utf8_lossy(case));
        let twice = Scrubber::shared().scrub(&once);
        assert!(once == twice, "scrubbing again changes the text");
    });
    add("template", Takes::Text, |case| {
        let text = String::from_utf8_lossy(case);
        let _template = normalise::template(&text);
    });
    add("sentiment", Takes::Text, |case| {
        let _mood = sentiment::of(&String::from_utf8_lossy(case));
    });
    add("answer", Takes::Answers, |case| {
        let _claims = llm::parse(&String::from_utf8_lossy(case));
    });
    all
}

const NAME: FileRef<'static> = FileRef { name: "a.jsonl" };

fn session(case: &[u8], format: Option<Format>) {
    let mined = mine(&NAME, &mut &*case, &MineOptions { format });
    let session = mined.expect("memory can be read");
    for signal in &session.signals {
        assert!(!signal.evidence.is_empty(), "a signal without evidence");
    }
    let json = serde_json::to_string(&session).expect("a result is JSON");
    let back: trace::mine::MinedSession = serde_json::from_str(&json).expect("and reads back");
    assert!(back == session, "a result changes when it is kept");
}

/// What was read in two parts is what is read at once.
fn grown(case: &[u8]) {
    let options = MineOptions::default();
    let half = case.len() / 2;
    let read = |bytes: &mut &[u8], from| {
        mine_on(&NAME, bytes, &options, from).expect("memory can be read")
    };
    let Some((_, Some(checkpoint))) = read(&mut &case[..half], None) else {
        return;
    };
    // As it is kept between runs: what is remembered in memory only must not matter.
    let kept = serde_json::to_value(&checkpoint).expect("a checkpoint is JSON");
    let format = MineOptions {
        format: kept["format"].as_str().and_then(|name| name.parse().ok()),
    };
    let checkpoint: Checkpoint = serde_json::from_value(kept).expect("and reads back");
    let from = usize::try_from(checkpoint.bytes).expect("it fits");
    let Some((whole, _)) =
        mine_on(&NAME, &mut &case[..], &format, None).expect("memory can be read")
    else {
        return;
    };
    let (parts, _) =
        read(&mut &case[from..], Some(checkpoint)).expect("a checkpoint of now is known");
    assert!(
        parts == whole,
        "a file read in two parts gives something else"
    );
}

fn checkpoint(case: &[u8]) {
    let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(case) else {
        return;
    };
    let rest = br#"{"type":"message","message":{"role":"user","content":"and then?"}}"#;
    let options = MineOptions::default();
    let _session = mine_on(&NAME, &mut &rest[..], &options, Some(checkpoint));
}

fn transcript(case: &[u8]) {
    let read = mine_with_transcript(&NAME, &mut &*case, &MineOptions::default());
    let (_, transcript) = read.expect("memory can be read");
    for chunk in llm::chunks(&transcript, llm::ChunkLimits::default()) {
        let quote = transcript.entries[chunk.start].text.to_string();
        let claim = format!(
            r#"{{"signals":[{{"event":{},"quote":{},"kind":"error","class":"defect","severity":"low","confidence":1}}]}}"#,
            chunk.start,
            serde_json::Value::from(quote)
        );
        if let Ok(claims) = llm::parse(&claim) {
            let found = llm::check(&claims, &chunk, &transcript).found;
            let _signals = llm::signals(&found, &transcript, &trace::mine::MinedSession::default());
        }
    }
}

/// The samples of the formats, one session of each that the sample agents have, texts and answers.
pub(super) fn seeds(root: &Path) -> io::Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    let mut add = |bytes: Vec<u8>, name: &str| {
        let format = trace::mine::sniff(name, &bytes[..bytes.len().min(64 * 1024)]);
        let format = format.map(|f| f.name().to_owned()).unwrap_or_default();
        seeds.push(Seed { format, bytes });
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("trace/fixtures/formats"))? {
        names.push(entry?.path());
    }
    names.sort();
    for path in names {
        add(fs::read(&path)?, &path.to_string_lossy());
    }
    for place in [
        "claude/projects/-srv-bistro-site",
        "codex/sessions/2026/01/12",
        "openclaw/agents/main/sessions",
        "openclaw/cron/runs",
    ] {
        let mut files = Vec::new();
        for entry in fs::read_dir(root.join("examples/sessions").join(place))? {
            files.push(entry?.path());
        }
        files.sort();
        for path in files
            .iter()
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .take(2)
        {
            add(fs::read(path)?, &path.to_string_lossy());
        }
    }
    for log in GATEWAY_LOGS {
        add(log.as_bytes().to_vec(), "gateway.log");
    }
    for name in [
        "agents/main/sessions/sessions.json",
        "cron/jobs.json",
        "cron/jobs-state.json",
    ] {
        let bytes = fs::read(root.join("examples/sessions/openclaw").join(name))?;
        seeds.push(Seed {
            format: STATE.to_owned(),
            bytes,
        });
    }
    for text in TEXTS {
        seeds.push(Seed {
            format: String::new(),
            bytes: text.as_bytes().to_vec(),
        });
    }
    Ok(seeds)
}

/// The samples that a target is given mutations of.
pub(super) fn for_target(target: &Target, seeds: &[Seed]) -> Vec<Vec<u8>> {
    let of = |fits: &dyn Fn(&Seed) -> bool| {
        seeds
            .iter()
            .filter(|s| fits(s))
            .map(|s| s.bytes.clone())
            .collect::<Vec<_>>()
    };
    match target.takes {
        Takes::Sessions(format) => of(&|seed| seed.format == format.name()),
        Takes::Any => of(&|seed| seed.is_session()),
        Takes::Text => of(&|seed| seed.format.is_empty()),
        Takes::States => seeds
            .iter()
            .filter(|seed| seed.format == STATE)
            .map(|seed| seed.bytes.clone())
            .collect(),
        Takes::Answers => vec![ANSWER.as_bytes().to_vec()],
        Takes::Checkpoint => seeds
            .iter()
            .filter(|seed| seed.is_session())
            .filter_map(|seed| {
                let options = MineOptions::default();
                let (_, kept) = mine_on(&NAME, &mut &seed.bytes[..], &options, None).ok()??;
                serde_json::to_vec(&kept?).ok()
            })
            .collect(),
    }
}

/// A log in both of its shapes.
const GATEWAY_LOGS: [&str; 2] = [
    "2026-03-01T10:00:00.000Z [gateway] listening on ws://127.0.0.1:18789 (PID 71)\n\
     2026-03-01T10:00:01.000Z [discord] [main] giving up after 10 restart attempts\n\
     2026-03-01T10:00:02.000Z [health-monitor] [slack:main] health-monitor: restart failed: socket hang up\n    at file.js:1:1\n\
     2026-03-01T10:00:03.000Z [diagnostic] lane task error: lane=cron durationMs=81 error=\"Error: no route\"\n\
     2026-03-01T10:00:04.000Z [reload] config reload skipped (invalid config): gateway.port: expected number\n\
     Gateway failed to start: another gateway instance is already listening on ws://127.0.0.1:18789\n",
    "{\"0\":\"{\\\"subsystem\\\":\\\"telegram\\\"}\",\"1\":\"[default] channel exited: fetch failed\",\"_meta\":{\"date\":\"2026-03-01T10:00:00.000Z\",\"logLevelName\":\"ERROR\"},\"time\":\"2026-03-01T10:00:00.000Z\"}\n\
     {\"0\":\"{\\\"subsystem\\\":\\\"gateway\\\"}\",\"1\":\"listening on ws://127.0.0.1:18789\",\"_meta\":{\"date\":\"2026-03-01T10:00:05.000Z\",\"logLevelName\":\"INFO\"},\"time\":\"2026-03-01T10:00:05.000Z\"}\n",
];

const ANSWER: &str = r#"{"signals":[{"event":12,"quote":"no such file","kind":"error","class":"defect","tool":"exec","severity":"medium","confidence":0.8}]}"#;

const TEXTS: [&str; 8] = [
    "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 17, in <module>\n    raise ValueError('bad id 42')\nValueError: bad id 42\n",
    "HTTP 401 for kim.lee@example.org: api_key=sk-ant-api03-Zk3vQ9xT7mB2nR8wL5pY1cD6 password: \"tr0ub4dor\" Bearer eyJhbGciOi.eyJzdWIiOi.c2ln",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0Z3VS5JJcds3xfn\n-----END RSA PRIVATE KEY-----",
    "postgres://admin:hunter2@db.example.org:5432/app?sslmode=require failed after 30s (attempt 3/5) at 2026-03-01T10:20:30Z",
    "call +1 (555) 010-4477 or 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, SSN 078-05-1120, 10.0.0.7, fe80::1",
    "error[E0308]: mismatched types\n --> src/main.rs:4:5\n  |\n4 |     \"x\"\n  |     ^^^ expected `u32`, found `&str`\n",
    "NO!! that is WRONG again, I told you three times :( please stop... thanks, great job \u{1f600}",
    "[EMAIL_1a2b3c] wrote /home/kim/a b/c.txt (sha 9f86d081884c7d65) 0xdeadbeef 550e8400-e29b-41d4-a716-446655440000 \u{1b}[31mred\u{1b}[0m",
];
