//! What serves the requests of a listener: some of them before the HTTP library sees them, all others by a router.
//!
//! Whatever stands on the way of every request is called here, once for each of the two ways.

use crate::auth::{self, Answer, Question};
use crate::normalise::normalise;
use crate::observe::{Observed, Observer, Watched, Watcher, X_REQUEST_ID, method_name};
use crate::overload;
use crate::route::Route;
use crate::server::{
    self, AtOnce, Claim, FastPath, Listener, PlainHead, Reply, Room, Served, ServerLimits, Unserved,
};
use crate::transport::client_address::{self, client_address};
use crate::transport::fault::Fault;
use crate::transport::http_date::with_http_date;
use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, DATE};
use axum::http::{HeaderMap, HeaderValue, Request, Uri};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use jeton_service::{Missed, Service};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What serves the requests of a listener. Clones are one and the same, for connections of their own.
#[derive(Clone, Debug)]
pub struct Site {
    parts: Arc<Parts>,
    watcher: Watcher,
    /// Whom the connection is with; `None`: not known. Kept here and not among a request's extensions, which would cost
    /// each request three allocations.
    peer: Option<IpAddr>,
}

#[derive(Debug)]
struct Parts {
    service: Service,
    router: Router,
    /// Whether forward-auth is served.
    has_auth: bool,
    is_behind_proxy: bool,
}

/// A question of forward-auth that memory does not answer.
#[derive(Debug)]
pub(crate) struct Asked {
    watched: Watched,
    question: Question,
    missed: Missed,
    from: Option<IpAddr>,
}

impl Site {
    pub(crate) fn new(
        service: Service,
        router: Router,
        observer: Arc<Observer>,
        has_auth: bool,
        is_behind_proxy: bool,
    ) -> Self {
        let parts = Arc::new(Parts { service, router, has_auth, is_behind_proxy });
        Site { parts, watcher: Watcher::new(observer), peer: None }
    }

    /// Writes an answer with what hyper adds to every one.
    fn write(&self, answer: &Answer, reply: &mut Reply) {
        reply.begin(answer.status());
        answer.each_header(|name, value| reply.header(&name, value));
        reply.header(&CONTENT_LENGTH, b"0");
        with_http_date(self.parts.service.now(), |date| reply.header(&DATE, date.as_bytes()));
    }
}

/// Serves a site on a listener until `stop` completes: see [`ServerLimits`] for what that costs at most. Then it closes the
/// connections that are idle, finishes the requests that are under way, and cuts those that take longer than
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
        overload::claim(uri, headers)
    }

    fn refusal(&self, path: &str, why: Unserved) -> Response {
        overload::answer(path, why)
    }
}

impl FastPath for Site {
    type Question = Asked;

    fn answer_at_once(&self, head: &PlainHead<'_>, reply: &mut Reply) -> AtOnce<Asked> {
        let Parts { service, has_auth, is_behind_proxy, .. } = &*self.parts;
        if !has_auth || !auth::claims(head.path()) {
            return AtOnce::Unclaimed;
        }
        let watched = self.watcher.begin(head, Route::of(head.path()), head.method());
        let answer = match Question::read(head.path(), head.query(), head) {
            None => Answer::Unproven,
            Some(question) => {
                let from = client_address(self.peer, head, *is_behind_proxy);
                match question.recall(service, from) {
                    Ok(verified) => question.answered(Ok(verified)),
                    Err(missed) => return AtOnce::Asked(Asked { watched, question, missed, from }),
                }
            }
        };
        self.write(&answer, reply);
        tell(watched.end(reply.status()), reply);
        AtOnce::Answered
    }

    async fn answer_later(&self, asked: Asked, room: Room<'_>, reply: &mut Reply) {
        let Asked { watched, question, missed, from } = asked;
        let watched = watched.wait_for(async {
            let answer = match room.take() {
                Some(_place) => question.answer_missed(&self.parts.service, missed, from).await,
                None => Answer::Fault(Fault::NoRoom),
            };
            self.write(&answer, reply);
        });
        let id = watched.await.and_then(|watched| watched.end(reply.status()));
        tell(id, reply);
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
        // A router is ready always.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        normalise(&mut request);
        let route = Route::of(request.uri().path());
        let watched = self.watcher.begin(request.headers(), route, method_name(request.method()));
        let Parts { router, is_behind_proxy, .. } = &*self.parts;
        let from = client_address(self.peer, request.headers(), *is_behind_proxy);
        client_address::keep(request.extensions_mut(), from);
        watched.answered_by(router.clone().call(request))
    }
}
