//! Whether a database is still the one that it was, as far as its change log tells.

use crate::decode;
use crate::error::StoreError;
use crate::session::Session;
use crate::statements::log;

/// An entry of the change log; zeros where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) sequence: i64,
    /// Milliseconds of its time. A number that is given out a second time has another one.
    pub(crate) at: i64,
}

/// Where the change log of an initialised database ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogEnd {
    pub(crate) epoch: i64,
    /// The entry of the greatest number.
    pub(crate) newest: Entry,
    /// That of the greatest number up to the one that was asked about.
    pub(crate) known: Entry,
    /// Whether a restore is among those after that.
    pub(crate) is_restored: bool,
}

impl LogEnd {
    /// Where the log ends now. `None`: nothing was initialised.
    pub(crate) async fn read<S: Session>(session: &mut S, known: i64) -> Result<Option<Self>, StoreError> {
        let row = session.row(log::log_end(known)).await?;
        row.as_ref().map(decode::log_end).transpose()
    }
}

/// A database is not the one that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Break {
    /// What was written last is not there.
    #[error("the database is older than it was: change {seen} was there, and is not")]
    Older {
        /// The newest entry that was there.
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
    /// About which entry to ask.
    pub(crate) fn known(&self) -> i64 {
        self.0.map_or(i64::MAX, |seen| seen.newest.sequence)
    }

    /// Takes what is there now, which was asked for with [`known`](Self::known), and says whether it can have become of
    /// what was there before. Numbers go on above those of before also when a command restores a backup. Only the beginning
    /// of a log is ever cut off.
    pub(crate) fn take(&mut self, now: Option<LogEnd>) -> Result<(), Break> {
        let before = std::mem::replace(&mut self.0, now);
        let Some(before) = before else { return Ok(()) };
        let seen = before.newest;
        match now {
            Some(now) if now.newest.sequence < seen.sequence => Err(Break::Older { seen: seen.sequence }),
            Some(now) if now.is_restored => Ok(()),
            Some(now) if now.epoch != before.epoch => Err(Break::Other),
            Some(now) if now.known == seen || now.known == Entry::default() => Ok(()),
            Some(_) => Err(Break::Older { seen: seen.sequence }),
            None => Err(Break::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_or_was_restored_by_a_command() {
        let entry = |sequence, at| Entry { sequence, at };
        let five = entry(5, 50);
        let end = |epoch, newest, known, is_restored| Some(LogEnd { epoch, newest, known, is_restored });
        let before = end(1, five, five, false);
        let older = Err(Break::Older { seen: 5 });
        for (before, now, expected) in [
            (None, None, Ok(())),
            (None, before, Ok(())),
            (before, before, Ok(())),
            (before, end(1, entry(9, 90), five, false), Ok(())),
            // The log was cut.
            (before, end(1, entry(9, 90), Entry::default(), false), Ok(())),
            (before, end(2, entry(9, 90), entry(4, 40), true), Ok(())),
            (before, end(1, entry(4, 40), entry(4, 40), false), older),
            (before, end(2, entry(4, 40), entry(4, 40), true), older),
            // Others have taken the numbers since.
            (before, end(1, entry(9, 90), entry(5, 80), false), older),
            (before, end(1, entry(9, 90), entry(4, 40), false), older),
            (before, end(2, entry(9, 90), five, false), Err(Break::Other)),
            (before, None, Err(Break::Other)),
        ] {
            let mut continuity = Continuity(before);
            assert_eq!(continuity.known(), if before.is_some() { 5 } else { i64::MAX });
            assert_eq!(continuity.take(now), expected, "{before:?} {now:?}");
        }
    }
}
