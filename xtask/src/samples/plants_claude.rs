//! Failures planted in Claude Code's sessions.
//!
//! Neighbours: `plants` says what a plant is.

use serde_json::json;

use super::chapters::Agent;
use super::code::source_path;
use super::plants::{Plant, Scene, failure};
use super::rng::Rng;
use super::script::{Act, Beat, Call, End, Step, call, calls, human, pause, say};

pub(crate) fn list() -> Vec<Plant> {
    let plant = |about, sessions, beats| Plant {
        about,
        agent: Agent::Claude,
        sessions,
        beats,
    };
    vec![
        plant(
            failure(
                "edit-before-read",
                "process_tooling",
                "Edit",
                "a file is edited before it was read",
                "File has not been read yet",
            ),
            7,
            edit_before_read,
        ),
        plant(
            failure(
                "string-not-found",
                "process_tooling",
                "Edit",
                "the text to be replaced is not in the file",
                "String to replace not found in file",
            ),
            5,
            string_not_found,
        ),
        plant(
            failure(
                "type-mismatch",
                "defect",
                "Bash",
                "the type check fails after an edit",
                "error TS2345",
            ),
            6,
            type_mismatch,
        ),
        plant(
            failure(
                "wrapper-subcommand",
                "defect",
                "Bash",
                "the task wrapper is called with a command that it does not have",
                "unknown command",
            ),
            8,
            wrapper_subcommand,
        ),
        plant(
            failure(
                "fixture-missing",
                "defect",
                "Bash",
                "tests use a fixture that nobody defines",
                "fixture 'tide_db' not found",
            ),
            4,
            fixture_missing,
        ),
        plant(
            failure(
                "api-overloaded",
                "reliability_perf",
                "",
                "the provider is overloaded",
                "overloaded_error",
            ),
            5,
            api_overloaded,
        ),
        plant(
            failure(
                "fetch-forbidden",
                "safety_compliance",
                "WebFetch",
                "a site refuses to be fetched",
                "Request failed with status code 403",
            ),
            3,
            fetch_forbidden,
        ),
        plant(
            failure(
                "heap-exhausted",
                "reliability_perf",
                "Bash",
                "the build runs out of memory",
                "JavaScript heap out of memory",
            ),
            4,
            heap_exhausted,
        ),
        plant(
            failure(
                "upload-token",
                "safety_compliance",
                "Bash",
                "the artefact store refuses the token, which stands in the output",
                "401 Unauthorized",
            ),
            3,
            upload_token,
        ),
    ]
}

fn edit_before_read(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let path = source_path(scene.place, scene.words.other);
    let act = Act::Edit {
        path: path.clone(),
        old: format!("limit = {}", rng.range(10, 99)),
        new: format!("limit = {}", rng.range(100, 999)),
    };
    let output = "<tool_use_error>File has not been read yet. Read it first before writing to it.</tool_use_error>";
    let text = super::code::source(scene.place, scene.words, rng);
    vec![
        human(scene.fill("now the same for {other}")),
        call(
            Call::new(act, output)
                .ends(End::Flagged)
                .marked(&scene.mark),
        ),
        call(Call::new(Act::Read(path), text)),
        say(scene.fill("{other} has it too now.")),
    ]
}

fn string_not_found(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let path = source_path(scene.place, scene.words.part);
    let old = format!("  const {} = {};", scene.words.other, rng.range(10, 999));
    let output = format!(
        "<tool_use_error>String to replace not found in file.\nString: {old}</tool_use_error>"
    );
    let act = Act::Edit {
        path,
        old,
        new: String::from("  // moved"),
    };
    vec![
        human(scene.fill("drop the constant for {other} from {part}")),
        call(
            Call::new(act, output)
                .ends(End::Flagged)
                .marked(&scene.mark),
        ),
        say(scene.fill("It had been moved before; {part} is already without it.")),
    ]
}

