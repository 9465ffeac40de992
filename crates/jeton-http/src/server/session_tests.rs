//! Requests over HTTP/2: side by side, slow, unread, and what they hold meanwhile.

use super::super::streams::Stream;
use super::*;
use axum::http::Request as HttpRequest;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};

/// The same limits, with room for more than one request of a connection.
const ROOMY: ServerLimits = ServerLimits { connections: 64, requests: 64, ..LIMITS };

/// What the pipe of a client takes.
const WIDE_PIPE_BYTES: usize = 256 * 1024;

/// A client over HTTP/2.
pub(super) struct Peer {
    requests: SendRequest<Bytes>,
    pub(super) connection: Arc<Connection>,
    served: JoinHandle<Result<(), Ended>>,
    /// How the client's side of the connection ended.
    ended: JoinHandle<Result<(), h2::Error>>,
    begun: Instant,
}

impl Server {
    /// A pipe that speaks HTTP/2 at its other end.
    pub(super) fn pipe(
        &self,
        bytes: usize,
    ) -> (DuplexStream, Arc<Connection>, JoinHandle<Result<(), Ended>>) {
        let (pipe, end) = tokio::io::duplex(bytes);
        let connection = Arc::new(Connection::new(self.load.clone()));
        let serving = self.serving.clone();
        let served = serving.serve_streams(end, connection.clone(), self.graceful.watcher());
        (pipe, connection, tokio::spawn(served))
    }

    async fn join(&self) -> Peer {
        self.join_as(&Builder::new()).await
    }

    /// A client that makes no room for answers.
    async fn join_blind(&self) -> Peer {
        self.join_as(Builder::new().initial_window_size(0)).await
    }

    async fn join_as(&self, builder: &Builder) -> Peer {
        let (pipe, connection, served) = self.pipe(WIDE_PIPE_BYTES);
        let begun = Instant::now();
        let (requests, driver) = builder.handshake(pipe).await.unwrap();
        let ended = tokio::spawn(driver);
        Peer { requests, connection, served, ended, begun }
    }
}

fn head(method: &str, path: &str) -> HttpRequest<()> {
    HttpRequest::builder().method(method).uri(format!("https://test{path}")).body(()).unwrap()
}

impl Peer {
    /// Sends a request that has no body, or one that is still to come.
    async fn send(
        &mut self,
        request: HttpRequest<()>,
        is_whole: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        self.requests = self.requests.clone().ready().await.unwrap();
        self.requests.send_request(request, is_whole).unwrap()
    }

    async fn get(&mut self, path: &str) -> ResponseFuture {
        self.send(head("GET", path), true).await.0
    }

    async fn status(&mut self, path: &str) -> StatusCode {
        let answer = self.get(path).await;
        answer.await.unwrap().status()
    }
}

async fn text(mut body: RecvStream) -> Result<String, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(part) = body.data().await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        bytes.extend(part);
    }
    Ok(String::from_utf8(bytes).unwrap())
}

