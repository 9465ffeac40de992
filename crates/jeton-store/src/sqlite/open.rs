//! Opening a SQLite database.

use super::priority;
use crate::error::OpenError;
use crate::migrations;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, query_scalar};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a statement waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many rows of an answer the thread of a connection may be ahead of the task that reads them. With few, the two
/// wake each other up once for every few rows, which takes longer than the rows do.
const ROW_BUFFER: usize = 1_024;
/// How much of the file a connection that reads keeps, negative: in KiB (SQLite's default is 2,000). Each connection has
/// this for itself, whereas the system keeps the file once for all of them and gives a page in a microsecond.
const CACHE_SIZE: &str = "-512";
/// The same of the one that writes: each group of writes touches pages of every index.
const WRITER_CACHE_SIZE: &str = "-2000";
/// How often, and how long apart, the switch to WAL is tried, on which SQLite does not wait by itself. Together as long
/// as [`BUSY_TIMEOUT`].
const WAL_TRIES: u32 = 100;
const WAL_PAUSE: Duration = Duration::from_millis(50);
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

/// A connection to a backup, which is there already.
pub(crate) async fn connect_to_backup(
    path: &Path,
    is_read_only: bool,
) -> Result<SqliteConnection, OpenError> {
    connect(&options(path).read_only(is_read_only)).await
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROW_BUFFER)
        .pragma("cache_size", CACHE_SIZE)
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

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, OpenError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match options.connect().await {
            Err(error) if is_busy(&error) && tries < WAL_TRIES => tokio::time::sleep(WAL_PAUSE).await,
            connection => return connection.map_err(OpenError::unavailable),
        }
    }
}

/// Whether another process has the database locked (SQLITE_BUSY, of which the lower eight bits are 5).
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
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

/// The version of the schema that the database has; 0 if it has none.
pub(crate) async fn version(connection: &mut SqliteConnection) -> Result<i64, OpenError> {
    let table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?";
    let tables: i64 = query_scalar(table)
        .bind(migrations::TABLE)
        .fetch_one(&mut *connection)
        .await
        .map_err(OpenError::unavailable)?;
    if tables == 0 {
        return Ok(0);
    }
    let newest = format!("SELECT coalesce(max(version), 0) FROM {}", migrations::TABLE);
    query_scalar(AssertSqlSafe(newest)).fetch_one(connection).await.map_err(OpenError::unavailable)
}
