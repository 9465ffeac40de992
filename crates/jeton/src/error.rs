//! Why commands fail, and their exit codes.

use jeton_service::{BackupError, Error, KeyFileError, OpenServiceError, RestoreError};
use jeton_store::OpenError;
use std::fmt;
use std::process::ExitCode;

/// Why a command failed, for people; the kind is for scripts.
#[derive(Debug)]
pub(crate) struct CommandError {
    pub(crate) kind: CommandErrorKind,
    pub(crate) message: String,
}

/// The kind of an error. Each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CommandErrorKind {
    /// Refused or not found: the answer is no. Exit 1.
    Refused,
    /// A usage error, or done before. Exit 2.
    Usage,
    /// Keys or data are missing, cannot be used, or do not match. Exit 3.
    Missing,
    /// It could not be determined or done now. Exit 4.
    Unavailable,
    /// A server received a second signal to stop before it had finished. Exit 5.
    CutShort,
    /// Nobody reads the output any more. No failure, and nothing to say: exit 0.
    Unread,
}

impl CommandError {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        CommandError { kind: CommandErrorKind::Refused, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        CommandError { kind: CommandErrorKind::Usage, message: message.into() }
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        CommandError { kind: CommandErrorKind::Missing, message: message.into() }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        CommandError { kind: CommandErrorKind::Unavailable, message: message.into() }
    }

    pub(crate) fn cut_short() -> Self {
        let message = "stopped by a second signal: unanswered requests were perhaps not executed".to_owned();
        CommandError { kind: CommandErrorKind::CutShort, message }
    }

    pub(crate) fn unread() -> Self {
        CommandError { kind: CommandErrorKind::Unread, message: "nobody reads the output".to_owned() }
    }

    /// The same, with what was done before, if anything was.
    pub(crate) fn after(self, what: &str, is_some: bool) -> Self {
        if is_some { CommandError { message: format!("{}: {what}", self.message), ..self } } else { self }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }
}

impl CommandErrorKind {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            CommandErrorKind::Refused => 1,
            CommandErrorKind::Usage => 2,
            CommandErrorKind::Missing => 3,
            CommandErrorKind::Unavailable => 4,
            CommandErrorKind::CutShort => 5,
            CommandErrorKind::Unread => 0,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        CommandError::unavailable(error.to_string())
    }
}

impl From<KeyFileError> for CommandError {
    fn from(error: KeyFileError) -> Self {
        CommandError::missing(error.to_string())
    }
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Newer { .. } | OpenError::Unfinished { .. } => {
                CommandError::missing(error.to_string())
            }
            OpenError::Url => CommandError::usage(error.to_string()),
            OpenError::Unavailable(_) => CommandError::unavailable(error.to_string()),
        }
    }
}

impl From<OpenServiceError> for CommandError {
    fn from(error: OpenServiceError) -> Self {
        match error {
            OpenServiceError::Uninitialised => CommandError::missing(format!("{error}: run jeton init")),
            OpenServiceError::Keys(_) => CommandError::missing(error.to_string()),
            OpenServiceError::Unavailable(error) => error.into(),
        }
    }
}

impl From<BackupError> for CommandError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::File { .. } => CommandError::unavailable(error.to_string()),
            BackupError::Unavailable(error) => error.into(),
        }
    }
}

impl From<RestoreError> for CommandError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Unusable(_) | RestoreError::Damaged(_) => CommandError::refused(error.to_string()),
            RestoreError::Keys(_) => CommandError::missing(error.to_string()),
            RestoreError::Unavailable(error) => error.into(),
        }
    }
}
