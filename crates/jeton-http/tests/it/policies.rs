//! What the policies of an app refuse, on every API.

use crate::admin;
use crate::answer::Answer;
use crate::app::{DAY, TestApp, grant, lasting, scoped, user};
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";
const ADMIN: &str = "/apps/demo/tokens";
const LOOPBACK: &str = "/api/accessTokens";

async fn with_policies(policies: Value) -> TestApp {
    let app = TestApp::new().await;
    app.merge(json!({"policies": policies})).await;
    app
}

async fn by_bearer(app: &TestApp, secret: &str, body: &Value) -> Answer {
    app.post(APP).bearer(secret).json(body).send().await
}

/// Asserts that a policy refuses it, by its name, and that nothing was made.
fn assert_refused(answer: &Answer, status: u16, policy: &str) {
    let text = answer.text();
    assert!(answer.status == status && text.contains(&format!("policies.{policy}: ")), "{text}");
}

#[tokio::test]
async fn a_longer_life_than_the_caller_may_give_is_refused_and_the_default_is_cut() {
    let limits = json!({"operator": 86_400 * 30, "manager": 86_400 * 20, "user": 86_400 * 10});
    let app = with_policies(json!({"max_lifetime_seconds": limits})).await;
    let held = app.issue(lasting(DAY * 30, grant(user("7"), "read"))).await;
    let title = |days: i64| json!({"title": "x", "permissions": "read", "expireInDays": days, "userId": 7});
    for (secret, most, eternal) in [(&held.secret, 10, 11), (&app.admin, 20, -1)] {
        for days in [most + 1, eternal] {
            assert_refused(&by_bearer(&app, secret, &title(days)).await, 403, "max_lifetime_seconds");
        }
        let made = by_bearer(&app, secret, &title(most)).await;
        assert_eq!(made.status, 200, "{}", made.text());
        // The default of 30 days.
        let made = by_bearer(&app, secret, &title(0)).await;
        assert_eq!(made.status, 200, "{}", made.text());
        assert_eq!(made.json()["data"]["expires_in"], json!(86_400 * most));
    }
    let body = |days: i64| json!({"permissions": ["read"], "expires_in_days": days});
    let answer = admin::send(&app, "POST", ADMIN, &body(31)).await;
    assert_eq!(answer.json()["code"], "against_policy");
    assert_refused(&answer, 422, "max_lifetime_seconds");
    assert_eq!(admin::send(&app, "POST", ADMIN, &body(30)).await.status, 201);
    // LoopBack shortens what it shows.
    let row = app.post(LOOPBACK).json(&json!({"ttl": 86_400 * 12, "userId": 7})).send().await;
    assert_eq!((row.status.as_u16(), &row.json()["ttl"]), (200, &json!(86_400 * 10)));
}

#[tokio::test]
async fn every_token_expires_where_it_must() {
    let app = with_policies(json!({"require_expiry": true})).await;
    let answer = by_bearer(&app, &app.admin, &json!({"title": "x", "expireInDays": -1})).await;
    assert_refused(&answer, 403, "require_expiry");
    let (id, secret) = (&app.client.0, &app.client.1);
    let create = |body: Value| app.post("/v1/demo/access_tokens").basic(id, secret).json(&body);
    let eternal = create(json!({"scopes": []})).send().await;
    assert!(eternal.text().contains("policies.require_expiry: "), "{}", eternal.text());
    assert!(eternal.status.is_client_error());
    app.merge(json!({"max_ttl_seconds": 86_400})).await;
    assert_eq!(create(json!({"scopes": []})).send().await.status, 201, "the app bounds it");
}

