//! Properties of any bytes at the start of a connection.

use super::plain::{Headers, MAX_HEADERS, PlainHead, Reading};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::mem::MaybeUninit;

const MAX_BYTES: usize = 8 * 1024;

/// A plain head means the same to hyper, and becomes plain only with its last byte. `compare` fails if the
/// two disagree.
pub(crate) fn head(input: &[u8], compare: impl FnOnce(&PlainHead<'_>, &HeaderMap)) {
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let Reading::Plain(head, length) = PlainHead::read(input, MAX_BYTES, &mut room) else { return };
    let target = format!("{}?{}", head.path(), head.query());
    let uri: Uri = target.parse().unwrap_or_else(|error| panic!("{target:?}: {error}"));
    assert_eq!((uri.path(), uri.query()), (head.path(), Some(head.query())));
    let mut headers = HeaderMap::new();
    for header in head.headers() {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value);
        let (Ok(name), Ok(value)) = (name, value) else { panic!("{header:?} is no header") };
        headers.append(name, value);
    }
    compare(&head, &headers);
    for name in headers.keys() {
        assert!(head.named(name).eq(headers.named(name)), "{name}");
    }
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let all_but_one = PlainHead::read(&input[..length - 1], MAX_BYTES, &mut room);
    assert!(matches!(all_but_one, Reading::Partial), "{all_but_one:?}");
}
