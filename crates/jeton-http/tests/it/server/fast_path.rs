//! Forward-auth on the fast path: the same answers as on the long way, and the way back to it.

use super::socket::{Connection, Raw, Serving};
use crate::app::{TestApp, grant, on_ids, scoped, user};
use jeton_http::ServerLimits;

/// A header that makes a request take the long way, where it changes nothing.
const LONG_WAY: &str = "Content-Length: 0\r\n";

/// What is said of an answer: its status and headers, sorted, but for the second that it was given in.
fn show(raw: &Raw) -> Vec<String> {
    let date = raw.header("date").unwrap();
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    let mut lines: Vec<String> = raw.head[1..].to_vec();
    lines.retain(|line| !line.starts_with("date: "));
    lines.sort();
    lines.insert(0, raw.head[0].clone());
    lines
}

async fn ask(connection: &mut Connection, line: &str, headers: &str) -> Raw {
    connection.send(format!("{line} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")).await;
    connection.answer(!line.starts_with("HEAD")).await
}

/// Requests of every sort for an app whose token has this secret: their line and headers.
fn requests(secret: &str) -> Vec<(String, String)> {
    let bearer = format!("Authorization: Bearer {secret}\r\n");
    let garbage = format!("authorization: bearer {}\r\n", "0".repeat(secret.len()));
    let mut all = Vec::new();
    for target in [
        "/auth/demo",
        "/auth/demo/",
        "/auth/d%65mo",
        "/auth/demo?permission=read",
        "/auth/demo?permission=write&id=s%201",
        "/auth/demo?permission=write&id=s2",
        "/auth/demo?permission=write&tag=t",
        "/auth/demo?nonsense",
        "/auth/demo?",
        "/auth/other",
        "/auth/demo/more",
        "/auth/demo/named",
        "/auth/demo/named/more?permission=write",
        "/auth/demo/route/files/s%201?x",
        "/auth/demo/route/files/s2",
        "/auth/demo/route",
        "/auth/%ff",
        "/auth",
        "/auth/",
        "/authentic",
    ] {
        for headers in [
            bearer.clone(),
            garbage.clone(),
            String::new(),
            "Authorization: Basic YTpi\r\n".to_owned(),
            format!("X-Access-Token: {secret}\r\n"),
            format!("{bearer}{bearer}"),
            format!("{bearer}X-Access-Token: {secret}\r\n"),
            format!("{bearer}X-Access-Token:\r\n"),
            format!("Authorization: \r\nX-Access-Token: {secret}\r\n"),
            format!("authorization: Bearer \r\nX-ACCESS-TOKEN: {secret}\r\n"),
            "Authorization:\r\nX-Access-Token:\t\r\n".to_owned(),
            format!("X-Request-Id: abc-1\r\n{bearer}"),
            format!("X-Request-Id:\r\nX-Request-Id: abc-2\r\n{bearer}"),
            format!("X-Request-Id: a b\r\n{garbage}"),
            format!("{bearer}Connection: keep-alive\r\nCookie: {}\r\n", "c".repeat(3_000)),
            format!("{bearer}X-Name: \u{e9}\r\n"),
            format!("X-Api-Key: {secret}\r\n"),
            format!("Cookie: a=b; sid={secret}; c\r\n"),
            format!("{bearer}Cookie: {}\r\n", "c".repeat(16_200)),
        ] {
            all.push((format!("GET {target}"), headers.clone()));
            all.push((format!("HEAD {target}"), headers));
        }
    }
    all
}

/// One connection begins each request anew on the fast path; the other is on the long way from its first
/// request on.
async fn compare(app: &TestApp, secret: &str) {
    let server = Serving::start(app).await;
    let mut long = server.connect().await;
    let mut statuses = std::collections::BTreeMap::new();
    for (line, headers) in requests(secret) {
        let slow = ask(&mut long, &line, &format!("{headers}{LONG_WAY}")).await;
        let quick = ask(&mut server.connect().await, &line, &headers).await;
        assert_eq!(show(&quick), show(&slow), "{line} {headers}");
        *statuses.entry(quick.status()).or_insert(0) += 1;
    }
    let kinds: Vec<u16> = statuses.into_keys().collect();
    assert!(kinds.starts_with(&[200, 401, 403, 404]) || kinds.starts_with(&[401, 404, 503]), "{kinds:?}");
}

