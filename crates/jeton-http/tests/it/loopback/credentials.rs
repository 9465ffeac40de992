//! Every way in which LoopBack's clients present a token.

use super::{PATH, ask, created, id_of};
use crate::app::{TestApp, identity, user};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

/// An app whose proven users may count.
async fn countable() -> (TestApp, String) {
    let app = TestApp::new().await;
    let acl = json!({"principalType": "ROLE", "principalId": "$authenticated", "permission": "ALLOW"});
    app.merge(json!({"loopback": {"acls": [acl]}})).await;
    let token = app.issue(identity(user("7"))).await.secret;
    (app, token)
}

#[tokio::test]
async fn headers() {
    let (app, token) = countable().await;
    let base64 = |text: &str| BASE64_STANDARD.encode(text);
    for (value, status) in [
        (token.clone(), 200),
        (format!("Bearer {token}"), 200),
        (format!("Bearer {}", base64(&token)), 200),
        (format!("Basic {}", base64(&token)), 200),
        (format!("bAsIc {}", base64(&format!("{token}:"))), 200),
        (format!("Basic {}", base64(&format!(":{token}"))), 200),
        (format!("Basic {}", base64(&format!("user:{token}"))), 200),
        (format!("Basic {}", base64(&format!("{token}:short"))), 200),
        (format!("Basic {}", base64(&format!("{token}0:{token}"))), 401),
        (format!("bearer {token}"), 401),
        (format!("Bearer {}x", token), 401),
        (base64(&token), 401),
        (format!("Token {token}"), 401),
        (String::new(), 401),
    ] {
        for name in ["x-access-token", "authorization"] {
            let answer = app.get(&format!("{PATH}/count")).header(name, &value).send().await;
            assert_eq!(answer.status, status, "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn the_first_that_is_there_counts() {
    let (app, token) = countable().await;
    let count = |query: &str| app.get(&format!("{PATH}/count{query}"));
    let query = format!("?access_token={token}");
    assert_eq!(count(&query).status().await, 200);
    assert_eq!(count(&query).header("x-access-token", "nope").status().await, 200);
    assert_eq!(count("?access_token=nope").header("authorization", &token).status().await, 401);
    assert_eq!(count("?access_token=").header("authorization", &token).status().await, 200);
    // Two of them, or a nested one, are none.
    assert_eq!(count(&format!("{query}&access_token={token}")).status().await, 401);
    assert_eq!(count(&format!("?access_token[x]={token}")).status().await, 401);
    let both = |one: &str, two: &str| count("").header("x-access-token", one).header("authorization", two);
    assert_eq!(both(&token, "nope").status().await, 200);
    assert_eq!(both("nope", &token).status().await, 401);
    assert_eq!(both("", &token).status().await, 200);
    assert_eq!(count("").header("cookie", format!("access_token={token}")).status().await, 401);
    assert_eq!(count(&format!("?access_token={}", "x".repeat(2000))).status().await, 401);
}

#[tokio::test]
async fn foreign_ids_speak_here() {
    let (app, _) = countable().await;
    for id in ["tok", "a b", "id-with-more-than-thirty-two-characters"] {
        let row = created(&app, &app.admin, &json!({"id": id, "userId": 7})).await;
        assert_eq!(id_of(&row), id);
        assert_eq!(ask(&app, id, "GET", "/count").status().await, 200, "{id}");
        let bearer = format!("Bearer {}", BASE64_STANDARD.encode(id));
        let asked = app.get(&format!("{PATH}/count")).header("authorization", bearer);
        assert_eq!(asked.status().await, 200, "{id}");
        // Elsewhere, what is easily guessed is good for nothing.
        let expected = if id.len() < 32 { 401 } else { 200 };
        assert_eq!(app.get("/auth/demo").header("x-access-token", id).status().await, expected, "{id}");
    }
}

#[tokio::test]
async fn where_secrets_are_not_kept_handles_stand_for_them() {
    let (app, _) = countable().await;
    app.merge(json!({"reveal": "once"})).await;
    let row = created(&app, &app.admin, &json!({"userId": 7, "note": "n"})).await;
    let secret = id_of(&row);
    assert_eq!(secret.len(), 64);
    let handle = "~3";
    let get = async |rest: &str| ask(&app, secret, "GET", rest).send().await;
    for id in [secret, handle] {
        let shown = get(&format!("/{id}")).await.json();
        assert_eq!((&shown["id"], &shown["note"]), (&json!(handle), &json!("n")));
        assert_eq!(get(&format!("/{id}/exists")).await.json(), json!({"exists": true}));
        assert_eq!(get(&format!("?filter[where][id]={id}")).await.json()[0], shown);
        assert_eq!(
            get(&format!("/count?where[id][inq][0]={id}&where[id][inq][1]=x")).await.json()["count"],
            1
        );
        let put = ask(&app, secret, "PUT", &format!("/{id}")).json(&json!({"id": id, "note": "n"}));
        assert_eq!(put.send().await.json(), shown);
    }
    // Nothing but the answer to the create has it, and the handle opens nothing.
    assert!(!get("").await.text().contains(secret));
    assert_eq!(ask(&app, handle, "GET", "/count").status().await, 401);
    assert_eq!(get("/~03").await.status, 404);
    assert_eq!(ask(&app, secret, "DELETE", "/~3").send().await.json(), json!({"count": 1}));
    assert_eq!(get("/count").await.status, 401);
}
