//! What was planted where, for whoever checks what the mine finds.
//!
//! Neighbours: the writers add occurrences with their line numbers; `plan` adds what each plant is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Version of the layout.
const SCHEMA_VERSION: u32 = 1;

/// The lists of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    Planted,
    Trap,
    Delight,
    Frustration,
}

/// A line that matters, not yet known by number.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) list: List,
    pub(crate) id: &'static str,
}

impl Mark {
    pub(crate) fn new(list: List, id: &'static str) -> Self {
        Self { list, id }
    }
}

/// What an id stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) list: List,
    pub(crate) id: &'static str,
    pub(crate) class: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) what: &'static str,
    /// Words that stand on every line of the occurrences.
    pub(crate) marker: &'static str,
}

/// One line of one file; lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Occurrence {
    pub(crate) file: String,
    pub(crate) line: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Planted {
    pub(crate) id: &'static str,
    kind: &'static str,
    class: &'static str,
    tool: &'static str,
    what: &'static str,
    pub(crate) marker: &'static str,
    pub(crate) occurrences: Vec<Occurrence>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Noted {
    pub(crate) id: &'static str,
    what: &'static str,
    pub(crate) marker: &'static str,
    pub(crate) occurrences: Vec<Occurrence>,
}

/// A file, or a line of it, that cannot be read as it should.
#[derive(Debug, Serialize)]
pub(crate) struct Damaged {
    pub(crate) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    pub(crate) what: &'static str,
}

/// The manifest as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Manifest {
    schema_version: u32,
    seed: u64,
    /// Transcripts, without copies of them, run logs and indexes.
    pub(crate) sessions: usize,
    pub(crate) planted: Vec<Planted>,
    pub(crate) traps: Vec<Noted>,
    pub(crate) delight: Vec<Noted>,
    pub(crate) frustration: Vec<Noted>,
    /// What no output may ever hold.
    pub(crate) private: BTreeSet<String>,
    pub(crate) damaged: Vec<Damaged>,
}

/// The manifest in the making.
#[derive(Debug, Default)]
pub(crate) struct Book {
    places: BTreeMap<(List, &'static str), Vec<Occurrence>>,
    pub(crate) sessions: usize,
    private: BTreeSet<String>,
    pub(crate) damaged: Vec<Damaged>,
}

impl Book {
    pub(crate) fn new(private: BTreeSet<String>) -> Self {
        Self {
            private,
            ..Self::default()
        }
    }

    /// Notes that a marked line was written.
    pub(crate) fn note(&mut self, mark: &Mark, file: &str, line: u64) {
        self.places
            .entry((mark.list, mark.id))
            .or_default()
            .push(Occurrence {
                file: file.to_owned(),
                line,
            });
    }

    /// Joins the occurrences with what they are.
    pub(crate) fn finish(mut self, seed: u64, about: &[About]) -> Manifest {
        let mut manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            seed,
            sessions: self.sessions,
            planted: Vec::new(),
            traps: Vec::new(),
            delight: Vec::new(),
            frustration: Vec::new(),
            private: self.private,
            damaged: self.damaged,
        };
        for about in about {
            let mut occurrences = self
                .places
                .remove(&(about.list, about.id))
                .unwrap_or_default();
            occurrences.sort();
            let noted = Noted {
                id: about.id,
                what: about.what,
                marker: about.marker,
                occurrences,
            };
            match about.list {
                List::Planted => manifest.planted.push(Planted {
                    id: about.id,
                    kind: "error",
                    class: about.class,
                    tool: about.tool,
                    what: about.what,
                    marker: about.marker,
                    occurrences: noted.occurrences,
                }),
                List::Trap => manifest.traps.push(noted),
                List::Delight => manifest.delight.push(noted),
                List::Frustration => manifest.frustration.push(noted),
            }
        }
        assert!(
            self.places.is_empty(),
            "marks that nobody explains: {:?}",
            self.places.keys()
        );
        manifest
    }
}
