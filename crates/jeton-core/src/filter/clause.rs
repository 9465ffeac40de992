//! What is asked of one property.

use super::coerce::Property;
use super::pattern::{Like, Pattern};
use super::row::{Path, Row, step, walk};
use super::user;
use crate::value::Value;
use std::cmp::Ordering;

/// A test of one property. Absent values are null.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// The texts of both are the same.
    Is(Value),
    IsNot(Value),
    Above(Value),
    AtLeast(Value),
    Below(Value),
    AtMost(Value),
    Between(Value, Value),
    OneOf(Vec<Value>),
    NoneOf(Vec<Value>),
    Like(Like),
    NotLike(Like),
    Matches(Pattern),
}

/// A test, and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) property: Property,
    pub(super) path: Path,
    pub(super) test: Test,
}

impl Clause {
    pub(super) fn matches(&self, row: &(impl Row + ?Sized)) -> bool {
        if self.property == Property::Id
            && let Some(verdict) = self.test.holds_by_id(|id| row.has_id(id))
        {
            return verdict;
        }
        self.holds(row.member(&self.path.first), &self.path.rest)
    }

    /// Whether the test holds for what lies `names` below `start`, or, where lists lie on the way, below one of
    /// their items.
    fn holds(&self, start: Option<&Value>, names: &[String]) -> bool {
        let value = walk(start, names);
        if let Some(Value::List(items)) = value {
            return match items.as_slice() {
                [] => self.test.is_negative(),
                items => items.iter().any(|item| self.holds(Some(item), &[])),
            };
        }
        if self.test.holds(value.unwrap_or(&Value::Null), self.property) {
            return true;
        }
        let [name, rest @ ..] = names else {
            return false;
        };
        match start {
            Some(Value::List(items)) => items.iter().any(|item| self.holds(step(item, name), rest)),
            Some(object @ Value::Object(_)) => self.holds(object.member(name), rest),
            _ => false,
        }
    }

    /// Whether it cannot be decided by [`Row::has_id`]: the row must show its `id`.
    pub(super) fn needs_id(&self) -> bool {
        self.property == Property::Id && self.test.holds_by_id(|_| false).is_none()
    }
}

impl Test {
    fn holds(&self, value: &Value, property: Property) -> bool {
        let is_user = property == Property::UserId;
        let is = |operand: &Value, value: &Value| {
            if is_user { user::is(operand, value) } else { is(operand, value) }
        };
        let compare = |one: &Value, two: &Value| {
            comparable(one, two, if is_user { user::compare } else { Value::compare })
        };
        let is_one_of = |items: &[Value]| match property {
            // The same equality as without a list, so that what is implied of the user is exact.
            Property::Id | Property::UserId => items.iter().any(|item| is(item, value)),
            Property::Ttl | Property::Created | Property::Other => {
                items.iter().any(|item| item.loosely_equals(value))
            }
        };
        match self {
            Test::Is(operand) => is(operand, value),
            Test::IsNot(operand) => compare(operand, value) != Some(Ordering::Equal),
            Test::Above(operand) => compare(value, operand).is_some_and(Ordering::is_gt),
            Test::AtLeast(operand) => compare(value, operand).is_some_and(Ordering::is_ge),
            Test::Below(operand) => compare(value, operand).is_some_and(Ordering::is_lt),
            Test::AtMost(operand) => compare(value, operand).is_some_and(Ordering::is_le),
            Test::Between(least, most) => {
                compare(value, least).is_some_and(Ordering::is_ge)
                    && compare(value, most).is_some_and(Ordering::is_le)
            }
            Test::OneOf(items) => is_one_of(items),
            Test::NoneOf(items) => !is_one_of(items),
            Test::Like(like) => *value != Value::Null && like.matches(&value.to_text()),
            Test::NotLike(like) => *value == Value::Null || !like.matches(&value.to_text()),
            Test::Matches(pattern) => *value != Value::Null && pattern.matches(&value.to_text()),
        }
    }

    /// The verdict on an `id`, where knowing whether it is a certain text is enough.
    fn holds_by_id(&self, has_id: impl Fn(&str) -> bool) -> Option<bool> {
        // Operands are texts or null, and no row is without an id.
        let is = |operand: &Value| matches!(operand, Value::Text(id) if has_id(id));
        match self {
            Test::Is(operand) => Some(is(operand)),
            Test::IsNot(operand) => Some(!is(operand)),
            Test::OneOf(items) => Some(items.iter().any(is)),
            Test::NoneOf(items) => Some(!items.iter().any(is)),
            Test::Above(_)
            | Test::AtLeast(_)
            | Test::Below(_)
            | Test::AtMost(_)
            | Test::Between(_, _)
            | Test::Like(_)
            | Test::NotLike(_)
            | Test::Matches(_) => None,
        }
    }

    /// Whether it is the denial of another test, which an empty list then passes.
    fn is_negative(&self) -> bool {
        matches!(self, Test::IsNot(_) | Test::NoneOf(_) | Test::NotLike(_))
    }
}

/// Whether `value` is `operand`: both are null, or their texts are the same. Nothing is an object.
fn is(operand: &Value, value: &Value) -> bool {
    match (operand, value) {
        (Value::Null, _) | (_, Value::Null) => operand == value,
        (Value::Object(_), _) | (_, Value::Object(_)) => false,
        (Value::Text(one), Value::Text(two)) => one == two,
        (Value::Number(one), Value::Number(two)) => one == two,
        _ => operand.to_text() == value.to_text(),
    }
}

/// How `one` and `two` compare; `None` if one of them is null or an object, or they are of kinds that do not compare.
fn comparable(one: &Value, two: &Value, compare: fn(&Value, &Value) -> Option<Ordering>) -> Option<Ordering> {
    match (one, two) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null | Value::Object(_) | Value::List(_), _) | (_, Value::Null) => None,
        _ => compare(one, two),
    }
}
