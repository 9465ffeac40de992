//! Coercion of operands to the declared types.

use super::error::FilterError;
use super::user;
use crate::value::Value;

/// The declaration of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    Id,
    Ttl,
    Created,
    UserId,
    /// Undeclared, or nested in another property.
    Other,
}

impl Property {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "id" => Property::Id,
            "ttl" => Property::Ttl,
            "created" => Property::Created,
            "userId" => Property::UserId,
            _ => Property::Other,
        }
    }

    /// `value` coerced to the type of the property. Null belongs to every type; a list is coerced item by
    /// item.
    pub(super) fn coerce(self, value: &Value) -> Result<Value, FilterError> {
        match (self, value) {
            (_, Value::Null) | (Property::Other, _) => Ok(value.clone()),
            (Property::UserId, _) => Ok(user::coerce(value)),
            (_, Value::List(items)) => {
                items.iter().map(|item| self.coerce(item)).collect::<Result<_, _>>().map(Value::List)
            }
            (Property::Id, _) => Ok(Value::Text(value.to_text())),
            (Property::Created, _) => {
                value.to_date().map(Value::Date).ok_or_else(|| FilterError::Date(value.clone()))
            }
            (Property::Ttl, _) => {
                let number = value.to_number();
                Ok(if number.is_nan() { value.clone() } else { Value::Number(number) })
            }
        }
    }
}
