//! Untyped values, with the ECMAScript coercions that LoopBack's clients rely on.

use crate::date::{date_of_text, in_range, text_of_date};
use jeton_core::MAX_INTEGER;
use std::cmp::Ordering;

/// An untyped value, as clients of an untyped API may send it.
///
/// Coercions and comparisons are those of ECMAScript 2024, section 7, without objects of a class: an object's
/// `valueOf` and `toString` are always the built-in ones. Dates differ in two points: their text is the ISO
/// form, so that it does not depend on a time zone, and two dates are equal if they are the same instant.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, and absent values.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any IEEE 754 double.
    Number(f64),
    /// An integer beyond [`MAX_INTEGER`], which a double cannot represent exactly. It behaves like the number
    /// of its double, but keeps its digits for user ids. See [`integer`](Value::integer).
    Long(i64),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// Members in the order in which they were written.
    Object(Vec<(String, Value)>),
    /// An instant in milliseconds since 1970, at most 8.64e15 either way. Never parsed as such:
    /// [`to_date`](Value::to_date) converts values that are declared to be dates.
    Date(i64),
}

impl Value {
    /// This integer, exact.
    pub const fn integer(number: i64) -> Self {
        if number.unsigned_abs() <= MAX_INTEGER.unsigned_abs() {
            Value::Number(number as f64)
        } else {
            Value::Long(number)
        }
    }

    /// The exact integer of a number: one that came as digits, or a double of at most [`MAX_INTEGER`] without
    /// a fraction. `None` for rounded values, and for values that are not numbers.
    pub fn as_exact_integer(&self) -> Option<i64> {
        match self {
            Value::Long(number) => Some(*number),
            // Within 2^53, so nothing is truncated.
            Value::Number(number) if number.fract() == 0.0 && number.abs() <= MAX_INTEGER as f64 => {
                Some(*number as i64)
            }
            _ => None,
        }
    }

    /// The member with this name; the last one, if several have it. `None` if there is none, or this is not
    /// an object.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => {
                members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// `Boolean(value)`.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Long(_) => true,
            Value::Text(text) => !text.is_empty(),
            Value::List(_) | Value::Object(_) | Value::Date(_) => true,
        }
    }

    /// `Number(value)`; NaN if it is not a number.
    pub fn to_number(&self) -> f64 {
        match self {
            Value::Null => 0.0,
            Value::Bool(value) => f64::from(u8::from(*value)),
            Value::Number(number) => *number,
            Value::Long(number) => *number as f64,
            Value::Text(text) => number_of_text(text),
            Value::List(_) | Value::Object(_) => number_of_text(&self.to_text()),
            // At most 8.64e15, which a double holds exactly.
            Value::Date(millis) => *millis as f64,
        }
    }

    /// The instant of `new Date(value)` in milliseconds since 1970; `None` if it is not valid.
    ///
    /// Texts are read in the ISO form and in that of RFC 5322; without a zone they are UTC. Other forms,
    /// which each engine reads in its own way, are not valid.
    pub fn to_date(&self) -> Option<i64> {
        match self {
            Value::Text(text) => date_of_text(text),
            Value::List(_) | Value::Object(_) => date_of_text(&self.to_text()),
            Value::Date(millis) => Some(*millis),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Long(_) => {
                let millis = self.to_number().trunc();
                // Values beyond an i64 saturate and stay out of range.
                if millis.is_nan() { None } else { in_range(millis as i64) }
            }
        }
    }

    /// `String(value)`. Elements of lists that are null are empty, as in `Array.prototype.join`.
    pub fn to_text(&self) -> String {
        match self {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => text_of_number(*number),
            Value::Long(number) => text_of_number(*number as f64),
            Value::Text(text) => text.clone(),
            Value::List(items) => {
                let text = |item: &Value| {
                    if *item == Value::Null { String::new() } else { item.to_text() }
                };
                items.iter().map(text).collect::<Vec<_>>().join(",")
            }
            Value::Object(_) => "[object Object]".to_owned(),
            Value::Date(millis) => text_of_date(*millis),
        }
    }

    /// `self == other`. Two lists or objects are never equal: each was parsed separately.
    pub fn loosely_equals(&self, other: &Value) -> bool {
        use Value::{Bool, Date, List, Long, Null, Number, Object, Text};
        match (self, other) {
            (Null, Null) => true,
            (Null, _) | (_, Null) | (List(_) | Object(_), List(_) | Object(_)) => false,
            (Text(one), Text(two)) => one == two,
            (List(_) | Object(_), Text(two)) => self.to_text() == *two,
            (Text(one), List(_) | Object(_)) => *one == other.to_text(),
            (Date(one), Date(two)) => one == two,
            (Date(_), Text(two)) => self.to_text() == *two,
            (Text(one), Date(_)) => *one == other.to_text(),
            (Date(_), List(_) | Object(_)) | (List(_) | Object(_), Date(_)) => false,
            (Bool(_) | Number(_) | Long(_) | Text(_) | List(_) | Object(_) | Date(_), _) => {
                self.to_number() == other.to_number()
            }
        }
    }

    /// How `self` and `other` compare by `<` and `>`; `None` if neither they nor their numbers can be
    /// ordered.
    ///
    /// Two texts compare by UTF-16 code unit, everything else as numbers.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        let texts = |value: &Value| matches!(value, Value::Text(_) | Value::List(_) | Value::Object(_));
        match (self, other) {
            (Value::Text(one), Value::Text(two)) => Some(compare_utf16(one, two)),
            _ if texts(self) && texts(other) => Some(compare_utf16(&self.to_text(), &other.to_text())),
            _ => self.to_number().partial_cmp(&other.to_number()),
        }
    }

    /// The approximate number of bytes that [`to_text`](Self::to_text) reads or writes.
    pub(crate) fn text_weight(&self) -> u64 {
        match self {
            Value::Null | Value::Bool(_) | Value::Object(_) => 16,
            Value::Number(_) | Value::Long(_) | Value::Date(_) => 64,
            Value::Text(text) => text.len() as u64,
            Value::List(items) => items.iter().map(|item| 64 + item.text_weight()).sum(),
        }
    }
}

