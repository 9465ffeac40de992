//! Strangers who fill an app that lets anybody write.

use super::measure::{Attack, Scale, Scene};
use super::unnoticed_at_a_small_size;
use crate::support::{Installation, Server, loopback, request_if_served};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// Rows that an app keeps in these tests, unless it is the default.
const LIMIT: u64 = 10_000;
/// Clients at a time.
const CLIENTS: usize = 16;
/// Rows in one request.
const ROWS: usize = 90;

/// Rows, one after the other and many at once.
pub(super) const WRITES: Attack = Attack {
    name: "anonymous writes",
    serve: &[],
    settings: || json!({"loopback": {"acls": [loopback::entry("$everyone", "ALLOW", "create")]}}),
    prepare: |_, _| {},
    run: write,
    disk_at_most: 128,
};

fn write(scene: &Scene, scale: Scale) -> String {
    let address = scene.address();
    let rows = rows(scale);
    let many: Value = (0..rows).map(|_| json!({"ttl": 0.001})).collect();
    let written = clients(scale, || {
        u64::from(post(address, &json!({})) == 200) + rows as u64 * u64::from(post(address, &many) == 200)
    });
    // 6,000 at once, as many again in a minute, and one list that was begun by each client.
    let most = 6_000 + 100 * (scale.time().as_secs() + 1) + (rows * CLIENTS) as u64;
    let least = if scale == Scale::Gate { 1 } else { 6_000 };
    assert!((least..=most).contains(&written), "{written} of {least} to {most}");
    format!("{written} rows")
}

/// How many rows a list has: clients send as many requests as the machine takes, so that ten times as many send no more.
fn rows(scale: Scale) -> usize {
    if scale == Scale::TenTimes { 10 * ROWS } else { ROWS }
}

/// Clients, until the time is over, and what all of them have counted.
fn clients(scale: Scale, client: impl Fn() -> u64 + Sync) -> u64 {
    let begun = Instant::now();
    let until = || {
        let mut sum = 0;
        while begun.elapsed() < scale.time() {
            sum += client();
        }
        sum
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(until)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    })
}

fn post(address: SocketAddr, body: &Value) -> u16 {
    let body = body.to_string();
    let headers = ["Content-Type: application/json".to_owned()];
    let answer = request_if_served(address, "POST", "/api/accessTokens", &headers, Some(&body));
    let status = answer.map_or(503, |answer| answer.status);
    assert!(matches!(status, 200 | 422 | 429 | 503), "{status}");
    status
}

/// Rows that expire at once, with the limit on rows alone in the way: there are never more than that,
/// whatever writes and on however many servers. Answers how many there were at most, and how many were
/// written.
fn churn(installation: &Installation, servers: usize, limit: u64, time: Duration) -> (u64, u64) {
    let sandbox = &installation.sandbox;
    let toml = format!(
        "[limits]\nself_made_tokens = {limit}\nanonymous_writes_per_minute = 1_000_000\n\
         anonymous_writes_per_hour = 100_000_000\n"
    );
    let file = sandbox.scratch("jeton.toml", &toml);
    let servers: Vec<Server> = (0..servers).map(|_| Server::start(sandbox, &["--config", &file])).collect();
    let admin = [format!("Authorization: {}", installation.credential("admin_token"))];
    let rows = || {
        let path = "/api/accessTokens/count";
        let answer = request_if_served(servers[0].address, "GET", path, &admin, None);
        // The admin's own row is one of them.
        answer.filter(|answer| answer.status == 200).map(|answer| answer.json()["count"].as_u64().unwrap())
    };
    let others = rows().unwrap();
    let body: Value = (0..ROWS).map(|_| json!({"ttl": 0.001, "x": "y".repeat(900)})).collect();
    let (begun, is_over) = (Instant::now(), AtomicBool::new(false));
    let (most, written) = thread::scope(|scope| {
        let client = |number: usize| {
            let address = servers[number % servers.len()].address;
            let body = &body;
            move || {
                let mut written = 0;
                while begun.elapsed() < time {
                    written += ROWS as u64 * u64::from(post(address, body) == 200);
                }
                written
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(client(number))).collect();
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(rows().unwrap_or(0));
            }
            most.max(rows().unwrap())
        });
        let written = clients.into_iter().map(|client| client.join().unwrap()).sum();
        is_over.store(true, Ordering::Relaxed);
        (watch.join().unwrap() - others, written)
    });
    assert!(written > limit, "{written} rows were written: not even once as many as there may be");
    assert!(most <= limit, "there were {most} rows");
    drop(servers);
    assert_eq!(installation.sandbox.json(&["check"])["sound"], true);
    (most, written)
}

fn flooded(installation: Installation) -> Installation {
    installation.with(&loopback::open())
}

#[test]
fn rows_that_nobody_vouches_for_keep_to_their_limit() {
    let time = Duration::from_secs(2);
    churn(&flooded(Installation::sqlite()), 1, 200, time);
    if !jeton_testkit::skips("PostgreSQL") {
        churn(&flooded(Installation::postgres()), 2, 200, time);
    }
}

/// At full size, on both engines, the second with two servers.
pub(super) fn figures() -> Vec<String> {
    let engines = [
        ("SQLite", Installation::sqlite as fn() -> Installation, 1),
        ("PostgreSQL, two servers", Installation::postgres, 2),
    ];
    let figure = |(name, installation, servers): (&str, fn() -> Installation, usize)| {
        let (most, written) = churn(&flooded(installation()), servers, LIMIT, Duration::from_secs(8));
        format!("{name}: {written} rows written, at most {most} of {LIMIT} there")
    };
    engines.into_iter().map(figure).collect()
}

#[test]
fn anonymous_writes() {
    unnoticed_at_a_small_size(&WRITES);
}
