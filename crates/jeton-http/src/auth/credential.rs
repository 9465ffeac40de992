//! The credential in a gateway's question, in the places that the app's settings name.

use crate::server::Headers;
use crate::transport::credentials::{Presented, X_ACCESS_TOKEN, basic_user_names, bearer_values, only};
use crate::transport::url::pairs;
use axum::http::HeaderName;
use axum::http::header::{AUTHORIZATION, COOKIE};
use jeton_core::{CookieName, CredentialPlace, ForwardAuthSettings};
use smallvec::SmallVec;
use zeroize::Zeroizing;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The query parameter that carries a token (RFC 6750 section 2.3).
const QUERY_PARAMETER: &str = "access_token";

/// The presented credential. `query`: that of the original request.
pub(super) fn presented(
    settings: &ForwardAuthSettings,
    headers: &impl Headers,
    query: Option<&str>,
) -> Presented {
    let decoded = decoded(settings, headers, query);
    let in_headers = settings.credentials.iter().flat_map(|place| in_place(place, headers));
    only(in_headers.chain(decoded.iter().map(|value| value.as_slice())))
}

/// Whether there may be a credential in a place that only an app's settings allow.
pub(super) fn may_stand_elsewhere(headers: &impl Headers) -> bool {
    [X_API_KEY, COOKIE].iter().any(|name| headers.named(name).next().is_some())
        || basic_user_names(headers).next().is_some()
}

/// The headers that may contain it, without duplicates.
pub(super) fn headers_of(settings: &ForwardAuthSettings) -> SmallVec<[HeaderName; 4]> {
    settings.credentials.iter().fold(SmallVec::new(), |mut names, place| {
        let name = match place {
            CredentialPlace::Bearer | CredentialPlace::BasicUsername => AUTHORIZATION,
            CredentialPlace::XAccessToken => X_ACCESS_TOKEN,
            CredentialPlace::XApiKey => X_API_KEY,
            CredentialPlace::Cookie(_) => COOKIE,
        };
        if !names.contains(&name) {
            names.push(name);
        }
        names
    })
}

/// The unencoded values in a place.
fn in_place<'a>(place: &CredentialPlace, headers: &'a impl Headers) -> SmallVec<[&'a [u8]; 2]> {
    match place {
        CredentialPlace::Bearer => bearer_values(headers).collect(),
        CredentialPlace::XAccessToken => headers.named(&X_ACCESS_TOKEN).collect(),
        CredentialPlace::XApiKey => headers.named(&X_API_KEY).collect(),
        CredentialPlace::BasicUsername => SmallVec::new(),
        CredentialPlace::Cookie(name) => cookies(name, headers).collect(),
    }
}

/// The decoded values in a place.
fn decoded(
    settings: &ForwardAuthSettings,
    headers: &impl Headers,
    query: Option<&str>,
) -> SmallVec<[Zeroizing<Vec<u8>>; 2]> {
    let mut decoded = SmallVec::new();
    if settings.credentials.contains(&CredentialPlace::BasicUsername) {
        decoded.extend(basic_user_names(headers));
    }
    let query = query.filter(|query| settings.query_token && query.contains(QUERY_PARAMETER));
    let pairs = query.and_then(|query| pairs(query.as_bytes())).unwrap_or_default();
    let tokens = pairs.into_iter().filter(|(name, value)| name == QUERY_PARAMETER && !value.is_empty());
    decoded.extend(tokens.map(|(_, token)| Zeroizing::new(token.into_bytes())));
    decoded
}

/// The values of the cookies with this name (RFC 6265 section 4.2.1), perhaps quoted.
fn cookies<'a>(name: &CookieName, headers: &'a impl Headers) -> impl Iterator<Item = &'a [u8]> {
    let pairs = headers.named(&COOKIE).flat_map(|value| value.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        (key == name.as_str().as_bytes() && !bare.is_empty()).then_some(bare)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;

    fn shown(places: &[&str], headers: &[(HeaderName, &str)], query: Option<&str>) -> String {
        let credentials = places.iter().map(|place| place.parse().unwrap()).collect();
        let settings = ForwardAuthSettings {
            credentials,
            query_token: query.is_some(),
            ..ForwardAuthSettings::default()
        };
        let pairs = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let map: HeaderMap = pairs.collect();
        match presented(&settings, &map, query) {
            Presented::Nothing => "nothing".to_owned(),
            Presented::Several => "several".to_owned(),
            Presented::Token(secret) => secret.expose().to_owned(),
        }
    }

    #[test]
    fn each_place_is_looked_at_if_it_is_named() {
        let basic = "Basic dG9rZW46eC1vYXV0aC1iYXNpYw==";
        for (places, headers, expected) in [
            (&["bearer"][..], &[(AUTHORIZATION, "bearer token")][..], "token"),
            (&["bearer"], &[(AUTHORIZATION, "Bearer  "), (X_API_KEY, "token")], "nothing"),
            (&["x-api-key"], &[(X_API_KEY, "token"), (AUTHORIZATION, "Bearer other")], "token"),
            (&["x-api-key", "bearer"], &[(X_API_KEY, ""), (AUTHORIZATION, "Bearer token")], "token"),
            (&["x-api-key", "bearer"], &[(X_API_KEY, "a"), (AUTHORIZATION, "Bearer a")], "several"),
            (&["basic-username"], &[(AUTHORIZATION, basic)], "token"),
            (&["basic-username"], &[(AUTHORIZATION, "Basic dG9rZW46")], "token"),
            (&["basic-username"], &[(AUTHORIZATION, "Basic OnRva2Vu")], "nothing"),
            (&["basic-username"], &[(AUTHORIZATION, "Basic !")], "nothing"),
            (
                &["bearer", "basic-username"],
                &[(AUTHORIZATION, basic), (AUTHORIZATION, "Bearer a")],
                "several",
            ),
            (&["bearer"], &[(AUTHORIZATION, basic)], "nothing"),
            (&["cookie:sid"], &[(COOKIE, "a=b; sid=token; c")], "token"),
            (&["cookie:sid"], &[(COOKIE, "sid=\"token\"")], "token"),
            (&["cookie:sid"], &[(COOKIE, "SID=token; xsid=a; sid=")], "nothing"),
            (&["cookie:sid"], &[(COOKIE, "sid=a; sid=b")], "several"),
            (&["cookie:sid"], &[(COOKIE, "sid=a"), (COOKIE, "sid=b")], "several"),
        ] {
            assert_eq!(shown(places, headers, None), expected, "{places:?} {headers:?}");
        }
    }

    #[test]
    fn the_query_counts_if_the_settings_say_so() {
        for (query, expected) in [
            ("access_token=token", "token"),
            ("a=b&access_token=to%6Ben&c", "token"),
            ("access_token=", "nothing"),
            ("Access_token=a", "nothing"),
            ("access_token=a&access_token=b", "several"),
            ("", "nothing"),
        ] {
            assert_eq!(shown(&["bearer"], &[], Some(query)), expected, "{query}");
        }
        assert_eq!(shown(&["bearer"], &[(AUTHORIZATION, "Bearer a")], Some("access_token=a")), "several");
        let settings = ForwardAuthSettings::default();
        assert!(matches!(
            presented(&settings, &HeaderMap::new(), Some("access_token=a")),
            Presented::Nothing
        ));
    }
}
