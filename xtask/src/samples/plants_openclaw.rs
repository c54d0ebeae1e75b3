//! Failures planted in OpenClaw's sessions.
//!
//! Neighbours: `plants` says what a plant is; the run logs of jobs are `jobs`' business.

use serde_json::json;

use super::chapters::Agent;
use super::plants::{Plant, Scene, failure};
use super::rng::Rng;
use super::script::{Act, Beat, Call, End, Step, call, human, pause, say};

pub(crate) fn list() -> Vec<Plant> {
    let plant = |about, sessions, beats| Plant {
        about,
        agent: Agent::OpenClaw,
        sessions,
        beats,
    };
    vec![
        plant(
            failure(
                "invented-tool",
                "capability_gap",
                "browse_page",
                "the model calls a tool that does not exist",
                "Tool browse_page not found",
            ),
            6,
            invented_tool,
        ),
        plant(
            failure(
                "search-without-key",
                "safety_compliance",
                "web_search",
                "web search has no key; the result is not flagged as an error",
                "missing_brave_api_key",
            ),
            5,
            search_without_key,
        ),
        plant(
            failure(
                "fetch-404",
                "defect",
                "web_fetch",
                "a page is gone",
                "Web fetch failed (404)",
            ),
            4,
            fetch_gone,
        ),
        plant(
            failure(
                "module-missing",
                "capability_gap",
                "exec",
                "a script needs a module that is not installed",
                "No module named 'pandas'",
            ),
            7,
            module_missing,
        ),
        plant(
            failure(
                "command-timed-out",
                "reliability_perf",
                "exec",
                "the nightly import is stopped after its time limit",
                "Command timed out after",
            ),
            5,
            command_timed_out,
        ),
        plant(
            failure(
                "memory-not-there",
                "defect",
                "read",
                "the memory file of a day is read before anything wrote it",
                "ENOENT: no such file or directory",
            ),
            9,
            memory_not_there,
        ),
        plant(
            failure(
                "edit-without-anchor",
                "process_tooling",
                "edit",
                "the text to be replaced is not in the file",
                "Could not find the exact text",
            ),
            6,
            edit_without_anchor,
        ),
        plant(
            failure(
                "weekly-quota",
                "reliability_perf",
                "",
                "the provider's weekly quota is used up",
                "weekly limit",
            ),
            4,
            weekly_quota,
        ),
        plant(
            failure(
                "model-idle",
                "reliability_perf",
                "",
                "the model does not answer; only a side record tells of it",
                "LLM idle timeout",
            ),
            5,
            model_idle,
        ),
        plant(
            failure(
                "context-overflow",
                "defect",
                "",
                "the prompt is larger than the model's window",
                "Context overflow",
            ),
            3,
            context_overflow,
        ),
        plant(
            failure(
                "host-unresolved",
                "reliability_perf",
                "exec",
                "the metrics host has no address",
                "Could not resolve host",
            ),
            4,
            host_unresolved,
        ),
        plant(
            failure(
                "directory-denied",
                "safety_compliance",
                "exec",
                "the archive directory belongs to somebody else",
                "Permission denied",
            ),
            3,
            directory_denied,
        ),
        plant(
            failure(
                "browser-unreachable",
                "reliability_perf",
                "browser",
                "the browser control service is down",
                "browser control service",
            ),
            4,
            browser_unreachable,
        ),
        plant(
            failure(
                "database-login",
                "safety_compliance",
                "exec",
                "the database refuses the password, which stands in the output",
                "password authentication failed",
            ),
            3,
            database_login,
        ),
        plant(
            failure(
                "message-target",
                "defect",
                "message",
                "a message goes to a channel that does not exist",
                "Unknown target",
            ),
            3,
            message_target,
        ),
    ]
}

/// A single call that fails, and the agent's word on it.
fn one(scene: &Scene<'_, '_>, attempt: Call, after: &str) -> Vec<Beat> {
    vec![call(attempt.marked(&scene.mark)), say(scene.fill(after))]
}

