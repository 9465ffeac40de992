//! What is known of every request from the outside: its route, its status, how long it took, and its id.
//!
//! It stands around the fast path and the router, because forward-auth may cost no more than a few atomics besides its
//! answer: nothing here allocates, takes a lock or opens a span, unless a line is written.

mod measures;
mod request_id;

pub(crate) use measures::CLASSES;
pub use request_id::request_id;
pub(crate) use request_id::{X_REQUEST_ID, told_request_id};

use crate::log_throttle::LogThrottle;
use crate::server::Headers;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use measures::{RequestMeasures, RouteMeasures};
use request_id::{REQUEST, RequestId, RequestIds};
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use tokio::task::futures::TaskLocalFuture;
use tokio::time::Instant;

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

/// What watches the requests of one connection.
#[derive(Debug)]
pub(crate) struct Watcher(Arc<Hold>);

/// What the requests of one connection share. Each counts itself as a holder: the count that the observer has would go
/// from core to core with every request.
#[derive(Debug)]
struct Hold {
    observer: Arc<Observer>,
    /// What is counted of each route, by its number.
    routes: Arc<[Arc<RouteMeasures>]>,
}

impl Clone for Watcher {
    /// For another connection.
    fn clone(&self) -> Self {
        let Hold { observer, routes } = &*self.0;
        Watcher(Arc::new(Hold { observer: Arc::clone(observer), routes: Arc::clone(routes) }))
    }
}

impl Watcher {
    /// `names`: those of the routes, each at its number.
    pub(crate) fn new(observer: Arc<Observer>, names: &[&'static str]) -> Self {
        let routes = observer.requests.of(names);
        Watcher(Arc::new(Hold { observer, routes }))
    }

    /// Begins to watch a request of the route of this number.
    pub(crate) fn begin(&self, headers: &impl Headers, route: usize, method: &'static str) -> Watched {
        let id = RequestId::new(headers, Arc::clone(&self.0));
        if self.0.observer.logs_all() {
            // Its line is certain: what is said of it before that says the same id.
            id.get();
        }
        Watched { id, watch: Watch { route, method, started_at: Instant::now() } }
    }
}

/// A request that is watched until it is answered.
#[derive(Debug)]
pub(crate) struct Watched {
    id: RequestId,
    watch: Watch,
}

impl Watched {
    /// Counts the answer, writes its line if it gets one, and says which id the client is told.
    pub(crate) fn end(self, status: StatusCode) -> Option<HeaderValue> {
        self.watch.end(self.id, status)
    }

    /// Watches an answer that is under way.
    pub(crate) fn answered_by<F: Future>(self, answer: F) -> Observed<F> {
        Observed { answer: REQUEST.scope(self.id, answer), watch: self.watch }
    }

    /// Waits for something that the answer needs, which may write lines about the request.
    pub(crate) async fn wait_for(self, needed: impl Future<Output = ()>) -> Option<Self> {
        let mut needed = pin!(REQUEST.scope(self.id, needed));
        needed.as_mut().await;
        Some(Watched { id: needed.take_value()?, watch: self.watch })
    }
}

/// What is known of a request before there is an answer.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// Its number.
    route: usize,
    method: &'static str,
    started_at: Instant,
}

impl Watch {
    /// Counts the answer, writes its line if it gets one, and says which id the client is told.
    fn end(self, id: RequestId, status: StatusCode) -> Option<HeaderValue> {
        let took = self.started_at.elapsed();
        let Hold { observer, routes } = &*id.hold;
        let measures = &routes[self.route];
        measures.count(status, took);
        if let Some(kept_back) = observer.passes(status) {
            let (route, method) = (measures.name, self.method);
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
            && let Some(request_id) = this.watch.end(id, answer.status())
        {
            answer.headers_mut().insert(X_REQUEST_ID, request_id);
        }
        Poll::Ready(Ok(answer))
    }
}

/// The name of a method, if it is a usual one: clients write other things there, secrets too.
pub(crate) fn method_name(method: &Method) -> &'static str {
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
