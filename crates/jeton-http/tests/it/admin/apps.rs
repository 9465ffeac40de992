//! Apps and their settings.

use super::{ask, assert_plain, assert_problem, get, send};
use crate::app::{Ask, TestApp, grant, user};
use serde_json::json;

#[tokio::test]
async fn an_app_is_made_shown_and_deleted() {
    let app = TestApp::new().await;
    let made = send(&app, "POST", "/apps", &json!({"app_key": "shop", "admin_user": "root"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_plain(&made);
    assert_eq!(made.header("location"), Some("/admin/v1/apps/shop"));
    let made = made.json();
    let names: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["app_key", "client_id", "client_secret", "admin_token"]);
    let admin = made["admin_token"].as_str().unwrap();
    assert_eq!(app.get("/AccessToken/shop").bearer(admin).status().await, 200);
    assert_problem(&send(&app, "POST", "/apps", &json!({"key": "shop"})).await, 409, "app_exists");

    let shown = get(&app, "/apps/shop").await;
    assert_eq!((&shown["app_key"], &shown["default"]), (&json!("shop"), &json!(false)));
    assert_eq!(shown["created_at"], "2026-01-02T03:04:05.678Z");
    assert_eq!(shown["settings"], get(&app, "/apps/shop/settings").await);
    assert!(!shown.to_string().contains(made["client_secret"].as_str().unwrap()));

    assert_eq!(ask(&app, "DELETE", "/apps/shop").status().await, 204);
    assert_problem(&ask(&app, "GET", "/apps/shop").send().await, 404, "no_such_app");
    assert_problem(&ask(&app, "DELETE", "/apps/shop").send().await, 404, "no_such_app");
    assert_problem(&ask(&app, "GET", "/apps/-/settings").send().await, 404, "no_such_app");
    assert_eq!(app.get("/AccessToken/shop").bearer(admin).status().await, 401);
    for (body, detail) in [
        (json!({}), "app_key is missing"),
        (json!({"app_key": "a", "key": "b"}), "app_key and key are the same: name one of them"),
        (json!({"app_key": 5}), "app_key must be a string"),
        (json!({"appkey": "a"}), "there is no member appkey: did you mean app_key?"),
        (json!({"app_key": "a", "admin_user": 1.5}), "user_id is an integer or a string"),
    ] {
        let answer = send(&app, "POST", "/apps", &body).await;
        assert_eq!(assert_problem(&answer, 400, "invalid_member"), detail);
    }
    assert_problem(&send(&app, "POST", "/apps", &json!({"app_key": "a b"})).await, 400, "invalid_member");
}

#[tokio::test]
async fn apps_are_listed_in_pages() {
    let app = TestApp::new().await;
    for key in ["a", "b", "c", "d"] {
        app.create_app(key).await;
    }
    let (mut keys, mut path) = (Vec::new(), "/apps?limit=2".to_owned());
    loop {
        let page = get(&app, &path).await;
        assert_eq!(page["total"], 5);
        keys.extend(page["items"].as_array().unwrap().iter().map(|item| item["app_key"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/apps?limit=2&cursor={next}");
    }
    assert_eq!(keys, ["demo", "a", "b", "c", "d"]);
    for (query, detail) in [
        ("cursor=x", "cursor is what an earlier page named as next"),
        ("limit=0", "limit is 1 to 1000"),
        ("limits=1", "in the query, there is no member limits: did you mean limit?"),
        ("limit=1&limit=2", "limit stands more than once in the query"),
    ] {
        let answer = ask(&app, "GET", &format!("/apps?{query}")).send().await;
        assert_eq!(assert_problem(&answer, 400, "invalid_parameter"), detail);
    }
}

fn patch(ask: Ask<'_>, days: u32) -> Ask<'_> {
    let body = json!({"appkey": {"default_days": days}}).to_string();
    ask.body("application/merge-patch+json", body)
}

#[tokio::test]
async fn settings_change_as_they_were_read_or_not_at_all() {
    let app = TestApp::new().await;
    let path = "/apps/demo/settings";
    let read = ask(&app, "GET", path).send().await;
    let first = read.header("etag").unwrap().to_owned();
    let changed = patch(ask(&app, "PATCH", path), 60).header("if-match", &first).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(changed.json()["appkey"]["default_days"], 60);
    let second = changed.header("etag").unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(ask(&app, "GET", path).send().await.header("etag"), Some(second.as_str()));
    for stale in [first.as_str(), "\"x\"", &format!("W/{second}"), "x"] {
        let answer = patch(ask(&app, "PATCH", path), 90).header("if-match", stale).send().await;
        assert_problem(&answer, 412, "stale");
    }
    assert_eq!(get(&app, path).await["appkey"]["default_days"], 60);
    let anything = patch(ask(&app, "PATCH", path), 60).header("if-match", "*").send().await;
    let third = format!("\"x\", {}", anything.header("etag").unwrap());
    assert_eq!(patch(ask(&app, "PATCH", path), 60).header("if-match", third).status().await, 200);
    assert_eq!(patch(ask(&app, "PATCH", path), 60).status().await, 200);
    let wrong = send(&app, "PATCH", path, &json!({"appkey": {"default_day": 1}})).await;
    let detail = assert_problem(&wrong, 400, "invalid_settings");
    assert!(detail.contains("default_day"), "{detail}");
    assert_problem(&send(&app, "PATCH", path, &json!([])).await, 400, "invalid_settings");
    assert_problem(&send(&app, "PATCH", "/apps/other/settings", &json!({})).await, 404, "no_such_app");
    // Null puts a member back to its default.
    let back = send(&app, "PATCH", path, &json!({"appkey": {"default_days": null}})).await;
    assert_eq!(back.json()["appkey"]["default_days"], 30);
}

#[tokio::test]
async fn a_client_secret_is_replaced() {
    let app = TestApp::new().await;
    let verify =
        |value: String| app.post("/verify/demo").header("authorization", value).json(&json!({"token": "x"}));
    assert_eq!(verify(app.basic_value()).status().await, 200);
    let answer = ask(&app, "POST", "/apps/demo/rotate-secret").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let new = answer.json();
    assert_eq!((&new["app_key"], &new["client_id"]), (&json!("demo"), &json!(app.client.0)));
    assert_eq!(verify(app.basic_value()).status().await, 401);
    let (id, secret) = (&app.client.0, new["client_secret"].as_str().unwrap());
    let again = app.post("/verify/demo").basic(id, secret).json(&json!({"token": "x"}));
    assert_eq!(again.status().await, 200);
    // The secret of before can be left good for a while.
    let rotated = send(&app, "POST", "/apps/demo/rotate-secret", &json!({"grace_seconds": 3600})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let newest = rotated.json()["client_secret"].as_str().unwrap().to_owned();
    let by = |secret: &str| app.post("/verify/demo").basic(id, secret).json(&json!({"token": "x"}));
    assert_eq!((by(secret).status().await, by(&newest).status().await), (200, 200));
    app.clock.advance_millis(3_599_999);
    assert_eq!(by(secret).status().await, 200);
    app.clock.advance_millis(1);
    assert_eq!((by(secret).status().await, by(&newest).status().await), (401, 200), "it is over");
    // Without a grace those that were left good are over, too.
    for (body, expected) in [(json!({"grace_seconds": 60}), 200), (json!({"grace_seconds": 0}), 401)] {
        assert_eq!(send(&app, "POST", "/apps/demo/rotate-secret", &body).await.status, 200);
        assert_eq!(by(&newest).status().await, expected);
    }
    for bad in [json!({"grace": 1}), json!({"grace_seconds": -1}), json!({"grace_seconds": 31_536_001})] {
        let said = send(&app, "POST", "/apps/demo/rotate-secret", &bad).await;
        assert_problem(&said, 400, "invalid_member");
    }
}

#[tokio::test]
async fn what_operators_do_is_told_as_theirs() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let path = format!("/apps/demo/tokens/{}", token.id);
    assert_eq!(send(&app, "PATCH", &path, &json!({"enabled": false})).await.status, 200);
    assert_eq!(get(&app, &path).await["disabled_by"], "operator:1");
}
