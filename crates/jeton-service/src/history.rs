//! What happened lately, for people to look at: verdicts by the minute and uses by the day.
//!
//! The counters that verification increments are read every few seconds, and what they have grown by is
//! added to the minute and the day of that reading. So verification does nothing for it, and what is kept is
//! bounded: an hour and a month. It is of this process alone, and begins anew with it.

use crate::Service;
use jeton_core::Timestamp;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const MINUTE_MILLIS: i64 = 60_000;
const DAY_MILLIS: i64 = 86_400_000;
/// Minutes that are kept.
const MINUTES: usize = 60;
/// Days that are kept.
const DAYS: usize = 30;

/// Verdicts within a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictCounts {
    /// On tokens that were active and covered what was demanded.
    pub allowed: u64,
    /// All others.
    pub refused: u64,
}

/// What happened lately, as far as this process has seen it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The minutes of the last hour, each by its beginning, the oldest first.
    pub minutes: Vec<(Timestamp, VerdictCounts)>,
    /// Uses of tokens on the last thirty days, each by its beginning in UTC, the oldest first.
    pub days: Vec<(Timestamp, u64)>,
}

/// What is kept of it.
#[derive(Debug, Default)]
pub(crate) struct HistoryLog(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    seen_verdicts: VerdictCounts,
    seen_uses: u64,
    minutes: VecDeque<(i64, VerdictCounts)>,
    days: VecDeque<(i64, u64)>,
}

impl HistoryLog {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn note(&mut self, now: Timestamp, verdicts: VerdictCounts, uses: u64) {
        let grown = VerdictCounts {
            allowed: verdicts.allowed.saturating_sub(self.seen_verdicts.allowed),
            refused: verdicts.refused.saturating_sub(self.seen_verdicts.refused),
        };
        let used = uses.saturating_sub(self.seen_uses);
        (self.seen_verdicts, self.seen_uses) = (verdicts, uses);
        if grown != VerdictCounts::default() {
            let sum = slot(&mut self.minutes, now.as_millis().div_euclid(MINUTE_MILLIS), MINUTES);
            sum.allowed += grown.allowed;
            sum.refused += grown.refused;
        }
        if used > 0 {
            *slot(&mut self.days, now.as_millis().div_euclid(DAY_MILLIS), DAYS) += used;
        }
    }
}

/// The place of a span, which is the last one unless the clock went back: then what happens counts as of the
/// latest span that was seen.
fn slot<T: Default>(spans: &mut VecDeque<(i64, T)>, number: i64, most: usize) -> &mut T {
    if spans.back().is_none_or(|(last, _)| *last < number) {
        spans.push_back((number, T::default()));
    }
    let last = spans.back().map_or(number, |(last, _)| *last);
    let oldest = last - i64::try_from(most).unwrap_or(i64::MAX);
    while spans.front().is_some_and(|(first, _)| *first <= oldest) {
        spans.pop_front();
    }
    spans.back_mut().map_or_else(|| unreachable!("one was pushed"), |(_, sum)| sum)
}

impl Service {
    /// Notes what happened since it was noted last, as of now.
    pub fn note_history(&self) {
        let verdicts = &self.measures.verdicts;
        let refused = [
            &verdicts.refused,
            &verdicts.unknown,
            &verdicts.revoked,
            &verdicts.disabled,
            &verdicts.expired,
            &verdicts.not_yet_valid,
            &verdicts.address_unknown,
            &verdicts.address_not_allowed,
        ];
        let counts = VerdictCounts {
            allowed: verdicts.allowed.get(),
            refused: refused.iter().map(|counter| counter.get()).sum(),
        };
        self.history.lock().note(self.now(), counts, self.usage_stats().recorded);
    }

