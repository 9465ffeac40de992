//! Many at a time, that are slow or say nothing.

use super::wire::{Target, statuses};
use super::{PROMPT, Size};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// By when a slow client must be gone: the longest of the server's times, and as much again for a loaded
/// machine.
const GONE_BY: Duration = Duration::from_secs(75);

/// Clients that hold what they can get. Each ends when the server ends its connection.
pub(super) struct Crowds {
    idle: Vec<TcpStream>,
    slow: JoinSet<Duration>,
    begun: Instant,
}

impl Crowds {
    /// Opens all of them.
    pub(super) async fn open(target: &Target, size: Size) -> Self {
        let mut crowds =
            Crowds { idle: Vec::with_capacity(size.idle), slow: JoinSet::new(), begun: Instant::now() };
        for _ in 0..size.slow_heads {
            let stream = target.connect().await;
            crowds.slow.spawn(slow_head(stream));
        }
        for number in 0..size.slow_bodies {
            let stream = target.connect().await;
            crowds.slow.spawn(slow_body(stream, target.admin.clone(), number % 2 == 0));
        }
        for number in 0..size.slow_reads {
            let stream = target.connect().await;
            crowds.slow.spawn(slow_read(stream, target.clone(), number));
        }
        for _ in 0..size.idle {
            crowds.idle.push(target.connect().await);
        }
        crowds
    }

    /// Waits until the server is rid of all of them, and says how long that took.
    pub(super) async fn wait(mut self) -> String {
        let count = self.slow.len();
        let mut slowest = Duration::ZERO;
        while let Some(lasted) = self.slow.join_next().await {
            slowest = slowest.max(lasted.unwrap());
        }
        let idle = self.idle.len();
        for mut stream in self.idle {
            let ended = timeout(PROMPT, stream.read(&mut [0; 512])).await;
            assert!(ended.is_ok(), "an idle connection is still open");
        }
        assert!(slowest <= GONE_BY, "the slowest held on for {slowest:?}");
        format!(
            "{count} slow and {idle} idle clients gone after {} s, the last slow one after {} s",
            self.begun.elapsed().as_secs(),
            slowest.as_secs()
        )
    }
}

/// A header line each second; answers when it was cut.
async fn slow_head(mut stream: TcpStream) -> Duration {
    let begun = Instant::now();
    drop(stream.write_all(b"GET /healthz HTTP/1.1\r\n").await);
    while stream.write_all(b"X: y\r\n").await.is_ok() && begun.elapsed() < GONE_BY {
        sleep(Duration::from_secs(1)).await;
    }
    begun.elapsed()
}

/// Most of a body that is as long as may be, and then a byte each second, or none.
async fn slow_body(mut stream: TcpStream, admin: String, trickles: bool) -> Duration {
    let begun = Instant::now();
    let head = format!(
        "POST /AccessToken/demo HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {admin}\r\nContent-Length: 102400\r\n\r\n"
    );
    drop(stream.write_all(head.as_bytes()).await);
    drop(stream.write_all(&vec![b' '; 100_000]).await);
    let mut answer = Vec::new();
    let (mut from, mut to) = stream.split();
    let trickle = async {
        while trickles && to.write_all(b" ").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = timeout(GONE_BY, from.read_to_end(&mut answer)) => drop(ended),
        () = trickle => {}
    }
    let statuses = statuses("a slow body", &answer);
    assert!(matches!(statuses[..], [408 | 503]), "{statuses:?}");
    begun.elapsed()
}

/// Asks for a list of everything, and reads nothing until the server is tired of it.
async fn slow_read(mut stream: TcpStream, target: Target, number: usize) -> Duration {
    let begun = Instant::now();
    let (path, authorization) = match number % 3 {
        0 => ("/AccessToken/big?take=100000", format!("Bearer {}", target.big_admin)),
        1 => ("/v1/big/access_tokens", target.big_basic),
        _ => ("/apps/big/api/accessTokens", format!("Bearer {}", target.big_admin)),
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: {authorization}\r\n\r\n");
    drop(stream.write_all(request.as_bytes()).await);
    // A server that gave up has reset the connection, and then writing fails.
    while stream.write_all(b"X").await.is_ok() && begun.elapsed() < GONE_BY {
        sleep(Duration::from_secs(1)).await;
    }
    begun.elapsed()
}
