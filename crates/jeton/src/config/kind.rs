//! The kinds of values that settings have.

use jeton_http::PublicUrl;
use jiff::SignedDuration;
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// How long an outage may be bridged.
const LONGEST_OUTAGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_600);

/// The kind of value that a setting has. `Display` describes it, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file or directory; a relative path is relative to the working directory.
    Path,
    /// An IP address or the name of a host, and a port.
    Address,
    /// The URL of the server for clients.
    PublicUrl,
    /// A PostgreSQL database. May contain a password.
    DatabaseUrl,
    /// `true` or `false`.
    Switch,
    /// A whole number within bounds, both included.
    Number { min: u64, max: u64 },
    /// One of these.
    Choice(&'static [&'static str]),
    /// What to do while the store cannot be reached: `refuse`, or `serve_for` and a duration.
    OnOutage,
}

/// The value is not valid for the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidValue;

impl Kind {
    /// Checks that a text is a value of this kind.
    pub(crate) fn check(self, text: &str) -> Result<(), InvalidValue> {
        let fits = match self {
            Kind::Path => !text.is_empty(),
            Kind::Address => text.parse::<SocketAddr>().is_ok() || names_host_and_port(text),
            Kind::PublicUrl => text.parse::<PublicUrl>().is_ok(),
            Kind::DatabaseUrl => text.starts_with("postgres://") || text.starts_with("postgresql://"),
            Kind::Switch => text.parse::<bool>().is_ok(),
            Kind::Number { min, max } => {
                text.parse::<u64>().is_ok_and(|number| (min..=max).contains(&number))
            }
            Kind::Choice(choices) => choices.contains(&text),
            Kind::OnOutage => text.parse::<OnOutage>().is_ok(),
        };
        if fits { Ok(()) } else { Err(InvalidValue) }
    }

    /// What was probably meant by a text that is no value of this kind.
    pub(crate) fn meant(self, text: &str) -> Option<String> {
        let port = text.trim_start_matches(':').parse::<u16>().ok()?;
        (self == Kind::Address).then(|| format!("127.0.0.1:{port}"))
    }

    /// A value for display: without a password.
    pub(crate) fn shown(self, text: &str) -> String {
        match self {
            Kind::DatabaseUrl => without_password(text),
            _ => text.to_owned(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Path => f.write_str("a path"),
            Kind::Address => f.write_str("an address and a port, such as 127.0.0.1:8080 or localhost:8080"),
            Kind::PublicUrl => f.write_str("an http:// or https:// URL without query"),
            Kind::DatabaseUrl => f.write_str("a postgres:// URL"),
            Kind::Switch => f.write_str("true or false"),
            Kind::Number { min, max } => write!(f, "a whole number from {min} to {max}"),
            Kind::Choice(choices) => f.write_str(&choices.join(" or ")),
            Kind::OnOutage => {
                f.write_str("refuse, or serve_for and a duration from 1s to 1h, as in serve_for 30s")
            }
        }
    }
}

/// Whether it is the name of a host (RFC 1123, section 2.1) and a port.
fn names_host_and_port(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.rsplit_once(':')
        .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && host.split('.').all(is_label))
}

/// How long a server serves what it knows while the store cannot be reached; `None`: it refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnOutage(pub(crate) Option<Duration>);

impl FromStr for OnOutage {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text == "refuse" {
            return Ok(OnOutage(None));
        }
        let span = text.strip_prefix("serve_for ").and_then(|span| span.parse::<SignedDuration>().ok());
        let duration = span.and_then(|span| Duration::try_from(span).ok());
        let duration = duration.filter(|duration| LONGEST_OUTAGE.contains(duration));
        duration.map(|duration| OnOutage(Some(duration))).ok_or(InvalidValue)
    }
}

/// A database URL reduced to what cannot be a password: everything is hidden except the user's name and what
/// follows the only `@`, and those only if there is no query, which may contain passwords too.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(hidden)".to_owned() };
    let mut parts = rest.split('@');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(user), Some(place), None) if !rest.contains(['?', '#']) => match user.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:(hidden)@{place}"),
            None => url.to_owned(),
        },
        _ => format!("{scheme}://(hidden)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_their_bounds() {
        let number = Kind::Number { min: 1, max: 60 };
        for (kind, good, bad) in [
            (number, vec!["1", "60"], vec!["0", "61", "-1", "1.5", "", "1s"]),
            (Kind::Switch, vec!["true", "false"], vec!["yes", "1", ""]),
            (Kind::Choice(&["human", "json"]), vec!["json"], vec!["JSON", ""]),
            (
                Kind::Address,
                vec!["127.0.0.1:0", "[::1]:8080", "localhost:80", "a-1.example:65535"],
                vec![
                    "127.0.0.1",
                    "8080",
                    ":8080",
                    "localhost",
                    "a b:80",
                    "-a:80",
                    "a:65536",
                    "::1:80",
                    "http://a:80",
                ],
            ),
            (Kind::DatabaseUrl, vec!["postgres://a/b"], vec!["mysql://a/b", "a"]),
            (Kind::PublicUrl, vec!["https://a"], vec!["a"]),
            (Kind::Path, vec!["x"], vec![""]),
            (
                Kind::OnOutage,
                vec!["refuse", "serve_for 1s", "serve_for 30s", "serve_for 1m 30s", "serve_for 1h"],
                vec![
                    "",
                    "serve",
                    "serve_for",
                    "serve_for 30",
                    "serve_for 999ms",
                    "serve_for 61m",
                    "serve_for -5s",
                    "refuse 1s",
                ],
            ),
        ] {
            for text in good {
                assert_eq!(kind.check(text), Ok(()), "{kind}: {text}");
            }
            for text in bad {
                assert_eq!(kind.check(text), Err(InvalidValue), "{kind}: {text}");
            }
        }
    }

    #[test]
    fn nothing_that_may_be_a_password_is_shown() {
        for (url, shown) in [
            ("postgres://jeton@db/jeton", "postgres://jeton@db/jeton"),
            ("postgres://jeton:canary@db:5432/jeton", "postgres://jeton:(hidden)@db:5432/jeton"),
            ("postgres://jeton:can/ary@db/jeton", "postgres://jeton:(hidden)@db/jeton"),
            ("postgres://jeton:can@ary@db/jeton", "postgres://(hidden)"),
            ("postgres://jeton:can?ary@db/jeton", "postgres://(hidden)"),
            ("postgres://db/jeton?password=canary", "postgres://(hidden)"),
            ("postgres://jeton:canary", "postgres://(hidden)"),
            ("canary", "(hidden)"),
        ] {
            assert_eq!(Kind::DatabaseUrl.shown(url), shown);
            assert!(!shown.contains("canary"));
        }
    }
}
