//! Whose work a failure would be, from its error class and its words: `docs/CLASSES.md`.
//!
//! Neighbours: `tool_failure` and `user` ask; `provider_error` knows the causes of providers itself. Must not judge whether
//! anything failed.

use crate::outcome::ErrorClass;
use crate::signal::Class;

/// Which part of the product's quality a failure of a class speaks of: `docs/CLASSES.md`.
pub(super) fn quality(class: ErrorClass, message: &str) -> Class {
    let lower = message.to_lowercase();
    match class {
        ErrorClass::Unavailable if is_missing_key(&lower) => Class::SafetyCompliance,
        ErrorClass::Unavailable if is_switched_off(&lower) => Class::CapabilityGap,
        ErrorClass::Unavailable if lower.contains("no tab is connected") => Class::ProcessTooling,
        ErrorClass::Timeout
        | ErrorClass::RateLimit
        | ErrorClass::Network
        | ErrorClass::Unavailable => Class::ReliabilityPerf,
        ErrorClass::Crash if is_killed(&lower) => Class::ReliabilityPerf,
        // Python's own guard of a system's packages asks for another way, not for a right.
        ErrorClass::AuthPermission if lower.contains("externally-managed") => Class::ProcessTooling,
        ErrorClass::AuthPermission => Class::SafetyCompliance,
        ErrorClass::NotFound if is_missing_ability(&lower) => Class::CapabilityGap,
        ErrorClass::Other if is_other_version(&lower) => Class::CapabilityGap,
        // Programs that ask a person before they go on, where there is none.
        ErrorClass::Other if lower.contains("no tty") || lower.contains("no_tty") => {
            Class::ProcessTooling
        }
        ErrorClass::EditMismatch | ErrorClass::State => Class::ProcessTooling,
        ErrorClass::UserRejected => Class::UxFriction,
        ErrorClass::NotFound
        | ErrorClass::BadArguments
        | ErrorClass::CheckFailed
        | ErrorClass::Crash
        | ErrorClass::Other => Class::Defect,
    }
}

/// Whether a feature is off for want of a key.
fn is_missing_key(lower: &str) -> bool {
    [
        "api key",
        "api_key",
        "apikey",
        "access token",
        "credentials",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// Whether what is wanted is not part of this set-up: there is none, or a setting must turn it on.
fn is_switched_off(lower: &str) -> bool {
    [": no supported", "unavailable. enable ", "is not enabled"]
        .iter()
        .any(|words| lower.contains(words))
}

/// Whether the program was ended from outside, or its result was lost; it did not fall over by itself.
fn is_killed(lower: &str) -> bool {
    [
        "sigkill",
        "sigterm",
        "out of memory",
        "oomkilled",
        "oom-kill",
        "missing tool result",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// Whether the machine has a program in a version that does not do.
fn is_other_version(lower: &str) -> bool {
    lower.contains("is required (current") || lower.contains("unsupported engine")
}

/// Whether what is missing is a program, a module or a tool, not a file.
pub(super) fn is_missing_ability(lower: &str) -> bool {
    let phrases = [
        "command not found",
        // The shell's own code for it, where that is all there is.
        "exited with code 127",
        "no module named",
        "is not recognized",
        "not installed",
        "linker `",
        "executable file not found",
        "cannot find module",
        "could not find program",
        "package configuration file provided by",
        "unable to locate package",
        "has no installation candidate",
        // PowerShell, in whatever language it speaks.
        "commandnotfoundexception",
        "wurde nicht als name",
        "n'est pas reconnu comme nom d",
        "no se reconoce como nombre de",
        "não é reconhecido como nome de",
        "无法将",
    ];
    phrases.iter().any(|phrase| lower.contains(phrase))
        || (lower.starts_with("tool ") && lower.ends_with(" not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_the_class_of_whose_work_it_is() {
        for (class, message, want) in [
            (
                ErrorClass::Unavailable,
                "missing_tern_api_key",
                Class::SafetyCompliance,
            ),
            (
                ErrorClass::Unavailable,
                "Can't reach the service. (Error: No supported browser found)",
                Class::CapabilityGap,
            ),
            (
                ErrorClass::Unavailable,
                "Local maps are unavailable. Enable maps.local or use the remote ones.",
                Class::CapabilityGap,
            ),
            (
                ErrorClass::Unavailable,
                "Can't reach the service. (Error: relay is running, but no tab is connected.)",
                Class::ProcessTooling,
            ),
            (
                ErrorClass::Other,
                "ERR_ABORTED_NO_TTY  Aborted removal due to no TTY",
                Class::ProcessTooling,
            ),
            (
                ErrorClass::NotFound,
                "Could not find a package configuration file provided by \"Tern\" with any of",
                Class::CapabilityGap,
            ),
            (
                ErrorClass::Unavailable,
                "the service is switched off",
                Class::ReliabilityPerf,
            ),
            (
                ErrorClass::Crash,
                "Process exited with signal SIGKILL.",
                Class::ReliabilityPerf,
            ),
            (
                ErrorClass::AuthPermission,
                "error: externally-managed-environment",
                Class::ProcessTooling,
            ),
            (ErrorClass::Crash, "ValueError: no room 7", Class::Defect),
            (
                ErrorClass::NotFound,
                "tern: command not found",
                Class::CapabilityGap,
            ),
            (
                ErrorClass::NotFound,
                "Command exited with code 127",
                Class::CapabilityGap,
            ),
            (
                ErrorClass::NotFound,
                "E: Unable to locate package libtern-dev",
                Class::CapabilityGap,
            ),
            (
                ErrorClass::NotFound,
                "cat: notes.md: No such file or directory",
                Class::Defect,
            ),
            (
                ErrorClass::Other,
                "tern: v22+ is required (current: v20.1)",
                Class::CapabilityGap,
            ),
        ] {
            assert_eq!(quality(class, message), want, "{message}");
        }
    }
}
