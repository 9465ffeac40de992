//! Query strings compared with the results of `qs` 6.16.2.

use super::*;
use serde_json::Value as Json;

/// One object a line: a `query` with its `value`, and that after LoopBack 2's coercion (`coerced`), or a
/// `form` with its value, null if it is nested too deep.
const RECORDED: &str = include_str!("../../tests/data/qs.jsonl");

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), value(member))).collect())
        }
    }
}

#[test]
fn recorded_values() {
    let mut recorded = 0;
    for line in RECORDED.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        recorded += 1;
        if let Some(form) = case["form"].as_str() {
            assert_eq!(parse_form(form).unwrap_or(Value::Null), value(&case["value"]), "{form}");
            continue;
        }
        let query = case["query"].as_str().unwrap();
        assert_eq!(parse_query(query), value(&case["value"]), "{query}");
        assert_eq!(coerce(parse_query(query)), value(&case["coerced"]), "{query}");
    }
    assert!(recorded > 100);
}

#[test]
fn texts_that_look_like_something_else() {
    let coerced = |text: &str| coerce(Value::Text(text.to_owned()));
    for (text, expected) in [
        ("null", Value::Null),
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("12", Value::Number(12.0)),
        ("1.50", Value::Number(1.5)),
        ("0.5", Value::Number(0.5)),
        (".5", Value::Number(0.5)),
        ("12345678901234567890", Value::Number(12_345_678_901_234_567_000.0)),
    ] {
        assert_eq!(coerced(text), expected, "{text}");
    }
    for text in ["", "0", "007", "-1", "+1", "1e3", "5.", ".", "1.2.3", "NULL", "undefined", " 1", "\u{663}"]
    {
        assert_eq!(coerced(text), Value::Text(text.to_owned()), "{text}");
    }
}

#[test]
fn too_many_parameters() {
    let many = |count: usize| vec!["a=1"; count].join("&");
    let length = |value: Value| match value.member("a") {
        Some(Value::List(items)) => items.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(length(parse_query(&many(1_500))), 1_000);
    assert_eq!(parse_form(&many(1_000)).map(length), Ok(1_000));
    assert_eq!(parse_form(&many(1_001)), Err(FormError::TooManyParameters));
    assert_eq!(parse_form(&format!("a{}=1", "[b]".repeat(33))), Err(FormError::TooDeep));
}

#[test]
fn sparse_indices_take_no_room() {
    let query = (0..1_000).map(|i| format!("a[{i}][999][998][997][996]=x")).collect::<Vec<_>>().join("&");
    let Value::Object(members) = parse_query(&query) else { panic!() };
    assert!(matches!(&members[..], [(_, Value::List(items))] if items.len() == 1_000));
}
