//! The five operations, and the version.

use super::{PATH, ask, assert_message, create, created, list, path_of};
use crate::app::{TestApp, grant, identity, on_tags, scoped, service, user};
use serde_json::{Value, json};

#[tokio::test]
async fn create_answers_201_and_where_the_token_is() {
    let app = TestApp::new().await;
    let scopes = json!([{"permissions": ["read", "write", "delete"], "global": false,
        "ids": ["51e51544fa36a48592000074"], "tags": ["a", "b"]}]);
    let answer = create(&app, scopes.clone()).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.header("location").unwrap(),
        format!("http://jeton.test/v1/demo/access_tokens/{token}")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let expected = format!(
        r#"{{"access_token":"{token}","scopes":{scopes},"created_at":"2026-01-02T11:04:05.678+08:00","updated_at":"2026-01-02T11:04:05.678+08:00"}}"#
    );
    assert_eq!(answer.text(), expected);
    assert_eq!(token.len(), 64);
    assert_eq!(ask(&app, "GET", &path_of(&token)).send().await.text(), expected);
    assert_eq!(list(&app, "").await, [answer.json()]);
}

#[tokio::test]
async fn an_update_replaces_scopes_as_a_whole() {
    let app = TestApp::new().await;
    let token = created(&app, json!([{"permissions": ["read"], "ids": ["s1"]}])).await;
    app.clock.advance_millis(1000);
    let body =
        json!({"access_token": "f".repeat(64), "scopes": [{"permissions": ["write"], "global": true}]});
    let answer = ask(&app, "PUT", &path_of(&token)).json(&body).send().await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["access_token"], *token);
    assert_eq!(body["scopes"], json!([{"permissions": ["write"], "global": true, "ids": [], "tags": []}]));
    assert_eq!(body["created_at"], "2026-01-02T11:04:05.678+08:00");
    assert_eq!(body["updated_at"], "2026-01-02T11:04:06.678+08:00");
    // Nothing said, nothing changed.
    let answer = ask(&app, "PUT", &path_of(&token)).json(&json!({})).send().await;
    assert_eq!(answer.json()["scopes"], body["scopes"]);
}

#[tokio::test]
async fn delete_is_204_without_a_body_once() {
    let app = TestApp::new().await;
    let token = created(&app, json!([])).await;
    let answer =
        ask(&app, "DELETE", &path_of(&token)).body("application/x-www-form-urlencoded", "{}").send().await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_message(&ask(&app, "DELETE", &path_of(&token)).send().await, 404);
    assert_message(&ask(&app, "GET", &path_of(&token)).send().await, 404);
    assert_message(&ask(&app, "PUT", &path_of(&token)).json(&json!({"scopes": []})).send().await, 404);
    assert_eq!(list(&app, "").await, Vec::<Value>::new());
}

#[tokio::test]
async fn lists_are_in_the_order_of_issue_and_in_parts() {
    let app = TestApp::new().await;
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(created(&app, json!([])).await);
    }
    let shown = async |query: &str| -> Vec<String> {
        list(&app, query).await.iter().map(|row| row["access_token"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(shown("").await, tokens);
    assert_eq!(shown("?limit=2").await, tokens[..2]);
    assert_eq!(shown("?limit=2&offset=2").await, tokens[2..4]);
    assert_eq!(shown("?offset=4").await, tokens[4..]);
    assert_eq!(shown("?limit=0").await, tokens[..0]);
    assert_eq!(shown("?offset=99").await, tokens[..0]);
    for bad in ["?limit=-1", "?limit=x", "?offset=1.5", "?limit=", "?offset=99999999999"] {
        assert_message(&ask(&app, "GET", &format!("{PATH}{bad}")).send().await, 400);
    }
}

#[tokio::test]
async fn bodies_are_json_whatever_they_are_called() {
    let app = TestApp::new().await;
    for name in ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"] {
        let answer =
            ask(&app, "POST", PATH).body(name, r#"{"scopes":[{"permissions":["read"]}]}"#).send().await;
        assert_eq!(answer.status, 201, "{name}");
    }
    for bad in ["", "{\"scopes\": [", "[1]", "null", "scopes=read"] {
        assert_message(&ask(&app, "POST", PATH).body("application/json", bad).send().await, 400);
    }
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(102_400));
    assert_message(&ask(&app, "POST", PATH).body("application/json", long).send().await, 413);
    assert_eq!(list(&app, "").await.len(), 3);
}

#[tokio::test]
async fn scopes_that_are_no_good_are_422_and_named() {
    let app = TestApp::new().await;
    let token = created(&app, json!([{"permissions": ["read"]}])).await;
    for bad in [
        json!("read"),
        json!(null),
        json!(["read"]),
        json!([{"permissions": "read"}]),
        json!([{"permissions": [1]}]),
        json!([{"permissions": ["fly"]}]),
        json!([{"permissions": ["jeton:manage"]}]),
        json!([{"permissions": ["read"], "global": "yes"}]),
        json!([{"permissions": ["read"], "ids": "a"}]),
        json!([{"permissions": ["read"], "tags": [1]}]),
        json!([{"permissions": ["read"], "ids": [""]}]),
        json!([{"permissions": ["read"], "ids": ["x".repeat(256)]}]),
        Value::from(vec![json!({}); 65]),
    ] {
        for (method, path) in [("POST", PATH.to_owned()), ("PUT", path_of(&token))] {
            let answer = ask(&app, method, &path).json(&json!({"scopes": bad})).send().await;
            assert_message(&answer, 422);
            let errors = json!([{"resource": "AccessToken", "field": "scopes", "code": "invalid"}]);
            assert_eq!(answer.json()["errors"], errors, "{bad}");
        }
    }
    let rows = list(&app, "").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["scopes"][0]["permissions"], json!(["read"]));
}

