//! Revoked means refused: of the requests sent after a removal was answered, none is allowed.

use super::connection::{ask_over, connect};
use crate::support::loopback::open;
use crate::support::{Installation, request, text};
use serde_json::json;
use std::io::BufReader;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Connections that ask all the time, most of them whether the token may read.
const CONNECTIONS: usize = 32;
/// One of so many is of the token's bearer, which creates another token that may read.
const CALLERS: usize = 4;
/// Requests that are waited for before a removal, and after it.
const ENOUGH: Count<u64> = Count { questions: 2 * CONNECTIONS as u64, calls: (CONNECTIONS / CALLERS) as u64 };

/// How a token stops being good for what is asked.
#[derive(Clone, Copy, Debug)]
enum Removal {
    AppKeyDelete,
    AppKeyDisable,
    AppKeyNarrow,
    DotideDelete,
    DotideNarrow,
    LoopBackDelete,
    LoopBackExpire,
    CliRevoke,
    CliDisable,
    CliNarrow,
}

impl Removal {
    const ALL: [Removal; 10] = [
        Removal::AppKeyDelete,
        Removal::AppKeyDisable,
        Removal::AppKeyNarrow,
        Removal::DotideDelete,
        Removal::DotideNarrow,
        Removal::LoopBackDelete,
        Removal::LoopBackExpire,
        Removal::CliRevoke,
        Removal::CliDisable,
        Removal::CliNarrow,
    ];

    /// Returns when it was answered.
    fn make(self, installation: &Installation, id: i64, secret: &str) {
        let by_id = format!("/AccessToken/demo/{id}");
        let in_dotide = format!("/v1/demo/access_tokens/{secret}");
        let in_loopback = format!("/api/accessTokens/{secret}");
        let narrow = json!({"scopes": [{"permissions": ["read"], "ids": ["s1"]}]});
        let id = id.to_string();
        let cli = |arguments: &[&str]| {
            installation
                .sandbox
                .json(&[&["token", arguments[0], "--app", "demo", &id], &arguments[1..]].concat());
        };
        match self {
            Removal::AppKeyDelete => ask(installation, "DELETE", &by_id, None),
            Removal::AppKeyDisable => ask(installation, "PUT", &by_id, Some(&json!({"enable": false}))),
            Removal::AppKeyNarrow => ask(installation, "PUT", &by_id, Some(&json!({"permissions": "write"}))),
            Removal::DotideDelete => ask(installation, "DELETE", &in_dotide, None),
            Removal::DotideNarrow => ask(installation, "PUT", &in_dotide, Some(&narrow)),
            Removal::LoopBackDelete => ask(installation, "DELETE", &in_loopback, None),
            Removal::LoopBackExpire => ask(installation, "PUT", &in_loopback, Some(&json!({"ttl": 0}))),
            Removal::CliRevoke => cli(&["revoke"]),
            Removal::CliDisable => cli(&["update", "--disable"]),
            Removal::CliNarrow => cli(&["update", "--permissions", "write"]),
        }
    }
}

/// A request by an authorized caller of the API with this path.
fn ask(installation: &Installation, method: &str, path: &str, body: Option<&serde_json::Value>) {
    let authorization = if path.starts_with("/v1/") {
        use base64::Engine;
        let pair =
            format!("{}:{}", installation.credential("client_id"), installation.credential("client_secret"));
        format!("Authorization: Basic {}", base64::prelude::BASE64_STANDARD.encode(pair))
    } else {
        format!("Authorization: Bearer {}", installation.credential("admin_token"))
    };
    let body = body.map(ToString::to_string);
    let answer = request(installation.server().address, method, path, &[authorization], body.as_deref());
    assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
}

/// One for each sort of request.
#[derive(Default)]
struct Count<T> {
    /// Whether the token may read.
    questions: T,
    /// Its bearer makes another.
    calls: T,
}

impl Count<AtomicU64> {
    fn of(&self, is_call: bool) -> &AtomicU64 {
        if is_call { &self.calls } else { &self.questions }
    }

    fn is_enough(&self) -> bool {
        self.questions.load(Ordering::SeqCst) >= ENOUGH.questions
            && self.calls.load(Ordering::SeqCst) >= ENOUGH.calls
    }

    fn sum(&self) -> u64 {
        self.questions.load(Ordering::SeqCst) + self.calls.load(Ordering::SeqCst)
    }
}

/// A token, from its issue to after its removal.
struct Round {
    secret: String,
    /// Requests that were allowed before.
    allowed: Count<AtomicU64>,
    /// Whether the removal was answered.
    is_answered: AtomicBool,
    /// Requests that were sent afterwards.
    sent_after: Count<AtomicU64>,
    /// Those of them that were allowed.
    allowed_after: AtomicU64,
}

/// What all connections ask about.
struct Questions {
    address: SocketAddr,
    round: Mutex<Option<Arc<Round>>>,
}

