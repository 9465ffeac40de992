//! Connections: kept open, pipelined, asked to upgrade, cut, and ended in order.

use super::socket::Serving;
use crate::app::{TestApp, grant, user};
use tokio::net::TcpStream;

/// A request without a body.
fn request(line: &str, secret: &str, more: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {secret}\r\n{more}\r\n")
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    for (line, status) in [
        ("GET /AccessToken/demo", 200),
        ("GET /nowhere", 404),
        ("DELETE /AccessToken/demo/99", 404),
        ("PATCH /AccessToken/demo", 405),
        ("GET /auth/demo", 401),
        ("GET /healthz", 200),
    ] {
        connection.send(request(line, &app.admin, "")).await;
        assert_eq!(connection.answer(true).await.status(), status, "{line}");
    }
}

#[tokio::test]
async fn requests_that_are_sent_ahead_are_answered_in_order() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    let body = r#"{"title":"a"}"#;
    let framing = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let id = token.id;
    let requests = [
        request(&format!("put /AccessToken/demo/{id}"), &token.secret, &framing) + body,
        request("GET /auth/demo", &token.secret, ""),
        request(&format!("DELETE /AccessToken/demo/{id}"), &token.secret, ""),
        request("GET /auth/demo", &token.secret, ""),
    ];
    connection.send(requests.concat()).await;
    let mut statuses = Vec::new();
    for _ in &requests {
        statuses.push(connection.answer(true).await.status());
    }
    assert_eq!(statuses, [200, 200, 200, 401], "the revoked token was refused right behind its revocation");
}

#[tokio::test]
async fn head_in_either_case_has_no_body_and_leaves_the_connection_usable() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    for line in ["HEAD /AccessToken/demo", "head /AccessToken/demo", "HEAD /nowhere", "head /nowhere"] {
        connection.send(request(line, &app.admin, "")).await;
        let head = connection.answer(false).await;
        connection.send(request("GET /healthz", "", "")).await;
        let next = connection.answer(true).await;
        assert_eq!((next.status(), next.body.as_str()), (200, r#"{"status":"ok"}"#), "{line}: {head:?}");
        assert_eq!(head.status(), if line.ends_with("demo") { 200 } else { 404 }, "{line}");
    }
}

#[tokio::test]
async fn an_offer_to_upgrade_is_ignored() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\nUpgrade: h2c\r\n";
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    for offer in [h2c, websocket, h2c] {
        connection.send(request("GET /AccessToken/demo", &app.admin, offer)).await;
        let answer = connection.answer(true).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!((answer.header("upgrade"), answer.header("connection")), (None, None), "{answer:?}");
        assert_eq!(answer.body, r#"{"code":200,"data":{"total":0,"data":[]},"error":""}"#);
    }
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let address = server.address;
    let mut idle = server.connect().await;
    idle.send(request("GET /healthz", "", "")).await;
    assert_eq!(idle.answer(true).await.status(), 200);

    let body = r#"{"title":"made while stopping"}"#;
    let framing = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n",
        body.len()
    );
    let mut busy = server.connect().await;
    busy.send(request("POST /AccessToken/demo", &app.admin, &framing)).await;
    // The server asks for the body: now the request is under way.
    assert_eq!(busy.head().await, ["HTTP/1.1 100 Continue"]);
    let stopping = server.stop();
    assert!(idle.is_closed().await, "a connection without a request is closed");
    assert!(TcpStream::connect(address).await.is_err(), "no new connection is taken");
    busy.send(body).await;
    let answer = busy.answer(true).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert!(busy.is_closed().await);
    stopping.finish().await;
    let row = app.get("/AccessToken/demo").bearer(&app.admin).send().await.rows()[0].clone();
    assert_eq!(row["title"], "made while stopping");
}

#[tokio::test]
async fn a_list_that_fails_half_way_is_cut_on_the_wire() {
    let app = TestApp::new().await;
    crate::appkey::list_pages::fill(&app, 300).await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    // Token, app, count, first page; the second page fails.
    app.store.fail_only(5);
    connection.send(request("GET /AccessToken/demo?take=1000", &app.admin, "")).await;
    // How much of it was sent by then is up to the server's buffers; that it was not all must be plain to
    // see.
    let bytes = connection.rest().await;
    assert!(!bytes.ends_with("0\r\n\r\n"), "the last chunk came, as if the list were complete: {bytes}");
    assert!(!bytes.contains("content-length") && !bytes.contains(r#""error""#), "{bytes}");
    let mut again = server.connect().await;
    again.send(request("GET /AccessToken/demo?take=1000", &app.admin, "")).await;
    let answer = again.answer(true).await;
    assert!(answer.is_whole);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["data"]["total"], 300);
}

#[tokio::test]
async fn what_is_no_http_ends_its_connection_and_no_other() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let mut good = server.connect().await;
    let mut bad = server.connect().await;
    bad.send("\u{1}\u{2} no HTTP at all\r\n\r\n").await;
    let answer = bad.answer(true).await;
    assert_eq!((answer.status(), answer.header("connection")), (400, Some("close")), "{answer:?}");
    assert!(bad.is_closed().await);
    good.send(request("GET /healthz", "", "")).await;
    assert_eq!(good.answer(true).await.status(), 200);
}

/// As a gateway sends it that passes `Content-Length` on and not the body. What it sends next is no body.
#[tokio::test]
async fn forward_auth_with_a_length_and_no_body_is_answered_and_closed() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let server = Serving::start(&app).await;
    for _ in 0..200 {
        let mut connection = server.connect().await;
        connection.send(request("GET /auth/demo", &token.secret, "Content-Length: 5\r\n")).await;
        let answer = connection.answer(true).await;
        assert_eq!((answer.status(), answer.header("connection")), (200, Some("close")), "{answer:?}");
        connection.send(request("GET /auth/demo", &token.secret, "")).await;
        assert_eq!(connection.rest().await, "", "it is no answer to what was taken for a body");
    }
}

/// One answer says how long the connection lives: it is used until one says that it will be closed.
#[tokio::test]
async fn no_request_meets_a_connection_that_was_closed_without_a_word() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let server = Serving::start(&app).await;
    let heads = [
        "GET /auth/demo",
        "POST /auth/demo",
        "GET /AccessToken/demo",
        "GET /nowhere",
        "PATCH /AccessToken/demo",
    ];
    let mut connection = server.connect().await;
    let mut connections = 1;
    for n in 0..500 {
        let head = request(heads[n % heads.len()], &token.secret, "Content-Length: 5\r\n");
        if n % 2 == 0 {
            connection.send(head + "hello").await;
        } else {
            connection.send(head).await;
            connection.send("hello").await;
        }
        let answer = connection.answer(true).await;
        if answer.header("connection") == Some("close") {
            connection = server.connect().await;
            connections += 1;
        }
    }
    assert!(connections <= 250, "what comes with its head costs no connection: {connections}");
}
