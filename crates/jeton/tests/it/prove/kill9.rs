//! `kill -9` in the middle of creates, updates and revokes.
//!
//! After each round the server starts by itself, every change that it had acknowledged is there, and nothing
//! is half there: each token has as many entries in the change log as its revision says, and each entry has
//! its token.

use crate::support::{Installation, PATIENCE, Sandbox, Server, request_if_served, text};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection, query_as, query_scalar};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tokio::time::Instant;

const CLIENTS: u64 = 4;
/// How many changes of a token are tried before it is revoked.
const UPDATES: u64 = 2;

/// What is killed.
#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Server,
    /// The processes of PostgreSQL that serve it: the whole cluster drops its connections and recovers. The
    /// server stays.
    Backends,
}

/// What is known of a token by the answers that came.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The number of the last update that was acknowledged, or of the one before that was not answered.
    updates: u64,
    /// Whether one more was asked for, and not answered.
    perhaps_one_more: bool,
    is_revoked: bool,
    /// Whether that was asked for, and not answered.
    perhaps_revoked: bool,
}

/// A row as it is stored.
#[derive(Debug)]
struct Row {
    id: i64,
    description: Option<String>,
    is_revoked: bool,
    revision: i64,
}

/// One round: clients that work until the victim is dead.
struct Round<'a> {
    address: SocketAddr,
    authorization: [String; 1],
    /// Users of this round begin here; each has one token.
    first_user: u64,
    acknowledged: AtomicU64,
    kill_at: u64,
    kill: &'a (dyn Fn() + Sync),
    victim: Victim,
}

impl Round<'_> {
    /// Sends a request. `None`: it was not acknowledged, so it may be done or not.
    fn ask(&self, method: &str, target: &str, body: Option<Value>) -> Option<Value> {
        let body = body.map(|body| body.to_string());
        let answer = request_if_served(self.address, method, target, &self.authorization, body.as_deref())?;
        if answer.status == 503 {
            return None;
        }
        assert_eq!(answer.status, 200, "an outage is 503 or no answer: {answer:?}");
        if method != "GET" && self.acknowledged.fetch_add(1, Ordering::Relaxed) + 1 == self.kill_at {
            (self.kill)();
        }
        Some(answer.json()["data"].clone())
    }

    /// Creates, changes and revokes tokens, one after the other, until the round is over.
    fn work(&self, client: u64) -> BTreeMap<u64, Known> {
        let mut tokens = BTreeMap::new();
        let mut user = self.first_user + client;
        let mut is_answered = true;
        // A server that is killed answers no more; one that stays is asked until it has found the database
        // again.
        while match self.victim {
            Victim::Server => is_answered,
            Victim::Backends => self.acknowledged.load(Ordering::Relaxed) < 2 * self.kill_at,
        } {
            is_answered = self.work_on(user, &mut tokens).is_some();
            user += CLIENTS;
        }
        tokens
    }

    fn work_on(&self, user: u64, tokens: &mut BTreeMap<u64, Known>) -> Option<()> {
        let of_user = format!("/AccessToken/demo?userId={user}");
        self.ask("POST", &of_user, Some(json!({"title": "t", "description": "0", "permissions": "read"})))?;
        let known = tokens.entry(user).or_default();
        let list = self.ask("GET", &of_user, None)?;
        let id = list["data"][0]["id"].as_i64()?;
        for update in 1..=UPDATES {
            known.perhaps_one_more = true;
            let body = json!({"description": update.to_string()});
            self.ask("PUT", &format!("/AccessToken/demo/{id}"), Some(body))?;
            (known.updates, known.perhaps_one_more) = (update, false);
        }
        if user.is_multiple_of(2) {
            known.perhaps_revoked = true;
            self.ask("DELETE", &format!("/AccessToken/demo/{id}"), None)?;
            known.is_revoked = true;
        }
        Some(())
    }
}

/// A connection to a cluster that may yet recover from the death of a backend (SQLSTATE 57P03).
async fn connect(url: &str) -> PgConnection {
    loop {
        match PgConnection::connect(url).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("57P03") => {
                tokio::task::yield_now().await;
            }
            connection => return connection.unwrap(),
        }
    }
}