#[tokio::test]
async fn names_that_a_token_holds_may_stay() {
    let app = TestApp::new().await;
    let held = app.issue(scoped(user("7"), vec![on_tags("fly,read", &["a"])])).await;
    let scopes = json!([{"permissions": ["fly", "write"], "global": false, "ids": ["s1"], "tags": []}]);
    let answer = ask(&app, "PUT", &path_of(&held.secret)).json(&json!({"scopes": scopes})).send().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["scopes"]), (200, &scopes));
    let scopes = json!([{"permissions": ["swim"]}]);
    assert_message(
        &ask(&app, "PUT", &path_of(&held.secret)).json(&json!({"scopes": scopes})).send().await,
        422,
    );
}

#[tokio::test]
async fn every_shared_token_is_here_and_no_other() {
    let app = TestApp::new().await;
    let one = app.issue(grant(user("7"), "read")).await;
    let two = app.issue(identity(user("8"))).await;
    let hidden = app.issue(service(user("1"), "jeton:verify")).await;
    let shown: Vec<Value> = list(&app, "").await.iter().map(|row| row["access_token"].clone()).collect();
    assert_eq!(shown, [json!(one.secret), json!(two.secret)]);
    for secret in [&hidden.secret, &app.admin, &"0".repeat(64), &format!("~{}", hidden.id)] {
        assert_message(&ask(&app, "GET", &path_of(secret)).send().await, 404);
        assert_message(&ask(&app, "DELETE", &path_of(secret)).send().await, 404);
    }
    // An identity stays one: it stands for its owner and has no scopes.
    let scopes = json!([{"permissions": ["read"], "global": true}]);
    assert_message(
        &ask(&app, "PUT", &path_of(&two.secret)).json(&json!({"scopes": scopes})).send().await,
        422,
    );
}

#[tokio::test]
async fn where_secrets_are_not_kept_a_handle_stands_for_them() {
    let app = TestApp::new().await;
    app.merge(json!({"reveal": "once"})).await;
    let answer = create(&app, json!([{"permissions": ["read"], "global": true}])).await;
    let secret = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    let handle = list(&app, "").await[0]["access_token"].as_str().unwrap().to_owned();
    assert_eq!(handle, "~2");
    assert_eq!(ask(&app, "GET", &path_of(&handle)).status().await, 200);
    assert_eq!(ask(&app, "GET", &path_of(&secret)).status().await, 200);
    // It is no credential.
    assert_eq!(app.get("/auth/demo").bearer(&handle).status().await, 401);
    assert_eq!(app.get("/auth/demo").bearer(&secret).status().await, 200);
    assert_eq!(ask(&app, "DELETE", &path_of(&handle)).status().await, 204);
    assert_eq!(app.get("/auth/demo").bearer(&secret).status().await, 401);
}

#[tokio::test]
async fn the_version_needs_no_proof() {
    let app = TestApp::new().await;
    for (path, body) in
        [("/v1", r#"{"version":"1"}"#), ("/v1/", r#"{"version":"1"}"#), ("/v2", r#"{"version":"2"}"#)]
    {
        let answer = app.get(path).send().await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, body));
    }
    assert_message(&app.post("/v1").send().await, 405);
    let token = created(&app, json!([])).await;
    assert_eq!(ask(&app, "GET", &format!("/v2/demo/access_tokens/{token}")).status().await, 200);
    let answer = ask(&app, "POST", "/v2/demo/access_tokens").json(&json!({})).send().await;
    assert!(answer.header("location").unwrap().starts_with("http://jeton.test/v2/demo/access_tokens/"));
}

#[tokio::test]
async fn an_outage_is_503_with_a_message() {
    let app = TestApp::new().await;
    let token = created(&app, json!([])).await;
    for (method, path, body) in [
        ("GET", PATH.to_owned(), None),
        ("POST", PATH.to_owned(), Some(json!({"scopes": []}))),
        ("GET", path_of(&token), None),
        ("PUT", path_of(&token), Some(json!({"scopes": []}))),
        ("DELETE", path_of(&token), None),
    ] {
        for nth in 1..10 {
            app.store.fail_only(nth);
            let asked = ask(&app, method, &path);
            let asked = if let Some(body) = &body { asked.json(body) } else { asked };
            let answer = asked.send().await;
            if app.store.calls() < nth {
                assert!(nth > 2, "{method} asked the store for next to nothing");
                break;
            }
            assert_message(&answer, 503);
        }
        app.store.recover();
    }
}
