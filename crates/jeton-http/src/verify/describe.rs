//! The description of verification.

use super::error::VerifyError;
use super::input::CheckError;
use super::{ENDPOINT, wire};
use crate::describe::schema::{app_key, described, flag, held_permission, list, object};
use crate::describe::{Address, Api, Occasion, Operation, Parameter, faults};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const ABOUT: &str = "A backend verifies tokens of its app, one or up to 1,000 at once. The answer says whether a token is \
                     valid and whether it allows what is demanded; a token that is not valid is no error.\n\nThe caller \
                     proves itself by the app's client credentials, or by a service credential that holds `jeton:verify`.";

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: verification", ABOUT, Address::Public);
    api.tag("verify", "Verifying tokens");
    api.credentials("client", "basic", "The client id and the client secret of the app.");
    api.credentials("verifier", "bearer", "A service credential of the app that holds `jeton:verify`.");
    let check = check();
    let check = api.named("Check", check);
    let batch = object(&["checks"], [("checks", list(&check))]);
    let batch = described(batch, "Up to 1,000 checks, which are answered in their order.");
    let batch = api.named("Batch", batch);
    let (answer, answers) = (api.shape::<wire::Answer>(), api.shape::<wire::Answers>());
    let error = api.shape::<wire::ErrorBody<'_>>();
    let token = "f3c1a94be27d05886e0b7f1d2c3a4958d41c6b7ae0f95d2283b6174c9ae05f3d";
    let verify = Operation::new("post", "/verify/{app}", "verify", "Verify tokens")
        .of("verify")
        .says(
            "Answers one check by one verdict, and a batch by a list of them. In a batch, a check that makes no sense is \
             answered for itself, with the reason `invalid_check`.",
        )
        .by(&["client", "verifier"])
        .takes([Parameter::path("app", "The key of the app", app_key())])
        .body("What is asked", [("application/json", json!({"oneOf": [check, batch]}))])
        .example("one", "Whether a token may read datastream 7", [("app", json!("demo"))])
        .with("application/json", json!({"token": token, "permission": "read", "resource": {"id": "7"}}))
        .example("explained", "The same, with the reason", [("app", json!("demo"))])
        .with(
            "application/json",
            json!({
                "token": token, "permission": "write", "resource": {"id": "7", "tags": ["sensor"]}, "explain": true,
            }),
        )
        .example("batch", "Two tokens at once", [("app", json!("demo"))])
        .with("application/json", json!({"checks": [{"token": token}, {"token": "garbage", "permission": "read"}]}))
        .answers_with(
            StatusCode::OK,
            "What was found out",
            "application/json",
            json!({"oneOf": [answer, answers]}),
        )
        .header(StatusCode::OK, "cache-control")
        .answers_with(
            StatusCode::TOO_MANY_REQUESTS,
            "The token of a single check was used as often as it may be",
            "application/json",
            json!({"oneOf": [answer, error]}),
        );
    let of_limits = |operation: Operation, status| {
        let operation = operation.perhaps_header(status, "ratelimit-policy");
        operation.perhaps_header(status, "ratelimit").perhaps_header(status, "jeton-stale")
    };
    let verify = of_limits(of_limits(verify, StatusCode::OK), StatusCode::TOO_MANY_REQUESTS);
    let verify =
        verify.perhaps_header(StatusCode::TOO_MANY_REQUESTS, "retry-after").refuses(&error, refusals());
    api.add(verify);
    api.finish()
}

fn check() -> Value {
    let resource = object(
        &[],
        [
            ("id", described(json!({"type": "string"}), "Its id.")),
            ("tags", described(list(&json!({"type": "string"})), "The tags that it bears.")),
        ],
    );
    let resource =
        described(resource, "The resource on which; a scope covers it by its id, or by tags that it bears.");
    let check = object(
        &["token"],
        [
            ("token", described(json!({"type": "string"}), "Whatever a client presented.")),
            (
                "permission",
                described(
                    held_permission(),
                    "What it is to allow; left out: only whether it is valid is asked.",
                ),
            ),
            ("resource", resource),
            (
                "address",
                described(
                    json!({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
                    "The IP address of the client that presented it. Without it, a token that may be used from some addresses \
                     only is refused.",
                ),
            ),
            ("explain", described(flag(), "Whether to say which scope matched, or what each lacks.")),
        ],
    );
    let mut check = described(check, "What is asked about one token.");
    check["dependentRequired"] = json!({"resource": ["permission"]});
    check
}

fn refusals() -> Vec<Response> {
    let own = [
        VerifyError::Json,
        VerifyError::Unproven,
        VerifyError::NoSuchPath,
        VerifyError::Powerless,
        VerifyError::Check(CheckError::Form),
        VerifyError::Both,
        VerifyError::TooMany,
    ];
    let own = own.into_iter().map(IntoResponse::into_response);
    own.chain(faults(ENDPOINT.refuse, &[Occasion::Any, Occasion::LargeBody, Occasion::Credentials])).collect()
}
