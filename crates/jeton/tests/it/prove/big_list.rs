//! Whole lists through all three dialects, read slowly, need a page's memory each; writes and verification go
//! on.

use super::now;
use crate::support::{Installation, Server, request, text};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How fast each list is read.
const BYTES_PER_SECOND: u64 = 1_000_000;
/// What the server may take at most.
const MAX_MEGABYTES: u64 = 150;
/// Most rows of an AppKey list; all of them are many pages.
const PAGE_ROWS: usize = 1_000;
/// Rows that one command imports.
const FILLED_ROWS: usize = 25_000;

#[test]
#[ignore = "takes eight minutes: cargo xtask prove big-list"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn over_a_million_tokens_on_sqlite() {
    println!("big-list: SQLite: {}", lists_beside_work(Installation::sqlite(), 1_000_000).summary());
}

#[test]
#[ignore = "takes eight minutes: cargo xtask prove big-list"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn over_a_million_tokens_on_postgresql() {
    println!("big-list: PostgreSQL: {}", lists_beside_work(Installation::postgres(), 1_000_000).summary());
}

#[test]
fn over_thousands_of_tokens() {
    lists_beside_work(Installation::sqlite(), 11_000);
}

#[test]
fn over_thousands_of_tokens_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        lists_beside_work(Installation::postgres(), 2_000);
    }
}

/// What came of it.
struct Figures {
    filled: Duration,
    lists: Vec<(&'static str, Listed)>,
    peak_megabytes: u64,
    log_megabytes: u64,
    creates: Vec<Duration>,
    asks: Vec<Duration>,
    took: Duration,
}

impl Figures {
    fn summary(&mut self) -> String {
        let mut line = format!(
            "{} MB at most, {:.0} creates/s (slowest {} ms), /auth p99 {:.1} ms (slowest {} ms), \
             database log {} MB at most, filled in {} s;",
            self.peak_megabytes,
            self.creates.len() as f64 / self.took.as_secs_f64(),
            slowest(&mut self.creates, 1.0).as_millis(),
            slowest(&mut self.asks, 0.99).as_secs_f64() * 1000.0,
            slowest(&mut self.asks, 1.0).as_millis(),
            self.log_megabytes,
            self.filled.as_secs(),
        );
        for (name, listed) in &self.lists {
            let Listed { rows, bytes, took } = listed;
            write!(line, " {name} {rows} rows, {} MB in {} s;", bytes / 1_000_000, took.as_secs()).unwrap();
        }
        line
    }
}

/// The duration that this part of all stay within.
fn slowest(durations: &mut [Duration], part: f64) -> Duration {
    durations.sort_unstable();
    let sandbox = (durations.len() as f64 * part).ceil() as usize;
    durations[sandbox.max(1) - 1]
}

fn lists_beside_work(installation: Installation, count: usize) -> Figures {
    let begun = now();
    fill(&installation, count);
    let filled = begun.elapsed();
    // Each of a thousand pages says how many rows there are in all, and a machine that others use as well may
    // need longer to count them than a server waits by default.
    let server =
        Server::launched(installation.sandbox.command(&["serve"]).env("JETON_LIMITS_QUERY_SECONDS", "30"));
    let installation = Installation { server: Some(server), ..installation };
    let address = installation.server().address;
    let process = format!("/proc/{}", installation.server().pid().as_raw_nonzero());
    // From here on, where the system allows it; else since the start.
    drop(std::fs::write(format!("{process}/clear_refs"), "5"));
    let log = Some(installation.sandbox.file("jeton.db-wal")).filter(|path| path.exists());

    let bearer = format!("Authorization: Bearer {}", installation.credential("admin_token"));
    let client = basic(installation.credential("client_id"), installation.credential("client_secret"));
    let asked_about = installation.token_of("7");
    let is_over = AtomicBool::new(false);
    let begun = now();
    let (lists, (creates, log_bytes), asks) = thread::scope(|scope| {
        let _over = Over(&is_over);
        let lists = [
            ("LoopBack", scope.spawn(|| read_list(address, "/api/accessTokens", &bearer, "\"id\":"))),
            (
                "Dotide",
                scope.spawn(|| read_list(address, "/v1/demo/access_tokens", &client, "\"access_token\":")),
            ),
            ("AppKey", scope.spawn(|| read_pages(address, &bearer, count))),
        ];
        let creates = scope.spawn(|| create_until(&is_over, address, &bearer, log.as_ref()));
        let asks = scope.spawn(|| ask_until(&is_over, address, &asked_about));
        let lists = lists.map(|(name, list)| (name, list.join().unwrap()));
        is_over.store(true, Ordering::Relaxed);
        (lists, creates.join().unwrap(), asks.join().unwrap())
    });
    let took = begun.elapsed();
    for (name, listed) in &lists {
        assert!(listed.rows >= count, "{name} showed {} of {count} rows", listed.rows);
    }
    let peak_megabytes = peak_kibibytes(&process) * 1024 / 1_000_000;
    assert!(peak_megabytes < MAX_MEGABYTES, "{peak_megabytes} MB");
    // A list that held a snapshot would keep the log from ever being begun anew.
    let log_megabytes = log_bytes / 1_000_000;
    assert!(log_megabytes < 64, "{log_megabytes} MB");
    Figures { filled, lists: lists.into(), peak_megabytes, log_megabytes, creates, asks, took }
}

/// Ends the work also when a list fails, because threads are waited for.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Imports tokens in the order of their digests, by which they are indexed: any other takes many times as
/// long.
fn fill(installation: &Installation, count: usize) {
    let ring = jeton_service::read_key_file(&installation.sandbox.file("keys.json")).unwrap();
    let keys = jeton_service::Keys::derive(&ring);
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by_cached_key(|number| {
        *keys.digest(&jeton_core::Secret::parse(&secret(*number)).unwrap()).as_bytes()
    });
    for numbers in numbers.chunks(FILLED_ROWS) {
        let file = installation.sandbox.scratch("tokens.jsonl", &numbers.iter().map(row).collect::<String>());
        let answer = installation.sandbox.json(&["token", "import", "--app", "demo", &file]);
        assert_eq!(answer["imported"], numbers.len(), "{answer}");
    }
}

/// Text that differs from its first character on.
fn secret(number: usize) -> String {
    format!("{:016x}{number:048x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A line of an import.
fn row(number: &usize) -> String {
    let (user, title) = (number % 1_000, format!("token {number}"));
    let secret = secret(*number);
    let row = json!({"access_token": secret, "user_id": user, "title": title, "permissions": "read,write"});
    format!("{row}\n")
}

fn basic(id: &str, secret: &str) -> String {
    use base64::Engine;
    let encoded = base64::prelude::BASE64_STANDARD.encode(format!("{id}:{secret}"));
    format!("Authorization: Basic {encoded}")
}

/// A list that was read to its end.
#[derive(Debug, Default)]
struct Listed {
    rows: usize,
    bytes: u64,
    took: Duration,
}

/// All of a list in one answer.
fn read_list(address: SocketAddr, target: &str, authorization: &str, mark: &str) -> Listed {
    let mut listed = Listed::default();
    let pace = Pace::begin();
    let body = read_answer(address, target, authorization, &pace, &mut listed.bytes, &mut |part| {
        listed.rows += part.matches(mark).count();
    });
    assert!(body.ends_with(']'), "{target} ends with {body:?}");
    Listed { took: pace.begun.elapsed(), ..listed }
}

/// All of a list, page by page.
fn read_pages(address: SocketAddr, authorization: &str, count: usize) -> Listed {
    let mut listed = Listed::default();
    let pace = Pace::begin();
    for skip in (0..count).step_by(PAGE_ROWS) {
        let target = format!("/AccessToken/demo?take={PAGE_ROWS}&skip={skip}");
        let end = read_answer(address, &target, authorization, &pace, &mut listed.bytes, &mut |part| {
            listed.rows += part.matches("\"accessToken\":").count();
        });
        assert!(end.ends_with("]},\"error\":\"\"}"), "{target} ends with {end:?}");
    }
    Listed { took: pace.begun.elapsed(), ..listed }
}

/// Reads an answer at the pace, shows each of its parts, and answers the last one. A page is one part.
fn read_answer(
    address: SocketAddr,
    target: &str,
    authorization: &str,
    pace: &Pace,
    bytes: &mut u64,
    show: &mut dyn FnMut(&str),
) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}\r\n\r\n"
    )
    .unwrap();
    let mut stream = BufReader::with_capacity(16 * 1024, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{target}: {head}");
    }
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("transfer-encoding: chunked"), "{head}");
    let mut last = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let length =
            usize::from_str_radix(line.trim(), 16).unwrap_or_else(|e| panic!("{target} was cut: {e}"));
        let mut part = vec![0; length + 2];
        stream.read_exact(&mut part).unwrap();
        if length == 0 {
            return last;
        }
        *bytes += length as u64;
        pace.keep(*bytes);
        part.truncate(length);
        last = String::from_utf8(part).unwrap();
        show(&last);
    }
}

