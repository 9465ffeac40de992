//! Errors of the store.

use crate::fair::Crowded;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The store could not answer, or could not write. Never means that something does not exist.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is busy for too long, is out of space, or failed. Trying again may
    /// help.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Too many of an app's requests wait for the same resource, or this one has waited too long. Those of
    /// other apps are served meanwhile.
    #[error(transparent)]
    Crowded(#[from] Crowded),
    /// A stored value is not valid. Trying again does not help.
    #[error("the database holds an invalid value in {place}")]
    Corrupt {
        /// The table and column.
        place: &'static str,
    },
}

impl StoreError {
    /// Unavailable because of `cause`.
    pub(crate) fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        StoreError::Unavailable(cause.into())
    }

    /// The database's error code, if it was the database that failed.
    pub(crate) fn code(&self) -> Option<String> {
        database_code(self)
    }

    /// Copies of the same error for all callers that wait for it.
    pub(crate) fn shared(self) -> impl Fn() -> StoreError {
        let shared = Arc::new(self);
        move || match *shared {
            StoreError::Corrupt { place } => StoreError::Corrupt { place },
            StoreError::Crowded(Crowded) => StoreError::Crowded(Crowded),
            StoreError::Unavailable(_) => StoreError::unavailable(Shared(shared.clone())),
        }
    }
}

/// The database's code for the cause of an error, if it was the database that failed.
pub(crate) fn database_code(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<sqlx::Error>() {
        return Some(error.as_database_error()?.code()?.into_owned());
    }
    database_code(error.source()?)
}

/// A statement exceeded its time limit.
#[derive(Debug, thiserror::Error)]
#[error("a statement took longer than {} ms", .0.as_millis())]
pub(crate) struct TooSlow(pub(crate) Duration);

/// The cause of an error that several callers get.
#[derive(Clone, Debug, thiserror::Error)]
struct Shared(#[source] Arc<StoreError>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            StoreError::Unavailable(cause) => cause.fmt(f),
            other => other.fmt(f),
        }
    }
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was written by a newer version of this program.
    #[error(
        "the database has schema version {found}, newer than version {known} that this program knows: use a newer jeton"
    )]
    Newer {
        /// The version that it has.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The URL is not valid.
    #[error("the database URL is not valid: it starts with postgres:// or postgresql://")]
    Url,
    /// It is being copied into, and the copy is not finished.
    #[error(
        "the database is an unfinished copy of {source_name}: finish it with jeton copy .. --resume, or use another database"
    )]
    Unfinished {
        /// What it is a copy of, without a password.
        source_name: String,
    },
    /// It cannot be reached, or is not a database of Jeton.
    #[error("the database cannot be opened: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    /// Cannot be opened because of `cause`.
    pub(crate) fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        OpenError::Unavailable(cause.into())
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => OpenError::Unavailable(cause),
            StoreError::Crowded(_) | StoreError::Corrupt { .. } => OpenError::unavailable(error),
        }
    }
}
