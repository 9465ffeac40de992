//! Opening a SQLite database.

use super::priority;
use crate::error::OpenError;
use crate::sqlite_file::{BUSY_TIMEOUT, connect, options};
use crate::{migrations, unfinished};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The same for the writing connection: a group of 1,024 rows changes some 2,000 pages of the indexes, 8 MB, and those above them are
/// read for each row.
const WRITER_CACHE_SIZE: &str = "-16384";
/// The same for one that copies a whole database: most rows go into the middle of indexes that are larger than this.
const COPY_CACHE_SIZE: &str = "-65536";
/// The size to which a checkpoint truncates the write-ahead log, which a large import may have enlarged.
const JOURNAL_BYTES_MAX: &str = "67108864";

/// After how many pages a commit moves the write-ahead log into the database: 64 MiB, sixteen times SQLite's
/// default. A page that many commits touch is moved once for all of them.
const CHECKPOINT_PAGES: &str = "16000";

/// The writing connection to a database at the newest schema.
pub(super) async fn writer(path: &Path) -> Result<SqliteConnection, OpenError> {
    let mut connection = connect_to_write(path, WRITER_CACHE_SIZE).await?;
    unfinished::refuse(&mut connection).await?;
    migrate(&mut connection).await?;
    // The rollback data of a statement with many rows is kept in memory: for each group it would otherwise be
    // a file in the system's folder for temporary files, with pages of the database in it. Set after the
    // migrations, which may sort a lot.
    connection.execute("PRAGMA temp_store = MEMORY").await.map_err(OpenError::unavailable)?;
    priority::lower(&mut connection, priority::WRITER, || true).await.map_err(OpenError::unavailable)?;
    Ok(connection)
}

async fn connect_to_write(path: &Path, cache_size: &'static str) -> Result<SqliteConnection, OpenError> {
    create_if_missing(path).map_err(OpenError::unavailable)?;
    let options: SqliteConnectOptions = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged write is on disk: in WAL mode, only FULL syncs every commit.
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", JOURNAL_BYTES_MAX)
        .pragma("cache_size", cache_size)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        // Deleted data is overwritten, not only unlinked.
        .pragma("secure_delete", "ON");
    connect(&options).await
}

/// A connection that copies into a database, at the newest schema, whether or not it is an unfinished copy.
pub(crate) async fn copier(path: &Path) -> Result<SqliteConnection, OpenError> {
    let mut connection = connect_to_write(path, COPY_CACHE_SIZE).await?;
    migrate(&mut connection).await?;
    Ok(connection)
}

/// Writes a number into the header of the file.
pub(super) async fn stamp(connection: &mut SqliteConnection, stamp: i32) -> Result<(), OpenError> {
    // The checkpoint moves it from the write-ahead log into the file. A reader may block that; the next
    // checkpoint does it then.
    let sql = format!("PRAGMA user_version = {stamp}; PRAGMA wal_checkpoint(PASSIVE)");
    connection.execute(AssertSqlSafe(sql)).await.map(drop).map_err(OpenError::unavailable)
}

/// The reading connections.
pub(super) async fn readers(path: &Path, max: u32) -> Result<SqlitePool, OpenError> {
    SqlitePoolOptions::new()
        .max_connections(max)
        .acquire_timeout(BUSY_TIMEOUT)
        // A connection is a thread of this process: checking that it is alive costs as much as the query
        // itself.
        .test_before_acquire(false)
        .connect_with(options(path).pragma("query_only", "ON"))
        .await
        .map_err(OpenError::unavailable)
}

/// A separate connection for reading.
pub(crate) async fn reader(path: &Path) -> Result<SqliteConnection, OpenError> {
    connect(&options(path).pragma("query_only", "ON")).await
}

/// Creates the file with mode 0600; SQLite gives its companions the same.
fn create_if_missing(path: &Path) -> io::Result<()> {
    static CREATING: Mutex<()> = Mutex::new(());
    // Closing a file releases all locks that this process has on it (POSIX), including SQLite's. No other
    // part of this process can have the new file open yet, because all come through here first.
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    // Usually no lock is needed, so a command does not wait for a server that is busy writing.
    if !migrations::found(connection).await?.is_behind(migrations::SQLITE)? {
        return Ok(());
    }
    let begin = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begin.map_err(OpenError::unavailable)?;
    // Again under the lock: another process may have been faster.
    if migrations::found(&mut *transaction).await?.is_behind(migrations::SQLITE)? {
        migrations::migrate(&mut *transaction, migrations::SQLITE).await?;
    }
    transaction.commit().await.map_err(OpenError::unavailable)
}
