//! The credentials of a request.

use crate::server::Headers;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jeton_core::Secret;
use jeton_service::{ClientCredentials, VerifierProof};
use zeroize::Zeroizing;

/// The header for a token if `Authorization` is needed for something else.
pub(crate) const X_ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-access-token");

/// The token of a request.
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

/// The values after `Bearer `, one for each header. Empty ones are skipped.
pub(crate) fn bearer_values(headers: &impl Headers) -> impl Iterator<Item = &[u8]> {
    let tokens = headers.named(&AUTHORIZATION).filter_map(|value| {
        let (scheme, token) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
    });
    tokens.filter(|token| !token.is_empty())
}

/// The credentials of `Authorization: Basic` (RFC 7617; the scheme is case-insensitive). `None` also if there
/// are several `Authorization` headers, or the value is not valid.
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

/// The credentials of a backend in its one `Authorization` header; `None` if there is none, or several, or it
/// is not valid.
pub(crate) fn proof(headers: &HeaderMap) -> Option<VerifierProof> {
    if headers.named(&AUTHORIZATION).count() != 1 {
        return None;
    }
    match bearer(headers) {
        Presented::Token(secret) => Some(VerifierProof::Bearer(secret)),
        Presented::Nothing | Presented::Several => basic(headers).map(VerifierProof::Client),
    }
}

/// The user names of `Authorization: Basic` that are not empty, one for each header. Passwords are ignored.
pub(crate) fn basic_user_names(headers: &impl Headers) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    headers.named(&AUTHORIZATION).filter_map(|value| {
        let (scheme, encoded) = value.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let mut decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim_ascii()).ok()?);
        let end = decoded.iter().position(|byte| *byte == b':')?;
        decoded.truncate(end);
        (!decoded.is_empty()).then_some(decoded)
    })
}

/// The only one of them. One that cannot be a token counts as presented.
pub(crate) fn only<'a>(mut tokens: impl Iterator<Item = &'a [u8]>) -> Presented {
    match (tokens.next(), tokens.next()) {
        (None, _) => Presented::Nothing,
        (Some(_), Some(_)) => Presented::Several,
        (Some(token), None) => match std::str::from_utf8(token).map(Secret::parse) {
            Ok(Ok(token)) => Presented::Token(token),
            Ok(Err(_)) | Err(_) => Presented::Nothing,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let both = only(bearer_values(&map).chain(map.named(&X_ACCESS_TOKEN)));
            assert_eq!(show(both), in_both, "{pairs:?}");
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
}
