//! Connections to SQLite files of any purpose.

use crate::error::OpenError;
use sqlx::ConnectOptions;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another process's write.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many rows of an answer the thread of a connection may be ahead of the task that reads them. With few,
/// the two wake each other every few rows, which takes longer than the rows do.
const ROW_BUFFER: usize = 1_024;
/// The page cache of a reading connection, negative: in KiB (SQLite's default is 2,000). Each connection has
/// its own, whereas the system caches the file once for all of them and returns a page in a microsecond.
const CACHE_SIZE: &str = "-512";
/// How many times, and at what interval, the switch to WAL is tried, for which SQLite does not wait by
/// itself. Together as long as [`BUSY_TIMEOUT`].
const WAL_TRIES: u32 = 100;
const WAL_PAUSE: Duration = Duration::from_millis(50);

/// A connection to an existing backup.
pub(crate) async fn connect_to_backup(
    path: &Path,
    is_read_only: bool,
) -> Result<SqliteConnection, OpenError> {
    connect(&options(path).read_only(is_read_only)).await
}

/// How a file is opened.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROW_BUFFER)
        .pragma("cache_size", CACHE_SIZE)
}

pub(crate) async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, OpenError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match options.connect().await {
            Err(error) if is_busy(&error) && tries < WAL_TRIES => tokio::time::sleep(WAL_PAUSE).await,
            connection => return connection.map_err(OpenError::unavailable),
        }
    }
}

/// Whether another process has locked the database (SQLITE_BUSY, 5 in the lower eight bits).
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
}
