//! The set of open connections: how many there may be, and which are closed if there are too many.

use super::connection::{Ended, Remainder};
use super::handover::give_way_in;
use super::limits::ServerLimits;
use super::load::Load;
use super::measures::ServerMeasures;
use super::stage::{Connection, Stage};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How long the end of an evicted connection may take before its place is considered lost.
const EVICTION_TIME: Duration = Duration::from_secs(1);

/// One in this many open connections is evicted at a time, so that a flood of new ones does not need a search
/// through all for each.
const EVICTED_SHARE: usize = 64;

/// At most this many connections that left the fast path wait for their first turn before no more are
/// accepted.
const MAX_BEGINNING: usize = 64;

#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<HashMap<u64, Member>>,
    room: Arc<Semaphore>,
    next: AtomicU64,
    at_most: usize,
    load: Arc<Load>,
    measures: Arc<ServerMeasures>,
    /// The runtime for connections that left the fast path; `None`: the same one.
    requests: Option<Handle>,
    /// Permits for those that were handed over and have not begun.
    beginning: Arc<Semaphore>,
}

#[derive(Debug)]
struct Member {
    connection: Arc<Connection>,
    /// None: it is about to begin.
    task: Option<AbortHandle>,
}

impl Connections {
    pub(super) fn new(
        limits: &ServerLimits,
        measures: Arc<ServerMeasures>,
        requests: Option<Handle>,
    ) -> Arc<Self> {
        let at_most = limits.connections.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Connections {
            open: Mutex::default(),
            room: Arc::new(Semaphore::new(at_most)),
            next: AtomicU64::new(0),
            at_most,
            load: Arc::new(Load::new(limits, measures.clone())),
            measures,
            requests,
            beginning: Arc::new(Semaphore::new(MAX_BEGINNING)),
        })
    }

    /// A place for a connection, if necessary by evicting those that were idle longest. `None`: none is idle.
    /// Waits until earlier connections have begun.
    pub(super) async fn place(self: &Arc<Self>) -> Option<OwnedSemaphorePermit> {
        drop(self.beginning.acquire().await);
        if let Ok(permit) = self.room.clone().try_acquire_owned() {
            return Some(permit);
        }
        if !self.evict_elsewhere().await {
            return None;
        }
        let freed = tokio::time::timeout(EVICTION_TIME, self.room.clone().acquire_owned()).await;
        freed.ok()?.ok()
    }

    /// Runs a connection in its own task, and the rest of it in a task of the runtime for requests. It holds
    /// its place until it has ended and its socket is closed.
    pub(super) fn spawn<F>(
        self: &Arc<Self>,
        place: OwnedSemaphorePermit,
        run: impl FnOnce(Arc<Connection>) -> F,
    ) where
        F: Future<Output = Result<Option<Remainder>, Ended>> + Send + 'static,
    {
        let connection = Arc::new(Connection::new(self.load.clone()));
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, Member { connection: connection.clone(), task: None });
        self.measures.opened.increment();
        let membership = Membership { id, connections: self.clone(), _place: place };
        let running = run(connection);
        let task = tokio::spawn(async move {
            match running.await {
                Ok(Some(remainder)) => membership.go_on(remainder).await,
                Ok(None) => {}
                Err(ended) => note_end(&ended),
            }
        });
        self.runs_in(id, task.abort_handle());
    }

    /// Records the task that a connection runs in from now on. It may have ended, or been evicted while it
    /// had none.
    fn runs_in(&self, id: u64, task: AbortHandle) {
        if let Some(member) = self.lock().get_mut(&id) {
            if member.connection.stage() == Stage::Evicted {
                task.abort();
            }
            member.task = Some(task);
        }
    }

    /// Closes those that were idle longest. Runs on the runtime for requests, since it looks at all
    /// connections. False: there is none.
    async fn evict_elsewhere(self: &Arc<Self>) -> bool {
        let Some(requests) = &self.requests else { return self.evict_idlest() };
        let connections = self.clone();
        // It fails if that runtime has ended, and then no more connections are served.
        requests.spawn(async move { connections.evict_idlest() }).await.unwrap_or(false)
    }

    /// Closes those that were idle longest. False: there is none.
    pub(super) fn evict_idlest(&self) -> bool {
        let open = self.lock();
        let mut idle: Vec<((bool, Instant), &Member)> =
            open.values().filter_map(|member| Some((member.connection.standing()?, member))).collect();
        // Several at a time only if they never sent a whole request, and then the older half of them: a new
        // connection is about to send one.
        let unproven = idle.iter().filter(|((is_proven, _), _)| !is_proven).count();
        let count = (self.at_most / EVICTED_SHARE).clamp(1, unproven.div_ceil(2).max(1));
        if count < idle.len() {
            idle.select_nth_unstable_by_key(count, |(standing, _)| *standing);
        }
        let evicted = idle.iter().take(count).filter(|(_, member)| member.evict()).count();
        self.measures.evicted.add(evicted as u64);
        evicted > 0
    }

    /// Closes all that have no request now, and the others once it is answered. Over HTTP/2, a connection
    /// says goodbye first.
    pub(super) fn stop_all(&self) {
        for member in self.lock().values() {
            member.connection.stop();
            if member.connection.stage() != Stage::Reading && !member.connection.has_streams() {
                member.evict();
            }
        }
    }

    /// Cuts all, whatever they are doing, and returns the number.
    pub(super) fn cut_all(&self) -> usize {
        let open = self.lock();
        open.values().filter_map(|member| member.task.as_ref()).for_each(AbortHandle::abort);
        open.len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Member>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    fn evict(&self) -> bool {
        let Some(task) = &self.task else { return false };
        let evicted = self.connection.evict();
        if evicted {
            task.abort();
        }
        evicted
    }
}

/// Takes a connection out of the set when it ends, and gives back its place.
#[derive(Debug)]
struct Membership {
    id: u64,
    connections: Arc<Connections>,
    _place: OwnedSemaphorePermit,
}

impl Membership {
    /// Serves the rest of a connection. There is no end of those that can be left to a runtime that does not
    /// keep up with them: they wait for each other here, where no more are accepted meanwhile.
    async fn go_on(self, remainder: Remainder) {
        let (id, connections) = (self.id, self.connections.clone());
        let Some(requests) = &connections.requests else { return self.finish(remainder).await };
        let Ok(begins) = connections.beginning.clone().acquire_owned().await else { return };
        let task = requests.spawn(async move {
            drop(begins);
            give_way_in(self.finish(remainder)).await;
        });
        connections.runs_in(id, task.abort_handle());
    }

    async fn finish(self, remainder: Remainder) {
        if let Err(ended) = remainder.await {
            note_end(&ended);
        }
    }
}

/// The client went away, was too slow or sent no HTTP: what can be answered has been.
fn note_end(ended: &Ended) {
    tracing::debug!("a connection ended early: {ended}");
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
        self.connections.measures.closed.increment();
    }
}
