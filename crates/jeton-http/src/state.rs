//! The state of handlers.

use crate::document::Document;
use crate::observe::Observer;
use crate::readiness::{Phase, Readiness};
use crate::server::ServerMeasures;
use crate::transport::body::BodyLimits;
use jeton_core::Timestamp;
use jeton_service::Service;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

/// The service, and its environment. Routers clone it several times for each request, so a clone counts one reference.
#[derive(Clone, Debug)]
pub(crate) struct AppState(Arc<Shared>);

/// What clones of a state share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) service: Service,
    pub(crate) setup: Setup,
    /// The descriptions of the APIs of all listeners.
    pub(crate) documents: Box<[&'static Document]>,
}

impl AppState {
    pub(crate) fn new(service: Service, setup: Setup, documents: Box<[&'static Document]>) -> Self {
        AppState(Arc::new(Shared { service, setup, documents }))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The environment of the service. Clones share counters and state.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The service's public URL.
    pub public_url: PublicUrl,
    /// Whether every connection comes from a proxy, which gives the client's address in `X-Forwarded-For`.
    pub is_behind_proxy: bool,
    /// Whether who reaches the admin address by a name has come to the right place: by TLS, or through a proxy. Otherwise any
    /// page may have its own name lead there.
    pub is_admin_named: bool,
    /// The limits on request bodies.
    pub body_limits: BodyLimits,
    /// The limits on request bodies of `/verify`.
    pub verify_body_limits: BodyLimits,
    /// Whether requests should be sent here.
    pub readiness: Readiness,
    /// Observes the requests.
    pub observer: Arc<Observer>,
    /// The counters of the public listener.
    pub server_measures: Arc<ServerMeasures>,
    /// When the process started.
    pub started_at: Timestamp,
}

impl Setup {
    /// A service that is ready, with defaults for everything else.
    pub fn new(public_url: PublicUrl) -> Self {
        Setup {
            public_url,
            is_behind_proxy: false,
            is_admin_named: false,
            body_limits: BodyLimits::default(),
            verify_body_limits: BodyLimits::OF_VERIFY,
            readiness: Readiness::new(Phase::Serving),
            observer: Arc::default(),
            server_measures: Arc::default(),
            started_at: Timestamp::MIN,
        }
    }
}

/// The service's public URL: scheme and authority, optionally a path, without a trailing slash.
///
/// Absolute URLs in answers start with it. They are never taken from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Arc<str>);

/// The text is not a public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicUrlError;

impl std::fmt::Display for PublicUrlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "a public URL is http:// or https:// and a host, perhaps with a port and a path, without query",
        )
    }
}

impl std::error::Error for PublicUrlError {}

impl PublicUrl {
    /// Whether clients speak TLS to it.
    pub(crate) fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Its path, without a trailing slash: what proxies put before ours.
    pub(crate) fn path(&self) -> &str {
        let authority = self.0.split_once("://").map_or("", |(_, authority)| authority);
        authority.find('/').map_or("", |at| &authority[at..])
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let url: axum::http::Uri = text.parse().map_err(|_| PublicUrlError)?;
        let scheme_fits = matches!(url.scheme_str(), Some("http" | "https"));
        let host_fits = url.authority().is_some_and(|authority| !authority.host().is_empty());
        if !scheme_fits || !host_fits || url.query().is_some() || text.contains(['#', '@']) {
            return Err(PublicUrlError);
        }
        Ok(PublicUrl(text.trim_end_matches('/').into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_urls() {
        let url = |text: &str| text.parse::<PublicUrl>().map(|url| url.as_str().to_owned());
        assert_eq!(url("https://tokens.example.org/"), Ok("https://tokens.example.org".to_owned()));
        assert_eq!(url("http://127.0.0.1:8080/base"), Ok("http://127.0.0.1:8080/base".to_owned()));
        for bad in
            ["", "tokens.example.org", "/x", "ftp://a", "http://", "http://u:p@a", "http://a?x", "http://a#x"]
        {
            assert_eq!(url(bad), Err(PublicUrlError), "{bad}");
        }
    }
}