/// The order of two texts by UTF-16 code unit. Differs from the order by code point beyond U+FFFF.
fn compare_utf16(one: &str, two: &str) -> Ordering {
    let mut at = common_prefix(one.as_bytes(), two.as_bytes());
    // If they differ within a character, that character is the first difference.
    while !one.is_char_boundary(at) {
        at -= 1;
    }
    one[at..].encode_utf16().cmp(two[at..].encode_utf16())
}

/// The length of the common prefix.
fn common_prefix(one: &[u8], two: &[u8]) -> usize {
    const MANY: usize = 64;
    let alike = one.chunks_exact(MANY).zip(two.chunks_exact(MANY)).take_while(|(one, two)| one == two);
    let begin = MANY * alike.count();
    begin + one[begin..].iter().zip(&two[begin..]).take_while(|(one, two)| one == two).count()
}

/// `Number(text)`: decimal, `0x`, `0o`, `0b`, `Infinity`; surrounding white space is ignored; an empty text
/// is zero.
fn number_of_text(text: &str) -> f64 {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let radix = |digits: &str, radix| {
        // Rust's parser takes a sign here, ECMAScript does not.
        match u128::from_str_radix(digits, radix) {
            Ok(number) if !digits.starts_with('+') => number as f64,
            _ => f64::NAN,
        }
    };
    match text.as_bytes() {
        [] => 0.0,
        [b'0', b'x' | b'X', ..] => radix(&text[2..], 16),
        [b'0', b'o' | b'O', ..] => radix(&text[2..], 8),
        [b'0', b'b' | b'B', ..] => radix(&text[2..], 2),
        _ => match text.strip_prefix(['+', '-']).unwrap_or(text) {
            "Infinity" => text.replace("Infinity", "inf").parse().unwrap_or(f64::NAN),
            // Rust's parser also knows words such as "inf" and "nan", ECMAScript does not.
            digits if digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) => {
                text.parse().unwrap_or(f64::NAN)
            }
            _ => f64::NAN,
        },
    }
}