fn invented_tool(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let url = format!(
        "https://docs.example.com/{}/{}",
        scene.words.part,
        rng.range(10, 99)
    );
    let attempt = Call::tool(
        "browse_page",
        json!({ "url": url }),
        "Tool browse_page not found",
    );
    vec![
        human(scene.fill("open the page on {part} and tell me what it says about {other}")),
        call(attempt.ends(End::Flagged).marked(&scene.mark)),
        say("I have no such tool here, so I read the local copy instead."),
    ]
}

fn search_without_key(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let body = json!({
        "error": "missing_brave_api_key",
        "message": "web_search needs a Brave Search API key. Run `openclaw configure --section web` to store it, or set BRAVE_API_KEY in the Gateway environment.",
        "docs": "https://docs.openclaw.ai/tools/web",
    });
    let text = serde_json::to_string_pretty(&body).expect("plain values");
    let query = json!({ "query": scene.fill("{part} {other} opening times") });
    let attempt = Call::tool("web_search", query, text).ends(End::Details(body));
    one(
        scene,
        attempt,
        "Searching the web is not set up here; I answer from what I have on {part}.",
    )
}

fn fetch_gone(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let url = format!(
        "https://status.example.org/{}/{}",
        scene.words.other,
        rng.range(100, 999)
    );
    let attempt = Call::tool(
        "web_fetch",
        json!({ "url": url }),
        "Web fetch failed (404): Not Found",
    );
    one(
        scene,
        attempt.ends(End::Caught),
        "That page is gone. The notes in {project} have the same table.",
    )
}

fn module_missing(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let script = format!(
        "{}/scripts/{}_report.py",
        scene.place.project.root, scene.words.part
    );
    let output = format!(
        "Traceback (most recent call last):\n  File \"{script}\", line {}, in <module>\n    import \
         pandas as pd\nModuleNotFoundError: No module named 'pandas'",
        rng.range(2, 30)
    );
    let attempt = Call::run(
        format!("python3 {script} --days {}", rng.range(3, 60)),
        output,
    );
    one(
        scene,
        attempt.ends(End::Exit(1)),
        "I counted the {part} rows with awk instead: {n}.",
    )
}

fn command_timed_out(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let seconds = rng.pick(&[120, 300, 600]);
    let output = format!(
        "fetched page {}\n\nCommand timed out after {seconds} seconds",
        rng.range(4, 80)
    );
    let details = json!({ "status": "failed", "exitCode": null, "timedOut": true, "durationMs": seconds * 1000 });
    let attempt =
        Call::run(scene.fill("./bin/import-{part} --all"), output).ends(End::Details(details));
    one(
        scene,
        attempt,
        "The import did not get through; I left the {part} table as it was.",
    )
}

fn memory_not_there(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let day = super::time::iso(scene.place.at_ms);
    let day = day.split('T').next().unwrap_or_default();
    let path = format!("{}/.openclaw/workspace/memory/{day}.md", scene.place.home());
    let output = format!("ENOENT: no such file or directory, access '{path}'");
    let attempt = Call::new(Act::Read(path), output);
    let after = if rng.chance(50) {
        "No notes for today yet, so we start fresh."
    } else {
        "Nothing written down today so far."
    };
    one(scene, attempt.ends(End::Caught), after)
}

fn edit_without_anchor(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let path = super::code::source_path(scene.place, scene.words.part);
    let output = format!(
        "Could not find the exact text in {path}. The old text must match exactly including all \
         whitespace and newlines."
    );
    let old = format!("  limit = {};", rng.range(10, 90));
    let new = format!("  limit = {};", rng.range(100, 900));
    let attempt = Call::new(Act::Edit { path, old, new }, output);
    one(
        scene,
        attempt.ends(End::Caught),
        "The file had changed; I read it again and the second edit of {part} went in.",
    )
}

