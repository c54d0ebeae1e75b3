//! Failures planted in Codex's rollouts.
//!
//! Neighbours: `plants` says what a plant is.

use super::chapters::Agent;
use super::code::source_path;
use super::plants::{Plant, Scene, failure};
use super::rng::Rng;
use super::script::{Act, Beat, Call, End, call, human, say};

pub(crate) fn list() -> Vec<Plant> {
    let plant = |about, sessions, beats| Plant {
        about,
        agent: Agent::Codex,
        sessions,
        beats,
    };
    vec![
        plant(
            failure(
                "patch-refused",
                "process_tooling",
                "apply_patch",
                "the lines to be changed are not in the file",
                "apply_patch verification failed",
            ),
            6,
            patch_refused,
        ),
        plant(
            failure(
                "linker-missing",
                "capability_gap",
                "exec_command",
                "the linker is not installed",
                "linker `cc` not found",
            ),
            4,
            linker_missing,
        ),
        plant(
            failure(
                "index-locked",
                "process_tooling",
                "exec_command",
                "another git process left its lock behind",
                "index.lock",
            ),
            5,
            index_locked,
        ),
        plant(
            failure(
                "registry-refused",
                "reliability_perf",
                "exec_command",
                "the package registry takes no connections",
                "ECONNREFUSED",
            ),
            3,
            registry_refused,
        ),
        plant(
            failure(
                "disk-full",
                "defect",
                "exec_command",
                "the disk is full",
                "No space left on device",
            ),
            3,
            disk_full,
        ),
        plant(
            failure(
                "port-taken",
                "process_tooling",
                "exec_command",
                "the port of the server is already in use",
                "EADDRINUSE",
            ),
            4,
            port_taken,
        ),
        plant(
            failure(
                "state-unreadable",
                "defect",
                "exec_command",
                "the state file of the sync job is not whole",
                "SyntaxError: Unexpected end of JSON input",
            ),
            3,
            state_unreadable,
        ),
    ]
}

/// A command that fails, and the agent's word on it.
fn command(scene: &Scene<'_, '_>, line: &str, output: String, code: i64, after: &str) -> Vec<Beat> {
    let attempt = Call::run(scene.fill(line), output).ends(End::Exit(code));
    vec![call(attempt.marked(&scene.mark)), say(scene.fill(after))]
}

fn patch_refused(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let path = source_path(scene.place, scene.words.part);
    let old = format!("    limit = {}", rng.range(10, 999));
    let output =
        format!("apply_patch verification failed: Failed to find expected lines in {path}:\n{old}");
    let new = format!("    limit = {}", rng.range(1_000, 9_999));
    vec![
        human(scene.fill("raise the limit of {part}")),
        call(
            Call::new(Act::Edit { path, old, new }, output)
                .ends(End::Flagged)
                .marked(&scene.mark),
        ),
        say(scene.fill("The lines had moved. After reading {part} again the change is in.")),
    ]
}

fn linker_missing(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "   Compiling {} v0.{}.{}\nerror: linker `cc` not found\n  |\n  = note: No such file or \
         directory (os error 2)\n\nerror: could not compile `{}` due to 1 previous error",
        scene.words.part,
        rng.range(1, 20),
        rng.range(0, 9),
        scene.words.part
    );
    command(
        scene,
        "cargo build -p {part}",
        output,
        101,
        "There is no linker in this container.",
    )
}

fn index_locked(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "fatal: Unable to create '{}/.git/index.lock': File exists.\n\nAnother git process seems to \
         be running in this repository, e.g.\nan editor opened by 'git commit'.",
        scene.place.project.root
    );
    command(
        scene,
        "git add -A && git commit -m '{part}: keep the order'",
        output,
        128,
        "Somebody else holds the index; the change to {part} is not committed yet.",
    )
}

fn registry_refused(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "npm error code ECONNREFUSED\nnpm error syscall connect\nnpm error errno ECONNREFUSED\nnpm \
         error FetchError: request to https://packages.example.com/{}-kit failed, reason: connect \
         ECONNREFUSED 10.9.{}.{}:4873",
        scene.words.part,
        rng.range(0, 60),
        rng.range(2, 250)
    );
    command(
        scene,
        "npm install {part}-kit",
        output,
        1,
        "The registry does not take connections, so {part} stays on the old kit.",
    )
}

fn disk_full(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let output = format!(
        "error: failed to write `{}/target/debug/deps/{}-{}.rmeta`: No space left on device (os \
         error 28)",
        scene.place.project.root,
        scene.words.part,
        rng.hex(16)
    );
    command(
        scene,
        "cargo test -p {part}",
        output,
        101,
        "The disk is full. Old build folders take most of it.",
    )
}

fn port_taken(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let port = rng.range(3_000, 9_000);
    let output = format!(
        "node:net:{}\n    throw er;\n\nError: listen EADDRINUSE: address already in use :::{port}",
        rng.range(100, 2_400)
    );
    command(
        scene,
        "node dist/{part}.js",
        output,
        1,
        "Something already listens on that port; I looked at the running one instead.",
    )
}

fn state_unreadable(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let root = scene.place.project.root;
    let output = format!(
        "{root}/sync/{}.mjs:{}\nSyntaxError: Unexpected end of JSON input\n    at JSON.parse \
         (<anonymous>)\n    at loadState (file://{root}/sync/{}.mjs:{}:{})",
        scene.words.part,
        rng.range(10, 90),
        scene.words.part,
        rng.range(10, 90),
        rng.range(3, 40)
    );
    command(
        scene,
        "node sync/{part}.mjs --once",
        output,
        1,
        "The state file of {part} is cut off; a fresh one is written at the next start.",
    )
}
