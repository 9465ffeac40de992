//! Users in conditions and orders: two different users are never equal.
//!
//! LoopBack declares `userId` to be a number, and JavaScript rounds numbers. Here user ids are compared by
//! their digits if they are integers; only values that are not user ids are coerced as in LoopBack.

use crate::value::Value;
use jeton_core::UserId;
use std::cmp::Ordering;

/// An operand in the form in which rows show users: a number where that is exact, otherwise a text. A value
/// that names no user, such as a boolean, becomes its ECMAScript number.
pub(super) fn coerce(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Long(number) => Value::Text(number.to_string()),
        Value::List(items) => Value::List(items.iter().map(coerce).collect()),
        Value::Text(text) if !text.is_empty() => {
            let number = text.parse().ok().and_then(|user: UserId| user.as_safe_integer());
            number.map_or_else(|| value.clone(), Value::integer)
        }
        Value::Text(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Date(_) => {
            let number = value.to_number();
            if number.is_nan() { value.clone() } else { Value::Number(number) }
        }
    }
}

/// The text of the user that an operand names. `None`: it names none, for example a rounded number.
pub(super) fn named(operand: &Value) -> Option<String> {
    let is_exact = match operand {
        Value::Null | Value::Object(_) => false,
        Value::Number(_) => operand.as_exact_integer().is_some(),
        Value::List(items) => {
            let is_exact = |item: &Value| *item == Value::Null || named(item).is_some();
            items.iter().all(is_exact)
        }
        Value::Text(_) | Value::Long(_) | Value::Bool(_) | Value::Date(_) => true,
    };
    is_exact.then(|| operand.to_text())
}

/// Whether a row's user is the one that the operand names; null equals null.
pub(super) fn is(operand: &Value, value: &Value) -> bool {
    match (operand, value) {
        (Value::Null, _) | (_, Value::Null) => operand == value,
        (_, Value::Object(_)) => false,
        (Value::Text(one), Value::Text(two)) => one == two,
        (Value::Number(one), Value::Number(two)) => one == two && operand.as_exact_integer().is_some(),
        _ => named(operand).is_some_and(|text| text == value.to_text()),
    }
}

/// How two users compare: integers as such, however large; others by [`Value::compare`], except that two
/// different users are never equal.
pub(super) fn compare(one: &Value, two: &Value) -> Option<Ordering> {
    let order = match (integer(one), integer(two)) {
        (Some(one), Some(two)) => return Some(one.cmp(&two)),
        (Some(integer), None) => match two {
            Value::Number(double) => compare_with_double(integer, *double),
            _ => one.compare(two),
        },
        (None, Some(integer)) => match one {
            Value::Number(double) => compare_with_double(integer, *double).map(Ordering::reverse),
            _ => one.compare(two),
        },
        (None, None) => one.compare(two),
    };
    order.filter(|order| order.is_ne() || one == two)
}

/// The exact integer of a value.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Text(text) => {
            // Most texts are not numbers: parsing them would be a waste.
            let starts_so = text.as_bytes().first().is_some_and(|b| b.is_ascii_digit() || *b == b'-');
            starts_so.then(|| text.parse().ok()).flatten().and_then(|user: UserId| user.as_integer())
        }
        value => value.as_exact_integer(),
    }
}

fn compare_with_double(integer: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // Saturates beyond 2^127, which is beyond every integer of 64 bits all the same.
    let whole = i128::from(integer).cmp(&(double.trunc() as i128));
    Some(whole.then_with(|| 0.0.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    /// As rows show it.
    fn shown(number: i64) -> Value {
        coerce(&Value::integer(number))
    }

    #[test]
    fn operands_are_exact_or_nobody() {
        for (operand, expected) in [
            (text("7"), Some("7")),
            (Value::Number(7.0), Some("7")),
            (Value::Number(-0.0), Some("0")),
            (Value::Bool(true), Some("1")),
            (text("838529527931269425"), Some("838529527931269425")),
            (Value::Long(838_529_527_931_269_425), Some("838529527931269425")),
            (Value::Number(838_529_527_931_269_425.0), None),
            (Value::Number(1e30), None),
            (Value::Number(7.5), None),
            (text("007"), Some("007")),
            (text("-0"), Some("-0")),
            (text("1e3"), Some("1e3")),
            (Value::List(vec![Value::Long(i64::MAX)]), Some("9223372036854775807")),
            (Value::List(vec![Value::Number(1e30)]), None),
            (Value::Null, None),
            (Value::Object(vec![]), None),
        ] {
            assert_eq!(named(&coerce(&operand)).as_deref(), expected, "{operand:?}");
        }
    }

    #[test]
    fn no_rounding_makes_users_equal() {
        let rounded = Value::Number(838_529_527_931_269_425.0);
        for user in [text("838529527931269400"), text("838529527931269376"), text("1e+30"), text("7.5")] {
            assert!(!is(&rounded, &user) && !is(&Value::Number(1e30), &user), "{user:?}");
            assert_ne!(compare(&rounded, &user), Some(Ordering::Equal), "{user:?}");
        }
        assert!(!is(&coerce(&text("007")), &shown(7)) && !is(&shown(7), &text("007")));
        assert_eq!(compare(&text("007"), &shown(7)), None);
        assert_eq!(
            compare(&shown(i64::MAX), &Value::Number(9_223_372_036_854_775_808.0)),
            Some(Ordering::Less)
        );
        assert_eq!(compare(&Value::Number(7.5), &shown(7)), Some(Ordering::Greater));
        assert_eq!(compare(&Value::Number(-7.5), &shown(-7)), Some(Ordering::Less));
        assert_eq!(compare(&shown(7), &Value::Number(f64::NAN)), None);
        assert_eq!(compare(&shown(7), &Value::Number(f64::NEG_INFINITY)), Some(Ordering::Greater));
        assert_eq!(compare(&text("alice"), &text("bob")), Some(Ordering::Less));
    }

    proptest! {
        #[test]
        fn integers_compare_as_integers(one: i64, near in -3i64..=3) {
            let two = one.saturating_add(near);
            let (shown_one, shown_two) = (shown(one), shown(two));
            prop_assert_eq!(is(&shown_one, &shown_two), one == two);
            prop_assert_eq!(compare(&shown_one, &shown_two), Some(one.cmp(&two)));
            prop_assert!(is(&coerce(&text(&one.to_string())), &shown_one));
            prop_assert_eq!(named(&shown_one), Some(one.to_string()));
        }
    }
}
