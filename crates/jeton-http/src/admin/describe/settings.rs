//! The schema of settings, which the service writes: `docs/openapi/schemas/settings.json`.

use crate::describe::schema::or_null;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};
use std::borrow::Cow;

const WRITTEN: &str = include_str!("../../../../../docs/openapi/schemas/settings.json");

/// The whole settings.
pub(in super::super) struct SettingsShape;

impl JsonSchema for SettingsShape {
    fn schema_name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (settings, parts) = written();
        generator.definitions_mut().extend(parts);
        settings.try_into().expect("an object is a schema")
    }
}

/// The schema, and the named parts of it.
fn written() -> (Value, Map<String, Value>) {
    let text = WRITTEN.replace("#/$defs/", "#/components/schemas/");
    let mut schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    let members = schema.as_object_mut().expect("the schema is an object");
    members.remove("$schema");
    members.remove("title");
    let parts = members.remove("$defs");
    let Some(Value::Object(parts)) = parts else { panic!("the schema has parts") };
    (schema, parts)
}

/// A merge patch of settings (RFC 7396): every member may be left out, and `null` takes it back to its default.
pub(super) fn patch() -> Value {
    let (settings, parts) = written();
    patched(&settings, &parts)
}

fn patched(schema: &Value, parts: &Map<String, Value>) -> Value {
    let name = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next());
    let schema = name.map_or(schema, |name| &parts[name]);
    let mut patched = schema.clone();
    let Some(members) = patched.as_object_mut().filter(|members| members["type"] == "object") else {
        return patched;
    };
    members.remove("required");
    for (_, member) in members.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        let description = member.as_object_mut().and_then(|member| member.remove("description"));
        *member = or_null(patched_member(member, parts));
        if let Some(description) = description {
            member["description"] = description;
        }
    }
    if let Some(others) = members.get_mut("additionalProperties").filter(|others| others.is_object()) {
        *others = or_null(patched_member(others, parts));
    }
    patched
}

fn patched_member(member: &Value, parts: &Map<String, Value>) -> Value {
    let is_object = member.get("$ref").is_some() || member["type"] == "object";
    if is_object { patched(member, parts) } else { member.clone() }
}
