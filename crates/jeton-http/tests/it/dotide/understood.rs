//! A write that was not fully understood is refused, so no caller believes it was done.

use super::{PATH, ask, assert_message, created, path_of};
use crate::app::TestApp;
use serde_json::{Value, json};

async fn scopes(app: &TestApp, token: &str) -> Value {
    ask(app, "GET", &path_of(token)).send().await.json()["scopes"].clone()
}

#[tokio::test]
async fn what_is_not_known_is_named_with_the_nearest() {
    let app = TestApp::new().await;
    let token = created(&app, json!([{"permissions": ["read"], "global": true}])).await;
    let before = scopes(&app, &token).await;
    for (body, expected) in [
        (r#"{"scope":[]}"#, "there is no member scope: did you mean scopes?"),
        (r#"{"Scopes":[]}"#, "there is no member Scopes: did you mean scopes?"),
        (r#"{"scopes":[],"enabled":false}"#, "there is no member enabled: there are scopes, tz"),
        (r#"{"permissions":["read"]}"#, "there is no member permissions: there are scopes, tz"),
        (
            r#"{"scopes":[{"permissions":["read"],"global":true,"tag":["a"]}]}"#,
            "in a scope, there is no member tag: did you mean tags?",
        ),
        (r#"{"access_token":"x","created_at":"y"}"#, "there is nothing to write: scopes"),
        (
            r#"{"scopes":[],"scopes":[{"permissions":["read"]}]}"#,
            "a member of the body stands there more than once: line 1, column 21",
        ),
        (
            r#"{"scopes":[{"global":false,"global":true}]}"#,
            "a member of the body stands there more than once: line 1, column 35",
        ),
    ] {
        for (method, path) in [("PUT", path_of(&token)), ("POST", PATH.to_owned())] {
            for content_type in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
                let answer = ask(&app, method, &path).body(content_type, body).send().await;
                assert_message(&answer, 400);
                assert_eq!(answer.json()["message"], expected);
            }
        }
    }
    for query in ["?scopes=", "?limit=1", "?timezone=UTC"] {
        let body = json!({"scopes": []});
        for path in [PATH.to_owned(), path_of(&token)] {
            let method = if path == PATH { "POST" } else { "PUT" };
            let answer = ask(&app, method, &format!("{path}{query}")).json(&body).send().await;
            assert_message(&answer, 400);
            assert!(
                answer.json()["message"].as_str().unwrap().starts_with("in the query, there is no member ")
            );
        }
    }
    for query in ["?limit=1&limit=2", "?offset=0&limit=1&offset=0", "?tz=UTC&tz=UTC"] {
        let answer = ask(&app, "GET", &format!("{PATH}{query}")).send().await;
        assert_message(&answer, 400);
        assert!(answer.text().contains(" stands more than once in the query"), "{}", answer.text());
    }
    assert_eq!(scopes(&app, &token).await, before);
    assert_eq!(app.count().await, 2);
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let app = TestApp::new().await;
    let token = created(&app, json!([{"permissions": ["read"], "global": true}])).await;
    let mut row = ask(&app, "GET", &path_of(&token)).send().await.json();
    row["scopes"][0]["global"] = json!(false);
    let answer = ask(&app, "PUT", &format!("{}?tz=UTC", path_of(&token))).json(&row).send().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["scopes"]), (200, &row["scopes"]));
    assert_eq!(ask(&app, "POST", PATH).json(&row).status().await, 201);
    // A client that says nothing changes nothing.
    assert_eq!(ask(&app, "PUT", &path_of(&token)).json(&json!({})).status().await, 200);
    assert_eq!(scopes(&app, &token).await, row["scopes"]);
}
