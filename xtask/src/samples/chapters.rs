//! Ordinary work: somebody asks, the agent looks, changes, checks and answers.
//!
//! Neighbours: `plan` puts chapters around what is planted. Nothing here is a signal.

use serde_json::json;

use super::code;
use super::rng::Rng;
use super::script::{Act, Beat, Call, End, call, calls, harness, human, pause, say};
use super::world::{Language, Place, Words};

/// Which program wrote the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Agent {
    OpenClaw,
    Claude,
    Codex,
}

const ASKS: [&str; 16] = [
    "add a {other} column to the {part} export and keep the order of the rows",
    "how does {part} decide which {other} comes first? show me the code",
    "please rename the {part} helper so that it says what it does, and update the callers",
    "can you write a short note on how {part} and {other} fit together",
    "make the limit in {part} configurable, {small} should stay the default",
    "look at {ticket} and tell me what is left to do",
    "the {part} page should show the last {small} entries, newest first",
    "split {part} in two files, it has grown too long",
    "bump the {other} cache from {small} to {n} entries",
    "which jobs touch {part} between midnight and six?",
    "write a test for {part} with an empty {other}",
    "summarise what changed in {project} this week",
    "move the {other} constants next to where {part} uses them",
    "let's have {part} sort by date, then by name",
    "put the numbers of {part} for last month in a table",
    "I'd like a dry-run flag on the {part} command",
];
const GERMAN: [&str; 4] = [
    "Bitte ergänze in {part} eine Spalte für {other}.",
    "Wie hängt {part} mit {other} zusammen? Zeig mir die Stelle.",
    "Stell die Grenze in {part} auf {n} und lass die Tests laufen.",
    "Schreib mir eine kurze Übersicht zu {ticket}.",
];
const SPANISH: [&str; 4] = [
    "Añade una columna de {other} al listado de {part}, por favor.",
    "¿Dónde se decide el orden de {part}? Enséñame el código.",
    "Sube el límite de {part} a {n} y ejecuta las pruebas.",
    "Escribe un resumen breve de {ticket}.",
];
const INDONESIAN: [&str; 3] = [
    "tolong tambahkan kolom {other} di daftar {part}",
    "di mana urutan {part} ditentukan? tunjukkan kodenya",
    "ubah batas {part} menjadi {n} lalu jalankan tes",
];
const CHINESE: [&str; 3] = [
    "请在 {part} 的导出里加一列 {other}",
    "{part} 的排序在哪里决定的？给我看代码",
    "把 {part} 的上限改成 {n}，然后跑一下测试",
];

const THOUGHTS: [&str; 8] = [
    "",
    "",
    "Let me look at the code first.",
    "I'll check who calls this.",
    "Looking at both files side by side.",
    "Now the change itself.",
    "Checking the result.",
    "",
];

const ANSWERS: [&str; 10] = [
    "Done: `{part}` has the {other} column now, rows keep their order. {small} tests ran.",
    "The order is decided in `{part}`: entries are sorted by date and cut at {n}.",
    "I renamed the helper and updated its {small} callers. Nothing else changed.",
    "Here is the short version: {part} reads, {other} decides, and the export writes.",
    "The limit is configurable now, with {small} as the default.",
    "{ticket} has two open points left: the {other} view and the note for support.",
    "The table is in the report folder; the month closed at {n}.",
    "I moved the constants; the diff is small and only touches {part}.",
    "Three jobs touch {part} in that window. The longest takes {small} seconds.",
    "The dry-run flag prints what would change and leaves the files alone.",
];

const REMARKS: [&str; 4] = [
    "The order is decided in `{part}`: entries are sorted by date and cut at {n}.",
    "Here is the short version: {part} reads, {other} decides, and the export writes.",
    "{ticket} has two open points left: the {other} view and the note for support.",
    "Three jobs touch {part} in that window. The longest takes {small} seconds.",
];

/// A request in the language of the person.
pub(crate) fn ask(place: &Place<'_>, words: &Words, rng: &mut Rng) -> Beat {
    let list: &[&str] = match place.person.language {
        _ if rng.chance(40) => &ASKS,
        Language::English => &ASKS,
        Language::German => &GERMAN,
        Language::Spanish => &SPANISH,
        Language::Indonesian => &INDONESIAN,
        Language::Chinese => &CHINESE,
    };
    human(place.fill(words, rng.pick(list)))
}

/// The agent's last words on a matter.
pub(crate) fn answer(place: &Place<'_>, words: &Words, rng: &mut Rng) -> Beat {
    say(place.fill(words, rng.pick(&ANSWERS)))
}

/// The agent's last words after a failure that it left alone: they claim nothing.
pub(crate) fn remark(place: &Place<'_>, words: &Words, rng: &mut Rng) -> Beat {
    say(place.fill(words, rng.pick(&REMARKS)))
}

