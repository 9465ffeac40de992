//! Numbers, instants and spans as people read them. Instants are in UTC, and say so.

use crate::Language;
use jeton_core::Timestamp;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A number in groups of three digits: `1,234,567`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

fn civil(instant: Timestamp) -> jiff::civil::DateTime {
    let instant = jiff::Timestamp::from_millisecond(instant.as_millis())
        .unwrap_or_else(|_| unreachable!("every Timestamp lies within the years 0 to 9999"));
    jiff::tz::Offset::UTC.to_datetime(instant)
}

/// An instant to the minute: `2026-11-21 08:09 UTC`.
pub(crate) fn instant(instant: Timestamp) -> String {
    let at = civil(instant);
    format!("{:04}-{:02}-{:02} {:02}:{:02} UTC", at.year(), at.month(), at.day(), at.hour(), at.minute())
}

/// A date: `2026-11-21`.
pub(crate) fn date(instant: Timestamp) -> String {
    let at = civil(instant);
    format!("{:04}-{:02}-{:02}", at.year(), at.month(), at.day())
}

/// An instant for programs, as the attribute `datetime` has it: `2026-11-21T08:09:10.123Z`.
pub(crate) fn machine(instant: Timestamp) -> String {
    let at = civil(instant);
    format!("{at:.3}Z")
}

impl Language {
    /// How long the client secret of before is good, in whole days or else hours.
    pub fn grace(self, seconds: u64) -> String {
        match seconds {
            0 => self.app_grace_none().to_owned(),
            seconds if seconds < 86_400 => self.hours(seconds / 3_600),
            seconds => self.days(seconds / 86_400),
        }
    }

    /// How far an instant lies from now, in the one unit that says most: `in 3 days`, `2 hours ago`.
    pub(crate) fn distance(self, of: Timestamp, now: Timestamp) -> String {
        let millis = of.millis_since(now);
        let (count, unit) = match millis.abs() {
            near if near < MINUTE => return self.right_now().to_owned(),
            span if span < HOUR => (span / MINUTE, Unit::Minutes),
            span if span < DAY => (span / HOUR, Unit::Hours),
            span => (span / DAY, Unit::Days),
        };
        let count = count.unsigned_abs();
        let span = match unit {
            Unit::Minutes => self.minutes(count),
            Unit::Hours => self.hours(count),
            Unit::Days => self.days(count),
        };
        if millis < 0 { self.ago(span) } else { self.from_now(span) }
    }
}

enum Unit {
    Minutes,
    Hours,
    Days,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    #[test]
    fn numbers_are_grouped() {
        for (value, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (123_456, "123,456"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(number(value), shown);
        }
    }

    #[test]
    fn instants_are_in_utc() {
        assert_eq!(instant(at(1_393_664_388_455)), "2014-03-01 08:59 UTC");
        assert_eq!(instant(at(-1)), "1969-12-31 23:59 UTC");
        assert_eq!(machine(at(1_393_664_388_455)), "2014-03-01T08:59:48.455Z");
        assert_eq!(machine(Timestamp::MIN), "0000-01-02T00:00:00.000Z");
        assert_eq!(instant(Timestamp::MAX), "9999-12-30 00:00 UTC");
    }

    #[test]
    fn distances_are_in_one_unit() {
        let now = at(1_000 * DAY);
        for (millis, english, chinese) in [
            (0, "just now", "刚刚"),
            (-59_999, "just now", "刚刚"),
            (MINUTE, "in 1 minute", "1 分钟后"),
            (-59 * MINUTE, "59 minutes ago", "59 分钟前"),
            (-HOUR, "1 hour ago", "1 小时前"),
            (DAY - 1, "in 23 hours", "23 小时后"),
            (-90 * DAY, "90 days ago", "90 天前"),
        ] {
            let of = now.saturating_add_millis(millis);
            assert_eq!(Language::English.distance(of, now), english);
            assert_eq!(Language::Chinese.distance(of, now), chinese);
        }
    }
}
