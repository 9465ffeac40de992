//! What is known of every request from the outside: its route, its status, how long it took, and its id.
//!
//! This wraps the router instead of being a layer in it, because forward-auth may cost no more than a few atomics
//! besides its answer: nothing here allocates, takes a lock or opens a span, unless a line is written.

mod measures;
mod request_id;

pub(crate) use measures::{CLASSES, RequestMeasures};
pub use request_id::request_id;
pub(crate) use request_id::told_request_id;

use crate::log_throttle::LogThrottle;
use crate::route::Route;
use crate::server::{AtOnce, FastPath, ForPeer, Headers, PlainHead, Reply, Room};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};
use request_id::{REQUEST, RequestId, RequestIds, X_REQUEST_ID};
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use tokio::task::futures::TaskLocalFuture;
use tokio::time::Instant;
use tower_service::Service;

/// Which requests get a line in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RequestLog {
    /// None of them.
    #[default]
    None = 0,
    /// Those whose answer is 500 or above, as far as the log is not flooded with them: at most 50 in ten seconds, of which
    /// the next says how many there were besides.
    Failures = 1,
    /// All of them.
    All = 2,
}

/// Most lines about failures in ten seconds: each of a few is of interest, and of very many the number.
const FAILURES_AT_MOST: u64 = 50;

/// Watches requests: counts them, and writes the lines that were asked for.
#[derive(Debug)]
pub struct Observer {
    pub(crate) requests: RequestMeasures,
    ids: RequestIds,
    log: AtomicU8,
    failures: LogThrottle,
}

impl Default for Observer {
    fn default() -> Self {
        Observer::new(0, RequestLog::None)
    }
}

impl Observer {
    /// One whose ids start with `prefix`, which other processes should not share.
    pub fn new(prefix: u32, log: RequestLog) -> Self {
        Observer {
            requests: RequestMeasures::default(),
            ids: RequestIds::new(prefix),
            log: AtomicU8::new(log as u8),
            failures: LogThrottle::new(FAILURES_AT_MOST),
        }
    }

    /// Decides which requests get a line from now on.
    pub fn set_log(&self, log: RequestLog) {
        self.log.store(log as u8, Ordering::Relaxed);
    }

    fn logs_all(&self) -> bool {
        self.log.load(Ordering::Relaxed) == RequestLog::All as u8
    }

    /// Whether a request with such an answer gets a line, and how many before it got none that should have.
    fn passes(&self, status: StatusCode) -> Option<u64> {
        let log = self.log.load(Ordering::Relaxed);
        if log == RequestLog::All as u8 {
            return Some(0);
        }
        let is_wanted = status.is_server_error() && log == RequestLog::Failures as u8;
        if is_wanted { self.failures.pass() } else { None }
    }
}

/// A service whose requests are watched.
#[derive(Debug)]
pub struct Observe<S> {
    inner: S,
    observer: Arc<Hold>,
}

/// What the requests of one connection share. Each counts itself as a holder: the count that the observer has would go
/// from core to core with every request.
#[derive(Debug)]
struct Hold(Arc<Observer>);

impl<S: Clone> Clone for Observe<S> {
    fn clone(&self) -> Self {
        Observe { inner: self.inner.clone(), observer: Arc::new(Hold(Arc::clone(&self.observer.0))) }
    }
}

impl<S> Observe<S> {
    pub(crate) fn new(inner: S, observer: Arc<Observer>) -> Self {
        Observe { inner, observer: Arc::new(Hold(observer)) }
    }
}

impl<S: ForPeer> ForPeer for Observe<S> {
    fn for_peer(self, peer: IpAddr) -> Self {
        Observe { inner: self.inner.for_peer(peer), ..self }
    }
}

impl<S, B, A> Service<Request<B>> for Observe<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Observed<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (id, watch) = self.begin(request.headers(), request.uri().path(), method_name(request.method()));
        Observed { answer: REQUEST.scope(id, self.inner.call(request)), watch }
    }
}

