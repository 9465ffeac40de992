//! Connections beyond the limit, requests beyond theirs, and a stop that does not wait forever.

use super::socket::{Connection, Serving};
use crate::app::TestApp;
use jeton_http::{ServerLimits, ServerMeasures};
use std::sync::Arc;
use std::time::Duration;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n";

fn connections(at_most: usize) -> ServerLimits {
    ServerLimits { connections: at_most, ..ServerLimits::default() }
}

async fn served(connection: &mut Connection) -> bool {
    connection.send(HEALTH).await;
    connection.answer(true).await.status() == 200
}

/// A create whose body the server waits for.
pub(super) async fn begin_create(server: &Serving, app: &TestApp) -> Connection {
    let mut busy = server.connect().await;
    let head = format!(
        "POST /AccessToken/demo HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nContent-Length: 17\r\n\
         Expect: 100-continue\r\n\r\n",
        app.admin
    );
    busy.send(head).await;
    assert_eq!(busy.head().await, ["HTTP/1.1 100 Continue"]);
    busy
}

/// Requests that take the places of all, of forward-auth and of credentials, where there is one of each, and
/// wait for the store until it recovers.
pub(super) async fn take_all_places(server: &Serving, app: &TestApp) -> Vec<Connection> {
    app.store.hold(u64::MAX);
    let mut crowd = Vec::new();
    for (count, path) in ["/AccessToken/demo", "/AccessToken/demo", "/auth/demo"].into_iter().enumerate() {
        let mut connection = server.connect().await;
        connection.send(with_token(path, &app.admin)).await;
        while app.store.calls() <= count as u64 {
            tokio::task::yield_now().await;
        }
        crowd.push(connection);
    }
    crowd
}

fn with_token(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\r\n")
}

#[tokio::test]
async fn the_connection_that_is_idle_longest_gives_way() {
    let app = TestApp::new().await;
    let server = Serving::within(&app, connections(3)).await;
    let (mut first, mut second, mut silent) =
        (server.connect().await, server.connect().await, server.connect().await);
    assert!(served(&mut first).await && served(&mut second).await);
    let mut third = server.connect().await;
    assert!(served(&mut third).await);
    assert!(silent.is_closed().await, "it never sent anything");
    let mut fourth = server.connect().await;
    assert!(served(&mut fourth).await);
    assert!(first.is_closed().await);
    assert!(served(&mut second).await && served(&mut third).await);
}

#[tokio::test]
async fn where_none_is_idle_a_new_connection_is_refused() {
    let app = TestApp::new().await;
    let server = Serving::within(&app, connections(1)).await;
    app.store.hold(u64::MAX);
    let mut busy = server.connect().await;
    busy.send(with_token("/AccessToken/demo", &app.admin)).await;
    while app.store.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let mut refused = server.connect().await;
    let answer = refused.answer(true).await;
    assert_eq!((answer.status(), answer.header("connection")), (503, Some("close")), "{answer:?}");
    assert!(refused.is_closed().await);
    app.store.recover();
    assert_eq!(busy.answer(true).await.status(), 200);
    assert!(served(&mut server.connect().await).await, "its place is free again");
}

#[tokio::test]
async fn a_request_that_is_still_being_read_gives_way_to_a_new_connection() {
    let app = TestApp::new().await;
    let server = Serving::within(&app, connections(1)).await;
    let mut slow = begin_create(&server, &app).await;
    assert!(served(&mut server.connect().await).await);
    assert!(slow.is_closed().await);
    assert_eq!(app.count().await, 1, "nothing was made of it");
}

