//! A PostgreSQL database in the place of which another comes under a running server: nothing is written
//! there, and nothing that was known of the one before is believed of it.

use super::replaced::{ASKS, create, create_until_refused};
use crate::support::{Installation, Sandbox, Server, request_if_served, text};
use jeton_testkit::Cluster;
use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What comes in its place.
struct Shape {
    /// Given what was dumped before the server was started.
    act: fn(url: &str, older: &str),
    /// What the log says.
    mark: &'static str,
}

const SHAPES: [Shape; 4] = [
    Shape { act: put_older, mark: OLDER },
    Shape { act: empty_and_fill, mark: OLDER },
    Shape { act: take_back, mark: OLDER },
    Shape { act: put_other, mark: "the database is a different one" },
];
const OLDER: &str = "the database is older than it was";

#[test]
fn a_postgresql_database_that_is_replaced_acknowledges_nothing() {
    if !jeton_testkit::skips("PostgreSQL") {
        every_shape(2, 20);
    }
}

/// Every shape, with so many creators, once so many creates were acknowledged. Answers a figure.
pub(super) fn every_shape(creators: usize, least: usize) -> String {
    let acknowledged: usize = SHAPES.iter().map(|shape| replace(shape, creators, least)).sum();
    format!("{} shapes, {acknowledged} creates acknowledged", SHAPES.len())
}

fn replace(shape: &Shape, creators: usize, least: usize) -> usize {
    let installation = Installation::postgres();
    let sandbox = &installation.sandbox;
    let url = sandbox.database_url.as_deref().unwrap();
    let known = sandbox.json(&["token", "create", "--app", "demo"]);
    let known = text(&known, "access_token");
    let older = Cluster::shared().dump(url);
    let mut server = Server::start(sandbox, &[]);
    let admin = installation.credential("admin_token");
    assert_eq!(server.auth(known), 200);

    let count = AtomicUsize::new(0);
    let acknowledged: usize = thread::scope(|scope| {
        let creator = || create_until_refused(server.address, admin, &count).len();
        let creating: Vec<_> = (0..creators).map(|_| scope.spawn(creator)).collect();
        while count.load(Ordering::Relaxed) < least {
            thread::yield_now();
        }
        (shape.act)(url, &older);
        creating.into_iter().map(|creating| creating.join().unwrap()).sum()
    });
    let before = tokens(url);
    for _ in 0..5 {
        assert_eq!(create(server.address, admin).map(|answer| answer.status), Some(503), "{}", shape.mark);
    }
    server.says(shape.mark);
    for address in [server.address, server.admin_address] {
        let ready = request_if_served(address, "GET", "/readyz", &[], None).unwrap();
        assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("unavailable")));
        assert_eq!(request_if_served(address, "GET", "/healthz", &[], None).unwrap().status, 200);
    }
    assert_eq!(server.ask("GET", "/AccessToken/demo", admin, None).status, 503);
    // What is remembered is believed for as long as if the database could not be reached.
    let last = (0..ASKS).map(|_| server.auth(known)).find(|status| *status != 200);
    assert_eq!(last, Some(503), "{}", shape.mark);
    assert_eq!(tokens(url), before, "{}", shape.mark);
    let log = server.stop();
    assert_eq!(log.matches("nothing is read or written any more").count(), 1, "{log}");
    assert!(!log.contains("panicked"), "{log}");
    if shape.mark == OLDER {
        let server = Server::start(sandbox, &[]);
        assert_eq!(create(server.address, admin).map(|answer| answer.status), Some(200));
    }
    acknowledged
}

fn tokens(url: &str) -> i64 {
    on(url, async |connection| sqlx::query_scalar("SELECT count(*) FROM tokens").fetch_one(connection).await)
}

fn on<T>(url: &str, act: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        act(&mut connection).await.unwrap()
    })
}

fn put(url: &str, dump: &str) {
    let cluster = Cluster::shared();
    let other = cluster.create_database();
    cluster.fill_database(&other, dump);
    cluster.replace_database(url, &other);
}

fn put_older(url: &str, older: &str) {
    put(url, older);
}

fn empty_and_fill(url: &str, older: &str) {
    let cluster = Cluster::shared();
    cluster.empty_database(url);
    cluster.fill_database(url, older);
}

/// Another installation's, whose log is longer.
fn put_other(url: &str, _: &str) {
    let other = Installation::at(Sandbox::postgres());
    let url_of_other = other.sandbox.database_url.as_deref().unwrap();
    on(url_of_other, async |connection| {
        connection.execute("SELECT setval('changes_sequence_seq', 1000000)").await
    });
    other.sandbox.json(&["token", "create", "--app", "demo"]);
    put(url, &Cluster::shared().dump(url_of_other));
}

fn take_back(url: &str, _: &str) {
    // Transactions that have drawn a number and not committed yet are awaited.
    let older = "BEGIN; LOCK TABLE changes; DELETE FROM changes WHERE sequence > 4; \
                 SELECT setval('changes_sequence_seq', 4); COMMIT";
    on(url, async |connection| connection.execute(older).await);
}
