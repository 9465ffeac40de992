//! The seam between the store and its engines.

use crate::error::StoreError;
use crate::session::Session;
use crate::statements::log::LogOrder;
use crate::write::{Outcome, Write};
use std::fmt;
use std::future::Future;
use std::ops::DerefMut;

/// What an engine brings: connections for reading, and a way to get writes committed.
pub(crate) trait Engine: fmt::Debug + Send + Sync + 'static {
    /// What statements run on.
    type Connection: Session;

    /// A connection of the pool.
    type Reader: DerefMut<Target = Self::Connection> + Send;

    /// In which order entries of the change log become certain.
    const LOG_ORDER: LogOrder;

    /// A connection for reading.
    fn reader(&self) -> impl Future<Output = Result<Self::Reader, StoreError>> + Send;

    /// Applies a write in a transaction and answers once that is on disk.
    fn write(&self, write: Write) -> impl Future<Output = Result<Outcome, StoreError>> + Send;

    /// Finishes what is under way and closes. Everything asked afterwards is unavailable.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
