//! Requests of the admin API, for fuzzers: they are parsed within limits or refused, and never quoted.

use super::apps::Expected;
use super::error::AdminError;
use super::input::{MAX_LIMIT, Members, Query, json};
use super::once::{IDEMPOTENCY_KEY, MAX_KEY_BYTES, key};
use super::{audit, call, search, tokens};
use crate::transport::members::assert_quotes_nothing;
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jeton_core::{MAX_LABEL_CHARS, Timestamp};
use jeton_service::{
    AuditRequest, MAX_DAYS, SearchOrder, SearchPlace, SearchRequest, TitleSearch, merge_settings,
};

/// The first byte selects what the rest is: the query of a list of tokens, or of the log; a body that makes, changes or revokes
/// tokens, or changes settings; lines of `If-Match` or `Idempotency-Key`; or a path.
pub(crate) fn admin(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    match *first {
        b'q' => sought(rest),
        b'a' => log(rest),
        b'n' | b'c' | b'r' => body(*first, rest),
        b's' => settings(rest),
        b'm' => expected(rest),
        b'k' => once(rest),
        _ => path(rest),
    }
}

fn sought(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(query) = quoting_nothing(Query::of(text, search::LISTED), input) else { return };
    if let Some(limit) = quoting_nothing(query.limit(), input) {
        assert!((1..=MAX_LIMIT).contains(&limit));
    }
    if let Some(request) = quoting_nothing(search::of_query(&query), input) {
        assert_within_limits(&request);
    }
    for order in [SearchOrder::NewestFirst, SearchOrder::EndingNext, SearchOrder::EndedLast] {
        let place = query.cursor("", |text| SearchPlace::from_text(text, order));
        assert!(quoting_nothing(place, input).flatten().is_none_or(|place| place.id.get() > 0));
    }
}

fn assert_within_limits(request: &SearchRequest) {
    let SearchRequest { title, tag, unused_days, expires_within_days, .. } = request;
    let fits = |text: &str| text.chars().count() <= MAX_LABEL_CHARS;
    assert!(title.as_ref().is_none_or(|title| match title {
        TitleSearch::Whole(text) | TitleSearch::Prefix(text) => fits(text),
    }));
    assert!(tag.as_deref().is_none_or(fits));
    assert!(unused_days.iter().chain(expires_within_days).all(|days| *days <= MAX_DAYS));
}

fn log(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(query) = quoting_nothing(Query::of(text, audit::LISTED), input) else { return };
    let request = quoting_nothing(audit::request(&query), input);
    let actor = request.and_then(|request| request.actor);
    assert!(actor.as_deref().is_none_or(AuditRequest::is_actor));
    let cursor = quoting_nothing(audit::cursor(&query), input).flatten();
    assert!(cursor.is_none_or(|number| number > 0));
}

fn body(kind: u8, input: &[u8]) {
    let known = match kind {
        b'n' => tokens::CREATED,
        b'c' => tokens::CHANGED,
        _ => search::REVOKED,
    };
    let Some(members) = quoting_nothing(Members::of_body(&HeaderMap::new(), input, known), input) else {
        return;
    };
    match kind {
        b'n' => drop(quoting_nothing(tokens::draft(&members, Timestamp::MIN), input)),
        b'c' => {
            let Some(draft) = quoting_nothing(tokens::edit(&members, Timestamp::MIN), input) else { return };
            let is_empty = draft.is_empty();
            if let Some(edit) = quoting_nothing(draft.edit().map_err(AdminError::from), input) {
                let changes = edit.enabled.is_some() || edit.lifetime.is_some() || edit.scopes.is_some();
                assert!(!(is_empty && changes), "what is empty changes nothing");
            }
        }
        _ => {
            if let Some(request) = quoting_nothing(search::of_members(&members), input) {
                assert_within_limits(&request);
            }
        }
    }
}

fn settings(input: &[u8]) {
    let Some(patch) = quoting_nothing(json(&HeaderMap::new(), input), input) else { return };
    let merged = merge_settings(&serde_json::json!({}), &patch).map_err(AdminError::Settings);
    quoting_nothing(merged, input);
}

/// The headers that these lines make.
fn headers(name: &HeaderName, input: &[u8]) -> Option<HeaderMap> {
    let values = input.split(|byte| *byte == b'\n').map(HeaderValue::from_bytes);
    values.map(|value| Some((name.clone(), value.ok()?))).collect()
}

fn expected(input: &[u8]) {
    let Some(headers) = headers(&IF_MATCH, input) else { return };
    let expected = Expected::of(&headers);
    let says = |text: &[u8]| input.windows(text.len()).any(|part| part == text);
    let is_said = input.iter().any(|byte| *byte != b'\n');
    if expected.has("\"7-1\"") {
        assert!(!is_said || says(b"*") || says(b"\"7-1\""), "what is not named is not expected");
    } else {
        assert!(is_said);
    }
}

fn once(input: &[u8]) {
    let Some(headers) = headers(&IDEMPOTENCY_KEY, input) else { return };
    if let Some(key) = quoting_nothing(key(&headers), input).flatten() {
        assert!((1..=MAX_KEY_BYTES).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic));
    }
}

fn path(input: &[u8]) {
    let Ok(path) = std::str::from_utf8(input) else { return };
    assert!(call::name(path).is_none_or(|name| name < call::NAMES.len()));
}

fn quoting_nothing<T>(read: Result<T, AdminError>, input: &[u8]) -> Option<T> {
    read.inspect_err(|error| {
        assert!(error.code().0.is_client_error(), "{error:?}");
        assert_quotes_nothing(&error.detail(), input);
    })
    .ok()
}
