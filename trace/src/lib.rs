//! The mine: session formats, events, detectors, fingerprints, rollups, scrubbing. Pure.
//!
//! Reading order: [`signal`] (what comes out), [`limits`].

pub mod limits;
pub mod signal;
pub mod fingerprint;
pub mod hash;
pub mod normalise;
pub mod scrub;
pub mod rank;
pub mod rollup;
pub mod report;
pub mod ticket;
mod detect;
pub mod event;
pub mod formats;
pub mod line;
pub mod mine;
pub mod outcome;
