//! Instants as text.

use jeton_core::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

/// A printer that is faster than a pattern: each answer of a batch contains an instant.
const MILLISECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// The instant as RFC 3339 in UTC with exactly three digits: `2026-11-21T08:09:10.123Z`. Every published
/// client of the three APIs reads this form.
pub fn rfc3339(instant: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(instant.as_millis())
        .unwrap_or_else(|_| unreachable!("every Timestamp lies within the years 0 to 9999"));
    MILLISECONDS.timestamp_to_string(&instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_z_always() {
        let text = |millis| rfc3339(Timestamp::from_millis(millis).unwrap());
        assert_eq!(text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(1_393_664_388_455), "2014-03-01T08:59:48.455Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(Timestamp::MAX), "9999-12-30T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp::MIN), "0000-01-02T00:00:00.000Z");
    }
}
