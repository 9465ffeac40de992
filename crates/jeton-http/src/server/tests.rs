//! Times and counts of one connection, with a clock that jumps.

use super::ServerLimits;
use super::connection::{Ended, Serving, http};
use super::fast_path::{AtOnce, FastPath, Reply, Room};
use super::load::{Claim, Load};
use super::plain::PlainHead;
use super::served::{Served, Unserved};
use super::stage::{Connection, Overdue, Stage};
use crate::transport::body::read_body;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use axum::routing::{any, get};
use futures_util::stream;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

#[path = "body_tests.rs"]
mod body;
#[path = "fast_path_tests.rs"]
mod fast_path;
#[path = "flood_tests.rs"]
mod flood;
#[path = "head_tests.rs"]
mod head;
#[path = "session_tests.rs"]
mod session;

const LIMITS: ServerLimits = ServerLimits {
    handshake_time: Duration::from_secs(5),
    head_time: Duration::from_secs(10),
    body_time: Duration::from_secs(30),
    body_stall_time: Duration::from_secs(8),
    idle_time: Duration::from_secs(60),
    write_stall_time: Duration::from_secs(20),
    shutdown_time: Duration::from_secs(10),
    connections: 10,
    requests: 2,
    connection_requests: 20,
    head_bytes: 16 * 1024,
    auth_head_bytes: 64 * 1024,
    bodies_bytes: 1_000,
};

/// What the system buffers for a client that does not read.
const PIPE_BYTES: usize = 1_000;

/// Reads whole bodies at `/body` and `/credentials`, sends an answer without an end at `/stream`, and has
/// `/healthz`, and `/held`, which answers only when `held` has a permit.
fn site(held: Arc<Semaphore>) -> Router {
    let body = |request: Request| async {
        let (parts, body) = request.into_parts();
        match read_body(&parts.headers, body, crate::BodyLimits::default()).await {
            Ok(bytes) => (StatusCode::OK, bytes.len().to_string()),
            Err(error) => (StatusCode::BAD_REQUEST, format!("{error:?}")),
        }
    };
    let endless = || async {
        let parts = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 500])));
        Body::from_stream(parts)
    };
    let hold = move || async move {
        held.acquire().await.unwrap().forget();
        "held"
    };
    Router::new()
        .route("/body", any(body))
        .route("/credentials", any(body))
        .route("/stream", get(endless))
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(async || "ok"))
        .route("/held", get(hold))
}

/// The same, and on the fast path `/quick`, which answers at once, and `/later`, which answers only when
/// `held` has a permit.
#[derive(Clone)]
struct Site {
    router: Router,
    held: Arc<Semaphore>,
}

fn write(status: StatusCode, reply: &mut Reply) {
    reply.begin(status);
    reply.header(&CONTENT_LENGTH, b"0");
}

impl FastPath for Site {
    type Question = ();

    fn answer_at_once(&self, head: &PlainHead<'_>, reply: &mut Reply) -> AtOnce<()> {
        match head.path() {
            "/quick" => {
                write(StatusCode::OK, reply);
                AtOnce::Answered
            }
            "/later" => AtOnce::Asked(()),
            _ => AtOnce::Unclaimed,
        }
    }

    async fn answer_later(&self, (): (), room: Room<'_>, reply: &mut Reply) {
        match room.take() {
            Some(_place) => {
                self.held.acquire().await.unwrap().forget();
                write(StatusCode::ACCEPTED, reply);
            }
            None => write(StatusCode::SERVICE_UNAVAILABLE, reply),
        }
    }
}

impl Served for Site {
    fn for_peer(self, _: IpAddr) -> Self {
        self
    }

    /// Health takes no place; `/gateway`, and requests with credentials to `/credentials`, may take a
    /// reserved one.
    fn claim(&self, uri: &Uri, headers: &HeaderMap) -> Claim {
        match uri.path() {
            "/healthz" | "/readyz" => Claim::Free,
            "/gateway" => Claim::Gateway,
            "/credentials" if headers.contains_key(AUTHORIZATION) => Claim::Credentials,
            _ => Claim::Common,
        }
    }

    fn date(&self) -> HeaderValue {
        HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT")
    }

