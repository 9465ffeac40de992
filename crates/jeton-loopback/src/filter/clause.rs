//! Tests of one property.

use super::pattern::Pattern;
use super::property::Property;
use super::row::{Path, Row, step, units, walk};
use super::user;
use crate::value::Value;
use jeton_core::{Halt, Meter};
use std::cmp::Ordering;

/// A test of one property. Absent values are null.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Both have the same text.
    Is(Value),
    IsNot(Value),
    Above(Value),
    AtLeast(Value),
    Below(Value),
    AtMost(Value),
    Between(Value, Value),
    OneOf(Vec<Value>),
    NoneOf(Vec<Value>),
    Like(Pattern),
    NotLike(Pattern),
    Matches(Pattern),
}

/// A test and the property that it applies to.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) property: Property,
    pub(super) path: Path,
    pub(super) test: Test,
}

impl Clause {
    pub(super) fn matches(&self, row: &(impl Row + ?Sized), meter: &mut Meter<'_>) -> Result<bool, Halt> {
        if self.property == Property::Id
            && let Some(verdict) = self.test.holds_by_id(row, meter)?
        {
            return Ok(verdict);
        }
        meter.charge(STEP + units(row.width()))?;
        self.holds(row.member(&self.path.first), &self.path.rest, meter)
    }

    /// Whether the test holds for the value that `names` lead to from `start` or, where lists occur on the
    /// way, for a value below one of their items.
    fn holds(&self, start: Option<&Value>, names: &[String], meter: &mut Meter<'_>) -> Result<bool, Halt> {
        let value = walk(start, names, meter)?;
        if let Some(Value::List(items)) = value {
            return match items.as_slice() {
                [] => Ok(self.test.is_negative()),
                items => any(items, |item| self.holds(Some(item), &[], meter)),
            };
        }
        if self.test.holds(value.unwrap_or(&Value::Null), self.property, meter)? {
            return Ok(true);
        }
        let [name, rest @ ..] = names else {
            return Ok(false);
        };
        match start {
            Some(Value::List(items)) => any(items, |item| self.holds(step(item, name), rest, meter)),
            Some(object @ Value::Object(_)) => self.holds(object.member(name), rest, meter),
            _ => Ok(false),
        }
    }

    /// Whether it cannot be decided by [`Row::has_id`], so the row must show its `id`.
    pub(super) fn needs_id(&self) -> bool {
        self.property == Property::Id
            && match &self.test {
                Test::Is(_) | Test::IsNot(_) | Test::OneOf(_) | Test::NoneOf(_) => false,
                Test::Above(_)
                | Test::AtLeast(_)
                | Test::Below(_)
                | Test::AtMost(_)
                | Test::Between(_, _)
                | Test::Like(_)
                | Test::NotLike(_)
                | Test::Matches(_) => true,
            }
    }

    /// Its pattern, if it has one.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match &self.test {
            Test::Like(pattern) | Test::NotLike(pattern) | Test::Matches(pattern) => Some(pattern),
            _ => None,
        }
    }
}

impl Test {
    fn holds(&self, value: &Value, property: Property, meter: &mut Meter<'_>) -> Result<bool, Halt> {
        meter.charge(STEP)?;
        let is_user = property == Property::UserId;
        let mut compares = |operand: &Value, holds: fn(Ordering) -> bool| {
            Ok(compare(value, operand, is_user, meter)?.is_some_and(holds))
        };
        match self {
            Test::Above(operand) => return compares(operand, Ordering::is_gt),
            Test::AtLeast(operand) => return compares(operand, Ordering::is_ge),
            Test::Below(operand) => return compares(operand, Ordering::is_lt),
            Test::AtMost(operand) => return compares(operand, Ordering::is_le),
            Test::Between(least, most) => {
                return Ok(compares(least, Ordering::is_ge)? && compares(most, Ordering::is_le)?);
            }
            _ => {}
        }
        let mut is_one_of = |items: &[Value]| match property {
            // The same equality as for a single operand, so that the implied users are exact.
            Property::Id | Property::UserId => any(items, |item| is(item, value, is_user, meter)),
            Property::Ttl | Property::Created | Property::Other => any(items, |item| {
                charge_equality(item, value, meter)?;
                Ok(item.loosely_equals(value))
            }),
        };
        match self {
            Test::Is(operand) => is(operand, value, is_user, meter),
            Test::IsNot(operand) => Ok(compare(operand, value, is_user, meter)? != Some(Ordering::Equal)),
            Test::OneOf(items) => is_one_of(items),
            Test::NoneOf(items) => Ok(!is_one_of(items)?),
            Test::Like(pattern) | Test::Matches(pattern) => matches(pattern, value, meter),
            Test::NotLike(pattern) => Ok(!matches(pattern, value, meter)?),
            Test::Above(_) | Test::AtLeast(_) | Test::Below(_) | Test::AtMost(_) | Test::Between(_, _) => {
                unreachable!("decided above")
            }
        }
    }

