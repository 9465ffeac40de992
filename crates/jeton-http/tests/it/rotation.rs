//! Rotation over the APIs that have it.

use crate::app::{TestApp, grant, identity, lasting, user};
use jeton_testkit::Canaries;
use serde_json::{Value, json};

async fn auth(app: &TestApp, secret: &str) -> u16 {
    app.get("/auth/demo").bearer(secret).status().await
}

fn secret(answer: &Value) -> String {
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn users_rotate_their_own_tokens() {
    let app = TestApp::new().await;
    let held = app.issue(lasting(100_000, grant(user("7"), "read"))).await;
    let path = format!("/AccessToken/demo/{}/rotate", held.id);
    let answer = app.post(&path).bearer(&held.secret).json(&json!({"graceSeconds": 60})).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.data()["expires_in"], 100, "nothing is prolonged");
    let second = secret(&answer.data());
    assert_eq!((auth(&app, &held.secret).await, auth(&app, &second).await), (200, 200));
    app.clock.advance_millis(60_000);
    assert_eq!((auth(&app, &held.secret).await, auth(&app, &second).await), (401, 200));
    // Without a body, at once.
    let answer = app.post(&path).bearer(&second).send().await;
    let third = secret(&answer.data());
    assert_eq!((auth(&app, &second).await, auth(&app, &third).await), (401, 200));
    let shown = app.get("/AccessToken/demo").bearer(&third).send().await.rows();
    assert_eq!((shown.len(), &shown[0]["accessToken"]), (1, &json!(third)));

    for (body, status) in [
        (json!({"graceSeconds": -1}), 400),
        (json!({"graceSeconds": 31_536_001}), 400),
        (json!({"graceSeconds": "soon"}), 400),
        (json!({"grace": 5}), 400),
    ] {
        app.post(&path).bearer(&third).json(&body).send().await.assert_envelope(status);
    }
    app.get(&path).bearer(&third).send().await.assert_envelope(405);
    app.post("/AccessToken/demo/x/rotate").bearer(&third).send().await.assert_envelope(400);
    app.post("/AccessToken/demo/999/rotate").bearer(&third).send().await.assert_envelope(404);
    app.post(&path).send().await.assert_envelope(401);
    assert_eq!(auth(&app, &third).await, 200, "nothing of that did anything");
}

#[tokio::test]
async fn nobody_rotates_what_reaches_further_or_is_of_another() {
    let app = TestApp::new().await;
    let reader = app.issue(grant(user("7"), "read")).await;
    let writer = app.issue(grant(user("7"), "read,write")).await;
    let other = app.issue(grant(user("8"), "read")).await;
    let own = app.issue(identity(user("7"))).await;
    let rotate = async |caller: &str, id: i64| {
        app.post(&format!("/AccessToken/demo/{id}/rotate")).bearer(caller).status().await
    };
    assert_eq!(rotate(&reader.secret, writer.id).await, 403);
    assert_eq!(rotate(&reader.secret, own.id).await, 403);
    assert_eq!(rotate(&reader.secret, other.id).await, 404);
    for held in [&reader, &writer, &other, &own] {
        assert_eq!(auth(&app, &held.secret).await, 200);
    }
    assert_eq!(rotate(&own.secret, own.id).await, 200, "what it presents it has");
    assert_eq!(rotate(&app.admin, writer.id).await, 200);
    assert_eq!(auth(&app, &writer.secret).await, 401);
}

#[tokio::test]
async fn operators_rotate_any_token_and_the_log_has_no_secret() {
    let app = TestApp::new().await;
    let held = app.issue(grant(user("7"), "read")).await;
    let path = format!("/admin/v1/apps/demo/tokens/{}/rotate", held.id);
    let ask = |body: Value| app.post(&path).bearer(&app.operator).json(&body);
    let answer = ask(json!({"grace_seconds": 60})).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rotated = answer.json();
    assert_eq!((&rotated["id"], &rotated["state"]), (&json!(held.id), &json!("active")));
    let second = secret(&rotated);
    assert_eq!((auth(&app, &held.secret).await, auth(&app, &second).await), (200, 200));
    for body in [json!({"grace_seconds": -1}), json!({"grace": 1}), json!([])] {
        assert!([400, 422].contains(&ask(body.clone()).status().await), "{body}");
    }
    let missing = app.post("/admin/v1/apps/demo/tokens/999/rotate").bearer(&app.operator);
    assert_eq!(missing.status().await, 404);
    app.clock.advance_millis(60_000);
    assert_eq!(auth(&app, &held.secret).await, 401);
    app.service.report_reuses().await.unwrap();
    let audit = app.get("/admin/v1/audit").bearer(&app.operator).send().await;
    let canaries = Canaries::new([&held.secret, &second]);
    assert_eq!(canaries.in_text(&audit.body), []);
    let kinds: Vec<Value> =
        audit.json()["items"].as_array().unwrap().iter().map(|item| item["what"].clone()).collect();
    assert_eq!(kinds[..2], ["token.reused", "token.rotated"]);
    // LoopBack finds the token by the secret that it has now.
    let by_id = async |secret: &str| {
        app.get(&format!("/api/accessTokens/{secret}")).header("authorization", &app.admin).status().await
    };
    assert_eq!((by_id(&second).await, by_id(&held.secret).await), (200, 404));
}
