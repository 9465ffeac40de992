//! What is shown of secrets after their issue, and what new ones look like.

use crate::app::{TestApp, grant, user};
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";

async fn create(app: &TestApp) -> String {
    let data = app.post(APP).bearer(&app.admin).json(&json!({"title": "t"})).send().await.data();
    data["access_token"].as_str().unwrap().to_owned()
}

/// What the list shows as secrets, newest first.
async fn shown(app: &TestApp) -> Vec<Value> {
    let rows = app.get(APP).bearer(&app.admin).send().await.rows();
    rows.iter().map(|row| row["accessToken"].clone()).collect()
}

#[tokio::test]
async fn always_once_and_always_again() {
    let app = TestApp::new().await;
    let first = create(&app).await;
    assert_eq!(shown(&app).await, [json!(first)]);
    app.merge(json!({"reveal": "once"})).await;
    let second = create(&app).await;
    assert_eq!(shown(&app).await, [Value::Null, Value::Null]);
    app.merge(json!({"reveal": "always"})).await;
    let third = create(&app).await;
    assert_eq!(
        shown(&app).await,
        [json!(third), Value::Null, Value::Null],
        "what is gone does not come back"
    );
    for secret in [first, second, third] {
        assert_eq!(app.get("/auth/demo").bearer(&secret).status().await, 200, "all of them are still good");
    }
}

#[tokio::test]
async fn once_is_null_for_users_too() {
    let app = TestApp::new().await;
    app.merge(json!({"reveal": "once"})).await;
    let token = app.issue(grant(user("7"), "read")).await;
    let answer = app.get(APP).bearer(&token.secret).send().await;
    assert_eq!(answer.rows()[0]["accessToken"], Value::Null);
    assert!(!answer.text().contains("...."));
}

#[tokio::test]
async fn prefixes_come_and_go_and_all_stay_good() {
    let app = TestApp::new().await;
    let mut secrets = vec![create(&app).await];
    for prefix in ["demo", "x1", ""] {
        app.merge(json!({"token_prefix": prefix})).await;
        secrets.push(create(&app).await);
    }
    let heads: Vec<_> = secrets.iter().map(|secret| secret.rsplit_once('_').map(|(head, _)| head)).collect();
    assert_eq!(heads, [None, Some("demo"), Some("x1"), None]);
    for secret in &secrets {
        let digits = secret.rsplit('_').next().unwrap();
        assert_eq!(digits.len(), 64);
        assert!(digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit)));
        assert_eq!(app.get("/auth/demo").bearer(secret).status().await, 200);
        // The digits alone, or behind another prefix, are another text, which is no token's.
        let other = if secret.contains('_') { digits.to_owned() } else { format!("demo_{digits}") };
        assert_eq!(app.get("/auth/demo").bearer(&other).status().await, 401);
    }
    let mut newest_first = secrets;
    newest_first.reverse();
    assert_eq!(shown(&app).await, newest_first.iter().map(|secret| json!(secret)).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_eighth_is_left_at_either_end_of_a_masked_one() {
    let app = TestApp::new().await;
    app.merge(json!({"token_prefix": "abcdefghij"})).await;
    let caller = app.issue(grant(user("7"), "")).await;
    let wider = app.issue(grant(user("7"), "read")).await;
    let rows = app.get(APP).bearer(&caller.secret).send().await.rows();
    // 75 characters, so 9 at either end: of the digits none before the end.
    let expected = format!("{}........{}", &wider.secret[..9], &wider.secret[66..]);
    assert_eq!(rows[0]["accessToken"], expected);
    assert_eq!(app.get("/auth/demo").bearer(&expected).status().await, 401);
}
