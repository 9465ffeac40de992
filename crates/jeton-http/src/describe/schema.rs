//! Schemas of what is not serialised from a type, above all of what clients send.

use jeton_core::{
    MAX_ALLOWED_ADDRESSES, MAX_NAME_CHARS, MAX_RATE_LIMIT, MAX_RATE_SECONDS, MAX_RATES, MAX_USES,
};
use serde_json::{Map, Value, json};

/// A text in this form.
pub(crate) fn text_like(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

/// One of these texts.
pub(crate) fn one_of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    json!({"type": "string", "enum": texts.into_iter().collect::<Vec<_>>()})
}

/// An integer within these bounds.
pub(crate) fn integer(least: i64, most: i64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

/// A number of uses.
pub(crate) fn uses() -> Value {
    integer(0, i64::try_from(MAX_USES).unwrap_or(i64::MAX))
}

/// Rates of uses.
pub(crate) fn rates() -> Value {
    let (limit, seconds) = (i64::from(MAX_RATE_LIMIT), i64::from(MAX_RATE_SECONDS));
    let rate = object(
        &["limit", "per_seconds"],
        [("limit", integer(1, limit)), ("per_seconds", integer(1, seconds))],
    );
    let mut rates = list(&rate);
    rates["maxItems"] = MAX_RATES.into();
    rates
}

/// Addresses and blocks of them.
pub(crate) fn addresses() -> Value {
    let mut blocks = list(&json!({"type": "string", "examples": ["192.0.2.0/24"]}));
    blocks["maxItems"] = MAX_ALLOWED_ADDRESSES.into();
    blocks
}

/// Any integer of 64 bits.
pub(crate) fn int64() -> Value {
    json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX})
}

/// True or false.
pub(crate) fn flag() -> Value {
    json!({"type": "boolean"})
}

/// The same, or an empty text, which is as nothing.
pub(crate) fn or_empty(schema: Value) -> Value {
    any_of([schema, json!({"type": "string", "maxLength": 0})])
}

/// An instant in RFC 3339.
pub(crate) fn instant() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// A list of such items.
pub(crate) fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

/// Any of these.
pub(crate) fn any_of(schemas: impl IntoIterator<Item = Value>) -> Value {
    json!({"anyOf": schemas.into_iter().collect::<Vec<_>>()})
}

/// The same, or `null`.
pub(crate) fn or_null(schema: Value) -> Value {
    any_of([schema, json!({"type": "null"})])
}

/// The same, with a description.
pub(crate) fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = json!(description);
    schema
}

/// An object with these members and no others, of which the first ones are required.
pub(crate) fn object(required: &[&str], members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let members: Map<String, Value> =
        members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    for name in required {
        assert!(members.contains_key(*name), "{name} is required and not there");
    }
    let mut schema = json!({"type": "object", "properties": members, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// The key of an app.
pub(crate) fn app_key() -> Value {
    text_like("^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
}

/// The name of a permission, as tokens may hold it.
pub(crate) fn held_permission() -> Value {
    json!({
        "type": "string",
        "maxLength": MAX_NAME_CHARS,
        "pattern": r"^[^\s,\u0000-\u001f\u007f-\u009f]([^,\u0000-\u001f\u007f-\u009f]*[^\s,\u0000-\u001f\u007f-\u009f])?$",
    })
}

/// The name of a permission, as it may be granted.
pub(crate) fn permission() -> Value {
    json!({
        "type": "string",
        "maxLength": MAX_NAME_CHARS,
        "pattern": r"^[^\s,;\u0000-\u001f\u007f-\u009f\uff1b\uff0c\u3001]+$",
    })
}

/// A text for people, with at most so many characters, none of them NUL.
pub(crate) fn label(most: usize) -> Value {
    json!({"type": "string", "maxLength": most, "pattern": r"^[^\u0000]*$"})
}

/// Names of permissions to be granted, with commas between.
pub(crate) fn permissions() -> Value {
    const NAME: &str = r"\s*[^\s,;\u0000-\u001f\u007f-\u009f\uff1b\uff0c\u3001]{0,255}\s*";
    text_like(&format!("^{NAME}(,{NAME})*$"))
}

/// The id or a tag of a resource, in a scope.
pub(crate) fn name() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS})
}

/// A scope as it is sent.
pub(crate) fn scope() -> Value {
    let scope = object(
        &[],
        [
            ("permissions", described(list(&permission()), "The names of what it allows.")),
            ("global", described(flag(), "Whether on every resource.")),
            ("ids", described(list(&name()), "On these resources.")),
            ("tags", described(list(&name()), "On resources that bear all of these.")),
        ],
    );
    described(scope, "What a token is to allow, and on which resources.")
}

/// A user: an integer of 64 bits, or a text.
pub(crate) fn user_id() -> Value {
    let text = json!({
        "type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
    });
    any_of([int64(), text])
}
