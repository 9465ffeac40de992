//! A write that was not fully understood is refused, so no caller believes it was done.

use crate::app::{TestApp, grant, scoped, user};
use axum::http::StatusCode;
use jeton_core::{Permission, Scope};
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn disabling_happens_or_is_refused() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let path = format!("{APP}/{}", token.id);
    for (content_type, body, is_done) in [
        (JSON, r#"{"enable":false}"#, true),
        (FORM, r#"{"enable":false}"#, true),
        (FORM, "\n {\"enable\": \"false\"}", true),
        (FORM, "enable=false", true),
        (JSON, r#"{"ENABLE":false}"#, true),
        (JSON, r#"{"enabled":false}"#, false),
        (JSON, r#"{"Enabled":false}"#, false),
        (FORM, "enabled=false", false),
        (JSON, r#"{"disabled":true}"#, false),
        (JSON, r#"{"enable":0}"#, false),
        (JSON, r#"{"enable":"0"}"#, false),
        (JSON, r#"{"enable":"no"}"#, false),
        (JSON, r#"{"enable":""}"#, false),
        (FORM, "enable=", false),
        (FORM, "enable=0", false),
        (JSON, r#"{"enable":[false]}"#, false),
        (JSON, r#"{"enable":false,"enable":true}"#, false),
        (JSON, r#"{"enable":true,"enable":false}"#, false),
        (JSON, r#"{"enable":false,"Enable":true}"#, false),
        (JSON, r#"{"\u0065nable":false,"enable":true}"#, false),
        (FORM, "enable=false&enable=true", false),
        (FORM, "enable=false&ENABLE=true", false),
        (JSON, r#"{"data":{"enable":false}}"#, false),
        (JSON, r#"{"title":"t","data":{"enable":false}}"#, false),
        (JSON, r#"[{"op":"replace","path":"/enable","value":false}]"#, false),
        (FORM, "[false]", false),
        (FORM, "", false),
        (JSON, "", false),
        (FORM, "{enable=false}", false),
        (JSON, "enable=false", false),
        (JSON, "{\"enable\":false", false),
        ("text/plain", r#"{"enable":false}"#, false),
        ("text/plain;charset=UTF-8", r#"{"enable":false}"#, false),
        ("application/x-ndjson", r#"{"enable":false}"#, false),
        ("multipart/form-data; boundary=x", "--x", false),
        (JSON, "{\0\"\0e\0n\0a\0b\0l\0e\0\"\0:\0f\0a\0l\0s\0e\0}\0", false),
    ] {
        let answer = app.put(&path).bearer(&app.admin).body(content_type, body).send().await;
        let is_enabled = app.token(token.id).await.unwrap().is_enabled();
        assert_eq!(is_enabled, !is_done, "{content_type}: {body}: {}", answer.text());
        assert_eq!(answer.status == StatusCode::OK, is_done, "{content_type}: {body}: {}", answer.text());
        if is_done {
            app.put(&path).bearer(&app.admin).json(&json!({"enable": true})).send().await;
        } else {
            answer.assert_envelope(answer.status.as_u16());
            assert!([400, 415].contains(&answer.status.as_u16()), "{body}: {}", answer.status);
        }
    }
}

async fn refusal(app: &TestApp, method: &str, path: &str, body: &Value) -> String {
    let asked = match method {
        "POST" => app.post(path),
        "PUT" => app.put(path),
        _ => app.delete(path),
    };
    let answer = asked.bearer(&app.admin).json(body).send().await;
    answer.assert_envelope(400);
    answer.json()["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_not_known_is_named_with_the_nearest() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let path = format!("{APP}/{}", token.id);
    let before = app.token(token.id).await;
    for (method, path, body, expected) in [
        ("PUT", path.as_str(), json!({"enabled": false}), "there is no member enabled: did you mean enable?"),
        (
            "PUT",
            &path,
            json!({"title": "t", "permission": ""}),
            "there is no member permission: did you mean permissions?",
        ),
        (
            "PUT",
            &path,
            json!({"active": false}),
            "there is no member active: there are title, tags, description, permissions, enable",
        ),
        (
            "PUT",
            &path,
            json!({"expireInDays": 1}),
            "expireInDays is set when a token is made, and does not change",
        ),
        (
            "PUT",
            &path,
            json!({"id": token.id, "expireTime": null}),
            "there is nothing to change: title, tags, description, permissions, enable",
        ),
        (
            "PUT",
            &path,
            json!({"0123456789abcdef": false}),
            "there is no such member: there are title, tags, description, permissions, enable",
        ),
        (
            "POST",
            APP,
            json!({"title": "t", "expires_in_days": 1}),
            "there is no member expires_in_days: did you mean expireInDays?",
        ),
        (
            "POST",
            APP,
            json!({"title": "t", "user_id": 7}),
            "there is no member user_id: did you mean userID?",
        ),
        (
            "POST",
            APP,
            json!({"title": "t", "enable": false}),
            "a new token is enabled: enable can be set to false when it is there",
        ),
        (
            "POST",
            APP,
            json!({"title": "t", "scopes": []}),
            "there is no member scopes: there are title, tags, userID, description, permissions, expireInDays",
        ),
    ] {
        assert_eq!(refusal(&app, method, path, &body).await, expected);
    }
    assert_eq!(app.token(token.id).await, before);
    assert_eq!(app.count().await, 2);
}

/// It may be meant to say, or to limit, what is written.
#[tokio::test]
async fn a_query_that_is_not_known_is_refused_with_the_write() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let path = format!("{APP}/{}", token.id);
    let before = app.token(token.id).await;
    for (method, query) in [
        ("PUT", "?enable=false"),
        ("PUT", "?user_id=7"),
        ("DELETE", "?user=7"),
        ("DELETE", "?id=9"),
        ("POST", "?expireInDays=1"),
    ] {
        let path = if method == "POST" { APP } else { &path };
        let message = refusal(&app, method, &format!("{path}{query}"), &json!({"title": "t"})).await;
        assert!(message.starts_with("in the query, there is no member "), "{message}");
    }
    assert_eq!(app.token(token.id).await, before);
    assert_eq!(app.count().await, 2);
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let app = TestApp::new().await;
    let body = json!({"title": "t", "tags": "g", "permissions": "read", "userID": 7});
    let made = app.post(APP).bearer(&app.admin).json(&body).send().await.data();
    let list = app.get(&format!("{APP}?take=1")).bearer(&app.admin).send().await;
    let mut row = list.rows()[0].clone();
    let id = list.ids()[0];
    let path = format!("{APP}/{id}");
    let before = app.token(id).await.unwrap();
    assert_eq!(app.put(&path).bearer(&app.admin).json(&row).send().await.data(), true);
    let after = app.token(id).await.unwrap();
    assert_eq!(
        (after.spec.title, after.spec.scopes, after.spec.owner),
        (before.spec.title, before.spec.scopes, before.spec.owner)
    );
    row["enable"] = json!(false);
    for (name, value) in made.as_object().unwrap() {
        row[name] = value.clone();
    }
    assert_eq!(app.put(&path).bearer(&app.admin).json(&row).send().await.data(), true);
    assert!(!app.token(id).await.unwrap().is_enabled());
    // A copy, which is a token of its own.
    row["enable"] = json!(true);
    assert_eq!(app.post(APP).bearer(&app.admin).json(&row).status().await, 200);
    assert_eq!(app.count().await, 3);
}

#[tokio::test]
async fn a_list_of_permissions_in_another_spelling_is_no_name() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let path = format!("{APP}/{}", token.id);
    let hint = "permissions: a permission holds no white space and no semicolons: names are separated by commas, as in read,write";
    for list in ["read write", "read;write", "read; write", "a,read write", "读取\u{3000}写入", "读取，写入"]
    {
        assert_eq!(
            refusal(&app, "POST", APP, &json!({"title": "t", "permissions": list})).await,
            hint,
            "{list}"
        );
        assert_eq!(refusal(&app, "PUT", &path, &json!({"permissions": list})).await, hint, "{list}");
    }
    let form = app.post(APP).bearer(&app.admin).body(FORM, "title=t&permissions=read+write").send().await;
    assert_eq!(form.assert_envelope(400).json()["error"], hint);
    assert_eq!(app.count().await, 2);
    for list in ["read,write", " read , write ,", "org:read,org/write", "读取,写入"] {
        let created = app.post(APP).bearer(&app.admin).json(&json!({"title": "t", "permissions": list}));
        assert_eq!(created.status().await, 200, "{list}");
    }
}

/// Limits hold for what is written from now on.
#[tokio::test]
async fn a_name_from_before_is_kept_and_can_be_demanded() {
    let app = TestApp::new().await;
    let names = vec![Permission::held("read write").unwrap()];
    let token = app.issue(scoped(user("7"), vec![Scope::global(names)])).await;
    let row = app.get(APP).bearer(&app.admin).send().await.rows().swap_remove(0);
    assert_eq!((&row["id"], &row["permissions"]), (&json!(token.id), &json!("read write")));
    let auth = app.get("/auth/demo?permission=read%20write").bearer(&token.secret).send().await;
    assert_eq!((auth.status.as_u16(), auth.header("x-auth-scopes")), (200, Some("read%20write")));
    let check = json!({"token": token.secret, "permission": "read write"});
    let verdict = app.post("/verify/demo").bearer(&app.admin).json(&check).send().await.json();
    assert_eq!(verdict["allowed"], true, "{verdict}");
    let renamed = app.put(&format!("{APP}/{}", token.id)).bearer(&app.admin).json(&json!({"title": "t"}));
    assert_eq!(renamed.status().await, 200);
    let path = format!("/v1/demo/access_tokens/{}", token.secret);
    let (id, secret) = &app.client;
    let mut shown = app.get(&path).basic(id, secret).send().await.json();
    assert_eq!(
        app.put(&path).basic(id, secret).json(&shown).status().await,
        200,
        "it is sent back as it was read"
    );
    shown["scopes"][0]["permissions"] = json!(["read write", "write read"]);
    assert_eq!(app.put(&path).basic(id, secret).json(&shown).status().await, 422);
}
