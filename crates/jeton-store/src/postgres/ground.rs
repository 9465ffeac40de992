//! Whether the database that is connected to is still the one that it was.
//!
//! A connection stays in its database for as long as it lasts. So whatever is put in the place of one, by dropping and making
//! it, by renaming, or by going over to another server, is met on new connections only, and each of them looks at the end of
//! the change log before anybody uses it. What is done to the tables themselves is found by a look now and then, and behind a
//! pooler of transactions, which changes connections as it likes, everything is.

use super::breaker::Breaker;
use super::line::{PgLine, Way};
use crate::continuity::{Break, Continuity, Entry, LogEnd};
use crate::error::StoreError;
use crate::session::Session;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often somebody looks.
const PERIOD: Duration = Duration::from_millis(250);

/// `undefined_table` and `invalid_schema_name`.
const BARE: [&str; 2] = ["42P01", "3F000"];

/// What is known of a database, by all connections to it.
#[derive(Debug, Default)]
pub(super) struct Ground {
    known: Mutex<Continuity>,
    /// There are no tables. Those of before may yet be brought back.
    is_bare: AtomicBool,
    /// It is another one. Nothing makes that good but opening it anew: what was remembered of the one before, and numbers
    /// that were given out there, mean nothing in this one.
    lost: OnceLock<Break>,
}

/// A database has none of its tables.
#[derive(Debug, thiserror::Error)]
#[error("the database has lost its tables")]
struct Bare;

impl Ground {
    /// That nothing was noticed so far. Costs nothing.
    pub(super) fn holds(&self) -> Result<(), StoreError> {
        if let Some(cause) = self.lost.get() {
            return Err(StoreError::unavailable(*cause));
        }
        if self.is_bare.load(Ordering::Relaxed) { Err(StoreError::unavailable(Bare)) } else { Ok(()) }
    }

    /// Looks on this connection, and notes what there is to note.
    ///
    /// # Errors
    /// It could not be found out.
    pub(super) async fn look(&self, connection: &mut impl Session) -> Result<(), StoreError> {
        // Others may look at the same time, and learn more than this look has seen.
        let before = self.known();
        match LogEnd::read(connection, &before).await {
            Ok(end) => {
                match before.check(end) {
                    Ok(()) => self.lock().learn(end),
                    Err(cause) => self.lose(cause),
                }
                if self.is_bare.swap(false, Ordering::Relaxed) {
                    tracing::warn!("the database has its tables again");
                }
                Ok(())
            }
            Err(error) if error.code().is_some_and(|code| BARE.contains(&code.as_str())) => {
                if !self.is_bare.swap(true, Ordering::Relaxed) {
                    tracing::error!("{Bare}: nothing is read or written until they are back: {error}");
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// What is known now.
    pub(super) fn known(&self) -> Continuity {
        *self.lock()
    }

    /// Whether a transaction can have written this entry, before which that was known. To be asked before it is committed.
    pub(super) fn check_written(
        &self,
        before: &Continuity,
        written: Option<Entry>,
    ) -> Result<(), StoreError> {
        if let Some(Err(cause)) = written.map(|written| before.check_written(written)) {
            self.lose(cause);
        }
        self.holds()
    }

    /// Takes what was committed.
    pub(super) fn note(&self, written: Option<Entry>) {
        if let Some(written) = written {
            self.lock().note(written);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Continuity> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, cause: Break) {
        if self.lost.set(cause).is_ok() {
            tracing::error!(
                "{cause}: nothing is read or written any more until a restart. If this is the database to go on with, restart \
                 every server of it; if not, stop them and put the right one in its place"
            );
        }
    }
}

/// Looks until the database is lost.
pub(super) async fn watch(ground: Arc<Ground>, breaker: Breaker, way: Way, query_time: Duration) {
    let mut ticks = interval_at(Instant::now() + PERIOD, PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while ground.lost.get().is_none() {
        ticks.tick().await;
        let look = async {
            let line = PgLine::reading(&breaker.pool(), way, query_time).await;
            ground.look(&mut line.map_err(StoreError::unavailable)?).await
        };
        // Why it could not is for those to say who are waiting for something.
        drop(breaker.call(Some(query_time), look).await);
    }
}