impl Questions {
    fn round(&self) -> Option<Arc<Round>> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, round: Option<Arc<Round>>) {
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = round;
    }

    /// Asks over one connection until there is nothing more to ask.
    fn ask(&self, is_call: bool) {
        let mut stream = connect(self.address);
        while let Some(round) = self.round() {
            // Read before the request is sent: what was answered by then, the request comes after.
            let is_after = round.is_answered.load(Ordering::SeqCst);
            let is_allowed = match is_call {
                true => create(&mut stream, &round.secret),
                false => verify(&mut stream, &round.secret),
            };
            let Some(is_allowed) = is_allowed else { continue };
            match (is_after, is_allowed) {
                (false, true) => drop(round.allowed.of(is_call).fetch_add(1, Ordering::SeqCst)),
                (false, false) => {}
                (true, is_allowed) => {
                    round.allowed_after.fetch_add(u64::from(is_allowed), Ordering::SeqCst);
                    round.sent_after.of(is_call).fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }
}

/// Asks whether the token may read. `None`: the server could not tell just now.
fn verify(stream: &mut BufReader<TcpStream>, secret: &str) -> Option<bool> {
    is_allowed(stream, "GET /auth/demo?permission=read", secret, "")
}

/// Makes another token that may read, by this one. `None`: the server could not just now.
fn create(stream: &mut BufReader<TcpStream>, secret: &str) -> Option<bool> {
    is_allowed(stream, "POST /AccessToken/demo", secret, r#"{"title":"mine","permissions":"read"}"#)
}

/// Whether a request is allowed. `None`: the server could not tell just now.
fn is_allowed(stream: &mut BufReader<TcpStream>, what: &str, secret: &str, body: &str) -> Option<bool> {
    match ask_over(stream, what, secret, body).0 {
        200 => Some(true),
        401 | 403 => Some(false),
        // A database beside which all other tests run may have no connection in time.
        503 => None,
        other => panic!("{other}"),
    }
}

/// Lets the connections go also when the test fails.
struct Enough<'a>(&'a Questions);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.put(None);
    }
}

/// How many requests were sent after an answer, in so many rounds, and how many of them were allowed.
fn rounds(installation: &Installation, rounds: usize) -> (u64, u64) {
    let mut totals = (0, 0);
    for removals in (0..rounds).collect::<Vec<_>>().chunks(100) {
        let questions = Questions { address: installation.server().address, round: Mutex::new(None) };
        // The connections need something to ask from the start.
        let mut next = Some(begin(installation));
        questions.put(next.as_ref().map(|(_, round)| round.clone()));
        thread::scope(|scope| {
            let questions = &questions;
            let _enough = Enough(questions);
            let threads: Vec<_> = (0..CONNECTIONS)
                .map(|number| scope.spawn(move || questions.ask(number % CALLERS == 0)))
                .collect();
            let wait_for = |count: &Count<AtomicU64>| {
                while !count.is_enough() {
                    assert!(
                        !threads.iter().any(thread::ScopedJoinHandle::is_finished),
                        "a connection failed"
                    );
                    thread::yield_now();
                }
            };
            for number in removals {
                let (id, round) = next.take().unwrap_or_else(|| begin(installation));
                questions.put(Some(round.clone()));
                wait_for(&round.allowed);
                let removal = Removal::ALL[number % Removal::ALL.len()];
                removal.make(installation, id, &round.secret);
                round.is_answered.store(true, Ordering::SeqCst);
                wait_for(&round.sent_after);
                let allowed = round.allowed_after.load(Ordering::SeqCst);
                assert_eq!(allowed, 0, "{removal:?}: round {number}");
                totals = (totals.0 + round.sent_after.sum(), totals.1 + allowed);
            }
        });
    }
    totals
}

/// A new token that may read, whose bearer creates others with it.
fn begin(installation: &Installation) -> (i64, Arc<Round>) {
    let made = installation.sandbox.json(&[
        "token",
        "create",
        "--app",
        "demo",
        "--user-id",
        "7",
        "--permissions",
        "read",
    ]);
    let round = Round {
        secret: text(&made, "access_token").to_owned(),
        allowed: Count::default(),
        is_answered: AtomicBool::new(false),
        sent_after: Count::default(),
        allowed_after: AtomicU64::new(0),
    };
    (made["id"].as_i64().unwrap(), Arc::new(round))
}

#[test]
fn revoked_means_refused() {
    rounds(&Installation::sqlite().with(&open()).serve(), Removal::ALL.len());
}

#[test]
fn revoked_means_refused_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        rounds(&Installation::postgres().with(&open()).serve(), Removal::ALL.len());
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a proof prints its figure")]
#[ignore = "1,000 rounds on SQLite and 200 on PostgreSQL: cargo xtask prove revoke"]
fn revoked_means_refused_in_every_round() {
    let (sent, allowed) = rounds(&Installation::sqlite().with(&open()).serve(), 1_000);
    let (sent_postgres, allowed_postgres) = rounds(&Installation::postgres().with(&open()).serve(), 200);
    println!(
        "revoke: 1000 rounds on SQLite: {allowed} of {sent} requests after the answer allowed; \
         200 on PostgreSQL: {allowed_postgres} of {sent_postgres}"
    );
}
