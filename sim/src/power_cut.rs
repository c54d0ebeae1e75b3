//! The power cut: the real store on a disk that forgets what was not synced.
//!
//! A process of its own commits to a store under a tracer of system calls. From the trace the disk
//! is rebuilt as a cut at any moment could leave it: what was synced, and of the rest nothing, all,
//! some writes or some sectors. Each rebuilt directory is opened by the real store. Everything that
//! was acknowledged before the cut must be in it, whole groups only, or the store must name the damage.
//!
//! `cargo run --release -p sim -- power-cut [--points 500] [--commits 400] [--seed 1] [--lies plain|compressed|encrypted|both]
//! [--plant skip-sync]`

mod calls;
mod disk;
mod load;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use kernel::EventId;
use state::{Digest, Error, MemoryStore, Namespace, Owner, SledStore, Store};

use crate::lies::Lies;
use crate::rng::Rng;
use calls::{Call, Op};
use disk::{Disk, Mercy};
use load::Load;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) points: u64,
    pub(crate) commits: u64,
    pub(crate) seed: u64,
    /// Takes the syncs of the log out of the trace: the cuts must notice.
    pub(crate) skip_syncs: bool,
    pub(crate) lies: Lies,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    calls: usize,
    syncs: usize,
    /// Stores that opened with everything in them, by how much of the unsynced survived.
    whole: BTreeMap<Mercy, u64>,
    /// Cuts of before the store was first made: an empty directory is right then.
    before: u64,
    /// Stores that refused to open and said why, by the reason.
    named: BTreeMap<String, u64>,
    /// Most closed runs in one of them, and most that had been deleted.
    closed: usize,
    deleted: usize,
    pub(crate) broken: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole: u64 = self.whole.values().sum();
        let named: u64 = self.named.values().sum();
        let broken = self.broken.len();
        writeln!(
            f,
            "{} calls, {} syncs; {whole} cuts kept everything that was acknowledged, {} came before \
             the store was made, {named} were refused by name, {broken} were wrong",
            self.calls, self.syncs, self.before
        )?;
        writeln!(
            f,
            "  up to {} closed runs in a store, up to {} deleted before",
            self.closed, self.deleted
        )?;
        for (mercy, many) in &self.whole {
            writeln!(f, "  {mercy:?} of the unsynced left: {many} whole")?;
        }
        for (why, many) in &self.named {
            writeln!(f, "  refused {many} times: {why}")?;
        }
        for why in self.broken.iter().take(10) {
            writeln!(f, "  WRONG: {why}")?;
        }
        Ok(())
    }
}

/// The traced process: commits until it is done, and tells each on its standard output.
pub(crate) fn work(dir: &Path, commits: u64, seed: u64, lies: Lies) -> Result<(), String> {
    let _owner = Owner::acquire(dir).map_err(|e| e.to_string())?;
    // Small layers: many moves from the journal to the log fall into a short trace.
    let store =
        SledStore::open_with_layers(dir, &lies.coding()?, 24 * 1024).map_err(|e| e.to_string())?;
    let mut load = Load::new(seed);
    let tell = |word: &str, about: &str| {
        let mut out = std::io::stdout();
        let line = format!("{word} {about}\n");
        out.write_all(line.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|e| e.to_string())
    };
    tell("open", "0")?;
    for number in 1..=commits {
        tell("try", &number.to_string())?;
        let known = load.blobs.len();
        load.step(&store)?;
        for (_, digest) in &load.blobs[known..] {
            tell("blob", &digest.to_string())?;
        }
        tell("ack", &number.to_string())?;
    }
    Ok(())
}

/// Traces a load and cuts it at many points. `program` is this program.
pub(crate) fn run(program: &Path, plan: Plan) -> Result<Outcome, String> {
    let io = |e: std::io::Error| e.to_string();
    let place =
        std::env::temp_dir().join(format!("power-cut-{}-{}", std::process::id(), plan.seed));
    fs::create_dir_all(&place).map_err(io)?;
    let place = fs::canonicalize(&place).map_err(io)?;
    let result = trace_and_cut(program, plan, &place);
    fs::remove_dir_all(&place).map_err(io)?;
    result
}

