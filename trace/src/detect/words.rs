//! The words and phrases of feeling, small lists in several languages.
//!
//! Precision first: a word that people also use in plain speech is not here. Neighbours: `user` decides how much a
//! hit weighs. All lower case.

mod calm;
mod pleased;
mod upset;

pub(super) use calm::*;
pub(super) use pleased::*;
pub(super) use upset::*;
