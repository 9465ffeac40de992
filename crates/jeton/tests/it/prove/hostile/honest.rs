//! A client like any other: it must not notice the others.

use super::wire::{Target, statuses};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Asks one thing after another, each on a new connection, until it is stopped.
pub(super) struct Honest {
    stop: oneshot::Sender<()>,
    done: JoinHandle<(usize, Duration)>,
}

impl Honest {
    pub(super) fn start(target: Target) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let done = tokio::spawn(async move {
            let (mut count, mut slowest) = (0, Duration::ZERO);
            let create = r#"{"title":"honest","permissions":"read"}"#;
            while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                for (line, body) in [
                    ("GET /healthz", ""),
                    ("GET /auth/demo", ""),
                    ("GET /AccessToken/demo?take=10", ""),
                    ("POST /AccessToken/demo", create),
                ] {
                    let request = format!(
                        "{line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
                         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                        target.admin,
                        body.len()
                    );
                    let begun = Instant::now();
                    let answer = target.exchange(line, request.as_bytes()).await;
                    slowest = slowest.max(begun.elapsed());
                    let text = String::from_utf8_lossy(&answer);
                    assert_eq!(statuses(line, &answer), [expected(line)], "{line}: {text}");
                    count += 1;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            (count, slowest)
        });
        Honest { stop, done }
    }

    /// How many requests were served, and how long the slowest took.
    pub(super) async fn stop(self) -> (usize, Duration) {
        // It has ended already if it was not served: then joining it says so.
        let _ = self.stop.send(());
        self.done.await.unwrap()
    }
}

/// The admin token is a service credential, which forward-auth does not know.
fn expected(line: &str) -> u16 {
    if line.starts_with("GET /auth") { 401 } else { 200 }
}
