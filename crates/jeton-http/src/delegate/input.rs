//! Requests of delegation. Bodies are JSON whatever their content type. Errors name a member and never quote its value.

use super::error::DelegateError;
use crate::transport::members::{read_json, unknown};
use crate::transport::wire::scope_draft;
use jeton_core::{Lifetime, MAX_INTEGER, UseLimitError};
use jeton_service::{ChildDraft, ScopeDraft, addresses_of_json, rates_of_json, uses_of_json};
use serde_json::{Map, Value};

/// The members of a request.
pub(super) const MEMBERS: [&str; 6] =
    ["title", "scopes", "expires_in_seconds", "allowed_addresses", "uses", "rates"];

/// Parses the body. Every member may be left out, and `null` is as if it were.
pub(super) fn draft(body: &[u8]) -> Result<ChildDraft, DelegateError> {
    let Value::Object(members) = read_json(body, "the body").map_err(DelegateError::Json)? else {
        return Err(DelegateError::Json("the body must be a JSON object".to_owned()));
    };
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(DelegateError::Member(unknown(name, &MEMBERS)));
    }
    Ok(ChildDraft {
        title: title(&members)?,
        scopes: scopes(&members)?,
        lifetime: lifetime(&members)?,
        allowed_addresses: get(&members, "allowed_addresses")
            .map(addresses_of_json)
            .transpose()?
            .unwrap_or_default(),
        uses: get(&members, "uses")
            .map(|value| uses_of_json(value).map_err(|_| misfit("uses", &UseLimitError::Uses.to_string())))
            .transpose()?,
        rates: get(&members, "rates").map(rates_of_json).transpose()?.unwrap_or_default(),
    })
}

/// The member of that name; `None` also for `null`.
fn get<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

fn misfit(name: &str, wanted: &str) -> DelegateError {
    DelegateError::Member(format!("{name} {wanted}"))
}

fn title(members: &Map<String, Value>) -> Result<Option<String>, DelegateError> {
    match get(members, "title") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(misfit("title", "must be a string")),
    }
}

fn scopes(members: &Map<String, Value>) -> Result<Option<Vec<ScopeDraft>>, DelegateError> {
    match get(members, "scopes") {
        None => Ok(None),
        Some(Value::Array(scopes)) => {
            let scopes: Result<_, _> = scopes.iter().map(scope_draft).collect();
            scopes.map(Some).map_err(DelegateError::Member)
        }
        Some(_) => Err(misfit("scopes", "must be a list of scopes")),
    }
}

fn lifetime(members: &Map<String, Value>) -> Result<Option<Lifetime>, DelegateError> {
    let Some(value) = get(members, "expires_in_seconds") else { return Ok(None) };
    // JSON does not tell 60.0 from 60.
    let of_float = || {
        let whole = value.as_f64().filter(|number| number.fract() == 0.0)?;
        (whole.abs() <= MAX_INTEGER as f64).then_some(whole as i64)
    };
    match value.as_i64().or_else(of_float) {
        Some(-1) => Ok(Some(Lifetime::Unlimited)),
        Some(seconds @ 1..) => Ok(Some(Lifetime::seconds(seconds))),
        Some(_) | None => Err(misfit("expires_in_seconds", "must be an integer from 1 on, or -1: for ever")),
    }
}
