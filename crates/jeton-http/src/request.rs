//! Reading requests: path segments, name-value pairs, credentials, bodies.

use crate::server::BodyFault;
use axum::BoxError;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jeton_core::Secret;
use jeton_service::ClientCredentials;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// The header that carries a token where `Authorization` is needed for something else.
pub(crate) const X_ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-access-token");

/// What a client may send as a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Most bytes in it.
    pub bytes: usize,
}

impl BodyLimits {
    /// What may be sent to `/verify`: 1,000 checks of about 1,000 bytes each.
    pub const OF_VERIFY: BodyLimits = BodyLimits { bytes: 1024 * 1024 };
}

impl Default for BodyLimits {
    fn default() -> Self {
        BodyLimits { bytes: 100 * 1024 }
    }
}

/// The percent-decoded segments of a path below `prefix`. A slash at the end adds none. `None`: a segment is not UTF-8
/// once decoded.
pub(crate) fn segments(path: &str, prefix: &str) -> Option<Vec<String>> {
    let rest = path.strip_prefix(prefix)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let decode = |segment: &str| percent_decode_str(segment).decode_utf8().ok().map(String::from);
    rest.strip_prefix('/')?.split('/').map(decode).collect()
}

/// The pairs of an `application/x-www-form-urlencoded` text, a query or a body, in order. `None`: it is not UTF-8 once
/// decoded.
pub(crate) fn pairs(text: &[u8]) -> Option<Vec<(String, String)>> {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        String::from_utf8(percent_encoding::percent_decode(&spaced).collect()).ok()
    };
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(at + 1..).unwrap_or_default();
            Some((decode(&pair[..at])?, decode(value)?))
        })
        .collect()
}

/// Headers, whoever read them.
pub(crate) trait Headers {
    /// The values of the headers of this name, in their order. One with nothing in it is as if it were not there.
    fn named(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]>;
}

impl Headers for HeaderMap {
    fn named(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes).filter(|value| !value.is_empty())
    }
}

/// What a request presents as a token.
#[derive(Debug)]
pub(crate) enum Presented {
    /// Nothing, or nothing that can be a token.
    Nothing,
    /// A token.
    Token(Secret),
    /// More than one.
    Several,
}

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1; the scheme in any case).
pub(crate) fn bearer(headers: &impl Headers) -> Presented {
    only(bearer_values(headers))
}

/// The token of `Authorization: Bearer` or of `X-Access-Token`.
pub(crate) fn bearer_or_header(headers: &impl Headers) -> Presented {
    only(bearer_values(headers).chain(headers.named(&X_ACCESS_TOKEN)))
}

/// What stands behind `Bearer`, once for each header. Where nothing stands there, nothing is presented.
fn bearer_values(headers: &impl Headers) -> impl Iterator<Item = &[u8]> {
    let tokens = headers.named(&AUTHORIZATION).filter_map(|value| {
        let (scheme, token) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
    });
    tokens.filter(|token| !token.is_empty())
}

/// The credentials of `Authorization: Basic` (RFC 7617; the scheme in any case). `None` also if there are several
/// `Authorization` headers, or what stands there is no such credential.
pub(crate) fn basic(headers: &HeaderMap) -> Option<ClientCredentials> {
    let mut values = headers.named(&AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, encoded) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim_matches(' ')).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(ClientCredentials { id: id.to_owned(), secret: Secret::parse(secret).ok()? })
}

