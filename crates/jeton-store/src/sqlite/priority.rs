//! Priorities of computing threads. If processors are scarce, look-ups of single tokens and the runtime that
//! answers them come first.

use rustix::process::setpriority_process;
use sqlx::sqlite::SqliteConnection;

/// After this many steps of SQLite's machine a statement yields, and checks whether it is still wanted: some
/// tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 5_000;

/// The niceness of the writing threads: as high as that of the requests that write.
pub(super) const WRITER: i32 = 5;

/// The niceness of a thread that lists: it gets what look-ups and the requests of others leave. On a machine
/// that is busy only with lists that is all of it.
pub(super) const LISTS: i32 = 10;

/// Lowers the priority of the calling thread. If that is not permitted, it stays as it is.
pub(super) fn lower_this_thread(steps: i32) {
    let _ = setpriority_process(None, steps);
}

/// Lowers the priority of a connection's thread, and makes it yield while it computes. A statement ends if
/// `is_wanted` returns false.
pub(super) async fn lower(
    connection: &mut SqliteConnection,
    steps: i32,
    is_wanted: impl Fn() -> bool + Send + 'static,
) -> sqlx::Result<()> {
    let mut is_lowered = false;
    // SQLite calls it on the connection's own thread, which nothing else can reach.
    connection.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_LOOKS, move || {
        if !std::mem::replace(&mut is_lowered, true) {
            lower_this_thread(steps);
        }
        // Whatever a thread's priority, Linux leaves it the rest of its time slice, some milliseconds, when
        // one with a higher priority wakes up.
        std::thread::yield_now();
        is_wanted()
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;
    use sqlx::{Connection, Executor};
    use std::sync::mpsc::channel;

    /// Long enough for its steps to be noticed.
    const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT max(i) FROM n";

    #[tokio::test]
    async fn the_thread_of_a_connection_is_less_urgent_and_no_other() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let mine = getpriority_process(None).unwrap();
        lower(&mut connection, LISTS, || true).await.unwrap();
        connection.execute(LONG).await.unwrap();
        let (found, priority) = channel();
        connection.lock_handle().await.unwrap().set_progress_handler(STEPS_BETWEEN_LOOKS, move || {
            found.send(getpriority_process(None).unwrap()).is_ok()
        });
        connection.execute(LONG).await.unwrap();
        assert_eq!(priority.recv().unwrap(), LISTS);
        assert_eq!(getpriority_process(None).unwrap(), mine);
    }
}
