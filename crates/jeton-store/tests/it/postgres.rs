//! What only PostgreSQL does.

use crate::database::{Location, TestDatabase};
use crate::fixture::*;
use jeton_core::ChangeKind;
use jeton_store::write::TrimChanges;
use jeton_store::{Change, OpenError, PostgresOptions, open_postgres};
use jeton_testkit::Cluster;
use sqlx::{Connection, Executor, PgConnection};

/// Writes an entry of the change log, as a store would.
const WRITE_ENTRY: &str = "INSERT INTO changes (at, kind, actor) VALUES (0, 'operator.revoked', 'client')";
const WRITE_OTHER_ENTRY: &str = "INSERT INTO changes (at, kind, actor) VALUES (0, 'app.deleted', 'client')";

fn kinds(changes: &[Change]) -> Vec<ChangeKind> {
    changes.iter().map(|change| change.kind).collect()
}

async fn connect(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(database.url()).await.unwrap()
}

#[tokio::test]
async fn a_slower_transaction_holds_back_what_is_numbered_after_it() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = TestDatabase::new(Location::postgres()).await;
    let (store, app) = begin_on(&database).await;
    let start = database.last_change().await;
    let mut slower = connect(&database).await;
    let mut transaction = slower.begin().await.unwrap();
    transaction.execute(WRITE_ENTRY).await.unwrap();
    issue(store, app.id, new_token(1)).await;
    for _ in 0..20 {
        assert_eq!(store.changes(start, 10).await.unwrap(), []);
    }
    transaction.commit().await.unwrap();
    let changes = database.changes_after(start).await;
    assert_eq!(kinds(&changes), [ChangeKind::OperatorRevoked, ChangeKind::TokenIssued]);
    assert_eq!(changes[1].sequence, changes[0].sequence + 1, "without a gap");
}

/// The other way round: the transaction that began first draws the higher number and is over first.
#[tokio::test]
async fn a_lower_number_that_comes_later_is_not_missed() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = TestDatabase::new(Location::postgres()).await;
    begin_on(&database).await;
    let start = database.last_change().await;
    let (mut first, mut second) = (connect(&database).await, connect(&database).await);
    let mut early = first.begin().await.unwrap();
    early.execute("SELECT pg_current_xact_id()").await.unwrap();
    let mut late = second.begin().await.unwrap();
    late.execute(WRITE_ENTRY).await.unwrap();
    early.execute(WRITE_OTHER_ENTRY).await.unwrap();
    early.commit().await.unwrap();

    // Another test's transaction may hold this back a little; the late one does not.
    let seen = loop {
        let seen = database.store.changes(start, 10).await.unwrap();
        if !seen.is_empty() {
            break seen;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(kinds(&seen), [ChangeKind::AppDeleted]);
    late.commit().await.unwrap();
    let rest = database.changes_after(seen[0].sequence).await;
    assert_eq!(kinds(&rest), [ChangeKind::OperatorRevoked]);
    assert!(rest[0].sequence < seen[0].sequence);
    assert_eq!(database.changes_after(rest[0].sequence).await, []);
    assert_eq!(
        kinds(&database.changes_after(start).await),
        [ChangeKind::AppDeleted, ChangeKind::OperatorRevoked]
    );
}

/// As above, and then nothing is written for so long that both are old.
#[tokio::test]
async fn the_greatest_number_is_kept_as_the_last_entry_is() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = TestDatabase::new(Location::postgres()).await;
    begin_on(&database).await;
    database.execute(
        "DELETE FROM changes; INSERT INTO changes (sequence, at, kind, actor, xid) OVERRIDING SYSTEM VALUE VALUES \
         (101, 0, 'operator.revoked', 'client', '3'), (103, 0, 'operator.revoked', 'client', '4'), \
         (102, 0, 'operator.revoked', 'client', '5')",
    )
    .await;
    assert_eq!(database.store.write(TrimChanges { before: at(1), limit: 10 }).await.unwrap(), 1);
    assert_eq!(database.store.write(TrimChanges { before: at(1), limit: 10 }).await.unwrap(), 0);
    let kept: Vec<_> = database.changes_after(101).await.iter().map(|change| change.sequence).collect();
    assert_eq!(kept, [103, 102]);
}