/// Each path's own 503, whole: with its own body, and never cached.
#[tokio::test]
async fn a_request_beyond_the_limit_is_refused_in_the_shape_of_its_path() {
    let app = TestApp::new().await;
    let server = Serving::within(&app, ServerLimits { requests: 1, ..ServerLimits::default() }).await;
    let _crowd = take_all_places(&server, &app).await;
    let mut connection = server.connect().await;
    let loopback = r#"{"error":{"statusCode":503,"name":"Error","message":"Service Unavailable"}}"#;
    for (path, body) in [
        ("/auth/demo", ""),
        ("/AccessToken/demo", r#"{"code":503,"data":null,"error":"the service is unavailable: try again"}"#),
        ("/v1/demo/access_tokens", r#"{"message":"the service is unavailable: try again"}"#),
        ("/v2", r#"{"message":"the service is unavailable: try again"}"#),
        ("/api/accessTokens", loopback),
        ("/ACCESSTOKENS/x", loopback),
        ("/nowhere", r#"{"error":"unavailable","message":"the service is unavailable: try again"}"#),
    ] {
        // A token that has to be looked up: the rest of forward-auth is answered however much is under way.
        connection.send(with_token(path, &app.admin)).await;
        let answer = connection.answer(true).await;
        assert_eq!((answer.status(), answer.body.as_str()), (503, body), "{path}");
        assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    assert!(served(&mut connection).await);
    app.store.recover();
}

/// LoopBack requests with arbitrary credentials cannot take the room of authenticated callers.
#[tokio::test]
async fn kept_places_are_not_for_strangers_with_credentials() {
    let app = TestApp::new().await;
    app.merge(serde_json::json!({"loopback": {"acls": [
        {"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW", "property": "*"},
    ]}}))
    .await;
    let server = Serving::within(&app, ServerLimits { requests: 1, ..ServerLimits::default() }).await;
    app.store.hold(1);
    let mut crowd = server.connect().await;
    crowd.send("GET /api/accessTokens HTTP/1.1\r\nHost: test\r\n\r\n").await;
    while app.store.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let mut stranger = server.connect().await;
    stranger.send(with_token("/api/accessTokens", "anything")).await;
    assert_eq!(stranger.answer(true).await.status(), 503);
    app.store.recover();
    assert_eq!(crowd.answer(true).await.status(), 200);
    stranger.send(with_token("/api/accessTokens", "anything")).await;
    assert_eq!(stranger.answer(true).await.status(), 200);
}

#[tokio::test]
async fn readiness_is_told_to_all_who_ask_for_the_price_of_one() {
    let app = TestApp::new().await;
    let server = Serving::within(&app, ServerLimits { requests: 1, ..ServerLimits::default() }).await;
    let _crowd = take_all_places(&server, &app).await;
    let before = app.store.calls();
    let mut asking = Vec::new();
    for _ in 0..20 {
        let mut connection = server.connect().await;
        connection.send("GET /readyz HTTP/1.1\r\nHost: test\r\n\r\n").await;
        asking.push(connection);
    }
    while app.store.calls() == before {
        tokio::task::yield_now().await;
    }
    assert!(served(&mut server.connect().await).await, "all of them are being answered by now");
    app.store.recover();
    for connection in &mut asking {
        assert_eq!(connection.answer(true).await.status(), 200);
    }
    assert!(app.store.calls() <= 16, "{}", app.store.calls());
}

#[tokio::test]
async fn a_head_beyond_its_bounds_is_refused_and_its_connection_closed() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let header =
        |bytes: usize| format!("GET /healthz HTTP/1.1\r\nHost: test\r\nX: {}\r\n\r\n", "x".repeat(bytes));
    let headers =
        |count: usize| format!("GET /healthz HTTP/1.1\r\nHost: test\r\n{}\r\n", "X: 1\r\n".repeat(count));
    let target = |bytes: usize| format!("GET /healthz?{} HTTP/1.1\r\nHost: test\r\n\r\n", "x".repeat(bytes));
    let auth = |method: &str, bytes: usize| {
        let cookie = "x".repeat(bytes);
        format!("{method} /auth/demo HTTP/1.1\r\nHost: test\r\nCookie: {cookie}\r\nContent-Length: 0\r\n\r\n")
    };
    for (name, request, status) in [
        ("a visitor's cookies", auth("GET", 16_200), 401),
        ("most of them", auth("GET", 65_000), 401),
        ("with another method", auth("POST", 65_000), 401),
        ("too many of them", auth("GET", 66_000), 431),
        ("16 KiB", header(16_000), 200),
        ("more", header(17_000), 431),
        ("much more", header(150_000), 431),
        ("100 headers", headers(99), 200),
        ("101 headers", headers(100), 431),
        ("a long query", target(16_000), 200),
        ("a longer one", target(80_000), 431),
    ] {
        let mut connection = server.connect().await;
        connection.send(request).await;
        let answer = connection.answer(true).await;
        assert_eq!(answer.status(), status, "{name}");
        assert_eq!(answer.header("connection"), (status == 431).then_some("close"), "{name}");
        assert!(status != 431 || connection.is_closed().await, "{name}");
    }
}

/// Each API says in its own shape what is wrong with a head, and it is counted.
#[tokio::test]
async fn a_head_that_is_refused_is_answered_in_shape_and_counted() {
    let app = TestApp::new().await;
    let measures: Arc<ServerMeasures> = Arc::default();
    let server = Serving::counted(app.http(), ServerLimits::default(), None, measures.clone()).await;
    let message = "a request needs exactly one Host header, with a host and optionally a port";
    let coded = format!(r#"{{"error":"invalid_head","message":"{message}"}}"#);
    let loopback = format!(r#"{{"error":{{"statusCode":400,"name":"Error","message":"{message}"}}}}"#);
    let paths = [
        ("/AccessToken/demo", format!(r#"{{"code":400,"data":null,"error":"{message}"}}"#)),
        ("/v1/demo/access_tokens", format!(r#"{{"message":"{message}"}}"#)),
        ("/api/accessTokens", loopback),
        ("/verify/demo", coded.clone()),
        ("/nowhere", coded.clone()),
        ("/healthz", coded),
        ("/auth/demo", String::new()),
    ];
    for (path, body) in &paths {
        let mut connection = server.connect().await;
        connection.send(format!("POST {path} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}")).await;
        let answer = connection.answer(true).await;
        assert_eq!((answer.status(), &answer.body), (400, body), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    for (path, body) in &paths[..6] {
        let mut connection = server.connect().await;
        connection
            .send(format!("GET {path} HTTP/1.1\r\nHost: test\r\nCookie: {}\r\n\r\n", "c".repeat(20_000)))
            .await;
        let answer = connection.answer(true).await;
        let body = body.replace("400", "431").replace(message, "the head of the request is too large");
        assert_eq!(
            (answer.status(), &answer.body, answer.header("connection")),
            (431, &body, Some("close")),
            "{path}"
        );
    }
    for (sent, status) in
        [("GET /a b HTTP/1.1\r\n\r\n".to_owned(), 400), ("\u{16}\u{3}\u{1}".to_owned(), 400)]
    {
        let mut connection = server.connect().await;
        connection.send(sent).await;
        assert_eq!(connection.answer(true).await.status(), status);
        assert!(connection.is_closed().await);
    }
    let heads = &measures.heads;
    // What the library itself refuses is counted when its connection has ended.
    while heads.malformed.get() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!((heads.host.get(), heads.too_large.get()), (7, 6));
}

/// A client that sends everything before it reads still gets the reason, although its data is not read.
#[tokio::test]
async fn a_refused_body_does_not_cost_its_answer() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    let body = vec![b'x'; 200 * 1024];
    let length = body.len();
    connection
        .send(format!("POST /AccessToken/demo HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"))
        .await;
    connection.send(body).await;
    let answer = connection.answer(true).await;
    assert_eq!((answer.status(), answer.header("connection")), (401, Some("close")), "{answer:?}");
    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn a_stop_does_not_wait_longer_than_it_may() {
    let app = TestApp::new().await;
    let shutdown_time = Duration::from_millis(50);
    let server = Serving::within(&app, ServerLimits { shutdown_time, ..ServerLimits::default() }).await;
    let mut busy = begin_create(&server, &app).await;
    let (mut silent, mut begun) = (server.connect().await, server.connect().await);
    begun.send("GET /healthz HT").await;
    assert!(served(&mut server.connect().await).await, "all of them are accepted by now");
    let stopping = server.stop();
    assert!(silent.is_closed().await && begun.is_closed().await);
    stopping.finish().await;
    assert!(busy.is_closed().await);
}
