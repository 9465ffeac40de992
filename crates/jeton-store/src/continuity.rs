//! Continuity: whether a database is still the same one, judging by its change log.

use crate::decode;
use crate::error::StoreError;
use crate::session::Session;
use crate::statements::log;
use std::fmt;
use std::str::FromStr;

/// An entry in the change log; zeros if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) sequence: i64,
    /// Its time in milliseconds, which differs if a number is assigned a second time.
    pub(crate) at: i64,
}

/// The end of the change log of an initialised database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogEnd {
    pub(crate) epoch: i64,
    /// The entry with the greatest number.
    pub(crate) newest: Entry,
    /// The one with the greatest number up to the known one.
    pub(crate) known: Entry,
    /// Whether there was a restore since the last look.
    pub(crate) is_restored: bool,
}

impl LogEnd {
    /// The end of the log, for a caller that knows this much of it. `None`: the database is not initialised.
    pub(crate) async fn read<S: Session>(
        session: &mut S,
        before: &Continuity,
    ) -> Result<Option<Self>, StoreError> {
        let (seen, known) = before.asked();
        let row = session.row(log::log_end(seen, known)).await?;
        row.as_ref().map(decode::log_end).transpose()
    }
}

/// A break of continuity: the database is not the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Break {
    /// The last write is missing.
    #[error("the database is older than it was: change {seen} was there, and is not")]
    Older {
        /// The newest entry that existed.
        seen: i64,
    },
    /// It is not a later state of the same database.
    #[error("the database is a different one, and no command has restored it")]
    Other,
}

/// What is known of a database's change log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Continuity {
    /// The end of the log at the last look.
    seen: Option<LogEnd>,
    /// The newest committed entry that this process has written.
    written: Entry,
}

impl Continuity {
    /// The entry since which to look for restores, and the one whose presence to check.
    fn asked(&self) -> (i64, i64) {
        self.seen.map_or((i64::MAX, i64::MAX), |seen| (seen.newest.sequence, self.newest(&seen).sequence))
    }

    fn newest(&self, seen: &LogEnd) -> Entry {
        if self.written.sequence > seen.newest.sequence { self.written } else { seen.newest }
    }

    /// Whether the database known so far can have assigned this number in a transaction that began now.
    pub(crate) fn check_written(&self, written: Entry) -> Result<(), Break> {
        let newest = self.seen.map_or(self.written, |seen| self.newest(&seen));
        if written.sequence > newest.sequence { Ok(()) } else { Err(Break::Older { seen: newest.sequence }) }
    }

    /// Whether the current end of the log, [read](LogEnd::read) with this knowledge, is consistent with it.
    /// Numbers continue above the former ones after a restore by command, too. Only the start of a log is
    /// ever cut off.
    pub(crate) fn check(&self, now: Option<LogEnd>) -> Result<(), Break> {
        let Some(before) = self.seen else { return Ok(()) };
        let newest = self.newest(&before);
        let older = Err(Break::Older { seen: newest.sequence });
        match now {
            Some(now) if now.newest.sequence < newest.sequence => older,
            Some(now) if now.is_restored => Ok(()),
            Some(now) if now.epoch != before.epoch => Err(Break::Other),
            Some(now) if now.known == newest || now.known == Entry::default() => Ok(()),
            Some(_) => older,
            None => Err(Break::Other),
        }
    }

    /// Records what a look has seen, unless a later one has seen more.
    pub(crate) fn learn(&mut self, now: Option<LogEnd>) {
        let sequence = |end: &LogEnd| end.newest.sequence;
        if now.as_ref().map(sequence) >= self.seen.as_ref().map(sequence) {
            self.seen = now;
        }
    }

    /// The end of the log, if it was ever read.
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.seen.map(|seen| Mark { epoch: seen.epoch, newest: self.newest(&seen) })
    }

    /// Whether this process has written anything.
    pub(crate) fn has_written(&self) -> bool {
        self.written != Entry::default()
    }

    /// Records what this process has committed.
    pub(crate) fn note(&mut self, written: Entry) {
        if written.sequence > self.written.sequence {
            self.written = written;
        }
    }
}

/// The end of a database's change log, as stored outside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    epoch: i64,
    newest: Entry,
}

impl From<Mark> for Continuity {
    /// What the process that stored the mark had seen.
    fn from(Mark { epoch, newest }: Mark) -> Self {
        let seen = LogEnd { epoch, newest, known: newest, is_restored: false };
        Continuity { seen: Some(seen), written: Entry::default() }
    }
}

impl Mark {
    /// Whether the log went further than another mark.
    pub(crate) fn is_beyond(&self, other: Option<Mark>) -> bool {
        other.is_none_or(|other| self.newest.sequence > other.newest.sequence)
    }
}

