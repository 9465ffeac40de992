//! The description of forward-auth.

use super::ENDPOINT;
use super::answer::Answer;
use crate::describe::schema::{app_key, held_permission, list};
use crate::describe::{Address, Api, Occasion, Operation, Parameter, faults};
use crate::transport::limits;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jeton_service::{ForwardAuthApp, LimitsLeft};
use serde_json::{Value, json};

const ABOUT: &str = "A gateway asks whether the request that it holds may pass, by sending it on, in its own method, without its \
                     body. The answer is 200, 401, 403, 429 where the token was used as often as it may be \
                     (or 403, if the setting `forward_auth.over_limit` says so), or 503 where it could not be found out, and has no body.\n\nWhat is \
                     demanded stands in the query, or in the settings of the app: under a name, or in the first of its rules \
                     that matches the request. After the name of a demand, and after `route`, a path may go on: what follows \
                     is only read where the settings say that the original request stands there.\n\nWhere the token stands is \
                     a setting of the app, too (`forward_auth.credentials`): by default `Authorization: Bearer` or \
                     `X-Access-Token`, and exactly one of them.";
/// The methods that a path can have in a description. Forward-auth answers any.
const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: forward-auth", ABOUT, Address::Public);
    api.tag("forward-auth", "Questions of gateways");
    api.credentials("token", "bearer", "The token of the original request.");
    api.credentials_in(
        "x_access_token",
        "header",
        "X-Access-Token",
        "The same, where `Authorization` is taken.",
    );
    for method in METHODS {
        api.add(by_query(method));
        api.add(by_name(method));
        api.add(by_route(method));
    }
    api.finish()
}

fn question(method: &'static str, path: &'static str, id: &str, summary: &str) -> Operation {
    let id = format!("{id}{}{}", method[..1].to_ascii_uppercase(), &method[1..]);
    let operation = Operation::new(method, path, &id, summary)
        .of("forward-auth")
        .by(&["token", "x_access_token"])
        .takes([Parameter::path("app", "The key of the app", app_key())])
        .answers(StatusCode::OK, "It may pass");
    let identity = ["x-auth-app", "x-auth-token-id", "x-auth-user", "x-auth-scopes", "cache-control"];
    let operation = identity.iter().fold(operation, |operation, name| operation.header(StatusCode::OK, name));
    ["vary", "ratelimit-policy", "ratelimit", "jeton-stale"]
        .iter()
        .fold(operation, |operation, name| operation.perhaps_header(StatusCode::OK, name))
}

fn by_query(method: &'static str) -> Operation {
    let text = json!({"type": "string", "minLength": 1});
    question(method, "/auth/{app}", "askByQuery", "Ask by a demand in the query")
        .says(
            "Without a query, whether the token is valid. An unknown, empty or repeated name, and a resource without a \
             permission, are 403; `error_description` in `WWW-Authenticate` says which.",
        )
        .takes([
            Parameter::query("permission", "What it is to allow", held_permission()),
            Parameter::query("id", "The id of the resource", text.clone()),
            Parameter::query("tag", "The tags that the resource bears; repeats", list(&text)),
        ])
        .example("valid", "Whether the token is valid", [("app", json!("demo"))])
        .example(
            "read",
            "Whether it may read datastream 7",
            [("app", json!("demo")), ("permission", json!("read")), ("id", json!("7"))],
        )
        .refuses(&Value::Null, refusals())
}

fn by_name(method: &'static str) -> Operation {
    question(method, "/auth/{app}/{demand}", "askByName", "Ask by a demand of the settings")
        .says("`forward_auth.demands` of the app says what is demanded; a name that is not there is 403.")
        .takes([Parameter::path(
            "demand",
            "The name of the demand",
            json!({"type": "string", "pattern": "^[A-Za-z0-9._-]+$", "not": {"const": "route"}}),
        )])
        .example("read-7", "The demand `read-7`", [("app", json!("demo")), ("demand", json!("read-7"))])
        .refuses(&Value::Null, refusals())
}

fn by_route(method: &'static str) -> Operation {
    let header = |name: &'static str, description: &'static str| {
        Parameter::header(name, description, json!({"type": "string"}))
    };
    question(method, "/auth/{app}/route", "askByRoute", "Ask by the original request")
        .says(
            "The first of `forward_auth.routes` that matches the original method and path says what is demanded; where none \
             does, 403. Where these two stand is `forward_auth.source`: by default in the headers below, else in \
             `X-Original-Method` and `X-Original-URL`, in `X-Forwarded-Method` and `X-Forwarded-Uri`, or in the method and \
             the path of the question itself.",
        )
        .takes([
            header("X-Original-Method", "The original method"),
            header("X-Original-URI", "The original path, and its query"),
        ])
        .example(
            "datastream",
            "Reading datastream 7",
            [
                ("app", json!("demo")),
                ("X-Original-Method", json!("GET")),
                ("X-Original-URI", json!("/v1/db/datastreams/7")),
            ],
        )
        .refuses(&Value::Null, refusals())
}

fn refusals() -> Vec<Response> {
    let over = |left: LimitsLeft| Answer::OverLimit(ForwardAuthApp::NONE, Some(Box::new(left)));
    let own = [
        Answer::Unproven(ForwardAuthApp::NONE),
        Answer::Refused(ForwardAuthApp::NONE, None),
        over(limits::without_uses()),
        over(limits::over_rate()),
    ];
    // As where the setting `forward_auth.over_limit` is 403.
    let mut forbidden = over(limits::over_rate()).into_response();
    *forbidden.status_mut() = StatusCode::FORBIDDEN;
    let own = own.into_iter().map(IntoResponse::into_response).chain([forbidden]);
    own.chain(faults(ENDPOINT.refuse, &[Occasion::Any])).collect()
}
