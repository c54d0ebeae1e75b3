//! `predict`: writes what the production code says about one labelled set, for a scorer to compare. One file per
//! kind of set; none of them decides anything itself.

mod blame;
mod cron;
mod events;
mod labels;
mod outcome;
mod rows;
mod run;
mod spans;
mod stats;
mod text;

pub(crate) use run::{Job, Predicted, SETS, predict, run};
