//! SQLite: one writer that groups writes into commits, readers beside it.

mod open;
#[cfg(test)]
mod tests;
mod writer;

use crate::Store;
use crate::engine::Engine;
use crate::error::{OpenError, StoreError};
use crate::sql_store::SqlStore;
use crate::statements::log::LogOrder;
use crate::write::{Outcome, Write};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{Sqlite, SqliteConnection, SqlitePool};
use std::path::Path;
use std::sync::Arc;
use writer::Writer;

/// How a SQLite database is used. `Default` is right for everything but measurements.
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// Most writes in one commit. At least 1; with 1, every write is a commit of its own.
    pub max_group: usize,
    /// Most connections for reading. At least 1.
    pub readers: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        SqliteOptions { max_group: 256, readers: 4 }
    }
}

/// Opens the SQLite database at `path` and brings it to the newest schema. Creates the file, readable and writable for
/// its owner only, if there is none; its folder must be there. Several processes may have it open at the same time.
///
/// Needs a tokio runtime, on which the writer runs. Close the store before that runtime ends: a write that was not
/// answered yet may be lost with it, though never in part.
///
/// # Errors
/// The database was written by a newer version, is no database of ours, or cannot be read and written.
pub async fn open_sqlite(path: &Path, options: SqliteOptions) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SqlStore(SqliteEngine::open(path, options).await?)))
}

#[derive(Debug)]
struct SqliteEngine {
    readers: SqlitePool,
    writer: Writer,
}

impl SqliteEngine {
    async fn open(path: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        let connection = open::writer(path).await?;
        let readers = open::readers(path, options.readers.max(1)).await?;
        Ok(SqliteEngine { readers, writer: Writer::start(connection, options.max_group.max(1)) })
    }
}

impl Engine for SqliteEngine {
    type Connection = SqliteConnection;
    type Reader = PoolConnection<Sqlite>;

    const LOG_ORDER: LogOrder = LogOrder::Sequence;

    async fn reader(&self) -> Result<Self::Reader, StoreError> {
        self.readers.acquire().await.map_err(StoreError::unavailable)
    }

    async fn write(&self, write: Write) -> Result<Outcome, StoreError> {
        self.writer.write(write).await
    }

    async fn close(&self) {
        // Readers first: an open read would keep the writer from emptying the log of the database.
        self.readers.close().await;
        self.writer.close().await;
    }
}