    /// Notes it repeatedly, with this pause between, until `stop` completes.
    pub async fn keep_history(&self, pause: Duration, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => self.note_history(),
                () = &mut stop => return,
            }
        }
    }

    /// What happened lately, up to now.
    pub fn history(&self) -> History {
        self.note_history();
        let (kept, now) = (self.history.lock(), self.now());
        History {
            minutes: spans(&kept.minutes, MINUTE_MILLIS, MINUTES, now),
            days: spans(&kept.days, DAY_MILLIS, DAYS, now),
        }
    }
}

/// So many spans up to the one of now, each by its beginning, with what is kept of it.
fn spans<T: Copy + Default>(
    kept: &VecDeque<(i64, T)>,
    millis: i64,
    most: usize,
    now: Timestamp,
) -> Vec<(Timestamp, T)> {
    let last = now.as_millis().div_euclid(millis);
    let first = last.saturating_sub_unsigned(most as u64 - 1);
    let of = |number: i64| {
        kept.iter().find(|(other, _)| *other == number).map_or_else(T::default, |(_, sum)| *sum)
    };
    let spans =
        (first..=last).filter_map(|number| Some((Timestamp::from_millis(number * millis)?, of(number))));
    spans.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    fn counts(allowed: u64, refused: u64) -> VerdictCounts {
        VerdictCounts { allowed, refused }
    }

    #[test]
    fn what_counters_grew_by_is_of_the_minute_and_day_of_its_reading() {
        let mut kept = Kept::default();
        kept.note(at(59_999), counts(2, 1), 3);
        kept.note(at(60_000), counts(2, 1), 3);
        kept.note(at(60_001), counts(5, 1), 4);
        kept.note(at(60_002), counts(5, 2), 4);
        assert_eq!(kept.minutes, [(0, counts(2, 1)), (1, counts(3, 1))]);
        kept.note(at(DAY_MILLIS), counts(5, 2), 10);
        assert_eq!(kept.days, [(0, 4), (1, 6)]);
    }

    #[test]
    fn an_hour_and_a_month_are_kept() {
        let mut kept = Kept::default();
        for minute in 0..200 {
            kept.note(at(minute * MINUTE_MILLIS), counts(minute as u64 + 1, 0), 0);
        }
        assert_eq!(kept.minutes.len(), MINUTES);
        assert_eq!(kept.minutes.front().map(|(number, _)| *number), Some(140));
        for day in 0..100 {
            kept.note(at(day * DAY_MILLIS), counts(200, 0), day as u64 + 1);
        }
        assert_eq!((kept.days.len(), kept.days.front().map(|(number, _)| *number)), (DAYS, Some(70)));
    }

    #[test]
    fn what_is_shown_has_no_gaps() {
        let mut kept = Kept::default();
        kept.note(at(2 * MINUTE_MILLIS), counts(1, 2), 7);
        let now = at(61 * MINUTE_MILLIS + 5);
        let minutes = spans(&kept.minutes, MINUTE_MILLIS, MINUTES, now);
        assert_eq!((minutes.len(), minutes[0]), (MINUTES, (at(2 * MINUTE_MILLIS), counts(1, 2))));
        assert_eq!(minutes[59], (at(61 * MINUTE_MILLIS), counts(0, 0)));
        let days = spans(&kept.days, DAY_MILLIS, DAYS, now);
        assert_eq!((days.len(), days[29]), (DAYS, (at(0), 7)));
        // Nothing is shown that lies before the first instant or after now.
        let beginning = spans(&kept.days, DAY_MILLIS, DAYS, Timestamp::MIN);
        assert!(beginning.iter().all(|(_, uses)| *uses == 0) && beginning.len() <= DAYS);
    }

    #[test]
    fn a_clock_that_goes_back_loses_nothing() {
        let mut kept = Kept::default();
        kept.note(at(10 * MINUTE_MILLIS), counts(1, 0), 0);
        kept.note(at(5 * MINUTE_MILLIS), counts(4, 0), 0);
        assert_eq!(kept.minutes, [(10, counts(4, 0))]);
    }
}
