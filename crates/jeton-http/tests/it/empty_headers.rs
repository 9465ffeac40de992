//! Headers with nothing in them: gateways send them where a variable of theirs is empty. On every path they
//! are as if they were not there.

use crate::app::{Ask, TestApp, grant, identity, user};
use crate::loopback::open_to_all;

/// Every header that anything reads.
const NAMES: [&str; 18] = [
    "accept",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "filter",
    "if-none-match",
    "last-event-id",
    "origin",
    "time-zone",
    "timezone",
    "where",
    "x-access-token",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// Requests that have what they need, by name; `who` is the secret of an identity, and `secret` that of a
/// grant.
fn requests<'a>(app: &'a TestApp, who: &str, secret: &str) -> Vec<(&'static str, Ask<'a>)> {
    let basic = |ask: Ask<'a>| ask.header("authorization", app.basic_value());
    let check = format!(r#"{{"token":"{secret}","permission":"read"}}"#);
    vec![
        ("auth", app.get("/auth/demo?permission=read").bearer(secret)),
        ("auth, the other header", app.get("/auth/demo?permission=read").header("x-access-token", secret)),
        ("auth with a body", app.post("/auth/demo").bearer(secret).body("text/plain", "x")),
        ("auth, nothing presented", app.get("/auth/demo")),
        ("appkey list", app.get("/AccessToken/demo").bearer(&app.admin)),
        ("appkey create, no title", app.post("/AccessToken/demo").bearer(&app.admin).body("text/json", "{}")),
        ("appkey, nothing presented", app.get("/AccessToken/demo")),
        ("dotide list", basic(app.get("/v1/demo/access_tokens"))),
        ("dotide create, no scopes", basic(app.post("/v1/demo/access_tokens")).body("text/json", "[]")),
        ("dotide version", app.get("/v2")),
        ("verify", basic(app.post("/verify/demo")).body("application/json", check.clone())),
        ("verify by a token", app.post("/verify/demo").bearer(&app.admin).body("application/json", check)),
        ("loopback find", app.get("/api/accessTokens").header("x-access-token", who)),
        ("loopback count", app.get("/api/accessTokens/count").header("authorization", who)),
        ("loopback findOne", app.get("/apps/demo/api/accessTokens/findOne")),
        ("loopback miss", app.get("/api/accessTokens/nope")),
        ("loopback update", app.put("/api/accessTokens/nope").body("application/json", r#"{"ttl":5}"#)),
        ("health", app.get("/healthz")),
        ("nowhere", app.get("/nowhere")),
    ]
}

#[tokio::test]
async fn they_change_no_answer() {
    let mut app = TestApp::following().await;
    app.is_behind_proxy = true;
    open_to_all(&app).await;
    let who = app.issue(identity(user("7"))).await;
    let token = app.issue(grant(user("8"), "read")).await;
    let requests = || requests(&app, &who.secret, &token.secret);
    for (place, (what, plain)) in requests().into_iter().enumerate() {
        let expected = plain.header("x-forwarded-for", "203.0.113.9").send().await.show();
        for name in NAMES {
            for before in [true, false] {
                let (_, request) = requests().swap_remove(place);
                let request = request.header("x-forwarded-for", "203.0.113.9");
                let request = if before { request.header_first(name, "") } else { request.header(name, "") };
                assert_eq!(request.send().await.show(), expected, "{what}: {name}, first: {before}");
            }
        }
    }
}

#[tokio::test]
async fn loopback_takes_an_empty_accept_for_none() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let answer = app.get("/api/accessTokens").header("accept", "").send().await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "[]"));
    let errors = app.get("/api/accessTokens/x").header("accept", "").send().await;
    assert_eq!(errors.header("content-type"), Some("application/json; charset=utf-8"));
}

#[tokio::test]
async fn a_gateway_may_send_one_credential_and_an_empty_header() {
    let app = TestApp::following().await;
    let token = app.issue(grant(user("7"), "read")).await;
    for (authorization, x_access_token, status) in [
        (format!("Bearer {}", token.secret), String::new(), 200),
        (String::new(), token.secret.clone(), 200),
        // What nginx makes of `Bearer $token`.
        ("Bearer ".to_owned(), token.secret.clone(), 200),
        (String::new(), String::new(), 401),
        (format!("Bearer {}", token.secret), token.secret.clone(), 401),
    ] {
        for method in ["GET", "POST"] {
            let request = app.ask(method, "/auth/demo").header("authorization", &authorization);
            let request = request.header("x-access-token", &x_access_token);
            assert_eq!(request.status().await, status, "{method} {authorization:?} {x_access_token:?}");
        }
    }
}
