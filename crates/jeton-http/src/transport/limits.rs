//! The headers that say how the limits of a token stand: `RateLimit-Policy` and `RateLimit`
//! (draft-ietf-httpapi-ratelimit-headers-10), and `Retry-After` (RFC 9110 section 10.2.3).

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jeton_service::LimitsLeft;
use std::fmt::Write;
use std::time::Duration;

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Passes each header to `say`. Uses in all are the policy `uses`, those in a time are named by it, such as `60s`.
pub(crate) fn each_limit_header(left: &LimitsLeft, mut say: impl FnMut(HeaderName, &[u8])) {
    let (mut policy, mut state) = (String::new(), String::new());
    if let Some(allowance) = left.limits.allowance {
        item(&mut policy, "uses", &[("q", allowance.uses)]);
        if let Some(uses_left) = left.uses_left {
            item(&mut state, "uses", &[("r", uses_left)]);
        }
    }
    for (place, rate) in left.limits.rates.as_slice().iter().enumerate() {
        let (limit, seconds) = (u64::from(rate.limit()), u64::from(rate.per_seconds()));
        let name = format!("{seconds}s");
        item(&mut policy, &name, &[("q", limit), ("w", seconds)]);
        if let Some(rate) = left.rates.get(place) {
            item(&mut state, &name, &[("r", rate.uses), ("t", seconds_of(rate.full_after))]);
        }
    }
    say(RATE_LIMIT_POLICY, policy.as_bytes());
    if !state.is_empty() {
        say(RATE_LIMIT, state.as_bytes());
    }
    if let Some(seconds) = retry_seconds(left) {
        say(RETRY_AFTER, seconds.to_string().as_bytes());
    }
}

/// Adds each header to those of an answer.
pub(crate) fn add_limit_headers(headers: &mut HeaderMap, left: &LimitsLeft) {
    each_limit_header(left, |name, value| {
        let value =
            HeaderValue::from_bytes(value).unwrap_or_else(|_| unreachable!("names and numbers are ASCII"));
        headers.append(name, value);
    });
}

/// After how many seconds a use is available, if none is and time helps: one at least.
pub(crate) fn retry_seconds(left: &LimitsLeft) -> Option<u64> {
    left.retry_after.map(|after| seconds_of(after).max(1))
}

/// Rounded up: what is promised is there then.
fn seconds_of(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// One more item of a list (RFC 9651 section 3.1): a name with parameters.
fn item(list: &mut String, name: &str, parameters: &[(&str, u64)]) {
    let separator = if list.is_empty() { "" } else { ", " };
    let is_written = write!(list, "{separator}\"{name}\"");
    for (name, value) in parameters {
        write!(list, ";{name}={value}").unwrap_or_else(|_| unreachable!("texts can be written to"));
    }
    is_written.unwrap_or_else(|_| unreachable!("texts can be written to"));
}

/// How limits stand of which all uses are spent, for descriptions.
#[cfg(test)]
pub(crate) fn without_uses() -> LimitsLeft {
    let limits = "uses=5@1".parse().unwrap_or_default();
    LimitsLeft { limits, uses_left: Some(0), ..LimitsLeft::default() }
}

/// The same of a rate.
#[cfg(test)]
pub(crate) fn over_rate() -> LimitsLeft {
    let limits = "rates=100/60".parse().unwrap_or_default();
    let rates = vec![jeton_core::RateLeft { uses: 0, full_after: Duration::from_secs(60) }];
    LimitsLeft { limits, rates, retry_after: Some(Duration::from_millis(600)), ..LimitsLeft::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_core::RateLeft;

    #[test]
    fn each_limit_is_an_item() {
        let said = |left: &LimitsLeft| {
            let mut said = Vec::new();
            each_limit_header(left, |name, value| {
                said.push(format!("{name}: {}", String::from_utf8_lossy(value)));
            });
            said
        };
        let rate = |uses, millis| RateLeft { uses, full_after: Duration::from_millis(millis) };
        let limits = "uses=100@3 rates=10/60,50/3600".parse().unwrap();
        let (uses_left, rates) = (Some(7), vec![rate(0, 59_001), rate(42, 0)]);
        let left = LimitsLeft { limits, uses_left, rates, retry_after: Some(Duration::from_millis(20)) };
        assert_eq!(
            said(&left),
            [
                "ratelimit-policy: \"uses\";q=100, \"60s\";q=10;w=60, \"3600s\";q=50;w=3600",
                "ratelimit: \"uses\";r=7, \"60s\";r=0;t=60, \"3600s\";r=42;t=0",
                "retry-after: 1",
            ]
        );
        let limits = "uses=5@1".parse().unwrap();
        let spent = LimitsLeft { limits, uses_left: Some(0), ..LimitsLeft::default() };
        assert_eq!(said(&spent), ["ratelimit-policy: \"uses\";q=5", "ratelimit: \"uses\";r=0"]);
    }
}
