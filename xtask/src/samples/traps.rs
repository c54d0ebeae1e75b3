//! What looks like a failure, an angry person or praise, and is none.
//!
//! Neighbours: `plants` says what a plant is. A miner that looks for words falls into each of these.

use serde_json::json;

use super::chapters::Agent;
use super::code::source_path;
use super::manifest::{About, List};
use super::plants::{Plant, Scene};
use super::rng::Rng;
use super::script::{Act, Beat, Call, End, Step, call, calls, harness, human, say};

pub(crate) fn list() -> Vec<Plant> {
    use Agent::{Claude, Codex, OpenClaw};
    let trap = |agent, id, what, marker, beats| Plant {
        about: About {
            list: List::Trap,
            id,
            class: "",
            tool: "",
            what,
            marker,
        },
        agent,
        sessions: 3,
        beats,
    };
    vec![
        trap(
            OpenClaw,
            "cron-error-label",
            "the label says error, the job went well",
            "Cron (error)",
            cron_error_label,
        ),
        trap(
            Claude,
            "source-of-errors",
            "a source file about errors is read",
            "except ConnectionError",
            source_of_errors,
        ),
        trap(
            Codex,
            "error-as-number",
            "the error is a measured share",
            "error = 0.",
            error_as_number,
        ),
        trap(
            OpenClaw,
            "other-sessions-error",
            "another session's error is looked up",
            "lastError",
            other_sessions_error,
        ),
        trap(
            OpenClaw,
            "compaction",
            "a summary tells of old failures",
            "Tool failures",
            compaction,
        ),
        trap(
            Claude,
            "continuation",
            "a continued session tells of old failures",
            "Errors and fixes",
            continuation,
        ),
        trap(
            Codex,
            "commit-subjects",
            "subjects of commits speak of failures",
            "fix crash",
            commit_subjects,
        ),
        trap(
            Claude,
            "no-errors-listed",
            "an empty list of errors",
            "\\\"errors\\\": []",
            no_errors_listed,
        ),
        trap(
            Claude,
            "no-match",
            "a search that finds nothing ends with 1",
            "Exit code 1",
            no_match,
        ),
        trap(
            Codex,
            "no-match-rollout",
            "a search that finds nothing ends with 1",
            "exited with code 1",
            no_match_rollout,
        ),
        trap(
            OpenClaw,
            "happy-profanity",
            "somebody swears for joy",
            "damn",
            happy_profanity,
        ),
        trap(
            Claude,
            "no-thanks",
            "a polite refusal",
            "No thanks",
            no_thanks,
        ),
        trap(Codex, "in-error", "plain speech", "in error", in_error),
        trap(
            OpenClaw,
            "agent-self-praise",
            "the agent praises itself",
            "Perfect!",
            self_praise,
        ),
        trap(
            OpenClaw,
            "heartbeat",
            "the harness asks the same thing all day",
            "Read HEARTBEAT.md",
            heartbeat,
        ),
        trap(
            Claude,
            "sibling-echo",
            "a call is dropped because another one failed",
            "Sibling tool call errored",
            sibling_echo,
        ),
        trap(
            Codex,
            "log-search",
            "a search for errors prints lines with errors",
            "level=error",
            log_search,
        ),
        trap(
            Claude,
            "meant-to-fail",
            "a test run in which failing is expected",
            "xfailed",
            meant_to_fail,
        ),
        trap(
            OpenClaw,
            "page-on-errors",
            "a page about an error is fetched",
            "500 Internal Server Error",
            page_on_errors,
        ),
        trap(
            OpenClaw,
            "still-running",
            "a command goes on in the background",
            "still running",
            still_running,
        ),
        trap(
            Claude,
            "calm-correction",
            "somebody changes their mind calmly",
            "actually",
            calm_correction,
        ),
    ]
}

fn cron_error_label(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let time = super::time::minute(scene.place.at_ms);
    let text = format!(
        "System: [{time} UTC] Cron (error): {}",
        scene.fill("Morning report: {part} has {n} entries, {small} of them new. Weather is fine, nothing to do.")
    );
    let noted = format!("Noted, {} new ones.", rng.range(3, 40));
    // The harness keeps a copy of what it sent to the chat.
    let copy = scene.fill("Morning report: {part} has {n} entries, {small} of them new.");
    vec![
        Beat::from(Step::Mirror(copy)),
        Beat::from(Step::Harness(text)).marked(&scene.mark),
        say(noted),
    ]
}

