//! `PUT /AccessToken/{appKey}/{id}`.

use crate::app::{DAY, HOUR, TestApp, grant, lasting, on_ids, scoped, user};
use jeton_core::{Actor, TokenId};
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";

/// A token of user 7 with something in every member.
async fn full(app: &TestApp) -> i64 {
    let body = json!({"title": "t", "tags": "g", "description": "d", "permissions": "read, write"});
    app.post(&format!("{APP}?userId=7")).bearer(&app.admin).json(&body).send().await.data();
    app.get(&format!("{APP}?take=1")).bearer(&app.admin).send().await.ids()[0]
}

/// The five members that can change, as the list shows them.
async fn members(app: &TestApp, id: i64) -> Value {
    let rows = app.get(&format!("{APP}?take=1000")).bearer(&app.admin).send().await.rows();
    let row = rows.into_iter().find(|row| row["id"] == id).unwrap();
    json!([row["title"], row["tags"], row["description"], row["permissions"], row["enable"]])
}

#[tokio::test]
async fn the_answer_whole() {
    let app = TestApp::new().await;
    let id = full(&app).await;
    let before = app.token(id).await.unwrap();
    app.clock.advance_millis(HOUR);
    let body = json!({"title": "new", "enable": false});
    let answer = app.put(&format!("{APP}/{id}")).bearer(&app.admin).json(&body).send().await;
    insta::assert_snapshot!(answer.show(), @r#"
    200 OK
    cache-control: no-store
    content-length: 35
    content-type: application/json

    {"code":200,"data":true,"error":""}
    "#);
    let after = app.token(id).await.unwrap();
    assert_eq!(after.updated_at, app.after(0));
    assert_eq!((after.created_at, after.expires_at), (before.created_at, before.expires_at));
    assert_eq!(after.disabled_by, Some(Actor::Manager(TokenId::new(1).unwrap())));
}

#[tokio::test]
async fn what_each_value_of_each_member_does() {
    let app = TestApp::new().await;
    for (body, expected) in [
        (json!({}), json!(["t", "g", "d", "read, write", true])),
        (
            json!({"title": null, "tags": null, "description": null, "permissions": null, "enable": null}),
            json!(["t", "g", "d", "read, write", true]),
        ),
        (json!({"title": ""}), json!(["t", "g", "d", "read, write", true])),
        (json!({"title": " "}), json!([" ", "g", "d", "read, write", true])),
        (json!({"tags": ""}), json!(["t", "", "d", "read, write", true])),
        (json!({"description": ""}), json!(["t", "g", "", "read, write", true])),
        (json!({"permissions": ""}), json!(["t", "g", "d", "", true])),
        (json!({"permissions": "write"}), json!(["t", "g", "d", "write", true])),
        (json!({"permissions": "write,read,read"}), json!(["t", "g", "d", "write,read,read", true])),
        (json!({"enable": "false"}), json!(["t", "g", "d", "read, write", false])),
        (json!({"ENABLE": "False", "Title": "x"}), json!(["x", "g", "d", "read, write", false])),
        // What several published clients send when their caller only wanted to switch it off.
        (
            json!({"title": "", "tags": "", "description": "", "permissions": "", "enable": false}),
            json!(["t", "", "", "", false]),
        ),
    ] {
        let id = full(&app).await;
        let answer = app.put(&format!("{APP}/{id}")).bearer(&app.admin).json(&body).send().await;
        assert_eq!(answer.data(), true, "{body}");
        assert_eq!(members(&app, id).await, expected, "{body}");
    }
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let app = TestApp::new().await;
    let id = full(&app).await;
    let before = app.token(id).await;
    app.clock.advance_millis(1);
    for body in [
        json!({"tags": "new", "title": 1}),
        json!({"tags": "new", "enable": 0}),
        json!({"tags": "new", "enable": "yes"}),
        json!({"tags": "new", "enable": ""}),
        json!({"tags": "new", "enable": [false]}),
        json!({"tags": "new", "title": "x".repeat(256)}),
        json!({"title": "new", "tags": "标".repeat(256)}),
        json!({"title": "new", "tags": "\u{0}"}),
        json!({"title": "new", "permissions": "a\tb"}),
        json!([]),
        json!("null"),
    ] {
        app.put(&format!("{APP}/{id}")).bearer(&app.admin).json(&body).send().await.assert_envelope(400);
    }
    assert_eq!(app.token(id).await, before);
}

#[tokio::test]
async fn of_a_named_user_only() {
    let app = TestApp::new().await;
    let id = full(&app).await;
    for (query, status) in [
        ("?userId=7", 200),
        ("?userId=0", 200),
        ("?userId=", 200),
        ("?userId=8", 404),
        ("?userId=x", 400),
        ("?userId=7&userId=7", 400),
    ] {
        let path = format!("{APP}/{id}{query}");
        assert_eq!(app.put(&path).bearer(&app.admin).json(&json!({})).status().await, status, "{query}");
    }
    // The body of an update has no user: this one is none of its members.
    let body = json!({"userID": 8, "title": "x"});
    assert_eq!(app.put(&format!("{APP}/{id}")).bearer(&app.admin).json(&body).status().await, 200);
    assert_eq!(app.token(id).await.unwrap().spec.owner, user("7"));
}

#[tokio::test]
async fn a_form_updates_too() {
    let app = TestApp::new().await;
    let id = full(&app).await;
    let form = "title=%E9%BB%98%E8%AE%A4&tags=a+b&enable=false";
    let ask = app.put(&format!("{APP}/{id}")).bearer(&app.admin);
    assert_eq!(ask.body("application/x-www-form-urlencoded", form).send().await.data(), true);
    assert_eq!(members(&app, id).await, json!(["默认", "a b", "d", "read, write", false]));
}

#[tokio::test]
async fn scopes_for_single_resources_stay_as_they_are() {
    let app = TestApp::new().await;
    let token = app.issue(scoped(user("7"), vec![on_ids("read", &["s1"])])).await;
    let before = app.token(token.id).await.unwrap();
    let body = json!({"title": "x", "permissions": ""});
    assert_eq!(app.put(&format!("{APP}/{}", token.id)).bearer(&app.admin).json(&body).status().await, 200);
    let after = app.token(token.id).await.unwrap();
    assert_eq!(after.spec.scopes, before.spec.scopes);
    assert_eq!(app.get("/auth/demo?permission=read&id=s1").bearer(&token.secret).status().await, 200);
}

#[tokio::test]
async fn after_a_delete_there_is_nothing_to_update() {
    let app = TestApp::new().await;
    let id = full(&app).await;
    let path = format!("{APP}/{id}");
    assert_eq!(app.delete(&path).bearer(&app.admin).status().await, 200);
    app.put(&path).bearer(&app.admin).json(&json!({"title": "x"})).send().await.assert_envelope(404);
    app.put(&path).bearer(&app.admin).json(&json!({})).send().await.assert_envelope(404);
    assert_eq!(app.token(id).await, None);
}

#[tokio::test]
async fn a_caller_that_switches_itself_off_is_out() {
    let app = TestApp::new().await;
    let token = app.issue(lasting(DAY, grant(user("7"), "read"))).await;
    let path = format!("{APP}/{}", token.id);
    assert_eq!(app.put(&path).bearer(&token.secret).json(&json!({"enable": false})).status().await, 200);
    app.put(&path).bearer(&token.secret).json(&json!({"enable": true})).send().await.assert_envelope(401);
    assert!(!app.token(token.id).await.unwrap().is_enabled());
}
