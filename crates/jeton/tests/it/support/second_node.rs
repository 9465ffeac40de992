//! A second node on the database of a server, by which clients read what they write by the first.
//!
//! A change by one node is known to the others some milliseconds after its answer, and within `cache.max_staleness` at worst. So
//! who reads by another node than it has written by may for that long read what was true before; these clients do not expect that,
//! and their answers are held back for as long.

use super::{PATIENCE, Sandbox, Server, request};
use jeton_testkit::SplitProxy;
use sqlx::{Connection, PgConnection, query_scalar};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// How often the node is asked how far it has read.
const PAUSE: Duration = Duration::from_millis(1);

/// A second node. Dropping it ends it.
pub(crate) struct SecondNode {
    proxy: SplitProxy,
    _server: Server,
}

impl SecondNode {
    /// Starts it, and a proxy that reads by it and writes by `first`.
    #[track_caller]
    pub(crate) fn beside(first: &Server, sandbox: &Sandbox) -> Self {
        let server = Server::start(sandbox, &[]);
        let reading = Reading::begin(sandbox, server.admin_address);
        let proxy = SplitProxy::start(server.address, first.address, move || reading.wait());
        SecondNode { proxy, _server: server }
    }

    /// Where clients come to the proxy.
    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.address()
    }
}

/// How far a node has read the change log: it counts each entry once, when it has taken it in.
struct Reading {
    admin_address: SocketAddr,
    database: Mutex<Database>,
    /// What it had counted when the log had as many entries.
    begun: Counted,
    entries: u64,
}

/// A connection, and what it runs on.
struct Database {
    connection: PgConnection,
    runtime: Option<Runtime>,
}

impl Database {
    /// How many entries the change log has.
    fn entries(&mut self) -> u64 {
        let count = query_scalar("SELECT count(*) FROM changes").fetch_one(&mut self.connection);
        let count: i64 = self.runtime.as_ref().expect("until it is dropped").block_on(count).unwrap();
        count.try_into().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The proxy drops it where blocking is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a node counts.
#[derive(Clone, Copy, Debug)]
struct Counted {
    polls: u64,
    changes: u64,
    /// After one of these it does not count what came before.
    flushes: u64,
}

impl Reading {
    /// Nobody writes yet.
    fn begin(sandbox: &Sandbox, admin_address: SocketAddr) -> Self {
        let url = sandbox.database_url.as_ref().expect("only PostgreSQL has several nodes");
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(PgConnection::connect(url)).unwrap();
        let mut database = Database { connection, runtime: Some(runtime) };
        let entries = database.entries();
        let before = Counted::of(admin_address);
        // A poll that was under way may have begun before.
        let begun = Counted::once(admin_address, |now| now.polls >= before.polls + 2 && now.flushes > 0);
        Reading { admin_address, database: Mutex::new(database), begun, entries }
    }

    /// Returns when the node knows of all that is committed now.
    fn wait(&self) {
        let entries = self.database.lock().unwrap_or_else(PoisonError::into_inner).entries();
        let written = entries - self.entries;
        Counted::once(self.admin_address, |now| {
            assert_eq!(now.flushes, self.begun.flushes, "what was read is not known any more");
            now.changes - self.begun.changes >= written
        });
    }
}

impl Counted {
    fn of(admin_address: SocketAddr) -> Self {
        let metrics = request(admin_address, "GET", "/metrics", &[], None).body;
        let sum = |name: &str| {
            let lines = metrics.lines().filter(|line| line.starts_with(name));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
        };
        Counted {
            polls: sum("jeton_change_polls_total{"),
            changes: sum("jeton_changes_read_total "),
            flushes: sum("jeton_cache_flushes_total "),
        }
    }

    /// The first counts that are as they must be.
    fn once(admin_address: SocketAddr, are_so: impl Fn(&Counted) -> bool) -> Self {
        let begun = Instant::now();
        loop {
            let now = Counted::of(admin_address);
            if are_so(&now) {
                return now;
            }
            assert!(begun.elapsed() < PATIENCE, "the second node does not read: {now:?}");
            thread::park_timeout(PAUSE);
        }
    }
}
