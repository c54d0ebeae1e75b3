//! Every limit of the engine, in one place; Temporal's numbers where it has them.

/// Largest payload, bytes.
pub const PAYLOAD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What a larger payload counts towards the history limit, bytes: stores keep its pieces once,
/// however many events hold them.
pub const PAYLOAD_BYTES_COUNTED_MAX: usize = 64 * 1024;
/// Most events in one history.
pub const HISTORY_EVENTS_MAX: u64 = 51_200;
/// Most bytes in one history.
pub const HISTORY_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// A warning is due at this part of a limit.
pub const WARN_DIVISOR: u64 = 5;
/// Most activities pending at once in one run.
pub const PENDING_ACTIVITIES_MAX: usize = 2_000;
/// Most timers pending at once in one run.
pub const PENDING_TIMERS_MAX: usize = 2_000;
/// Most child workflow executions pending at once in one run.
pub const PENDING_CHILDREN_MAX: usize = 2_000;
/// Most search attributes, and most memo fields, of one run.
pub const VISIBLE_NAMES_MAX: usize = 100;
/// Largest value of one search attribute, bytes.
pub const SEARCH_ATTRIBUTE_BYTES_MAX: usize = 2 * 1024;
/// Largest search attributes of one run together, bytes.
pub const SEARCH_ATTRIBUTES_BYTES_MAX: usize = 40 * 1024;
/// Largest memo of one run, bytes.
pub const MEMO_BYTES_MAX: usize = 64 * 1024;
/// Most updates one run may take on.
pub const UPDATES_MAX: usize = 2_000;
/// Most updates of one run whose handlers are at work at once.
pub const UPDATES_IN_FLIGHT_MAX: usize = 10;
/// Most signals one run may receive.
pub const SIGNALS_MAX: u64 = 10_000;
/// History length at which continue-as-new is suggested. Code may have branched on it: with another
/// number, old histories do not replay.
pub const CONTINUE_AS_NEW_SUGGESTED_EVENTS: u64 = 4_096;
/// History size at which continue-as-new is suggested.
pub const CONTINUE_AS_NEW_SUGGESTED_BYTES: u64 = 4 * 1024 * 1024;
/// Lines that workflow code may log in one turn; the others are counted.
pub const LOG_LINES_PER_TURN_MAX: usize = 1_000;
/// Longest workflow id, bytes.
pub const WORKFLOW_ID_BYTES_MAX: usize = 1_000;
/// Most stages one workflow may declare.
pub const STAGES_MAX: usize = 64;
/// Longest name in a history, bytes: of a type, a signal, a stage, a breaker.
pub const NAME_BYTES_MAX: usize = 1_000;
/// Longest reason for a cancellation or termination, bytes.
pub const REASON_BYTES_MAX: usize = 10_000;
/// Longest message of a failure, bytes; longer ones are cut.
pub const FAILURE_MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Most failures under one another; deeper ones are dropped.
pub const FAILURE_CAUSES_MAX: usize = 16;
/// Most runs that one run may be made of, one after another, by resets and forks.
pub const ORIGIN_BASES_MAX: usize = 100;