/// Whatever changes how a question is read or answered.
fn settings() -> serde_json::Value {
    serde_json::json!({"forward_auth": {
        "source": "request",
        "credentials": ["bearer", "x-access-token", "x-api-key", "basic-username", "cookie:sid"],
        "demands": {"named": {"permission": "read"}},
        "routes": [{"method": "*", "path": "/files/{id}", "permission": "write", "id": "{id}"}],
        "realm": "api", "cache_seconds": 5, "preflights": true, "query_token": true,
    }})
}

#[tokio::test]
async fn every_answer_is_the_one_of_the_long_way() {
    let scopes = || vec![jeton_core::Scope::global(crate::app::names("read")), on_ids("write", &["s 1"])];
    for app in [TestApp::new().await, TestApp::following().await] {
        let token = app.issue(scoped(user("ключ и замок"), scopes())).await;
        compare(&app, &token.secret).await;
        app.merge(settings()).await;
        compare(&app, &token.secret).await;
        app.store.fail_always();
        compare(&app, &token.secret).await;
    }
}

/// What a request of HTTP/1.1 may say of its host, and whether it is served.
const HOSTS: [(&str, bool); 14] = [
    ("", false),
    ("Host: test\r\n", true),
    ("host: 127.0.0.1:8080\r\n", true),
    ("HOST: [2001:db8::1]:8080\r\n", true),
    // Where the date is unknown, the header is left out.
    ("Host:\r\n", true),
    ("Host: test\r\nHost: test\r\n", false),
    ("Host: test\r\nX-Name: a\r\nhost: other\r\n", false),
    ("Host:\r\nHost:\r\n", false),
    ("Host: test, test\r\n", false),
    ("Host: te st\r\n", false),
    ("Host: http://test\r\n", false),
    ("Host: user@test\r\n", false),
    ("Host: test:port\r\n", false),
    ("Host: t\u{e9}st\r\n", false),
];

/// RFC 9112 section 3.2.
#[tokio::test]
async fn a_request_has_one_host_on_either_way() {
    let app = TestApp::following().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let server = Serving::start(&app).await;
    let bearer = format!("Authorization: Bearer {}\r\n", token.secret);
    for (host, is_served) in HOSTS {
        for line in
            ["GET /auth/demo", "HEAD /auth/demo?permission=read", "GET /auth", "GET http://test/auth/demo"]
        {
            let mut answers = Vec::new();
            for way in ["", LONG_WAY] {
                let mut connection = server.connect().await;
                connection.send(format!("{line} HTTP/1.1\r\n{host}{bearer}{way}\r\n")).await;
                let answer = connection.answer(!line.starts_with("HEAD")).await;
                let expected = if !is_served {
                    400
                } else if line == "GET /auth" {
                    401
                } else {
                    200
                };
                assert_eq!(answer.status(), expected, "{line} {host:?} {way:?}");
                if !is_served {
                    assert_eq!(answer.header("connection"), Some("close"), "{line} {host:?} {way:?}");
                    assert!(connection.is_closed().await, "what may be hidden behind it is not read");
                }
                answers.push(show(&answer));
            }
            assert_eq!(answers[0], answers[1], "{line} {host:?}");
        }
        // HTTP/1.0 knows no `Host`, and no more than one is too much there as well.
        let mut connection = server.connect().await;
        connection.send(format!("GET /auth/demo HTTP/1.0\r\n{host}{bearer}\r\n")).await;
        let answer = connection.rest().await;
        let expected = if is_served || host.is_empty() { "HTTP/1.0 200 " } else { "HTTP/1.0 400 " };
        assert!(answer.starts_with(expected), "{host:?}: {answer}");
    }
}

