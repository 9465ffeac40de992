//! LoopBack's AccessToken model.

mod attacks;
mod costly;
mod credentials;
mod errors;
mod forms;
mod lists;
mod reads;
mod routes;
pub(crate) mod streams;
mod writes;

pub(crate) use streams::fed;

use crate::answer::Answer;
use crate::app::{Ask, EVERYTHING, TestApp};
use jeton_core::{Demand, InactiveReason, Secret, Token, Verdict};
use serde_json::{Value, json};

const PATH: &str = "/api/accessTokens";

/// A request of this caller; without credentials if that is empty.
fn ask<'a>(app: &'a TestApp, caller: &str, method: &str, rest: &str) -> Ask<'a> {
    let asked = app.ask(method, &format!("{PATH}{rest}"));
    if caller.is_empty() { asked } else { asked.header("x-access-token", caller) }
}

/// Creates a row and answers it.
async fn created(app: &TestApp, caller: &str, data: &Value) -> Value {
    let answer = ask(app, caller, "POST", "").json(data).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn id_of(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

/// The path of a row below the model.
fn at(id: &str) -> String {
    format!("/{id}")
}

/// The ids of the rows that the manager finds.
async fn found(app: &TestApp) -> Vec<String> {
    let answer = ask(app, &app.admin, "GET", "").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().unwrap().iter().map(|row| id_of(row).to_owned()).collect()
}

/// A token of `demo` as it is stored; `None` if there is none, or it was revoked.
async fn stored(app: &TestApp, secret: &str) -> Option<Token> {
    let secret = Secret::parse(secret).unwrap();
    let found = app.service.find(&app.open("demo").await, &EVERYTHING, &secret).await.unwrap();
    found.map(|listed| listed.token)
}

/// What the service says of a token.
async fn verdict(app: &TestApp, secret: &str) -> Verdict {
    let secret = Secret::parse(secret).unwrap();
    app.service.verify(&"demo".parse().unwrap(), &secret, &Demand::Active, None).await.unwrap().verdict
}

/// Makes sure that no surface but LoopBack knows of a token.
async fn assert_unknown_elsewhere(app: &TestApp, secret: &str) {
    assert_eq!(verdict(app, secret).await, Verdict::Inactive(InactiveReason::Unknown), "{secret}");
    assert_eq!(app.get("/auth/demo").bearer(secret).status().await, 401, "{secret}");
    assert_eq!(app.get("/auth/demo?permission=read").bearer(secret).status().await, 401, "{secret}");
    for asked in [app.get("/AccessToken/demo"), app.post("/AccessToken/demo").json(&json!({"title": "t"}))] {
        asked.bearer(secret).send().await.assert_envelope(401);
    }
    let listed = app.get("/AccessToken/demo?take=1000").bearer(&app.admin).send().await;
    assert!(!listed.text().contains(secret), "{}", listed.text());
    let (id, client_secret) = &app.client;
    let listed = app.get("/v1/demo/access_tokens?limit=1000").basic(id, client_secret).send().await;
    assert_eq!(listed.status, 200);
    assert!(!listed.text().contains(secret), "{}", listed.text());
    let path = format!("/v1/demo/access_tokens/{secret}");
    assert_eq!(app.get(&path).basic(id, client_secret).status().await, 404);
}

/// Checks that this is an error of this API, whole, and answers its message.
fn assert_error(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    // What is not there is no secret.
    assert_eq!(answer.header("cache-control"), (status != 404).then_some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let body = answer.json();
    let error = body["error"].as_object().unwrap();
    assert_eq!((body.as_object().unwrap().len(), &error["statusCode"]), (1, &json!(status)), "{body}");
    assert!(error["name"].is_string() && (3..=4).contains(&error.len()), "{body}");
    error["message"].as_str().unwrap().to_owned()
}

fn entry(principal: &str, permission: &str, property: &str) -> Value {
    json!({"principalType": "ROLE", "principalId": principal, "permission": permission, "property": property})
}

/// Gives `demo` these entries after the one that denies everything, and the role `admin` to user 2.
async fn allow(app: &TestApp, entries: &[(&str, &str)]) {
    let mut acls = vec![entry("$everyone", "DENY", "*")];
    acls.extend(entries.iter().map(|(principal, property)| entry(principal, "ALLOW", property)));
    app.merge(json!({"loopback": {"acls": acls, "roles": {"admin": [2]}}})).await;
}

/// What LoopBack's own documentation says, and a role that may do everything.
async fn with_admins(app: &TestApp) {
    allow(app, &[("$everyone", "create"), ("admin", "*")]).await;
}

/// Everybody may do everything, which no app in its senses says.
pub(crate) async fn open_to_all(app: &TestApp) {
    app.merge(json!({"loopback": {"acls": [entry("$everyone", "ALLOW", "*")]}})).await;
}