    fn refusal(&self, path: &str, why: Unserved) -> Response {
        let status = match why {
            Unserved::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Unserved::Head(fault) => fault.status(),
        };
        (status, format!("{path}: {why:?}")).into_response()
    }
}

impl tower_service::Service<Request> for Site {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.router.call(request)
    }
}

/// A server for connections that are pipes.
struct Server {
    serving: Serving<Site>,
    load: Arc<Load>,
    graceful: GracefulShutdown,
    held: Arc<Semaphore>,
}

fn load() -> Arc<Load> {
    Arc::new(Load::new(&LIMITS, Arc::default()))
}

struct Client {
    pipe: DuplexStream,
    connection: Arc<Connection>,
    served: JoinHandle<Result<(), Ended>>,
    begun: Instant,
}

impl Server {
    fn new() -> Self {
        Server::within(LIMITS)
    }

    fn within(limits: ServerLimits) -> Self {
        let held = Arc::new(Semaphore::new(0));
        let service = Site { router: site(held.clone()), held: held.clone() };
        let serving = Serving { service, tls: None, limits, http: http(&limits) };
        let load = Arc::new(Load::new(&limits, Arc::default()));
        Server { serving, load, graceful: GracefulShutdown::new(), held }
    }

    fn connect(&self) -> Client {
        let (pipe, end) = tokio::io::duplex(PIPE_BYTES);
        let connection = Arc::new(Connection::new(self.load.clone()));
        let plain = self.serving.clone().serve_plain(end, connection.clone(), self.graceful.watcher());
        let served = async {
            match plain.await? {
                Some(remainder) => remainder.await,
                None => Ok(()),
            }
        };
        Client { pipe, connection, served: tokio::spawn(served), begun: Instant::now() }
    }

    /// Requests in progress and bytes of bodies.
    fn counts(&self) -> (usize, usize) {
        self.load.counts()
    }
}

impl Client {
    async fn send(&mut self, text: &str) {
        self.pipe.write_all(text.as_bytes()).await.unwrap();
    }

