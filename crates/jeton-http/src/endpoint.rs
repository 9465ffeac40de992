//! The entry of a surface in the table of a listener. The server reads such tables, and knows no surface by
//! name.

use crate::document::Document;
use crate::server::{AtOnce, PlainHead, Reply, Room};
use crate::state::AppState;
use crate::transport::client_address::Client;
use crate::transport::fault::Fault;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::future::BoxFuture;
use jeton_service::Service;
use std::fmt;

/// One surface, as a listener sees it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Its paths. The first surface of a table that claims a path gets it.
    pub(crate) claims: Claims,
    /// Its handlers.
    pub(crate) routes: Routes,
    /// The names of its requests in logs and metrics: paths and queries may contain secrets, these never do.
    /// Dashboards depend on them.
    pub(crate) names: &'static [&'static str],
    /// The index of the name of a path that it claims; `None`: the name of paths where nothing is served.
    pub(crate) name: fn(&str) -> Option<usize>,
    /// The places that its requests may take.
    pub(crate) places: Places,
    /// The answer, in its own shape, to a request for which there is no room or that could not be answered or
    /// read.
    pub(crate) refuse: fn(Fault) -> Response,
    /// Answers plain requests before hyper sees them; `None`: none.
    pub(crate) at_once: Option<AnswerAtOnce>,
    /// The description of its API; `None`: its clients need none.
    pub(crate) document: Option<&'static Document>,
    /// The parsers of its clients' bytes, for fuzzers, each with the name of its corpus.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) parsers: &'static [(&'static str, Parser)],
}

/// Parses any bytes, and fails if a property does not hold.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) type Parser = fn(&[u8]);

/// How paths are claimed.
#[derive(Debug)]
pub(crate) enum Claims {
    /// By their first segment, exactly.
    First(&'static [&'static str]),
    /// By parsing them.
    Read(fn(&str) -> bool),
}

/// The handlers of a surface.
#[derive(Debug)]
pub(crate) enum Routes {
    /// A router. Paths that it does not know get the answer of paths where nothing is served.
    Router(fn() -> Router<AppState>),
    /// A handler that parses its paths itself.
    Handler(Handler),
}

/// Answers a request, whatever its path.
pub(crate) type Handler = fn(AppState, Request) -> BoxFuture<'static, Response>;

/// The places among requests in progress that those of a surface may take: see
/// [`Claim`](crate::server::Claim).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// None needed: if these requests were refused under load, the process would be restarted or traffic sent
    /// elsewhere.
    NoneNeeded,
    /// Those for all requests.
    Common,
    /// Also those reserved for gateways. Their heads may be longer than others.
    OfGateways,
    /// Also those reserved for credentials, if the request has some: nothing is done here without valid ones.
    OfCredentials,
    /// The same where the credential is a cookie of this name.
    OfCookie(&'static str),
    /// The same if something is done here without valid credentials; such a request then loses its place.
    OfWhoIsNamed,
}

/// Answers a request of this surface from this client, if no waiting is needed.
pub(crate) type AnswerAtOnce = fn(&Service, Client, &PlainHead<'_>, &mut Reply) -> AtOnce<Box<dyn Lookup>>;

/// A question that memory cannot answer.
pub(crate) trait Lookup: fmt::Debug + Send {
    /// Looks up the answer and writes it, if there is room.
    fn answer<'a>(
        self: Box<Self>,
        service: &'a Service,
        room: Room<'a>,
        reply: &'a mut Reply,
    ) -> BoxFuture<'a, ()>;
}

impl Endpoint {
    /// Whether a path belongs to it. `first`: its first segment.
    pub(crate) fn has(&self, path: &str, first: &str) -> bool {
        match self.claims {
            Claims::First(segments) => segments.contains(&first),
            Claims::Read(claims) => claims(path),
        }
    }
}

/// The first segment of a path, by which most surfaces claim theirs.
pub(crate) fn first_segment(path: &str) -> &str {
    let Some(rest) = path.strip_prefix('/') else { return "" };
    // By bytes: there are few, and every request comes through here.
    let end = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
    &rest[..end]
}

/// The surfaces of a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// In the order in which they are checked. The first is the most frequent.
    pub(crate) surfaces: &'static [&'static Endpoint],
    /// The endpoint of all other paths.
    pub(crate) rest: &'static Endpoint,
}

impl Table {
    /// The endpoint of a path.
    pub(crate) fn of(self, path: &str) -> &'static Endpoint {
        let first = first_segment(path);
        self.surfaces.iter().copied().find(|surface| surface.has(path, first)).unwrap_or(self.rest)
    }

    /// The router of the listener.
    pub(crate) fn router(self, state: AppState) -> Router {
        let routers = self.surfaces.iter().filter_map(|surface| match surface.routes {
            Routes::Router(router) => Some(router()),
            Routes::Handler(_) => None,
        });
        let others = move |State(state): State<AppState>, request: Request| {
            self.handler(request.uri().path())(state, request)
        };
        routers.fold(Router::new(), Router::merge).fallback(others).with_state(state)
    }

    /// The handler of a path that no router knows.
    fn handler(self, path: &str) -> Handler {
        match (&self.of(path).routes, &self.rest.routes) {
            (Routes::Handler(handler), _) | (Routes::Router(_), Routes::Handler(handler)) => *handler,
            (Routes::Router(_), Routes::Router(_)) => unreachable!("what has the rest reads its paths"),
        }
    }
}

/// The descriptions of the APIs of these tables.
pub(crate) fn documents(all: &[Table]) -> impl Iterator<Item = &'static Document> {
    all.iter().flat_map(|table| table.surfaces).filter_map(|surface| surface.document)
}
