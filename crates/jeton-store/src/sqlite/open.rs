//! Opening a SQLite database.

use super::priority;
use crate::error::OpenError;
use crate::migrations;
use crate::sqlite_file::{BUSY_TIMEOUT, connect, options, version};
use sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The same of the one that writes: each group of writes touches pages of every index.
const WRITER_CACHE_SIZE: &str = "-2000";
/// To what size a checkpoint cuts the write-ahead log, which a large import may have made long.
const JOURNAL_BYTES_MAX: &str = "67108864";

/// After how many pages a commit moves the write-ahead log into the database: 16 MiB, four times what SQLite does by
/// itself. A page that many commits touch is moved once for all of them.
const CHECKPOINT_PAGES: &str = "4000";

/// The connection that writes, of a database that is at the newest schema.
pub(super) async fn writer(path: &Path) -> Result<SqliteConnection, OpenError> {
    create_if_missing(path).map_err(OpenError::unavailable)?;
    let options = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged write is on disk: in WAL mode, only FULL syncs every commit.
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", JOURNAL_BYTES_MAX)
        .pragma("cache_size", WRITER_CACHE_SIZE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        // What is wiped is overwritten, not just forgotten.
        .pragma("secure_delete", "ON");
    let mut connection = connect(&options).await?;
    migrate(&mut connection).await?;
    // What undoes a statement of many rows is kept in memory: of each group it would be a file in the machine's folder for
    // temporary ones, with pages of the database in it. Set after the migrations, which may have a lot to sort.
    connection.execute("PRAGMA temp_store = MEMORY").await.map_err(OpenError::unavailable)?;
    priority::lower(&mut connection, priority::WRITER, || true).await.map_err(OpenError::unavailable)?;
    Ok(connection)
}

/// Writes a number into the beginning of the file.
pub(super) async fn stamp(connection: &mut SqliteConnection, stamp: i32) -> Result<(), OpenError> {
    // The checkpoint brings it from the write-ahead log into the file. A reader may hold it up; the next one will.
    let sql = format!("PRAGMA user_version = {stamp}; PRAGMA wal_checkpoint(PASSIVE)");
    connection.execute(AssertSqlSafe(sql)).await.map(drop).map_err(OpenError::unavailable)
}

/// The connections that read.
pub(super) async fn readers(path: &Path, max: u32) -> Result<SqlitePool, OpenError> {
    SqlitePoolOptions::new()
        .max_connections(max)
        .acquire_timeout(BUSY_TIMEOUT)
        // A connection is a thread of this process: asking whether it is alive costs as much as the question itself.
        .test_before_acquire(false)
        .connect_with(options(path).pragma("query_only", "ON"))
        .await
        .map_err(OpenError::unavailable)
}

/// A connection for reading that is nobody else's.
pub(super) async fn reader(path: &Path) -> Result<SqliteConnection, OpenError> {
    connect(&options(path).pragma("query_only", "ON")).await
}

/// Creates the file with mode 0600; SQLite gives its companions the same.
fn create_if_missing(path: &Path) -> io::Result<()> {
    static CREATING: Mutex<()> = Mutex::new(());
    // Closing a file drops all locks that this process has on it (POSIX), also those of SQLite. Nobody in this process
    // can have the new file open yet, because all come through here first.
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    // The usual case needs no lock, so a command does not wait for a server that is busy writing.
    if !migrations::is_behind(version(connection).await?, migrations::SQLITE)? {
        return Ok(());
    }
    let begin = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begin.map_err(OpenError::unavailable)?;
    // Again under the lock: another process may have been quicker.
    if migrations::is_behind(version(&mut transaction).await?, migrations::SQLITE)? {
        migrations::migrate(&mut *transaction, migrations::SQLITE).await?;
    }
    transaction.commit().await.map_err(OpenError::unavailable)
}
