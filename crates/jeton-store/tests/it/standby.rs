//! PostgreSQL with a standby that every commit waits for.

use crate::database::{Location, TestDatabase};
use crate::fixture::*;
use jeton_store::{Change, PostgresOptions, Store, StoreError, StoredToken, open_postgres};
use jeton_testkit::{Cluster, FaultyProxy};
use std::time::Duration;
use tokio::time::timeout;

/// What a standby shows may be older than what its primary has acknowledged.
#[tokio::test]
async fn a_standby_is_not_read_until_it_is_promoted() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let primary = Cluster::durable();
    let database = TestDatabase::new(Location::Postgres(primary.create_database())).await;
    let (store, app) = begin_on(&database).await;
    let standby = primary.standby();
    let proxy = FaultyProxy::to(primary.address());
    let url = database.url().replace(&primary.address().to_string(), &proxy.address().to_string());
    let moved = open_postgres(&format!("{url}?sslmode=disable"), PostgresOptions::default()).await.unwrap();
    let position = moved.news(None).await.unwrap().position;
    let id = issue(store, app.id, new_token(1)).await;

    primary.kill();
    proxy.lead_to(standby.address());
    // It is met by new connections, and found out before anybody uses one.
    for _ in 0..50 {
        assert!(moved.ping().await.is_err());
        assert!(moved.news(Some(&position)).await.is_err());
        assert!(find_tokens_on(&*moved).await.is_err());
        let insert = inserting(app.id, vec![new_token(2)], at(0));
        assert!(moved.write(insert).await.is_err());
    }
    standby.promote();
    while moved.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    // All of this was there before, and nothing of it was told yet.
    let news = moved.news(Some(&position)).await.unwrap().changes.unwrap();
    assert_eq!(news.iter().map(Change::token_id).collect::<Vec<_>>(), [Some(id)]);
    assert!(issue(&*moved, app.id, new_token(3)).await > id);
    assert!(find(&*moved, 2).await.is_none(), "what was refused was not written");
}

async fn find_tokens_on(store: &dyn Store) -> Result<Vec<StoredToken>, StoreError> {
    store.find_tokens(&[digest(1)]).await
}

/// Commits wait for a standby that is away, and no limit of time ends that. They do not take all connections, however many are tried
/// and given up: who reads has some, and when it is back all is as before.
#[tokio::test]
async fn commits_that_wait_for_a_standby_leave_connections_to_reads() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let primary = Cluster::durable();
    let database = TestDatabase::new(Location::Postgres(primary.create_database())).await;
    let (store, app) = begin_on(&database).await;
    let mut ids = Vec::new();
    for number in 1..=40 {
        ids.push(issue(store, app.id, new_token(number)).await);
    }
    let standby = primary.standby();
    standby.kill();
    for id in &ids {
        let revoke = store.write(revoking(app.id, *id, at(1)));
        assert!(timeout(Duration::from_millis(30), revoke).await.is_err(), "nothing waits for the standby");
    }
    for number in 1..=40 {
        assert_eq!(find(store, number).await.unwrap().token.revoked_at, None, "nobody sees it before");
        assert!(store.ping().await.is_ok());
    }
    standby.restart();
    let last = store.write(revoking(app.id, ids[39], at(2)));
    assert!(timeout(Duration::from_secs(60), last).await.unwrap().is_ok());
}
