//! A line of an import: a token as JSON.

use crate::request::{ImportText, ScopeText};
use crate::text::MARK;
use jeton_http::{Object, read_json, unknown_member};
use serde_json::{Map, Value};

const MEMBERS: &[&str] = &[
    "access_token",
    "user_id",
    "title",
    "tags",
    "description",
    "permissions",
    "scopes",
    "created_at",
    "expires_at",
    "not_before",
    "allowed_addresses",
    "uses_left",
    "rates",
    "enabled",
];
const OF_SCOPES: &[&str] = &["permissions", "global", "ids", "tags"];

/// Parses a line. The error says which member is wrong and what it must be, and quotes nothing: the line
/// contains a secret.
pub(super) fn row(text: &str) -> Result<ImportText, String> {
    // Files that were concatenated from several may have one in the middle.
    let text = text.strip_prefix(MARK).unwrap_or(text);
    // The line number is reported beside the reason.
    let value = read_json(text.as_bytes(), "the line").map_err(|reason| reason.replace("line 1, ", ""))?;
    let Value::Object(mut members) = value else {
        return Err(format!("a line is a JSON object: {}", MEMBERS.join(", ")));
    };
    only_known(&members, MEMBERS)?;
    let access_token = match members.remove("access_token") {
        Some(Value::String(secret)) => secret,
        Some(_) => return Err("access_token must be a string: the secret".to_owned()),
        None => return Err("there is no access_token: the secret, as a string".to_owned()),
    };
    Ok(ImportText {
        access_token,
        user_id: members.remove("user_id"),
        title: text_of(&mut members, "title")?,
        tags: text_of(&mut members, "tags")?,
        description: text_of(&mut members, "description")?,
        permissions: permissions_of(&mut members)?,
        scopes: match members.remove("scopes") {
            None | Some(Value::Null) => None,
            Some(Value::Array(scopes)) => {
                Some(scopes.into_iter().map(|value| scope(value).map(Object)).collect::<Result<_, _>>()?)
            }
            Some(_) => return Err("scopes must be an array of objects".to_owned()),
        },
        created_at: text_of(&mut members, "created_at")?,
        expires_at: text_of(&mut members, "expires_at")?,
        not_before: text_of(&mut members, "not_before")?,
        allowed_addresses: texts_of(&mut members, "allowed_addresses")?,
        uses_left: members.remove("uses_left").filter(|value| !value.is_null()),
        rates: members.remove("rates").filter(|value| !value.is_null()),
        enabled: truth_of(&mut members, "enabled")?,
    })
}

/// Permissions on every resource: separated by commas, or each on its own.
fn permissions_of(members: &mut Map<String, Value>) -> Result<Option<String>, String> {
    match members.remove("permissions") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Array(_)) => Err(
            "permissions must be a string, the names separated by commas: \"read,write\"; a scope has them as an array".to_owned(),
        ),
        Some(_) => Err("permissions must be a string, the names separated by commas".to_owned()),
    }
}

fn scope(value: Value) -> Result<ScopeText, String> {
    let Value::Object(mut members) = value else {
        return Err("scopes must be an array of objects".to_owned());
    };
    let in_scope = |reason: String| format!("in a scope, {reason}");
    only_known(&members, OF_SCOPES).map_err(in_scope)?;
    let mut names = |name: &str| texts_of(&mut members, name).map_err(in_scope);
    let (permissions, ids, tags) = (names("permissions")?, names("ids")?, names("tags")?);
    let global = truth_of(&mut members, "global").map_err(in_scope)?.unwrap_or_default();
    Ok(ScopeText { permissions, global, ids, tags })
}

fn only_known(members: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    let strange = members.keys().find(|name| !known.contains(&name.as_str()));
    strange.map_or(Ok(()), |name| Err(unknown_member(name, known)))
}

fn text_of(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a string")),
    }
}

fn texts_of(members: &mut Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => {
            serde_json::from_value(value).map_err(|_| format!("{name} must be an array of strings"))
        }
    }
}

fn truth_of(members: &mut Map<String, Value>, name: &str) -> Result<Option<bool>, String> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(value)),
        Some(_) => Err(format!("{name} must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        row(text).err().unwrap_or_else(|| panic!("it was read: {text}"))
    }

    #[test]
    fn what_is_wrong_is_named_with_what_it_must_be() {
        for (line, reason) in [
            ("not json", "the line is not JSON: column 2"),
            (
                r#"{"access_token": "s", "access_token": "t"}"#,
                "a member of the line stands there more than once: column 36",
            ),
            (
                r#"["s"]"#,
                "a line is a JSON object: access_token, user_id, title, tags, description, permissions, scopes, created_at, expires_at, not_before, allowed_addresses, uses_left, rates, enabled",
            ),
            (r#"{"title": "t"}"#, "there is no access_token: the secret, as a string"),
            (r#"{"access_token": 5}"#, "access_token must be a string: the secret"),
            (r#"{"access_token": null}"#, "access_token must be a string: the secret"),
            (r#"{"access_token": "s", "title": 5}"#, "title must be a string"),
            (
                r#"{"access_token": "s", "permissions": ["read"]}"#,
                "permissions must be a string, the names separated by commas: \"read,write\"; a scope has them as an array",
            ),
            (r#"{"access_token": "s", "expires_at": 1767323045}"#, "expires_at must be a string"),
            (
                r#"{"access_token": "s", "allowed_addresses": "10.0.0.0/8"}"#,
                "allowed_addresses must be an array of strings",
            ),
            (r#"{"access_token": "s", "enabled": "yes"}"#, "enabled must be true or false"),
            (
                r#"{"access_token": "s", "expire_at": "x"}"#,
                "there is no member expire_at: did you mean expires_at?",
            ),
            (r#"{"access_token": "s", "scopes": {}}"#, "scopes must be an array of objects"),
            (r#"{"access_token": "s", "scopes": [[]]}"#, "scopes must be an array of objects"),
            (
                r#"{"access_token": "s", "scopes": [{"tag": ["a"]}]}"#,
                "in a scope, there is no member tag: did you mean tags?",
            ),
            (
                r#"{"access_token": "s", "scopes": [{"ids": [5]}]}"#,
                "in a scope, ids must be an array of strings",
            ),
            (
                r#"{"access_token": "s", "scopes": [{"global": 1}]}"#,
                "in a scope, global must be true or false",
            ),
        ] {
            assert_eq!(wrong(line), reason, "{line}");
        }
    }

    #[test]
    fn nothing_of_a_line_is_quoted() {
        let secret = "5e0c7a1f3b9d4826a07c5e0c7a1f3b9d";
        for line in [
            secret.to_owned(),
            format!(r#"{{"access_token": {secret}}}"#),
            format!(r#"{{"{secret}": 1}}"#),
            format!(r#"{{"access_token": ["{secret}"]}}"#),
            format!(r#"{{"access_token": "s", "title": ["{secret}"]}}"#),
            format!(r#"{{"access_token": "s", "scopes": [{{"{secret}": 1}}]}}"#),
        ] {
            assert!(!wrong(&line).contains(&secret[..12]), "{}", wrong(&line));
        }
    }

    #[test]
    fn a_mark_before_a_line_is_no_part_of_it() {
        assert_eq!(row("\u{feff}{\"access_token\": \"s\", \"scopes\": null}").unwrap().access_token, "s");
    }
}
