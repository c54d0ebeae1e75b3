//! The mine: session formats, events, detectors, fingerprints, rollups, scrubbing. Pure.
//!
//! Reading order: [`signal`] (what comes out), [`limits`].

pub mod blame;
pub mod chain;
mod detect;
pub mod event;
pub mod explain;
pub mod fingerprint;
pub mod formats;
pub mod hash;
mod json;
mod json_path;
pub mod limits;
pub mod line;
pub mod llm;
pub mod mine;
pub mod naming;
pub mod normalise;
pub mod outcome;
pub mod rank;
mod records;
pub mod registry;
pub mod report;
pub mod rollup;
pub mod scrub;
pub mod sentiment;
pub mod signal;
pub mod state_file;
pub mod ticket;
