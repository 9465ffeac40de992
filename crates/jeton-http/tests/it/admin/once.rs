//! `Idempotency-Key`.

use super::{ask, assert_problem, get, send};
use crate::answer::Answer;
use crate::app::TestApp;
use serde_json::{Value, json};

const TOKENS: &str = "/apps/demo/tokens";

async fn keyed(app: &TestApp, path: &str, key: &str, body: &Value) -> Answer {
    ask(app, "POST", path).json(body).header("idempotency-key", key).send().await
}

#[tokio::test]
async fn what_was_made_is_answered_again_without_its_secrets() {
    let app = TestApp::new().await;
    for (path, body, others, secrets, list) in [
        (
            TOKENS,
            json!({"title": "ci", "permissions": "read"}),
            json!({}),
            vec!["access_token"],
            "/apps/demo/tokens",
        ),
        (
            "/apps",
            json!({"app_key": "shop"}),
            json!({"app_key": "a"}),
            vec!["client_secret", "admin_token"],
            "/apps",
        ),
        ("/operators", json!({"name": "second"}), json!({"name": "x"}), vec!["operator_token"], "/operators"),
    ] {
        let first = keyed(&app, path, "k-1", &body).await;
        // One key is one request, wherever.
        if path != TOKENS {
            assert_problem(&first, 422, "idempotency_key_reused");
        }
        let key = format!("key of {path}").replace(' ', "-");
        let first = keyed(&app, path, &key, &body).await;
        assert_eq!(
            (first.status.as_u16(), first.header("idempotency-replayed")),
            (201, None),
            "{}",
            first.text()
        );
        let total = get(&app, list).await["total"].clone();
        let again = keyed(&app, path, &key, &body).await;
        assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, Some("true")));
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(get(&app, list).await["total"], total, "nothing more was made");
        let (mut first, again) = (first.json(), again.json());
        for secret in secrets {
            assert!(first[secret].is_string());
            first[secret] = Value::Null;
        }
        assert_eq!(again, first);
        let other = keyed(&app, path, &key, &others).await;
        assert_problem(&other, 422, "idempotency_key_reused");
    }
}

#[tokio::test]
async fn a_key_outlives_what_was_made_for_a_day() {
    let app = TestApp::new().await;
    let body = json!({"title": "ci"});
    let made = keyed(&app, TOKENS, "k", &body).await.json();
    assert_eq!(ask(&app, "DELETE", &format!("{TOKENS}/{}", made["id"])).status().await, 204);
    assert_problem(&keyed(&app, TOKENS, "k", &body).await, 409, "idempotency_gone");
    app.clock.advance_millis(86_400_001);
    assert_eq!(keyed(&app, TOKENS, "k", &body).await.status, 201);
}

#[tokio::test]
async fn what_is_refused_uses_up_no_key() {
    let app = TestApp::new().await;
    let taken = json!({"app_key": "demo"});
    assert_problem(&keyed(&app, "/apps", "k", &taken).await, 409, "app_exists");
    assert_problem(&keyed(&app, "/apps", "k", &json!({})).await, 400, "invalid_member");
    assert_eq!(keyed(&app, "/apps", "k", &json!({"app_key": "shop"})).await.status, 201);
    for key in ["a b", "签", &"k".repeat(256)] {
        assert_problem(&keyed(&app, "/apps", key, &taken).await, 400, "invalid_idempotency_key");
    }
    let two =
        ask(&app, "POST", "/apps").json(&taken).header("idempotency-key", "a").header("idempotency-key", "b");
    assert_problem(&two.send().await, 400, "invalid_idempotency_key");
    assert_problem(&keyed(&app, "/apps", "", &taken).await, 409, "app_exists");
}

#[tokio::test]
async fn what_nobody_knows_is_said() {
    let app = TestApp::new().await;
    let body = json!({"title": "ci"});
    // The operator, the app, the claim, the token: the last answer is lost.
    app.store.fail_only(4);
    app.store.lose_answers(true);
    let lost = keyed(&app, TOKENS, "k", &body).await;
    app.store.recover();
    assert_problem(&lost, 503, "unavailable");
    assert_problem(&keyed(&app, TOKENS, "k", &body).await, 409, "idempotency_unknown");
    let made = get(&app, &format!("{TOKENS}?title=ci")).await;
    assert_eq!(made["total"], 1, "who looks finds it");
    assert_eq!(send(&app, "POST", TOKENS, &body).await.status, 201, "without a key it is made again");
}

#[tokio::test]
async fn of_many_at_once_one_makes_it() {
    let app = TestApp::new().await;
    let body = json!({"title": "ci"});
    let asks = (0..8).map(|_| keyed(&app, TOKENS, "k", &body));
    let answers = futures_util::future::join_all(asks).await;
    let made = answers.iter().filter(|answer| answer.status == 201);
    assert_eq!(made.filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_problem(answer, 409, "idempotency_unknown");
    }
    assert_eq!(get(&app, &format!("{TOKENS}?title=ci")).await["total"], 1);
}
