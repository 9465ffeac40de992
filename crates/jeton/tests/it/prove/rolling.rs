//! An upgrade without an interruption: behind the balancer that the documents show, one server after the other is replaced by one of
//! the next version, whose schema is newer, and by one of the version before again. No request fails.

use super::connection::{ask_over, connect};
use super::now;
use crate::support::{Installation, Sandbox, Server, next_program, program, request, text};
use jeton_testkit::gateway::{Gateway, own_address};
use rustix::process::Signal;
use serde_json::Value;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Clients that verify, and clients that create a token and use it.
const VERIFIERS: usize = 6;
const WRITERS: usize = 3;
/// How long somebody holds the table of tokens, whose new columns have to wait for that.
const HELD: &str = "BEGIN; LOCK TABLE tokens IN ACCESS SHARE MODE; SELECT pg_sleep(2); COMMIT";

/// Which version a server is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    This,
    Next,
}
use Version::{Next, This};

/// What takes the place of which server, in turn: up, where a server of this version begins anew beside the newer schema, and down
/// again.
const STEPS: [(usize, Version); 7] =
    [(0, Next), (1, This), (1, Next), (2, Next), (0, This), (1, This), (2, This)];

#[test]
#[ignore = "needs a build with another schema: cargo xtask prove rolling"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn up_and_down_beside_a_newer_schema() {
    assert!(std::env::var_os("JETON_TEST_NEXT_PROGRAM").is_some(), "there is no other build");
    let Figures { requests, writes, longest } = rolling(&STEPS, true);
    println!(
        "rolling: 3 servers behind HAProxy, {} replacements: {requests} verifications and {writes} creates, none of which failed; the longest took {} ms, where the new columns of the table of tokens waited for another transaction of 2 s",
        STEPS.len(),
        longest.as_millis()
    );
}

#[test]
fn one_server_after_another() {
    if !jeton_testkit::skips("PostgreSQL") && !jeton_testkit::skips("HAProxy") {
        rolling(&[(0, This), (1, This)], false);
    }
}

struct Figures {
    requests: u64,
    writes: u64,
    longest: Duration,
}

/// What the clients have seen so far.
#[derive(Default)]
struct Seen {
    is_over: AtomicBool,
    requests: AtomicU64,
    writes: AtomicU64,
    /// In microseconds.
    longest: AtomicU64,
}

impl Seen {
    fn count(&self, counter: &AtomicU64, took: Duration) {
        counter.fetch_add(1, Ordering::Relaxed);
        self.longest.fetch_max(took.as_micros() as u64, Ordering::Relaxed);
    }
}

fn rolling(steps: &[(usize, Version)], is_held: bool) -> Figures {
    let installation = Installation::postgres();
    let sandbox = &installation.sandbox;
    let addresses: [SocketAddr; 3] = std::array::from_fn(|_| own_address());
    let mut servers: Vec<Server> =
        addresses.iter().map(|address| start(sandbox, *address, program())).collect();
    let balancer = Gateway::before(addresses);
    let token = installation.token_of("7");
    let (seen, front) = (Seen::default(), balancer.front());
    thread::scope(|scope| {
        let seen = &seen;
        let _over = Over(seen);
        let (token, manager) = (token.as_str(), installation.credential("admin_token"));
        let mut clients = Vec::new();
        clients.extend((0..VERIFIERS).map(|_| scope.spawn(move || verify(front, token, seen))));
        clients.extend((0..WRITERS).map(|_| scope.spawn(move || create_and_use(front, manager, seen))));
        for (step, (number, version)) in steps.iter().enumerate() {
            let server = &mut servers[*number];
            // It says to the balancer that it stops, serves for a while, and ends.
            assert_eq!(server.end(Signal::TERM).code, Some(0));
            let holder = (is_held && step == 0).then(|| {
                let url = sandbox.database_url.clone().unwrap();
                scope.spawn(move || hold_tokens(&url))
            });
            let next = if *version == Next { next_program() } else { program() };
            *server = start(sandbox, addresses[*number], next);
            if let Some(holder) = holder {
                holder.join().unwrap();
            }
            // Another one is replaced only when the balancer sends requests to this one again.
            while !is_asked(server) {
                let has_ended = clients.iter().any(thread::ScopedJoinHandle::is_finished);
                assert!(!has_ended, "a request failed after replacement {step}");
                thread::yield_now();
            }
        }
    });
    assert_eq!(sandbox.json(&["check"])["sound"], true);
    let Seen { requests, writes, longest, .. } = seen;
    let longest = Duration::from_micros(longest.into_inner());
    Figures { requests: requests.into_inner(), writes: writes.into_inner(), longest }
}

/// A server behind the balancer, at an address of its own.
fn start(sandbox: &Sandbox, address: SocketAddr, program: Command) -> Server {
    let mut command =
        sandbox.command_of(program, &["serve", "--listen", &address.to_string(), "--behind-proxy"]);
    Server::launched(command.env("JETON_DRAIN_SECONDS", "2"))
}

/// Lets the clients go also when something fails.
struct Over<'a>(&'a Seen);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

fn verify(front: SocketAddr, token: &str, seen: &Seen) {
    let mut stream = connect(front);
    while !seen.is_over.load(Ordering::Relaxed) {
        let begun = now();
        let (status, body) = ask_over(&mut stream, "GET /auth/demo", token, "");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        seen.count(&seen.requests, begun.elapsed());
    }
}

fn create_and_use(front: SocketAddr, manager: &str, seen: &Seen) {
    let mut stream = connect(front);
    while !seen.is_over.load(Ordering::Relaxed) {
        let begun = now();
        let body = r#"{"title":"rolled","permissions":"read"}"#;
        let (status, made) = ask_over(&mut stream, "POST /AccessToken/demo", manager, body);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&made));
        let made: Value = serde_json::from_slice(&made).unwrap();
        let (status, _) =
            ask_over(&mut stream, "GET /auth/demo?permission=read", text(&made["data"], "access_token"), "");
        assert_eq!(status, 200, "whichever server is asked");
        seen.count(&seen.writes, begun.elapsed());
    }
}

/// Whether the server has answered a question of forward-auth.
fn is_asked(server: &Server) -> bool {
    let metrics = request(server.admin_address, "GET", "/metrics", &[], None).body;
    let asked = metrics.lines().filter(|line| line.starts_with("jeton_http_requests_total{"));
    asked.filter(|line| line.contains("/auth/{app}")).any(|line| !line.ends_with(" 0"))
}

/// Reads the table of tokens in a transaction that goes on for a while.
fn hold_tokens(url: &str) {
    let mut psql = jeton_testkit::Cluster::shared().program("psql");
    let held = psql.args(["--no-psqlrc", "--quiet", "--dbname", url, "--command", HELD]).output();
    let held = held.unwrap();
    assert!(held.status.success(), "{}", String::from_utf8_lossy(&held.stderr));
}
