//! What serves the requests of a listener: some of them on the fast path, the others by a router.
//!
//! What every request passes through is called here, once for each of the two.

use crate::endpoint::{Lookup, Table, documents};
use crate::listeners;
use crate::normalise::normalise;
use crate::observe::{Observed, Watched, Watcher, X_REQUEST_ID, method_name};
use crate::overload;
use crate::route::Routes;
use crate::server::{
    self, AtOnce, Claim, FastPath, Listener, PlainHead, Reply, Room, Served, ServerLimits, Unserved,
};
use crate::state::{AppState, Setup};
use crate::transport::client_address::{self, Client};
use crate::transport::http_date::with_http_date;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Uri};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use jeton_service::Service;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What serves the requests of a listener. Clones share one state, for connections of their own.
#[derive(Clone, Debug)]
pub struct Site {
    parts: Arc<Parts>,
    watcher: Watcher,
    /// The peer of the connection; `None`: not known. Kept here and not in a request's extensions, which
    /// would cost each request three allocations.
    peer: Option<IpAddr>,
}

#[derive(Debug)]
struct Parts {
    service: Service,
    table: Table,
    routes: Routes,
    router: Router,
    is_behind_proxy: bool,
}

/// A request whose answer has to be looked up.
#[derive(Debug)]
pub(crate) struct Asked {
    watched: Watched,
    question: Box<dyn Lookup>,
}

impl Site {
    /// A site for the surfaces of a listener; `all` are the tables of all listeners.
    pub(crate) fn new(service: Service, setup: Setup, table: Table) -> Self {
        Site::among(service, setup, table, listeners::ALL)
    }

    fn among(service: Service, setup: Setup, table: Table, all: &[Table]) -> Self {
        let routes = Routes::new(table, all);
        let watcher = Watcher::new(Arc::clone(&setup.observer), routes.names());
        let is_behind_proxy = setup.is_behind_proxy;
        let state = AppState::new(service.clone(), setup, documents(all).collect());
        let router = table.router(state);
        Site {
            parts: Arc::new(Parts { service, table, routes, router, is_behind_proxy }),
            watcher,
            peer: None,
        }
    }

    fn client(&self) -> Client {
        Client { peer: self.peer, is_behind_proxy: self.parts.is_behind_proxy }
    }
}

/// Serves a site on a listener until `stop` completes: see [`ServerLimits`] for the limits. Then it closes
/// idle connections, finishes requests in progress, and cuts those that take longer than
/// [`ServerLimits::shutdown_time`].
pub async fn serve(
    listener: impl Into<Listener>,
    site: Site,
    limits: ServerLimits,
    stop: impl Future<Output = ()>,
) {
    server::serve(listener, site, limits, stop).await;
}

impl Served for Site {
    fn for_peer(self, peer: IpAddr) -> Self {
        Site { peer: Some(peer), ..self }
    }

    fn claim(&self, uri: &Uri, headers: &HeaderMap) -> Claim {
        overload::claim(self.parts.table, uri, headers)
    }

    fn date(&self) -> HeaderValue {
        // A date is text that a header can contain.
        let value = |date: &str| HeaderValue::from_str(date).unwrap_or(HeaderValue::from_static(""));
        with_http_date(self.parts.service.now(), value)
    }

    fn refusal(&self, path: &str, why: Unserved) -> Response {
        overload::answer(self.parts.table, path, why)
    }
}

impl FastPath for Site {
    type Question = Asked;

    fn answer_at_once(&self, head: &PlainHead<'_>, reply: &mut Reply) -> AtOnce<Asked> {
        let Parts { service, routes, .. } = &*self.parts;
        let route = routes.of(head.path());
        let Some(answer_at_once) = route.endpoint.at_once else { return AtOnce::Unclaimed };
        let watched = self.watcher.begin(head, route.number, head.method());
        match answer_at_once(service, self.client(), head, reply) {
            AtOnce::Answered => {
                tell(watched.end(reply.status()), reply);
                AtOnce::Answered
            }
            AtOnce::Asked(question) => AtOnce::Asked(Asked { watched, question }),
            AtOnce::Unclaimed => AtOnce::Unclaimed,
        }
    }

    async fn answer_later(&self, asked: Asked, room: Room<'_>, reply: &mut Reply) {
        let Asked { watched, question } = asked;
        let watched = watched.wait_for(question.answer(&self.parts.service, room, reply)).await;
        tell(watched.and_then(|watched| watched.end(reply.status())), reply);
    }
}

/// Puts the id of a request into its answer.
fn tell(id: Option<HeaderValue>, reply: &mut Reply) {
    if let Some(id) = id {
        reply.header(&X_REQUEST_ID, id.as_bytes());
    }
}

impl tower_service::Service<Request<Body>> for Site {
    type Response = Response;
    type Error = Infallible;
    type Future = Observed<RouteFuture<Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        normalise(&mut request);
        let Parts { routes, router, .. } = &*self.parts;
        let route = routes.of(request.uri().path());
        let watched = self.watcher.begin(request.headers(), route.number, method_name(request.method()));
        let from = self.client().address(request.headers());
        client_address::keep(request.extensions_mut(), from);
        watched.answered_by(router.clone().call(request))
    }
}

#[cfg(test)]
mod tests;
