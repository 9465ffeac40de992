//! A pooled connection for one statement that reads.

use super::priority;
use crate::error::StoreError;
use crate::fair::Turn;
use jeton_core::AppId;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{Sqlite, SqliteConnection, SqlitePool};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A connection, and the interest in its result. A watched statement ends soon after this is dropped.
#[derive(Debug)]
pub(super) struct Reader {
    // Dropped first: the connection returns to its pool when its statement is about to end.
    _waiting: Option<Waiting>,
    connection: PoolConnection<Sqlite>,
    _turn: Option<Turn<AppId>>,
}

impl Reader {
    /// A connection for a statement that is short by its nature.
    pub(super) async fn lookup(pool: &SqlitePool, turn: Option<Turn<AppId>>) -> Result<Self, StoreError> {
        let connection = pool.acquire().await.map_err(StoreError::unavailable)?;
        Ok(Reader { _waiting: None, connection, _turn: turn })
    }

    /// A connection for a statement that may read many rows. SQLite would run a statement to its end even if
    /// its caller is gone, so a handler ends it.
    pub(super) async fn watched(pool: &SqlitePool, turn: Option<Turn<AppId>>) -> Result<Self, StoreError> {
        let mut connection = pool.acquire().await.map_err(StoreError::unavailable)?;
        let gave_up = Arc::new(AtomicBool::new(false));
        let waiting = Waiting { gave_up: Arc::clone(&gave_up) };
        let is_wanted = move || !gave_up.load(Ordering::Relaxed);
        // This waits until the connection's last statement has ended, so it replaces only its own handler.
        priority::lower(&mut connection, priority::LISTS, is_wanted)
            .await
            .map_err(StoreError::unavailable)?;
        Ok(Reader { _waiting: Some(waiting), connection, _turn: turn })
    }
}

impl Deref for Reader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

/// The result is wanted until this is dropped.
#[derive(Debug)]
struct Waiting {
    gave_up: Arc<AtomicBool>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.gave_up.store(true, Ordering::Relaxed);
    }
}
