//! The description of delegation.

use super::error::DelegateError;
use super::input::MEMBERS;
use super::{ENDPOINT, wire};
use crate::describe::schema::{
    addresses, app_key, described, integer, label, list, object, or_null, rates, scope, uses,
};
use crate::describe::{Address, Api, Occasion, Operation, Parameter, faults};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jeton_core::{AuthorityRefusal, MAX_LABEL_CHARS, Policy};
use serde_json::{Value, json};

const ABOUT: &str = "The bearer of a token that holds `delegate` makes others from it, without any other right. They allow no more \
                     than their parent, at any time: what is taken from it is taken from all below it, at once.";
const JSON: &str = "application/json";

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: delegation", ABOUT, Address::Public);
    api.tag("delegate", "Making tokens from a token");
    api.credentials("parent", "bearer", "A token of the app that holds `delegate` on everything.");
    let scope = api.named("ScopeInput", scope());
    let new = api.named("NewChild", new_child(&scope));
    let child = api.shape::<wire::Child<'_>>();
    let error = api.shape::<wire::ErrorBody<'_>>();
    let delegate = Operation::new("post", "/delegate/{app}", "delegate", "Make a token from one's own")
        .of("delegate")
        .says("The answer alone shows the secret, in `access_token`.")
        .by(&["parent"])
        .takes([Parameter::path("app", "The key of the app", app_key())])
        .body("What is wanted", [(JSON, new)])
        .example("reader", "One that reads datastream 7, for an hour", [("app", json!("demo"))])
        .with(
            JSON,
            json!({
                "title": "build 1234", "scopes": [{"permissions": ["read"], "ids": ["7"]}], "expires_in_seconds": 3600,
            }),
        )
        .example("few", "One for three uses, at most one in a minute", [("app", json!("demo"))])
        .with(JSON, json!({"uses": 3, "rates": [{"limit": 1, "per_seconds": 60}]}))
        .example("same", "One like its parent", [("app", json!("demo"))])
        .with(JSON, json!({}))
        .answers_with(StatusCode::CREATED, "It is made", JSON, child)
        .header(StatusCode::CREATED, "cache-control")
        .refuses(&error, refusals());
    api.add(delegate);
    api.finish()
}

fn new_child(scope: &Value) -> Value {
    let member = |name: &'static str| match name {
        "title" => described(or_null(label(MAX_LABEL_CHARS)), "What it is called."),
        "scopes" => {
            described(or_null(list(scope)), "What it allows, within what its parent does; left out: as much.")
        }
        "expires_in_seconds" => {
            let mut seconds = integer(-1, i64::MAX);
            seconds["not"] = json!({"const": 0});
            described(
                or_null(seconds),
                "-1: for ever, where its parent does. Left out: as the app decides, no longer than its parent.",
            )
        }
        "allowed_addresses" => described(
            or_null(addresses()),
            "The addresses and CIDR blocks from which it may be used, within those of its parent; empty or left out: those.",
        ),
        "uses" => described(
            or_null(uses()),
            "How often it may be used, no more than its parent. Each use is one of its parent, too; left out: as often.",
        ),
        "rates" => described(
            or_null(rates()),
            "How often it may be used in so many seconds, each period once, no more than its parent in the same.",
        ),
        other => panic!("the member {other} has no description"),
    };
    described(object(&[], MEMBERS.map(|name| (name, member(name)))), "The token that is wanted.")
}

fn refusals() -> Vec<Response> {
    let own = [
        DelegateError::Json("the body is not JSON: column 2".to_owned()),
        DelegateError::Unproven,
        DelegateError::NoSuchPath,
        DelegateError::Powerless,
        DelegateError::TooDeep,
        DelegateError::Forbidden(AuthorityRefusal::NotHeld),
        DelegateError::Forbidden(Policy::RequireExpiry.into()),
        DelegateError::Member("title must be a string".to_owned()),
    ];
    let own = own.into_iter().map(IntoResponse::into_response);
    own.chain(faults(ENDPOINT.refuse, &[Occasion::Any, Occasion::Body, Occasion::Credentials])).collect()
}
