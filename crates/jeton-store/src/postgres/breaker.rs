//! Not waiting for a server that is gone.
//!
//! A call that fails as if the server were gone, or that takes long, makes the breaker look for itself: with a connection of
//! its own, so that neither a slow statement nor a pool that is used up is taken for an outage. If that cannot be had, and
//! nothing else succeeds meanwhile, the breaker opens: calls under way are given up, later ones fail at once, and it goes on
//! looking. When the server answers, the connections are replaced, since any of the old ones may lead nowhere, and the
//! breaker closes.

use super::open::{self, Standby};
use crate::error::{StoreError, TooSlow};
use crate::measures::StoreMeasures;
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{ConnectOptions, Connection};
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long a call may take before the breaker looks.
const SUSPICIOUS: Duration = Duration::from_millis(250);
/// How long a server may take to accept a connection and answer on it before it is taken for gone, at most.
const PROBE_TIME: Duration = Duration::from_secs(3);
/// And how long once it is.
const NEXT_PROBE_TIME: Duration = Duration::from_secs(1);
/// How long after a look that found the server well the next one is, at the earliest.
const PAUSE: Duration = Duration::from_secs(1);
/// How long after a look that did not, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The connections to a server, and whether it is there. Clones are one and the same.
#[derive(Clone, Debug)]
pub(super) struct Breaker(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    pool: RwLock<PgPool>,
    probe_time: Duration,
    is_open: watch::Sender<bool>,
    is_looking: AtomicBool,
    /// Calls that the server answered.
    answered: AtomicU64,
    measures: Arc<StoreMeasures>,
}

/// The server cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("the server does not answer")]
struct Gone;

impl Breaker {
    /// A closed one. Reads may take this long.
    pub(super) fn over(pool: PgPool, query_time: Duration, measures: Arc<StoreMeasures>) -> Self {
        Breaker(Arc::new(Parts {
            pool: RwLock::new(pool),
            // With what comes before it, within the time of a read. A machine that has too much to do is no outage.
            probe_time: PROBE_TIME.min(query_time * 3 / 4),
            is_open: watch::Sender::new(false),
            is_looking: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            measures,
        }))
    }

    /// The connections.
    pub(super) fn pool(&self) -> PgPool {
        self.0.pool()
    }

    /// Where the connections are found, as long as there are any.
    pub(super) fn pools(&self) -> impl Fn() -> Option<PgPool> + Send + 'static {
        let parts = Arc::downgrade(&self.0);
        move || Some(parts.upgrade()?.pool())
    }

    /// Makes a call, which has so much time, its wait for a connection included; without a bound it ends only with the
    /// server. Of a write that is given up nobody knows whether it was carried out.
    pub(super) async fn call<T>(
        &self,
        bound: Option<Duration>,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut is_open = self.0.is_open.subscribe();
        if *is_open.borrow() {
            return Err(StoreError::unavailable(Gone));
        }
        let opened = is_open.wait_for(|is_open| *is_open);
        let too_long = async {
            sleep(SUSPICIOUS).await;
            self.look();
            match bound {
                Some(bound) => sleep(bound.saturating_sub(SUSPICIOUS)).await,
                None => std::future::pending().await,
            }
            TooSlow(bound.unwrap_or_default())
        };
        let result = tokio::select! {
            biased;
            result = call => result,
            _ = opened => return Err(StoreError::unavailable(Gone)),
            too_slow = too_long => return Err(StoreError::unavailable(too_slow)),
        };
        match &result {
            Ok(_) => {
                self.0.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(StoreError::Unavailable(cause)) if seems_gone(&**cause) => self.look(),
            Err(_) => {}
        }
        result
    }

    /// Returns at once.
    fn look(&self) {
        if !self.0.is_looking.swap(true, Ordering::Relaxed) {
            tokio::spawn(look(Arc::downgrade(&self.0)));
        }
    }

    /// Nothing is looked for any more.
    pub(super) async fn close(&self) {
        self.0.is_looking.store(true, Ordering::Relaxed);
        self.pool().close().await;
    }
}

impl Parts {
    fn pool(&self) -> PgPool {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn open(&self, error: &sqlx::Error) {
        if !self.is_open.send_replace(true) {
            self.measures.outages.increment();
            self.measures.is_cut_off.set(1);
            tracing::error!("the database does not answer, and is not asked until it does: {error}");
        }
    }

    fn close(&self) {
        let pool = self.pool();
        if !*self.is_open.borrow() || pool.is_closed() {
            return;
        }
        let fresh = open::renewed(&pool);
        let stale = std::mem::replace(&mut *self.pool.write().unwrap_or_else(PoisonError::into_inner), fresh);
        self.is_open.send_replace(false);
        self.measures.is_cut_off.set(0);
        tracing::warn!("the database answers again");
        // What is still under way there ends by itself.
        tokio::spawn(async move { timeout(NEXT_PROBE_TIME, stale.close()).await });
    }
}

/// Looks until the server answers.
async fn look(parts: Weak<Parts>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(strong) = parts.upgrade() else { return };
        let pool = strong.pool();
        if pool.is_closed() {
            return;
        }
        let options = pool.connect_options();
        let is_open = *strong.is_open.borrow();
        let probe_time = if is_open { NEXT_PROBE_TIME.min(strong.probe_time) } else { strong.probe_time };
        let answered = strong.answered.load(Ordering::Relaxed);
        drop(strong);
        let found = timeout(probe_time, probe(&options)).await;
        let found = found.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())));
        let Some(strong) = parts.upgrade() else { return };
        let pause = match found {
            Err(error) if is_gone(&error) => {
                let is_answered = strong.answered.load(Ordering::Relaxed) != answered;
                if !is_answered {
                    strong.open(&error);
                }
                let longer = LONGEST_PAUSE.min(pause * 2);
                Some(std::mem::replace(&mut pause, longer))
            }
            // Whatever else it says, it is there.
            Ok(()) | Err(_) => {
                strong.close();
                None
            }
        };
        drop(strong);
        let Some(pause) = pause else { break };
        sleep(pause).await;
    }
    sleep(PAUSE).await;
    if let Some(parts) = parts.upgrade() {
        parts.is_looking.store(parts.pool().is_closed(), Ordering::Relaxed);
    }
}

async fn probe(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = options.connect().await?;
    open::make_sure_of_primary(&mut connection).await?;
    connection.close().await
}

/// Whether a call failed because its connection was, or the server behind it.
pub(super) fn has_lost_connection(error: &StoreError) -> bool {
    let StoreError::Unavailable(cause) = error else { return false };
    cause.downcast_ref().is_some_and(is_gone)
}

/// Whether a call failed as it would if the server were gone.
fn seems_gone(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(error) if is_gone(error) || matches!(error, sqlx::Error::PoolTimedOut))
}

/// Whether there is no server to talk to, or one that starts or stops (SQLSTATE 57P01 to 57P03), none behind a pooler
/// (class 08), or a standby, which may have been the primary until now (25006, and 0A000 for a transaction that is to write).
fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Configuration(cause) => cause.is::<Standby>(),
        sqlx::Error::Database(error) => {
            let is_gone = |code: &str| {
                code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "25006" | "0A000")
            };
            error.code().is_some_and(|code| is_gone(&code))
        }
        _ => false,
    }
}
