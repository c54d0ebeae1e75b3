//! Every limit of the activities, in one place.

/// Deepest directory below a path that is walked.
pub const DEPTH_MAX: usize = 64;
/// Most directory entries looked at in one run.
pub const ENTRIES_MAX: u64 = 10_000_000;
/// Most skipped files kept in full in a manifest; the rest is counted.
pub const SKIPPED_MAX: usize = 5_000;
/// Most citations in one snapshot.
pub const CITATIONS_MAX: usize = 20;
/// Rollups shown in `rollup.md`.
pub const ROLLUPS_SHOWN_MAX: usize = 50;
/// Longest slug of a ticket, bytes.
pub const SLUG_BYTES_MAX: usize = 48;
/// Longest reply of a model that is read, bytes.
pub const REPLY_BYTES_MAX: usize = 256 * 1024;
/// Most bytes that a compressed session file may expand to.
pub const EXPANDED_BYTES_MAX: u64 = 16 << 30;
/// Longest wait for a program that keeps a store busy, milliseconds.
pub const BUSY_MS_MAX: u64 = 5_000;
/// Most sessions and jobs taken from one store.
pub const STORE_PARTS_MAX: usize = 200_000;
/// Longest row of a store that is read; a longer one is skipped as a line. Bytes.
pub const ROW_BYTES_MAX: u32 = 64 << 20;
/// Most files of one directory of a session that lies in many.
pub const PIECES_MAX: usize = 200_000;
/// Longest file of such a session, bytes.
pub const PIECE_BYTES_MAX: u64 = 16 << 20;
/// Most bytes of one message of such a session; later parts of it are skipped.
pub const MESSAGE_OF_PIECES_BYTES_MAX: usize = 32 << 20;
/// Most skipped files of such a session that are named; the rest is counted.
pub const PIECES_SKIPPED_MAX: usize = 100;
/// Longest brief that a model writes, tokens.
pub const BRIEF_TOKENS_MAX: u64 = 8_192;
/// Longest answer about one piece of a session, tokens.
pub const ANSWER_TOKENS_MAX: u64 = 3_000;
/// Longest body of a provider's response, bytes.
pub const RESPONSE_BYTES_MAX: usize = 4 << 20;
/// Longest wait for a provider's response, seconds.
pub const RESPONSE_SECONDS_MAX: u64 = 180;
/// Longest wait that a provider may ask for, milliseconds; a longer one is cut to this.
pub const RETRY_AFTER_MS_MAX: u64 = 60 * 60 * 1_000;
/// Most names beside a state file that are compared with it.
pub const BESIDE_MAX: usize = 1_000_000;
