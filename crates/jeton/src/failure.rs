//! How a command fails, and the exit code that says so.

use jeton_service::{BackupError, Error, KeyFileError, OpenServiceError, RestoreError};
use jeton_store::OpenError;
use std::fmt;
use std::process::ExitCode;

/// Why a command failed, for people; the kind is for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

/// What sort of failure it is. Each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailureKind {
    /// The answer is no: not there, not allowed, taken. Exit 1.
    Refused,
    /// The command makes no sense as given, or was done before. Exit 2.
    Usage,
    /// Keys or data are missing, cannot be used, or do not fit. Exit 3.
    Missing,
    /// It could not be found out or could not be done now. Exit 4.
    Unavailable,
    /// A server was told a second time to end, before it had finished. Exit 5.
    CutShort,
}

impl Failure {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Failure { kind: FailureKind::Refused, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Failure { kind: FailureKind::Usage, message: message.into() }
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Failure { kind: FailureKind::Missing, message: message.into() }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Failure { kind: FailureKind::Unavailable, message: message.into() }
    }

    pub(crate) fn cut_short() -> Self {
        let message = "ended by a second signal: what was not answered was perhaps not done".to_owned();
        Failure { kind: FailureKind::CutShort, message }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            FailureKind::Refused => 1,
            FailureKind::Usage => 2,
            FailureKind::Missing => 3,
            FailureKind::Unavailable => 4,
            FailureKind::CutShort => 5,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::unavailable(error.to_string())
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        Failure::missing(error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Newer { .. } => Failure::missing(error.to_string()),
            OpenError::Url => Failure::usage(error.to_string()),
            OpenError::Unavailable(_) => Failure::unavailable(error.to_string()),
        }
    }
}

impl From<OpenServiceError> for Failure {
    fn from(error: OpenServiceError) -> Self {
        match error {
            OpenServiceError::Uninitialised => Failure::missing(format!("{error}: run jeton init")),
            OpenServiceError::Keys(_) => Failure::missing(error.to_string()),
            OpenServiceError::Unavailable(error) => error.into(),
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Taken(_) => Failure::refused(format!("{error}: say --force to replace it")),
            BackupError::File { .. } => Failure::unavailable(error.to_string()),
            BackupError::Unavailable(error) => error.into(),
        }
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Unusable(_) | RestoreError::Damaged(_) => Failure::refused(error.to_string()),
            RestoreError::Keys(_) => Failure::missing(error.to_string()),
            RestoreError::Unavailable(error) => error.into(),
        }
    }
}
