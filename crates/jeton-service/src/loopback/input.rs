//! The properties of a row that a client gives.

use super::write::WriteRefusal;
use jeton_core::{Timestamp, UserId};
use jeton_loopback::Value;

/// The properties that a client gave, coerced to their declared types.
#[derive(Clone, Debug, Default)]
pub(super) struct RowInput {
    /// `None`: absent, null or empty.
    pub(super) id: Option<String>,
    pub(super) ttl: Option<Value>,
    /// `Some(None)`: null.
    pub(super) created: Option<Option<Timestamp>>,
    /// `Some(None)`: null.
    pub(super) user: Option<Option<UserId>>,
    pub(super) rest: Vec<(String, Value)>,
}

impl RowInput {
    pub(super) fn read(data: &Value) -> Result<Self, WriteRefusal> {
        let Value::Object(members) = data else { return Ok(RowInput::default()) };
        let mut input = RowInput::default();
        for (name, value) in members {
            match name.as_str() {
                "id" => input.id = Some(value.to_text()).filter(|id| *value != Value::Null && !id.is_empty()),
                "ttl" => input.ttl = Some(number_or_null(value)),
                "created" => input.created = Some(date_or_null(value)?),
                "userId" => input.user = Some(user_or_null(value)?),
                // The related user's id is the row's user, as in LoopBack; the rest of that object is
                // ignored.
                "user" => {
                    if let Some(id) = value.member("id") {
                        input.user = Some(user_or_null(id)?);
                    }
                }
                "__proto__" | "constructor" => {}
                _ => {
                    input.rest.retain(|(key, _)| key != name);
                    input.rest.push((name.clone(), value.clone()));
                }
            }
        }
        Ok(input)
    }
}

/// `Number(value)`; null stays null, and NaN becomes null, as JSON writes it.
fn number_or_null(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        value => Some(value.to_number()).filter(|number| !number.is_nan()).map_or(Value::Null, Value::Number),
    }
}

fn date_or_null(value: &Value) -> Result<Option<Timestamp>, WriteRefusal> {
    match value {
        Value::Null => Ok(None),
        value => {
            let instant = value.to_date().and_then(Timestamp::from_millis);
            instant.map(Some).ok_or(WriteRefusal::Created)
        }
    }
}

fn user_or_null(value: &Value) -> Result<Option<UserId>, WriteRefusal> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(text) => text.parse().map(Some).map_err(|_| WriteRefusal::User),
        // A rounded number may mean any of several users.
        Value::Number(_) | Value::Long(_) => value
            .as_exact_integer()
            .map(|number| Some(UserId::from_integer(number)))
            .ok_or(WriteRefusal::User),
        Value::Bool(_) | Value::List(_) | Value::Object(_) | Value::Date(_) => Err(WriteRefusal::User),
    }
}