#[tokio::test]
async fn a_forbidden_permission_is_in_no_new_scope() {
    let app = TestApp::new().await;
    let old = app.issue(grant(user("7"), "read,admin")).await;
    app.merge(json!({"policies": {"forbidden_permissions": ["admin"]}})).await;
    let body = |names: &str| json!({"title": "x", "permissions": names});
    let answer = by_bearer(&app, &app.admin, &body("read,admin")).await;
    assert_refused(&answer, 403, "forbidden_permissions");
    let other = app.issue(scoped(user("7"), vec![])).await;
    let change = |id: i64, body: Value| app.put(&format!("{APP}/{id}")).bearer(&app.admin).json(&body).send();
    assert_refused(&change(other.id, body("admin")).await, 403, "forbidden_permissions");
    // Who has it keeps it, until it is taken away.
    let kept = change(old.id, json!({"title": "renamed", "permissions": "admin"})).await;
    assert_eq!(kept.status, 200, "{}", kept.text());
    assert_eq!(app.get("/auth/demo?permission=admin").bearer(&old.secret).status().await, 200);
    assert_eq!(change(old.id, body("read")).await.status, 200);
    assert_refused(&change(old.id, body("admin")).await, 403, "forbidden_permissions");
    let scope = json!({"permissions": ["admin"], "ids": ["pump"]});
    let answer = admin::send(&app, "POST", ADMIN, &json!({"scopes": [scope]})).await;
    assert_refused(&answer, 422, "forbidden_permissions");
}

#[tokio::test]
async fn secrets_that_others_choose_begin_with_the_prefix() {
    let app = TestApp::new().await;
    let acls = json!([{"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW"}]);
    app.merge(json!({
        "token_prefix": "acme", "policies": {"require_prefix": true},
        "loopback": {"client_ids": "anyone", "acls": acls},
    }))
    .await;
    let row = |id: &str| app.post(LOOPBACK).json(&json!({"id": id, "userId": 7})).send();
    let (good, bad) = ("acme_0123456789012345678901234567890", "0123456789012345678901234567890123");
    assert_refused(&row(bad).await, 403, "require_prefix");
    let made = row(good).await;
    assert_eq!((made.status.as_u16(), &made.json()["id"]), (200, &json!(good)));
    let minted = app.post(LOOPBACK).json(&json!({"userId": 7})).send().await.json();
    assert!(minted["id"].as_str().unwrap().starts_with("acme_"));
}

#[tokio::test]
async fn a_user_has_only_so_many_live_tokens() {
    let app = with_policies(json!({"max_tokens_per_user": 2})).await;
    let held = app.issue(lasting(DAY * 30, grant(user("7"), "read"))).await;
    let body = json!({"title": "x", "permissions": "read", "expireInDays": 1});
    let made = by_bearer(&app, &held.secret, &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let made = app.get(&format!("{APP}?take=1")).bearer(&app.admin).send().await.ids()[0];
    assert_refused(&by_bearer(&app, &held.secret, &body).await, 403, "max_tokens_per_user");
    let of = |id: i64| json!({"title": "x", "permissions": "read", "userId": id});
    assert_refused(&by_bearer(&app, &app.admin, &of(7)).await, 403, "max_tokens_per_user");
    assert_eq!(by_bearer(&app, &app.admin, &of(8)).await.status, 200, "another user");
    let answer = admin::send(&app, "POST", ADMIN, &json!({"permissions": ["read"], "user_id": "7"})).await;
    assert_refused(&answer, 422, "max_tokens_per_user");
    // Whoever is allowed to name that user without proof takes none of its places.
    for _ in 0..3 {
        assert_eq!(app.post(LOOPBACK).json(&json!({"userId": 8})).status().await, 200);
    }
    assert_eq!(by_bearer(&app, &app.admin, &of(8)).await.status, 200);
    // The first one's day is over.
    app.clock.advance_millis(DAY);
    assert_eq!(by_bearer(&app, &held.secret, &body).await.status, 200);
    assert_refused(&by_bearer(&app, &held.secret, &body).await, 403, "max_tokens_per_user");
    let path = format!("{ADMIN}/{made}");
    let revived = admin::send(&app, "PATCH", &path, &json!({"expires_in_days": 5})).await;
    assert_refused(&revived, 422, "max_tokens_per_user");
}
