//! PostgreSQL that goes away and comes back.

use crate::database::{Location, TestDatabase};
use crate::fixture::*;
use futures_util::future::join_all;
use jeton_core::{Cause, Digest, OperatorId};
use jeton_store::Progress;
use jeton_store::write::RevokeOperator;
use jeton_store::{PostgresOptions, Store, open_postgres};
use jeton_testkit::{FaultyProxy, ProxyMode};
use sqlx::{Connection, Executor, PgConnection};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const QUERY_TIME: Duration = Duration::from_secs(2);
/// What a machine that is busy with other tests may add.
const SLACK: Duration = Duration::from_secs(1);

async fn behind_a_proxy() -> (TestDatabase, FaultyProxy, Arc<dyn Store>) {
    let database = TestDatabase::new(Location::postgres()).await;
    begin_on(&database).await;
    let server: SocketAddr = database.url().split(['@', '/']).nth(3).unwrap().parse().unwrap();
    let proxy = FaultyProxy::to(server);
    let url = database.url().replace(&server.to_string(), &proxy.address().to_string());
    let options = PostgresOptions { query_time: QUERY_TIME };
    let store = open_postgres(&format!("{url}?sslmode=disable"), options).await.unwrap();
    (database, proxy, store)
}

async fn write(store: &dyn Store) -> bool {
    let nobody = OperatorId::new(1_000).unwrap();
    store.write(RevokeOperator { id: nobody, at: at(1), by: Cause::CLI }).await.is_ok()
}

/// Whether a call succeeds, and how long it took.
async fn timed(call: impl Future<Output = bool>) -> (bool, Duration) {
    let begun = Instant::now();
    (call.await, begun.elapsed())
}

fn outages(store: &dyn Store) -> (u64, u64) {
    let measures = store.measures().unwrap();
    (measures.outages.get(), measures.is_cut_off.get())
}

async fn goes_away_and_comes_back(cut: ProxyMode, first_is_write: bool) {
    let (_database, proxy, store) = behind_a_proxy().await;
    let store = &*store;
    assert!(store.ping().await.is_ok() && write(store).await);
    proxy.set(cut);
    let (done, took) = if first_is_write {
        timed(write(store)).await
    } else {
        timed(async { store.find_tokens(&[Digest::ZERO]).await.is_ok() }).await
    };
    assert!(!done && took < QUERY_TIME + SLACK, "{cut:?}: {took:?}");

    let (none_is_done, took) = timed(async {
        let reads = join_all((0..100).map(|_| async { store.ping().await.is_err() })).await;
        let writes = join_all((0..100).map(|_| async { !write(store).await })).await;
        reads.into_iter().chain(writes).all(|failed| failed)
            && store.check(&Progress::default()).await.is_err()
    })
    .await;
    assert!(none_is_done && took < SLACK, "{cut:?}: {took:?}");
    assert_eq!(outages(store), (1, 1), "{cut:?}");

    proxy.set(ProxyMode::Open);
    let (_, took) = timed(async {
        while store.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
        true
    })
    .await;
    assert!(took < SLACK + SLACK, "{cut:?}: {took:?}");
    let (done, took) = timed(async {
        let reads = join_all((0..50).map(|_| async { store.ping().await.is_ok() })).await;
        write(store).await && reads.into_iter().all(|done| done)
    })
    .await;
    assert!(done && took < QUERY_TIME, "no connection of before is met: {took:?}");
    assert_eq!(outages(store), (1, 0), "{cut:?}");
    store.close().await;
}

#[tokio::test]
async fn a_server_that_refuses_is_not_waited_for() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    goes_away_and_comes_back(ProxyMode::Refused, false).await;
    goes_away_and_comes_back(ProxyMode::Refused, true).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    goes_away_and_comes_back(ProxyMode::Silent, false).await;
    goes_away_and_comes_back(ProxyMode::Silent, true).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_not_waited_for() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    goes_away_and_comes_back(ProxyMode::Dropped, false).await;
    goes_away_and_comes_back(ProxyMode::Dropped, true).await;
}

#[tokio::test]
async fn neither_a_slow_statement_nor_a_pool_that_is_used_up_is_an_outage() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let (database, _proxy, store) = behind_a_proxy().await;
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    lock.execute("LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let (slow, took) = timed(async { store.find_tokens(&[Digest::ZERO]).await.is_err() }).await;
    assert!(slow && took < QUERY_TIME + SLACK, "{took:?}");
    assert!(store.ping().await.is_ok());
    // More of them than there are connections, and one behind all of them.
    let digests = [Digest::ZERO];
    let crowd = join_all((0..20).map(|_| store.find_tokens(&digests)));
    let (none, took) = timed(async {
        let (crowd, _) = tokio::join!(crowd, store.ping());
        crowd.iter().all(Result::is_err)
    })
    .await;
    assert!(none && took < QUERY_TIME + SLACK, "{took:?}");
    assert_eq!(outages(&*store), (0, 0));
    lock.rollback().await.unwrap();
    assert!(store.find_tokens(&digests).await.is_ok());
}
