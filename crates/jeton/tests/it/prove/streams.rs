//! Many change streams beside many writes: every reader gets everything in order, a reader that lost its
//! rights gets nothing more, one that does not read is dropped, and the server's memory stays bounded.

use super::events::Events;
use super::now;
use crate::support::{Installation, PATIENCE, Server, loopback, request};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How much is done.
#[derive(Clone, Copy)]
struct Size {
    /// Streams that are read to the end.
    readers: usize,
    /// Streams whose readers lose their rights in the middle.
    revoked: usize,
    /// Streams that are not read.
    idle: usize,
    updates: usize,
    /// Updates in a second; `None`: one after the other.
    rate: Option<u32>,
    /// Bytes that each update stores.
    bytes: usize,
}

const MAX_MEGABYTES: u64 = 150;

/// What came of it.
struct Figures {
    size: Size,
    events: usize,
    took: Duration,
    idle_megabytes: u64,
    peak_megabytes: u64,
}

impl Figures {
    fn summary(&self) -> String {
        let Size { readers, revoked, idle, updates, .. } = self.size;
        format!(
            "{readers} streams received all of {updates} changes in order ({:.0} changes/s, {} events in all); \
             {revoked} of revoked readers received nothing more, {idle} of readers that do not read were dropped; \
             memory {} MB before, {} MB at most",
            updates as f64 / self.took.as_secs_f64(),
            self.events,
            self.idle_megabytes,
            self.peak_megabytes,
        )
    }
}

#[test]
#[ignore = "takes a minute: cargo xtask prove streams"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn five_hundred_streams() {
    let size = Size { readers: 500, revoked: 20, idle: 10, updates: 2_000, rate: Some(100), bytes: 512 };
    println!("streams: SQLite: {}", streams_beside_writes(Installation::sqlite(), size).summary());
    println!("streams: PostgreSQL: {}", streams_beside_writes(Installation::postgres(), size).summary());
}

const SMALL: Size = Size { readers: 12, revoked: 3, idle: 2, updates: 150, rate: None, bytes: 8_192 };

#[test]
fn a_dozen_streams() {
    streams_beside_writes(Installation::sqlite(), SMALL);
}

#[test]
fn a_dozen_streams_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        streams_beside_writes(Installation::postgres(), SMALL);
    }
}

fn streams_beside_writes(installation: Installation, size: Size) -> Figures {
    let rules = json!({"loopback": {"acls": [loopback::entry("$authenticated", "ALLOW", "*")]}});
    let installation = installation.with(&loopback::administered()).with(&rules);
    let reader = installation.token_of("7");
    let revoked: Vec<String> = (0..size.revoked).map(|_| installation.token_of("8")).collect();
    let mut command = installation.sandbox.command(&["serve"]);
    command.env("JETON_LIMITS_STREAMS", "600").env("JETON_LIMITS_WRITE_STALL_SECONDS", "2");
    let server = Server::launched(&mut command);
    let admin = installation.credential("admin_token");
    create_rows(server.address, admin, size.updates);

    let process = format!("/proc/{}", server.pid().as_raw_nonzero());
    drop(std::fs::write(format!("{process}/clear_refs"), "5"));
    let idle_megabytes = megabytes(&process, "VmRSS:");
    let is_open = Barrier::new(size.readers + size.revoked + 1);
    // The update that was begun first after all revocations were answered.
    let refused_from = AtomicUsize::new(usize::MAX);
    let (mut events, mut took) = (0, Duration::ZERO);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..size.readers)
            .map(|_| scope.spawn(|| read_all(Stream::open(server.address, &reader), &is_open, size.updates)))
            .collect();
        let cut: Vec<_> = revoked
            .iter()
            .map(|token| scope.spawn(|| read_until_denied(Stream::open(server.address, token), &is_open)))
            .collect();
        is_open.wait();
        // After the others: these are dropped when they stall.
        let idle: Vec<_> = (0..size.idle).map(|_| Events::ask(server.address, &reader, None)).collect();
        let begun = now();
        update_rows(&server, admin, size, &revoked, &refused_from);
        took = begun.elapsed();
        for reader in readers {
            events += reader.join().unwrap();
        }
        for reader in cut {
            let last = reader.join().unwrap();
            assert!(last < refused_from.load(Ordering::SeqCst), "a revoked reader received update {last}");
        }
        wait_for_open_streams(&server, 0);
        drop(idle);
    });
    let peak_megabytes = megabytes(&process, "VmHWM:");
    assert!(peak_megabytes < MAX_MEGABYTES, "{peak_megabytes} MB");
    Figures { size, events, took, idle_megabytes, peak_megabytes }
}

