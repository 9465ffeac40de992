//! The JSON of OAuth.

use crate::transport::wire::ScopeShape;
use jeton_core::{AppKey, Permission, Token};
use serde::Serialize;
use std::collections::HashSet;

/// What a token is, or that it is not active (RFC 7662 section 2.2).
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Introspection<'a> {
    /// Whether the token is valid in the caller's app. If not, there is no other member.
    active: bool,
    #[serde(flatten)]
    token: Option<ActiveToken<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ActiveToken<'a> {
    /// The permissions of global scopes that are valid in such a list.
    scope: String,
    /// The key of the app.
    client_id: &'a str,
    /// The owner that the issuer named.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// When it ends, in seconds since 1970; left out: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    iat: i64,
    /// `Bearer`.
    token_type: &'static str,
    /// The number by which the token is managed.
    jti: String,
    /// All scopes, with ids and tags.
    jeton_scopes: Vec<ScopeShape<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Error"))]
pub(super) struct ErrorBody<'a> {
    /// A code of RFC 6749, section 5.2, or of RFC 6750, section 3.1, where these have one.
    error: &'a str,
    /// What is wrong, for people.
    error_description: &'a str,
}

/// What this server can do (RFC 8414 section 2).
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Metadata<'a> {
    /// The public URL of this server.
    issuer: &'a str,
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: [&'static str; 1],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    /// No authorisation endpoint, and no token endpoint.
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 0],
}

/// The answer for a token of an app; `None`: it is not active.
pub(super) fn introspection(app: &AppKey, token: Option<&Token>) -> String {
    to_json(&Introspection { active: token.is_some(), token: token.map(|token| ActiveToken::of(app, token)) })
}

/// The metadata.
pub(super) fn metadata(issuer: &str, introspect: &str, revoke: &str) -> String {
    to_json(&Metadata {
        issuer,
        introspection_endpoint: format!("{issuer}{introspect}"),
        introspection_endpoint_auth_methods_supported: ["client_secret_basic"],
        revocation_endpoint: format!("{issuer}{revoke}"),
        revocation_endpoint_auth_methods_supported: ["client_secret_basic"],
        response_types_supported: [],
        grant_types_supported: [],
    })
}

/// An error.
pub(super) fn error(code: &str, message: &str) -> String {
    to_json(&ErrorBody { error: code, error_description: message })
}

impl<'a> ActiveToken<'a> {
    fn of(app: &'a AppKey, token: &'a Token) -> Self {
        let scopes = token.spec.scopes.as_slice();
        let global = scopes.iter().filter(|scope| scope.global).flat_map(|scope| &scope.permissions);
        let names = global.map(Permission::as_str).filter(|name| is_scope_token(name));
        let mut seen = HashSet::new();
        let distinct: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
        ActiveToken {
            scope: distinct.join(" "),
            client_id: app.as_str(),
            sub: token.spec.owner.named().map(ToString::to_string),
            exp: token.expires_at.map(|end| end.as_millis().div_euclid(1_000)),
            iat: token.created_at.as_millis().div_euclid(1_000),
            token_type: "Bearer",
            jti: token.id.to_string(),
            jeton_scopes: scopes.iter().map(ScopeShape::from).collect(),
        }
    }
}

/// Whether a name is valid in a list of scopes (RFC 6749 section 3.3).
fn is_scope_token(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'))
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| unreachable!("texts and numbers are always JSON"))
}
