//! How many files this process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Asks for as many file descriptors as the system lets this process have, and answers how many those are.
///
/// The limit that processes start with is low for the sake of programs that use select(2), which Jeton does not.
pub(crate) fn raise_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let current = limit.current;
    limit.current = limit.maximum;
    let granted = match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.current,
        Err(error) => {
            tracing::warn!("the limit of open files stays what it is: {error}");
            current
        }
    };
    // None: there is no limit.
    granted.map_or(usize::MAX, |granted| usize::try_from(granted).unwrap_or(usize::MAX))
}
