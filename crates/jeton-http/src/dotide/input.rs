//! Requests of Dotide. Bodies are JSON whatever their content type; a write with unknown members is refused.
//!
//! Errors never quote a value, which may be a misplaced secret.

use super::error::DotideError;
use crate::transport::members::{read_json, unknown};
use crate::transport::url::pairs;
use jeton_core::{Permission, Scope, Scopes};
use serde_json::{Map, Value};

/// Dotide's permissions.
pub(super) const PERMISSIONS: &[&str] = &["read", "write", "delete"];

/// The members of a body that have a meaning, those of answers, and those of a scope. Clients may send back
/// what they read.
const WRITTEN: &[&str] = &["scopes", "tz"];
pub(super) const SHOWN: &[&str] = &["access_token", "created_at", "updated_at"];
pub(super) const OF_SCOPES: &[&str] = &["permissions", "global", "ids", "tags"];
/// The query parameters of writes.
const OF_WRITES: &[&str] = &["tz"];

/// The parameters of a query.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
    pub(super) tz: Option<String>,
}

/// The body of a create or an update.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) scopes: Option<Scopes>,
    pub(super) tz: Option<String>,
}

impl Query {
    pub(super) fn parse(query: &str) -> Result<Self, DotideError> {
        let pairs = pairs(query.as_bytes()).ok_or(DotideError::Bad("the query is not UTF-8".into()))?;
        let (mut limit, mut offset, mut tz) = (None, None, None);
        for (name, value) in pairs {
            let is_second = match name.as_str() {
                "limit" => limit.replace(count(&name, &value)?).is_some(),
                "offset" => offset.replace(count(&name, &value)?).is_some(),
                "tz" => tz.replace(value).is_some(),
                _ => false,
            };
            if is_second {
                return Err(bad(format!("{name} stands more than once in the query")));
            }
        }
        Ok(Query { limit, offset: offset.unwrap_or_default(), tz })
    }

    /// The query of a write, where an unknown parameter may have been meant as a limitation.
    pub(super) fn of_write(query: &str) -> Result<Self, DotideError> {
        let pairs = pairs(query.as_bytes()).ok_or(DotideError::Bad("the query is not UTF-8".into()))?;
        match pairs.iter().find(|(name, _)| !OF_WRITES.contains(&name.as_str())) {
            Some((name, _)) => Err(bad(format!("in the query, {}", unknown(name, OF_WRITES)))),
            None => Query::parse(query),
        }
    }
}

impl Input {
    pub(super) fn parse(body: &[u8]) -> Result<Self, DotideError> {
        let Value::Object(members) = read_json(body, "the body").map_err(bad)? else {
            return Err(DotideError::Bad("the body must be a JSON object".into()));
        };
        let is_written = |name: &String| WRITTEN.contains(&name.as_str());
        let strange = |name: &&String| !is_written(name) && !SHOWN.contains(&name.as_str());
        if let Some(name) = members.keys().find(strange) {
            return Err(bad(unknown(name, WRITTEN)));
        }
        if !members.is_empty() && !members.keys().any(is_written) {
            return Err(bad("there is nothing to write: scopes".to_owned()));
        }
        let tz = match members.get("tz") {
            None | Some(Value::Null) => None,
            Some(Value::String(tz)) => Some(tz.clone()),
            Some(_) => return Err(DotideError::Bad("tz must be a string".into())),
        };
        let scopes = match members.get("scopes") {
            None => None,
            Some(Value::Array(scopes)) => {
                let scopes: Result<Vec<Scope>, DotideError> = scopes.iter().map(scope).collect();
                Some(Scopes::new(scopes?).map_err(|limit| invalid(limit.to_string()))?)
            }
            Some(_) => return Err(invalid("scopes must be an array")),
        };
        Ok(Input { scopes, tz })
    }
}

fn scope(value: &Value) -> Result<Scope, DotideError> {
    let Value::Object(members) = value else { return Err(invalid("a scope must be an object")) };
    if let Some(name) = members.keys().find(|name| !OF_SCOPES.contains(&name.as_str())) {
        return Err(bad(format!("in a scope, {}", unknown(name, OF_SCOPES))));
    }
    let global = match members.get("global") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(global)) => *global,
        Some(_) => return Err(invalid("global must be true or false")),
    };
    let names: Result<Vec<Permission>, _> =
        texts(members, "permissions")?.iter().map(|name| Permission::held(name)).collect();
    let permissions = names.map_err(|error| invalid(error.to_string()))?;
    Ok(Scope { permissions, global, ids: texts(members, "ids")?, tags: texts(members, "tags")? })
}

fn texts(members: &Map<String, Value>, name: &str) -> Result<Vec<String>, DotideError> {
    let wanted = || invalid(format!("{name} must be an array of strings"));
    match members.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wanted)).collect()
        }
        Some(_) => Err(wanted()),
    }
}

fn count(name: &str, value: &str) -> Result<u64, DotideError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let count: Option<u32> = if digits { value.parse().ok() } else { None };
    count.map(u64::from).ok_or_else(|| DotideError::Bad(format!("{name} must be 0 to {}", u32::MAX).into()))
}

fn bad(text: String) -> DotideError {
    DotideError::Bad(text.into())
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> DotideError {
    DotideError::Scopes(text.into())
}
