//! The interface between the store and its engines.

use crate::change::Hints;
use crate::error::StoreError;
use crate::measures::StoreMeasures;
use crate::reading::Reading;
use crate::session::Session;
use crate::write::{Outcome, Write};
use jeton_core::Timestamp;
use std::fmt;
use std::future::Future;
use std::ops::DerefMut;
use std::time::Duration;
use tokio::sync::watch;

/// An engine: connections for reading, and a way to commit writes.
pub(crate) trait Engine: fmt::Debug + Send + Sync + 'static {
    /// What statements run on.
    type Connection: Session;

    /// A pooled connection, for one statement. Dropping it while a page or a scan runs ends the statement.
    type Reader: DerefMut<Target = Self::Connection> + Send;

    /// Whether its connections can be lost while its database is there.
    const LOSES_CONNECTIONS: bool = false;

    /// Whether a call failed because it lost its connection.
    fn has_lost_connection(&self, _: &StoreError) -> bool {
        false
    }

    /// How long a reading statement may take once it has its connection.
    fn read_time(&self) -> Duration;

    /// Makes a call that reads, including its wait for a connection, within the engine's time limit.
    fn read<T: Send>(
        &self,
        _: Reading,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        call
    }

    /// A connection for reading. Waiting for it is bounded.
    fn reader(&self, reading: Reading) -> impl Future<Output = Result<Self::Reader, StoreError>> + Send;

    /// A connection that reads everything as of one instant, however long that takes.
    type Snapshot: DerefMut<Target = Self::Connection> + Send;

    /// Begins to read everything as of now.
    fn snapshot(&self) -> impl Future<Output = Result<Self::Snapshot, StoreError>> + Send;

    /// Faults that the engine finds in its own files, as far as it can check.
    fn file_faults(
        &self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Applies a write in a transaction and returns once that is on disk.
    fn write(&self, write: Write) -> impl Future<Output = Result<Outcome, StoreError>> + Send;

    /// Updates `hints` with announcements by other processes; never returns.
    fn listen(&self, hints: &watch::Sender<Hints>) -> impl Future<Output = ()> + Send;

    /// Keeps `leads` up to date; never returns.
    fn lead(&self, leads: &watch::Sender<bool>) -> impl Future<Output = ()> + Send;

    /// The time of the database server, if there is one.
    fn time(&self) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send {
        async { Ok(None) }
    }

    /// The counters.
    fn measures(&self) -> &StoreMeasures;

    /// Finishes work in progress and closes. Every later call is unavailable.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
