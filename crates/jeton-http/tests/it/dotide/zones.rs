//! Time zones of answers.

use super::{PATH, ask, assert_message, created, path_of};
use crate::app::TestApp;
use serde_json::json;

#[tokio::test]
async fn parameter_then_header_then_setting() {
    let app = TestApp::new().await;
    let token = created(&app, json!([])).await;
    let path = path_of(&token);
    let created_at = async |query: &str, headers: &[(&str, &str)]| {
        let asked = ask(&app, "GET", &format!("{path}{query}"));
        let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(name, value));
        asked.send().await.json()["created_at"].as_str().unwrap().to_owned()
    };
    assert_eq!(created_at("", &[]).await, "2026-01-02T11:04:05.678+08:00");
    assert_eq!(created_at("", &[("time-zone", "UTC")]).await, "2026-01-02T03:04:05.678Z");
    let headers = [("time-zone", "UTC"), ("timezone", "Europe/London")];
    assert_eq!(created_at("", &headers).await, "2026-01-02T03:04:05.678+00:00");
    assert_eq!(created_at("?tz=America/New_York", &headers).await, "2026-01-01T22:04:05.678-05:00");
    app.merge(json!({"dotide": {"timezone": "Asia/Kolkata"}})).await;
    assert_eq!(created_at("", &[]).await, "2026-01-02T08:34:05.678+05:30");
}

#[tokio::test]
async fn a_body_may_name_the_zone() {
    let app = TestApp::new().await;
    let body = json!({"scopes": [], "tz": "UTC"});
    let answer = ask(&app, "POST", PATH).json(&body).send().await;
    assert_eq!(answer.json()["created_at"], "2026-01-02T03:04:05.678Z");
    let answer = ask(&app, "POST", &format!("{PATH}?tz=Asia/Tokyo")).json(&body).send().await;
    assert_eq!(answer.json()["created_at"], "2026-01-02T12:04:05.678+09:00");
}

#[tokio::test]
async fn an_unknown_zone_is_a_mistake_and_nothing_is_made() {
    let app = TestApp::new().await;
    assert_message(&ask(&app, "GET", &format!("{PATH}?tz=Mars/Olympus")).send().await, 400);
    assert_message(&ask(&app, "GET", PATH).header("timezone", "Mars/Olympus").send().await, 400);
    let body = json!({"scopes": [], "tz": "Mars/Olympus"});
    assert_message(&ask(&app, "POST", PATH).json(&body).send().await, 400);
    assert_message(&ask(&app, "POST", PATH).json(&json!({"tz": 8})).send().await, 400);
    assert_eq!(app.count().await, 1);
}
