//! People who are pleased, and people who are not.
//!
//! Neighbours: `plants` says what a plant is. Both moods come in several languages, most of them short.

use super::chapters::Agent;
use super::manifest::{About, List};
use super::plants::{Plant, Scene};
use super::rng::Rng;
use super::script::{Act, Beat, Call, Step, call, human, pause, say};

pub(crate) fn list() -> Vec<Plant> {
    use Agent::{Claude, Codex, OpenClaw};
    let mood = |list, agent, id, what, marker, sessions, beats| Plant {
        about: About {
            list,
            id,
            class: "",
            tool: "",
            what,
            marker,
        },
        agent,
        sessions,
        beats,
    };
    let glad =
        |agent, id, what, marker, beats| mood(List::Delight, agent, id, what, marker, 2, beats);
    let cross =
        |agent, id, what, marker, beats| mood(List::Frustration, agent, id, what, marker, 2, beats);
    vec![
        glad(
            OpenClaw,
            "works-now",
            "it works at last",
            "works perfectly",
            works_now,
        ),
        glad(
            Claude,
            "love-it",
            "somebody loves the result",
            "love it",
            love_it,
        ),
        glad(
            Codex,
            "great-job",
            "praise for the work",
            "great job",
            great_job,
        ),
        glad(
            OpenClaw,
            "gracias",
            "Spanish thanks after a fix",
            "gracias",
            gracias,
        ),
        glad(Claude, "danke", "German praise", "Super, danke", danke),
        glad(OpenClaw, "mantap", "Indonesian praise", "mantap", mantap),
        glad(
            OpenClaw,
            "tai-hao-le",
            "Chinese praise",
            "太好了",
            tai_hao_le,
        ),
        cross(
            OpenClaw,
            "claimed-but-not-done",
            "the agent said done and it was not",
            "did you lie",
            claimed,
        ),
        cross(
            Claude,
            "told-you-twice",
            "somebody has to repeat themselves",
            "already told you",
            told_you,
        ),
        cross(
            Codex,
            "shouting",
            "somebody shouts",
            "STOP CHANGING",
            shouting,
        ),
        cross(
            OpenClaw,
            "no-answer-pings",
            "short pings that get a control token",
            "hello??",
            pings,
        ),
        cross(
            Claude,
            "interrupted",
            "somebody stops the agent in the middle",
            "Request interrupted",
            interrupted,
        ),
        cross(
            OpenClaw,
            "kenapa",
            "Indonesian annoyance",
            "kenapa masih",
            kenapa,
        ),
        cross(
            OpenClaw,
            "hai-shi-bu-xing",
            "Chinese annoyance",
            "还是不行",
            hai_shi,
        ),
    ]
}

/// What somebody says after a piece of work.
fn after_work(scene: &Scene<'_, '_>, rng: &mut Rng, said: &str, answer: &str) -> Vec<Beat> {
    let mut beats = super::chapters::work(scene.place, scene.words, rng);
    beats.push(say(
        scene.fill("The change to {part} is in and its tests ran.")
    ));
    beats.push(human(scene.fill(said)).marked(&scene.mark));
    beats.push(say(scene.fill(answer)));
    beats
}

fn works_now(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(
        scene,
        rng,
        "that works perfectly now, thank you so much!",
        "Good to hear.",
    )
}

fn love_it(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(scene, rng, "love it!", "Then {part} stays like this.")
}

fn great_job(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(
        scene,
        rng,
        "great job, exactly what I wanted",
        "It is committed.",
    )
}

fn gracias(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(
        scene,
        rng,
        "¡perfecto, muchas gracias! funciona de maravilla",
        "De nada.",
    )
}

fn danke(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(scene, rng, "Super, danke! Genau so.", "Gern.")
}

fn mantap(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(scene, rng, "mantap, makasih banyak!", "Sama-sama.")
}

fn tai_hao_le(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(scene, rng, "太好了，谢谢！", "不客气。")
}

fn claimed(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(
        scene,
        rng,
        "you said the {part} export was finished and nothing is there. did you lie to me again?",
        "The export was not written. It is there now, with {n} rows.",
    )
}

fn told_you(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(
        scene,
        rng,
        "I already told you twice: do not touch {other}. This is really frustrating.",
        "I took the change to {other} back.",
    )
}

fn shouting(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(
        scene,
        rng,
        "STOP CHANGING FILES THAT I DID NOT ASK FOR!!!",
        "Only {part} is changed now.",
    )
}

fn pings(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    vec![
        human("hi"),
        say("HEARTBEAT_OK"),
        human("hello?"),
        say("HEARTBEAT_OK"),
        human("hello?? why are you not answering").marked(&scene.mark),
        say("I am here. What shall we look at?"),
    ]
}

fn interrupted(scene: &Scene<'_, '_>, _: &mut Rng) -> Vec<Beat> {
    let act = Act::Search {
        pattern: scene.words.part.to_owned(),
        path: scene.place.project.root.to_owned(),
    };
    vec![
        human(scene.fill("count the callers of {part}")),
        call(Call::new(
            act,
            scene.fill("{root}/src/{part}.{ext}:12: {part}"),
        )),
        Beat::from(Step::Interrupt).marked(&scene.mark),
        human(scene.fill("only below src, not everywhere")),
        say(scene.fill("Below src there are {small}.")),
    ]
}

fn kenapa(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    let mut beats = vec![pause(2)];
    beats.extend(after_work(
        scene,
        rng,
        "kenapa masih ga jalan sih, udah berkali-kali",
        "Saya periksa lagi {part}.",
    ));
    beats
}

fn hai_shi(scene: &Scene<'_, '_>, rng: &mut Rng) -> Vec<Beat> {
    after_work(
        scene,
        rng,
        "还是不行，你怎么又搞错了？",
        "我再看一下 {part}。",
    )
}
