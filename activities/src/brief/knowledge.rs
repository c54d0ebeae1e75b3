//! What is known of each class of error before any evidence: usual causes, and what helps.
//!
//! Neighbours: the actor takes its words from here and holds them against the evidence. A usual
//! cause is a guess until a quote shows it. Must not know any particular session.

/// A way to deal with a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is done.
    pub what: &'static str,
    /// What it takes.
    pub cost: &'static str,
    /// What may go wrong.
    pub risk: &'static str,
}

/// What is known of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// Names of error classes that it covers.
    pub classes: &'static [&'static str],
    /// What the class means, for people.
    pub meaning: &'static str,
    /// The usual cause.
    pub cause: &'static str,
    /// Lowercase words of which one is in a quote that shows the usual cause.
    pub signs: &'static [&'static str],
    /// What the sessions cannot tell.
    pub unknown: &'static str,
    /// The first thing to look at.
    pub check: &'static str,
    /// Ways to deal with it, the recommended one first.
    pub choices: [Choice; 2],
}

/// What is known of a class; of no class in particular when it has no entry.
#[must_use]
pub fn of(error_class: &str) -> &'static Knowledge {
    let found = TABLE
        .iter()
        .find(|known| known.classes.contains(&error_class));
    found.unwrap_or(&ANY)
}

const ANY: Knowledge = Knowledge {
    classes: &[],
    meaning: "a failure that fits no known class",
    cause: "The failing step assumes something about its surroundings that does not hold.",
    signs: &[],
    unknown: "which assumption of the step does not hold",
    check: "Read the lines before the first citation up to the request that led to it.",
    choices: [
        Choice {
            what: "Reproduce the failing step alone, then make it say what it misses before it starts.",
            cost: "some hours",
            risk: "the step may fail only in its real surroundings",
        },
        Choice {
            what: "Tell the agent in its instructions how to go on after this failure.",
            cost: "minutes",
            risk: "hides the failure, and its cause stays",
        },
    ],
};

