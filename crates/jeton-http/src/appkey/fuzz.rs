//! Requests of the user-token API, for fuzzers: they are parsed within limits or refused, and never quoted.

use super::error::AppKeyError;
use super::input::Members;
use crate::transport::body::BodyForm;
use crate::transport::members::assert_quotes_nothing;
use jeton_core::MAX_DESCRIPTION_CHARS;

/// The first byte selects the body, or the query.
pub(crate) fn appkey(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    let read = match *first {
        b'q' => match std::str::from_utf8(rest) {
            Ok(query) => Members::of_query(query),
            Err(_) => return,
        },
        b'f' => Members::of_body(rest, BodyForm::Form, false),
        b'n' => Members::of_body(rest, BodyForm::Json, true),
        _ => Members::of_body(rest, BodyForm::Json, false),
    };
    let Some(members) = quoting_nothing(read, rest) else { return };
    if let Some(create) = quoting_nothing(members.create(&members), rest) {
        let fits = |text: &str| text.chars().count() <= 255;
        assert!(fits(create.title.as_str()) && !create.title.as_str().is_empty());
        assert!(create.tags.is_none_or(|tags| fits(tags.as_str())));
        assert!(
            create
                .description
                .is_none_or(|description| description.as_str().chars().count() <= MAX_DESCRIPTION_CHARS)
        );
        for name in create.permissions.iter().flat_map(|(_, names)| names) {
            let separates = |letter: char| letter.is_whitespace() || ",;".contains(letter);
            assert!(fits(name.as_str()) && !name.as_str().contains(separates));
        }
    }
    if let Some(edit) = quoting_nothing(members.edit(), rest) {
        assert!(edit.title.is_none_or(|title| !title.as_str().is_empty()), "a title is never taken away");
        assert!(edit.scopes.is_none() && edit.lifetime.is_none(), "not for this API to change");
    }
    if let Some(paging) = quoting_nothing(members.paging(), rest) {
        assert!(paging.take <= 1_000 && paging.skip <= i32::MAX as u64);
    }
    quoting_nothing(members.user_id(), rest);
}

fn quoting_nothing<T>(read: Result<T, AppKeyError>, input: &[u8]) -> Option<T> {
    read.inspect_err(|error| assert_quotes_nothing(&format!("{} {error:?}", error.message()), input)).ok()
}