/// One that cannot be a token counts as one that was presented.
fn only<'a>(mut tokens: impl Iterator<Item = &'a [u8]>) -> Presented {
    match (tokens.next(), tokens.next()) {
        (None, _) => Presented::Nothing,
        (Some(_), Some(_)) => Presented::Several,
        (Some(token), None) => match std::str::from_utf8(token).map(Secret::parse) {
            Ok(Ok(token)) => Presented::Token(token),
            Ok(Err(_)) | Err(_) => Presented::Nothing,
        },
    }
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It has more than so many bytes.
    TooLarge(usize),
    /// The client did not send all of it.
    Incomplete,
    /// The client did not send it in time.
    TooSlow,
    /// Too much is held for others at this moment.
    NoRoom,
    /// It is said to be written in a way that is not read here: what it must be.
    Encoding(&'static str),
}

/// Reads a whole body within these limits. One that says it is longer, or not plain UTF-8, is refused before it is read. How long it may
/// take, and how much is held for all clients together, is the server's to say: `ServerLimits`.
///
/// Callers read the body before they find out who asks: what a caller may do is decided when all of the request is there,
/// or one that was revoked meanwhile could keep its rights by sending slowly.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
) -> Result<Bytes, BodyError> {
    if content_encoding(headers).is_some() {
        return Err(BodyError::Encoding("the body must come as it is, without Content-Encoding"));
    }
    // The second is how some write the first.
    if charset(headers).is_some_and(|charset| !["utf-8", "utf8"].contains(&charset.as_str())) {
        return Err(BodyError::Encoding("the body must be in UTF-8"));
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits.bytes) {
        return Err(BodyError::TooLarge(limits.bytes));
    }
    let error = match whole(Limited::new(body, limits.bytes)).await {
        Ok(bytes) => return Ok(bytes),
        Err(error) => error,
    };
    if error.is::<LengthLimitError>() {
        return Err(BodyError::TooLarge(limits.bytes));
    }
    // The server's own fault stands below what axum makes of it.
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(error) = cause {
        match error.downcast_ref() {
            Some(BodyFault::TooSlow) => return Err(BodyError::TooSlow),
            Some(BodyFault::NoRoom) => return Err(BodyError::NoRoom),
            None => cause = error.source(),
        }
    }
    Err(BodyError::Incomplete)
}

/// The bytes of a body. Parts are copied together as they come: kept as they are, each would take many times the memory of
/// the byte that it may have.
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

/// A JSON text without the byte order mark that some clients write before it.
pub(crate) fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The form of a body, as its content type names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyForm {
    /// JSON in any of its names, or nothing said.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Anything else.
    Other,
}

/// Reads `Content-Type`: `application/json`, `text/json` and everything that ends in `+json` are JSON, and so is
/// `application/json-patch+json`, under which most published AppKey clients send plain objects.
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

/// The media type that `Content-Type` names, in lower case and without parameters; `None`: it names none. What is no text is
/// some other type.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("?");
    let kind = value.split(';').next().unwrap_or_default().trim();
    (!kind.is_empty()).then(|| kind.to_ascii_lowercase())
}

/// The character set that `Content-Type` names, in lower case; `None`: it names none.
pub(crate) fn charset(headers: &HeaderMap) -> Option<String> {
    let kind = String::from_utf8_lossy(headers.get(CONTENT_TYPE)?.as_bytes()).to_ascii_lowercase();
    let mut parameters = kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim() == "charset")?;
    Some(charset.trim().trim_matches('"').to_owned()).filter(|charset| !charset.is_empty())
}

