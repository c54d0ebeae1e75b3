//! Which session gets what: the files of the samples, from a seed.
//!
//! Neighbours: `plants` gives what is planted, `chapters` the work around it, the format modules put
//! scripts on disk. Every plant goes into sessions of its own agent, each at most once a session.

use std::collections::BTreeMap;

use super::chapters::{self, Agent};
use super::jobs;
use super::manifest::{Book, Damaged, Manifest, Mark};
use super::plants::{Plant, Scene, all};
use super::rng::Rng;
use super::script::Beat;
use super::time::{self, BEGIN_MS, DAY_MS, MINUTE_MS};
use super::world::{PEOPLE, PROJECTS, Place, World};
use super::{claude, codex, openclaw, state};

/// Sessions of each agent.
const SESSIONS: [(Agent, usize); 3] = [
    (Agent::OpenClaw, 70),
    (Agent::Claude, 50),
    (Agent::Codex, 32),
];
/// Days over which they are spread.
const DAYS: u64 = 70;
/// Every so many of OpenClaw's sessions are started by the clock.
const CRON_EVERY: usize = 6;

/// A session before it is written.
struct Session {
    agent: Agent,
    number: usize,
    id: String,
    place_ms: u64,
    cron: bool,
    plants: Vec<usize>,
}

/// All files by their path below the directory of the samples, and the manifest.
pub(crate) fn files(seed: u64) -> (BTreeMap<String, Vec<u8>>, Manifest) {
    let world = World::new(seed);
    let plants = all();
    let mut book = Book::new(world.private());
    let mut files = BTreeMap::new();
    let mut latest = String::new();
    for session in sessions(seed, &plants) {
        let (file, text) = write(seed, &world, &plants, &session, &mut book);
        book.sessions += 1;
        if session.agent == Agent::OpenClaw && session.number % 19 == 7 {
            // A copy that a repair left behind: the same entries under another name.
            latest = format!("{file}.bak-4711-{}", session.place_ms);
            files.insert(latest.clone(), text.clone().into_bytes());
        }
        files.insert(file, text.into_bytes());
    }
    assert!(!latest.is_empty(), "no copy was made");
    for (file, text) in jobs::logs("openclaw/cron/runs", seed, &mut book) {
        files.insert(file, text.into_bytes());
    }
    state::add(&mut files, &mut book);
    damage(&mut files, &mut book);
    let mut about: Vec<_> = plants.iter().map(|plant| plant.about).collect();
    about.extend(jobs::PLANTED);
    about.extend(state::PLANTED);
    (files, book.finish(seed, &about))
}

pub(super) fn pretty(value: &serde_json::Value) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(value).expect("plain values");
    text.push('\n');
    text.into_bytes()
}

fn sessions(seed: u64, plants: &[Plant]) -> Vec<Session> {
    let mut rng = Rng::named(seed, "plan");
    let mut sessions = Vec::new();
    for (agent, many) in SESSIONS {
        for number in 0..many {
            let day = rng.range(0, DAYS - 1);
            let minute = rng.range(6 * 60, 21 * 60);
            sessions.push(Session {
                agent,
                number,
                id: rng.uuid(),
                place_ms: BEGIN_MS + day * DAY_MS + minute * MINUTE_MS,
                cron: agent == Agent::OpenClaw && number % CRON_EVERY == 5,
                plants: Vec::new(),
            });
        }
    }
    for (index, plant) in plants.iter().enumerate() {
        // People talk only where people are.
        let mut fitting: Vec<usize> = sessions
            .iter()
            .enumerate()
            .filter(|(_, session)| session.agent == plant.agent && !session.cron)
            .map(|(position, _)| position)
            .collect();
        rng.shuffle(&mut fitting);
        // The emptiest first, so that no session is nothing but failures.
        fitting.sort_by_key(|position| sessions[*position].plants.len());
        for position in fitting.into_iter().take(plant.sessions) {
            sessions[position].plants.push(index);
        }
    }
    sessions
}

