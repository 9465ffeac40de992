//! Refusals, which are answers, and the error type.

use jeton_core::{AuthorityRefusal, EntropyError};
use jeton_store::StoreError;

/// The request could not be answered or carried out. Says nothing about what was asked for, least of all that
/// it does not exist. The text is for the log; callers learn only that they may try again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness is available.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// Stored data cannot be read by this version.
    #[error("stored {0} cannot be read")]
    Unreadable(&'static str),
    /// The caller lost its rights while it was being answered.
    #[error("the caller's rights were withdrawn while it was being answered")]
    Withdrawn,
    /// Too many searches over many rows run at once, or too much work of an app is waiting.
    #[error("too many searches over many rows at once")]
    Busy,
    /// A filter takes more work than a request may, or one row more than a row may.
    #[error(
        "the filter takes too much work: at most {request} million steps for a request (limits.match_work), \
         and {row} million for one row"
    )]
    TooCostly {
        /// In millions.
        request: u64,
        /// In millions.
        row: u64,
    },
    /// A secret may have been minted with a key that the ring of this server lacks.
    #[error("a key is missing in the key ring of this server, which others have: copy the ring to it")]
    KeyMissing,
    /// A task ended without an answer.
    #[error("some work failed: this is a bug")]
    Failed,
    /// The same thing was changed by others too often in between.
    #[error("too many changes to the same thing at once")]
    Contended,
}

impl Error {
    /// Whether the store could not be reached, or failed.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Error::Store(StoreError::Unavailable(_)))
    }

    /// Whether the only problem is too much load, most likely from the same app.
    pub fn is_crowding(&self) -> bool {
        match self {
            Error::Store(StoreError::Crowded(_)) | Error::Busy | Error::Contended => true,
            Error::Store(_)
            | Error::Entropy(_)
            | Error::Unreadable(_)
            | Error::Withdrawn
            | Error::TooCostly { .. }
            | Error::KeyMissing
            | Error::Failed => false,
        }
    }
}

/// Why a request is refused to this caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token does not exist, as far as this caller may know.
    #[error("there is no such token")]
    NotFound,
    /// It exceeds the caller's authority.
    #[error(transparent)]
    Forbidden(#[from] AuthorityRefusal),
}