    /// The result of a test of `id` that only needs to compare it with certain texts.
    fn holds_by_id(&self, row: &(impl Row + ?Sized), meter: &mut Meter<'_>) -> Result<Option<bool>, Halt> {
        // Operands are texts or null, and every row has an id.
        let mut is = |operand: &Value| {
            meter.charge(STEP + row.id_units())?;
            Ok(matches!(operand, Value::Text(id) if row.has_id(id)))
        };
        Ok(match self {
            Test::Is(operand) => Some(is(operand)?),
            Test::IsNot(operand) => Some(!is(operand)?),
            Test::OneOf(items) => Some(any(items, is)?),
            Test::NoneOf(items) => Some(!any(items, is)?),
            _ => None,
        })
    }

    /// Whether it negates another test, so that an empty list passes.
    fn is_negative(&self) -> bool {
        matches!(self, Test::IsNot(_) | Test::NoneOf(_) | Test::NotLike(_))
    }
}

/// The part of the cost that is the same for all values, in units.
const STEP: u64 = 20;

/// Whether the test holds for one of the items; stops at the first.
fn any<'v>(items: &'v [Value], mut holds: impl FnMut(&'v Value) -> Result<bool, Halt>) -> Result<bool, Halt> {
    for item in items {
        if holds(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn matches(pattern: &Pattern, value: &Value, meter: &mut Meter<'_>) -> Result<bool, Halt> {
    match value {
        Value::Null => Ok(false),
        Value::Text(text) => pattern.matches(text, meter),
        value => {
            meter.charge(value.text_weight())?;
            pattern.matches(&value.to_text(), meter)
        }
    }
}

/// Whether `value` equals `operand`: both are null, or their texts are the same. An object equals nothing.
fn is(operand: &Value, value: &Value, are_users: bool, meter: &mut Meter<'_>) -> Result<bool, Halt> {
    charge_equality(operand, value, meter)?;
    if are_users {
        return Ok(user::is(operand, value));
    }
    Ok(match (operand, value) {
        (Value::Null, _) | (_, Value::Null) => operand == value,
        (Value::Object(_), _) | (_, Value::Object(_)) => false,
        (Value::Text(one), Value::Text(two)) => one == two,
        (Value::Number(one), Value::Number(two)) => one == two,
        _ => operand.to_text() == value.to_text(),
    })
}

/// Charges the comparison of two values.
fn charge_equality(one: &Value, two: &Value, meter: &mut Meter<'_>) -> Result<(), Halt> {
    meter.charge(match (one, two) {
        (Value::Null | Value::Object(_), _) | (_, Value::Null | Value::Object(_)) => STEP,
        // Machines compare many bytes at once, and none if the lengths differ.
        (Value::Text(one), Value::Text(two)) if one.len() == two.len() => STEP + units(one.len() / 8),
        (Value::Text(_), Value::Text(_)) => STEP,
        (one, two) => STEP + one.text_weight() + two.text_weight(),
    })
}

/// How `one` and `two` compare; `None` if one of them is null or an object, or if their types are not
/// comparable.
fn compare(
    one: &Value,
    two: &Value,
    are_users: bool,
    meter: &mut Meter<'_>,
) -> Result<Option<Ordering>, Halt> {
    match (one, two) {
        (Value::Null, Value::Null) => Ok(Some(Ordering::Equal)),
        (Value::Null | Value::Object(_) | Value::List(_), _) | (_, Value::Null) => Ok(None),
        _ => compare_values(one, two, are_users, meter),
    }
}

/// [`Value::compare`], or its counterpart for users, charged.
pub(super) fn compare_values(
    one: &Value,
    two: &Value,
    are_users: bool,
    meter: &mut Meter<'_>,
) -> Result<Option<Ordering>, Halt> {
    meter.charge(match (one, two) {
        (Value::Text(one), Value::Text(two)) => STEP + units(one.len().min(two.len()) / 4),
        _ => STEP + one.text_weight() + two.text_weight(),
    })?;
    Ok(if are_users { user::compare(one, two) } else { one.compare(two) })
}