/// The steps that an agent takes between question and answer.
pub(crate) fn work(place: &Place<'_>, words: &Words, rng: &mut Rng) -> Vec<Beat> {
    let path = code::source_path(place, words.part);
    let text = code::source(place, words, rng);
    let (pattern, found) = code::matches(place, words, rng);
    let search = Act::Search {
        pattern,
        path: place.project.root.to_owned(),
    };
    let mut beats = vec![
        calls(rng.pick(&THOUGHTS), vec![Call::new(search, found)]),
        calls(
            rng.pick(&THOUGHTS),
            vec![Call::new(Act::Read(path.clone()), text.clone())],
        ),
    ];
    if rng.chance(50) {
        let other = code::source_path(place, words.other);
        let list = code::listing(place, rng);
        beats.push(calls(
            rng.pick(&THOUGHTS),
            vec![
                Call::run(format!("ls -la {}/src", place.project.root), list),
                Call::new(Act::Read(other), code::source(place, words, rng)),
            ],
        ));
    }
    if rng.chance(70) {
        beats.push(edit(&path, &text, words));
        let (command, output) = code::tests_pass(place, words, rng);
        beats.push(calls(rng.pick(&THOUGHTS), vec![Call::run(command, output)]));
    }
    if rng.chance(20) {
        let path = format!("{}/docs/{}.md", place.project.root, words.part);
        let content = place.fill(
            words,
            "# {part}\n\n{part} reads, {other} decides. See {ticket}.\n",
        );
        let done = format!("File created successfully at: {path}");
        beats.push(call(Call::new(Act::Write { path, content }, done)));
    }
    if rng.chance(35) {
        let command = format!("cat {}/reports/{}.csv", place.project.root, words.part);
        beats.push(call(Call::run(command, code::figures(words, rng))));
    }
    beats
}

fn edit(path: &str, text: &str, words: &Words) -> Beat {
    let old = text
        .lines()
        .find(|line| !line.is_empty())
        .unwrap_or("")
        .to_owned();
    let new = format!("{old} {}", words.ticket);
    let act = Act::Edit {
        path: path.to_owned(),
        old,
        new,
    };
    call(Call::new(act, format!("The file {path} has been updated.")))
}

/// A request, its steps and its answer.
pub(crate) fn chapter(place: &Place<'_>, rng: &mut Rng) -> Vec<Beat> {
    let words = place.words(rng);
    let mut beats = vec![pause(rng.range(3, 55)), ask(place, &words, rng)];
    beats.extend(work(place, &words, rng));
    beats.push(answer(place, &words, rng));
    beats
}

/// What the harness puts in by itself, as each agent does.
pub(crate) fn opening(agent: Agent, place: &Place<'_>, rng: &mut Rng) -> Vec<Beat> {
    match agent {
        Agent::OpenClaw if rng.chance(40) => vec![
            harness(
                "A new session was started via /new or /reset. Greet the user in one short \
                 sentence and ask what they want to do.",
            ),
            say(format!("Hi {}, what shall we look at?", place.person.name)),
        ],
        Agent::OpenClaw => Vec::new(),
        Agent::Claude => vec![harness(
            "<system-reminder>\nThe list of tasks is empty. Do not mention this to the \
             user.\n</system-reminder>",
        )],
        Agent::Codex => vec![harness(format!(
            "<environment_context>\n  <cwd>{}</cwd>\n  <approval_policy>on-request</approval_policy>\n  \
             <shell>bash</shell>\n</environment_context>",
            place.project.root
        ))],
    }
}

/// A job that runs by the clock, in a session of its own, without a person.
pub(crate) fn cron(place: &Place<'_>, job: &str, name: &str, rng: &mut Rng) -> Vec<Beat> {
    let words = place.words(rng);
    let ask = place.fill(
        &words,
        "Look at {part} of {project}, note what is new, and keep it under {small} lines.",
    );
    let time = super::time::envelope(place.at_ms);
    let mut beats = vec![harness(format!(
        "[cron:{job} {name}] {ask}\nCurrent time: {time}"
    ))];
    beats.extend(work(place, &words, rng));
    beats.push(say(place.fill(
        &words,
        "{part}: {n} entries, {small} of them new. {other} unchanged.",
    )));
    beats
}

/// A poll by the harness that has nothing to report.
pub(crate) fn heartbeat(place: &Place<'_>) -> Vec<Beat> {
    let act = Act::Read(format!("{}/.openclaw/workspace/HEARTBEAT.md", place.home()));
    vec![
        pause(30),
        harness(
            "Read HEARTBEAT.md if it exists (workspace context). Follow it strictly. Do not infer \
             or repeat old tasks from prior chats. If nothing needs attention, reply HEARTBEAT_OK.",
        ),
        call(Call::new(act, "# Heartbeat\n- look at the queue once an hour\n").ends(End::Fine)),
        say("HEARTBEAT_OK"),
    ]
}

/// A long-running process that the agent looks after.
pub(crate) fn process(words: &Words) -> Beat {
    let details =
        json!({ "status": "running", "sessionId": "calm-otter", "pid": 40_000 + words.number });
    let output =
        "Command still running (session calm-otter). Use process (list/poll/log) for follow-up.";
    calls(
        "",
        vec![Call::run("pnpm dev", output).ends(End::Details(details))],
    )
}
