//! The seam between the store and its engines.

use crate::change::Hints;
use crate::error::StoreError;
use crate::measures::StoreMeasures;
use crate::reading::Reading;
use crate::session::Session;
use crate::write::{Outcome, Write};
use std::fmt;
use std::future::Future;
use std::ops::DerefMut;
use std::time::Duration;
use tokio::sync::watch;

/// What an engine brings: connections for reading, and a way to get writes committed.
pub(crate) trait Engine: fmt::Debug + Send + Sync + 'static {
    /// What statements run on.
    type Connection: Session;

    /// A connection of a pool, for one statement. Dropping it while that runs ends a page's or a scan's.
    type Reader: DerefMut<Target = Self::Connection> + Send;

    /// How long a reading statement may take, from when it has its connection.
    fn read_time(&self) -> Duration;

    /// Makes a call that reads, its wait for a connection included, within what the engine bounds it to.
    fn read<T: Send>(
        &self,
        _: Reading,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        call
    }

    /// A connection for reading. Waiting for it is bounded.
    fn reader(&self, reading: Reading) -> impl Future<Output = Result<Self::Reader, StoreError>> + Send;

    /// A connection on which everything is read as it was at one instant, however long that takes.
    type Snapshot: DerefMut<Target = Self::Connection> + Send;

    /// Begins to read everything as it is now.
    fn snapshot(&self) -> impl Future<Output = Result<Self::Snapshot, StoreError>> + Send;

    /// What the engine finds wrong with its own files, as far as it can be asked.
    fn file_faults(
        &self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Applies a write in a transaction and answers once that is on disk.
    fn write(&self, write: Write) -> impl Future<Output = Result<Outcome, StoreError>> + Send;

    /// Tells `hints` of what other processes announce, for ever.
    fn listen(&self, hints: &watch::Sender<Hints>) -> impl Future<Output = ()> + Send;

    /// What is counted.
    fn measures(&self) -> &StoreMeasures;

    /// Finishes what is under way and closes. Everything asked afterwards is unavailable.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
