//! Schemas in words.

use super::html::{code, escaped, inline, table};
use serde_json::{Map, Value};

/// What a value of this schema is, in a line.
pub(super) fn in_words(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(schemas) = schema[alternatives].as_array().filter(|_| schema.get("properties").is_none())
        {
            return schemas.iter().map(in_words).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(|value| code(&written(value))).collect::<Vec<_>>().join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return code(&written(value));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return "anything".to_owned(),
    };
    kinds.into_iter().map(|kind| of_type(kind, schema)).collect::<Vec<_>>().join(" or ")
}

fn of_type(kind: &str, schema: &Value) -> String {
    let limit = |name: &str| schema.get(name).map(written);
    match kind {
        "string" => match (schema["format"].as_str(), limit("maxLength")) {
            (Some("date-time"), _) => "time (RFC 3339)".to_owned(),
            (_, Some(most)) if most == "0" => "empty text".to_owned(),
            (_, Some(most)) => format!("text of at most {most} characters"),
            (_, None) => "text".to_owned(),
        },
        "integer" => match (limit("minimum"), limit("maximum")) {
            (Some(least), Some(most)) if most.len() < 12 => format!("integer from {least} to {most}"),
            (Some(least), None) => format!("integer from {least} on"),
            _ => "integer".to_owned(),
        },
        "array" => format!("list of {}", in_words(&schema["items"])),
        "boolean" => "<code>true</code> or <code>false</code>".to_owned(),
        "null" => code("null"),
        "object" => match schema["properties"].as_object() {
            Some(members) => {
                let names: Vec<String> = members.keys().map(|name| code(name)).collect();
                format!("object of {}", names.join(", "))
            }
            None => "object".to_owned(),
        },
        other => escaped(other),
    }
}

fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The members of an object, or what else a named schema is.
pub(super) fn in_full(schema: &Value) -> String {
    let Some(members) = schema["properties"].as_object() else {
        return format!("<p>{}</p>\n", in_words(schema));
    };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    table(&["Member", "Value", "Meaning"], &rows("", members, &required))
}

/// Members, with those of objects in them.
fn rows(before: &str, members: &Map<String, Value>, required: &[&str]) -> String {
    let row = |(name, schema): (&String, &Value)| {
        let mark = if required.contains(&name.as_str()) { " <small>required</small>" } else { "" };
        let path = format!("{before}{name}");
        let meaning = inline(schema["description"].as_str().unwrap_or_default());
        let inner = schema["properties"].as_object().map(|inner| rows(&format!("{path}."), inner, &[]));
        format!(
            "<tr><th scope=\"row\">{}{mark}</th><td>{}</td><td>{meaning}</td></tr>\n{}",
            code(&path),
            in_words(schema),
            inner.unwrap_or_default(),
        )
    };
    members.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_read_as_words() {
        for (schema, words) in [
            (json!({"$ref": "#/components/schemas/Token"}), "<a href=\"#schema-Token\">Token</a>"),
            (
                json!({"type": ["string", "null"], "format": "date-time"}),
                "time (RFC 3339) or <code>null</code>",
            ),
            (json!({"type": "string", "maxLength": 255}), "text of at most 255 characters"),
            (json!({"enum": ["a", null, 1]}), "<code>a</code> or <code>null</code> or <code>1</code>"),
            (
                json!({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9}}),
                "list of integer from 1 to 9",
            ),
            (
                json!({"type": "object", "properties": {"a": {}, "b": {}}}),
                "object of <code>a</code>, <code>b</code>",
            ),
            (json!({"description": "x"}), "anything"),
        ] {
            assert_eq!(in_words(&schema), words);
        }
    }
}
