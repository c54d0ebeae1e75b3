//! `tidy`: what the compiler and clippy do not check. Each check is a function over files in
//! memory, with a test that shows that it can fail.

mod files;
mod report;
mod rings;
mod text;

pub(crate) use report::run;
