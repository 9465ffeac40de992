//! The description of OAuth's endpoints.

use super::error::OAuthError;
use super::{ENDPOINT, INTROSPECT, METADATA, REVOKE, wire};
use crate::describe::schema::{described, object};
use crate::describe::{Address, Api, Occasion, Operation, faults};
use crate::transport::body::FORM;
use crate::transport::limits;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const ABOUT: &str = "What OAuth 2.0 offers to resource servers: introspection (RFC 7662), revocation (RFC 7009) and metadata \
                     (RFC 8414). There is no endpoint that issues tokens over OAuth.\n\nThe paths name no app: the caller's \
                     credentials do.";
const TOKEN: &str = "9a41d7f00c5b4e6fb8a2c3d1e0f96587c2b1a09f8e7d6c5b4a39281706f5e4d3";

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: OAuth", ABOUT, Address::Public);
    api.tag("oauth", "OAuth 2.0 for resource servers");
    api.credentials(
        "client",
        "basic",
        "The client id and the client secret of an app (`client_secret_basic`).",
    );
    api.credentials("verifier", "bearer", "A service credential that holds `jeton:verify`.");
    api.credentials("oneself", "bearer", "The token that is to be revoked, by which its bearer gives it up.");
    let error = api.shape::<wire::ErrorBody<'_>>();
    let introspection = api.shape::<wire::Introspection<'_>>();
    let metadata = api.shape::<wire::Metadata<'_>>();
    let form = api.named("TokenForm", form());
    api.add(introspect(&form, &error, &introspection));
    api.add(revoke(&form, &error));
    api.add(self::metadata(&error, &metadata));
    api.finish()
}

fn form() -> Value {
    let token = described(json!({"type": "string", "minLength": 1}), "Whatever a client presented.");
    let hint = described(json!({"type": "string"}), "Not considered: there is one type of token.");
    let mut form = object(&["token"], [("token", token), ("token_type_hint", hint)]);
    // RFC 6749, section 3.1: unknown parameters are ignored.
    form["additionalProperties"] = json!({"type": "string"});
    form
}

fn introspect(form: &Value, error: &Value, shape: &Value) -> Operation {
    Operation::new("post", INTROSPECT, "introspect", "Say what a token is")
        .of("oauth")
        .says("A token that is not valid in the caller's app, whatever the reason, is `{\"active\": false}`.")
        .by(&["client", "verifier"])
        .body("The token", [(FORM, form.clone())])
        .example("known", "A token of the app", [])
        .with(FORM, json!({"token": TOKEN, "token_type_hint": "access_token"}))
        .example("unknown", "A text that is no token", [])
        .with(FORM, json!({"token": "garbage"}))
        .answers_with(StatusCode::OK, "What it is", "application/json", shape)
        .header(StatusCode::OK, "cache-control")
        .refuses(error, refusals())
}

fn revoke(form: &Value, error: &Value) -> Operation {
    Operation::new("post", REVOKE, "revoke", "Revoke a token")
        .of("oauth")
        .says(
            "Once it is answered, the token is refused. Anything that is not a token of this app is answered 200 as well \
             (RFC 7009, section 2.2). A bearer may revoke its own token, which then stands both in `Authorization` and in \
             the body.",
        )
        .by(&["client", "oneself"])
        .body("The token", [(FORM, form.clone())])
        .example("known", "A token of the app", [])
        .with(FORM, json!({"token": TOKEN}))
        .answers(StatusCode::OK, "It is revoked, or was no token of the app")
        .header(StatusCode::OK, "cache-control")
        .refuses(error, refusals())
}

fn metadata(error: &Value, shape: &Value) -> Operation {
    Operation::new("get", METADATA, "metadata", "Say what this server can do")
        .of("oauth")
        .says("Only if `public_url` is an https URL, as the standard requires; else 404.")
        .answers_with(StatusCode::OK, "The metadata", "application/json", shape)
        .header(StatusCode::OK, "cache-control")
        .refuses(error, [OAuthError::NoSuchPath.into_response()])
        .refuses(error, faults(ENDPOINT.refuse, &[Occasion::Any]))
}

fn refusals() -> Vec<Response> {
    let own = [
        OAuthError::Client,
        OAuthError::Bearer,
        OAuthError::Powerless,
        OAuthError::OverLimit(Box::new(limits::over_rate())),
        OAuthError::Request("the body must be application/x-www-form-urlencoded"),
        OAuthError::Request("the parameter token is missing"),
    ];
    let own = own.into_iter().map(IntoResponse::into_response);
    own.chain(faults(ENDPOINT.refuse, &[Occasion::Any, Occasion::Body, Occasion::Credentials])).collect()
}
