//! Bodies that are slow, too large, or not read.

use super::super::limits::FREE_BODY_BYTES;
use super::*;

const POST: &str = "POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: ";

async fn until_read(client: &Client) {
    while client.connection.stage() != Stage::Reading {
        tokio::task::yield_now().await;
    }
}

/// The site's limit is two requests.
#[tokio::test(start_paused = true)]
async fn requests_that_are_still_being_read_hold_no_place() {
    let server = Server::new();
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut client = server.connect();
        client.send(&format!("{POST}2\r\n\r\nx")).await;
        until_read(&client).await;
        slow.push(client);
    }
    assert_eq!(server.counts(), (0, 0));
    let mut honest = server.connect();
    honest.send(&format!("{POST}1\r\n\r\nx")).await;
    assert_eq!(honest.answer().await.1, "1");
    for client in &mut slow {
        client.send("x").await;
        assert_eq!(client.answer().await.1, "2");
    }
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_there_as_a_whole_needs_a_place() {
    let server = Server::new();
    let mut late = server.connect();
    late.send(&format!("{POST}2\r\n\r\nx")).await;
    until_read(&late).await;
    let (mut first, mut second) = (server.connect(), server.connect());
    first.send("GET /held HTTP/1.1\r\nHost: test\r\n\r\n").await;
    second.send("GET /held HTTP/1.1\r\nHost: test\r\n\r\n").await;
    while server.counts().0 < 2 {
        tokio::task::yield_now().await;
    }
    late.send("x").await;
    assert_eq!(late.answer().await.1, "NoRoom");
    server.held.add_permits(2);
    assert_eq!((first.answer().await.1, second.answer().await.1), ("held".to_owned(), "held".to_owned()));
    late.send(&format!("{POST}1\r\n\r\nx")).await;
    assert_eq!(late.answer().await.1, "1", "its connection goes on");
    assert_eq!(server.counts(), (0, 0));
}

/// Clients that have taken the two common places.
async fn crowd(server: &Server) -> [Client; 2] {
    let mut crowd = [server.connect(), server.connect()];
    for client in &mut crowd {
        client.send("GET /held HTTP/1.1\r\nHost: test\r\n\r\n").await;
    }
    while server.counts().0 < 2 {
        tokio::task::yield_now().await;
    }
    crowd
}

