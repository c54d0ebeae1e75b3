//! Which trouble may pass and which will not, and running blocking work.
//!
//! Neighbours: every activity. Must not know what was being done: the caller says so.

use std::io::{self, ErrorKind};

use engine::ActivityCx;
use kernel::Failure;

/// Too many open files, in the system and in the process: the same numbers on Linux and macOS.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// Whether the same call may succeed in a while, without anybody changing the files.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    if matches!(error.raw_os_error(), Some(ENFILE | EMFILE)) {
        return true;
    }
    [
        ErrorKind::Interrupted,
        ErrorKind::WouldBlock,
        ErrorKind::TimedOut,
        ErrorKind::OutOfMemory,
        ErrorKind::StorageFull,
        ErrorKind::FileTooLarge,
        ErrorKind::QuotaExceeded,
        ErrorKind::ResourceBusy,
        ErrorKind::StaleNetworkFileHandle,
    ]
    .contains(&error.kind())
}

/// The failure of an attempt that could not do something with a file; `doing` fits after "could
/// not".
pub(crate) fn io_failure(doing: &str, error: &io::Error) -> Failure {
    let message = format!("could not {doing}: {error}");
    if may_pass(error) {
        Failure::retryable("Io", message)
    } else {
        Failure::permanent("Io", message)
    }
}

/// What a person is told about a file that could not be read. Carries no path: the place stands
/// beside it.
pub(crate) fn reason(error: &io::Error) -> String {
    let kind = error.kind();
    if kind == ErrorKind::NotFound {
        "not there any more".to_owned()
    } else if kind == ErrorKind::PermissionDenied {
        "not readable: permission denied".to_owned()
    } else if kind == ErrorKind::IsADirectory {
        "is a directory, not a file".to_owned()
    } else if is_link_loop(error) {
        "a loop of links".to_owned()
    } else {
        format!("not readable: {error}")
    }
}

/// `ELOOP` has no stable [`ErrorKind`], and its number differs between systems.
fn is_link_loop(error: &io::Error) -> bool {
    let number = if cfg!(target_os = "linux") { 40 } else { 62 };
    error.raw_os_error() == Some(number)
}

/// Fails when nobody wants the result of the attempt any more.
pub(crate) fn check_canceled(cx: &ActivityCx) -> Result<(), Failure> {
    if cx.is_canceled() {
        return Err(Failure::canceled("the attempt was told to stop"));
    }
    Ok(())
}

/// Runs work that blocks on the disk or the processor away from the async threads.
///
/// **Cancel**: a dropped future leaves the work running to its end; it must look at
/// [`ActivityCx::is_canceled`] itself.
pub(crate) async fn blocking<T: Send + 'static>(
    cx: &ActivityCx,
    work: impl FnOnce(&ActivityCx) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let cx = cx.clone();
    match tokio::task::spawn_blocking(move || work(&cx)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            // The worker turns it into the failure of this attempt.
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Failure::canceled("the process is ending")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Retry;

    #[test]
    fn a_full_disk_and_a_full_table_of_files_are_tried_again_and_the_rest_is_not() {
        let retry = |error: io::Error| io_failure("write the report", &error).retry;
        assert_eq!(
            retry(io::Error::from_raw_os_error(EMFILE)),
            Retry::Retryable
        );
        assert_eq!(retry(ErrorKind::StorageFull.into()), Retry::Retryable);
        assert_eq!(retry(ErrorKind::PermissionDenied.into()), Retry::Permanent);
        assert_eq!(retry(io::Error::from_raw_os_error(5)), Retry::Permanent);
        let failure = io_failure("write the report", &ErrorKind::PermissionDenied.into());
        assert_eq!(
            failure.message,
            "could not write the report: permission denied"
        );
    }
}
