//! Limits on uses over three servers of one PostgreSQL: never one use too many, and never more lost than a server held.

use super::connection::{ask_over, connect, try_ask_over};
use super::now;
use crate::support::{Installation, Server, request};
use jeton_core::MOST_USES;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::BufReader;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

const SERVERS: usize = 3;
const CLIENTS: usize = 32;
/// Uses of a token whose server is killed.
const MANY: u64 = 2_000;
/// The rate that is used as fast as servers answer: so many uses in a second, and for how long.
const RATE: u64 = 200;
const RATED: Duration = Duration::from_secs(10);
/// For how long a server may keep a portion of it.
const LEASE: Duration = Duration::from_millis(100);

#[test]
#[ignore = "10,000 rounds take some minutes: cargo xtask prove limits"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn ten_thousand_rounds() {
    let figures = limits(10_000, 20, RATED);
    let Figures { rounds, uses, kills, lost, allowed, most } = figures;
    println!(
        "limits: {rounds} tokens with 1 to 64 uses, {CLIENTS} clients of {SERVERS} servers: {uses} of {uses} uses allowed, none too \
         many; {kills} servers killed while a token with {MANY} uses was used: none too many, {lost} lost at most; {RATE} in a \
         second for {} s: {allowed} allowed, {most} of what any time may have",
        RATED.as_secs()
    );
}

#[test]
fn thirty_rounds() {
    if !jeton_testkit::skips("PostgreSQL") {
        limits(30, 1, Duration::from_secs(1));
    }
}

struct Figures {
    rounds: usize,
    /// In all rounds.
    uses: u64,
    kills: usize,
    /// With one server that was killed, at most.
    lost: u64,
    /// Uses of the rate.
    allowed: u64,
    /// The greatest part of what a stretch of time may have that was allowed in it.
    most: String,
}

fn limits(rounds: usize, kills: usize, rated: Duration) -> Figures {
    let installation = Installation::postgres();
    let mut servers: Vec<Server> = (0..SERVERS).map(|_| Server::start(&installation.sandbox, &[])).collect();
    let uses = all_of_them(&installation, &servers, rounds);
    let (allowed, most) = rate(&installation, &servers, rated);
    let lost = (0..kills).map(|kill| with_a_kill(&installation, &mut servers, kill % SERVERS)).max();
    assert_eq!(installation.sandbox.json(&["check"])["sound"], true);
    Figures { rounds, uses, kills, lost: lost.unwrap_or(0), allowed, most }
}

/// A token with these limits.
fn create(installation: &Installation, server: &Server, limits: Value) -> String {
    let mut token = limits;
    token["permissions"] = "read".into();
    let operator = installation.credential("operator_token");
    let authorization = format!("Authorization: Bearer {operator}");
    let body = token.to_string();
    loop {
        let address = server.admin_address;
        let answer = request(
            address,
            "POST",
            "/admin/v1/apps/demo/tokens",
            std::slice::from_ref(&authorization),
            Some(&body),
        );
        match answer.status {
            201 => return answer.json()["access_token"].as_str().unwrap().to_owned(),
            503 => {}
            other => panic!("{other}: {answer:?}"),
        }
    }
}

/// Whether a server allows one more use.
fn is_allowed(stream: &mut BufReader<TcpStream>, secret: &str) -> bool {
    loop {
        match ask_over(stream, "GET /auth/demo?permission=read", secret, "").0 {
            200 => return true,
            429 => return false,
            // A database beside which all other tests run may have no connection in time.
            503 => {}
            other => panic!("{other}"),
        }
    }
}

