//! Requests of LoopBack, for fuzzers.

use super::argument::Arguments;
use super::error::LoopBackError;
use super::qs::{FORM_DEPTH, QUERY_DEPTH, coerce, parse_form, parse_query};
use super::wire::value_to_json;
use super::{body, route};
use crate::transport::body::BodyForm;
use axum::http::{HeaderMap, Method};
use jeton_loopback::{Condition, Filter, Profile, Value};
use jeton_service::value_of_json;

/// A query and a form: the size of the parsed value is bounded by the input, and it survives being written as
/// JSON.
pub(crate) fn qs(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let query = parse_query(text);
    is_bounded(&query, text, QUERY_DEPTH);
    let coerced = coerce(query.clone());
    assert_eq!(coerce(coerced.clone()), coerced);
    is_written_and_read(&query);
    if let Ok(form) = parse_form(text) {
        is_bounded(&form, text, FORM_DEPTH);
        is_written_and_read(&form);
    }
}

/// A body, as a form after an `f`, otherwise as JSON, and the arguments in it; or a path after a `p`.
pub(crate) fn loopback(input: &[u8]) {
    if let Some(path) = input.strip_prefix(b"p").and_then(|path| std::str::from_utf8(path).ok()) {
        calls(path);
        return;
    }
    let read = match input.strip_prefix(b"f") {
        Some(form) => body::parse(BodyForm::Form, form),
        None => body::parse(BodyForm::Json, input),
    };
    let body = match read {
        Ok(Some(body)) => body,
        Ok(None) => return,
        Err(error) => return assert_is_the_clients(&error),
    };
    is_written_and_read(&body);
    let headers = HeaderMap::new();
    let arguments = Arguments { query: &body, body: Some(&body), headers: &headers, profile: &Profile::V2 };
    for name in ["filter", "where"] {
        match arguments.object(name) {
            Err(error) => assert_is_the_clients(&error),
            Ok(value) => {
                assert!(matches!(value, Value::Object(_) | Value::List(_) | Value::Null));
                drop((Filter::parse(&value, &Profile::V2), Condition::parse(&value, &Profile::V2)));
            }
        }
    }
    match arguments.data() {
        Err(error) => {
            assert!(!matches!(body, Value::Object(_) | Value::List(_)));
            assert_is_the_clients(&error);
        }
        // A text may itself be JSON.
        Ok(data) => assert!(
            data == body || matches!((&body, &data), (Value::Text(_), Value::Object(_) | Value::List(_)))
        ),
    }
}

fn calls(path: &str) {
    assert_eq!(route::claims(path), route::target(path).is_some());
    let Some(route::Target::Model { below, .. }) = route::target(path) else { return };
    for verb in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let Ok(Some(call)) = route::call(&verb, &below, &Profile::V2) else { continue };
        assert!(call.id.is_none_or(|id| id.len() <= path.len()));
    }
}

fn assert_is_the_clients(error: &LoopBackError) {
    let (status, ..) = error.parts();
    assert!(status.is_client_error(), "{status}");
}

/// Clients send nothing that JSON cannot express. Of an integer beyond 2^53 they see the digits that ECMAScript would print, so it is
/// read again as what prints the same, not as the same.
fn is_written_and_read(value: &Value) {
    let text = value_to_json(value);
    let json =
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(value_to_json(&value_of_json(&json)), text);
}

/// There are at most twice as many texts as parameters, nested no deeper than brackets are parsed: the whole,
/// the name before the first bracket, the names in brackets, and the rest of the name. Each of them may be a
/// list if it was repeated.
fn is_bounded(value: &Value, text: &str, depth: usize) {
    let parameters = text.split('&').count();
    assert!(leaves(value) <= 2 * parameters, "{} leaves of {parameters} parameters", leaves(value));
    assert!(deep(value) <= 2 * (depth + 2), "{} levels", deep(value));
}

fn leaves(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().map(leaves).sum(),
        Value::Object(members) => members.iter().map(|(_, member)| leaves(member)).sum(),
        _ => 1,
    }
}

fn deep(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(deep).max().unwrap_or(0),
        Value::Object(members) => 1 + members.iter().map(|(_, member)| deep(member)).max().unwrap_or(0),
        _ => 0,
    }
}