#[tokio::test]
async fn behind_other_requests_too_a_request_has_one_host() {
    let app = TestApp::following().await;
    let server = Serving::start(&app).await;
    let good = "GET /auth/demo HTTP/1.1\r\nHost: test\r\n\r\n";
    let bad = "GET /auth/demo HTTP/1.1\r\nHost: test\r\nHost: test\r\n\r\n";
    let mut connection = server.connect().await;
    connection.send([good, bad, good].concat()).await;
    let statuses = [connection.answer(true).await.status(), connection.answer(true).await.status()];
    assert_eq!(statuses, [401, 400]);
    assert_eq!(connection.rest().await, "", "the connection has ended");
}

#[tokio::test]
async fn what_memory_has_is_answered_without_a_read_and_the_rest_is_looked_up_once() {
    let app = TestApp::following().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    let bearer = format!("Authorization: Bearer {}\r\n", token.secret);
    assert_eq!(ask(&mut connection, "GET /auth/demo", &bearer).await.status(), 200);
    let before = app.service.cache_stats();
    assert_eq!((before.hits, before.misses), (0, 1), "however many looks it took");
    for _ in 0..10 {
        assert_eq!(ask(&mut connection, "GET /auth/demo?permission=read", &bearer).await.status(), 200);
    }
    let after = app.service.cache_stats();
    assert_eq!((after.hits - before.hits, after.misses - before.misses), (10, 0));
}

#[tokio::test]
async fn a_head_that_comes_in_pieces_is_put_together() {
    let app = TestApp::following().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    let request = format!(
        "GET /auth/demo HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nCookie: {}\r\n\r\n",
        token.secret,
        "c".repeat(6_000)
    );
    for _ in 0..2 {
        for piece in request.as_bytes().chunks(701) {
            connection.send(piece).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(connection.answer(false).await.status(), 200);
    }
}

#[tokio::test]
async fn a_connection_goes_over_to_the_long_way_with_all_that_was_sent_ahead() {
    let app = TestApp::following().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let server = Serving::start(&app).await;
    let bearer = format!("Authorization: Bearer {}\r\n", token.secret);
    let auth = format!("GET /auth/demo HTTP/1.1\r\nHost: test\r\n{bearer}\r\n");
    let body = "x".repeat(5_000);
    let other = format!(
        "POST /auth/demo HTTP/1.1\r\nHost: test\r\n{bearer}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let nowhere = "GET /nowhere HTTP/1.1\r\nHost: test\r\n\r\n".to_owned();
    let mut connection = server.connect().await;
    connection.send([auth.as_str(), &auth, &other, &auth, &nowhere, &auth].concat()).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(connection.answer(true).await.status());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 404, 200]);
}

#[tokio::test]
async fn beyond_the_limit_of_requests_memory_still_answers() {
    let app = TestApp::following().await;
    let (known, unknown) =
        (app.issue(grant(user("7"), "read")).await, app.issue(grant(user("8"), "read")).await);
    let limits = ServerLimits { requests: 1, ..ServerLimits::default() };
    let server = Serving::within(&app, limits).await;
    let bearer = |secret: &str| format!("Authorization: Bearer {secret}\r\n");
    let mut connection = server.connect().await;
    assert_eq!(ask(&mut connection, "GET /auth/demo", &bearer(&known.secret)).await.status(), 200);
    let _crowd = super::limits::take_all_places(&server, &app).await;
    assert_eq!(ask(&mut connection, "GET /auth/demo", &bearer(&known.secret)).await.status(), 200);
    assert_eq!(ask(&mut connection, "GET /auth/demo", "").await.status(), 401);
    let refused = ask(&mut connection, "GET /auth/demo", &bearer(&unknown.secret)).await;
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    assert_eq!(refused.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn what_ends_in_the_middle_of_a_head_is_closed_without_an_answer() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    for sent in ["", "GET /au", "GET /auth/demo HTTP/1.1\r\nHost: test\r\nAuthorization: Bear"] {
        let mut connection = server.connect().await;
        connection.send(sent).await;
        connection.end().await;
        assert_eq!(connection.rest().await, "", "{sent:?}");
    }
}
