//! Creating, merging and removing rows, by authorized callers.

use super::{ask, assert_error, at, created, found, id_of, stored};
use crate::app::{HOUR, TestApp, With, grant, identity, lasting, user};
use jeton_core::TokenKind;
use serde_json::json;

#[tokio::test]
async fn a_row_has_defaults() {
    let app = TestApp::new().await;
    let answer = ask(&app, &app.admin, "POST", "").send().await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (200, None));
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(answer.text().replace(&id, "ID"), @r#"{"id":"ID","ttl":1209600,"created":"2026-01-02T03:04:05.678Z"}"#);
    assert_eq!((id.len(), found(&app).await), (64, vec![id.clone()]));
    let token = stored(&app, &id).await.unwrap();
    assert_eq!((token.spec.kind, token.expires_at), (TokenKind::Identity, Some(app.after(14 * 24 * HOUR))));
}

#[tokio::test]
async fn what_is_said_is_kept_and_answered() {
    let app = TestApp::new().await;
    for (data, members) in [
        (json!({"ttl": "60"}), r#""ttl":60,"created":"2026-01-02T03:04:05.678Z""#),
        (json!({"ttl": true}), r#""ttl":1,"created":"2026-01-02T03:04:05.678Z""#),
        (json!({"ttl": [7]}), r#""ttl":7,"created":"2026-01-02T03:04:05.678Z""#),
        (json!({"ttl": "abc"}), r#""ttl":null,"created":"2026-01-02T03:04:05.678Z""#),
        (json!({"ttl": 5, "created": null}), r#""ttl":5,"created":null"#),
        (json!({"ttl": 5, "created": "2020-02-03"}), r#""ttl":5,"created":"2020-02-03T00:00:00.000Z""#),
        (json!({"ttl": 5, "created": 0}), r#""ttl":5,"created":"1970-01-01T00:00:00.000Z""#),
        (
            json!({"ttl": 5, "created": 0, "userId": "07"}),
            r#""ttl":5,"created":"1970-01-01T00:00:00.000Z","userId":"07""#,
        ),
        (
            json!({"ttl": 5, "created": 0, "userId": "7"}),
            r#""ttl":5,"created":"1970-01-01T00:00:00.000Z","userId":7"#,
        ),
        (
            json!({"ttl": 5, "created": 0, "userId": null}),
            r#""ttl":5,"created":"1970-01-01T00:00:00.000Z","userId":null"#,
        ),
        (
            json!({"ttl": 5, "created": 0, "z": null, "a": {"c": 1, "b": []}}),
            r#""ttl":5,"created":"1970-01-01T00:00:00.000Z","z":null,"a":{"c":1,"b":[]}"#,
        ),
    ] {
        let answer =
            ask(&app, &app.admin, "POST", "").body("application/json", data.to_string()).send().await;
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(answer.text(), format!(r#"{{"id":"{id}",{members}}}"#), "{data}");
        let again = ask(&app, &app.admin, "GET", &at(&id)).send().await;
        assert_eq!(again.text(), answer.text(), "{data}");
    }
}

#[tokio::test]
async fn bodies_that_are_read_and_bodies_that_are_not() {
    let app = TestApp::new().await;
    let form = "application/x-www-form-urlencoded";
    for (kind, body, ttl, note) in [
        ("application/json; charset=utf-8", r#"{"ttl":5,"note":"n"}"#, 5, json!("n")),
        ("application/json", "\u{feff}{\"ttl\":5}", 5, json!(null)),
        ("application/json", r#"{"ttl":4,"ttl":5}"#, 5, json!(null)),
        ("application/json", "", 1_209_600, json!(null)),
        (form, "ttl=5&note[a]=b+c", 5, json!({"a": "b c"})),
        ("Application/JSON;", r#"{"ttl":5}"#, 5, json!(null)),
        ("text/plain", r#"{"ttl":5}"#, 1_209_600, json!(null)),
        ("application/vnd.api+json", r#"{"ttl":5}"#, 1_209_600, json!(null)),
        ("application/json-patch+json", r#"{"ttl":5}"#, 1_209_600, json!(null)),
        ("text/json", r#"{"ttl":5}"#, 1_209_600, json!(null)),
        ("text/json; charset=utf-16", r#"{"ttl":5}"#, 1_209_600, json!(null)),
        ("*/*", r#"{"ttl":5}"#, 1_209_600, json!(null)),
        // What says that it is JSON, and is nothing.
        ("application/json; charset=x-foo", "", 1_209_600, json!(null)),
        ("multipart/form-data; boundary=x", "{", 1_209_600, json!(null)),
    ] {
        let row = ask(&app, &app.admin, "POST", "").body(kind, body).send().await.json();
        assert_eq!((&row["ttl"], &row["note"]), (&json!(ttl), &note), "{kind} {body}");
    }
    assert_eq!(ask(&app, &app.admin, "POST", "").json(&json!([])).send().await.text(), "[]");
}

#[tokio::test]
async fn put_by_id_merges() {
    let app = TestApp::new().await;
    let row = created(&app, &app.admin, &json!({"ttl": 60, "userId": 7, "a": 1, "b": 2})).await;
    let path = at(id_of(&row));
    app.clock.advance_millis(HOUR);
    for method in ["PUT", "PATCH"] {
        let merged = ask(&app, &app.admin, method, &path).json(&json!({"b": 3, "c": 4})).send().await;
        let id = id_of(&row);
        let expected = format!(
            r#"{{"id":"{id}","ttl":60,"created":"2026-01-02T03:04:05.678Z","userId":7,"a":1,"b":3,"c":4}}"#
        );
        assert_eq!(merged.text(), expected);
        assert_eq!(ask(&app, &app.admin, "GET", &path).send().await.text(), expected);
    }
    // `data` in the query where there is no body; an empty body changes nothing.
    let data = format!("{path}?data=%7B%22c%22:5%7D");
    assert_eq!(ask(&app, &app.admin, "PUT", &data).send().await.json()["c"], 5);
    assert_eq!(ask(&app, &app.admin, "PUT", &format!("{path}?data[c]=6")).send().await.json()["c"], "6");
    assert_eq!(ask(&app, &app.admin, "PUT", &data).json(&json!({"c": 7})).send().await.json()["c"], 7);
    assert_eq!(ask(&app, &app.admin, "PUT", &path).send().await.json()["c"], 7);
    assert_error(&ask(&app, &app.admin, "PUT", &format!("{path}?data=x")).send().await, 400);
}

#[tokio::test]
async fn upsert_creates_or_merges() {
    let app = TestApp::new().await;
    for method in ["PUT", "PATCH"] {
        let row = ask(&app, &app.admin, method, "").json(&json!({"ttl": 7})).send().await.json();
        let merged = json!({"id": row["id"], "note": 1});
        let merged = ask(&app, &app.admin, method, "").json(&merged).send().await.json();
        assert_eq!((&merged["ttl"], &merged["note"], &merged["id"]), (&json!(7), &json!(1), &row["id"]));
        let id = format!("new-by-{method}");
        let row = ask(&app, &app.admin, method, "").json(&json!({"id": id, "ttl": 7})).send().await.json();
        // What is created so is answered as it was said, and read as it is.
        assert_eq!(row, json!({"id": id, "ttl": 7}));
        let read = ask(&app, &app.admin, "GET", &at(&id)).send().await.json();
        assert_eq!(read, json!({"id": id, "ttl": 7, "created": "2026-01-02T03:04:05.678Z"}));
    }
    assert_eq!(found(&app).await.len(), 4);
}

#[tokio::test]
async fn a_grant_that_is_written_stays_a_grant() {
    let app = TestApp::new().await;
    let token = app.issue(lasting(HOUR, grant(user("7"), "read"))).await;
    let before = app.token(token.id).await.unwrap();
    let data = json!({"note": 1, "userId": 7, "scopes": ["write"]});
    assert_eq!(ask(&app, &app.admin, "PUT", &at(&token.secret)).json(&data).status().await, 200);
    let after = app.token(token.id).await.unwrap();
    assert_eq!(after.spec.document.is_some(), before.spec.document.is_none());
    assert_eq!(after.with(|token| token.spec.document = None), before);
    // A new ttl counts from the creation, as LoopBack's does.
    app.clock.advance_millis(1000);
    assert_eq!(
        ask(&app, &app.admin, "PUT", &at(&token.secret)).json(&json!({"ttl": 60})).status().await,
        200
    );
    assert_eq!(app.token(token.id).await.unwrap().expires_at, Some(app.after(59_000)));
    app.clock.advance_millis(59_000);
    assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 401);
}

#[tokio::test]
async fn delete_counts_what_it_removed() {
    let app = TestApp::new().await;
    let token = app.issue(identity(user("7"))).await;
    let path = at(&token.secret);
    assert_eq!(ask(&app, &app.admin, "DELETE", &path).send().await.text(), r#"{"count":1}"#);
    assert_eq!(ask(&app, &app.admin, "DELETE", &path).send().await.text(), r#"{"count":0}"#);
    assert_eq!(
        (app.token(token.id).await, app.get("/auth/demo").bearer(&token.secret).status().await),
        (None, 401)
    );
}

#[tokio::test]
async fn one_request_creates_so_many_rows_and_no_more() {
    let app = TestApp::new().await;
    let create = async |count: usize| {
        let rows = format!("[{}{{}}]", "{},".repeat(count - 1));
        ask(&app, &app.admin, "POST", "").body("application/json", rows).send().await
    };
    assert_error(&create(1_001).await, 413);
    assert_eq!(found(&app).await.len(), 0, "none of them");
    assert_eq!(create(3).await.json().as_array().unwrap().len(), 3);
}
