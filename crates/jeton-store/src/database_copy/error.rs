//! Why a database was not copied.

use crate::error::{OpenError, StoreError};

/// Why a copy was not made or not finished.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source cannot be opened or read.
    #[error("the source: {0}")]
    Source(#[source] OpenError),
    /// There is nothing to copy.
    #[error("the source was never initialised")]
    NoSource,
    /// The source has the schema of an older version, and is not changed.
    #[error("the source has schema version {found}, and this program copies version {known}")]
    OlderSource {
        /// The version that it has.
        found: i64,
        /// The version that this program knows.
        known: i64,
    },
    /// Servers or commands are connected to the source.
    #[error("the source is in use, by {connections} connections of jeton")]
    SourceInUse {
        /// How many connections there are.
        connections: i64,
    },
    /// The target cannot be opened, read or written.
    #[error("the target: {0}")]
    Target(#[source] OpenError),
    /// The target holds something. Nothing was changed.
    #[error("the target is not empty")]
    NotEmpty,
    /// The target is an unfinished copy. Nothing was changed.
    #[error("the target is an unfinished copy of {source_name}")]
    Unfinished {
        /// What it is a copy of.
        source_name: String,
    },
    /// The target is no unfinished copy. Nothing was changed.
    #[error("the target is no unfinished copy, so there is nothing to resume")]
    NothingToResume,
    /// Another process copies into the target. Nothing was changed.
    #[error("another process is copying into the target")]
    TargetInUse,
    /// The target is an unfinished copy of another database. Nothing was changed.
    #[error("the target is an unfinished copy of another database, {source_name}")]
    OtherSource {
        /// What it is a copy of.
        source_name: String,
    },
    /// The source is not as it was when the copy began.
    #[error("the source has changed since the copy began")]
    Changed,
    /// The sides are not the same.
    #[error("the copy is not what the source has in {}", .0.join(", "))]
    Different(Vec<&'static str>),
    /// The copy was to end.
    #[error("the copy was stopped")]
    Stopped,
}

impl CopyError {
    /// Reading the source has failed.
    pub(super) fn source(error: StoreError) -> Self {
        CopyError::Source(error.into())
    }

    /// The target has failed.
    pub(super) fn target(error: StoreError) -> Self {
        CopyError::Target(error.into())
    }
}