fn source_of_errors(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let text = format!(
        "import logging\n\n\ndef fetch(handle, attempts={}):\n    for attempt in range(attempts):\n        \
         try:\n            return handle.get()\n        except ConnectionError as error:\n            \
         logging.error(\"fetch failed: %s\", error)\n    raise RuntimeError(\"permission denied or host \
         down\")\n\n\nLABELS = [\"error\", \"fatal\", \"crash\", \"timeout\"]\n",
        rng.range(2, 9)
    );
    let path = source_path(scene.place, scene.words.other);
    vec![
        human(scene.fill("how does {other} retry?")),
        call(Call::new(Act::Read(path), text).marked(&scene.mark)),
        say("It tries a few times and then gives up with its own message."),
    ]
}

fn error_as_number(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "fold 1: error = 0.{:02}%\nfold 2: error = 0.{:02}%\nPASS: error = 0.{:02}% is below the limit",
        rng.range(10, 99),
        rng.range(10, 99),
        rng.range(10, 99)
    );
    vec![
        call(Call::run(scene.fill("python eval.py --model {part}"), output).marked(&scene.mark)),
        say(scene.fill("The model of {part} stays below its limit.")),
    ]
}

fn other_sessions_error(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let jobs = json!({ "jobs": [
        { "name": scene.fill("{part} nightly"), "enabled": true,
          "state": { "lastStatus": "error", "lastError": "model provider timed out", "consecutiveErrors": rng.range(1, 4) } },
        { "name": scene.fill("{other} weekly"), "enabled": true, "state": { "lastStatus": "ok" } },
    ]});
    let text = serde_json::to_string_pretty(&jobs).expect("plain values");
    let attempt = Call::tool("cron", json!({ "action": "list" }), text).ends(End::Details(jobs));
    vec![
        human("which jobs do I have?"),
        call(attempt.marked(&scene.mark)),
        say(scene.fill("Two: {part} every night, {other} every week.")),
    ]
}

fn compaction(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let summary = scene.fill(
        "## Goal\nTidy {part}.\n\n## Tool failures\n- exec: bash: {other}ctl: command not found (exit \
         127)\n- web_fetch: Web fetch failed (403)\n\n## Next\nCompare {part} with {other}.",
    );
    vec![Beat::from(Step::Compaction(summary)).marked(&scene.mark)]
}

fn continuation(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let summary = scene.fill(
        "1. Primary request: split {part}.\n2. Errors and fixes:\n   - Exit code 1: error TS2304: Cannot \
         find name '{other}'. Fixed by the import.\n   - The user was annoyed that the tests were \
         skipped.\n3. Pending: none.",
    );
    vec![Beat::from(Step::Compaction(summary)).marked(&scene.mark)]
}

fn commit_subjects(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "{} {part}: fix crash on empty list\n{} {other}: error messages name the row\n{} ci: retry \
         when the registry fails",
        rng.hex(7),
        rng.hex(7),
        rng.hex(7),
        part = scene.words.part,
        other = scene.words.other,
    );
    vec![
        human(scene.fill("what happened in {part} lately?")),
        call(Call::run("git log --oneline -3", output).marked(&scene.mark)),
        say(scene.fill("Three commits, the newest one to {part}.")),
    ]
}

fn no_errors_listed(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "{{\n  \"checked\": {},\n  \"errors\": [],\n  \"warnings\": [],\n  \"failed\": 0\n}}",
        rng.range(20, 900)
    );
    vec![
        call(Call::run(scene.fill("pnpm audit-{part} --json"), output).marked(&scene.mark)),
        say("Nothing to report from the audit."),
    ]
}

fn no_match(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let command = scene.fill("grep -rn 'old_{part}' src/");
    vec![
        call(
            Call::run(command, "")
                .ends(End::Exit(1))
                .marked(&scene.mark),
        ),
        say(scene.fill("Nothing uses the old name of {part} any more.")),
    ]
}

fn no_match_rollout(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let command = scene.fill("rg -n 'legacy_{other}' .");
    vec![
        call(
            Call::run(command, "")
                .ends(End::Exit(1))
                .marked(&scene.mark),
        ),
        say(scene.fill("No trace of the legacy {other}.")),
    ]
}

