//! `score`: predictions of every labelled set, judged by its scorer, in one table; and `fit`, which makes the table
//! of the sentiment model.

mod fit;
mod goals;
mod run;
mod table;

pub(crate) use fit::fit;
pub(crate) use run::run;
