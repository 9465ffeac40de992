//! All ways in which LoopBack's clients present a token. The first that is present counts, whatever its
//! value.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jeton_core::Secret;
use jeton_loopback::Value;
use jeton_service::Service;

/// The token of a request: `access_token` in the query, then `X-Access-Token`, then `Authorization`.
pub(super) fn presented(service: &Service, query: &Value, headers: &HeaderMap) -> Option<Secret> {
    if let Some(Value::Text(token)) = query.member("access_token")
        && !token.is_empty()
    {
        return Secret::parse(token).ok();
    }
    let values = [crate::transport::credentials::X_ACCESS_TOKEN, AUTHORIZATION];
    let mut values = values.iter().filter_map(|name| headers.get(name)).filter(|value| !value.is_empty());
    let value = std::str::from_utf8(values.next()?.as_bytes()).ok()?;
    of_header(value, |token| service.is_perhaps_minted(token))
}

/// The token in the value of a header: raw, or in base64 after `Bearer `, or as either half of a pair after
/// `Basic `. A value after `Bearer ` that is a minted secret is taken as it is, also one of a
/// key that was retired: nothing that is 64 hex digits is the base64 of a text.
fn of_header(value: &str, is_minted: impl Fn(&Secret) -> bool) -> Option<Secret> {
    if let Some(token) = value.strip_prefix("Bearer ") {
        if let Ok(raw) = Secret::parse(token)
            && is_minted(&raw)
        {
            return Some(raw);
        }
        return Secret::parse(&decoded(token)?).ok();
    }
    match value.split_at_checked(6) {
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic ") => {
            let pair = decoded(pair)?;
            // The longer half is the token; if both are equally long, the first.
            let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
            Secret::parse(if password.len() > user.len() { password } else { user }).ok()
        }
        _ => Secret::parse(value).ok(),
    }
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(BASE64_STANDARD.decode(text.trim()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_headers_hold() {
        let read =
            |value: &str| of_header(value, |token| token.expose() == "ours").map(|t| t.expose().to_owned());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("tok"), some("tok"));
        assert_eq!(read("Bearer dG9r"), some("tok"));
        assert_eq!(read("Bearer ours"), some("ours"));
        // Not valid as base64 text.
        assert_eq!(read("Bearer good"), None);
        assert_eq!(read("bearer dG9r"), some("bearer dG9r"));
        assert_eq!(read("bAsIc dG9r"), some("tok"));
        assert_eq!(read("Basic dG9rOg=="), some("tok"));
        assert_eq!(read("Basic OnRvaw=="), some("tok"));
        assert_eq!(read("Basic YTpsb25nZXI="), some("longer"));
        assert_eq!(read("Basic YWI6Y2Q="), some("ab"));
        assert_eq!(read("Basic !"), None);
    }
}
