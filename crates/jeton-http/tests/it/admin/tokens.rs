//! Tokens of an app: one at a time.

use super::{ask, assert_plain, assert_problem, get, send};
use crate::app::{HOUR, TestApp, grant, lasting, service, user};
use jeton_core::Owner;
use serde_json::{Value, json};

const TOKENS: &str = "/apps/demo/tokens";

async fn create(app: &TestApp, body: Value) -> Value {
    let answer = send(app, "POST", TOKENS, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_plain(&answer);
    answer.json()
}

#[tokio::test]
async fn a_token_is_made_whole_and_its_secret_shown_once() {
    let app = TestApp::new().await;
    let scopes = json!([{"permissions": ["write"], "ids": ["sensor-7"], "tags": ["attic"]}]);
    let answer = send(
        &app,
        "POST",
        TOKENS,
        &json!({"user_id": 7, "title": "ci", "tags": "a, b", "description": "for tests", "permissions": "read",
            "scopes": scopes, "expires_in_days": 1}),
    )
    .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let mut made = answer.json();
    assert_eq!(answer.header("location"), Some(format!("/admin/v1{TOKENS}/{}", made["id"]).as_str()));
    let secret = made["access_token"].take();
    let secret = secret.as_str().unwrap();
    let masked = format!("{}........{}", &secret[..8], &secret[56..]);
    let id = made["id"].clone();
    let expected = json!({
        "id": id, "app": "demo", "kind": "grant", "state": "active", "user_id": 7, "title": "ci", "tags": "a, b",
        "description": "for tests",
        "scopes": [
            {"permissions": ["read"], "global": true, "ids": [], "tags": []},
            {"permissions": ["write"], "global": false, "ids": ["sensor-7"], "tags": ["attic"]},
        ],
        "enabled": true, "disabled_by": null, "masked": masked,
        "created_at": "2026-01-02T03:04:05.678Z", "updated_at": "2026-01-02T03:04:05.678Z",
        "expires_at": "2026-01-03T03:04:05.678Z", "not_before": null, "allowed_addresses": [], "uses_left": null,
        "rates": [], "parent_id": null,
        "last_used_at": null, "use_count": 0, "last_address": null,
    });
    made.as_object_mut().unwrap().remove("access_token");
    assert_eq!(made, expected);
    assert_eq!(get(&app, &format!("{TOKENS}/{id}")).await, expected, "whatever the app shows to others");
    assert_eq!(app.get("/auth/demo?permission=read").bearer(secret).status().await, 200);
    app.service.write_usage().await.unwrap();
    let used = get(&app, &format!("{TOKENS}/{id}")).await;
    assert_eq!((&used["use_count"], &used["last_used_at"]), (&json!(1), &made["created_at"]));
}

#[tokio::test]
async fn what_it_says_decides_what_it_is() {
    let app = TestApp::new().await;
    for (body, kind, ends) in [
        (json!({}), "identity", json!("2026-01-16T03:04:05.678Z")),
        (json!({"user_id": "alice", "expires_in_days": -1}), "identity", json!(null)),
        (json!({"scopes": []}), "grant", json!("2026-01-16T03:04:05.678Z")),
        (json!({"permissions": ["read", "write"], "expires_at": null}), "grant", json!(null)),
        (
            json!({"permissions": "jeton:verify", "expires_in_seconds": 60}),
            "service",
            json!("2026-01-02T03:05:05.678Z"),
        ),
        (
            json!({"permissions": "read", "expires_at": "2026-02-01T00:00:00Z"}),
            "grant",
            json!("2026-02-01T00:00:00.000Z"),
        ),
    ] {
        let made = create(&app, body.clone()).await;
        assert_eq!((&made["kind"], &made["expires_at"]), (&json!(kind), &ends), "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_issued_is_named() {
    let app = TestApp::new().await;
    for (body, detail) in [
        (json!({"titel": "x"}), "there is no member titel: did you mean title?"),
        (
            json!({"enabled": false}),
            "there is no member enabled: there are user_id, title, tags, description, \
            permissions, scopes, expires_in_days, expires_in_seconds, expires_at, not_before, \
            allowed_addresses, uses_left, rates",
        ),
        (json!({"title": "x".repeat(256)}), "title has at most 255 characters"),
        (json!({"user_id": []}), "user_id is an integer or a string"),
        (
            json!({"permissions": "read write"}),
            "permissions: a permission holds no white space and no semicolons: \
            names are separated by commas, as in read,write",
        ),
        (
            json!({"permissions": ["a,b"]}),
            "permissions is a list of names, or a text of them with commas between",
        ),
        (json!({"permissions": 5}), "permissions is a list of names, or a text of them with commas between"),
        (json!({"scopes": {}}), "scopes is a list of scopes"),
        (
            json!({"scopes": [{"permission": ["read"]}]}),
            "in a scope, there is no member permission: did you mean permissions?",
        ),
        (
            json!({"scopes": [["read"]]}),
            "a scope is an object: permissions (list of texts), global (true or false), \
            ids and tags (lists of texts); all may be left out",
        ),
        (json!({"expires_in_days": 40_000}), "expires_in_days is -1 to 36500"),
        (json!({"expires_in_seconds": -2}), "expires_in_seconds is -1 or more"),
        (json!({"expires_in_days": "x"}), "expires_in_days must be an integer"),
        (json!({"expires_at": "2026-01-02T03:04:05Z"}), "expires_at lies in the future"),
        (
            json!({"expires_at": "tomorrow"}),
            "expires_at is a time as in 2026-11-21T08:00:00Z, with its offset, in \
            the years 0 to 9999",
        ),
        (
            json!({"expires_at": null, "expires_in_days": 1}),
            "expires_in_days, expires_in_seconds, expires_at say the \
            same in three ways: name one of them",
        ),
    ] {
        let answer = send(&app, "POST", TOKENS, &body).await;
        assert_eq!(assert_problem(&answer, 400, "invalid_member"), detail, "{body}");
    }
    let mixed = send(&app, "POST", TOKENS, &json!({"permissions": "jeton:verify,read"})).await;
    assert_problem(&mixed, 422, "refused");
    assert_problem(&send(&app, "POST", "/apps/other/tokens", &json!({})).await, 404, "no_such_app");
}

#[tokio::test]
async fn a_token_is_changed() {
    let app = TestApp::new().await;
    let token = app.issue(lasting(HOUR, grant(user("7"), "read"))).await;
    let path = format!("{TOKENS}/{}", token.id);
    let change = async |body: Value| send(&app, "PATCH", &path, &body).await;
    let changed = change(json!({"title": "new", "description": "x", "scopes": [], "enabled": false,
        "expires_at": "2026-03-01T00:00:00+01:00"}))
    .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = changed.json();
    assert_eq!((&changed["title"], &changed["description"]), (&json!("new"), &json!("x")));
    assert_eq!((&changed["scopes"], &changed["state"]), (&json!([]), &json!("disabled")));
    assert_eq!(
        (&changed["kind"], &changed["expires_at"]),
        (&json!("grant"), &json!("2026-02-28T23:00:00.000Z"))
    );
    assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 401, "at once");
    let back = change(json!({"title": null, "enabled": true, "expires_in_days": -1})).await.json();
    assert_eq!(
        (&back["title"], &back["description"], &back["state"]),
        (&json!(null), &json!("x"), &json!("active"))
    );
    assert_eq!(back["expires_at"], json!(null));
    assert_eq!(change(json!({})).await.json()["title"], json!(null), "nothing is a change of nothing");
    for (body, detail) in [
        (
            json!({"user_id": 8}),
            "there is no member user_id: there are title, tags, description, permissions, scopes, \
            enabled, expires_in_days, expires_in_seconds, expires_at, not_before, \
            allowed_addresses, uses_left, rates",
        ),
        (json!({"enable": false}), "there is no member enable: did you mean enabled?"),
        (json!({"enabled": "no"}), "enabled must be true or false"),
        (json!({"expires_in_days": 0}), "to end a token now, revoke or disable it"),
        (json!({"expires_in_seconds": null}), "to end a token now, revoke or disable it"),
    ] {
        assert_eq!(assert_problem(&change(body.clone()).await, 400, "invalid_member"), detail, "{body}");
    }
    let identity = create(&app, json!({"user_id": 7})).await;
    let path = format!("{TOKENS}/{}", identity["id"]);
    let widened = send(&app, "PATCH", &path, &json!({"permissions": "read"})).await;
    assert_problem(&widened, 422, "refused");
}

#[tokio::test]
async fn a_revoked_token_is_gone() {
    let app = TestApp::new().await;
    let verifier = app.issue(service(Owner::Nobody, "jeton:verify")).await;
    for token in [app.issue(grant(user("7"), "read")).await, verifier] {
        let path = format!("{TOKENS}/{}", token.id);
        assert_eq!(ask(&app, "DELETE", &path).status().await, 204);
        assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 401);
        for method in ["DELETE", "GET"] {
            assert_problem(&ask(&app, method, &path).send().await, 404, "no_such_token");
        }
        assert_problem(&send(&app, "PATCH", &path, &json!({"title": "x"})).await, 404, "no_such_token");
    }
    app.create_app("other").await;
    for path in
        ["/apps/other/tokens/1", "/apps/demo/tokens/0", "/apps/demo/tokens/x", "/apps/demo/tokens/99999"]
    {
        assert_problem(&ask(&app, "DELETE", path).send().await, 404, "no_such_token");
    }
    assert_problem(&ask(&app, "DELETE", "/apps/nobody/tokens/1").send().await, 404, "no_such_app");
}
