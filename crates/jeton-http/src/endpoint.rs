//! What a surface says of itself: its entry in the table of a listener. Whatever serves requests reads such tables, and
//! knows no surface by name.

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
    /// Which paths are its own. The first of a table that claims a path has it.
    pub(crate) claims: Claims,
    /// Who answers there.
    pub(crate) routes: Routes,
    /// The names of what its requests ask for, in logs and metrics: paths and queries may hold secrets, these never do.
    /// Dashboards depend on them.
    pub(crate) names: &'static [&'static str],
    /// Which of them a path has that it claims; `None`: that of paths which nothing is served at.
    pub(crate) name: fn(&str) -> Option<usize>,
    /// Which places its requests may take.
    pub(crate) places: Places,
    /// The answer, in its own shape, where there is no room for a request, nothing can be found out, or something is wrong
    /// with how it came.
    pub(crate) refuse: fn(Fault) -> Response,
    /// Answers what is plainly asked before the HTTP library sees it; `None`: nothing.
    pub(crate) at_once: Option<AnswerAtOnce>,
    /// What reads the bytes that its clients send, for fuzzers, each by the name of its corpus.
    #[cfg(any(test, fuzzing))]
    pub(crate) parsers: &'static [(&'static str, Parser)],
}

/// Reads any bytes, and fails where something that must hold does not.
#[cfg(any(test, fuzzing))]
pub(crate) type Parser = fn(&[u8]);

/// How paths are claimed.
#[derive(Debug)]
pub(crate) enum Claims {
    /// By their first segment, to the letter.
    First(&'static [&'static str]),
    /// By reading them.
    Read(fn(&str) -> bool),
}

/// Who answers.
#[derive(Debug)]
pub(crate) enum Routes {
    /// A router. What it does not know has the answer of paths that nothing is served at.
    Router(fn() -> Router<AppState>),
    /// Whoever reads its paths by itself.
    Handler(Handler),
}

/// Answers a request, whatever its path.
pub(crate) type Handler = fn(AppState, Request) -> BoxFuture<'static, Response>;

/// Which places among the requests under way those of a surface may take: see [`Claim`](crate::server::Claim).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// It needs none: whoever asks would end the process, or send requests elsewhere, for what others do.
    NoneNeeded,
    /// Those that all may take.
    Common,
    /// Those that are kept for gateways, too. Their heads may be longer than others.
    OfGateways,
    /// Those that are kept for credentials, too, if there are some: nothing is done here for who proves nothing.
    OfCredentials,
    /// The same where something is done for who proves nothing, who then has to go.
    OfWhoIsNamed,
}

/// Answers a request of this surface, from this client, if that needs no waiting.
pub(crate) type AnswerAtOnce = fn(&Service, Client, &PlainHead<'_>, &mut Reply) -> AtOnce<Box<dyn Lookup>>;

/// A question that memory does not answer.
pub(crate) trait Lookup: fmt::Debug + Send {
    /// Finds the answer and writes it, if there is room for that.
    fn answer<'a>(
        self: Box<Self>,
        service: &'a Service,
        room: Room<'a>,
        reply: &'a mut Reply,
    ) -> BoxFuture<'a, ()>;
}

impl Endpoint {
    /// Whether a path is its own. `first`: the first segment of it.
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
    // By bytes: it is a few, and every request passes here.
    let end = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
    &rest[..end]
}

/// The surfaces of a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// In the order in which they are asked whether a path is theirs. The first is asked most.
    pub(crate) surfaces: &'static [&'static Endpoint],
    /// What has every other path.
    pub(crate) rest: &'static Endpoint,
}

impl Table {
    /// Whose path it is.
    pub(crate) fn of(self, path: &str) -> &'static Endpoint {
        let first = first_segment(path);
        self.surfaces.iter().copied().find(|surface| surface.has(path, first)).unwrap_or(self.rest)
    }

    /// What answers the requests of the listener.
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

    /// Who answers at a path that no router knows.
    fn handler(self, path: &str) -> Handler {
        match (&self.of(path).routes, &self.rest.routes) {
            (Routes::Handler(handler), _) | (Routes::Router(_), Routes::Handler(handler)) => *handler,
            (Routes::Router(_), Routes::Router(_)) => unreachable!("what has the rest reads its paths"),
        }
    }
}
