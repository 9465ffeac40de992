//! A server that is stopped while its clients keep it busy with matching: the first signal drains it, the
//! second ends it at once.

use super::costly;
use crate::support::{Installation, Run, Server, request};
use rustix::process::{Signal, kill_process};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{TryRecvError, channel};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// The rows to match, and the clients that have them matched.
#[derive(Clone, Copy)]
struct Size {
    rows: usize,
    clients: usize,
    streams: usize,
}

/// As the attack on the neighbours, and at ten times that.
const SIZES: [Size; 2] =
    [Size { rows: 60, clients: 4, streams: 60 }, Size { rows: 600, clients: 40, streams: 600 }];
const SMALL: Size = Size { rows: 30, clients: 4, streams: 12 };

/// How long the second signal may take, and how long what is answered while the server drains.
const AT_ONCE: Duration = Duration::from_secs(2);
const SOON: Duration = Duration::from_secs(1);
/// Where other tests use the machine. Before matching was done beside the requests it took 70 s.
const ON_A_BUSY_MACHINE: Duration = Duration::from_secs(20);

/// An installation where everyone may ask for everything.
fn served(size: Size, drain_seconds: u32) -> Installation {
    super::raise_descriptors();
    let mut installation = Installation::sqlite().with(&costly::settings());
    let file = installation.sandbox.scratch("jeton.toml", &format!("drain_seconds = {drain_seconds}\n"));
    let server = Server::start(&installation.sandbox, &["--config", &file]);
    costly::fill(server.address, installation.credential("admin_token"), size.rows);
    installation.server = Some(server);
    installation
}

/// What comes of something that is done while clients ask, each again and again until it is done, and leave.
fn under_load<T>(size: Size, address: SocketAddr, happening: impl FnOnce() -> T) -> T {
    let requests = costly::requests(address);
    let streams = costly::listen(address, size.streams);
    let asked = AtomicUsize::new(0);
    let came = thread::scope(|scope| {
        // Dropped when it is over, also by a panic: that is what the clients wait for.
        let mut goes_on = Vec::new();
        for client in 0..size.clients {
            let (requests, asked, (sender, is_over)) = (&requests, &asked, channel::<()>());
            goes_on.push(sender);
            scope.spawn(move || {
                for (_, line, body) in requests.iter().cycle().skip(client * 7) {
                    if is_over.try_recv() == Err(TryRecvError::Disconnected) {
                        break;
                    }
                    costly::ask(address, line, body, Duration::from_secs(1));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while asked.load(Ordering::Relaxed) < 3 * size.clients {
            thread::park_timeout(Duration::from_millis(5));
        }
        happening()
    });
    drop(streams);
    came
}

/// Two signals: how long the slowest answer took after the first, and the end after the second.
fn twice(size: Size) -> (Duration, Duration) {
    let mut installation = served(size, 600);
    let token = installation.token_of("7");
    let server = installation.server.as_mut().unwrap();
    assert_eq!(server.auth(&token), 200);
    let (slowest, took, run) = under_load(size, server.address, || {
        kill_process(server.pid(), Signal::TERM).unwrap();
        server.says("draining");
        let mut slowest = Duration::ZERO;
        let mut timed = |address, path: &str, token: &str| {
            let begun = Instant::now();
            let status =
                request(address, "GET", path, &[format!("Authorization: Bearer {token}")], None).status;
            slowest = slowest.max(begun.elapsed());
            status
        };
        for address in [server.address, server.admin_address] {
            assert_eq!(timed(address, "/healthz", ""), 200);
            assert_eq!(timed(address, "/readyz", ""), 503);
        }
        assert_eq!(timed(server.address, "/auth/demo", &token), 200);
        let begun = Instant::now();
        let run = server.end(Signal::TERM);
        (slowest, begun.elapsed(), run)
    });
    ended(&run, 5);
    assert!(run.stderr.contains("second signal"), "{run:#?}");
    (slowest, took)
}

/// One signal: how long until what was under way is answered and the server has ended in order.
fn once(size: Size) -> Duration {
    let mut installation = served(size, 0);
    let server = installation.server.as_mut().unwrap();
    let (took, run) = under_load(size, server.address, || {
        let begun = Instant::now();
        let run = server.end(Signal::TERM);
        (begun.elapsed(), run)
    });
    ended(&run, 0);
    assert!(!run.stderr.contains("are disconnected"), "{run:#?}");
    took
}

#[track_caller]
fn ended(run: &Run, code: i32) {
    assert_eq!(run.code, Some(code), "{run:#?}");
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
}

/// At both sizes.
pub(super) fn figures() -> Vec<String> {
    let figure = |size| {
        let (slowest, second) = twice(size);
        let first = once(size);
        let clients = size.clients;
        let figure = format!(
            "{clients} clients: one signal ends in {} ms; meanwhile answers within {} ms; a second one in {} ms",
            first.as_millis(),
            slowest.as_millis(),
            second.as_millis()
        );
        assert!(second <= AT_ONCE && slowest <= SOON, "{figure}");
        figure
    };
    SIZES.into_iter().map(figure).collect()
}

#[test]
fn a_second_signal_ends_a_server_that_matches_at_once() {
    let (_, second) = twice(SMALL);
    assert!(second <= ON_A_BUSY_MACHINE, "{second:?}");
}

#[test]
fn one_signal_drains_a_server_that_matches() {
    let first = once(SMALL);
    assert!(first <= ON_A_BUSY_MACHINE, "{first:?}");
}