impl<S> Observe<S> {
    fn begin(&self, headers: &impl Headers, path: &str, method: &'static str) -> (RequestId, Watch) {
        let id = RequestId::new(headers, Arc::clone(&self.observer));
        if self.observer.0.logs_all() {
            // Its line is certain: what is said of it before that says the same id.
            id.get();
        }
        (id, Watch { route: Route::of(path), method, started_at: Instant::now() })
    }
}

/// What is known of a request before there is an answer.
#[derive(Clone, Copy, Debug)]
struct Watch {
    route: Route,
    method: &'static str,
    started_at: Instant,
}

impl Watch {
    /// Counts the answer, writes its line if it gets one, and says which id the client is told.
    fn end(self, id: RequestId, status: StatusCode) -> Option<HeaderValue> {
        let took = self.started_at.elapsed();
        id.observer.0.requests.count(self.route, status, took);
        if let Some(kept_back) = id.observer.0.passes(status) {
            let (route, method) = (self.route.name(), self.method);
            let (status, milliseconds) = (status.as_u16(), took.as_secs_f64() * 1_000.0);
            REQUEST.sync_scope(id, || {
                if status < 500 {
                    tracing::info!(route, method, status, milliseconds, "request");
                } else if kept_back == 0 {
                    tracing::warn!(route, method, status, milliseconds, "request");
                } else {
                    tracing::warn!(route, method, status, milliseconds, kept_back, "request");
                }
                request_id()
            })
        } else {
            id.if_known().cloned()
        }
    }
}

pin_project_lite::pin_project! {
    /// An answer that is under way, and watched.
    pub struct Observed<F> {
        #[pin]
        answer: TaskLocalFuture<RequestId, F>,
        watch: Watch,
    }
}

impl<F> fmt::Debug for Observed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.watch.fmt(f)
    }
}

impl<F, A, E> Future for Observed<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<A>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut answer = ready!(this.answer.as_mut().poll(context))?;
        if let Some(id) = this.answer.take_value()
            && let Some(told) = this.watch.end(id, answer.status())
        {
            answer.headers_mut().insert(X_REQUEST_ID, told);
        }
        Poll::Ready(Ok(answer))
    }
}

/// A question that is watched until it is answered.
#[derive(Debug)]
pub struct Watched<Q> {
    question: Q,
    id: RequestId,
    watch: Watch,
}

impl<S: FastPath + Sync> FastPath for Observe<S> {
    type Question = Watched<S::Question>;

    fn answer_at_once(&self, head: &PlainHead<'_>, reply: &mut Reply) -> AtOnce<Self::Question> {
        let (id, watch) = self.begin(head, head.path(), head.method());
        match self.inner.answer_at_once(head, reply) {
            AtOnce::Answered => {
                tell(watch.end(id, reply.status()), reply);
                AtOnce::Answered
            }
            AtOnce::Asked(question) => AtOnce::Asked(Watched { question, id, watch }),
            AtOnce::Unclaimed => AtOnce::Unclaimed,
        }
    }

    async fn answer_later(&self, watched: Self::Question, room: Room<'_>, reply: &mut Reply) {
        let Watched { question, id, watch } = watched;
        let id = {
            let mut answering = pin!(REQUEST.scope(id, self.inner.answer_later(question, room, reply)));
            answering.as_mut().await;
            answering.take_value()
        };
        tell(id.and_then(|id| watch.end(id, reply.status())), reply);
    }
}

/// Puts the id of a request into its answer.
fn tell(id: Option<HeaderValue>, reply: &mut Reply) {
    if let Some(id) = id {
        reply.header(&X_REQUEST_ID, id.as_bytes());
    }
}

/// The name of a method, if it is a usual one: clients write other things there, secrets too.
fn method_name(method: &Method) -> &'static str {
    const USUAL: [(Method, &str); 7] = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
        (Method::HEAD, "HEAD"),
        (Method::PATCH, "PATCH"),
        (Method::OPTIONS, "OPTIONS"),
    ];
    USUAL.into_iter().find(|(usual, _)| usual == method).map_or("other", |(_, name)| name)
}
