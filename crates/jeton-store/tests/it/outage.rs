//! PostgreSQL that goes away and comes back.

use crate::bed::{Bed, Place};
use crate::fixture::*;
use futures_util::future::join_all;
use jeton_core::{Actor, Digest, OperatorId};
use jeton_store::write::RevokeOperator;
use jeton_store::{PostgresOptions, Store, open_postgres};
use sqlx::{Connection, Executor, PgConnection};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

const QUERY_TIME: Duration = Duration::from_secs(2);
/// What a machine that is busy with other tests may add.
const SLACK: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Passes,
    /// As where nobody listens any more.
    Refuses,
    /// As behind a firewall that drops packets, or before a server that was stopped.
    Hangs,
}

/// Where a server can be reached, or not.
struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, mode) = (listener.local_addr().unwrap(), watch::Sender::new(Mode::Passes));
        tokio::spawn(relay_all(listener, server, mode.subscribe()));
        Proxy { address, mode }
    }
}

async fn relay_all(listener: TcpListener, server: SocketAddr, mut mode: watch::Receiver<Mode>) {
    let address = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    loop {
        if *mode.borrow_and_update() == Mode::Refuses {
            drop(listener.take());
            mode.wait_for(|mode| *mode != Mode::Refuses).await.unwrap();
        }
        if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.unwrap());
        }
        tokio::select! {
            accepted = listener.as_ref().unwrap().accept() => {
                let mode = mode.clone();
                tokio::spawn(async move { relay(accepted.unwrap().0, server, mode).await });
            }
            changed = mode.changed() => if changed.is_err() { return },
        }
    }
}

async fn relay(client: TcpStream, server: SocketAddr, mode: watch::Receiver<Mode>) {
    let mut refused = mode.clone();
    let relayed = async {
        let server = TcpStream::connect(server).await.unwrap();
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::join!(pass(from_client, to_server, mode.clone()), pass(from_server, to_client, mode));
    };
    tokio::select! {
        () = relayed => {}
        _ = refused.wait_for(|mode| *mode == Mode::Refuses) => {}
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut mode: watch::Receiver<Mode>,
) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if mode.wait_for(|mode| *mode == Mode::Passes).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
    let _ = to.shutdown().await;
}

async fn through_a_proxy() -> (Bed, Proxy, Arc<dyn Store>) {
    let bed = Bed::new(Place::postgres()).await;
    begin_on(&bed).await;
    let server: SocketAddr = bed.url().split(['@', '/']).nth(3).unwrap().parse().unwrap();
    let proxy = Proxy::before(server).await;
    let url = bed.url().replace(&server.to_string(), &proxy.address.to_string());
    let options = PostgresOptions { query_time: QUERY_TIME };
    let store = open_postgres(&format!("{url}?sslmode=disable"), options).await.unwrap();
    (bed, proxy, store)
}

async fn write(store: &dyn Store) -> bool {
    let nobody = OperatorId::new(1_000).unwrap();
    store.write(RevokeOperator { id: nobody, at: at(1), by: Actor::Cli }).await.is_ok()
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

async fn goes_away_and_comes_back(mode: Mode, first_is_write: bool) {
    let (_bed, proxy, store) = through_a_proxy().await;
    let store = &*store;
    assert!(store.ping().await.is_ok() && write(store).await);
    proxy.mode.send_replace(mode);
    let (done, took) = if first_is_write {
        timed(write(store)).await
    } else {
        timed(async { store.find_tokens(&[Digest::ZERO]).await.is_ok() }).await
    };
    assert!(!done && took < QUERY_TIME + SLACK, "{mode:?}: {took:?}");

    let (none_is_done, took) = timed(async {
        let reads = join_all((0..100).map(|_| async { store.ping().await.is_err() })).await;
        let writes = join_all((0..100).map(|_| async { !write(store).await })).await;
        reads.into_iter().chain(writes).all(|failed| failed) && store.check().await.is_err()
    })
    .await;
    assert!(none_is_done && took < SLACK, "{mode:?}: {took:?}");
    assert_eq!(outages(store), (1, 1), "{mode:?}");

    proxy.mode.send_replace(Mode::Passes);
    let (_, took) = timed(async {
        while store.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
        true
    })
    .await;
    assert!(took < SLACK + SLACK, "{mode:?}: {took:?}");
    let (done, took) = timed(async {
        let reads = join_all((0..50).map(|_| async { store.ping().await.is_ok() })).await;
        write(store).await && reads.into_iter().all(|done| done)
    })
    .await;
    assert!(done && took < QUERY_TIME, "no connection of before is met: {took:?}");
    assert_eq!(outages(store), (1, 0), "{mode:?}");
    store.close().await;
}

#[tokio::test]
async fn a_server_that_refuses_is_not_waited_for() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    goes_away_and_comes_back(Mode::Refuses, false).await;
    goes_away_and_comes_back(Mode::Refuses, true).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    goes_away_and_comes_back(Mode::Hangs, false).await;
    goes_away_and_comes_back(Mode::Hangs, true).await;
}

#[tokio::test]
async fn neither_a_slow_statement_nor_a_pool_that_is_used_up_is_an_outage() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let (bed, _proxy, store) = through_a_proxy().await;
    let mut other = PgConnection::connect(bed.url()).await.unwrap();
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