/// Each token is used by all clients until each of them is refused: as often as it may be, and no more. How often that is in all.
fn all_of_them(installation: &Installation, servers: &[Server], rounds: usize) -> u64 {
    let (begin, end) = (Barrier::new(CLIENTS + 1), Barrier::new(CLIENTS + 1));
    let (token, allowed) = (Mutex::new(String::new()), Mutex::new(0));
    let client = |number: usize| {
        let mut stream = connect(servers[number % SERVERS].address);
        for _ in 0..rounds {
            begin.wait();
            let secret = token.lock().unwrap().clone();
            let mut own = 0;
            while is_allowed(&mut stream, &secret) {
                own += 1;
            }
            *allowed.lock().unwrap() += own;
            end.wait();
        }
    };
    let mut sum = 0;
    thread::scope(|scope| {
        let client = &client;
        for number in 0..CLIENTS {
            scope.spawn(move || client(number));
        }
        for round in 0..rounds {
            // All numbers from 1 to 64, in an order that mixes large and small ones.
            let uses = (round * 37 % 64 + 1) as u64;
            let server = &servers[round % SERVERS];
            *token.lock().unwrap() = create(installation, server, json!({"uses_left": uses}));
            begin.wait();
            end.wait();
            let allowed = std::mem::take(&mut *allowed.lock().unwrap());
            assert_eq!(allowed, uses, "round {round}");
            sum += uses;
        }
    });
    sum
}

/// A server is killed while a token is used, and begins again. How many uses are lost.
fn with_a_kill(installation: &Installation, servers: &mut [Server], victim: usize) -> u64 {
    let secret = create(installation, &servers[victim], json!({"uses_left": MANY}));
    let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    let allowed = AtomicU64::new(0);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (address, secret, allowed) = (addresses[number % SERVERS], &secret, &allowed);
            scope.spawn(move || use_while_served(address, secret, allowed));
        }
        while allowed.load(Ordering::Relaxed) < MANY / 10 {
            thread::yield_now();
        }
        servers[victim].end(Signal::KILL);
    });
    let allowed = allowed.into_inner();
    servers[victim] = Server::start(&installation.sandbox, &[]);
    let mut stream = connect(servers[victim].address);
    let mut rest = 0;
    while is_allowed(&mut stream, &secret) {
        rest += 1;
    }
    let portion = (MANY / 8).min(MOST_USES);
    // What was allowed and not answered any more is not lost, but used: by each of its clients one at most.
    let unheard = CLIENTS.div_ceil(SERVERS) as u64;
    let lost = MANY.checked_sub(allowed + rest).expect("one too many");
    assert!(lost <= portion + unheard, "{lost} of {MANY} are lost");
    lost
}

/// Counts how often a server allows a use until it refuses, or is gone.
fn use_while_served(address: SocketAddr, secret: &str, allowed: &AtomicU64) {
    let mut stream = connect(address);
    loop {
        let Ok((status, _)) = try_ask_over(&mut stream, "GET /auth/demo?permission=read", secret, "") else {
            return;
        };
        match status {
            200 => drop(allowed.fetch_add(1, Ordering::Relaxed)),
            503 => {}
            _ => return,
        }
    }
}

/// A rate is used by all clients as fast as they are answered. How often it was allowed, and the greatest part of what a stretch of
/// time may have.
fn rate(installation: &Installation, servers: &[Server], span: Duration) -> (u64, String) {
    let secret = create(installation, &servers[0], json!({"rates": [{"limit": RATE, "per_seconds": 1}]}));
    let begun = now();
    let client = |number: usize| {
        let mut stream = connect(servers[number % SERVERS].address);
        let mut allowed = Vec::new();
        while begun.elapsed() < span {
            let sent = begun.elapsed();
            if is_allowed(&mut stream, &secret) {
                allowed.push((sent, begun.elapsed()));
            }
        }
        allowed
    };
    let mut allowed: Vec<(Duration, Duration)> = thread::scope(|scope| {
        let client = &client;
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    allowed.sort_unstable_by_key(|(_, answered)| *answered);
    // Whatever was sent and answered within a stretch of time was decided in it.
    let mut most: f64 = 0.0;
    for (first, (from, _)) in allowed.iter().enumerate().step_by(7) {
        let mut within = 0;
        for (sent, answered) in &allowed[first..] {
            if sent >= from {
                within += 1;
                let may = RATE as f64 * (1.0 + (*answered - *from + LEASE).as_secs_f64());
                assert!(f64::from(within) <= may + 1.0, "{within} in {:?}", *answered - *from);
                most = most.max(f64::from(within) / may);
            }
        }
    }
    let allowed = allowed.len() as u64;
    let bucket = RATE as f64 * (1.0 + span.as_secs_f64());
    assert!(allowed as f64 >= 0.5 * bucket, "{allowed} of {bucket}");
    (allowed, format!("{:.0} %", most * 100.0))
}
