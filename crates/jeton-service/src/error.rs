//! Refusals, which are answers, and the one failure.

use jeton_core::{AuthorityRefusal, EntropyError};
use jeton_store::StoreError;

/// It could not be found out, or could not be done. Says nothing about what was asked for, least of all that it does
/// not exist. The text is for the log; callers learn only that they may try again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness to be had.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// What is stored makes no sense to this version.
    #[error("stored {0} cannot be read")]
    Unreadable(&'static str),
    /// The caller lost its rights while it was being answered.
    #[error("the caller's rights were withdrawn while it was being answered")]
    Withdrawn,
    /// Too many search through many rows at once, or too much of an app's work waits.
    #[error("too many searches through many rows at once")]
    Busy,
    /// A filter takes more work than a request may, or one row of it more than any row may.
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
    /// A task ended without an answer.
    #[error("some work failed: this is a mistake of the program")]
    Failed,
    /// Others changed the same thing too often in between.
    #[error("too many changes to the same thing at once")]
    Contended,
}

impl Error {
    /// Whether nothing is wrong but that too much is asked for at once, most likely by the same app.
    pub fn is_crowding(&self) -> bool {
        match self {
            Error::Store(StoreError::Crowded(_)) | Error::Busy | Error::Contended => true,
            Error::Store(_)
            | Error::Entropy(_)
            | Error::Unreadable(_)
            | Error::Withdrawn
            | Error::TooCostly { .. }
            | Error::Failed => false,
        }
    }
}

/// Why something is not done for this caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such token, as far as this caller may know.
    #[error("there is no such token")]
    NotFound,
    /// It is beyond the caller's authority.
    #[error(transparent)]
    Forbidden(#[from] AuthorityRefusal),
}