fn happy_profanity(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let said =
        human(scene.fill("damn, that {part} chart looks good. next one: the same for {other}"));
    vec![
        said.marked(&scene.mark),
        say(scene.fill("The chart of {other} is beside it now.")),
    ]
}

fn no_thanks(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    vec![
        say(scene.fill("Shall I also tidy the tests of {other}?")),
        human(scene.fill("No thanks, leave {other} as it is and go on with {part}"))
            .marked(&scene.mark),
        say(scene.fill("{other} stays as it is.")),
    ]
}

fn in_error(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let said = human(
        scene.fill("the row from {small} January was entered in error, take it out of {part}"),
    );
    vec![
        said.marked(&scene.mark),
        say(scene.fill("The row is out; {part} has {n} rows now.")),
    ]
}

fn self_praise(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let said =
        say(scene.fill("Perfect! Everything works great now, {part} is amazing. Thank you!"));
    vec![
        human(scene.fill("put {small} in the header of {part}")),
        said.marked(&scene.mark),
    ]
}

fn heartbeat(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let mut beats = super::chapters::heartbeat(scene.place);
    beats[1] = beats[1].clone().marked(&scene.mark);
    beats
}

fn sibling_echo(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let path = source_path(scene.place, scene.words.part);
    let text = super::code::source(scene.place, scene.words, rng);
    let echo = "<tool_use_error>Sibling tool call errored</tool_use_error>";
    let reads = vec![
        Call::new(Act::Read(path), text),
        Call::run(scene.fill("wc -l src/{other}/*"), echo)
            .ends(End::Flagged)
            .marked(&scene.mark),
    ];
    vec![
        calls("Both at once.", reads),
        say(scene.fill("{part} is the longer one.")),
    ]
}

fn log_search(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "logs/{part}.log:{}:level=error msg=\"upstream timed out\" attempt=1\nlogs/{part}.log:{}:level=error \
         msg=\"connection refused\" attempt=2",
        rng.range(10, 400),
        rng.range(401, 900),
        part = scene.words.part,
    );
    vec![
        human(scene.fill("were there errors in the log of {part} last week?")),
        call(
            Call::run(scene.fill("rg -n 'level=error' logs/{part}.log"), output)
                .marked(&scene.mark),
        ),
        say("Two lines, both before the restart."),
    ]
}

fn meant_to_fail(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let part = scene.words.part;
    let output = format!(
        "tests/test_{part}.py::test_rejects_bad_row XFAIL (raises ValueError)\n\
         tests/test_{part}.py::test_error_is_raised PASSED\n\n===== {} passed, 1 xfailed in 1.{} s =====",
        rng.range(8, 60),
        rng.range(1, 9)
    );
    vec![
        call(
            Call::run(format!("python -m pytest tests/test_{part}.py"), output).marked(&scene.mark),
        ),
        say(scene.fill("{part} behaves, the expected failure included.")),
    ]
}

fn page_on_errors(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let url = format!("https://handbook.example.org/http/{}", rng.range(100, 999));
    let page = "# How to read server answers\n\nA 500 Internal Server Error means that the server met \
                something it did not expect. A 403 says that access is denied. Neither tells the cause.";
    let details = json!({ "url": url, "status": 200, "contentType": "text/html" });
    let attempt = Call::tool("web_fetch", json!({ "url": url }), page).ends(End::Details(details));
    vec![
        human(scene.fill("what does the handbook say about server answers?")),
        call(attempt.marked(&scene.mark)),
        say("It explains the two classes and says that neither tells the cause."),
    ]
}

fn still_running(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let mut beat = super::chapters::process(scene.words);
    if let Step::Calls { calls, .. } = &mut beat.step {
        calls[0].marks.push(scene.mark.clone());
    }
    vec![human("start the preview"), beat, say("The preview is up.")]
}

fn calm_correction(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let said = human(scene.fill("actually, sort {part} by name instead of date please"));
    vec![
        said.marked(&scene.mark),
        say(scene.fill("{part} is sorted by name now.")),
        harness("<system-reminder>\nThe list of tasks has changed. Go on.\n</system-reminder>"),
    ]
}
