//! From where changes came, which operators see and nobody else.

use super::{ask, get};
use crate::answer::Answer;
use crate::app::{Ask, HOUR, TestApp, grant, identity, lasting, user};
use crate::loopback::open_to_all;
use crate::person::Person;
use serde_json::{Value, json};

/// What a proxy forwards: what a client has invented, and its address, which the proxy has added.
const FORWARDED: &str = "203.0.113.9, ::ffff:192.0.2.7";
const ADDRESS: &str = "192.0.2.7";

/// The newest entry: who did what, and from where.
async fn newest(app: &TestApp) -> (String, String, Value) {
    let page = get(app, "/audit?limit=1").await;
    let entry = &page["items"][0];
    let text = |member: &str| entry[member].as_str().unwrap().to_owned();
    (text("what"), text("actor"), entry["address"].clone())
}

/// A write on some surface.
struct Write<'a> {
    ask: Ask<'a>,
    what: &'static str,
    actor: String,
}

/// Makes the write, whose entry says that it came from `address`.
async fn make(app: &TestApp, write: Write<'_>, address: &Value) -> Answer {
    let Write { ask, what, actor } = write;
    let answer = ask.header("x-forwarded-for", FORWARDED).send().await;
    assert!(answer.status.is_success(), "{what} by {actor}: {}", answer.text());
    assert_eq!(newest(app).await, (what.to_owned(), actor, address.clone()));
    answer
}

fn write<'a>(ask: Ask<'a>, what: &'static str, actor: &str) -> Write<'a> {
    Write { ask, what, actor: actor.to_owned() }
}

/// Writes by every sort of caller of every surface but the console.
async fn writes_everywhere(app: &TestApp, address: &Value) {
    open_to_all(app).await;
    let holder = app.issue(grant(user("7"), "read")).await;
    let as_user = format!("user:{}:7", holder.id);
    let by_app = |method: &str, path: &str| app.ask(method, path).header("authorization", app.basic_value());
    let form = "application/x-www-form-urlencoded";
    let body = json!({"title": "t"});

    make(
        app,
        write(app.post("/AccessToken/demo").bearer(&app.admin).json(&body), "token.issued", "manager:1"),
        address,
    )
    .await;
    let asked = app.post("/AccessToken/demo").bearer(&holder.secret).json(&body);
    make(app, write(asked, "token.issued", &as_user), address).await;
    let asked = app.put(&format!("/AccessToken/demo/{}", holder.id)).bearer(&holder.secret);
    make(app, write(asked.json(&body), "token.updated", &as_user), address).await;

    let asked = by_app("POST", "/v1/demo/access_tokens").json(&json!({"scopes": []}));
    let made = make(app, write(asked, "token.issued", "client"), address).await;
    let path = format!("/v1/demo/access_tokens/{}", made.json()["access_token"].as_str().unwrap());
    make(app, write(by_app("DELETE", &path), "token.revoked", "client"), address).await;

    let asked =
        app.post("/api/accessTokens").header("x-access-token", &app.admin).json(&json!({"userId": 9}));
    make(app, write(asked, "token.issued", "manager:1"), address).await;
    let asked = app.post("/api/accessTokens").json(&json!({"userId": 9}));
    let made = make(app, write(asked, "token.issued", "anonymous"), address).await;
    let path = format!("/api/accessTokens/{}", made.json()["id"].as_str().unwrap());
    make(app, write(app.put(&path).json(&json!({"ttl": 60})), "token.updated", "anonymous"), address).await;
    make(app, write(app.delete(&path), "token.deleted", "anonymous"), address).await;

    let other = app.issue(grant(user("8"), "read")).await;
    let asked = by_app("POST", "/oauth2/revoke").body(form, format!("token={}", other.secret));
    make(app, write(asked, "token.revoked", "client"), address).await;
    let asked =
        app.post("/oauth2/revoke").bearer(&holder.secret).body(form, format!("token={}", holder.secret));
    make(app, write(asked, "token.revoked", &as_user), address).await;

    by_an_operator(app, address).await;
}