fn weekly_quota(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let error = format!(
        "429 {{\"type\":\"error\",\"error\":{{\"type\":\"rate_limit_error\",\"message\":\"You have \
         reached your weekly limit for this plan. It resets on Monday.\"}},\"request_id\":\"req_{}\"}}",
        rng.token(20)
    );
    vec![
        human(scene.fill("and what about {other}?")),
        Beat::from(Step::ModelError(error)).marked(&scene.mark),
        pause(rng.range(240, 900)),
        human(scene.fill("same question on {other}, now that it is Monday")),
        say(scene.fill("{other} holds {n} entries, {small} of them new.")),
    ]
}

fn model_idle(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let error = "LLM idle timeout (60s): no response from model";
    let mut beats = super::chapters::heartbeat(scene.place);
    beats.truncate(2);
    beats.push(Beat::from(Step::PromptError(error.to_owned())).marked(&scene.mark));
    beats.push(pause(rng.range(20, 40)));
    beats.push(say("HEARTBEAT_OK"));
    beats
}

fn context_overflow(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let error = format!(
        "Context overflow: prompt is too long: {} tokens > 200000 maximum",
        rng.range(200_100, 260_000)
    );
    vec![
        human(
            scene.fill("read all reports of {part} since the start of the year and compare them"),
        ),
        Beat::from(Step::ModelError(error)).marked(&scene.mark),
        pause(5),
        human(scene.fill("only the last {small} reports then")),
        say(scene.fill("The last {small} reports agree on {n} entries.")),
    ]
}

fn host_unresolved(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let command = format!(
        "curl -sS https://metrics.kestrel.example/api/{}?days={}",
        scene.words.part,
        rng.range(1, 90)
    );
    let attempt = Call::run(
        command,
        "curl: (6) Could not resolve host: metrics.kestrel.example",
    );
    one(
        scene,
        attempt.ends(End::Exit(6)),
        "The metrics host does not answer to its name, so the {part} figures are from yesterday.",
    )
}

fn directory_denied(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let path = format!("/var/archive/{}-{}", scene.words.part, rng.range(1, 400));
    let attempt = Call::run(
        format!("mkdir -p {path}"),
        format!("mkdir: cannot create directory '{path}': Permission denied"),
    );
    one(
        scene,
        attempt.ends(End::Exit(1)),
        "I may not write there; the copy of {part} is in the project folder.",
    )
}

fn browser_unreachable(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let error = format!(
        "Can't reach the OpenClaw browser control service (timed out after {}ms). Restart the \
         OpenClaw gateway, then ask again.",
        rng.pick(&[15_000, 20_000, 30_000])
    );
    let input =
        json!({ "action": "open", "targetUrl": scene.fill("https://intranet.example.com/{part}") });
    let attempt = Call::tool("browser", input, error);
    one(
        scene,
        attempt.ends(End::Caught),
        "The browser is not available right now. The {part} export has the same rows.",
    )
}

fn database_login(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let user = scene.place.person.user;
    let password = &scene.place.world.secrets.database_password;
    let address = format!("10.20.{}.{}", rng.range(0, 40), rng.range(2, 240));
    let command = format!(
        "psql postgresql://{user}:{password}@{address}:5432/{} -c '\\dt'",
        scene.words.part
    );
    let output = format!(
        "psql: error: connection to server at \"{address}\", port 5432 failed: FATAL:  password \
         authentication failed for user \"{user}\"\ntried \
         postgresql://{user}:{password}@{address}:5432/{}",
        scene.words.part
    );
    one(
        scene,
        Call::run(command, output).ends(End::Exit(2)),
        "The database does not take this login. {ticket} is the place to ask for a new one.",
    )
}

fn message_target(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let room = format!("{}-{}", scene.words.other, rng.range(1, 30));
    let input = json!({ "action": "send", "target": room, "message": scene.fill("{part}: {n} entries today") });
    let error = format!("Unknown target \"{room}\" for Slack. Hint: use a channel id or name");
    one(
        scene,
        Call::tool("message", input, error).ends(End::Caught),
        "The room is not known, so the note on {part} stays here.",
    )
}