    /// The status line and the body of the next answer, whose length is known.
    async fn answer(&mut self) -> (String, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.pipe.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.pipe.read_exact(&mut body).await.unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    /// Why the connection ended, and after how many seconds.
    async fn ended(self) -> (Option<Overdue>, u64) {
        let Client { pipe, served, begun, .. } = self;
        let ended = served.await.unwrap();
        let seconds = begun.elapsed().as_secs();
        drop(pipe);
        match ended {
            Err(Ended::Overdue(overdue)) => (Some(overdue), seconds),
            Ok(()) => (None, seconds),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_cut() {
    let server = Server::new();
    assert_eq!(server.connect().ended().await, (Some(Overdue::New), 10));
}

#[tokio::test(start_paused = true)]
async fn a_head_must_be_whole_in_time_however_it_trickles() {
    let server = Server::new();
    let mut client = server.connect();
    sleep(Duration::from_secs(5)).await;
    client.send("GET /healthz HTTP/1.1\r\nHost: test\r\n").await;
    let Client { mut pipe, served, begun, .. } = client;
    let trickle = tokio::spawn(async move {
        for n in 0.. {
            sleep(Duration::from_secs(1)).await;
            if pipe.write_all(format!("X-{n}: 1\r\n").as_bytes()).await.is_err() {
                break;
            }
        }
    });
    let ended = served.await.unwrap().unwrap_err();
    assert!(matches!(ended, Ended::Overdue(Overdue::Head)), "{ended}");
    assert_eq!(begun.elapsed().as_secs(), 15, "10 s from its first byte");
    trickle.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_may_be_idle_for_a_while() {
    let server = Server::new();
    let mut client = server.connect();
    for _ in 0..3 {
        client.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await;
        assert_eq!(client.answer().await.1, "ok");
        sleep(Duration::from_secs(59)).await;
    }
    client.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.answer().await.1, "ok");
    assert_eq!(client.ended().await, (Some(Overdue::Idle), 3 * 59 + 60));
}

#[tokio::test(start_paused = true)]
async fn the_next_head_has_its_own_time() {
    let server = Server::new();
    let mut client = server.connect();
    client.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await;
    client.answer().await;
    sleep(Duration::from_secs(30)).await;
    client.send("GET /healthz").await;
    assert_eq!(client.ended().await, (Some(Overdue::Head), 40));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_given_up() {
    let server = Server::new();
    let mut client = server.connect();
    client.send("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nabc").await;
    assert_eq!(client.answer().await.1, "TooSlow");
    assert_eq!(client.begun.elapsed().as_secs(), 8);
    assert_eq!(client.ended().await, (Some(Overdue::Closing), 10), "its rest is read for a moment");
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_given_up() {
    let server = Server::new();
    let mut client = server.connect();
    client.send("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n").await;
    for _ in 0..5 {
        sleep(Duration::from_secs(6)).await;
        client.send("x").await;
    }
    assert_eq!(client.answer().await.1, "TooSlow");
    assert_eq!(client.begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_within_its_times_is_read() {
    let server = Server::new();
    let mut client = server.connect();
    client.send("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n").await;
    for _ in 0..4 {
        sleep(Duration::from_secs(7)).await;
        client.send("x").await;
    }
    assert_eq!(client.answer().await.1, "4");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_cut_and_gives_back_its_place() {
    let server = Server::new();
    let mut client = server.connect();
    client.send("GET /stream HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.ended().await, (Some(Overdue::Write), 20));
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_is_served() {
    let server = Server::new();
    let mut client = server.connect();
    client.send("GET /stream HTTP/1.1\r\nHost: test\r\n\r\n").await;
    for _ in 0..30 {
        sleep(Duration::from_secs(19)).await;
        client.pipe.read_exact(&mut [0; PIPE_BYTES]).await.unwrap();
    }
    assert_eq!(server.counts(), (1, 0));
    assert_eq!(client.ended().await, (Some(Overdue::Write), 30 * 19 + 20));
}

#[tokio::test(start_paused = true)]
async fn requests_beyond_the_limit_are_refused_before_their_bodies_come() {
    let server = Server::new();
    let (mut first, mut second, mut third) = (server.connect(), server.connect(), server.connect());
    first.send("GET /held HTTP/1.1\r\nHost: test\r\n\r\n").await;
    second.send("GET /held HTTP/1.1\r\nHost: test\r\n\r\n").await;
    while server.counts().0 < 2 {
        tokio::task::yield_now().await;
    }
    third.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(third.answer().await.1, "ok", "it says that the process answers");
    third.send("GET /held HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let (head, _) = third.answer().await;
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    third.send("POST /credentials HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n").await;
    let (head, body) = third.answer().await;
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert_eq!(body, "/credentials: NoRoom", "the answer of the handler there");

    server.held.add_permits(2);
    assert_eq!((first.answer().await.1, second.answer().await.1), ("held".to_owned(), "held".to_owned()));
    first.send("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx").await;
    assert_eq!(first.answer().await.1, "1");
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_evicted_connection_begins_nothing() {
    let connection = Connection::new(load());
    assert!(connection.begin_request());
    assert!(!connection.evict(), "a request is under way");
    connection.end_request();
    assert!(!connection.evict(), "its answer is not sent");
    connection.flushed();
    assert_eq!(connection.stage(), Stage::Idle);
    assert!(connection.evict());
    assert!(!connection.evict(), "once is enough");
    connection.received();
    assert!(!connection.begin_request());
}

#[tokio::test(start_paused = true)]
async fn those_that_never_sent_a_request_go_first_and_then_those_that_wait_longest() {
    let (served_early, served_late) = (Connection::new(load()), Connection::new(load()));
    for connection in [&served_early, &served_late] {
        assert!(connection.begin_request());
        assert_eq!(connection.standing(), None);
        connection.end_request();
        connection.flushed();
        assert!(connection.deadline(&LIMITS).is_some(), "its server looks at it");
        sleep(Duration::from_secs(1)).await;
    }
    let early = Connection::new(load());
    sleep(Duration::from_secs(1)).await;
    let late = Connection::new(load());
    late.received();
    assert!(late.deadline(&LIMITS).is_some());
    let mut all = [&late, &served_late, &early, &served_early];
    all.sort_by_key(|connection| connection.standing());
    for (place, expected) in [&early, &late, &served_early, &served_late].into_iter().enumerate() {
        assert!(std::ptr::eq(all[place], expected), "place {place}");
    }
}