/// How a body was coded on its way (RFC 9110 section 8.4), in lower case; `None`: it comes as it is.
pub(crate) fn content_encoding(headers: &HeaderMap) -> Option<String> {
    let mut codings =
        headers.named(&CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
    codings.find(|codings| codings.split(',').any(|coding| !["", "identity"].contains(&coding.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_each_on_its_own() {
        let texts = |path: &str| segments(path, "/AccessToken");
        assert_eq!(texts("/AccessToken/a%2Fb/7"), Some(vec!["a/b".to_owned(), "7".to_owned()]));
        assert_eq!(texts("/AccessToken/demo/"), Some(vec!["demo".to_owned()]));
        assert_eq!(texts("/AccessToken"), Some(vec![]));
        assert_eq!(texts("/AccessToken/"), Some(vec![]));
        assert_eq!(texts("/AccessToken//7"), Some(vec![String::new(), "7".to_owned()]));
        assert_eq!(texts("/AccessToken/%ff"), None);
    }

    #[test]
    fn pairs_as_forms_write_them() {
        let owned = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
        };
        assert_eq!(
            pairs(b"a=1&b=x+y%2B&&c&=d&e=f=g"),
            owned(&[("a", "1"), ("b", "x y+"), ("c", ""), ("", "d"), ("e", "f=g")])
        );
        assert_eq!(pairs("t=默认%E6%A0%87".as_bytes()), owned(&[("t", "默认标")]));
        assert_eq!(pairs(b"t=%ff"), None);
        assert_eq!(pairs(b"t=%zz"), owned(&[("t", "%zz")]));
        assert_eq!(pairs(b""), owned(&[]));
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn credentials() {
        let show = |presented: Presented| match presented {
            Presented::Nothing => "nothing".to_owned(),
            Presented::Several => "several".to_owned(),
            Presented::Token(token) => token.expose().to_owned(),
        };
        for (pairs, in_bearer, in_both) in [
            (vec![], "nothing", "nothing"),
            (vec![(AUTHORIZATION, "bEARER  abc")], "abc", "abc"),
            (vec![(AUTHORIZATION, "Bearer ")], "nothing", "nothing"),
            (vec![(AUTHORIZATION, "Bearer")], "nothing", "nothing"),
            (vec![(AUTHORIZATION, "Basic YTpi")], "nothing", "nothing"),
            (vec![(X_ACCESS_TOKEN, "abc")], "nothing", "abc"),
            (vec![(AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer a")], "several", "several"),
            (vec![(AUTHORIZATION, "Bearer a"), (X_ACCESS_TOKEN, "a")], "a", "several"),
            (vec![(X_ACCESS_TOKEN, "a"), (X_ACCESS_TOKEN, "b")], "nothing", "several"),
            (vec![(AUTHORIZATION, "Bearer a"), (X_ACCESS_TOKEN, "")], "a", "a"),
            (vec![(AUTHORIZATION, ""), (X_ACCESS_TOKEN, "a")], "nothing", "a"),
            (vec![(AUTHORIZATION, "Bearer "), (X_ACCESS_TOKEN, "a")], "nothing", "a"),
            (vec![(AUTHORIZATION, ""), (AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer ")], "a", "a"),
            (vec![(AUTHORIZATION, ""), (X_ACCESS_TOKEN, "")], "nothing", "nothing"),
            (vec![(AUTHORIZATION, "Basic YTpi"), (X_ACCESS_TOKEN, "a")], "nothing", "a"),
        ] {
            let map: HeaderMap = {
                let mut map = HeaderMap::new();
                for (name, value) in &pairs {
                    map.append(name.clone(), value.parse().unwrap());
                }
                map
            };
            assert_eq!(show(bearer(&map)), in_bearer, "{pairs:?}");
            assert_eq!(show(bearer_or_header(&map)), in_both, "{pairs:?}");
        }
    }

    #[test]
    fn client_credentials() {
        let read = |value: &str| {
            basic(&headers(&[(AUTHORIZATION, value)])).map(|c| (c.id.clone(), c.secret.expose().to_owned()))
        };
        assert_eq!(read("bAsIc YTpiOmM="), Some(("a".to_owned(), "b:c".to_owned())));
        for bad in ["Basic", "Basic YTpi!", "Basic YQ==", "Basic YTo=", "Bearer YTpi", "Basic /w=="] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let mut twice = headers(&[(AUTHORIZATION, "Basic YTpi")]);
        twice.append(AUTHORIZATION, "".parse().unwrap());
        assert!(basic(&twice).is_some());
        twice.append(AUTHORIZATION, "Basic YTpi".parse().unwrap());
        assert!(basic(&twice).is_none());
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
        assert_eq!(read_body(&none, over, limits).await, Err(BodyError::TooLarge(8)));
        let says = headers(&[(CONTENT_LENGTH, "9")]);
        assert_eq!(read_body(&says, Body::empty(), limits).await, Err(BodyError::TooLarge(8)));
    }
}
