//! Dotide's access tokens.

mod operations;
mod proof;
mod understood;
mod zones;

use crate::answer::Answer;
use crate::app::{Ask, TestApp};
use serde_json::{Value, json};

const PATH: &str = "/v1/demo/access_tokens";

/// A request with the client credentials of `demo`.
fn ask<'a>(app: &'a TestApp, method: &str, uri: &str) -> Ask<'a> {
    let (id, secret) = &app.client;
    app.ask(method, uri).basic(id, secret)
}

fn path_of(token: &str) -> String {
    format!("{PATH}/{token}")
}

async fn create(app: &TestApp, scopes: Value) -> Answer {
    ask(app, "POST", PATH).json(&json!({"scopes": scopes})).send().await
}

/// Creates a token and answers its secret.
async fn created(app: &TestApp, scopes: Value) -> String {
    let answer = create(app, scopes).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

async fn list(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = ask(app, "GET", &format!("{PATH}{query}")).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().unwrap().clone()
}

/// Checks that this is an error of this API: an object with a message.
fn assert_message(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}