fn trace_and_cut(program: &Path, plan: Plan, place: &Path) -> Result<Outcome, String> {
    let root = place.join("state");
    let root_text = root
        .to_str()
        .ok_or("the temporary directory is not UTF-8")?;
    fs::create_dir(&root).map_err(|e| e.to_string())?;
    let log = place.join("trace");
    let traced = Command::new("strace")
        .args(["-f", "-y", "-xx", "-s", "33554432", "-e"])
        .arg(format!("trace={}", calls::TRACED))
        .arg("-o")
        .arg(&log)
        .arg(program)
        .arg("power-cut-work")
        .arg(&root)
        .args([plan.commits.to_string(), plan.seed.to_string()])
        .arg(plan.lies.name())
        .output()
        .map_err(|e| format!("could not run strace: {e}"))?;
    if !traced.status.success() {
        return Err(format!("the traced process failed: {traced:?}"));
    }
    let log = fs::read_to_string(&log).map_err(|e| format!("could not read the trace: {e}"))?;
    let mut calls = calls::parse(&log, root_text)?;
    if plan.skip_syncs {
        calls.retain(|call| !matches!(&call.op, Op::Sync { path } if path.ends_with("/log/db")));
    }
    calls.sort_by_key(|call| call.ended);
    let last = calls.last().map_or(0, |call| call.ended);
    let mut outcome = Outcome {
        calls: calls.len(),
        syncs: calls
            .iter()
            .filter(|call| matches!(call.op, Op::Sync { .. }))
            .count(),
        ..Outcome::default()
    };
    let mut rng = Rng::new(plan.seed);
    let mut points: Vec<usize> = (0..plan.points).map(|_| rng.index(last + 1)).collect();
    points.sort_unstable();
    let mut disk = Disk::new(root_text);
    let mut history = History::new(plan);
    let mut played = 0;
    for (number, point) in points.into_iter().enumerate() {
        while let Some(call) = calls.get(played).filter(|call| call.ended <= point) {
            disk.play(call);
            history.hear(call);
            played += 1;
        }
        let flying: Vec<&Call> = calls[played..]
            .iter()
            .filter(|call| call.begun <= point)
            .collect();
        let mercy = Mercy::ALL[number % Mercy::ALL.len()];
        let image = place.join("image");
        disk.cut(&flying, mercy, &mut rng, &image)
            .map_err(|e| e.to_string())?;
        let verdict = history.judge(&image);
        outcome.closed = outcome.closed.max(history.closed);
        outcome.deleted = outcome.deleted.max(history.deleted);
        fs::remove_dir_all(&image).map_err(|e| e.to_string())?;
        match verdict {
            Verdict::Whole => *outcome.whole.entry(mercy).or_default() += 1,
            Verdict::Before => outcome.before += 1,
            Verdict::Named(why) => *outcome.named.entry(why).or_default() += 1,
            Verdict::Wrong(why) => outcome
                .broken
                .push(format!("{mercy:?} at call {played}: {why}")),
        }
    }
    Ok(outcome)
}

enum Verdict {
    Whole,
    Before,
    Named(String),
    Wrong(String),
}

/// What was told up to now, and what the store must hold after each number of commits.
struct History {
    opened: bool,
    tried: u64,
    acknowledged: u64,
    load: Load,
    memory: MemoryStore,
    in_memory: u64,
    lies: Lies,
    /// What the big values are called in the store, in the order in which they were kept.
    blobs: Vec<Digest>,
    closed: usize,
    deleted: usize,
}

impl History {
    fn new(plan: Plan) -> Self {
        Self {
            opened: false,
            tried: 0,
            acknowledged: 0,
            load: Load::new(plan.seed),
            memory: MemoryStore::new(),
            in_memory: 0,
            lies: plan.lies,
            blobs: Vec::new(),
            closed: 0,
            deleted: 0,
        }
    }

    fn hear(&mut self, call: &Call) {
        let Op::Said { text } = &call.op else { return };
        let mut words = text.split_whitespace();
        let (word, number) = (words.next(), words.next().and_then(|n| n.parse().ok()));
        match (word, number) {
            (Some("open"), _) => self.opened = true,
            (Some("try"), Some(number)) => self.tried = number,
            (Some("ack"), Some(number)) => self.acknowledged = number,
            (Some("blob"), _) => self.blobs.extend(
                text.split_whitespace()
                    .nth(1)
                    .and_then(|d| d.parse::<Digest>().ok()),
            ),
            _ => {}
        }
    }