/// All tokens of users, and how many entries of the log each number has.
async fn stored(sandbox: &Sandbox) -> (BTreeMap<u64, Row>, BTreeMap<i64, i64>) {
    let tokens =
        "SELECT user_id, id, description, coalesce(revoked_at, 0), revision FROM tokens WHERE user_id <> '1'";
    let log = "SELECT subject_id, count(*) FROM changes WHERE kind LIKE 'token.%' AND subject_id > 1 GROUP BY subject_id";
    type Tokens = Vec<(String, i64, Option<String>, i64, i64)>;
    let (tokens, log): (Tokens, Vec<(i64, i64)>) = match &sandbox.database_url {
        Some(url) => {
            let mut connection = connect(url).await;
            (
                query_as(tokens).fetch_all(&mut connection).await.unwrap(),
                query_as(log).fetch_all(&mut connection).await.unwrap(),
            )
        }
        None => {
            let url = format!("sqlite://{}", sandbox.file("jeton.db").display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            (
                query_as(tokens).fetch_all(&mut connection).await.unwrap(),
                query_as(log).fetch_all(&mut connection).await.unwrap(),
            )
        }
    };
    let rows = tokens.into_iter().map(|(user, id, description, revoked_at, revision)| {
        (user.parse().unwrap(), Row { id, description, is_revoked: revoked_at != 0, revision })
    });
    (rows.collect(), log.into_iter().collect())
}

/// Compares what is stored with what was acknowledged.
#[track_caller]
fn assert_whole(known: &BTreeMap<u64, Known>, rows: &BTreeMap<u64, Row>, log: &BTreeMap<i64, i64>) {
    for (user, known) in known {
        let row = rows.get(user).unwrap_or_else(|| panic!("the token of user {user} is lost: {known:?}"));
        let updates: u64 = row.description.as_ref().unwrap().parse().unwrap();
        let may_be = known.updates..=known.updates + u64::from(known.perhaps_one_more);
        assert!(may_be.contains(&updates), "user {user}: {known:?}, {row:?}");
        assert!(row.is_revoked || !known.is_revoked, "user {user}: {known:?}, {row:?}");
        assert!(!row.is_revoked || known.perhaps_revoked, "user {user}: {known:?}, {row:?}");
    }
    for row in rows.values() {
        assert_eq!(log.get(&row.id), Some(&row.revision), "entries of the log for {row:?}");
    }
    assert_eq!(log.len(), rows.len(), "an entry of the log has no token");
}

/// Sends SIGKILL to the processes of PostgreSQL that serve this database.
async fn kill_backends(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let sql =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jeton'";
    let pids: Vec<i32> = query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    for pid in pids {
        // The first death makes the cluster end the others.
        let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
    }
}

/// Everything makes sense, once the cluster has recovered from the death of a backend: a round can be over before.
fn assert_sound(sandbox: &Sandbox, victim: Victim) {
    let begun = Instant::now();
    let run = loop {
        let run = sandbox.run(&["check", "--json"]);
        let recovers = victim == Victim::Backends && run.code == Some(4);
        if !recovers || begun.elapsed() > PATIENCE {
            break run;
        }
    };
    assert_eq!(run.json()["sound"], true);
}

/// Runs rounds and answers how many changes were acknowledged in them.
fn rounds(installation: Installation, count: u64, victim_of: impl Fn(u64) -> Victim) -> u64 {
    let Installation { sandbox, credentials, .. } = installation;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut known = BTreeMap::new();
    let mut acknowledged = 0;
    for number in 1..=count {
        let mut server = Server::start(&sandbox, &[]);
        let pid = server.pid();
        let victim = victim_of(number);
        let kill_server = || kill_process(pid, Signal::KILL).unwrap();
        let kill_backends = || {
            let url = sandbox.database_url.as_ref().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(kill_backends(url));
        };
        let round = Round {
            address: server.address,
            authorization: [format!("Authorization: Bearer {}", text(&credentials, "admin_token"))],
            first_user: number * 1_000_000,
            acknowledged: AtomicU64::new(0),
            // Now early, now late, and never at the same step for long.
            kill_at: 1 + number * 37 % 97,
            kill: if victim == Victim::Server { &kill_server } else { &kill_backends },
            victim,
        };
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    scope.spawn({
                        let round = &round;
                        move || round.work(client)
                    })
                })
                .collect();
            for client in clients {
                known.extend(client.join().unwrap());
            }
        });
        acknowledged += round.acknowledged.load(Ordering::Relaxed);
        if victim == Victim::Server {
            assert_eq!(server.wait().code, None, "it was killed");
            server = Server::start(&sandbox, &[]);
        }
        assert_sound(&sandbox, victim);
        let (rows, log) =
            runtime.block_on(async { tokio::time::timeout(PATIENCE, stored(&sandbox)).await.unwrap() });
        assert_whole(&known, &rows, &log);
        server.end(Signal::KILL);
    }
    acknowledged
}

#[test]
fn a_few_rounds_on_sqlite() {
    assert!(rounds(Installation::sqlite(), 3, |_| Victim::Server) > 3);
}

#[test]
fn a_few_rounds_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        assert!(rounds(Installation::postgres(), 2, |_| Victim::Server) > 2);
    }
}

#[test]
#[ignore = "a proof: cargo xtask prove kill9"]
#[expect(clippy::print_stdout, reason = "a proof prints its figure")]
fn two_hundred_rounds() {
    const ROUNDS: u64 = 200;
    let on_sqlite = rounds(Installation::sqlite(), ROUNDS, |_| Victim::Server);
    println!("kill9: SQLite, {ROUNDS} rounds, {on_sqlite} acknowledged changes: none lost, none in part");
    let every_fifth = |number| if number % 5 == 0 { Victim::Backends } else { Victim::Server };
    let on_postgres = rounds(Installation::postgres(), ROUNDS, every_fifth);
    println!(
        "kill9: PostgreSQL, {ROUNDS} rounds, {on_postgres} acknowledged changes: none lost, none in part"
    );
}