fn write(
    seed: u64,
    world: &World,
    plants: &[Plant],
    session: &Session,
    book: &mut Book,
) -> (String, String) {
    let mut rng = Rng::named(seed, &session.id);
    let place = Place {
        world,
        project: rng.pick(&PROJECTS.each_ref()),
        person: rng.pick(&PEOPLE.each_ref()),
        at_ms: session.place_ms,
    };
    let beats = script(&place, plants, session, &mut rng);
    let id = &session.id;
    match session.agent {
        Agent::OpenClaw => {
            let agent = rng.pick(&["main", "ops", "research"]);
            let mut file = format!("openclaw/agents/{agent}/sessions/{id}.jsonl");
            if session.number % 9 == 3 {
                // Archived by a reset: the ending of the name is no `.jsonl` any more.
                file = format!("{file}.reset.{}", time::archive(session.place_ms + DAY_MS));
            }
            let text = openclaw::write(&place, &beats, id, &file, seed, book);
            (file, text)
        }
        Agent::Claude => {
            let slug = place.project.root.replace('/', "-");
            let file = format!("claude/projects/{slug}/{id}.jsonl");
            let text = claude::write(&place, &beats, id, &file, seed, book);
            (file, text)
        }
        Agent::Codex => {
            let at = time::parts(session.place_ms);
            let file = format!(
                "codex/sessions/{:04}/{:02}/{:02}/rollout-{}-{id}.jsonl",
                at.year,
                at.month,
                at.day,
                time::rollout(session.place_ms)
            );
            let text = codex::write(&place, &beats, id, &file, seed, book);
            (file, text)
        }
    }
}

fn script(place: &Place<'_>, plants: &[Plant], session: &Session, rng: &mut Rng) -> Vec<Beat> {
    if session.cron {
        let name = format!("{} digest", place.project.name);
        return chapters::cron(place, &session.id, &name, rng);
    }
    let mut beats = chapters::opening(session.agent, place, rng);
    beats.extend(chapters::chapter(place, rng));
    for index in &session.plants {
        let plant = &plants[*index];
        let words = place.words(rng);
        let mark = Mark::new(plant.about.list, plant.about.id);
        let scene = Scene {
            place,
            words: &words,
            mark,
        };
        beats.push(chapters::ask(place, &words, rng));
        beats.extend((plant.beats)(&scene, rng));
        beats.push(chapters::remark(place, &words, rng));
    }
    for _ in 0..rng.below(3) {
        beats.extend(chapters::chapter(place, rng));
    }
    beats
}

/// Files and lines as crashes and full disks leave them. None of them holds anything planted.
fn damage(files: &mut BTreeMap<String, Vec<u8>>, book: &mut Book) {
    let head = "{\"type\":\"session\",\"version\":3,\"id\":\"d0000000-0000-4000-a000-000000000001\",\
                \"timestamp\":\"2026-01-20T10:00:00.000Z\",\"cwd\":\"/srv\"}\n";
    let said = "{\"type\":\"message\",\"id\":\"aa000001\",\"parentId\":null,\"timestamp\":\
                \"2026-01-20T10:00:05.000Z\",\"message\":{\"role\":\"user\",\"content\":\"list the files\"}}\n";
    let dir = "openclaw/agents/ops/sessions";
    let mut add = |name: &str, parts: &[&[u8]], line: Option<u64>, what: &'static str| {
        let file = format!("{dir}/{name}");
        files.insert(file.clone(), parts.concat());
        book.damaged.push(Damaged { file, line, what });
    };
    let good = format!("{head}{said}");
    let good = good.as_bytes();
    let cut = b"{\"type\":\"message\",\"id\":\"aa000002\",\"parentId\":\"aa00";
    add(
        "d0000000-cut-off.jsonl",
        &[good, cut],
        Some(3),
        "the last line is still being written",
    );
    add(
        "d0000000-not-json.jsonl",
        &[good, b"*** restarted ***\n", said.as_bytes()],
        Some(3),
        "a line that is not JSON",
    );
    let latin = b"{\"type\":\"message\",\"message\":{\"role\":\"user\",\"content\":\"caf\xe9\"}}\n";
    add(
        "d0000000-not-utf8.jsonl",
        &[good, latin],
        Some(3),
        "a line that is not UTF-8",
    );
    add(
        "d0000000-nul.jsonl",
        &[good, &[0; 4096], b"\n"],
        Some(3),
        "a block of NUL bytes",
    );
    let deep = format!(
        "{{\"type\":\"message\",\"message\":{}1{}}}\n",
        "[".repeat(1_500),
        "]".repeat(1_500)
    );
    add(
        "d0000000-deep.jsonl",
        &[good, deep.as_bytes()],
        Some(3),
        "a line nested a thousand levels deep",
    );
    add("d0000000-empty.jsonl", &[], None, "a file without a byte");
    book.sessions += 5;
}
