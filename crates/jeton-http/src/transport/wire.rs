//! How Jeton's own APIs show parts of tokens, and are sent them. Published APIs have shapes of their own.

use crate::transport::instant::rfc3339;
use crate::transport::members::unknown;
use jeton_core::{Permission, Scope, Timestamp, UseRate, UserId};
use jeton_service::ScopeDraft;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Borrow;

/// A number where every client reads it exactly, otherwise a text.
pub(crate) struct UserIdShape<U>(pub(crate) U);

impl<U: Borrow<UserId>> Serialize for UserIdShape<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let user_id = self.0.borrow();
        match user_id.as_safe_integer() {
            Some(number) => serializer.serialize_i64(number),
            None => serializer.collect_str(user_id),
        }
    }
}

#[cfg(test)]
impl<U> schemars::JsonSchema for UserIdShape<U> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UserId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An integer below 2^53 as a number, any other user as a text.",
            "anyOf": [{"type": "integer", "format": "int64"}, {"type": "string"}],
        })
    }
}

/// An instant as RFC 3339 in UTC, with milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InstantShape(pub(crate) Timestamp);

impl Serialize for InstantShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

#[cfg(test)]
impl schemars::JsonSchema for InstantShape {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

/// A scope with all of its members. It covers a resource if it is global, lists its id, or has tags all of which
/// the resource bears.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Scope"))]
pub(crate) struct ScopeShape<'a> {
    /// The names of what it allows.
    permissions: Vec<&'a str>,
    /// Whether on every resource.
    global: bool,
    /// The ids of resources.
    ids: &'a [String],
    /// The tags that a resource must bear.
    tags: &'a [String],
}

impl<'a> From<&'a Scope> for ScopeShape<'a> {
    fn from(scope: &'a Scope) -> Self {
        ScopeShape {
            permissions: scope.permissions.iter().map(Permission::as_str).collect(),
            global: scope.global,
            ids: &scope.ids,
            tags: &scope.tags,
        }
    }
}

/// A scope as it is sent. Its members are known by then.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeInput {
    permissions: Vec<String>,
    global: bool,
    ids: Vec<String>,
    tags: Vec<String>,
}

/// A scope as it is sent.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn scope_draft(value: &Value) -> Result<ScopeDraft, String> {
    const MEMBERS: &[&str] = &["permissions", "global", "ids", "tags"];
    let wanted = "a scope is an object: permissions (list of texts), global (true or false), ids and tags (lists of \
                  texts); all may be left out";
    let members = value.as_object().ok_or(wanted)?;
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(format!("in a scope, {}", unknown(name, MEMBERS)));
    }
    let ScopeInput { permissions, global, ids, tags } = ScopeInput::deserialize(value).map_err(|_| wanted)?;
    Ok(ScopeDraft { permissions, global, ids, tags })
}

/// So many uses in so many seconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Rate"))]
pub(crate) struct RateShape {
    /// How many uses there may be at once; so many become available again in the time.
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000)))]
    limit: u32,
    /// The time in seconds.
    #[cfg_attr(test, schemars(range(min = 1, max = 2_592_000)))]
    per_seconds: u32,
}

impl From<UseRate> for RateShape {
    fn from(rate: UseRate) -> Self {
        RateShape { limit: rate.limit(), per_seconds: rate.per_seconds() }
    }
}
