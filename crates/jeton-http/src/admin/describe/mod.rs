//! The description of the admin API.

mod apps;
mod others;
mod settings;
mod tokens;

pub(super) use settings::SettingsShape;

use super::error::AdminError;
use super::input::MAX_LIMIT;
use super::{ENDPOINT, wire};
use crate::describe::schema::{app_key, integer, or_empty};
use crate::describe::{Address, Api, Occasion, Operation, Parameter, faults};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jeton_core::MAX_INTEGER;
use serde_json::{Value, json};
use std::borrow::Borrow;

const ABOUT: &str = "Apps, settings, tokens, operators, and what happened, for programs. Everything in it is also a command.\n\n\
                     The caller is an operator. Each request asks the database, so that a revoked operator is refused at \
                     once.\n\nBodies are JSON objects and queries have parameters of which every one is known: a name that is \
                     not is refused, and the nearest suggested. Lists are read page by page: ask the same again with `cursor` \
                     as `next` said, until it is `null`. Errors are `application/problem+json` with a stable `code`.\n\nWhere a \
                     path knows GET it knows HEAD.";
/// The only credentials.
const OPERATOR: &[&str] = &["operator"];
const JSON: &str = "application/json";

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: administration", ABOUT, Address::Admin);
    api.tag("apps", "Apps, their settings and their client credentials");
    api.tag("tokens", "Tokens of an app");
    api.tag("operators", "Operators");
    api.tag("insight", "What happened, and how much there is");
    api.credentials("operator", "bearer", "The token of an operator.");
    let problem = api.shape::<wire::Problem<'_>>();
    let rotation = api.named("Rotation", apps::rotation());
    apps::describe(&mut api, &problem, rotation.clone());
    tokens::describe(&mut api, &problem, rotation);
    others::describe(&mut api, &problem);
    api.finish()
}

fn operation(method: &'static str, path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(method, path, id, summary).by(OPERATOR)
}

fn app() -> Parameter {
    Parameter::path("app", "The key of the app", app_key())
}

fn number(name: &'static str, description: &'static str) -> Parameter {
    Parameter::path(name, description, integer(1, MAX_INTEGER))
}

/// The parameters of a list.
fn paging(cursor: Value) -> [Parameter; 2] {
    let limit = integer(1, MAX_LIMIT.into());
    [
        parameter("limit", "How many items a page has at most; 100 if left out", limit),
        parameter("cursor", "Where to go on: what an earlier page named as `next`", cursor),
    ]
}

/// A parameter in the query. An empty one is as if it were not there.
fn parameter(name: &'static str, description: &'static str, schema: Value) -> Parameter {
    Parameter::query(name, description, or_empty(schema))
}

/// A cursor that is a number.
fn numbered() -> Value {
    integer(1, i64::MAX)
}

fn idempotency_key() -> Parameter {
    let key = json!({"type": "string", "pattern": "^[!-~]{0,255}$"});
    let description = "Asked again under the same key within a day, with the same body, it answers what was made, without its \
                       secrets, and makes nothing";
    Parameter::header("Idempotency-Key", description, key)
}

/// A success with a body.
fn shows(
    operation: Operation,
    status: StatusCode,
    description: &str,
    shape: impl Borrow<Value>,
) -> Operation {
    operation.answers_with(status, description, JSON, shape).header(status, "cache-control")
}

/// What is made, once.
fn makes(operation: Operation, description: &str, shape: impl Borrow<Value>) -> Operation {
    let created = StatusCode::CREATED;
    let operation = operation.takes([idempotency_key()]);
    shows(operation, created, description, shape)
        .header(created, "location")
        .perhaps_header(created, "idempotency-replayed")
}

/// A success that says nothing else.
fn done(operation: Operation, description: &str) -> Operation {
    let done = StatusCode::NO_CONTENT;
    operation.answers(done, description).header(done, "cache-control")
}

/// These refusals, and those that every request may get.
fn refusals(own: impl IntoIterator<Item = AdminError>) -> Vec<Response> {
    let common = [
        AdminError::Parameter("this path takes no query".to_owned()),
        AdminError::Unproven,
        AdminError::Misdirected,
    ];
    let all = own.into_iter().chain(common).map(IntoResponse::into_response);
    all.chain(faults(ENDPOINT.refuse, &[Occasion::Any, Occasion::Body, Occasion::Credentials])).collect()
}

/// The refusals of a body.
fn of_body() -> [AdminError; 2] {
    [
        AdminError::Json("the body must be a JSON object".to_owned()),
        AdminError::Member("there is no member titel: did you mean title?".to_owned()),
    ]
}

/// The refusals where something is made once.
fn of_once() -> [AdminError; 5] {
    [
        AdminError::IdempotencyKey,
        AdminError::IdempotencyReused,
        AdminError::IdempotencyUnknown,
        AdminError::IdempotencyNoRoom,
        AdminError::Gone,
    ]
}
