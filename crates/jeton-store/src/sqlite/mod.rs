//! SQLite: one writer that groups writes into commits, and several readers.

mod acknowledged;
mod ground;
mod header;
mod jobs;
mod open;
mod priority;
mod reader;
mod reserve;
#[cfg(test)]
mod tests;
mod write_connection;
mod writer;

pub(crate) use acknowledged::Acknowledged;

use crate::Store;
use crate::change::Hints;
use crate::engine::Engine;
use crate::error::{OpenError, StoreError};
use crate::measures::StoreMeasures;
use crate::reading::{AtOnce, Reading, ReadingTurns};
use crate::session::Session;
use crate::sql_store::SqlStore;
use crate::write::{Outcome, Write};
pub(crate) use acknowledged::forget as forget_acknowledged;
use ground::{Anchor, Ground, Lost};
pub(crate) use open::{copier, reader as copied};
use reader::Reader;
use reserve::Reserve;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Connection, Executor};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedMappedMutexGuard, watch};
use tokio::task::JoinHandle;
use write_connection::WriteConnection;
use writer::Writer;

/// How a SQLite database is used. `Default` is right for everything except measurements.
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// At most this many writes in one commit. At least 1; with 1, every write is a commit of its own.
    pub max_group: usize,
    /// At most this many connections for look-ups by key. At least 1. By default as many as the machine has
    /// cores, from 2 to 4: each is a computing thread with memory of its own.
    pub readers: u32,
    /// At most this many connections for pages of lists of one app, and as many again for counting or
    /// skipping many rows: neither takes one from look-ups, and each has one more for other apps. At least 1.
    pub list_readers: u32,
    /// The time limit of a statement that reads.
    pub query_time: Duration,
    /// A number written into the header of the file, so that no earlier copy is mistaken for it: for the
    /// server of the database, with a new one at each start. `None`: the existing one stays.
    pub stamp: Option<i32>,
    /// How many bytes of the disk are reserved for writes that take rights away when it is full. 0: none.
    pub reserve_bytes: u64,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4) as u32);
        SqliteOptions {
            max_group: 256,
            readers: cores,
            list_readers: 2,
            query_time: crate::QUERY_TIME,
            stamp: None,
            reserve_bytes: 16 * 1024 * 1024,
        }
    }
}

/// Opens the SQLite database at `path` and migrates it to the newest schema. Creates the file, readable and
/// writable for its owner only, if it does not exist; its folder must exist. Several processes may have it
/// open at the same time.
///
/// Needs a tokio runtime, which wakes the writing thread. Close the store before that runtime ends: a write
/// that was not answered yet may be lost with it, though never in part.
///
/// # Errors
///
/// The database was written by a newer version, is not a database of Jeton, or cannot be read and written.
pub async fn open_sqlite(path: &Path, options: SqliteOptions) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SqlStore(SqliteEngine::open(path, options).await?)))
}

#[derive(Debug)]
struct SqliteEngine {
    readers: SqlitePool,
    page_readers: SqlitePool,
    scan_readers: SqlitePool,
    turns: ReadingTurns,
    writer: Writer,
    ground: Arc<Ground>,
    anchor: Anchor,
    watching: JoinHandle<()>,
    query_time: Duration,
    measures: Arc<StoreMeasures>,
}

impl SqliteEngine {
    async fn open(path: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        let mut reserve = Reserve::beside(path, options.reserve_bytes);
        let connection = write_connection::open(path, options.stamp, &mut reserve).await?;
        let anchor = ground::anchor(path).await?;
        let ground = Arc::new(Ground::under(path, options.stamp).map_err(OpenError::unavailable)?);
        if let Some(connection) = anchor.lock().await.as_mut() {
            let compared = ground.acknowledged.compare(connection, ground.is_served()).await;
            compared.map_err(OpenError::unavailable)?;
        }
        let readers = open::readers(path, options.readers.max(1)).await?;
        let list_readers = options.list_readers.max(1);
        let page_readers = open::readers(path, list_readers + 1).await?;
        let scan_readers = open::readers(path, list_readers + 1).await?;
        let (batches, lists) = (options.readers.saturating_sub(1).max(1) as usize, list_readers as usize);
        let turns = ReadingTurns::new(AtOnce { batches, pages: lists, scans: lists });
        let measures = Arc::new(StoreMeasures::default());
        let max_group = options.max_group.max(1);
        let writer = Writer::start(
            WriteConnection::new(Arc::clone(&ground), connection, reserve),
            max_group,
            Arc::clone(&measures),
        )
        .map_err(OpenError::unavailable)?;
        let watching = tokio::spawn(ground::watch(Arc::clone(&ground), Arc::clone(&anchor)));
        Ok(SqliteEngine {
            readers,
            page_readers,
            scan_readers,
            turns,
            writer,
            ground,
            anchor,
            watching,
            query_time: options.query_time,
            measures,
        })
    }
}