const TABLE: &[Knowledge] = &[
    Knowledge {
        classes: &["rate_limit"],
        meaning: "the other side refused because of too many requests",
        cause: "Requests of several sessions or jobs arrive together and share one limit.",
        signs: &["too many requests", "concurren", "requests per"],
        unknown: "how many requests shared the limit at that moment",
        check: "Compare the times of the citations with the times of scheduled jobs.",
        choices: [
            Choice {
                what: "Space requests out: one queue in front of the limit, waiting as long as the other side asks.",
                cost: "about a day",
                risk: "work takes longer when the queue is full",
            },
            Choice {
                what: "Ask for a higher limit, or add another key or provider to fall back on.",
                cost: "money",
                risk: "the next limit is met later in the same way",
            },
        ],
    },
    Knowledge {
        classes: &["quota", "billing"],
        meaning: "the account has nothing left to spend",
        cause: "The account behind the key ran out of credit or of its period's allowance.",
        signs: &[
            "credit",
            "quota",
            "billing",
            "balance",
            "usage limit",
            "payment",
            "budget",
        ],
        unknown: "who is told when the account runs low",
        check: "Open the account's usage page for the time of the citations.",
        choices: [
            Choice {
                what: "Alert well before the allowance ends, and stop scheduled work when it has ended.",
                cost: "about a day",
                risk: "an alert that nobody owns changes nothing",
            },
            Choice {
                what: "Fall back to another provider or a cheaper model until the allowance returns.",
                cost: "some hours",
                risk: "answers differ in quality while it lasts",
            },
        ],
    },
    Knowledge {
        classes: &["timeout"],
        meaning: "something took longer than it was allowed to",
        cause: "The work grew while its time limit stayed, so that the limit ends work that would finish.",
        signs: &["still running", "partial", "progress"],
        unknown: "how long the work would have taken without a limit",
        check: "Run the timed-out step by hand and take its time.",
        choices: [
            Choice {
                what: "Cut the step into parts that report progress, each with a limit of its own.",
                cost: "one or two days",
                risk: "parts that depend on each other need care",
            },
            Choice {
                what: "Raise the limit of this step.",
                cost: "minutes",
                risk: "a step that hangs holds its slot for longer",
            },
        ],
    },
    Knowledge {
        classes: &["auth_permission", "auth"],
        meaning: "the other side does not allow it",
        cause: "A credential is missing, has expired, or lacks a right that the call needs.",
        signs: &[
            "expired",
            "invalid",
            "missing",
            "unauthorized",
            "forbidden",
            "denied",
            "401",
            "403",
        ],
        unknown: "when the credential was last changed, and by whom",
        check: "Call the same service by hand with the credential that the agent uses.",
        choices: [
            Choice {
                what: "Check credentials and rights when the agent starts, and name the one to renew.",
                cost: "about a day",
                risk: "a right that is needed rarely may be left out of the check",
            },
            Choice {
                what: "Renew the credential or grant the right now.",
                cost: "minutes",
                risk: "it comes back when the credential ends again",
            },
        ],
    },
    Knowledge {
        classes: &["not_found"],
        meaning: "something that was named is not there",
        cause: "The agent names things from memory or by guess, without looking first.",
        signs: &["did you mean"],
        unknown: "whether the thing was ever there",
        check: "List the place that was named and compare it with the call.",
        choices: [
            Choice {
                what: "Let the failing tool answer with what is there, so that the next call can be right.",
                cost: "some hours",
                risk: "long lists take room in the conversation",
            },
            Choice {
                what: "Install or create what is missing, and state it in the agent's instructions.",
                cost: "minutes",
                risk: "instructions and reality drift apart again",
            },
        ],
    },
    Knowledge {
        classes: &["network"],
        meaning: "the other side could not be reached",
        cause: "A name does not resolve, a route is down, or a service does not listen where it is expected.",
        signs: &[
            "enotfound",
            "econnrefused",
            "econnreset",
            "refused",
            "resolve",
            "unreachable",
            "fetch failed",
        ],
        unknown: "whether the other side was down or the way to it",
        check: "Reach the same address from the same machine with another program.",
        choices: [
            Choice {
                what: "Try again with growing waits, and report the address when it stays away.",
                cost: "some hours",
                risk: "calls that change something may be made twice",
            },
            Choice {
                what: "Check the address before work that depends on it begins.",
                cost: "some hours",
                risk: "the network may fail between check and use",
            },
        ],
    },
    Knowledge {
        classes: &["overloaded", "unavailable", "server_error"],
        meaning: "the service is down, switched off or too busy",
        cause: "The provider has an outage or sheds load.",
        signs: &[
            "overloaded",
            "503",
            "502",
            "500",
            "529",
            "internal server error",
            "unavailable",
            "disabled",
        ],
        unknown: "whether the provider reported an outage at that time",
        check: "Compare the times of the citations with the provider's status page.",
        choices: [
            Choice {
                what: "Wait behind a circuit breaker, and go on when the service answers again.",
                cost: "about a day",
                risk: "work waits for as long as the outage lasts",
            },
            Choice {
                what: "Fall back to a second provider.",
                cost: "one or two days",
                risk: "answers differ, and both may fail together",
            },
        ],
    },
    Knowledge {
        classes: &["bad_arguments", "bad_request"],
        meaning: "the call itself was wrong",
        cause: "The description of the tool leaves open what it accepts, so the model guesses.",
        signs: &[
            "required",
            "must be",
            "must have",
            "expected",
            "invalid",
            "unknown option",
            "missing",
        ],
        unknown: "which wording of the tool's description misled the model",
        check: "Put the failing call beside the tool's schema and description.",
        choices: [
            Choice {
                what: "Tighten the schema and give one right example in the tool's description.",
                cost: "some hours",
                risk: "a longer description costs tokens in every call",
            },
            Choice {
                what: "Accept the common wrong form and correct it inside the tool.",
                cost: "some hours",
                risk: "a wrong guess is carried out instead of refused",
            },
        ],
    },
    Knowledge {
        classes: &["context_overflow"],
        meaning: "the conversation no longer fits into the model",
        cause: "Large results stay in the conversation until it is full.",
        signs: &["maximum context", "context length", "too long", "token"],
        unknown: "which results took the most room",
        check: "Sum the sizes of results in one affected session before the first citation.",
        choices: [
            Choice {
                what: "Cut large results when they arrive, and keep the whole in a file.",
                cost: "about a day",
                risk: "what was cut may have been needed",
            },
            Choice {
                what: "Compact the conversation earlier.",
                cost: "minutes",
                risk: "details are lost sooner",
            },
        ],
    },
    Knowledge {
        classes: &["edit_mismatch"],
        meaning: "an edit did not find the text that it was to replace",
        cause: "The file changed, or was never read, since the model formed the text to replace.",
        signs: &[
            "has been modified",
            "not been read",
            "changed since",
            "read it",
        ],
        unknown: "what the file held when the edit was made",
        check: "Look for the last read of the file before the first citation.",
        choices: [
            Choice {
                what: "Answer a failed edit with the lines that come nearest.",
                cost: "some hours",
                risk: "the nearest lines may be the wrong ones",
            },
            Choice {
                what: "Ask for a fresh read before every edit.",
                cost: "minutes",
                risk: "more calls and tokens for every edit",
            },
        ],
    },
    Knowledge {
        classes: &["check_failed"],
        meaning: "a test, build or other check said no",
        cause: "The check found a fault in work that was just done, which is what it is for.",
        signs: &["assert", "failed", "error:", "expected"],
        unknown: "whether the same check passed before the agent began",
        check: "Run the check on the state before the session.",
        choices: [
            Choice {
                what: "Run the check before the work begins, so that old faults are known.",
                cost: "minutes",
                risk: "slow checks delay every session",
            },
            Choice {
                what: "Mend the fault that the check names.",
                cost: "depends on the fault",
                risk: "the next fault of the same kind is found as late",
            },
        ],
    },
    Knowledge {
        classes: &["crash"],
        meaning: "a program fell over",
        cause: "The program does not expect the input or the state that it met.",
        signs: &[
            "panicked",
            "traceback",
            "exception",
            "segmentation",
            "core dumped",
            "undefined",
        ],
        unknown: "which input the program fell over",
        check: "Start the program again with the same input and keep its whole output.",
        choices: [
            Choice {
                what: "Find the failing input, write a test for it, and mend the program.",
                cost: "some days",
                risk: "the program may not be ours to mend",
            },
            Choice {
                what: "Check the input before the program is started.",
                cost: "some hours",
                risk: "the check knows only the inputs seen so far",
            },
        ],
    },
    Knowledge {
        classes: &["state"],
        meaning: "the surroundings were not in the state that the call needed",
        cause: "A step that has to come first was left out, or another session changed the same thing.",
        signs: &[
            "already",
            "must first",
            "first",
            "not running",
            "in progress",
            "locked",
        ],
        unknown: "who left the surroundings in that state",
        check: "List the calls on the same thing before the first citation, in all sessions of that time.",
        choices: [
            Choice {
                what: "Let the tool bring about the state it needs, or name the one step that does.",
                cost: "about a day",
                risk: "a tool that does more than asked can surprise",
            },
            Choice {
                what: "State the order of steps in the agent's instructions.",
                cost: "minutes",
                risk: "instructions are not always followed",
            },
        ],
    },
    Knowledge {
        classes: &["delivery"],
        meaning: "a job did its work, and its result did not reach anybody",
        cause: "The place that results are sent to is gone, not set up, or not allowed.",
        signs: &[
            "channel",
            "recipient",
            "chat not found",
            "target",
            "delivery",
        ],
        unknown: "since when nobody has received the results",
        check: "Send a test message to the job's destination.",
        choices: [
            Choice {
                what: "Check every job's destination when the schedule is loaded, and alert on the first failed delivery.",
                cost: "about a day",
                risk: "a destination may fail after the check",
            },
            Choice {
                what: "Set the destination of the affected jobs anew.",
                cost: "minutes",
                risk: "the next change breaks it again without notice",
            },
        ],
    },
    Knowledge {
        classes: &["control_token", "empty_answer"],
        meaning: "a person asked and got no answer",
        cause: "Rules for scheduled turns, where silence is right, were applied to a person's turn.",
        signs: &["heartbeat_ok", "no_reply", "reply_skip", "announce_skip"],
        unknown: "whether the person got an answer another way",
        check: "Read the instructions that were in force at the cited turns.",
        choices: [
            Choice {
                what: "Refuse an empty answer or a control token when the last turn came from a person.",
                cost: "some hours",
                risk: "a person who asked for silence gets a needless answer",
            },
            Choice {
                what: "Say in the instructions that control tokens are for scheduled turns only.",
                cost: "minutes",
                risk: "instructions are not always followed",
            },
        ],
    },
    Knowledge {
        classes: &["aborted_run"],
        meaning: "a run was ended from outside before it was done",
        cause: "A restart or a time limit of the harness ended the run.",
        signs: &["restart", "timed out", "timeout", "shutdown", "sigterm"],
        unknown: "what of the work was done before the end",
        check: "Compare the times of the citations with restarts of the harness.",
        choices: [
            Choice {
                what: "Keep progress outside the conversation, so that an ended run can go on.",
                cost: "some days",
                risk: "kept progress can be stale",
            },
            Choice {
                what: "Restart only when no run is open.",
                cost: "some hours",
                risk: "a long run delays urgent restarts",
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_class_has_one_entry_and_unknown_ones_the_general_one() {
        let classes: Vec<&str> = TABLE
            .iter()
            .flat_map(|known| known.classes)
            .copied()
            .collect();
        let different: BTreeSet<&str> = classes.iter().copied().collect();
        assert_eq!(classes.len(), different.len());
        assert_eq!(of("rate_limit").classes, ["rate_limit"]);
        assert_eq!(of("no such class").classes, ANY.classes);
    }

    #[test]
    fn no_entry_holds_a_number_that_would_need_a_citation() {
        for known in TABLE.iter().chain([&ANY]) {
            let texts = [known.meaning, known.cause, known.unknown, known.check];
            assert!(
                texts
                    .iter()
                    .all(|text| !text.contains(|c: char| c.is_ascii_digit()))
            );
            assert!(known.cause.ends_with('.') && known.check.ends_with('.'));
            let ends = known.cause.matches(". ").count();
            assert_eq!(ends, 0, "a cause is one sentence: {}", known.cause);
        }
    }
}
