//! A line of an import: a token as JSON.

use crate::request::{ImportText, ScopeText, SecretText};
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
/// What lines of an export have besides.
const OF_EXPORTS: &[&str] = &["sealed", "kind", "user_is_stand_in", "document", "parent_id", "left_out"];
/// What they have that says nothing to an import.
const PASSED_OVER: &[&str] =
    &["id", "state", "disabled_by", "updated_at", "last_used_at", "last_address", "use_count"];
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
    let is_exported = members.contains_key("sealed") || members.contains_key("left_out");
    if is_exported {
        members.retain(|name, _| !PASSED_OVER.contains(&name.as_str()));
        only_known(&members, &[MEMBERS, OF_EXPORTS].concat())?;
    } else {
        only_known(&members, MEMBERS)?;
    }
    Ok(ImportText {
        secret: if is_exported { sealed_of(&mut members)? } else { secret_of(&mut members)? },
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

fn secret_of(members: &mut Map<String, Value>) -> Result<SecretText, String> {
    match members.remove("access_token") {
        Some(Value::String(secret)) => Ok(SecretText::AccessToken(secret)),
        Some(_) => Err("access_token must be a string: the secret".to_owned()),
        None => Err("there is no access_token: the secret, as a string".to_owned()),
    }
}

/// What a line of an export says of a secret.
fn sealed_of(members: &mut Map<String, Value>) -> Result<SecretText, String> {
    if members.contains_key("access_token") {
        return Err("a line has access_token or sealed, not both".to_owned());
    }
    if members.remove("parent_id").is_some_and(|parent| !parent.is_null()) {
        return Err(
            "another token made this one, and it would not depend on that one here: delegate it again"
                .to_owned(),
        );
    }
    if members.remove("left_out").is_some_and(|why| !why.is_null()) {
        return Err("the export has nothing of its secret: left_out says why".to_owned());
    }
    let sealed = text_of(members, "sealed")?.ok_or("sealed must be a string")?;
    Ok(SecretText::Sealed {
        sealed,
        kind: text_of(members, "kind")?,
        user_is_stand_in: truth_of(members, "user_is_stand_in")?.unwrap_or_default(),
        document: text_of(members, "document")?,
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
    fn lines_of_an_export_say_more() {
        let line = r#"{"id": 7, "sealed": "AgE", "kind": "service", "state": "active", "parent_id": null, "document": "{}",
            "user_is_stand_in": true, "use_count": 0, "last_used_at": null, "last_address": null, "updated_at": "x",
            "disabled_by": null, "title": "t"}"#;
        let read = row(line).unwrap();
        let SecretText::Sealed { sealed, kind, user_is_stand_in: true, document } = read.secret else {
            panic!("it is sealed");
        };
        assert_eq!(
            (sealed.as_str(), kind.as_deref(), document.as_deref()),
            ("AgE", Some("service"), Some("{}"))
        );
        assert_eq!(read.title.as_deref(), Some("t"));
        for (line, reason) in [
            (r#"{"sealed": "AgE", "access_token": "s"}"#, "a line has access_token or sealed, not both"),
            (r#"{"sealed": 5}"#, "sealed must be a string"),
            (r#"{"sealed": null}"#, "sealed must be a string"),
            (r#"{"sealed": "AgE", "titel": "t"}"#, "there is no member titel: did you mean title?"),
            (
                r#"{"access_token": "s", "uses_lift": 7}"#,
                "there is no member uses_lift: did you mean uses_left?",
            ),
            (r#"{"left_out": "older_key"}"#, "the export has nothing of its secret: left_out says why"),
            (
                r#"{"left_out": "delegated", "parent_id": 5}"#,
                "another token made this one, and it would not depend on that one here: delegate it again",
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
        let read = row("\u{feff}{\"access_token\": \"s\", \"scopes\": null}").unwrap();
        assert!(matches!(read.secret, SecretText::AccessToken(secret) if secret == "s"));
    }
}