/// Lets everything happen that needs no time.
pub(super) async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_connection_are_answered_side_by_side() {
    let server = Server::within(ROOMY);
    let mut peer = server.join().await;
    let held = [peer.get("/held").await, peer.get("/held").await, peer.get("/held").await];
    settle().await;
    assert_eq!((server.counts().0, server.load.further_streams()), (3, 2));
    assert_eq!(peer.connection.stage(), Stage::Busy);
    assert_eq!(peer.status("/healthz").await, 200, "it waits for none of them");
    server.held.add_permits(3);
    for answer in held {
        let answer = answer.await.unwrap();
        assert_eq!(answer.headers()["content-length"], "4");
        assert_eq!(answer.headers()["date"], "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(text(answer.into_body()).await.unwrap(), "held");
    }
    settle().await;
    assert_eq!((server.counts(), server.load.further_streams()), ((0, 0), 0));
    assert_eq!(peer.connection.stage(), Stage::Idle);
}

/// Only memory is needed for what is there as a whole, and so others have its place.
#[tokio::test(start_paused = true)]
async fn short_answers_that_nobody_reads_hold_no_place_and_end() {
    let server = Server::within(ROOMY);
    let mut peers = Vec::new();
    let mut unread = Vec::new();
    for _ in 0..12 {
        let mut peer = server.join_blind().await;
        for _ in 0..10 {
            unread.push(peer.get("/nowhere/that/is/long").await);
            let answer = peer.get("/body").await;
            unread.push(answer);
        }
        peers.push(peer);
    }
    settle().await;
    assert_eq!(server.counts(), (0, 0));
    assert!(server.load.further_streams() > 0);
    let mut honest = server.join().await;
    assert_eq!(honest.status("/body").await, 200);
    sleep(LIMITS.write_stall_time).await;
    settle().await;
    assert_eq!(server.load.further_streams(), 0, "all of them are given up");
    for mut peer in peers {
        assert_eq!(peer.status("/healthz").await, 200, "their connections go on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_answer_that_nobody_reads_is_given_up() {
    let server = Server::within(ROOMY);
    let mut peer = server.join_blind().await;
    let answer = peer.get("/stream").await.await.unwrap();
    settle().await;
    assert_eq!(server.counts(), (1, 0));
    let error = text(answer.into_body()).await.unwrap_err();
    assert_eq!((error.reason(), peer.begun.elapsed().as_secs()), (Some(Reason::CANCEL), 20));
    assert_eq!(server.counts(), (0, 0));
}

/// Whoever reads a byte now and then reads too slowly.
#[tokio::test(start_paused = true)]
async fn a_long_answer_that_is_read_byte_by_byte_is_given_up() {
    let server = Server::within(ROOMY);
    let mut peer = server.join_as(Builder::new().initial_window_size(1)).await;
    let mut body = peer.get("/stream").await.await.unwrap().into_body();
    let error = loop {
        sleep(Duration::from_millis(100)).await;
        match body.data().await.unwrap() {
            Ok(part) => body.flow_control().release_capacity(part.len()).unwrap(),
            Err(error) => break error,
        }
    };
    assert_eq!((error.reason(), peer.begun.elapsed().as_secs()), (Some(Reason::CANCEL), 20));
}

/// However many ask for all that they may have, whoever asks for one gets it.
#[tokio::test(start_paused = true)]
async fn no_connection_takes_more_places_than_its_share() {
    let server = Server::within(ServerLimits { connections: 200, ..ROOMY });
    let mut crowd = Vec::new();
    for _ in 0..13 {
        let mut peer = server.join().await;
        let mut answers = Vec::new();
        for _ in 0..LIMITS.connection_requests {
            answers.push(peer.get("/held").await);
        }
        settle().await;
        crowd.push((peer, answers));
    }
    assert!(server.counts().0 <= 48 + 13, "{:?}", server.counts());
    let mut late = server.join().await;
    let held = late.get("/held").await;
    settle().await;
    let mut other = server.connect();
    other.send("GET /held HTTP/1.1\r\nHost: test\r\n\r\n").await;
    settle().await;
    server.held.add_permits(1_000);
    assert_eq!(held.await.unwrap().status(), 200);
    assert!(other.answer().await.0.contains(" 200 ok"));
}

#[tokio::test(start_paused = true)]
async fn streams_beyond_what_all_may_have_are_refused_unread() {
    let server = Server::within(ServerLimits { connections: 1, connection_requests: 4, ..ROOMY });
    let (mut crowd, mut peers) = (Vec::new(), Vec::new());
    let mut refused = 0;
    for _ in 0..20 {
        let mut peer = server.join().await;
        for _ in 0..4 {
            let (answer, body) = peer.send(head("POST", "/body"), false).await;
            settle().await;
            let mut answer = Box::pin(answer);
            let first = std::future::poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
            if let Poll::Ready(Err(error)) = first {
                assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
                refused += 1;
            }
            crowd.push((answer, body));
        }
        assert!(peer.connection.open_streams() >= 1, "one can always be begun");
        peers.push(peer);
    }
    assert!(refused > 20 && server.load.further_streams() <= 16, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_given_up_and_holds_no_place() {
    let server = Server::within(ROOMY);
    let mut peer = server.join().await;
    let (answer, mut body) = peer.send(head("POST", "/body"), false).await;
    body.send_data(Bytes::from_static(b"abc"), false).unwrap();
    settle().await;
    assert_eq!((server.counts(), peer.connection.stage()), ((0, 0), Stage::Reading));
    assert_eq!(peer.status("/healthz").await, 200);
    settle().await;
    assert_eq!(peer.connection.stage(), Stage::Reading, "that one is still there");
    assert_eq!(text(answer.await.unwrap().into_body()).await.unwrap(), "TooSlow");
    assert_eq!(peer.begun.elapsed().as_secs(), 8);
    settle().await;
    assert_eq!((server.counts(), peer.connection.stage()), ((0, 0), Stage::Idle));
}

#[tokio::test(start_paused = true)]
async fn a_body_is_asked_for_where_its_client_waits() {
    let server = Server::within(ROOMY);
    let mut peer = server.join().await;
    let mut request = head("POST", "/body");
    request.headers_mut().insert("expect", HeaderValue::from_static("100-continue"));
    let (mut answer, mut body) = peer.send(request, false).await;
    let underway = std::future::poll_fn(|context| answer.poll_informational(context)).await;
    assert_eq!(underway.unwrap().unwrap().status(), 100);
    body.send_data(Bytes::from_static(b"abcde"), true).unwrap();
    assert_eq!(text(answer.await.unwrap().into_body()).await.unwrap(), "5");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_with_a_goodbye() {
    let server = Server::within(ROOMY);
    let mut peer = server.join().await;
    for _ in 0..3 {
        assert_eq!(peer.status("/healthz").await, 200);
        sleep(Duration::from_secs(59)).await;
    }
    peer.ended.await.unwrap().unwrap();
    assert_eq!(peer.begun.elapsed().as_secs(), 2 * 59 + 60);
    peer.served.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_requests_finish_and_no_more_begin() {
    let server = Server::within(ROOMY);
    let mut peer = server.join().await;
    let held = peer.get("/held").await;
    settle().await;
    peer.connection.stop();
    settle().await;
    let refused = peer.requests.clone().ready().await;
    assert!(refused.is_err() || peer.requests.send_request(head("GET", "/healthz"), true).is_err());
    sleep(Duration::from_secs(5)).await;
    server.held.add_permits(1);
    assert_eq!(text(held.await.unwrap().into_body()).await.unwrap(), "held");
    peer.ended.await.unwrap().unwrap();
    peer.served.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_that_does_not_answer_delays_no_stop() {
    let server = Server::within(ROOMY);
    let (mut pipe, connection, served) = server.pipe(WIDE_PIPE_BYTES);
    pipe.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    settle().await;
    let begun = Instant::now();
    connection.stop();
    let mut answer = Vec::new();
    pipe.read_to_end(&mut answer).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 1);
    drop(pipe);
    served.await.unwrap().unwrap();
}

/// Its client may be told that nothing came of them only if nothing does.
#[tokio::test(start_paused = true)]
async fn after_an_eviction_no_stream_goes_on() {
    let whole = Arc::new(Connection::new(load()));
    assert!(whole.open_for_streams());
    let (one, two) = (Stream::begin(&whole).unwrap(), Stream::begin(&whole).unwrap());
    one.connection().begin_reading();
    assert!(!whole.evict(), "the other one has arrived completely");
    two.connection().begin_reading();
    assert_eq!(whole.stage(), Stage::Reading);
    assert!(two.connection().end_reading() && !whole.evict());
    drop(two);
    assert_eq!(whole.stage(), Stage::Reading);
    assert!(whole.evict());
    assert!(!one.connection().end_reading() && Stream::begin(&whole).is_none());
    drop(one);
    assert_eq!(whole.stage(), Stage::Evicted);
}

#[tokio::test(start_paused = true)]
async fn heads_are_held_to_the_limits_of_others() {
    let server = Server::within(ROOMY);
    let mut peer = server.join_as(Builder::new().max_send_buffer_size(1 << 20)).await;
    let with = |path: &str, count: usize, bytes: usize| {
        let mut request = head("GET", path);
        for number in 0..count {
            let name = axum::http::HeaderName::try_from(format!("x-{number}")).unwrap();
            request.headers_mut().insert(name, HeaderValue::try_from("x".repeat(bytes)).unwrap());
        }
        request
    };
    for (name, request, status) in [
        ("16 KiB", with("/healthz", 1, 16_000), 200),
        ("more", with("/healthz", 1, 17_000), 431),
        ("much of it for forward-auth", with("/gateway", 1, 65_000), 404),
        ("too much of it", with("/gateway", 1, 66_000), 431),
        ("more than the library takes", with("/gateway", 1, 100_000), 431),
        ("100 headers", with("/healthz", 99, 1), 200),
        ("101 headers", with("/healthz", 100, 1), 431),
    ] {
        let answer = peer.send(request, true).await.0.await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
    }
    let named = |host: &'static str| {
        let mut request = head("GET", "/healthz");
        request.headers_mut().insert("host", HeaderValue::from_static(host));
        request
    };
    for (name, request, status) in [
        ("the same host", named("TEST"), 200),
        ("two hosts", named("other"), 400),
        ("a user", HttpRequest::get("https://user@test/healthz").body(()).unwrap(), 400),
    ] {
        let answer = peer.send(request, true).await.0.await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
    }
    assert_eq!(server.load.long_heads(), 0);
    assert_eq!((server.load.heads().host.get(), server.load.heads().too_large.get()), (2, 3));
}
