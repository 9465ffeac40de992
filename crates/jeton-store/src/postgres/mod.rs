//! PostgreSQL: a pool, and every write a transaction of its own. Checks are part of the statements, so READ COMMITTED
//! is enough: a row that another transaction changed meanwhile is looked at again.

mod open;
#[cfg(test)]
mod tests;

use crate::Store;
use crate::apply::apply;
use crate::engine::Engine;
use crate::error::{OpenError, StoreError};
use crate::measures::StoreMeasures;
use crate::sql_store::SqlStore;
use crate::statements::log::LogOrder;
use crate::write::{Outcome, Write};
use sqlx::Transaction;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, Postgres};
use std::sync::Arc;

/// Begins a transaction that may write, and so may take longer than the connection's limit, which is for reads.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '10s'";

/// Begins a transaction that sees everything as it is at its first statement, however long it goes on.
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
                              SET LOCAL idle_in_transaction_session_timeout = 0";

/// Begins a transaction that replaces everything: others read on, and write only when it is over.
const BEGIN_ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; \
                           SET LOCAL idle_in_transaction_session_timeout = 0; \
                           LOCK TABLE genesis, key_checks, apps, tokens, operators, changes IN EXCLUSIVE MODE";

/// Opens the PostgreSQL database at `url` (`postgres://` or `postgresql://`) and brings it to the newest schema. The
/// database must be there, be encoded in UTF-8, and let its user make tables. Any number of processes may have it open.
///
/// A statement that reads is given up after 2 seconds, one that writes after 10, and waiting for a connection after 5.
///
/// # Errors
/// The URL makes no sense, the database was written by a newer version, or it cannot be reached or used.
pub async fn open_postgres(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SqlStore(PostgresEngine {
        pool: open::pool(url).await?,
        measures: StoreMeasures::default(),
    })))
}

#[derive(Debug)]
struct PostgresEngine {
    pool: PgPool,
    measures: StoreMeasures,
}

impl Engine for PostgresEngine {
    type Connection = PgConnection;
    type Reader = PoolConnection<Postgres>;

    const LOG_ORDER: LogOrder = LogOrder::Transaction;

    async fn reader(&self) -> Result<Self::Reader, StoreError> {
        self.pool.acquire().await.map_err(StoreError::unavailable)
    }

    type Snapshot = Transaction<'static, Postgres>;

    async fn snapshot(&self) -> Result<Self::Snapshot, StoreError> {
        self.pool.begin_with(BEGIN_SNAPSHOT).await.map_err(StoreError::unavailable)
    }

    async fn file_faults(_: &mut PgConnection) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn write(&self, write: Write) -> Result<Outcome, StoreError> {
        let begin = if matches!(write, Write::Restore(_)) { BEGIN_ALONE } else { BEGIN };
        let mut transaction = self.pool.begin_with(begin).await.map_err(StoreError::unavailable)?;
        // Dropped on an error, which rolls it back.
        let mut outcomes = apply(&mut *transaction, std::slice::from_ref(&write)).await?;
        transaction.commit().await.map_err(StoreError::unavailable)?;
        outcomes.pop().ok_or_else(|| StoreError::unavailable("a write had no outcome"))
    }

    fn measures(&self) -> &StoreMeasures {
        &self.measures
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
