//! Every limit of the mine, in one place.

/// Longest quote kept as evidence, bytes.
pub const QUOTE_BYTES_MAX: usize = 400;
/// Longest summary, bytes.
pub const SUMMARY_BYTES_MAX: usize = 200;
/// Longest line that is parsed; a longer one is skipped with a reason. Bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Deepest JSON nesting accepted.
pub const JSON_DEPTH_MAX: usize = 128;
/// Longest prefix of a message that the normaliser and the scrubber look at, bytes.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Most signals one session may give; the rest is counted, not kept.
pub const SIGNALS_PER_SESSION_MAX: usize = 2_000;
/// Most skipped entries kept in full per session; the rest is counted.
pub const SKIPPED_PER_SESSION_MAX: usize = 100;
/// Longest text of one user turn that is looked at, bytes.
pub const USER_TEXT_BYTES_MAX: usize = 64 * 1024;
/// Most tool calls remembered while they wait for their result.
pub const PENDING_CALLS_MAX: usize = 1_024;
/// How much of the beginning of a tool result is looked at, bytes.
pub const RESULT_HEAD_BYTES: usize = 6 * 1024;
/// How much of the end of a tool result is looked at, bytes.
pub const RESULT_TAIL_BYTES: usize = 2 * 1024;
