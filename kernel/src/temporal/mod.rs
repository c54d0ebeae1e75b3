//! Histories in the JSON shape that Temporal's tools write and read.
//!
//! Neighbours: [`export`] and [`import`] are each other's inverse for histories of this engine;
//! `values` holds what both share. Must not know files: a document comes in and goes out whole.

mod base64;
mod export;
mod import;
mod time;
mod values;

pub use export::export;
pub use import::{ImportError, Imported, import};

#[cfg(test)]
mod tests;
