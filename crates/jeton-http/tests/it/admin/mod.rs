//! The admin API.

mod access;
mod addresses;
mod apps;
mod attacks;
mod audit;
mod once;
mod search;
mod tokens;

use crate::answer::Answer;
use crate::app::{Ask, TestApp};
use serde_json::Value;

/// A request of the first operator.
pub(crate) fn ask<'a>(app: &'a TestApp, method: &str, path: &str) -> Ask<'a> {
    app.ask(method, &format!("/admin/v1{path}")).bearer(&app.operator)
}

/// The answer to a question.
pub(crate) async fn get(app: &TestApp, path: &str) -> Value {
    let answer = ask(app, "GET", path).send().await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_plain(&answer);
    answer.json()
}

/// The answer to a request with a body.
pub(crate) async fn send(app: &TestApp, method: &str, path: &str, body: &Value) -> Answer {
    ask(app, method, path).json(body).send().await
}

/// Asserts that an answer is kept by nobody on its way.
#[track_caller]
pub(crate) fn assert_plain(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// Asserts that an answer is this problem, whole, and answers what it says.
#[track_caller]
pub(crate) fn assert_problem(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    let members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["type", "title", "status", "code", "detail"]);
    assert_eq!((&body["code"], &body["status"]), (&Value::from(code), &Value::from(status)), "{body}");
    assert_eq!(body["type"], "about:blank");
    body["detail"].as_str().unwrap().to_owned()
}
