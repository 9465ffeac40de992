//! Long heads: which requests may have them, and the limits.

use super::{Client, LIMITS, Server};
use crate::server::{connection::Ended, io::WatchedIo, stage::Connection};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The start of a head with this many bytes.
fn beginning(path: &str, bytes: usize) -> String {
    let line = format!("GET {path} HTTP/1.1\r\nHost: test\r\nCookie: ");
    let rest = "c".repeat(bytes - line.len());
    line + &rest
}

async fn ask(client: &mut Client, path: &str, bytes: usize) -> String {
    let mut head = beginning(path, bytes - 4);
    head.push_str("\r\n\r\n");
    client.send(&head).await;
    client.answer().await.0
}

#[tokio::test(start_paused = true)]
async fn forward_auth_may_be_asked_with_a_long_head_and_nobody_else() {
    let server = Server::new();
    for (path, bytes, status) in [
        ("/gateway", LIMITS.head_bytes, 404),
        ("/gateway", LIMITS.head_bytes + 1, 404),
        ("/gateway", LIMITS.auth_head_bytes, 404),
        ("/gateway", LIMITS.auth_head_bytes + 1, 431),
        ("/healthz", LIMITS.head_bytes, 200),
        ("/healthz", LIMITS.head_bytes + 1, 431),
        ("/healthz", LIMITS.auth_head_bytes + 1, 431),
    ] {
        let mut client = server.connect();
        let head = ask(&mut client, path, bytes).await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{path} {bytes}: {head}");
        assert_eq!(head.contains("connection: close\r\n"), status == 431, "{path} {bytes}: {head}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_head_may_follow_on_other_requests() {
    let server = Server::new();
    let mut client = server.connect();
    for (path, bytes, status) in [
        ("/quick", 100, 200),
        ("/healthz", 100, 200),
        ("/gateway", LIMITS.auth_head_bytes, 404),
        ("/healthz", 100, 200),
        ("/gateway", 40_000, 404),
    ] {
        let head = ask(&mut client, path, bytes).await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{path}: {head}");
        assert!(!head.contains("connection: close"), "{path}: {head}");
    }
}

#[tokio::test(start_paused = true)]
async fn few_connections_have_long_heads_at_a_time() {
    let server = Server::new();
    // Of ten connections, two.
    let (mut first, mut second, mut third) = (server.connect(), server.connect(), server.connect());
    for client in [&mut first, &mut second] {
        client.send(&beginning("/gateway", LIMITS.head_bytes + 100)).await;
    }
    while !(first.connection.has_long_head() && second.connection.has_long_head()) {
        tokio::task::yield_now().await;
    }
    // The end of its pipe comes before everything is read.
    drop(third.pipe.write_all(beginning("/gateway", LIMITS.head_bytes + 100).as_bytes()).await);
    let ended = third.served.await.unwrap().unwrap_err();
    assert!(matches!(&ended, Ended::Http(_)), "{ended}");
    assert_eq!(server.load.heads().no_room.get(), 1);

    // Ordinary heads need no such room, and a connection that has it is closed if it is scarce.
    let mut other = server.connect();
    assert!(ask(&mut other, "/healthz", LIMITS.head_bytes).await.starts_with("http/1.1 200 "));
    first.send("\r\n\r\n").await;
    let head = first.answer().await.0;
    assert!(head.starts_with("http/1.1 404 ") && head.contains("connection: close\r\n"), "{head}");
    assert_eq!(first.ended().await, (None, 0));
    second.send("\r\n\r\n").await;
    let head = second.answer().await.0;
    assert!(head.starts_with("http/1.1 404 ") && !head.contains("connection: close"), "{head}");
    drop(second.pipe);
    second.served.await.unwrap().unwrap();
    assert_eq!(server.load.long_heads(), 0);
}

/// Readers enlarge their buffer when a read fills it.
#[tokio::test]
async fn little_is_read_at_a_time() {
    let server = Server::new();
    let (mut pipe, end) = tokio::io::duplex(200_000);
    pipe.write_all(&vec![b'x'; 100_000]).await.unwrap();
    let mut io = WatchedIo::new(end, Arc::new(Connection::new(server.load.clone())), &LIMITS);
    let mut buffer = vec![0; 100_000];
    assert_eq!(io.read(&mut buffer).await.unwrap(), LIMITS.head_bytes - 1);
    assert_eq!(io.read(&mut buffer[..5]).await.unwrap(), 5);
}
