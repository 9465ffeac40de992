//! The stored form of scopes: a compact JSON document of the store's own.

use jeton_core::{Permission, Scope, Scopes};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One scope as stored. Empty or false members are left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptScope {
    #[serde(rename = "p", default)]
    permissions: Vec<String>,
    #[serde(rename = "g", default)]
    global: bool,
    #[serde(rename = "i", default)]
    ids: Vec<String>,
    #[serde(rename = "t", default)]
    tags: Vec<String>,
}

/// The text that [`from_text`] reads back.
pub(crate) fn to_text(scopes: &Scopes) -> String {
    Value::Array(scopes.as_slice().iter().map(to_value).collect()).to_string()
}

/// The scopes stored as `text`; `None` if it is not valid.
pub(crate) fn from_text(text: &str) -> Option<Scopes> {
    let kept: Vec<KeptScope> = serde_json::from_str(text).ok()?;
    let scopes = kept.into_iter().map(from_kept).collect::<Option<Vec<_>>>()?;
    Scopes::new(scopes).ok()
}

/// A name as it stands in such a text.
pub(crate) fn name_to_text(name: &str) -> String {
    Value::from(name).to_string()
}

fn to_value(scope: &Scope) -> Value {
    let mut members = Map::new();
    if scope.global {
        members.insert("g".into(), true.into());
    }
    // In alphabetical order, so that the text is the same whether maps keep the order of insertion or not.
    let permissions = scope.permissions.iter().map(Permission::as_str).collect::<Vec<_>>();
    let ids = scope.ids.iter().map(String::as_str).collect();
    let tags = scope.tags.iter().map(String::as_str).collect();
    for (member, names) in [("i", ids), ("p", permissions), ("t", tags)] {
        if !names.is_empty() {
            members.insert(member.into(), names.into());
        }
    }
    Value::Object(members)
}

fn from_kept(kept: KeptScope) -> Option<Scope> {
    let permissions = kept.permissions.iter().map(|name| Permission::held(name).ok());
    Some(Scope {
        permissions: permissions.collect::<Option<_>>()?,
        global: kept.global,
        ids: kept.ids,
        tags: kept.tags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read_back() {
        let narrow = Scope {
            permissions: Permission::parse_list("read,write").unwrap(),
            global: false,
            ids: vec!["a\u{0}b".into(), "签".into()],
            tags: vec!["\"quoted\"".into()],
        };
        let scopes = Scopes::new(vec![
            Scope::global(Permission::parse_list("read").unwrap()),
            narrow,
            Scope::default(),
        ]);
        let scopes = scopes.unwrap();
        let text = to_text(&scopes);
        assert_eq!(
            text,
            r#"[{"g":true,"p":["read"]},{"i":["a\u0000b","签"],"p":["read","write"],"t":["\"quoted\""]},{}]"#
        );
        assert_eq!(from_text(&text), Some(scopes));
        assert_eq!(to_text(&Scopes::none()), "[]");
        // From before there were limits on it.
        assert!(from_text(r#"[{"g":true,"p":["read write","a;b"]}]"#).is_some());
    }

    #[test]
    fn what_was_never_kept_is_nothing() {
        for text in ["", "{}", "null", "[1]", r#"[{"x":1}]"#, r#"[{"p":[" "]}]"#, r#"[{"i":[""]}]"#] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