fn type_mismatch(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let part = scene.words.part;
    let (line, column) = (rng.range(8, 300), rng.range(3, 60));
    let output = format!(
        "src/{part}/{part}.service.ts({line},{column}): error TS2345: Argument of type 'string' is \
         not assignable to parameter of type 'number'."
    );
    vec![
        calls(
            "Checking the types.",
            vec![
                Call::run("pnpm tsc --noEmit", output)
                    .ends(End::Exit(2))
                    .marked(&scene.mark),
            ],
        ),
        say(scene.fill("The id has to be a number there; the caller in {part} gives a word.")),
    ]
}

fn wrapper_subcommand(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let command = format!(
        "run-task bun test src/{} --seed {}",
        scene.words.part,
        rng.range(1, 900)
    );
    let output = "error: unknown command 'bun' for 'run-task'\nRun 'run-task --help' for usage.";
    vec![
        human(scene.fill("run the tests of {part}")),
        call(
            Call::run(command, output)
                .ends(End::Exit(1))
                .marked(&scene.mark),
        ),
        say(scene.fill("The wrapper wants only the name of the task; {small} tests of {part} ran.")),
    ]
}

fn fixture_missing(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let part = scene.words.part;
    let output = format!(
        "file {}/tests/test_{part}.py, line {}\n  def test_order(tide_db):\nE       fixture \
         'tide_db' not found\n>       available fixtures: cache, capsys, monkeypatch, tmp_path",
        scene.place.project.root,
        rng.range(5, 200)
    );
    let command = format!("python -m pytest tests/test_{part}.py");
    vec![
        calls(
            "",
            vec![
                Call::run(command, output)
                    .ends(End::Exit(1))
                    .marked(&scene.mark),
            ],
        ),
        say("The fixture lives in another folder; I left the test out for now."),
    ]
}

fn api_overloaded(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let error = format!(
        "API Error: 529 {{\"type\":\"error\",\"error\":{{\"type\":\"overloaded_error\",\"message\":\
         \"Overloaded\"}},\"request_id\":\"req_{}\"}}",
        rng.token(22)
    );
    vec![
        human(scene.fill("how many callers does {other} have?")),
        Beat::from(Step::ModelError(error)).marked(&scene.mark),
        pause(rng.range(4, 30)),
        human(scene.fill("callers of {other}, once more please")),
        say(scene.fill("{other} has {small} callers, all below {part}.")),
    ]
}

fn fetch_forbidden(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let url = format!(
        "https://reference.example.net/{}/{}",
        scene.words.part,
        rng.range(100, 999)
    );
    let input = json!({ "url": url, "prompt": scene.fill("What does it say about {other}?") });
    let attempt = Call::tool("WebFetch", input, "Request failed with status code 403");
    vec![
        call(attempt.ends(End::Flagged).marked(&scene.mark)),
        say(scene.fill("The site does not let me in. What I know of {other} is from the code.")),
    ]
}

fn heap_exhausted(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "<--- Last few GCs --->\n[{}:0x{}] {} ms: Mark-Compact 4078.{} (4132.1) -> 4064.8 MB\n\nFATAL \
         ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        rng.range(900, 99_000),
        rng.hex(12),
        rng.range(20_000, 90_000),
        rng.range(0, 9)
    );
    vec![
        human(scene.fill("build the bundle with the new {part} page")),
        call(
            Call::run("pnpm build", output)
                .ends(End::Exit(134))
                .marked(&scene.mark),
        ),
        say(scene.fill("The build needs more memory than it may take. {ticket} is about the same.")),
    ]
}

fn upload_token(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let secrets = &scene.place.world.secrets;
    let file = format!("{}-{}.tar.gz", scene.words.part, rng.range(1, 90));
    let command = format!(
        "curl -fsS -H 'Authorization: Bearer {}' -T {file} https://artefacts.example.com/{file}",
        secrets.bearer
    );
    let output = format!(
        "> PUT /{file}\n> Authorization: Bearer {}\n> X-Contact: {}\ncurl: (22) The requested URL \
         returned error: 401 Unauthorized",
        secrets.bearer, scene.place.person.email
    );
    vec![
        human(scene.fill("upload the archive of {part}")),
        call(
            Call::run(command, output)
                .ends(End::Exit(22))
                .marked(&scene.mark),
        ),
        say("The store does not accept the token any more, so the archive is only here."),
    ]
}
