//! What threads that compute for long are worth beside others. Where processors are scarce, look-ups of single tokens and the
//! runtime that answers them come first.

use rustix::process::setpriority_process;
use sqlx::sqlite::SqliteConnection;

/// After how many steps of SQLite's machine a statement gives way, and looks whether anybody waits for it: some tens of
/// microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 5_000;

/// How much less than others, in steps of nice, the threads that write are worth: as much as the requests that write.
pub(super) const WRITER: i32 = 5;

/// The same of a thread that lists: it may have what look-ups and the requests of others leave. On a machine that is busy
/// with lists alone that is all of it.
pub(super) const LISTS: i32 = 10;

/// Makes the thread that calls less urgent. Where its priority may not be changed, it stays as it is.
pub(super) fn lower_this_thread(steps: i32) {
    let _ = setpriority_process(None, steps);
}

/// Makes the thread of a connection less urgent, and lets it give way while it computes. A statement ends when `is_wanted` says
/// that it is not.
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
        // However little a thread is worth, Linux leaves it the rest of its time slice, some milliseconds, when a more urgent
        // one wakes up.
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
