//! PostgreSQL: a pool, and writes in transactions beside each other. Checks are part of the statements, so READ COMMITTED
//! is enough: a row that another transaction changed meanwhile is looked at again.

mod breaker;
pub(crate) mod clock;
mod ground;
mod hints;
mod lead;
mod line;
mod open;
#[cfg(test)]
mod tests;
mod together;
mod writer;

use crate::Store;
use crate::change::Hints;
use crate::engine::Engine;
use crate::error::{OpenError, StoreError};
use crate::fair::Turn;
use crate::measures::StoreMeasures;
use crate::reading::{AtOnce, Reading, ReadingTurns, TURN_TIME};
use crate::sql_store::SqlStore;
use crate::write::{Outcome, Write};
use breaker::Breaker;
use ground::Ground;
use jeton_core::{AppId, Timestamp};
pub(crate) use line::PgLine;
use line::Way;
pub use open::CONNECTIONS_OF_SERVER;
pub(crate) use open::{copier, migrate, options};
use sqlx::postgres::{PgConnectOptions, PgPool};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use writer::Writer;

/// Begins a transaction that sees everything as it is at its first statement, however long it goes on.
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE; SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = 0; \
                              SET LOCAL idle_in_transaction_session_timeout = 0";

/// What one app does at once on the pool's connections; of pages and scans, one more is for other apps. The others are for
/// those who look up by key or write, which is quick.
const AT_ONCE: AtOnce = AtOnce { batches: 2, pages: 2, scans: 2 };

/// Opens the PostgreSQL database at `url` (`postgres://` or `postgresql://`) and brings it to the newest schema. The
/// database must be there, be encoded in UTF-8, and let its user make tables. Any number of processes may have it open.
///
/// What reads is given up after the options' time, its wait for a connection included, but not that for its app's turn. A
/// statement that writes is given up after 10 seconds, and its wait for a connection after the options' time. Where the server is
/// gone, all end within that time, and while it is, nothing is asked: calls fail at once.
///
/// # Errors
/// The URL makes no sense, the database was written by a newer version, or it cannot be reached or used.
pub async fn open_postgres(url: &str, options: PostgresOptions) -> Result<Arc<dyn Store>, OpenError> {
    let PostgresOptions { query_time } = options;
    let ground = Arc::default();
    let pool = open::pool(url, query_time, &ground).await?;
    let direct = pool.connect_options();
    Ok(Arc::new(SqlStore(PostgresEngine::over(pool, (Way::Direct, direct), query_time, ground))))
}

/// The same where `url` leads to the database through a pooler that gives each transaction another connection, as PgBouncer does
/// in its mode `transaction`: no statement stays prepared, and everything is a transaction, which takes longer. `direct_url`
/// leads to the database itself: over it the schema is brought to the newest version, and announcements are heard.
///
/// # Errors
/// As those of [`open_postgres`].
pub async fn open_pooled_postgres(
    url: &str,
    direct_url: &str,
    options: PostgresOptions,
) -> Result<Arc<dyn Store>, OpenError> {
    let PostgresOptions { query_time } = options;
    let (pool, direct) = open::pooled(url, direct_url, query_time).await?;
    let engine = PostgresEngine::over(pool, (Way::Pooled, Arc::new(direct)), query_time, Arc::default());
    Ok(Arc::new(SqlStore(engine)))
}

/// How a PostgreSQL database is used.
#[derive(Clone, Copy, Debug)]
pub struct PostgresOptions {
    /// How long a statement that reads may take before it is given up. To the millisecond, and at least one.
    pub query_time: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        PostgresOptions { query_time: crate::QUERY_TIME }
    }
}

#[derive(Debug)]
struct PostgresEngine {
    breaker: Breaker,
    way: Way,
    /// How the database itself is reached.
    direct: Arc<PgConnectOptions>,
    ground: Arc<Ground>,
    watching: JoinHandle<()>,
    query_time: Duration,
    measures: Arc<StoreMeasures>,
    turns: ReadingTurns,
    writer: Writer,
}

/// A connection of the pool, and the turn of what is no lookup.
#[derive(Debug)]
struct Reader {
    line: PgLine,
    _turn: Option<Turn<AppId>>,
}

impl Deref for Reader {
    type Target = PgLine;

    fn deref(&self) -> &PgLine {
        &self.line
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgLine {
        &mut self.line
    }
}

impl PostgresEngine {
    fn over(
        pool: PgPool,
        (way, direct): (Way, Arc<PgConnectOptions>),
        query_time: Duration,
        ground: Arc<Ground>,
    ) -> Self {
        let measures = Arc::<StoreMeasures>::default();
        let breaker = Breaker::over(pool, query_time, measures.clone());
        let watching = tokio::spawn(ground::watch(ground.clone(), breaker.clone(), way, query_time));
        PostgresEngine {
            writer: Writer::over(breaker.clone(), way, ground.clone(), measures.clone()),
            breaker,
            way,
            direct,
            ground,
            watching,
            query_time,
            measures,
            turns: ReadingTurns::new(AT_ONCE),
        }
    }
}

impl Drop for PostgresEngine {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Engine for PostgresEngine {
    type Connection = PgLine;
    type Reader = Reader;

    const LOSES_CONNECTIONS: bool = true;

    fn has_lost_connection(&self, error: &StoreError) -> bool {
        breaker::has_lost_connection(error)
    }

    fn read_time(&self) -> Duration {
        self.query_time
    }

    fn read<T: Send>(
        &self,
        reading: Reading,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let turn_time = if reading == Reading::Lookup { Duration::ZERO } else { TURN_TIME };
        self.breaker.call(Some(turn_time + self.query_time), call)
    }

    async fn reader(&self, reading: Reading) -> Result<Reader, StoreError> {
        let turn = self.turns.of(reading).await?;
        let line = PgLine::reading(&self.breaker.pool(), self.way, self.query_time).await;
        let line = line.map_err(StoreError::unavailable)?;
        self.ground.holds()?;
        Ok(Reader { line, _turn: turn })
    }

    type Snapshot = Reader;

    async fn snapshot(&self) -> Result<Self::Snapshot, StoreError> {
        let pool = self.breaker.pool();
        let begin = async {
            let line = PgLine::transaction(&pool, self.way, BEGIN_SNAPSHOT).await;
            let line = line.map_err(StoreError::unavailable)?;
            self.ground.holds()?;
            Ok(Reader { line, _turn: None })
        };
        self.breaker.call(Some(open::ACQUIRE_TIMEOUT), begin).await
    }

    async fn file_faults(&self, _: &mut PgLine) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn write(&self, write: Write) -> Result<Outcome, StoreError> {
        self.writer.write(write).await
    }

    async fn listen(&self, hints: &watch::Sender<Hints>) {
        hints::listen(&self.direct, self.writer.announcer(), hints).await;
    }

    async fn lead(&self, leads: &watch::Sender<bool>) {
        lead::lead(&self.direct, leads, lead::PACE).await;
    }

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        let ask = async { clock::time(&mut *self.reader(Reading::Lookup).await?).await };
        self.read(Reading::Lookup, ask).await.map(Some)
    }

    fn measures(&self) -> &StoreMeasures {
        &self.measures
    }

    async fn close(&self) {
        self.watching.abort();
        self.writer.close().await;
        self.breaker.close().await;
    }
}
