//! Reading sessions with a language model: what it is shown, what of its answer counts, what it may cost.
//!
//! Reading order: [`Transcript`] (a session as scrubbed text), `chunk` (pieces of it, cut where turns begin), `prompt`
//! (the instructions, and the key under which an answer is kept), `reply` (the strict form of an answer), `check`
//! (claims become signals only when their quote is found), [`budget`] (reserve, then settle), [`sample`] (which sessions
//! when not all can be paid for), [`coverage`] (the record of what was read and what was not). Must not know any model,
//! network or store.

pub mod budget;
mod check;
mod chunk;
pub mod coverage;
mod prompt;
mod reply;
pub mod sample;
mod transcript;

pub use budget::tokens_about;
pub use check::{Claims, Finding, Thrown, check, is_from_model, signals};
pub use chunk::{Chunk, ChunkLimits, chunks};
pub use prompt::{INSTRUCTIONS, PROMPT_VERSION, cache_key, repair_instructions};
pub use reply::{BadReply, Claim, parse};
pub use transcript::{ENTRIES_MAX, ENTRY_BYTES_MAX, Entry, Role, TEXT_BYTES_MAX, Transcript};