/// A number that was drawn and not used is no gap to wait for.
#[tokio::test]
async fn a_number_that_was_rolled_back_is_passed() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = TestDatabase::new(Location::postgres()).await;
    let (store, app) = begin_on(&database).await;
    let start = database.last_change().await;
    let position = store.news(None).await.unwrap().position;
    let mut other = connect(&database).await;
    let mut transaction = other.begin().await.unwrap();
    transaction.execute(WRITE_ENTRY).await.unwrap();
    issue(store, app.id, new_token(1)).await;
    transaction.rollback().await.unwrap();
    let changes = database.changes_after(start).await;
    assert_eq!(kinds(&changes), [ChangeKind::TokenIssued]);
    assert_eq!(changes[0].sequence, start + 2, "the number is gone");
    assert_eq!(store.news(Some(&position)).await.unwrap().changes.unwrap(), changes);
    assert!(store.is_settled(changes[0].sequence).await.unwrap());
    assert!(!store.log_state(start).await.unwrap().has_gap);
}

/// A server that was killed does not remember which numbers it has given to transactions that left nothing behind, and gives them
/// out anew. A reader that has seen them end must not take those for seen.
#[tokio::test]
async fn numbers_that_a_killed_server_gives_out_anew_are_not_missed() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let cluster = Cluster::durable();
    // What is rolled back does not reach the disk by itself before the server is killed.
    cluster.configure("wal_writer_delay", "10s");
    let database = TestDatabase::new(Location::Postgres(cluster.create_database())).await;
    let (store, app) = begin_on(&database).await;
    issue(store, app.id, new_token(1)).await;
    let mut other = connect(&database).await;
    let mut transaction = other.begin().await.unwrap();
    let lost: String =
        sqlx::query_scalar("SELECT pg_current_xact_id()::text").fetch_one(&mut *transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    let position = store.news(None).await.unwrap().position;
    let start = store.last_change().await.unwrap();
    cluster.kill();
    cluster.restart();

    let again = database.reopen().await.unwrap();
    let id = issue(&*again, app.id, new_token(2)).await;
    let written: String = sqlx::query_scalar("SELECT xid::text FROM changes ORDER BY sequence DESC LIMIT 1")
        .fetch_one(&mut connect(&database).await)
        .await
        .unwrap();
    assert!(number_of(&written) <= number_of(&lost), "{written} was given out before, up to {lost}");
    let news = again.news(Some(&position)).await.unwrap();
    let news = news.changes.unwrap();
    assert_eq!(news.iter().map(Change::token_id).collect::<Vec<_>>(), [Some(id)]);
    assert_eq!(database.changes_after(start).await, news, "in the order of the log as well");
}

fn number_of(transaction: &str) -> u64 {
    transaction.parse().unwrap()
}

/// A dump restored into another cluster bears transaction numbers that this one reaches in years.
#[tokio::test]
async fn a_restored_log_can_be_read_at_once() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = TestDatabase::new(Location::postgres()).await;
    let (store, app) = begin_on(&database).await;
    let before = database.changes_after(0).await;
    database.execute("UPDATE changes SET xid = '4000000000000'").await;
    assert_eq!(store.changes(0, 10).await.unwrap(), []);
    let again = database.reopen().await.unwrap();
    issue(&*again, app.id, new_token(1)).await;
    let after = database.changes_after(0).await;
    assert_eq!(after[..3], before);
    assert_eq!(after[3].kind, ChangeKind::TokenIssued);
}

#[tokio::test]
async fn urls_of_other_sorts_are_refused() {
    for url in ["", "jeton.db", "sqlite://jeton.db", "mysql://host/db", "postgres://host:port/db"] {
        assert!(matches!(open_postgres(url, PostgresOptions::default()).await, Err(OpenError::Url)), "{url}");
    }
    let nobody = open_postgres("postgres://jeton@127.0.0.1:1/jeton", PostgresOptions::default()).await;
    assert!(matches!(nobody, Err(OpenError::Unavailable(_))));
}
