//! Times and counts of a connection on the fast path, with a clock that jumps.

use super::{LIMITS, PIPE_BYTES, Server};
use crate::server::stage::{Overdue, Stage};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::sleep;

const QUICK: &str = "GET /quick HTTP/1.1\r\nHost: test\r\n\r\n";
const LATER: &str = "GET /later HTTP/1.1\r\nHost: test\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_kept_connection_may_be_idle_for_a_while() {
    let server = Server::new();
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(QUICK).await;
        assert!(client.answer().await.0.starts_with("http/1.1 200 ok\r\n"));
        sleep(Duration::from_secs(59)).await;
    }
    client.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.answer().await.1, "ok", "on the long way");
    assert_eq!(client.ended().await, (Some(Overdue::Idle), 3 * 59 + 60));
}

#[tokio::test(start_paused = true)]
async fn the_next_head_has_its_own_time() {
    let server = Server::new();
    let mut client = server.connect();
    client.send(QUICK).await;
    client.answer().await;
    sleep(Duration::from_secs(30)).await;
    client.send("GET /qui").await;
    assert_eq!(client.ended().await, (Some(Overdue::Head), 40));
}

#[tokio::test(start_paused = true)]
async fn who_asks_and_does_not_read_is_cut() {
    let server = Server::new();
    let mut client = server.connect();
    // Answers fill the pipe long before the requests do.
    client.send(&QUICK.repeat(PIPE_BYTES / QUICK.len())).await;
    client.send(&QUICK.repeat(PIPE_BYTES / QUICK.len())).await;
    assert_eq!(client.ended().await, (Some(Overdue::Write), 20));
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_looked_up_takes_room_until_it_is_answered() {
    let server = Server::new();
    // One place is its own.
    let places = LIMITS.requests + 1;
    let mut clients = [server.connect(), server.connect(), server.connect(), server.connect()];
    for client in &mut clients[..places] {
        client.send(LATER).await;
    }
    while server.counts().0 < places {
        tokio::task::yield_now().await;
    }
    let [first, second, third, fourth] = &mut clients;
    fourth.send(&format!("{LATER}{QUICK}")).await;
    assert!(fourth.answer().await.0.starts_with("http/1.1 503 "));
    assert!(fourth.answer().await.0.starts_with("http/1.1 200 "), "it takes no room");
    assert!(!first.connection.evict(), "a request is under way");
    server.held.add_permits(3);
    for client in [first, second, third] {
        assert!(client.answer().await.0.starts_with("http/1.1 202 "));
        assert_eq!(client.connection.stage(), Stage::Idle);
    }
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_answer_and_for_nothing_else() {
    let server = Server::new();
    let mut client = server.connect();
    client.send(&format!("{LATER}{QUICK}")).await;
    while server.counts().0 == 0 {
        tokio::task::yield_now().await;
    }
    client.connection.stop();
    server.held.add_permits(1);
    let mut rest = String::new();
    client.pipe.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest.matches("HTTP/1.1 ").count(), 1, "{rest}");
    assert!(
        rest.starts_with("HTTP/1.1 202 Accepted\r\n") && rest.contains("connection: close\r\n"),
        "{rest}"
    );
    assert_eq!(client.ended().await, (None, 0));
}

#[tokio::test(start_paused = true)]
async fn an_evicted_connection_answers_nothing() {
    let server = Server::new();
    let mut client = server.connect();
    client.send(QUICK).await;
    client.answer().await;
    assert!(client.connection.evict());
    client.send(QUICK).await;
    let mut rest = Vec::new();
    client.pipe.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
}
