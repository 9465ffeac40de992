//! A token that made a hundred thousand others: what is taken from it is taken from all of them, with the one answer.

use super::connection::{ask_over, connect};
use super::now;
use crate::support::{Installation, Server, request, text};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::BufReader;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Connections to a server at a time.
const CONNECTIONS: usize = 8;
/// Tokens without children that are revoked, for comparison.
const ALONE: usize = 9;
/// How much later another server may know of what this one was asked: `cache.max_staleness`.
const STALENESS: Duration = Duration::from_secs(2);

/// What is done to the token that made the others, and how that is undone.
const REMOVALS: [(&str, &str, &str, Option<&str>); 3] = [
    ("disabled", "PUT", r#"{"enable": false}"#, Some(r#"{"enable": true}"#)),
    ("narrowed", "PUT", r#"{"permissions": "delegate"}"#, Some(r#"{"permissions": "read,delegate"}"#)),
    ("revoked", "DELETE", "", None),
];

#[test]
#[ignore = "100,000 children on each engine take some minutes: cargo xtask prove delegate"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn a_hundred_thousand_children() {
    println!("delegate: SQLite: {}", family(&Installation::sqlite(), 1, 100_000).summary());
    println!(
        "delegate: PostgreSQL, two servers: {}",
        family(&Installation::postgres(), 2, 100_000).summary()
    );
}

#[test]
fn a_hundred_children() {
    family(&Installation::sqlite(), 1, 100);
    if !jeton_testkit::skips("PostgreSQL") {
        family(&Installation::postgres(), 2, 100);
    }
}

/// What came of it.
struct Figures {
    children: usize,
    /// How long it took to make them.
    made: Duration,
    /// How long each removal took to be answered.
    took: Vec<(&'static str, Duration)>,
    /// The same for a token without children, in the middle of several.
    alone: Duration,
    /// Requests that were sent to the same server after an answer.
    asked: usize,
    /// How much later than an answer the last request was sent that another server allowed, if there is one.
    later: Option<Duration>,
}

impl Figures {
    fn summary(&self) -> String {
        let millis = |span: Duration| span.as_secs_f64() * 1_000.0;
        let Figures { children, made, alone, asked, later, .. } = self;
        let mut line = format!("{children} children made in {:.0} s; ", made.as_secs_f64());
        for (what, took) in &self.took {
            write!(line, "{what} in {:.1} ms, ", millis(*took)).unwrap();
        }
        write!(line, "one without children in {:.1} ms; ", millis(*alone)).unwrap();
        write!(line, "0 of {asked} requests for them after the answers allowed").unwrap();
        if let Some(later) = later {
            write!(line, ", by the other server none that was sent {:.0} ms later", millis(*later)).unwrap();
        }
        line
    }
}

fn family(installation: &Installation, servers: usize, children: usize) -> Figures {
    let servers: Vec<Server> = (0..servers).map(|_| Server::start(&installation.sandbox, &[])).collect();
    let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    let [address, others @ ..] = addresses.as_slice() else { panic!("there is a server") };
    let alone = alone(installation, *address);
    let parent = create(installation, "read,delegate");
    let begun = now();
    let secrets = make(&addresses, text(&parent, "access_token"), children);
    let made = begun.elapsed();
    let mut figures = Figures { children, made, took: Vec::new(), alone, asked: 0, later: None };
    for (what, method, body, back) in REMOVALS {
        for address in &addresses {
            wait_until_all_are_allowed(*address, &secrets);
        }
        let begun = now();
        manage(installation, *address, method, &parent["id"], body);
        let answered = now();
        figures.took.push((what, answered - begun));
        thread::scope(|scope| {
            let watches: Vec<_> =
                others.iter().map(|other| scope.spawn(|| last_allowed(*other, &secrets, answered))).collect();
            assert_eq!(allowed(*address, &secrets), 0, "{what}");
            figures.asked += secrets.len();
            for watch in watches {
                let later = watch.join().unwrap();
                assert!(later < STALENESS, "{what}: {later:?}");
                figures.later = figures.later.max(Some(later));
            }
        });
        for address in &addresses {
            assert_eq!(allowed(*address, &secrets), 0, "{what}");
        }
        if let Some(back) = back {
            manage(installation, *address, method, &parent["id"], back);
        }
    }
    assert_eq!(installation.sandbox.json(&["check"])["sound"], true);
    figures
}

fn create(installation: &Installation, permissions: &str) -> Value {
    let arguments = ["token", "create", "--app", "demo", "--user-id", "7", "--permissions", permissions];
    installation.sandbox.json(&arguments)
}

/// An operator of the app changes or removes a token.
fn manage(installation: &Installation, address: SocketAddr, method: &str, id: &Value, body: &str) {
    let authorization = format!("Authorization: Bearer {}", installation.credential("admin_token"));
    let body = Some(body).filter(|body| !body.is_empty());
    let answer = request(address, method, &format!("/AccessToken/demo/{id}"), &[authorization], body);
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// How long it takes to revoke a token that made none.
fn alone(installation: &Installation, address: SocketAddr) -> Duration {
    let mut took: Vec<Duration> = (0..ALONE)
        .map(|_| {
            let token = create(installation, "read");
            let begun = now();
            manage(installation, address, "DELETE", &token["id"], "");
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[ALONE / 2]
}

/// The secrets of tokens that a parent makes.
fn make(addresses: &[SocketAddr], parent: &str, count: usize) -> Vec<String> {
    let body = json!({"scopes": [{"permissions": ["read"], "global": true}]}).to_string();
    let of_connection = |number: usize| {
        let mut stream = connect(addresses[number % addresses.len()]);
        let mut secrets = Vec::new();
        while secrets.len() < count.div_ceil(CONNECTIONS) {
            match ask_over(&mut stream, "POST /delegate/demo", parent, &body) {
                (201, child) => {
                    let child: Value = serde_json::from_slice(&child).unwrap();
                    secrets.push(text(&child, "access_token").to_owned());
                }
                (503, _) => {}
                (status, body) => panic!("{status}: {}", String::from_utf8_lossy(&body)),
            }
        }
        secrets
    };
    thread::scope(|scope| {
        let of_connection = &of_connection;
        let connections: Vec<_> =
            (0..CONNECTIONS).map(|number| scope.spawn(move || of_connection(number))).collect();
        connections.into_iter().flat_map(|connection| connection.join().unwrap()).collect()
    })
}

/// Whether a token may read.
fn is_allowed(stream: &mut BufReader<TcpStream>, secret: &str) -> bool {
    loop {
        match ask_over(stream, "GET /auth/demo?permission=read", secret, "").0 {
            200 => return true,
            401 | 403 => return false,
            // A database beside which all other tests run may have no connection in time.
            503 => {}
            other => panic!("{other}"),
        }
    }
}

/// How many of them may read.
fn allowed(address: SocketAddr, secrets: &[String]) -> usize {
    let of_connection = |secrets: &[String]| {
        let mut stream = connect(address);
        secrets.iter().filter(|secret| is_allowed(&mut stream, secret)).count()
    };
    thread::scope(|scope| {
        let of_connection = &of_connection;
        let chunks = secrets.chunks(secrets.len().div_ceil(CONNECTIONS));
        let connections: Vec<_> = chunks.map(|chunk| scope.spawn(move || of_connection(chunk))).collect();
        connections.into_iter().map(|connection| connection.join().unwrap()).sum()
    })
}

/// A server may hear later of what another one has given back.
fn wait_until_all_are_allowed(address: SocketAddr, secrets: &[String]) {
    let begun = now();
    while allowed(address, secrets) < secrets.len() {
        assert!(begun.elapsed() < crate::support::PATIENCE, "what was given back is not allowed");
    }
}

/// How much later than an answer of another server the last request was sent that this one allowed: it has refused as many as
/// there are since.
fn last_allowed(address: SocketAddr, secrets: &[String], answered: Instant) -> Duration {
    let mut stream = connect(address);
    let (mut last, mut refused) = (Duration::ZERO, 0);
    for secret in secrets.iter().cycle() {
        let sent = answered.elapsed();
        if is_allowed(&mut stream, secret) {
            (last, refused) = (sent, 0);
        } else {
            refused += 1;
        }
        if refused >= secrets.len() {
            break;
        }
        assert!(last < crate::support::PATIENCE, "it never ends");
    }
    last
}
