//! What operators' programs send: JSON objects, of which every member is known, and queries, of which every parameter is.
//!
//! Errors name the member and never quote its value, which may be a secret that went astray.

use super::error::AdminError;
use crate::transport::body::{BodyForm, body_form};
use crate::transport::fault::Fault;
use crate::transport::members::{read_json, unknown};
use crate::transport::url::pairs;
use axum::http::HeaderMap;
use jeton_core::MAX_INTEGER;
use serde_json::{Map, Value};

/// Items on a page where nothing is said.
pub(super) const DEFAULT_LIMIT: u32 = 100;
/// Most items on a page.
pub(super) const MAX_LIMIT: u32 = 1_000;

/// The members of a body, all of which are known.
#[derive(Debug)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Reads a body that must be a JSON object with no members but these.
    pub(super) fn of_body(headers: &HeaderMap, body: &[u8], known: &[&str]) -> Result<Self, AdminError> {
        let Value::Object(members) = json(headers, body)? else {
            return Err(AdminError::Json("the body must be a JSON object".to_owned()));
        };
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(AdminError::Member(unknown(name, known))),
            None => Ok(Members(members)),
        }
    }

    /// The same of a body that may be missing: it is as if it were an empty object.
    pub(super) fn of_optional_body(
        headers: &HeaderMap,
        body: &[u8],
        known: &[&str],
    ) -> Result<Self, AdminError> {
        if body.is_empty() { Ok(Members(Map::new())) } else { Members::of_body(headers, body, known) }
    }

    /// Whether there is a member of that name, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The member of that name; `None` also for `null`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, AdminError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(misfit(name, "must be a string")),
        }
    }

    /// A text that can be taken away: `Some(None)` for `null`.
    pub(super) fn clearable(&self, name: &str) -> Result<Option<Option<String>>, AdminError> {
        let text = self.text(name)?;
        Ok(self.has(name).then_some(text))
    }

    /// True or false.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, AdminError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(misfit(name, "must be true or false")),
        }
    }

    /// An integer. JSON does not tell 7.0 from 7.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, AdminError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => whole(value).map(Some).ok_or_else(|| misfit(name, "must be an integer")),
        }
    }
}

/// The integer that a number is, if every reader reads it as the same.
fn whole(value: &Value) -> Option<i64> {
    let of_float =
        || value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= MAX_INTEGER as f64);
    value.as_i64().or_else(|| of_float().map(|number| number as i64))
}

/// The number that a text is, as it would be printed.
pub(super) fn number_of(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// What is wrong with a member.
pub(super) fn misfit(name: &str, wanted: &str) -> AdminError {
    AdminError::Member(format!("{name} {wanted}"))
}

/// Reads a JSON body.
pub(super) fn json(headers: &HeaderMap, body: &[u8]) -> Result<Value, AdminError> {
    match body_form(headers) {
        BodyForm::Json => read_json(body, "the body").map_err(AdminError::Json),
        BodyForm::Form | BodyForm::Other => Err(Fault::Unsupported("the body must be JSON".into()).into()),
    }
}

/// The parameters of a query, each of which is known and stands there once. One that is empty is as if it were not there.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query with no parameters but these.
    pub(super) fn of(query: &str, known: &[&str]) -> Result<Self, AdminError> {
        let wrong = |text: String| Err(AdminError::Parameter(text));
        let Some(pairs) = pairs(query.as_bytes()) else { return wrong("the query is not UTF-8".to_owned()) };
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return wrong(if known.is_empty() {
                "this path takes no query".to_owned()
            } else {
                format!("in the query, {}", unknown(name, known))
            });
        }
        let stands_twice = |name: &str| pairs.iter().filter(|(other, _)| other == name).count() > 1;
        if let Some(name) = known.iter().find(|name| stands_twice(name)) {
            return wrong(format!("{name} stands more than once in the query"));
        }
        Ok(Query(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// The parameter of that name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is true; it is not where nothing is said.
    pub(super) fn flag(&self, name: &str) -> Result<bool, AdminError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(AdminError::Parameter(format!("{name} is true or false"))),
        }
    }

    /// A number up to this one.
    pub(super) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, AdminError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| AdminError::Parameter(format!("{name} is {least} to {most}")))
    }

    /// Where an earlier page ended, as `read` understands it; `of`: of which pages that is.
    pub(super) fn cursor<T>(
        &self,
        of: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, AdminError> {
        let wrong = || AdminError::Parameter(format!("cursor is what an earlier page {of}named as next"));
        self.text("cursor").map(|text| read(text).ok_or_else(wrong)).transpose()
    }

    /// How many items a page has at most.
    pub(super) fn limit(&self) -> Result<u32, AdminError> {
        Ok(self.number("limit", 1, MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Result<Members, String> {
        Members::of_body(&HeaderMap::new(), text.as_bytes(), &["title", "tags"])
            .map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn bodies_are_understood_completely() {
        let members = body(r#"{"title": null}"#).unwrap();
        assert_eq!(members.clearable("title").unwrap(), Some(None));
        assert_eq!(members.clearable("tags").unwrap(), None);
        assert!(members.get("title").is_none() && members.has("title"));
        let integer = |number: &str| {
            body(&format!(r#"{{"title": {number}}}"#)).unwrap().integer("title").ok().flatten()
        };
        for (number, expected) in
            [("7", Some(7)), ("7.0", Some(7)), ("-1e0", Some(-1)), ("7.5", None), ("1e300", None)]
        {
            assert_eq!(integer(number), expected, "{number}");
        }
        for (text, error) in [
            ("", "Json(\"the body is not JSON: line 1, column 0\")"),
            ("[]", "Json(\"the body must be a JSON object\")"),
            (r#"{"titel": 1}"#, "Member(\"there is no member titel: did you mean title?\")"),
            (
                r#"{"title": 1, "title": 2}"#,
                "Json(\"a member of the body stands there more than once: line 1, column 20\")",
            ),
        ] {
            assert_eq!(body(text).unwrap_err(), error, "{text}");
        }
        assert!(body(r#"{"title": 5}"#).unwrap().text("title").is_err());
    }

    #[test]
    fn queries_are_understood_completely() {
        let query = |text: &str| Query::of(text, &["limit", "tag"]).map_err(|error| format!("{error:?}"));
        assert_eq!(query("tag=a%20b&limit=").unwrap().text("tag"), Some("a b"));
        assert_eq!(query("limit=").unwrap().limit().unwrap(), DEFAULT_LIMIT);
        for bad in ["limit=0", "limit=1001", "limit=x", "limit=-1"] {
            assert!(query(bad).unwrap().limit().is_err(), "{bad}");
        }
        assert!(query("limits=1").unwrap_err().contains("did you mean limit?"));
        assert!(query("tag=a&tag=b").unwrap_err().contains("tag stands more than once"));
        assert!(query("tag=%ff").unwrap_err().contains("not UTF-8"));
    }
}