/// The speed of a reader since it began.
struct Pace {
    begun: Instant,
}

impl Pace {
    fn begin() -> Self {
        Pace { begun: now() }
    }

    /// Waits until so many bytes may have been read.
    #[expect(clippy::disallowed_methods, reason = "a reader that is slow on purpose")]
    fn keep(&self, bytes: u64) {
        let due = Duration::from_micros(bytes * 1_000_000 / BYTES_PER_SECOND);
        thread::sleep(due.saturating_sub(self.begun.elapsed()));
    }
}

fn create_until(
    is_over: &AtomicBool,
    address: SocketAddr,
    authorization: &str,
    log: Option<&PathBuf>,
) -> (Vec<Duration>, u64) {
    let body = json!({"title": "meanwhile", "permissions": "read"}).to_string();
    let headers = [authorization.to_owned()];
    let (mut took, mut log_bytes) = (Vec::new(), 0);
    while took.is_empty() || !is_over.load(Ordering::Relaxed) {
        let begun = now();
        let answer = request(address, "POST", "/AccessToken/demo", &headers, Some(&body));
        took.push(begun.elapsed());
        assert_eq!(answer.status, 200, "{answer:?}");
        text(&answer.json()["data"], "access_token");
        log_bytes = log.map_or(0, |path| path.metadata().unwrap().len()).max(log_bytes);
    }
    (took, log_bytes)
}

fn ask_until(is_over: &AtomicBool, address: SocketAddr, token: &str) -> Vec<Duration> {
    let headers = [format!("X-Access-Token: {token}")];
    let mut took = Vec::new();
    while took.is_empty() || !is_over.load(Ordering::Relaxed) {
        let begun = now();
        assert_eq!(request(address, "GET", "/auth/demo", &headers, None).status, 200);
        took.push(begun.elapsed());
    }
    took
}

/// The most memory that a process had at once.
fn peak_kibibytes(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