/// Rows `row-0` and so on.
fn create_rows(address: SocketAddr, admin: &str, count: usize) {
    let rows: Vec<Value> = (0..count).map(|number| json!({"id": format!("row-{number}")})).collect();
    for rows in rows.chunks(100) {
        let body = Value::from(rows).to_string();
        let header = format!("X-Access-Token: {admin}");
        let answer = request(address, "POST", "/api/accessTokens", &[header], Some(&body));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// Changes each row once, in the order of their numbers, and revokes the readers in the middle.
fn update_rows(server: &Server, admin: &str, size: Size, revoked: &[String], refused_from: &AtomicUsize) {
    let padding = "x".repeat(size.bytes);
    let begun = now();
    let change = |method: &str, id: &str, body: Option<&str>| {
        let header = format!("X-Access-Token: {admin}");
        let path = format!("/api/accessTokens/{id}");
        let answer = request(server.address, method, &path, &[header], body);
        assert_eq!(answer.status, 200, "{method}: {answer:?}");
    };
    for number in 0..size.updates {
        if number == size.updates / 2 {
            revoked.iter().for_each(|token| change("DELETE", token, None));
            refused_from.store(number, Ordering::SeqCst);
        }
        if let Some(rate) = size.rate {
            let due = Duration::from_secs(1) / rate * u32::try_from(number).unwrap();
            thread::park_timeout(due.saturating_sub(begun.elapsed()));
        }
        let body = json!({"number": number, "padding": padding}).to_string();
        change("PATCH", &format!("row-{number}"), Some(&body));
    }
}

/// Reads until the last update, and returns how many there were.
fn read_all(mut stream: Stream, is_open: &Barrier, updates: usize) -> usize {
    is_open.wait();
    for expected in 0..updates {
        let update = stream.next_update();
        assert_eq!(update, Some(expected), "after {expected} updates: {}", stream.last);
    }
    updates
}

/// Reads to the end, which must say that the reader lost its rights, and returns the last update before that.
fn read_until_denied(mut stream: Stream, is_open: &Barrier) -> usize {
    is_open.wait();
    let mut next = 0;
    while let Some(update) = stream.next_update() {
        assert_eq!(update, next);
        next += 1;
    }
    assert_eq!(stream.last, "{\"type\":\"end\",\"reason\":\"denied\"}");
    next.saturating_sub(1)
}

/// A stream of updates.
struct Stream {
    events: Events,
    /// The last data.
    last: String,
}

impl Stream {
    fn open(address: SocketAddr, token: &str) -> Self {
        let events = Events::open(address, token, None);
        let events = events.unwrap_or_else(|status| panic!("{status}"));
        Stream { events, last: String::new() }
    }

    /// The number of the next update; `None`: the stream has ended.
    fn next_update(&mut self) -> Option<usize> {
        loop {
            let event = self.events.next()?;
            let said = event.json();
            self.last = event.data;
            if said["type"] == "update" {
                return Some(usize::try_from(said["data"]["number"].as_u64().unwrap()).unwrap());
            }
        }
    }
}

/// Waits until the metrics say that so many are open.
fn wait_for_open_streams(server: &Server, count: usize) {
    let wanted = format!("\njeton_streams_open {count}\n");
    let begun = now();
    while !request(server.admin_address, "GET", "/metrics", &[], None).body.contains(&wanted) {
        assert!(begun.elapsed() < PATIENCE, "streams stay open");
        thread::park_timeout(Duration::from_millis(50));
    }
}

fn megabytes(process: &str, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes * 1024 / 1_000_000
}
