use super::ground::Ground;
use super::reserve::Reserve;
use super::write_connection::WriteConnection;
use super::writer::Writer;
use super::{SqliteEngine, SqliteOptions, open, open_sqlite};
use crate::Progress;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::migrations::{SQLITE, migrate};
use crate::reading::Reading;
use crate::sql_store::SqlStore;
use crate::statements::Statement;
use crate::write::{Outcome, RevokeOperator, Write};
use jeton_core::{AppId, Cause, Digest, OperatorId, Timestamp};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, query_scalar};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jeton.db");
    (folder, path)
}

async fn pragma(connection: &mut SqliteConnection, name: &str) -> String {
    // Some return a number, some a text.
    let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
    query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

fn app(number: i64) -> AppId {
    AppId::new(number).unwrap()
}

/// A write without an effect.
fn write() -> Write {
    RevokeOperator { id: OperatorId::new(1).unwrap(), at: Timestamp::MIN, by: Cause::CLI }.into()
}

/// A connection without a reserve of disk space.
fn without_reserve(path: &Path, connection: SqliteConnection) -> WriteConnection {
    let ground = Arc::new(Ground::under(path, None).unwrap());
    WriteConnection::new(ground, connection, Reserve::beside(path, 0))
}

fn assert_unavailable(answer: &Result<Outcome, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn commits_are_synced() {
    let (_folder, path) = place();
    let mut writer = open::writer(&path).await.unwrap();
    assert_eq!(pragma(&mut writer, "journal_mode").await, "wal");
    assert_eq!(pragma(&mut writer, "synchronous").await, "2");
    assert_eq!(pragma(&mut writer, "foreign_keys").await, "1");
    assert_eq!(pragma(&mut writer, "secure_delete").await, "1");
    let timeout: i64 =
        query_scalar("SELECT timeout FROM pragma_busy_timeout").fetch_one(&mut writer).await.unwrap();
    assert_eq!(timeout, 5_000);
}

#[tokio::test]
async fn sqlite_is_built_as_the_configuration_says() {
    // Of `.cargo/config.toml`. SQLite itself does not say whether it was built to sync data without times.
    let flags = env!("LIBSQLITE3_FLAGS");
    assert!(flags.split(' ').any(|flag| flag == "-DHAVE_FDATASYNC=1"), "{flags}");
    let (_folder, path) = place();
    let mut writer = open::writer(&path).await.unwrap();
    let options: Vec<String> = query_scalar("PRAGMA compile_options").fetch_all(&mut writer).await.unwrap();
    assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
}

#[tokio::test]
async fn no_page_goes_to_a_folder_for_temporary_files() {
    let (_folder, path) = place();
    let mut writer = open::writer(&path).await.unwrap();
    let in_memory = "2";
    assert_eq!(pragma(&mut writer, "temp_store").await, in_memory);
}

#[tokio::test]
async fn readers_cannot_write() {
    let (_folder, path) = place();
    let engine = SqliteEngine::open(&path, SqliteOptions::default()).await.unwrap();
    let mut reader = engine.reader(Reading::Lookup).await.unwrap();
    assert_eq!(pragma(&mut reader, "query_only").await, "1");
    let written = Executor::execute(&mut *reader, "DELETE FROM tokens").await;
    assert!(written.unwrap_err().to_string().contains("readonly"));
}

/// Counts without end.
const ENDLESS: &str =
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

/// Long enough to conclude that something does not end, on any machine.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_scan_that_nobody_waits_for_ends_and_others_never_wait_for_it() {
    let (_folder, path) = place();
    let options = SqliteOptions { readers: 1, list_readers: 1, ..SqliteOptions::default() };
    let engine = SqliteEngine::open(&path, options).await.unwrap();
    for _ in 0..2 {
        let mut scan = timeout(LONG, engine.reader(Reading::Scan(app(1)))).await.unwrap().unwrap();
        let mut counting = Box::pin(query_scalar::<_, i64>(ENDLESS).fetch_one(&mut *scan));
        assert!(timeout(Duration::from_millis(50), &mut counting).await.is_err());
        for reading in [Reading::Lookup, Reading::Batch(app(1)), Reading::Page(app(1)), Reading::Scan(app(2))]
        {
            let mut other = timeout(LONG, engine.reader(reading)).await.unwrap().unwrap();
            assert_eq!(query_scalar::<_, i64>("SELECT 1").fetch_one(&mut *other).await.unwrap(), 1);
        }
        assert!(timeout(Duration::ZERO, &mut counting).await.is_err(), "it is still under way");
    }
    let mut scan = engine.reader(Reading::Scan(app(1))).await.unwrap();
    assert_eq!(query_scalar::<_, i64>("SELECT 1").fetch_one(&mut *scan).await.unwrap(), 1);
    drop(scan);
    timeout(LONG, engine.close()).await.unwrap();
}

#[tokio::test]
async fn a_list_takes_so_long_and_no_longer() {
    let (_folder, path) = place();
    let options = SqliteOptions { query_time: Duration::from_millis(300), ..SqliteOptions::default() };
    let store = SqlStore(SqliteEngine::open(&path, options).await.unwrap());
    let endless = Statement::fixed(
        sea_query::Query::select().expr(sea_query::Expr::cust(format!("({ENDLESS})"))).take(),
    );
    let answer = timeout(LONG, store.listed(Reading::Scan(app(1)), endless, |_| Ok(()))).await.unwrap();
    let Err(StoreError::Unavailable(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error.to_string(), "a statement took longer than 300 ms");
}

#[tokio::test]
async fn a_dead_writer_is_unavailable_and_never_a_hang() {
    let (_folder, path) = place();
    let connection = open::writer(&path).await.unwrap();
    let writer = Writer::start(without_reserve(&path, connection), 256, Arc::default()).unwrap();
    assert!(matches!(writer.write(write()).await, Ok(Outcome::RevokeOperator(false))));
    writer.kill().await;
    assert_unavailable(&writer.write(write()).await);
    writer.close().await;
}

/// Trying each write alone would make every caller wait for the lock once more.
#[tokio::test]
async fn a_locked_database_fails_the_whole_group_at_once() {
    let (_folder, path) = place();
    let mut connection = open::writer(&path).await.unwrap();
    connection.execute("PRAGMA busy_timeout = 200").await.unwrap();
    let mut other = open::writer(&path).await.unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let writer = Writer::start(without_reserve(&path, connection), 256, Arc::default()).unwrap();
    // One group or two, so 200 or 400 ms; each alone after that would make it 1,000 or more.
    let begun = tokio::time::Instant::now();
    let answers = tokio::join!(
        writer.write(write()),
        writer.write(write()),
        writer.write(write()),
        writer.write(write())
    );
    let waited = begun.elapsed();
    for answer in [&answers.0, &answers.1, &answers.2, &answers.3] {
        assert_unavailable(answer);
    }
    assert!(waited.as_millis() < 900, "{waited:?}");
    lock.rollback().await.unwrap();
    assert!(writer.write(write()).await.is_ok(), "it goes on when the lock is gone");
}

#[tokio::test]
async fn a_database_of_an_older_version_is_brought_up_to_date() {
    let (_folder, path) = place();
    let mut older =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    migrate(&mut older, &SQLITE[..1]).await.unwrap();
    for sql in [
        "INSERT INTO apps VALUES (1, 'demo', 'client', x'00', '{}', NULL, 0, 0, 1, 1, NULL)",
        "INSERT INTO tokens (app_id, kind, digest, digest_key_id, is_foreign, user_is_stand_in, created_at, updated_at, \
         scopes, revision) VALUES (1, 'grant', zeroblob(32), 1, 0, 0, 5, 5, '[]', 1)",
    ] {
        older.execute(sql).await.unwrap();
    }
    older.close().await.unwrap();
    let store = open_sqlite(&path, SqliteOptions::default()).await.unwrap();
    let found = store.find_tokens(&[Digest::ZERO]).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].token.spec.document, found[0].token.left_loopback), (&None, false));
    store.close().await;
}

#[tokio::test]
async fn a_backup_of_an_older_version_is_read_and_left_as_it_is() {
    let (_folder, path) = place();
    let mut older =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    migrate(&mut older, &SQLITE[..2]).await.unwrap();
    older
        .execute("INSERT INTO genesis VALUES (1, 5); INSERT INTO key_checks VALUES (1, x'01')")
        .await
        .unwrap();
    older.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let report = crate::check_backup(&path, &Progress::default()).await.unwrap();
    assert_eq!((report.faults, report.key_checks.len()), (vec![], 1));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
