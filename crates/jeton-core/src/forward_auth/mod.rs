//! Settings of forward-auth: demands by name, and rules that map the original request to a demand.

mod path;
mod rule;
#[cfg(test)]
mod tests;

pub use rule::{MAX_RULE_PATH_BYTES, MAX_RULE_TAGS, RouteRule, RuleError, RulePermission};

use crate::decide::Demand;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// At most this many named demands in an app.
pub const MAX_DEMANDS: usize = 1_000;
/// At most this many rules in an app.
pub const MAX_ROUTES: usize = 1_000;
/// At most this many places of credentials.
pub const MAX_CREDENTIALS: usize = 8;
/// The longest time for which a gateway may cache an answer, in seconds.
pub const MAX_CACHE_SECONDS: u32 = 3_600;
/// The name that no demand can have: it selects the rules, which apply to the original request.
pub const BY_ROUTE: &str = "route";

/// An app's settings of forward-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardAuthSettings {
    /// Where the gateway puts the original request. Nothing else is read, or a client could choose what its
    /// request is taken for.
    pub source: RequestSource,
    /// Where the credential may be. A request with several credentials, or none, is refused.
    pub credentials: Vec<CredentialPlace>,
    /// Whether the credential may also be the `access_token` parameter of the original request (RFC 6750
    /// section 2.3). It then appears in the gateway's logs.
    pub query_token: bool,
    /// Demands by name.
    pub demands: BTreeMap<DemandName, Demand>,
    /// Demands by request: the first rule that matches applies.
    pub routes: Vec<RouteRule>,
    /// Whether browsers' preflights, which never carry a credential, are passed to the service behind the
    /// gateway.
    pub preflights: bool,
    /// The realm in `WWW-Authenticate` (RFC 9110 section 11.5).
    pub realm: Option<Realm>,
    /// The URL of the protected resource's metadata (RFC 9728 section 5.1), for `WWW-Authenticate`.
    pub resource_metadata: Option<String>,
    /// For how many seconds a gateway may cache a 200; it lets a token pass for as long after its revocation.
    /// 0: no caching.
    pub cache_seconds: u32,
    /// How a gateway is told that a token was used as often as it may be.
    pub over_limit: OverLimit,
}

/// How a gateway is told that a token was used as often as it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverLimit {
    /// By 429 (RFC 6585 section 4).
    #[default]
    TooManyRequests,
    /// By 403: nginx turns every status but 2xx, 401 and 403 into 500.
    Forbidden,
}

impl OverLimit {
    /// Both.
    pub const ALL: [OverLimit; 2] = [OverLimit::TooManyRequests, OverLimit::Forbidden];

    /// The status, as settings name it.
    pub const fn name(self) -> &'static str {
        match self {
            OverLimit::TooManyRequests => "429",
            OverLimit::Forbidden => "403",
        }
    }
}

/// A member that is not valid: which one, and what it must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InvalidMember {
    pub(crate) member: &'static str,
    pub(crate) wanted: &'static str,
}

/// Where a gateway puts the method and URL of the original request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSource {
    /// `X-Original-Method` and `X-Original-URI`, as nginx is configured to send them.
    XOriginal,
    /// `X-Original-Method` and `X-Original-URL`, an absolute URL, as ingress-nginx sends them.
    XOriginalUrl,
    /// `X-Forwarded-Method` and `X-Forwarded-Uri`, as Traefik and Caddy send them.
    XForwarded,
    /// The question itself: its method, and the rest of its path after the demand's name, as Envoy sends it.
    Request,
}

impl RequestSource {
    /// All of them, in the order in which they are documented.
    pub const ALL: [RequestSource; 4] = [
        RequestSource::XOriginal,
        RequestSource::XOriginalUrl,
        RequestSource::XForwarded,
        RequestSource::Request,
    ];

    /// Its name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            RequestSource::XOriginal => "x-original",
            RequestSource::XOriginalUrl => "x-original-url",
            RequestSource::XForwarded => "x-forwarded",
            RequestSource::Request => "request",
        }
    }
}

/// Where a credential may be in a gateway's question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialPlace {
    /// `Authorization: Bearer`.
    Bearer,
    /// `X-Access-Token`.
    XAccessToken,
    /// `X-Api-Key`.
    XApiKey,
    /// The user name of `Authorization: Basic`, as git and `curl -u TOKEN:` send it.
    BasicUsername,
    /// A cookie of this name.
    Cookie(CookieName),
}

/// Not the name of a place for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a credential is bearer, x-access-token, x-api-key, basic-username or cookie:NAME")]
pub struct CredentialPlaceError;

impl FromStr for CredentialPlace {
    type Err = CredentialPlaceError;