/// A line of fixed length: the epoch, and the number and the time of the entry.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mark { epoch, newest } = self;
        writeln!(f, "{epoch:+020} {:+020} {:+020}", newest.sequence, newest.at)
    }
}

/// The text is not a mark.
#[derive(Debug)]
pub(crate) struct NoMark;

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let numbers: Vec<i64> =
            text.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| NoMark)?;
        match numbers[..] {
            [epoch, sequence, at] if text.ends_with('\n') => {
                Ok(Mark { epoch, newest: Entry { sequence, at } })
            }
            _ => Err(NoMark),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: i64, at: i64) -> Entry {
        Entry { sequence, at }
    }

    fn end(epoch: i64, newest: Entry, known: Entry, is_restored: bool) -> Option<LogEnd> {
        Some(LogEnd { epoch, newest, known, is_restored })
    }

    #[test]
    fn a_log_goes_on_or_was_restored_by_a_command() {
        let (none, five, seven) = (Entry::default(), entry(5, 50), entry(7, 70));
        let before = end(1, five, five, false);
        let older = |seen| Err(Break::Older { seen });
        for (seen, written, now, expected) in [
            (None, none, None, Ok(())),
            (None, none, before, Ok(())),
            (before, none, before, Ok(())),
            (before, none, end(1, entry(9, 90), five, false), Ok(())),
            // The log was cut.
            (before, none, end(1, entry(9, 90), none, false), Ok(())),
            (before, none, end(2, entry(9, 90), entry(4, 40), true), Ok(())),
            (before, none, end(1, entry(4, 40), entry(4, 40), false), older(5)),
            (before, none, end(2, entry(4, 40), entry(4, 40), true), older(5)),
            // The numbers were reused since.
            (before, none, end(1, entry(9, 90), entry(5, 80), false), older(5)),
            (before, none, end(1, entry(9, 90), entry(4, 40), false), older(5)),
            (before, none, end(2, entry(9, 90), five, false), Err(Break::Other)),
            (before, none, None, Err(Break::Other)),
            // Writes acknowledged after the last look.
            (before, seven, end(1, seven, seven, false), Ok(())),
            (before, seven, end(1, entry(6, 60), entry(6, 60), false), older(7)),
            (before, seven, end(1, entry(9, 90), entry(7, 80), false), older(7)),
            (before, seven, end(2, entry(9, 90), seven, true), Ok(())),
            (before, entry(3, 30), before, Ok(())),
        ] {
            let continuity = Continuity { seen, written };
            assert_eq!(continuity.check(now), expected, "{seen:?} {written:?} {now:?}");
        }
    }

    #[test]
    fn numbers_go_on_above_all_that_were_known() {
        let older = |seen| Err(Break::Older { seen });
        for (seen, written, number, expected) in [
            (0, 0, 1, Ok(())),
            (5, 0, 6, Ok(())),
            (5, 0, 5, older(5)),
            (5, 7, 8, Ok(())),
            (5, 7, 6, older(7)),
            (9, 7, 8, older(9)),
        ] {
            let newest = entry(seen, 50);
            let seen = end(1, newest, newest, false).filter(|_| seen > 0);
            let continuity = Continuity { seen, written: entry(written, 70) };
            assert_eq!(continuity.check_written(entry(number, 80)), expected, "{seen:?} {written} {number}");
        }
    }

    #[test]
    fn it_is_asked_about_the_newest_entry_that_is_known() {
        let at = |sequence| end(1, entry(sequence, sequence), entry(sequence, sequence), false);
        let mut continuity = Continuity::default();
        assert_eq!(continuity.asked(), (i64::MAX, i64::MAX));
        // A look that was overtaken by another adds nothing.
        for (now, seen) in [(at(5), 5), (at(4), 5), (None, 5), (at(6), 6)] {
            continuity.learn(now);
            assert_eq!(continuity.asked(), (seen, seen));
        }
        for (written, known) in [(5, 6), (9, 9), (8, 9)] {
            continuity.note(entry(written, written));
            assert_eq!(continuity.asked(), (6, known));
        }
    }

    #[test]
    fn a_mark_is_a_line_of_one_length() {
        for (epoch, sequence, at) in
            [(i64::MIN, 0, 0), (i64::MAX, i64::MAX, i64::MIN), (-7, 1, 1_700_000_000_000)]
        {
            let mark = Mark { epoch, newest: entry(sequence, at) };
            let text = mark.to_string();
            assert_eq!((text.len(), text.parse().ok()), (63, Some(mark)), "{text}");
            assert!(text[..62].parse::<Mark>().is_err(), "cut off");
        }
        for text in ["", "\n", "1 2\n", "1 2 3 4\n", "1 2 x\n", "1 2 99999999999999999999\n"] {
            assert!(text.parse::<Mark>().is_err(), "{text}");
        }
    }
}