    fn judge(&mut self, image: &Path) -> Verdict {
        let coding = match self.lies.coding() {
            Ok(coding) => coding,
            Err(why) => return Verdict::Wrong(why),
        };
        let store = match Owner::acquire(image)
            .map_err(|e| Error::Corrupt {
                what: "the owner".into(),
                why: e.to_string(),
            })
            .and_then(|_owner| SledStore::open_with(image, &coding))
        {
            Ok(store) => store,
            Err(error @ Error::Corrupt { .. }) => {
                let place = image.display().to_string();
                let why = error.to_string().replace(&place, "…");
                return Verdict::Named(why.replace(|c: char| c.is_ascii_digit(), "9"));
            }
            Err(error) => return Verdict::Wrong(format!("it does not open: {error}")),
        };
        match self.compare(&store) {
            Ok(()) if !self.opened => Verdict::Before,
            Ok(()) => Verdict::Whole,
            Err(why) => Verdict::Wrong(why),
        }
    }

    fn compare(&mut self, store: &SledStore) -> Result<(), String> {
        let count = |store: &dyn Store| -> Result<u64, String> {
            let row = store
                .row(Namespace::Cursor, load::COUNT)
                .map_err(|e| e.to_string())?;
            let bytes = row.and_then(|row| <[u8; 8]>::try_from(row).ok());
            Ok(bytes.map_or(0, u64::from_be_bytes))
        };
        let (kept, told, tried) = (count(store)?, self.acknowledged, self.tried);
        if kept < told {
            return Err(format!(
                "commit {told} was acknowledged, the store ends with {kept}"
            ));
        }
        if kept > tried {
            return Err(format!(
                "the store ends with commit {kept}, only {tried} were tried"
            ));
        }
        while self.in_memory < kept {
            self.load.step(&self.memory)?;
            self.in_memory += 1;
        }
        if self.in_memory > kept {
            // A cut that kept more came first; what must be here is made anew.
            return self.rebuilt(kept)?.compare_all(store, kept);
        }
        self.compare_all(store, kept)
    }

    fn rebuilt(&self, commits: u64) -> Result<Self, String> {
        let mut this = Self::new(Plan {
            points: 0,
            commits,
            seed: self.load.seed,
            skip_syncs: false,
            lies: self.lies,
        });
        this.tried = self.tried;
        this.blobs.clone_from(&self.blobs);
        for _ in 0..commits {
            this.load.step(&this.memory)?;
        }
        Ok(this)
    }

    fn compare_all(&mut self, store: &SledStore, kept: u64) -> Result<(), String> {
        let text = |e: Error| e.to_string();
        let open = self.memory.open_runs().map_err(text)?;
        if store.open_runs().map_err(text)? != open {
            return Err(format!("after commit {kept} other runs are open"));
        }
        let all = |store: &dyn Store| store.list_runs(None, usize::MAX).map_err(text);
        let (here, mut runs) = (all(store)?, all(&self.memory)?);
        // A deletion that was under way is there as a whole or not at all.
        let doomed = self.load.doomed.filter(|_| self.tried > kept);
        let is_deleted = doomed.is_some_and(|id| !here.iter().any(|run| run.run_id == id));
        if let Some(run_id) = doomed.filter(|_| is_deleted) {
            runs.retain(|run| run.run_id != run_id);
            let history = store.load_history(run_id, EventId(0), usize::MAX);
            if store.load_run(run_id).map_err(text)?.is_some() || !history.map_err(text)?.is_empty()
            {
                return Err(format!(
                    "after commit {kept} half of a deleted run is there"
                ));
            }
        }
        if here != runs {
            return Err(format!("after commit {kept} the list of runs differs"));
        }
        self.closed = self.closed.max(runs.len() - open.len());
        self.deleted = self.deleted.max(self.load.deleted);
        for run in runs {
            let run_id = run.run_id;
            let state = |store: &dyn Store| store.load_run(run_id).map_err(text);
            let events = |store: &dyn Store| {
                store
                    .load_history(run_id, EventId(0), usize::MAX)
                    .map_err(text)
            };
            if state(store)? != state(&self.memory)? || events(store)? != events(&self.memory)? {
                return Err(format!(
                    "after commit {kept} run {} differs",
                    run.workflow_id
                ));
            }
        }
        for ((before, in_memory), here) in self.load.blobs.iter().zip(&self.blobs) {
            let bytes = store.blob(here).map_err(text)?;
            if *before < kept && bytes != self.memory.blob(in_memory).map_err(text)? {
                return Err(format!(
                    "a value that was kept before commit {before} is gone"
                ));
            }
        }
        Ok(())
    }
}
