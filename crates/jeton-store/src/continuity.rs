//! Whether a database is still the one that it was, as far as its change log tells.

use crate::decode;
use crate::error::StoreError;
use crate::session::Session;
use crate::statements::log;

/// Where the change log of an initialised database ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogEnd {
    pub(crate) epoch: i64,
    /// The greatest number of an entry.
    pub(crate) newest: i64,
    /// Whether a restore is among the entries that were asked about.
    pub(crate) is_restored: bool,
}

impl LogEnd {
    /// Where the log ends now, and whether there was a restore after the entry `after`. `None`: nothing was initialised.
    pub(crate) async fn read<S: Session>(session: &mut S, after: i64) -> Result<Option<Self>, StoreError> {
        let row = session.row(log::log_end(after)).await?;
        row.as_ref().map(decode::log_end).transpose()
    }
}

/// A database is not the one that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Break {
    /// What was written last is not there.
    #[error("the database is older than it was: its newest change is {found}, and {seen} was there")]
    Older {
        /// The newest entry that is there.
        found: i64,
        /// The newest that was.
        seen: i64,
    },
    /// It is not a later state of the same one.
    #[error("the database is another than it was, and no command has restored it")]
    Other,
}

/// What was last seen of a database's change log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Continuity(Option<LogEnd>);

impl Continuity {
    /// After which entry to ask for restores: none, before anything was seen.
    pub(crate) fn after(&self) -> i64 {
        self.0.map_or(i64::MAX, |seen| seen.newest)
    }

    /// Takes what is there now, which was asked for with [`after`](Self::after), and says whether it can have become of
    /// what was there before. Numbers go on above those of before also when a command restores a backup.
    pub(crate) fn take(&mut self, now: Option<LogEnd>) -> Result<(), Break> {
        let before = std::mem::replace(&mut self.0, now);
        match (before, now) {
            (None, _) => Ok(()),
            (Some(seen), Some(found)) if found.newest < seen.newest => {
                Err(Break::Older { found: found.newest, seen: seen.newest })
            }
            (Some(seen), Some(found)) if found.epoch == seen.epoch || found.is_restored => Ok(()),
            (Some(_), _) => Err(Break::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_or_was_restored_by_a_command() {
        let end = |epoch, newest, is_restored| Some(LogEnd { epoch, newest, is_restored });
        for (before, now, expected) in [
            (None, None, Ok(())),
            (None, end(1, 5, false), Ok(())),
            (end(1, 5, false), end(1, 5, false), Ok(())),
            (end(1, 5, false), end(1, 9, false), Ok(())),
            (end(1, 5, false), end(2, 9, true), Ok(())),
            (end(1, 5, false), end(1, 4, false), Err(Break::Older { found: 4, seen: 5 })),
            (end(1, 5, false), end(2, 4, true), Err(Break::Older { found: 4, seen: 5 })),
            (end(1, 5, false), end(2, 9, false), Err(Break::Other)),
            (end(1, 5, false), None, Err(Break::Other)),
        ] {
            let mut continuity = Continuity(before);
            assert_eq!(continuity.after(), before.map_or(i64::MAX, |end| end.newest));
            assert_eq!(continuity.take(now), expected, "{before:?} {now:?}");
            assert_eq!(continuity.take(now), Ok(()), "it is said once");
        }
    }
}
