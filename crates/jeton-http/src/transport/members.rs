//! The members of requests: unknown ones are refused and named, never ignored, so that a client does not take
//! a request for done that was not understood.

use crate::transport::body::without_bom;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;

/// The name that is most similar to `typed`, ignoring case, if one is similar enough.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let alike = names.map(|name| (strsim::jaro_winkler(&typed, &name.to_ascii_lowercase()), name));
    let (likeness, name) = alike.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness > 0.9).then_some(name)
}

/// The message about an unknown member in an API with the `known` ones. It quotes the name only if that
/// cannot be a misplaced secret.
pub fn unknown(name: &str, known: &[&str]) -> String {
    unknown_of("member", name, known)
}

/// The same about a parameter.
pub(crate) fn unknown_parameter(name: &str, known: &[&str]) -> String {
    unknown_of("parameter", name, known)
}

fn unknown_of(kind: &str, name: &str, known: &[&str]) -> String {
    let mut runs = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let is_quoted = (1..=32).contains(&name.len())
        && name.chars().all(is_plain)
        && runs.all(|run| run.len() < SHORTEST_QUOTED_BY_NONE);
    let what =
        if is_quoted { format!("there is no {kind} {name}") } else { format!("there is no such {kind}") };
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("{what}: did you mean {near}?"),
        None => format!("{what}: there are {}", known.join(", ")),
    }
}

/// A run of this many letters and digits may be part of a secret.
const SHORTEST_QUOTED_BY_NONE: usize = 16;

/// Fails if an error quotes the input: any run of 16 letters and digits may be a misplaced secret.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn assert_quotes_nothing(message: &str, input: &[u8]) {
    for run in input.split(|byte| !byte.is_ascii_alphanumeric()).filter(|run| run.len() >= 16) {
        for part in run.windows(16) {
            let part = std::str::from_utf8(part).unwrap_or_else(|_| unreachable!("these are ASCII"));
            assert!(!message.contains(part), "{message:?} quotes {part:?}");
        }
    }
}

/// Whether a body is JSON by its first byte, whatever its type.
pub(crate) fn is_json(body: &[u8]) -> bool {
    matches!(without_bom(body).trim_ascii_start().first(), Some(b'{' | b'[' | b'"'))
}

/// Parses a JSON text, optionally with a byte-order mark, in which no object has two members with the same
/// name: readers differ in which of them counts.
///
/// # Errors
///
/// The position of the error; nothing of the text is quoted.
pub fn read_json(text: &[u8], what: &str) -> Result<Value, String> {
    let text = without_bom(text);
    let place = |error: &serde_json::Error| format!("line {}, column {}", error.line(), error.column());
    let value =
        serde_json::from_slice(text).map_err(|error| format!("{what} is not JSON: {}", place(&error)))?;
    let once = serde_json::from_slice::<Once>(text);
    once.map_err(|error| format!("a member of {what} stands there more than once: {}", place(&error)))?;
    Ok(value)
}

/// Any value in which no object has two members with the same name.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_str<E>(self, _: &str) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Once, A::Error> {
        while array.next_element::<Once>()?.is_some() {}
        Ok(Once)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member twice"));
            }
            map.next_value::<Once>()?;
        }
        Ok(Once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_much_alike_is_named_and_nothing_else() {
        let names = || ["listen", "admin_listen", "limits.body_bytes", "log.level"].into_iter();
        assert_eq!(nearest("lsiten", names()), Some("listen"));
        assert_eq!(nearest("limits.body_byte", names()), Some("limits.body_bytes"));
        assert_eq!(nearest("LISTEN", names()), Some("listen"));
        assert_eq!(nearest("port", names()), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }

    #[test]
    fn unknown_names_are_named_with_the_nearest() {
        let known = ["title", "permissions", "enable"];
        for (name, expected) in [
            ("enabled", "there is no member enabled: did you mean enable?"),
            ("ENABLED", "there is no member ENABLED: did you mean enable?"),
            ("active", "there is no member active: there are title, permissions, enable"),
            ("{\"enable\":false}", "there is no such member: there are title, permissions, enable"),
            ("", "there is no such member: there are title, permissions, enable"),
        ] {
            assert_eq!(unknown(name, &known), expected);
        }
        for secret in ["0123456789abcdef0123456789abcdef", "jt_0123456789abcdef", &"x".repeat(1_000)] {
            assert_quotes_nothing(&unknown(secret, &known), secret.as_bytes());
        }
    }

    #[test]
    fn json_by_its_first_byte() {
        for json in ["{", " \r\n\t{\"a\":1}", "\u{feff}{}", "[1]", "\"text\""] {
            assert!(is_json(json.as_bytes()), "{json}");
        }
        for other in ["", "a=1", "enable={}", "%7B", "null", "1"] {
            assert!(!is_json(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_member_stands_once_at_any_depth() {
        assert_eq!(
            read_json(b"\xef\xbb\xbf{\"a\": [1, -2, 3.5, true, null, \"x\", {\"a\": {}}]}", "it").unwrap()["a"]
                [6]["a"],
            serde_json::json!({})
        );
        for (twice, place) in [
            ("{\"a\":1,\"a\":1}", "line 1, column 10"),
            ("[{\"b\":{\"a\":1,\n\"\\u0061\":2}}]", "line 2, column 8"),
        ] {
            let expected = format!("a member of the body stands there more than once: {place}");
            assert_eq!(read_json(twice.as_bytes(), "the body").unwrap_err(), expected);
        }
        assert_eq!(read_json(b"{", "the patch").unwrap_err(), "the patch is not JSON: line 1, column 1");
        assert!(read_json("[".repeat(1_000).as_bytes(), "it").is_err());
    }
}