async fn by_an_operator(app: &TestApp, address: &Value) {
    let operator = "operator:1";
    let (tokens, scopes) = ("/apps/demo/tokens", json!([{"permissions": ["read"], "global": true}]));
    for (method, path, body, what) in [
        ("POST", tokens, json!({"scopes": scopes, "user_id": "5"}), "token.issued"),
        ("PATCH", "/apps/demo/settings", json!({"default_ttl_seconds": 60}), "app.updated"),
        ("POST", "/apps/demo/rotate-secret", json!({}), "app.updated"),
        ("POST", "/operators", json!({"name": "second"}), "operator.created"),
        ("POST", "/apps/demo/tokens/revoke", json!({"user_id": "5"}), "token.revoked"),
    ] {
        make(app, write(ask(app, method, path).json(&body), what, operator), address).await;
    }
    make(app, write(ask(app, "DELETE", "/operators/2"), "operator.revoked", operator), address).await;
}

#[tokio::test]
async fn a_write_on_any_surface_says_from_where_it_came() {
    let mut app = TestApp::new().await;
    app.is_behind_proxy = true;
    writes_everywhere(&app, &json!(ADDRESS)).await;

    let person = Person::signed_in(&app).await;
    let key = person.form_key("/console/operators").await;
    let mut form = person.form("/console/operators", &[("name", "third"), ("form_key", &key)]);
    form.headers_mut().insert("x-forwarded-for", FORWARDED.parse().unwrap());
    assert_eq!(person.send(form).await.status, 303);
    let expected = ("operator.created".to_owned(), "operator:1".to_owned(), json!(ADDRESS));
    assert_eq!(newest(&app).await, expected);
    let page = person.open("/console/audit?address=192.0.2.7").await;
    assert!(page.text().contains("<span>192.0.2.7</span>") && !page.text().contains("203.0.113.9"));

    // What LoopBack finds expired leaves its view at whoever's asking.
    let short = app.issue(lasting(HOUR, identity(user("7")))).await;
    app.clock.advance_millis(HOUR);
    let asked = app.get("/api/accessTokens/count").header("x-access-token", &short.secret);
    assert_eq!(asked.header("x-forwarded-for", FORWARDED).status().await, 401);
    assert_eq!(newest(&app).await, ("token.updated".to_owned(), "anonymous".to_owned(), json!(ADDRESS)));
}

#[tokio::test]
async fn what_a_client_says_of_its_address_is_not_believed() {
    let app = TestApp::new().await;
    writes_everywhere(&app, &Value::Null).await;
    let log = get(&app, "/audit?limit=100").await.to_string();
    assert!(!log.contains("192.0.2") && !log.contains("203.0.113"), "{log}");
}

#[tokio::test]
async fn entries_are_found_by_their_address() {
    let mut app = TestApp::new().await;
    app.is_behind_proxy = true;
    for (address, name) in [("192.0.2.1", "a"), ("2001:db8::1", "b"), ("192.0.2.10", "c")] {
        let asked = ask(&app, "POST", "/operators").json(&json!({"name": name}));
        assert_eq!(asked.header("x-forwarded-for", address).status().await, 201);
    }
    for (address, operators) in [
        ("192.0.2.1", &[2][..]),
        ("::ffff:192.0.2.1", &[2]),
        ("2001:DB8:0:0::1", &[3]),
        ("192.0.2.10", &[4]),
        ("192.0.2.2", &[]),
    ] {
        let page = get(&app, &format!("/audit?address={address}")).await;
        let found: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| &item["operator"]).collect();
        assert_eq!(found, operators, "{address}");
    }
}

#[tokio::test]
async fn nobody_but_operators_learns_an_address() {
    let mut app = TestApp::new().await;
    app.is_behind_proxy = true;
    let made = app.post("/AccessToken/demo").bearer(&app.admin).json(&json!({"title": "t"}));
    let made = made.header("x-forwarded-for", FORWARDED).send().await.json();
    let secret = made["data"]["access_token"].as_str().unwrap();
    let off = app.put("/AccessToken/demo/2").bearer(&app.admin).json(&json!({"enable": false}));
    off.header("x-forwarded-for", FORWARDED).send().await;
    for asked in [
        app.get("/AccessToken/demo").bearer(&app.admin),
        app.get("/v1/demo/access_tokens").header("authorization", app.basic_value()),
        app.get("/api/accessTokens").header("x-access-token", &app.admin),
        app.post("/verify/demo").bearer(&app.admin).json(&json!({"token": secret})),
        app.post("/oauth2/introspect")
            .header("authorization", app.basic_value())
            .body("application/x-www-form-urlencoded", format!("token={secret}")),
    ] {
        let answer = asked.header("x-forwarded-for", FORWARDED).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(
            !answer.show().contains("192.0.2") && !answer.show().contains("203.0.113"),
            "{}",
            answer.show()
        );
    }
}
