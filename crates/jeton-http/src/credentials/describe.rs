//! The description of reports.

use super::error::ReportError;
use super::{ENDPOINT, REVOKE, wire};
use crate::describe::schema::{described, object};
use crate::describe::{Address, Api, Occasion, Operation, faults};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jeton_service::MAX_REPORTED;
use serde_json::{Value, json};

const ABOUT: &str =
    "Whoever has found leaked tokens has them revoked. Nothing is needed for that but the tokens themselves.";
const TOKEN: &str = "9a41d7f00c5b4e6fb8a2c3d1e0f96587c2b1a09f8e7d6c5b4a39281706f5e4d3";

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: leaked credentials", ABOUT, Address::Public);
    api.tag("credentials", "Leaked credentials");
    let error = api.shape::<wire::ErrorBody<'_>>();
    let texts =
        json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_REPORTED});
    let texts = described(texts, "What was found: tokens of apps, service credentials, tokens of operators.");
    let report = api.named("Report", object(&["credentials"], [("credentials", texts)]));
    let revoke = Operation::new("post", REVOKE, "revokeLeaked", "Revoke leaked credentials")
        .of("credentials")
        .says(
            "Once it is answered, whatever of it was a credential here is refused. The answer is the same whether or not anything \
             was. So many from one address in a minute are taken as `limits.leak_reports_per_minute` says.",
        )
        .body("What was found", [("application/json", report)])
        .example("one", "A token, and something that is none", [])
        .with("application/json", json!({"credentials": [TOKEN, "no token"]}))
        .answers(StatusCode::ACCEPTED, "It is done")
        .header(StatusCode::ACCEPTED, "cache-control")
        .refuses(&error, refusals());
    api.add(revoke);
    api.finish()
}

fn refusals() -> Vec<Response> {
    let own = [ReportError::Body, ReportError::Count].into_iter().map(IntoResponse::into_response);
    own.chain(faults(ENDPOINT.refuse, &[Occasion::Any, Occasion::LargeBody, Occasion::Credentials])).collect()
}
