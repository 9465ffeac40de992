//! Values as LoopBack writes them: JSON with numbers and dates in JavaScript's form, members in order.

use jeton_loopback::{Row, Value};
use jeton_service::RowChange;
use serde::Serialize;

/// A value as JSON text.
pub(super) fn value_to_json(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

/// An object with these members, as JSON text.
pub(super) fn members_to_json(members: &[(String, Value)]) -> String {
    let mut text = String::new();
    write_members(members, &mut text);
    text
}

/// An array of objects, as JSON text.
pub(super) fn rows_to_json<'a>(rows: impl Iterator<Item = &'a Vec<(String, Value)>>) -> String {
    let rows: Vec<String> = rows.map(|members| members_to_json(members)).collect();
    format!("[{}]", rows.join(","))
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) if number.is_finite() => text.push_str(&value.to_text()),
        Value::Number(_) => text.push_str("null"),
        Value::Long(_) => text.push_str(&value.to_text()),
        Value::Text(string) => text.push_str(&to_json(string)),
        Value::Date(_) => text.push_str(&to_json(&value.to_text())),
        Value::List(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_value(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => write_members(members, text),
    }
}

fn write_members(members: &[(String, Value)], text: &mut String) {
    text.push('{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&to_json(name));
        text.push(':');
        write_value(value, text);
    }
    text.push('}');
}

/// The answer to `count`, and to a deletion.
pub(super) fn count(count: u64) -> String {
    to_json(&Count { count })
}

/// The answer to `exists`.
pub(super) fn exists(exists: bool) -> String {
    to_json(&Exists { exists })
}

/// An error as strong-error-handler writes it.
pub(super) fn error(status: u16, name: &str, message: &str, code: Option<&str>) -> String {
    to_json(&ErrorBody { error: ErrorShape { status_code: status, name, message, code } })
}

/// The answer if some of several rows were not written, as strong-error-handler writes it: `None` stands for
/// one that was.
pub(super) fn errors(status: u16, details: &[Option<(u16, &str, String)>]) -> String {
    let details = details.iter().map(|detail| {
        detail.as_ref().map(|(status_code, name, message)| {
            let status_code = *status_code;
            ErrorShape { status_code, name, message, code: None }
        })
    });
    let message = "Failed with multiple errors, see `details` for more information.";
    to_json(&ErrorsBody { error: ErrorsShape { status_code: status, message, details: details.collect() } })
}

/// A change of a row in the form of LoopBack's change streams. Changes without one in LoopBack have a type of
/// their own.
pub(super) fn row_change(change: &RowChange) -> String {
    let (row, kind) = match change {
        RowChange::Created(row) => (row, "create"),
        RowChange::Updated(row) => (row, "update"),
        RowChange::Removed(id) => {
            let id = to_json(id);
            return format!(r#"{{"target":{id},"where":{{"id":{id}}},"type":"remove"}}"#);
        }
        RowChange::Purged => return to_json(&Notice { kind: "purge", reason: None }),
    };
    let target = row.member("id").map_or_else(|| "null".to_owned(), value_to_json);
    format!(r#"{{"target":{target},"data":{},"type":"{kind}"}}"#, members_to_json(&row.members))
}

/// A notice about the stream itself.
pub(super) fn notice(kind: &'static str, reason: Option<&'static str>) -> String {
    to_json(&Notice { kind, reason })
}

/// A notice in a change stream about the stream itself.
#[derive(Serialize)]
struct Notice {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Why some of several rows were not written.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SeveralErrors"))]
pub(super) struct ErrorsBody<'a> {
    error: ErrorsShape<'a>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SeveralErrorsDetails"))]
#[serde(rename_all = "camelCase")]
struct ErrorsShape<'a> {
    /// The HTTP status.
    status_code: u16,
    message: &'static str,
    /// One for each row, in their order; `null`: it was written.
    details: Vec<Option<ErrorShape<'a>>>,
}

/// How many there are, or were changed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Count {
    count: u64,
}

/// Whether there is such a row.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Exists {
    exists: bool,
}

/// An error as strong-error-handler writes it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Error"))]
pub(super) struct ErrorBody<'a> {
    error: ErrorShape<'a>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ErrorDetails"))]
#[serde(rename_all = "camelCase")]
struct ErrorShape<'a> {
    /// The HTTP status.
    status_code: u16,
    name: &'a str,
    message: &'a str,
    /// Such as `AUTHORIZATION_REQUIRED`, `INVALID_TOKEN` or `MODEL_NOT_FOUND`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| unreachable!("these shapes are always JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_service::value_of_json;

    #[test]
    fn as_javascript_writes_it() {
        let json = serde_json::json!({"b": 1.0, "a": [1e300, 0.1, 12_345_678_901_234_567_890_u64, null], "c": "\u{1}é"});
        let expected = r#"{"b":1,"a":[1e+300,0.1,12345678901234567000,null],"c":"\u0001é"}"#;
        assert_eq!(value_to_json(&value_of_json(&json)), expected);
        assert_eq!(value_to_json(&Value::Number(f64::NAN)), "null");
        assert_eq!(value_to_json(&Value::Date(0)), "\"1970-01-01T00:00:00.000Z\"");
        let body = error(401, "Error", "Authorization Required", Some("AUTHORIZATION_REQUIRED"));
        assert_eq!(
            body,
            r#"{"error":{"statusCode":401,"name":"Error","message":"Authorization Required","code":"AUTHORIZATION_REQUIRED"}}"#
        );
    }
}
