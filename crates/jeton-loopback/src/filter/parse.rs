//! Parsing the tests of one property.

use super::budget::Budget;
use super::clause::Test;
use super::error::{ClauseError, FilterError};
use super::pattern::{Pattern, PatternError};
use super::property::Property;
use crate::value::Value;

/// Parses the tests of the property `name`.
pub(super) fn parse_test(
    name: &str,
    property: Property,
    clause: &Value,
    budget: &mut Budget,
) -> Result<Test, FilterError> {
    let operator = budget.operators.iter().find_map(|operator| Some((*operator, clause.member(operator)?)));
    let Some((operator, operand)) = operator else {
        // An object whose names count up from 0 is a list; any other has no known operator, and matches
        // nothing.
        let items = if property == Property::Other { None } else { indexed(clause) };
        budget.spend(1 + items.as_ref().map_or(0, Vec::len))?;
        return Ok(Test::Is(match items {
            Some(items) => property.coerce(&list(&items))?,
            None => property.coerce(clause)?,
        }));
    };
    let refused = |error| FilterError::Clause { property: name.to_owned(), clause: clause.clone(), error };
    let text = || match operand {
        Value::Text(text) => Ok(text.clone()),
        // An undeclared property may be a number.
        Value::Number(_) | Value::Long(_) | Value::Bool(_) if property == Property::Other => {
            Ok(operand.to_text())
        }
        _ => Err(ClauseError::NotText),
    };
    budget.spend(1)?;
    Ok(match operator {
        "gt" => Test::Above(property.coerce(operand)?),
        "gte" => Test::AtLeast(property.coerce(operand)?),
        "lt" => Test::Below(property.coerce(operand)?),
        "lte" => Test::AtMost(property.coerce(operand)?),
        "neq" => Test::IsNot(property.coerce(operand)?),
        "like" | "nlike" | "ilike" | "nilike" | "regexp" => {
            budget.spend_pattern()?;
            let like = |ignore_case| Ok(Pattern::like(&text()?, ignore_case)?);
            let regexp = || Ok(Pattern::regexp(&text().map_err(|_| PatternError::NotText)?)?);
            let pattern = match operator {
                "regexp" => regexp(),
                operator => like(operator.contains("il")),
            };
            let pattern = pattern.map_err(refused)?;
            budget.spend_pattern_bytes(pattern.bytes())?;
            match operator {
                "regexp" => Test::Matches(pattern),
                operator if operator.starts_with('n') => Test::NotLike(pattern),
                _ => Test::Like(pattern),
            }
        }
        // The other operators take a list: inq, nin, between.
        _ => {
            let items = indexed(operand).ok_or_else(|| refused(ClauseError::NotIndexed))?;
            budget.spend(items.len())?;
            let items = items.into_iter().map(|item| property.coerce(item)).collect::<Result<Vec<_>, _>>()?;
            match (operator, items.as_slice()) {
                ("inq", _) => Test::OneOf(items),
                ("nin", _) => Test::NoneOf(items),
                (_, [least, most]) => Test::Between(least.clone(), most.clone()),
                (_, items) => return Err(refused(ClauseError::NotTwo(items.len()))),
            }
        }
    })
}

/// The items of a list, or of an object whose names count up from 0.
pub(super) fn indexed(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::List(items) => Some(items.iter().collect()),
        Value::Object(members) => {
            let mut items = vec![None; members.len()];
            for (name, value) in members {
                let place: usize = name.parse().ok().filter(|place: &usize| place.to_string() == *name)?;
                *items.get_mut(place)? = Some(value);
            }
            items.into_iter().collect()
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Long(_)
        | Value::Text(_)
        | Value::Date(_) => None,
    }
}

fn list(items: &[&Value]) -> Value {
    Value::List(items.iter().map(|item| (*item).clone()).collect())
}
