//! The invented world of the samples: teams, people, places, secrets. Nobody here exists.
//!
//! Neighbours: all writers of scripts. E-mail addresses are under `example.com` and `example.org`, phone numbers come
//! from ranges that are kept free for fiction, secrets are made of the seed.

use std::collections::BTreeSet;

use super::rng::Rng;

/// A person who talks to agents.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) user: &'static str,
    pub(crate) email: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) language: Language,
}

/// The language in which somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
    Spanish,
    Indonesian,
    Chinese,
}

/// What a team works on.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) name: &'static str,
    pub(crate) root: &'static str,
    pub(crate) extension: &'static str,
    /// Things the code is about, each good for a file name.
    pub(crate) parts: [&'static str; 6],
}

pub(crate) const PEOPLE: [Person; 8] = [
    Person {
        name: "Marisol Quenby",
        user: "mquenby",
        email: "marisol.quenby@example.com",
        phone: "+1 202-555-0143",
        language: Language::English,
    },
    Person {
        name: "Tobias Ehrenfeld",
        user: "tehrenfeld",
        email: "t.ehrenfeld@example.org",
        phone: "+49 30 23125 418",
        language: Language::German,
    },
    Person {
        name: "Owen Hartnell",
        user: "ohartnell",
        email: "owen.hartnell@example.com",
        phone: "+44 7700 900461",
        language: Language::English,
    },
    Person {
        name: "Lucía Ferrandis",
        user: "lferrandis",
        email: "lucia.ferrandis@example.org",
        phone: "+1 202-555-0178",
        language: Language::Spanish,
    },
    Person {
        name: "Priya Ostrander",
        user: "postrander",
        email: "priya.ostrander@example.com",
        phone: "+44 7700 900812",
        language: Language::English,
    },
    Person {
        name: "Dewi Prasetyani",
        user: "dprasetyani",
        email: "dewi.prasetyani@example.org",
        phone: "+1 202-555-0119",
        language: Language::Indonesian,
    },
    Person {
        name: "Calder Winslow",
        user: "cwinslow",
        email: "calder.winslow@example.com",
        phone: "+1 202-555-0186",
        language: Language::English,
    },
    Person {
        name: "Lin Xiaowen",
        user: "xwlin",
        email: "xiaowen.lin@example.org",
        phone: "+44 7700 900237",
        language: Language::Chinese,
    },
];

pub(crate) const PROJECTS: [Project; 7] = [
    Project {
        name: "harbor-api",
        root: "/srv/harbor-api",
        extension: "ts",
        parts: [
            "berth", "manifest", "tariff", "customs", "voyage", "pilotage",
        ],
    },
    Project {
        name: "ledger-core",
        root: "/srv/ledger-core",
        extension: "rs",
        parts: [
            "posting", "journal", "accrual", "refund", "period", "voucher",
        ],
    },
    Project {
        name: "paperlane",
        root: "/srv/paperlane",
        extension: "py",
        parts: ["inbox", "splitter", "stamp", "archive", "routing", "index"],
    },
    Project {
        name: "meadow-app",
        root: "/srv/meadow-app",
        extension: "ts",
        parts: ["bed", "seedling", "watering", "calendar", "harvest", "soil"],
    },
    Project {
        name: "kestrel-infra",
        root: "/srv/kestrel-infra",
        extension: "tf",
        parts: ["gateway", "queue", "bucket", "subnet", "alarms", "backup"],
    },
    Project {
        name: "bistro-site",
        root: "/srv/bistro-site",
        extension: "ts",
        parts: [
            "menu",
            "table",
            "booking",
            "voucher",
            "allergens",
            "opening",
        ],
    },
    Project {
        name: "tidepool-ml",
        root: "/srv/tidepool-ml",
        extension: "py",
        parts: ["sampler", "tidal", "features", "window", "buoy", "forecast"],
    },
];

/// Secrets that get into messages by accident.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) database_password: String,
    pub(crate) key_id: String,
    pub(crate) bearer: String,
    pub(crate) api_key: String,
    pub(crate) portal_password: String,
    pub(crate) card: &'static str,
}

/// Everything that scripts draw on.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) secrets: Secrets,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::named(seed, "secrets");
        Self {
            secrets: Secrets {
                database_password: format!("Fk{}", rng.token(16)),
                // The ending is the one that documentation uses, so that nobody takes it for a real key.
                key_id: format!("AKIA{}EXAMPLE", rng.capitals(9)),
                bearer: format!("fake{}", rng.token(40)),
                api_key: format!("fk{}", rng.hex(38)),
                portal_password: format!("Anker{}!{}", rng.range(100, 999), rng.token(5)),
                card: "4111 1111 1111 1111",
            },
        }
    }

    /// What no output may hold.
    pub(crate) fn private(&self) -> BTreeSet<String> {
        let secrets = &self.secrets;
        let mut all: BTreeSet<String> = [
            &secrets.database_password,
            &secrets.key_id,
            &secrets.bearer,
            &secrets.api_key,
            &secrets.portal_password,
        ]
        .into_iter()
        .cloned()
        .collect();
        all.insert(secrets.card.to_owned());
        for person in &PEOPLE {
            for text in [person.email, person.phone, person.user] {
                all.insert(text.to_owned());
            }
        }
        all
    }
}

/// Where and with whom a conversation takes place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'w> {
    pub(crate) world: &'w World,
    pub(crate) project: &'static Project,
    pub(crate) person: &'static Person,
    /// When the session begins.
    pub(crate) at_ms: u64,
}

impl Place<'_> {
    /// Puts the words of this place for `{part}`, `{other}`, `{root}`, `{ext}`, `{project}`, `{n}`, `{small}` and
    /// `{ticket}`. The choice of parts is the same for all texts of one `rng` state.
    pub(crate) fn fill(&self, words: &Words, template: &str) -> String {
        template
            .replace("{part}", words.part)
            .replace("{other}", words.other)
            .replace("{root}", self.project.root)
            .replace("{ext}", self.project.extension)
            .replace("{project}", self.project.name)
            .replace("{n}", &words.number.to_string())
            .replace("{small}", &words.small.to_string())
            .replace("{ticket}", &words.ticket)
    }

    /// Draws the words that one stretch of a conversation uses throughout.
    pub(crate) fn words(&self, rng: &mut Rng) -> Words {
        let first = rng.below(self.project.parts.len());
        let step = 1 + rng.below(self.project.parts.len() - 1);
        let second = (first + step) % self.project.parts.len();
        Words {
            part: self.project.parts[first],
            other: self.project.parts[second],
            number: rng.range(120, 9800),
            small: rng.range(3, 48),
            ticket: format!("OPS-{}", rng.range(210, 1890)),
        }
    }

    /// A directory of the person at home.
    pub(crate) fn home(&self) -> String {
        format!("/home/{}", self.person.user)
    }
}

/// What one stretch of a conversation is about.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) part: &'static str,
    pub(crate) other: &'static str,
    pub(crate) number: u64,
    pub(crate) small: u64,
    pub(crate) ticket: String,
}
