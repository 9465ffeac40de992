//! A connection of the pool, on its own or within a transaction.
//!
//! Behind a pooler that gives each transaction another connection to the server, everything is a transaction, nothing is kept
//! from one to the next, and what a connection is told for good is told to each transaction.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use std::time::Duration;

/// What the pool's connections lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The server.
    Direct,
    /// A pooler of transactions.
    Pooled,
}

/// What each transaction that reads behind a pooler begins with, but its time. A standby begins none that may write.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET TRANSACTION READ ONLY; \
                             SET LOCAL statement_timeout = ";

/// What each transaction that writes behind a pooler is told beside the rest: see [`open`](super::open).
const WRITING: &str = "; SET LOCAL idle_in_transaction_session_timeout = '30s'; \
                       SELECT set_config('synchronous_commit', 'on', true) \
                       WHERE current_setting('synchronous_commit') = 'off'";

/// A connection that statements run on.
#[derive(Debug)]
pub(crate) struct PgLine {
    held: Held,
    way: Way,
}

#[derive(Debug)]
enum Held {
    Connection(PoolConnection<Postgres>),
    /// Rolled back when dropped.
    Transaction(Transaction<'static, Postgres>),
}

impl PgLine {
    /// For one statement that reads, or for several that need not agree.
    pub(super) async fn reading(pool: &PgPool, way: Way, time: Duration) -> Result<Self, sqlx::Error> {
        let held = match way {
            Way::Direct => Held::Connection(pool.acquire().await?),
            Way::Pooled => {
                let begin = format!("{BEGIN_READING}{}", time.as_millis().max(1));
                Held::Transaction(pool.begin_with(AssertSqlSafe(begin)).await?)
            }
        };
        Ok(PgLine { held, way })
    }

    /// In a transaction that begins like this.
    pub(super) async fn writing(pool: &PgPool, way: Way, begin: &str) -> Result<Self, sqlx::Error> {
        let more = if way == Way::Pooled { WRITING } else { "" };
        let transaction = pool.begin_with(AssertSqlSafe(format!("{begin}{more}"))).await?;
        Ok(PgLine { held: Held::Transaction(transaction), way })
    }

    /// In a transaction that begins like this, and says by itself all there is to say.
    pub(super) async fn transaction(
        pool: &PgPool,
        way: Way,
        begin: &'static str,
    ) -> Result<Self, sqlx::Error> {
        Ok(PgLine { held: Held::Transaction(pool.begin_with(begin).await?), way })
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.held {
            Held::Connection(_) => Ok(()),
            Held::Transaction(transaction) => transaction.commit().await,
        }
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        match &mut self.held {
            Held::Connection(connection) => connection,
            Held::Transaction(transaction) => transaction,
        }
    }

    /// Whether a statement that was prepared can be found again.
    pub(crate) fn keeps_statements(&self) -> bool {
        self.way == Way::Direct
    }
}
