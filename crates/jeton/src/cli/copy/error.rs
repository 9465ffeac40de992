//! Why a copy was not made, and what to do.

use super::place::Place;
use crate::error::{CommandError, CommandErrorKind};
use jeton_service::KeyCheckError;
use jeton_store::{CopyError, CopyPhase, CopyProgress, OpenError};

/// Explains errors to whoever named these places.
#[derive(Clone, Copy)]
pub(super) struct Explained<'a> {
    pub(super) from: &'a Place,
    pub(super) to: &'a Place,
}

impl Explained<'_> {
    pub(super) fn of(self, error: CopyError) -> CommandError {
        let Explained { from, to } = self;
        let anew = format!("make {to} empty and copy again, without --resume");
        match error {
            CopyError::Source(error) => opened(from, error),
            CopyError::Target(error) => opened(to, error),
            CopyError::NoSource => CommandError::missing(format!(
                "{from} holds no database of jeton that was initialised, so there is nothing to copy: name another --from, which \
                 is the URL where the data is in PostgreSQL"
            )),
            CopyError::OlderSource { .. } => CommandError::missing(format!(
                "{from}: {error}. Run jeton check of this version on it, which brings it up to date, and copy then"
            )),
            CopyError::SourceInUse { connections } => CommandError::refused(format!(
                "{from} is in use: jeton has {connections} connections to it. Stop its servers and copy then, or what they write \
                 meanwhile would be lost"
            )),
            CopyError::NotEmpty => CommandError::refused(format!(
                "{to} is not empty, and nothing was changed: name an empty database or a new directory"
            )),
            CopyError::Unfinished { source_name } => CommandError::refused(format!(
                "{to} is an unfinished copy of {source_name}, and nothing was changed: continue it with {}, or make it empty",
                self.command()
            )),
            CopyError::NothingToResume => CommandError::refused(format!(
                "{to} is no unfinished copy, so there is nothing to continue, and nothing was changed: leave --resume out, or name \
                 another --to"
            )),
            CopyError::TargetInUse => CommandError::refused(format!(
                "another process is copying into {to}: wait until it has ended"
            )),
            CopyError::OtherSource { source_name } => CommandError::refused(format!(
                "{to} is an unfinished copy of another database, {source_name}, and nothing was changed: name that as --from, or {anew}"
            )),
            CopyError::Changed => CommandError::refused(format!(
                "{from} has changed since the copy began, so that the copy would be of no one state: {anew}"
            )),
            CopyError::Different(tables) => CommandError::refused(format!(
                "{to} is not what {from} has, in {}: something has written to one of them meanwhile. Stop it, {anew}",
                tables.join(", ")
            )),
            CopyError::Stopped => self.stopped(None),
        }
    }

    /// It was stopped by a signal, this far.
    pub(super) fn stopped(self, last: Option<CopyProgress>) -> CommandError {
        let (done, command) = match last {
            None => ("before anything was copied".to_owned(), self.command().replace(" --resume", "")),
            Some(last) => (so_far(last), self.command()),
        };
        CommandError::unavailable(format!("stopped: {done}. Continue with {command}"))
    }

    /// It failed, this far.
    pub(super) fn broken_off(self, error: CopyError, last: Option<CopyProgress>) -> CommandError {
        let error = self.of(error);
        match last {
            Some(last) if error.kind == CommandErrorKind::Unavailable => CommandError::unavailable(format!(
                "{}. {}. Continue with {} once it can be reached",
                error.message,
                so_far(last),
                self.command()
            )),
            _ => error,
        }
    }

    fn command(self) -> String {
        format!("jeton copy --from {} --to {} --resume", self.from, self.to)
    }
}

/// What an interrupted copy has done.
fn so_far(CopyProgress { phase, done, total, .. }: CopyProgress) -> String {
    match phase {
        CopyPhase::Copying => format!("{done} of {total} rows are copied"),
        CopyPhase::Verifying => format!("all rows are copied, and {done} of {total} were verified"),
    }
}

/// A place could not be opened, read or written.
fn opened(place: &Place, error: OpenError) -> CommandError {
    let CommandError { kind, message } = error.into();
    CommandError { kind, message: format!("{place}: {message}") }
}

/// The keys in some place are not those of the source.
pub(super) fn keys_do_not_fit(place: &str, from: &Place, error: &KeyCheckError) -> CommandError {
    CommandError::missing(format!("the keys in {place} are not those of {from}: {error}"))
}
