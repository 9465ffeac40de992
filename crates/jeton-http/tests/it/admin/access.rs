//! Who may ask, and what whoever may not is told.

use super::{ask, assert_problem, get, send};
use crate::app::{TestApp, grant, user};
use jeton_service::{Limits, Rate};
use serde_json::json;

#[tokio::test]
async fn only_operators_are_answered() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    let path = "/admin/v1/apps";
    let (_, client_secret) = app.client.clone();
    for (what, asked) in [
        ("nothing", app.get(path)),
        ("an admin token", app.get(path).bearer(&app.admin)),
        ("a token", app.get(path).bearer(&token)),
        ("a client secret", app.get(path).bearer(&client_secret)),
        ("client credentials", app.get(path).header("authorization", app.basic_value())),
        ("garbage", app.get(path).bearer("garbage")),
        ("two", app.get(path).bearer(&app.operator).bearer(&app.operator)),
        ("another header", app.get(path).header("x-access-token", &app.operator)),
        ("the query", app.get(&format!("{path}?access_token={}", app.operator))),
        ("no such path", app.get("/admin/v1/nothing")),
        ("the root", app.get("/admin")),
    ] {
        let answer = asked.send().await;
        assert_problem(&answer, 401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"jeton\""), "{what}");
    }
    assert_eq!(get(&app, "/apps").await["total"], 1);
    assert_eq!(get(&app, "/apps/").await["total"], 1);
    for path in ["", "/", "/nothing", "/apps/demo/nothing", "/apps/demo/tokens/1/x"] {
        assert_problem(&ask(&app, "GET", path).send().await, 404, "not_found");
    }
    let answer = ask(&app, "PUT", "/apps/demo/settings").send().await;
    assert_problem(&answer, 405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, PATCH"));
    // It is nowhere else.
    assert_eq!(app.get("/api/admin/v1/apps").bearer(&app.operator).status().await, 404);
}

#[tokio::test]
async fn a_revoked_operator_is_refused_at_once() {
    let app = TestApp::new().await;
    let made = send(&app, "POST", "/operators", &json!({"name": "second"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.header("location"), Some("/admin/v1/operators/2"));
    let token = made.json()["operator_token"].as_str().unwrap().to_owned();
    let second = || app.get("/admin/v1/operators").bearer(&token);
    let listed = second().send().await.json();
    assert_eq!((&listed["total"], &listed["next"]), (&json!(2), &json!(null)));
    assert_eq!((&listed["items"][1]["id"], &listed["items"][1]["name"]), (&json!(2), &json!("second")));
    assert_eq!(ask(&app, "DELETE", "/operators/2").status().await, 204);
    assert_problem(&second().send().await, 401, "unauthorized");
    assert_problem(&ask(&app, "DELETE", "/operators/2").send().await, 404, "no_such_operator");
    assert_problem(&ask(&app, "DELETE", "/operators/x").send().await, 404, "no_such_operator");
    for name in
        [json!({}), json!({"name": ""}), json!({"name": " "}), json!({"name": 5}), json!({"nam": "x"})]
    {
        assert_problem(&send(&app, "POST", "/operators", &name).await, 400, "invalid_member");
    }
    // Also oneself.
    assert_eq!(ask(&app, "DELETE", "/operators/1").status().await, 204);
    assert_problem(&ask(&app, "GET", "/operators").send().await, 401, "unauthorized");
}

#[tokio::test]
async fn guesses_are_throttled_and_operators_are_not() {
    let mut app = TestApp::new().await;
    let limits = Limits { failures: Rate::per_minute(5), ..*app.service.limits() };
    app.service = app.service.clone().with_limits(limits);
    let guess = |number: u32| app.get("/admin/v1/apps").bearer(&format!("{number:064x}"));
    for number in 0..5 {
        assert_problem(&guess(number).send().await, 401, "unauthorized");
    }
    app.store.recover();
    let answer = guess(9).send().await;
    assert_problem(&answer, 429, "too_many_failures");
    assert_eq!(answer.header("retry-after"), Some("12"));
    assert_eq!(app.store.calls(), 0, "arithmetic tells them");
    assert_eq!(ask(&app, "GET", "/apps").status().await, 200);
    app.clock.advance_millis(12_000);
    assert_problem(&guess(9).send().await, 401, "unauthorized");
    // Failures elsewhere are others.
    assert_eq!(app.get("/AccessToken/demo").bearer(&format!("{:064x}", 1)).status().await, 401);
}

#[tokio::test]
async fn a_name_that_anyone_can_give_leads_nowhere() {
    let app = TestApp::new().await;
    for host in ["127.0.0.1:8081", "[::1]:8081", "localhost", "admin.localhost:1"] {
        assert_eq!(ask(&app, "GET", "/apps").header("host", host).status().await, 200, "{host}");
    }
    let rebound = || ask(&app, "GET", "/apps").header("host", "evil.test:8081");
    assert_problem(&rebound().send().await, 421, "misdirected_request");
}

#[tokio::test]
async fn bodies_are_bounded_and_are_json() {
    let app = TestApp::new().await;
    let post = |kind: &str, body: &str| ask(&app, "POST", "/apps").body(kind, body);
    let large = format!(r#"{{"app_key": "{}"}}"#, "x".repeat(200_000));
    assert_problem(&post("application/json", &large).send().await, 413, "body_too_large");
    assert_problem(&post("text/plain", "{}").send().await, 415, "unsupported_media_type");
    let charset = post("application/json; charset=latin1", r#"{"app_key": "x"}"#);
    assert_problem(&charset.send().await, 415, "unsupported_media_type");
    for (body, detail) in [
        ("", "the body is not JSON: line 1, column 0"),
        ("[]", "the body must be a JSON object"),
        (
            r#"{"app_key":"a","app_key":"b"}"#,
            "a member of the body stands there more than once: line 1, column 24",
        ),
    ] {
        assert_eq!(assert_problem(&post("application/json", body).send().await, 400, "invalid_json"), detail);
    }
    app.store.fail_always();
    assert_problem(&ask(&app, "GET", "/apps").send().await, 503, "unavailable");
}
