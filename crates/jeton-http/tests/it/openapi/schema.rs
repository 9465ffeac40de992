//! JSON Schema, as far as descriptions of answers use it. A keyword that is not known here fails.

use regex_automata::hybrid::regex::Regex;
use serde_json::{Map, Value};

/// Keywords that only say something to people, or about numbers that JSON cannot say.
const SPOKEN: [&str; 6] = ["description", "title", "default", "examples", "format", "$schema"];

/// Checks a value.
///
/// # Errors
/// The first thing that does not fit, and where.
pub(super) fn check(schema: &Value, value: &Value, document: &Value) -> Result<(), String> {
    let members = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Object(members) => members,
        other => return Err(format!("no value fits {other}")),
    };
    for (keyword, wanted) in members {
        keyword_holds(keyword, wanted, members, (value, document))
            .map_err(|fault| if fault.contains(" in ") { fault } else { format!("{fault} in {schema}") })?;
    }
    Ok(())
}

fn keyword_holds(
    keyword: &str,
    wanted: &Value,
    members: &Map<String, Value>,
    (value, document): (&Value, &Value),
) -> Result<(), String> {
    let fits = |schema: &Value| check(schema, value, document).is_ok();
    let all = || wanted.as_array().unwrap().iter();
    let holds = match keyword {
        "$ref" => {
            let at = wanted.as_str().unwrap().strip_prefix('#').unwrap();
            return check(document.pointer(at).unwrap(), value, document);
        }
        "type" => match wanted {
            Value::Array(types) => types.iter().any(|name| is_of(name, value)),
            name => is_of(name, value),
        },
        "const" => value == wanted,
        "enum" => all().any(|one| one == value),
        "anyOf" => all().any(fits),
        "oneOf" => all().filter(|schema| fits(schema)).count() == 1,
        "not" => !fits(wanted),
        "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
        "minLength" => {
            value.as_str().is_none_or(|text| text.chars().count() as u64 >= wanted.as_u64().unwrap())
        }
        "maxLength" => {
            value.as_str().is_none_or(|text| text.chars().count() as u64 <= wanted.as_u64().unwrap())
        }
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
        "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
        "maxProperties" => {
            value.as_object().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap())
        }
        "pattern" => value.as_str().is_none_or(|text| matches(wanted.as_str().unwrap(), text)),
        "required" => value
            .as_object()
            .is_none_or(|object| all().all(|name| object.contains_key(name.as_str().unwrap()))),
        "items" => {
            let mut items = value.as_array().into_iter().flatten();
            return items.try_for_each(|item| check(wanted, item, document));
        }
        "properties" | "additionalProperties" => return members_fit(members, value, document),
        spoken => {
            assert!(SPOKEN.contains(&spoken), "the keyword {spoken} is not known");
            true
        }
    };
    if holds { Ok(()) } else { Err(format!("{keyword} {wanted} does not hold for {value}")) }
}

fn matches(pattern: &str, text: &str) -> bool {
    let pattern = Regex::new(pattern).unwrap();
    pattern.is_match(&mut pattern.create_cache(), text)
}

fn members_fit(schema: &Map<String, Value>, value: &Value, document: &Value) -> Result<(), String> {
    for (name, member) in value.as_object().into_iter().flatten() {
        match schema.get("properties").and_then(|properties| properties.get(name)) {
            Some(known) => check(known, member, document)?,
            None => match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => return Err(format!("there is a member {name}")),
                Some(others) => check(others, member, document)?,
                None => {}
            },
        }
    }
    Ok(())
}

fn is_of(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not known"),
    }
}

#[test]
fn each_keyword_can_fail() {
    use serde_json::json;
    let document = json!({"a": {"type": "string"}});
    for (schema, good, bad) in [
        (json!({"$ref": "#/a"}), json!("x"), json!(1)),
        (json!({"type": ["integer", "null"]}), json!(null), json!(1.5)),
        (json!({"const": 1}), json!(1), json!(2)),
        (json!({"enum": ["a", "b"]}), json!("b"), json!("c")),
        (json!({"anyOf": [{"type": "string"}, {"const": 1}]}), json!(1), json!(2)),
        (json!({"oneOf": [{"minimum": 1}, {"maximum": 3}]}), json!(4), json!(2)),
        (json!({"not": {"const": 0}}), json!(1), json!(0)),
        (json!({"minLength": 1, "maxLength": 2}), json!("ab"), json!("abc")),
        (json!({"minItems": 1, "maxItems": 2}), json!([1]), json!([])),
        (json!({"maxProperties": 0}), json!({}), json!({"a": 1})),
        (json!({"pattern": "^[a-z]+$"}), json!("abc"), json!("aBc")),
        (json!({"required": ["a"]}), json!({"a": null}), json!({})),
        (json!({"items": {"type": "string"}}), json!(["a"]), json!(["a", 1])),
        (
            json!({"properties": {"a": {"const": 1}}, "additionalProperties": false}),
            json!({"a": 1}),
            json!({"b": 1}),
        ),
        (json!({"additionalProperties": {"type": "integer"}}), json!({"a": 1}), json!({"a": "1"})),
    ] {
        assert_eq!(check(&schema, &good, &document), Ok(()), "{schema}");
        assert!(check(&schema, &bad, &document).is_err(), "{schema}");
    }
}
