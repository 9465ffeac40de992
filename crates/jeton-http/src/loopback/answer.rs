//! Successful answers as Express sends them: with an entity tag if their length is known, as a script if
//! requested (JSONP), and without a body if the client has it already.

use super::negotiation::{BodyForm, Wishes};
use axum::body::{Body, HttpBody};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use sha1::{Digest, Sha1};

/// A success in JSON.
pub(super) fn json(body: impl Into<Body>) -> Response {
    let headers = [(CONTENT_TYPE, "application/json; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, body.into()).into_response()
}

/// The answer to clients that accept none of the media types.
pub(super) fn not_acceptable() -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_ACCEPTABLE, headers, "Not Acceptable").into_response()
}

/// Marks an answer that has its final form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Formed;

/// A successful answer in the form that the client wants.
pub(super) async fn finish(
    success: Response,
    verb: &Method,
    headers: &HeaderMap,
    wishes: &Wishes,
) -> Response {
    if success.extensions().get::<Formed>().is_some() {
        return success;
    }
    let callback = match &wishes.body {
        BodyForm::Json => None,
        BodyForm::Script(callback) => Some(callback),
        BodyForm::NotAcceptable => return not_acceptable(),
    };
    let (mut head, body) = success.into_parts();
    if callback.is_some() {
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
        head.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    let begin = callback.map(|callback| format!("/**/ typeof {callback} === 'function' && {callback}("));
    if body.size_hint().exact().is_none() {
        let body = match begin {
            None => body,
            Some(begin) => script_as_it_comes(begin, body),
        };
        return Response::from_parts(head, body);
    }
    let Ok(body) = body.collect().await else {
        unreachable!("a body of known length is in memory");
    };
    let body = match begin {
        None => body.to_bytes(),
        Some(begin) => Bytes::from([begin.as_bytes(), &escaped(&body.to_bytes()), b");"].concat()),
    };
    head.headers.insert(ETAG, tag(&body));
    let is_read = *verb == Method::GET || *verb == Method::HEAD;
    if is_read && head.status == StatusCode::OK && is_had(headers, &head.headers[ETAG]) {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(CONTENT_TYPE);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(body))
}

fn script_as_it_comes(begin: String, body: Body) -> Body {
    // Each chunk of a list contains whole rows, so no character is split.
    let rows = body.into_data_stream().map_ok(|piece| Bytes::from(escaped(&piece)));
    let begin = stream::iter([Ok(Bytes::from(begin))]);
    Body::from_stream(begin.chain(rows).chain(stream::iter([Ok(Bytes::from_static(b");"))])))
}

/// JSON with the characters escaped that end a line in a script, but not in JSON.
fn escaped(json: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(json);
    text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").into_bytes()
}

/// Express's entity tag: the length in hexadecimal, and most of a digest in base64. It need not resist
/// attacks, so SHA-1 is enough.
fn tag(body: &[u8]) -> HeaderValue {
    let digest = BASE64_STANDARD_NO_PAD.encode(Sha1::digest(body));
    let tag = format!("W/\"{:x}-{digest}\"", body.len());
    HeaderValue::try_from(tag).unwrap_or_else(|_| unreachable!("base64 is ASCII"))
}

/// Whether the client has this version already (`If-None-Match`).
fn is_had(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or("");
    if text(CACHE_CONTROL).split(',').any(|directive| directive.trim() == "no-cache") {
        return false;
    }
    let weak = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let own = weak(tag.to_str().unwrap_or_else(|_| unreachable!("base64 is ASCII")));
    let had = text(IF_NONE_MATCH).trim();
    had == "*" || had.split(',').any(|tag| weak(tag.trim()) == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_of_express() {
        assert_eq!(tag(br#"{"count":1}"#), "W/\"b-qA97yBec1rrOyf2eVsYdWwFPOso\"");
        let had = |name, value: &str| {
            is_had(&[(name, value.parse().unwrap())].into_iter().collect(), &"W/\"b-x\"".parse().unwrap())
        };
        for value in ["*", "W/\"b-x\"", "\"b-x\"", "\"a\", W/\"b-x\""] {
            assert!(had(IF_NONE_MATCH, value), "{value}");
        }
        for value in ["", "\"x\"", "b-x", "W/\"b-y\""] {
            assert!(!had(IF_NONE_MATCH, value), "{value}");
        }
        assert!(!had(CACHE_CONTROL, "no-cache"));
    }

    #[test]
    fn what_ends_a_line_in_a_script_is_escaped() {
        assert_eq!(escaped("\"a\u{2028}b\u{2029}é\"".as_bytes()), "\"a\\u2028b\\u2029é\"".as_bytes());
    }
}
