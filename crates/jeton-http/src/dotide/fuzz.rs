//! Requests of Dotide, for fuzzers: they are parsed within limits or refused, and never quoted.

use super::error::DotideError;
use super::input::{Input, Query};
use crate::transport::members::assert_quotes_nothing;
use jeton_core::{MAX_NAMES_PER_SCOPE, MAX_SCOPES, Scopes};

/// A body, or a query after a `q`.
pub(crate) fn dotide(input: &[u8]) {
    if let Some(query) = input.strip_prefix(b"q").and_then(|query| std::str::from_utf8(query).ok()) {
        let most = u64::from(u32::MAX);
        if let Some(query) = quoting_nothing(Query::parse(query), input) {
            assert!(query.offset <= most && query.limit.is_none_or(|limit| limit <= most));
        }
        return;
    }
    let Some(read) = quoting_nothing(Input::parse(input), input) else { return };
    let scopes = read.scopes.iter().flat_map(Scopes::as_slice);
    assert!(scopes.clone().count() <= MAX_SCOPES);
    for scope in scopes {
        let counts = [scope.permissions.len(), scope.ids.len(), scope.tags.len()];
        assert!(counts.iter().all(|count| *count <= MAX_NAMES_PER_SCOPE));
        assert!(scope.ids.iter().chain(&scope.tags).all(|name| (1..=255).contains(&name.chars().count())));
    }
}

fn quoting_nothing<T>(read: Result<T, DotideError>, input: &[u8]) -> Option<T> {
    read.inspect_err(|error| assert_quotes_nothing(&format!("{} {error:?}", error.body()), input)).ok()
}
