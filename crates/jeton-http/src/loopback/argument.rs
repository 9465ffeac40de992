//! The arguments of a method: `filter`, `where`, and the data of writes.

use super::error::LoopBackError;
use super::qs::coerce;
use super::wire::value_to_json;
use axum::http::HeaderMap;
use jeton_loopback::{Profile, Value};
use jeton_service::value_of_json;

/// Where arguments come from.
pub(super) struct Arguments<'a> {
    pub(super) query: &'a Value,
    pub(super) body: Option<&'a Value>,
    pub(super) headers: &'a HeaderMap,
    pub(super) profile: &'static Profile,
}

impl Arguments<'_> {
    /// The object with this name: a member of the body, or else of the query, or else a header. A text is
    /// parsed as JSON; nested values of a query have their texts coerced. Null if it is absent.
    pub(super) fn object(&self, name: &'static str) -> Result<Value, LoopBackError> {
        if let Some(value) = self.body.and_then(|body| body.member(name)) {
            return of_value(name, value.clone());
        }
        if let Some(value) = self.query.member(name) {
            return match value {
                Value::Text(_) => of_value(name, value.clone()),
                nested if self.profile.coerces_query => of_value(name, coerce(nested.clone())),
                nested => of_value(name, nested.clone()),
            };
        }
        match self.headers.get(name).map(|value| std::str::from_utf8(value.as_bytes())) {
            Some(Ok(text)) => of_value(name, Value::Text(text.to_owned())),
            Some(Err(_)) | None => Ok(Value::Null),
        }
    }

    /// The object with this name in the query only; `None` if it is absent.
    pub(super) fn query_object(&self, name: &'static str) -> Result<Option<Value>, LoopBackError> {
        self.query.member(name).map(|value| of_value(name, value.clone())).transpose()
    }

    /// The data of a write: the body; empty if there is none.
    pub(super) fn data(&self) -> Result<Value, LoopBackError> {
        match self.body {
            Some(body) => of_value("data", body.clone()),
            None => Ok(Value::Object(Vec::new())),
        }
    }

    /// The same if `data` in the query replaces an absent body, as LoopBack documents for `PUT /:id`.
    pub(super) fn documented_data(&self) -> Result<Value, LoopBackError> {
        match (self.body, self.query_object("data")?) {
            (None, Some(data)) => Ok(data),
            _ => self.data(),
        }
    }
}

fn of_value(name: &'static str, value: Value) -> Result<Value, LoopBackError> {
    let converted = |value: &Value, kind: &str| {
        let text = value_to_json(value);
        LoopBackError::bad(format!(
            "Invalid value for argument '{name}' of type 'object': {text}. Received type was converted to {kind}."
        ))
    };
    let mistyped = |value: &Value, kind: &str| {
        let text = value_to_json(value);
        LoopBackError::bad(format!(
            "invalid value for argument '{name}' of type 'object': {text}. Received type was {kind}. Error: {name} must \
             be object"
        ))
    };
    let read = match value {
        Value::Number(_) | Value::Long(_) | Value::Date(_) => return Err(mistyped(&value, "number")),
        Value::Bool(_) => return Err(mistyped(&value, "boolean")),
        Value::Text(text) => match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(json) => value_of_json(&json),
            Err(error) => {
                return Err(LoopBackError::bad(format!(
                    "invalid value for argument '{name}' of type 'object': {text}. Received type was string. Error: \
                     this is not JSON, column {}",
                    error.column()
                )));
            }
        },
        other => other,
    };
    match &read {
        Value::Object(_) | Value::List(_) => Ok(read),
        Value::Null => Err(converted(&read, "object")),
        Value::Bool(_) => Err(converted(&read, "boolean")),
        Value::Number(_) | Value::Long(_) | Value::Date(_) => Err(converted(&read, "number")),
        Value::Text(_) => Err(converted(&read, "string")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::qs::parse_query;
    use super::*;

    #[test]
    fn texts_nested_in_a_query_are_coerced_where_the_version_does() {
        const TEXTS: Profile = Profile { coerces_query: false, ..Profile::V2 };
        let (query, headers) = (parse_query("filter[limit]=2"), HeaderMap::new());
        let limit = |profile| {
            let arguments = Arguments { query: &query, body: None, headers: &headers, profile };
            arguments.object("filter").unwrap().member("limit").cloned()
        };
        assert_eq!(limit(&Profile::V2), Some(Value::Number(2.0)));
        assert_eq!(limit(&TEXTS), Some(Value::Text("2".to_owned())));
    }
}
