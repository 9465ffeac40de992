//! Request bodies: their declared type and coding, and reading them within limits.

use super::fault::Fault;
use crate::server::{Headers, RequestBodyError};
use axum::BoxError;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Limits on a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// At most this many bytes.
    pub bytes: usize,
}

impl BodyLimits {
    /// The limits for `/verify`: 1,000 checks of about 1,000 bytes each.
    pub const OF_VERIFY: BodyLimits = BodyLimits { bytes: 1024 * 1024 };
}

impl Default for BodyLimits {
    fn default() -> Self {
        BodyLimits { bytes: 100 * 1024 }
    }
}

/// Reads a whole body within these limits. A body with a larger declared length, or one that is not plain
/// UTF-8, is refused before it is read. Its time, and the memory of all bodies together, are limited by the
/// server: `ServerLimits`.
///
/// Handlers read the body before they check the caller: what a caller may do is decided when the whole
/// request has arrived. Otherwise one that was revoked meanwhile could keep its rights by sending slowly.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, Fault> {
    if content_encoding(headers).is_some() {
        return Err(Fault::Unsupported("the body must come as it is, without Content-Encoding".into()));
    }
    // Some clients write the first as the second.
    if charset(headers).is_some_and(|charset| !["utf-8", "utf8"].contains(&charset.as_str())) {
        return Err(Fault::Unsupported("the body must be in UTF-8".into()));
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits.bytes) {
        return Err(Fault::TooLarge(limits.bytes));
    }
    let error = match whole(Limited::new(body, limits.bytes)).await {
        Ok(bytes) => return Ok(bytes),
        Err(error) => error,
    };
    if error.is::<LengthLimitError>() {
        return Err(Fault::TooLarge(limits.bytes));
    }
    // The server's own error is the cause of axum's.
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(error) = cause {
        match error.downcast_ref() {
            Some(RequestBodyError::TooSlow) => return Err(Fault::TooSlow),
            Some(RequestBodyError::NoRoom) => return Err(Fault::NoRoom),
            None => cause = error.source(),
        }
    }
    Err(Fault::Incomplete)
}

/// The bytes of a body. Parts are copied together as they arrive: separately, each would take many times the
/// memory of the single byte that it may have.
async fn whole(mut body: Limited<Body>) -> Result<Bytes, BoxError> {
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame?.into_data() else { continue };
        if first.is_empty() && all.is_empty() {
            first = part;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&part);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// A JSON text without the byte-order mark that some clients put before it.
pub(crate) fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The form of a body by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyForm {
    /// JSON under any of its names, or no content type.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Anything else.
    Other,
}

/// Parses `Content-Type`: `application/json`, `text/json` and everything that ends in `+json` are JSON, and
/// so is `application/json-patch+json`, under which most published AppKey clients send plain objects.
pub(crate) fn body_form(headers: &HeaderMap) -> BodyForm {
    let Some(kind) = media_type(headers) else { return BodyForm::Json };
    match kind.as_str() {
        "application/json" | "text/json" => BodyForm::Json,
        FORM => BodyForm::Form,
        _ if kind.starts_with("application/") && kind.ends_with("+json") => BodyForm::Json,
        _ => BodyForm::Other,
    }
}

/// The media type of forms.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// The media type in `Content-Type`, in lower case and without parameters; `None`: there is no header. A
/// value that is not text counts as another type.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("?");
    let kind = value.split(';').next().unwrap_or_default().trim();
    (!kind.is_empty()).then(|| kind.to_ascii_lowercase())
}

/// The character set in `Content-Type`, in lower case; `None`: there is none.
pub(crate) fn charset(headers: &HeaderMap) -> Option<String> {
    let kind = String::from_utf8_lossy(headers.get(CONTENT_TYPE)?.as_bytes()).to_ascii_lowercase();
    let mut parameters = kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim() == "charset")?;
    Some(charset.trim().trim_matches('"').to_owned()).filter(|charset| !charset.is_empty())
}

/// The coding of a body (RFC 9110 section 8.4), in lower case; `None`: there is none.
pub(crate) fn content_encoding(headers: &HeaderMap) -> Option<String> {
    let mut codings =
        headers.named(&CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
    codings.find(|codings| codings.split(',').any(|coding| !["", "identity"].contains(&coding.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn forms_of_bodies() {
        let form = |value: &str| body_form(&headers(&[(CONTENT_TYPE, value)]));
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "text/json",
            "application/json-patch+json",
            "application/merge-patch+json",
        ] {
            assert_eq!(form(json), BodyForm::Json, "{json}");
        }
        assert_eq!(form("application/x-www-form-urlencoded; charset=UTF-8"), BodyForm::Form);
        for other in ["text/plain", "multipart/form-data; boundary=x", "application/xml", "json"] {
            assert_eq!(form(other), BodyForm::Other, "{other}");
        }
        assert_eq!(body_form(&HeaderMap::new()), BodyForm::Json);
    }

    #[test]
    fn how_bodies_are_written() {
        let charset = |value: &str| charset(&headers(&[(CONTENT_TYPE, value)]));
        for none in [
            "application/json",
            "application/json; charset",
            "a/b;charset=",
            "a/b; charset=\"\"",
            "a/b; x=charset=y",
        ] {
            assert_eq!(charset(none), None, "{none}");
        }
        assert_eq!(charset("a/b;x=y; CharSet=\"UTF-16LE\" ").as_deref(), Some("utf-16le"));
        let coding = |value: &str| content_encoding(&headers(&[(CONTENT_ENCODING, value)]));
        for none in ["", "identity", "IDENTITY", "identity, identity,"] {
            assert_eq!(coding(none), None, "{none}");
        }
        assert_eq!(coding("GZip").as_deref(), Some("gzip"));
        assert_eq!(coding("identity, br").as_deref(), Some("identity, br"));
    }

    #[tokio::test]
    async fn a_body_is_bounded_whether_or_not_it_says_its_length() {
        let limits = BodyLimits { bytes: 8 };
        let none = HeaderMap::new();
        assert_eq!(read_body(&none, Body::from("12345678"), limits).await.unwrap().len(), 8);
        let over = Body::from("123456789");
        assert!(matches!(read_body(&none, over, limits).await, Err(Fault::TooLarge(8))));
        let says = headers(&[(CONTENT_LENGTH, "9")]);
        assert!(matches!(read_body(&says, Body::empty(), limits).await, Err(Fault::TooLarge(8))));
    }
}
