//! The `Date` header of answers.

use jeton_core::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use std::cell::RefCell;

/// Calls `use_it` with an instant in HTTP's format, to the second (IMF-fixdate, RFC 9110 section 5.6.7).
pub(crate) fn with_http_date<R>(instant: Timestamp, use_it: impl FnOnce(&str) -> R) -> R {
    thread_local! {
        /// The last second and its text, which is needed again and again.
        static LAST: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    }
    let second = instant.as_millis().div_euclid(1_000);
    LAST.with_borrow_mut(|(last, text)| {
        if *last != second {
            *text = http_date(second);
            *last = second;
        }
        use_it(text)
    })
}

fn http_date(second: i64) -> String {
    let instant = jiff::Timestamp::from_second(second);
    instant
        .and_then(|instant| DateTimePrinter::new().timestamp_to_rfc9110_string(&instant))
        .unwrap_or_else(|_| unreachable!("every Timestamp lies within the years 0 to 9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_the_second_and_anew_in_each() {
        let date = |millis| with_http_date(Timestamp::from_millis(millis).unwrap(), str::to_owned);
        assert_eq!(date(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(784_111_777_999), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(784_111_778_000), "Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(date(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
        assert_eq!(date(Timestamp::MIN.as_millis()), "Sun, 02 Jan 0000 00:00:00 GMT");
        assert_eq!(date(Timestamp::MAX.as_millis()), "Thu, 30 Dec 9999 00:00:00 GMT");
    }
}