/// `String(number)`.
fn text_of_number(number: f64) -> String {
    ryu_js::Buffer::new().format(number).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn numbers_as_ecmascript_reads_them() {
        for (input, expected) in [
            ("", 0.0),
            ("  12 ", 12.0),
            ("0x64", 100.0),
            ("0b11", 3.0),
            ("0o17", 15.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(text(input).to_number(), expected, "{input:?}");
        }
        for input in
            ["abc", "1_000", "inf", "nan", "NaN", "infinity", "-0x1", "0x", "0x+1", "1e", "--1", "1 2", "."]
        {
            assert!(text(input).to_number().is_nan(), "{input:?}");
        }
        assert_eq!(Value::List(vec![Value::Number(7.0)]).to_number(), 7.0);
        assert_eq!(Value::List(vec![]).to_number(), 0.0);
        assert!(Value::Object(vec![]).to_number().is_nan());
        assert_eq!(Value::Null.to_number(), 0.0);
    }

    #[test]
    fn texts_as_ecmascript_writes_them() {
        for (number, expected) in
            [(1.0, "1"), (-0.0, "0"), (1e300, "1e+300"), (1e21, "1e+21"), (0.1, "0.1"), (f64::NAN, "NaN")]
        {
            assert_eq!(Value::Number(number).to_text(), expected);
        }
        assert_eq!(Value::Number(12_345_678_901_234_567_000.0).to_text(), "12345678901234567000");
        assert_eq!(Value::List(vec![text("x"), Value::Null, Value::Bool(true)]).to_text(), "x,,true");
        assert_eq!(Value::Object(vec![]).to_text(), "[object Object]");
    }

    #[test]
    fn long_integers_are_their_doubles() {
        let long = Value::integer(838_529_527_931_269_425);
        assert_eq!(long, Value::Long(838_529_527_931_269_425));
        assert_eq!(long.to_text(), "838529527931269400");
        assert!(long.is_truthy() && long.loosely_equals(&Value::integer(838_529_527_931_269_391)));
        assert!(long.loosely_equals(&text("838529527931269425")));
        assert_eq!(long.compare(&Value::Number(8e17)), Some(Ordering::Greater));
        assert_eq!(long.to_date(), None);
        assert_eq!(Value::integer(-MAX_INTEGER), Value::Number(-9_007_199_254_740_991.0));
        assert_eq!(Value::integer(MAX_INTEGER + 1), Value::Long(MAX_INTEGER + 1));
        let exact = |value: Value| value.as_exact_integer();
        assert_eq!(exact(Value::Long(i64::MIN)), Some(i64::MIN));
        assert_eq!(exact(Value::Number(-0.0)), Some(0));
        assert_eq!(exact(Value::Number(1e3)), Some(1000));
        for inexact in [7.5, 9_007_199_254_740_992.0, 1e30, f64::NAN, f64::INFINITY] {
            assert_eq!(exact(Value::Number(inexact)), None, "{inexact}");
        }
        assert_eq!(exact(text("7")), None);
    }

    #[test]
    fn loose_equality() {
        assert!(Value::Number(1.0).loosely_equals(&text("1")));
        assert!(Value::Bool(true).loosely_equals(&text("1")));
        assert!(!Value::Null.loosely_equals(&Value::Number(0.0)));
        assert!(!text("1.0").loosely_equals(&text("1")));
        assert!(Value::List(vec![Value::Number(1.0)]).loosely_equals(&text("1")));
        assert!(!Value::List(vec![]).loosely_equals(&Value::List(vec![])));
        assert!(!Value::Number(f64::NAN).loosely_equals(&Value::Number(f64::NAN)));
    }

    #[test]
    fn order_is_by_utf_16_code_unit() {
        // U+FF5E comes before U+1F600 by code point, and after its first surrogate by code unit.
        assert_eq!(text("\u{ff5e}").compare(&text("\u{1f600}")), Some(Ordering::Greater));
        assert_eq!(text("Tok").compare(&text("tok")), Some(Ordering::Less));
        let long = |end: &str| text(&format!("{}{end}", "y".repeat(130)));
        for (one, two) in [("\u{e9}", "\u{ea}"), ("\u{1f600}", "\u{ff5e}"), ("a", "b"), ("", "a")] {
            assert_eq!(long(one).compare(&long(two)), Some(Ordering::Less));
            assert_eq!(long(two).compare(&long(one)), Some(Ordering::Greater));
            assert_eq!(long(one).compare(&long(one)), Some(Ordering::Equal));
        }
        assert_eq!(Value::Number(2.0).compare(&text("10")), Some(Ordering::Less));
        assert_eq!(Value::Number(2.0).compare(&text("x")), None);
    }

    #[test]
    fn dates_are_instants() {
        let date = Value::Date(1_704_067_200_000);
        assert_eq!(date.to_text(), "2024-01-01T00:00:00.000Z");
        assert_eq!(text("2024-01-01").to_date(), Some(1_704_067_200_000));
        assert_eq!(Value::Number(1.9).to_date(), Some(1));
        assert_eq!(Value::Number(8.65e15).to_date(), None);
        assert_eq!(Value::Number(f64::NAN).to_date(), None);
        assert_eq!(Value::Null.to_date(), Some(0));
        assert_eq!(Value::Object(vec![]).to_date(), None);
        assert!(date.loosely_equals(&date) && date.loosely_equals(&text("2024-01-01T00:00:00.000Z")));
        assert!(!date.loosely_equals(&Value::List(vec![])) && date.is_truthy());
        assert_eq!(date.compare(&Value::Date(0)), Some(Ordering::Greater));
        assert_eq!(date.compare(&Value::Number(2e12)), Some(Ordering::Less));
        assert_eq!(date.compare(&text("2024-01-01")), None);
    }

    #[test]
    fn the_last_member_of_a_name_counts() {
        let object = Value::Object(vec![("a".into(), Value::Null), ("a".into(), Value::Bool(true))]);
        assert_eq!(object.member("a"), Some(&Value::Bool(true)));
        assert_eq!(object.member("b"), None);
        assert_eq!(Value::Null.member("a"), None);
        assert!(text("0").is_truthy() && !text("").is_truthy() && !Value::Number(f64::NAN).is_truthy());
    }

    proptest! {
        #[test]
        fn a_number_survives_its_text(number: f64) {
            prop_assume!(!number.is_nan());
            prop_assert_eq!(text(&Value::Number(number).to_text()).to_number(), number);
        }

        #[test]
        fn texts_compare_as_their_code_units(one in "[a\u{e9}\u{ea}\u{ff5e}\u{1f600}]{0,6}", two in "[a\u{e9}\u{ea}\u{ff5e}\u{1f600}]{0,6}") {
            let expected = one.encode_utf16().cmp(two.encode_utf16());
            prop_assert_eq!(text(&one).compare(&text(&two)), Some(expected));
        }

        #[test]
        fn equality_is_symmetric(one in "[0-9a-z. ]{0,4}", number in -20.0..20.0f64) {
            let (one, two) = (text(&one), Value::Number(number.round()));
            prop_assert_eq!(one.loosely_equals(&two), two.loosely_equals(&one));
        }
    }
}
