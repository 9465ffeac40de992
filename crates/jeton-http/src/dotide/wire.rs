//! The JSON of Dotide's access tokens.

use super::zone::in_zone;
use jeton_core::Scope;
use jeton_service::{Listed, ShownSecret};
use jiff::tz::TimeZone;
use serde::Serialize;

/// A token as JSON text. A secret that is not kept is shown as `~` and the token's number, which paths accept
/// too.
pub(super) fn token(listed: &Listed, zone: &TimeZone) -> String {
    let handle = format!("~{}", listed.token.id);
    to_json(&AccessToken {
        access_token: match &listed.secret {
            ShownSecret::Clear(secret) => secret.expose(),
            ShownSecret::Masked(_) | ShownSecret::Gone => &handle,
        },
        scopes: listed.token.spec.scopes.as_slice().iter().map(ScopeShape::from).collect(),
        created_at: in_zone(listed.token.created_at, zone),
        updated_at: in_zone(listed.token.updated_at, zone),
    })
}

/// An error as JSON text.
pub(super) fn error_body(message: &str) -> String {
    to_json(&Message { message })
}

/// An error about scopes that are not valid, as JSON text.
pub(super) fn validation_body(message: &str) -> String {
    let errors = [FieldError { resource: "AccessToken", field: "scopes", code: "invalid" }];
    to_json(&Validation { message, errors })
}

/// The answer at the root of a version.
pub(super) fn version(version: &'static str) -> String {
    to_json(&Version { version })
}

/// A token.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AccessToken<'a> {
    /// The secret; where it is not kept, `~` and the number of the token, which paths take as well.
    access_token: &'a str,
    scopes: Vec<ScopeShape<'a>>,
    /// In the zone that was asked for, with its offset.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    created_at: String,
    /// In the zone that was asked for, with its offset.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    updated_at: String,
}

/// What a token allows, and on which resources.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Scope"))]
struct ScopeShape<'a> {
    permissions: Vec<&'a str>,
    /// Whether on every resource.
    global: bool,
    ids: &'a [String],
    /// All of which a resource must bear.
    tags: &'a [String],
}

impl<'a> From<&'a Scope> for ScopeShape<'a> {
    fn from(scope: &'a Scope) -> Self {
        ScopeShape {
            permissions: scope.permissions.iter().map(jeton_core::Permission::as_str).collect(),
            global: scope.global,
            ids: &scope.ids,
            tags: &scope.tags,
        }
    }
}

/// An error.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Error"))]
pub(super) struct Message<'a> {
    /// What is wrong.
    message: &'a str,
}

/// An error about scopes.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ValidationError"))]
pub(super) struct Validation<'a> {
    /// What is wrong.
    message: &'a str,
    errors: [FieldError; 1],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FieldError {
    resource: &'static str,
    field: &'static str,
    code: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Version {
    version: &'static str,
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| unreachable!("these shapes are always JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_fifteen_bytes_as_recorded() {
        assert_eq!(version("1"), r#"{"version":"1"}"#);
        assert_eq!(version("1").len(), 15);
    }
}