    fn from_str(text: &str) -> Result<Self, CredentialPlaceError> {
        match text {
            "bearer" => Ok(CredentialPlace::Bearer),
            "x-access-token" => Ok(CredentialPlace::XAccessToken),
            "x-api-key" => Ok(CredentialPlace::XApiKey),
            "basic-username" => Ok(CredentialPlace::BasicUsername),
            _ => {
                let name =
                    text.strip_prefix("cookie:").filter(|name| is_token(name)).ok_or(CredentialPlaceError)?;
                Ok(CredentialPlace::Cookie(CookieName(name.to_owned())))
            }
        }
    }
}

impl fmt::Display for CredentialPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialPlace::Bearer => f.write_str("bearer"),
            CredentialPlace::XAccessToken => f.write_str("x-access-token"),
            CredentialPlace::XApiKey => f.write_str("x-api-key"),
            CredentialPlace::BasicUsername => f.write_str("basic-username"),
            CredentialPlace::Cookie(CookieName(name)) => write!(f, "cookie:{name}"),
        }
    }
}

/// The name of a cookie, which is case-sensitive (RFC 6265 section 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieName(String);

impl CookieName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a demand in a gateway's configuration: 1 to 64 of `a-z A-Z 0-9 - _ .`, but not [`BY_ROUTE`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DemandName(String);

/// Not the name of a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a demand is 1 to 64 of the characters a-z A-Z 0-9 - _ . and not \"route\"")]
pub struct DemandNameError;

impl DemandName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for DemandName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for DemandName {
    type Err = DemandNameError;

    fn from_str(text: &str) -> Result<Self, DemandNameError> {
        let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_name = (1..=64).contains(&text.len()) && text.bytes().all(is_of_names);
        // As segments of a path these two have a meaning of their own.
        if is_name && !matches!(text, BY_ROUTE | "." | "..") {
            Ok(DemandName(text.to_owned()))
        } else {
            Err(DemandNameError)
        }
    }
}

/// A realm, the name of a protected space: 1 to 255 printable ASCII characters, without quotes and
/// backslashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm(String);

/// Not a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a realm is 1 to 255 printable ASCII characters without quotes and backslashes")]
pub struct RealmError;

impl Realm {
    /// The text, which is valid between quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Realm {
    type Err = RealmError;

    fn from_str(text: &str) -> Result<Self, RealmError> {
        let is_realm = (1..=255).contains(&text.len()) && text.bytes().all(is_quotable);
        if is_realm { Ok(Realm(text.to_owned())) } else { Err(RealmError) }
    }
}

impl Default for ForwardAuthSettings {
    fn default() -> Self {
        ForwardAuthSettings {
            source: RequestSource::XOriginal,
            credentials: vec![CredentialPlace::Bearer, CredentialPlace::XAccessToken],
            query_token: false,
            demands: BTreeMap::new(),
            routes: Vec::new(),
            preflights: false,
            realm: None,
            resource_metadata: None,
            cache_seconds: 0,
            over_limit: OverLimit::default(),
        }
    }
}

impl ForwardAuthSettings {
    /// The demand of this name, if there is one.
    pub fn demand_named(&self, name: &str) -> Option<&Demand> {
        self.demands.get(name)
    }

    /// The demand of a request, given its method and its target without the query. `None`: no rule matches,
    /// or the path is not in its normal form.
    pub fn demand_of(&self, method: &str, path: &str) -> Option<Demand> {
        let segments = path::segments(path)?;
        let method = method.to_ascii_uppercase();
        self.routes.iter().find_map(|rule| rule.demand(&method, &segments))
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidMember> {
        let require =
            |holds, member, wanted| if holds { Ok(()) } else { Err(InvalidMember { member, wanted }) };
        let credentials = &self.credentials;
        let are_distinct =
            credentials.iter().enumerate().all(|(place, one)| !credentials[..place].contains(one));
        let some = (1..=MAX_CREDENTIALS).contains(&credentials.len()) && are_distinct;
        require(some, "forward_auth.credentials", "names 1 to 8 places, each once")?;
        require(self.demands.len() <= MAX_DEMANDS, "forward_auth.demands", "holds at most 1000 demands")?;
        require(self.routes.len() <= MAX_ROUTES, "forward_auth.routes", "holds at most 1000 rules")?;
        let metadata = self.resource_metadata.as_deref().unwrap_or("https://");
        let is_url =
            metadata.starts_with("https://") && metadata.len() <= 1_024 && metadata.bytes().all(is_quotable);
        require(
            is_url && !metadata.contains(' '),
            "forward_auth.resource_metadata",
            "must be an https URL, or null",
        )?;
        let is_short = self.cache_seconds <= MAX_CACHE_SECONDS;
        require(is_short, "forward_auth.cache_seconds", "must be at most 3600")
    }
}

/// Whether a text is a token (RFC 9110 section 5.6.2) of reasonable length.
fn is_token(text: &str) -> bool {
    let is_of_tokens = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_of_tokens)
}

/// Whether a byte may occur in a quoted string unescaped.
fn is_quotable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\')
}
