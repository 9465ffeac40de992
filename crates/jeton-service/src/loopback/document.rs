//! The document of a token: what LoopBack's clients stored beyond the fields of every token.

use super::expiry::Expiry;
use super::input::RowInput;
use jeton_core::{Document, Timestamp, Token};
use jeton_loopback::Value;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value as Json};

/// The document of a token that was written over LoopBack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LoopBackDocument {
    /// The lifetime as it was stored; `None`: none was given, or the actual lifetime is shorter.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub(super) ttl: Option<Json>,
    /// When a token with that lifetime expires. If the token's expiry differs, it was set elsewhere, and the
    /// stored lifetime is obsolete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl_ends_at: Option<i64>,
    /// Whether `created` was stored as null.
    pub(super) created_is_null: bool,
    /// Whether `userId` was stored as null.
    pub(super) user_is_null: bool,
    /// The members with other names, in the order in which they were written.
    pub(super) rest: Map<String, Json>,
}

impl LoopBackDocument {
    /// The document of a row with this input, without its expiry.
    pub(super) fn new(input: &RowInput) -> Self {
        LoopBackDocument {
            user_is_null: input.user == Some(None),
            rest: input.rest.iter().map(|(name, value)| (name.clone(), to_json(value))).collect(),
            ..LoopBackDocument::default()
        }
    }

    /// Stores the lifetime as given, if it is about the actual one.
    pub(super) fn set_expiry(&mut self, expiry: &Expiry, now: Timestamp) {
        let ttl = expiry.ttl_that_holds(now);
        self.ttl = ttl.map(to_json);
        self.ttl_ends_at = ttl.and(expiry.expires_at()).map(Timestamp::as_millis);
        self.created_is_null = expiry.created_is_null();
    }

    /// The document of a token; an empty one if it has none.
    pub(super) fn of(token: &Token) -> Option<Self> {
        match &token.spec.document {
            None => Some(LoopBackDocument::default()),
            Some(document) => serde_json::from_str(document.as_str()).ok(),
        }
    }

    /// `None`: it has more than `max_bytes`, or is nested too deep to be read again.
    pub(super) fn into_document(self, max_bytes: usize) -> Option<Document> {
        let text =
            serde_json::to_string(&self).unwrap_or_else(|_| unreachable!("maps of values are always JSON"));
        // The members are one level deeper here than in the request, whose depth is limited by the same
        // parser. A row that cannot be read would make every list that contains it fail.
        serde_json::from_str::<Self>(&text).ok()?;
        Document::new(text).ok().filter(|document| document.as_str().len() <= max_bytes)
    }
}

/// The given value, null included, which is not the same as absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// An untyped value as JSON. What JSON cannot express, such as NaN, is null, as with `JSON.stringify`.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(_) | Value::Long(_) => {
            Number::from_f64(value.to_number()).map_or(Json::Null, Json::Number)
        }
        Value::Text(text) => Json::String(text.clone()),
        Value::Date(_) => Json::String(value.to_text()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), to_json(value))).collect())
        }
    }
}

/// Parsed JSON as an untyped value: every number is a double, except 64-bit integers, which stay exact, and
/// of members with the same name the last counts.
pub fn value_of_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::integer(integer),
            None => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value_of_json).collect()),
        Json::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), value_of_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MAX: usize = 16 * 1024;

    #[test]
    fn values_survive() {
        let value = json!({"b": [1.5, null, true], "a": {"x": "\u{0}"}});
        assert_eq!(to_json(&value_of_json(&value)), json!({"b": [1.5, null, true], "a": {"x": "\u{0}"}}));
        assert_eq!(to_json(&Value::Number(f64::NAN)), Json::Null);
        assert_eq!(to_json(&Value::Date(0)), json!("1970-01-01T00:00:00.000Z"));
        let document =
            LoopBackDocument { rest: value.as_object().unwrap().clone(), ..LoopBackDocument::default() };
        let text = document.clone().into_document(MAX).unwrap();
        assert_eq!(serde_json::from_str::<LoopBackDocument>(text.as_str()).unwrap(), document);
        // A NUL is escaped: PostgreSQL stores none.
        assert!(!text.as_str().contains('\0'));
    }

    #[test]
    fn a_lifetime_of_null_is_not_none() {
        for ttl in [None, Some(Json::Null), Some(json!(7))] {
            let document = LoopBackDocument { ttl, ..LoopBackDocument::default() };
            let text = document.clone().into_document(MAX).unwrap();
            assert_eq!(serde_json::from_str::<LoopBackDocument>(text.as_str()).unwrap(), document);
        }
    }

    #[test]
    fn what_could_not_be_read_again_is_not_kept() {
        let nested = |depth| (1..depth).fold(json!([]), |inner, _| json!([inner]));
        let document = |depth| {
            let mut document = LoopBackDocument::default();
            document.rest.insert("x".to_owned(), nested(depth));
            document.into_document(MAX)
        };
        assert!(document(125).is_some());
        assert!(document(126).is_none());
    }

    #[test]
    fn it_is_bounded() {
        let mut document = LoopBackDocument::default();
        document.rest.insert("x".to_owned(), json!("y".repeat(16_000)));
        assert!(document.clone().into_document(MAX).is_some());
        document.rest.insert("z".to_owned(), json!("y".repeat(1_000)));
        assert!(document.into_document(MAX).is_none());
    }
}
