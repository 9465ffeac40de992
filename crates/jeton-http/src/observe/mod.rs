//! Observation of every request: its route, its status, its duration, and its id.
//!
//! It wraps the fast path and the router, since forward-auth may cost no more than a few atomics in addition
//! to its answer: nothing here allocates, takes a lock or opens a span, unless a line is logged.

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

/// Which requests are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RequestLog {
    /// None of them.
    #[default]
    None = 0,
    /// Those whose answer is 500 or above, at most 50 in ten seconds; the next line then says how many were
    /// suppressed.
    Failures = 1,
    /// All of them.
    All = 2,
}

/// At most this many lines about failures in ten seconds: a few are of interest one by one, very many as a
/// number.
const FAILURES_AT_MOST: u64 = 50;

/// Counts requests, and logs those that the setting selects.
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
    /// An observer whose ids start with `prefix`, which should be unique to this process.
    pub fn new(prefix: u32, log: RequestLog) -> Self {
        Observer {
            requests: RequestMeasures::default(),
            ids: RequestIds::new(prefix),
            log: AtomicU8::new(log as u8),
            failures: LogThrottle::new(FAILURES_AT_MOST),
        }
    }

    /// Sets which requests are logged from now on.
    pub fn set_log(&self, log: RequestLog) {
        self.log.store(log as u8, Ordering::Relaxed);
    }

    fn logs_all(&self) -> bool {
        self.log.load(Ordering::Relaxed) == RequestLog::All as u8
    }

    /// Whether a request with this status is logged, and how many before it were suppressed.
    fn passes(&self, status: StatusCode) -> Option<u64> {
        let log = self.log.load(Ordering::Relaxed);
        if log == RequestLog::All as u8 {
            return Some(0);
        }
        let is_wanted = status.is_server_error() && log == RequestLog::Failures as u8;
        if is_wanted { self.failures.pass() } else { None }
    }
}

/// Observes the requests of one connection.
#[derive(Debug)]
pub(crate) struct Watcher(Arc<Hold>);

/// What the requests of one connection share. They count their references here: the reference count of the
/// observer would move from core to core with every request.
#[derive(Debug)]
struct Hold {
    observer: Arc<Observer>,
    /// The counts of each route, by its number.
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
    /// `names`: the names of the routes, each at its number.
    pub(crate) fn new(observer: Arc<Observer>, names: &[&'static str]) -> Self {
        let routes = observer.requests.of(names);
        Watcher(Arc::new(Hold { observer, routes }))
    }

    /// Begins to observe a request of the route with this number.
    pub(crate) fn begin(&self, headers: &impl Headers, route: usize, method: &'static str) -> Watched {
        let id = RequestId::new(headers, Arc::clone(&self.0));
        if self.0.observer.logs_all() {
            // It is certain to be logged: earlier lines about it have the same id.
            id.get();
        }
        Watched { id, watch: Watch { route, method, started_at: Instant::now() } }
    }
}

/// A request that is observed until it is answered.
#[derive(Debug)]
pub(crate) struct Watched {
    id: RequestId,
    watch: Watch,
}

impl Watched {
    /// Counts the answer, logs it if selected, and returns the id to send to the client.
    pub(crate) fn end(self, status: StatusCode) -> Option<HeaderValue> {
        self.watch.end(self.id, status)
    }

    /// Observes an answer that is being computed.
    pub(crate) fn answered_by<F: Future>(self, answer: F) -> Observed<F> {
        Observed { answer: REQUEST.scope(self.id, answer), watch: self.watch }
    }

    /// Awaits something that the answer needs, which may log lines about the request.
    pub(crate) async fn wait_for(self, needed: impl Future<Output = ()>) -> Option<Self> {
        let mut needed = pin!(REQUEST.scope(self.id, needed));
        needed.as_mut().await;
        Some(Watched { id: needed.take_value()?, watch: self.watch })
    }
}

/// The facts about a request before there is an answer.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// Its number.
    route: usize,
    method: &'static str,
    started_at: Instant,
}

impl Watch {
    /// Counts the answer, logs it if selected, and returns the id to send to the client.
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
    /// An answer that is being computed and observed.
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

/// The name of a usual method: clients may send other texts there, even secrets.
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