/// Two places for all, one for forward-auth and one for credentials.
#[tokio::test(start_paused = true)]
async fn some_have_places_of_their_own() {
    let server = Server::new();
    let _crowd = crowd(&server).await;
    let mut stranger = server.connect();
    let management =
        |more: &str| format!("POST /credentials HTTP/1.1\r\nHost: test\r\n{more}Content-Length: 1\r\n\r\nx");
    stranger.send(&management("")).await;
    assert!(stranger.answer().await.0.starts_with("http/1.1 503 "));
    let mut manager = server.connect();
    for _ in 0..3 {
        manager.send(&management("Authorization: Bearer x\r\n")).await;
        assert_eq!(manager.answer().await.1, "1");
    }
    for path in ["/healthz", "/readyz"] {
        manager.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
        assert!(manager.answer().await.0.starts_with("http/1.1 200 "), "{path}");
    }
    let (mut gateway, mut next) = (server.connect(), server.connect());
    gateway.send("GET /later HTTP/1.1\r\nHost: test\r\n\r\n").await;
    while server.counts().0 < 3 {
        tokio::task::yield_now().await;
    }
    next.send("GET /later HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert!(next.answer().await.0.starts_with("http/1.1 503 "));
    server.held.add_permits(3);
    assert!(gateway.answer().await.0.starts_with("http/1.1 202 "));
}

#[tokio::test(start_paused = true)]
async fn a_connection_gives_way_while_its_request_is_read() {
    let server = Server::new();
    let mut client = server.connect();
    client.send(&format!("{POST}2\r\n\r\nx")).await;
    until_read(&client).await;
    assert!(client.connection.standing().is_some());
    assert!(client.connection.evict());
    client.send("x").await;
    assert_eq!(client.answer().await.1, "NoRoom", "nothing is done with it");
}

#[tokio::test(start_paused = true)]
async fn bodies_beyond_the_limit_are_refused_and_the_others_kept() {
    let server = Server::new();
    let (mut first, mut second) = (server.connect(), server.connect());
    let length = FREE_BODY_BYTES + 900;
    first.send(&format!("{POST}{length}\r\n\r\n")).await;
    first.send(&"x".repeat(length - 1)).await;
    while server.counts().1 < 899 {
        tokio::task::yield_now().await;
    }
    let body = |length: usize| format!("{POST}{length}\r\n\r\n{}", "x".repeat(length));
    second.send(&body(FREE_BODY_BYTES + 102)).await;
    assert_eq!(second.answer().await.1, "NoRoom");
    let mut small = server.connect();
    small.send(&body(FREE_BODY_BYTES)).await;
    assert_eq!(small.answer().await.1, FREE_BODY_BYTES.to_string(), "what is small needs no room");
    first.send("x").await;
    assert_eq!(first.answer().await.1, length.to_string());
    assert_eq!(server.counts(), (0, 0), "what a request held is given back");
    let mut third = server.connect();
    third.send(&body(FREE_BODY_BYTES + 102)).await;
    assert_eq!(third.answer().await.1, (FREE_BODY_BYTES + 102).to_string());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_holds_much_and_comes_slowly_makes_room() {
    let server = Server::new();
    let mut slow = server.connect();
    slow.send(&format!("{POST}9000\r\n\r\n")).await;
    slow.send(&"x".repeat(FREE_BODY_BYTES + 600)).await;
    assert_eq!(slow.answer().await.1, "NoRoom");
    assert_eq!((slow.begun.elapsed().as_secs(), server.counts()), (2, (0, 0)));
    let mut modest = server.connect();
    modest.send(&format!("{POST}9000\r\n\r\n")).await;
    modest.send(&"x".repeat(FREE_BODY_BYTES + 400)).await;
    assert_eq!(modest.answer().await.1, "TooSlow", "half of the room may be held for as long as it takes");
}

fn closes(head: &str) -> bool {
    head.contains("\r\nconnection: close\r\n")
}

/// `/held` reads no body.
#[tokio::test(start_paused = true)]
async fn a_short_body_that_nobody_reads_does_not_end_its_connection() {
    let server = Server::new();
    server.held.add_permits(10);
    let mut client = server.connect();
    client.send("GET /held HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello").await;
    assert!(!closes(&client.answer().await.0));
    client.send("GET /held HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n").await;
    sleep(Duration::from_millis(500)).await;
    client.send("hello").await;
    assert!(!closes(&client.answer().await.0), "it came in time");
    client
        .send("GET /held HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
        .await;
    assert!(!closes(&client.answer().await.0));
    client.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.answer().await.1, "ok");
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_will_be_closed_says_so() {
    let server = Server::new();
    server.held.add_permits(10);
    for (request, seconds) in [
        ("GET /held HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhell", 1),
        ("GET /held HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", 0),
        ("GET /held HTTP/1.1\r\nHost: test\r\nContent-Length: 65537\r\n\r\n", 0),
        ("GET /held HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", 1),
        ("GET /gateway HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n", 0),
        ("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 200000\r\n\r\n", 0),
        ("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nx", 8),
    ] {
        let mut client = server.connect();
        client.send(request).await;
        let (head, _) = client.answer().await;
        assert!(closes(&head), "{request:?}: {head}");
        assert_eq!(client.begun.elapsed().as_secs(), seconds, "{request:?}");
        let mut more = String::new();
        client.pipe.read_to_string(&mut more).await.unwrap();
        assert_eq!(more, "", "{request:?}");
    }
    let mut client = server.connect();
    client.send("GET /gateway HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello").await;
    assert!(!closes(&client.answer().await.0), "what came with its head is over");
}

/// All places are taken: a refused request keeps its connection, or the answer says that it is closed.
#[tokio::test(start_paused = true)]
async fn a_refused_request_says_what_becomes_of_its_connection() {
    let server = Server::new();
    let _crowd = crowd(&server).await;
    let mut client = server.connect();
    for (request, is_last) in [
        ("GET /held HTTP/1.1\r\nHost: test\r\n\r\n".to_owned(), false),
        (format!("{POST}1\r\n\r\nx"), false),
        (format!("{POST}2\r\n\r\nx"), true),
    ] {
        client.send(&request).await;
        let (head, _) = client.answer().await;
        assert!(head.starts_with("http/1.1 503 "), "{head}");
        assert_eq!(closes(&head), is_last, "{request:?}: {head}");
    }
    server.held.add_permits(2);
}