impl Drop for SqliteEngine {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// A transaction for reading.
pub(crate) enum Transaction {
    /// On a connection of its own. Dropping it ends both.
    Own(SqliteConnection),
    /// On the one connection that still has the files whose names are gone. Its next user starts a new
    /// transaction.
    Anchored(OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>),
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Transaction::Own(connection) => connection,
            Transaction::Anchored(connection) => connection,
        }
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Transaction::Own(connection) => connection,
            Transaction::Anchored(connection) => connection,
        }
    }
}

impl Engine for SqliteEngine {
    type Connection = SqliteConnection;
    type Reader = Reader;

    fn read_time(&self) -> Duration {
        self.query_time
    }

    async fn reader(&self, reading: Reading) -> Result<Reader, StoreError> {
        self.ground.holds()?;
        let turn = self.turns.of(reading).await?;
        match reading {
            Reading::Lookup | Reading::Batch(_) => Reader::lookup(&self.readers, turn).await,
            Reading::Page(_) => Reader::watched(&self.page_readers, turn).await,
            Reading::Scan(_) => Reader::watched(&self.scan_readers, turn).await,
        }
    }

    type Snapshot = Transaction;

    async fn snapshot(&self) -> Result<Transaction, StoreError> {
        let mut transaction = if self.ground.lost().is_some_and(Lost::is_whole) {
            Transaction::Anchored(ground::take(&self.anchor).await?)
        } else {
            self.ground.look()?;
            Transaction::Own(open::reader(self.ground.path()).await.map_err(StoreError::unavailable)?)
        };
        transaction.execute("BEGIN").await.map_err(StoreError::unavailable)?;
        // A transaction sees the state at its first read.
        transaction.row(crate::statements::genesis::ping()).await?;
        Ok(transaction)
    }

    async fn file_faults(&self, connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
        let mut faults = crate::check::sqlite_file(connection).await?;
        faults.extend(self.ground.acknowledged.fault());
        Ok(faults)
    }

    async fn write(&self, write: Write) -> Result<Outcome, StoreError> {
        self.writer.write(write).await
    }

    fn measures(&self) -> &StoreMeasures {
        &self.measures
    }

    async fn listen(&self, _: &watch::Sender<Hints>) {
        std::future::pending::<()>().await;
    }

    async fn lead(&self, leads: &watch::Sender<bool>) {
        leads.send_replace(true);
        std::future::pending::<()>().await;
    }

    async fn close(&self) {
        self.watching.abort();
        if self.ground.lost().is_some() {
            self.writer.close().await;
            // Closing the last connection empties the database's log and removes the files beside it, by
            // their names: those no longer belong to this database. So none is closed.
            let readers = [&self.readers, &self.page_readers, &self.scan_readers].map(SqlitePool::clone);
            std::mem::forget((readers, Arc::clone(&self.anchor)));
            return;
        }
        // Readers first: an open read would keep the writer from emptying the database's log.
        tokio::join!(self.readers.close(), self.page_readers.close(), self.scan_readers.close());
        if let Some(mut anchor) = self.anchor.lock().await.take() {
            self.ground.look_at_the_end(&mut anchor).await;
            if let Err(error) = anchor.close().await {
                tracing::warn!(%error, "a connection was not closed in order; nothing is lost");
            }
        }
        self.writer.close().await;
        self.ground.save();
    }
}
