//! A secret that goes astray comes back in no answer.

use crate::app::{Ask, TestApp, grant, user};
use jeton_testkit::Canaries;
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";

/// The secret in every member of a body, wherever it makes the body wrong.
fn bodies(secret: &str) -> Vec<Value> {
    let long = secret.repeat(5);
    vec![
        json!(secret),
        json!([secret]),
        json!({secret: secret}),
        json!({"title": long}),
        json!({"title": format!("{secret}\u{0}")}),
        json!({"title": {"x": secret}}),
        json!({"title": "t", "tags": long}),
        json!({"title": "t", "tags": [secret]}),
        json!({"title": "t", "description": format!("{secret}\u{0}")}),
        json!({"title": "t", "permissions": format!("{secret}\u{7}")}),
        json!({"title": "t", "permissions": format!("{secret}{long}")}),
        json!({"title": "t", "permissions": format!("jeton:{secret}")}),
        json!({"title": "t", "userID": secret}),
        json!({"title": "t", "expireInDays": secret}),
        json!({"title": "t", "enable": secret, "expireInDays": "x"}),
    ]
}

/// Requests that hold the secret in places where it does not belong, all of them wrong.
fn astray<'a>(app: &'a TestApp, secret: &str) -> Vec<Ask<'a>> {
    let admin = |ask: Ask<'a>| ask.bearer(&app.admin);
    let mut asks = vec![
        admin(app.get(&format!("/AccessToken/{secret}"))),
        admin(app.get(&format!("/AccessToken/demo/{secret}"))),
        admin(app.put(&format!("{APP}/{secret}")).json(&json!({}))),
        admin(app.delete(&format!("{APP}/{secret}"))),
        admin(app.delete(&format!("{APP}/{secret}/{secret}"))),
        admin(app.get(&format!("{APP}?userId={secret}"))),
        admin(app.get(&format!("{APP}?skip={secret}"))),
        admin(app.get(&format!("{APP}?take={secret}"))),
        admin(app.get(&format!("{APP}?userId={secret}&userId={secret}"))),
        admin(app.ask(&secret[..64], APP)),
        admin(app.ask("PATCH", &format!("{APP}?x={secret}"))),
        admin(app.post(APP).body(&format!("text/{secret}"), "x")),
        admin(app.post(APP).body("application/json", secret)),
        admin(app.post(APP).body("application/json", format!("{{\"title\": \"{secret}"))),
        admin(app.post(APP).body("application/json", format!("{{\"title\": {secret}}}"))),
        admin(app.post(APP).body("application/x-www-form-urlencoded", format!("title=&x={secret}"))),
        app.get(APP).header("authorization", format!("Basic {secret}")),
        app.get(APP).header("authorization", secret),
        app.get(APP).header("x-access-token", secret),
        app.get(APP).bearer(&format!("{secret}{secret}")),
        app.get(&format!("/{secret}")),
        app.get(&format!("/auth/{secret}")),
        app.get(&format!("/auth/demo/{secret}")),
        app.get(&format!("/auth/demo?permission={secret}")).bearer(&format!("x{secret}")),
    ];
    for body in bodies(secret) {
        asks.push(admin(app.post(APP).json(&body)));
    }
    asks
}

#[tokio::test]
async fn no_error_says_a_secret() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let canaries = Canaries::new([&token.secret, &app.admin]);
    for ask in astray(&app, &token.secret) {
        let answer = ask.send().await;
        assert!(answer.status.is_client_error(), "{}", answer.show());
        assert_eq!(canaries.in_text(&answer.body), [], "{}", answer.text());
        assert_eq!(canaries.in_text(format!("{:?}", answer.headers)), [], "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn no_update_that_is_refused_says_a_secret() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let canaries = Canaries::new([&token.secret]);
    let mut refused = 0;
    for body in bodies(&token.secret) {
        let answer = app.put(&format!("{APP}/{}", token.id)).bearer(&app.admin).json(&body).send().await;
        refused += u32::from(answer.status.is_client_error());
        assert_eq!(canaries.in_text(answer.show()), []);
    }
    assert!(refused >= 10, "most of these are wrong for an update too: {refused}");
}

#[tokio::test]
async fn no_outage_says_a_secret_or_its_cause() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let canaries = Canaries::new([&token.secret]);
    app.store.fail_always();
    for ask in [app.get(APP), app.post(APP).json(&json!({"title": "t"})), app.get("/auth/demo")] {
        let answer = ask.bearer(&token.secret).send().await;
        assert_eq!(answer.status.as_u16(), 503);
        assert_eq!(canaries.in_text(answer.show()), []);
        assert!(!answer.show().contains("disk"), "{}", answer.show());
    }
}

#[tokio::test]
async fn nothing_on_the_disk_is_a_secret() {
    let app = TestApp::new().await;
    let mut secrets = vec![app.admin.clone()];
    for permissions in ["read", "write", ""] {
        let token = app.issue(grant(user("7"), permissions)).await;
        assert_eq!(app.get(APP).bearer(&token.secret).status().await, 200);
        assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 200);
        secrets.push(token.secret);
    }
    let found = Canaries::new(&secrets).under(app.data()).unwrap();
    assert!(found.is_empty(), "{found:?}");
}
