//! Dates as ECMAScript writes and reads them.

/// ECMAScript's dates end this many milliseconds before and after 1970 (ECMAScript 2024, section 21.4.1.1).
const MAX_MILLIS: i64 = 8_640_000_000_000_000;
const MILLIS_PER_DAY: i64 = 86_400_000;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// `millis` if it is a valid ECMAScript date.
pub(crate) fn in_range(millis: i64) -> Option<i64> {
    (-MAX_MILLIS..=MAX_MILLIS).contains(&millis).then_some(millis)
}

/// `date.toISOString()`: `2024-01-01T00:00:00.000Z`, or a sign and six digits for a year outside 0 to 9999.
pub(crate) fn text_of_date(millis: i64) -> String {
    let (days, rest) = (millis.div_euclid(MILLIS_PER_DAY), millis.rem_euclid(MILLIS_PER_DAY));
    let (year, month, day) = civil_of_days(days);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        ..0 => format!("-{:06}", -year),
        _ => format!("+{year:06}"),
    };
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", rest % 1_000)
}

/// The date in the ISO form of ECMAScript (section 21.4.1.32) or that of RFC 5322, in milliseconds since
/// 1970.
///
/// A `T` may be a space, digits beyond milliseconds are truncated, and a date without a zone is UTC. Other
/// forms, which each engine reads in its own way, are not accepted.
pub(crate) fn date_of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    let mut scanner = Scanner(text.as_bytes());
    let millis = scanner.iso().filter(|_| scanner.0.is_empty()).or_else(|| {
        let mut scanner = Scanner(text.as_bytes());
        scanner.mail().filter(|_| scanner.0.is_empty())
    })?;
    in_range(millis)
}

/// The rest of a text that is being parsed.
struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    fn iso(&mut self) -> Option<i64> {
        let year = match self.0.first() {
            Some(sign @ (b'+' | b'-')) => {
                self.0 = &self.0[1..];
                let year = self.digits(6)?;
                match sign {
                    // There is only one year zero, written with a plus.
                    b'-' if year == 0 => return None,
                    b'-' => -year,
                    _ => year,
                }
            }
            _ => self.digits(4)?,
        };
        let month = if self.eat(b"-") { self.digits(2)? } else { 1 };
        let day = if self.eat(b"-") { self.digits(2)? } else { 1 };
        let days = days_of_civil(year, month, day)?;
        if self.0.is_empty() {
            return Some(days * MILLIS_PER_DAY);
        }
        if !(self.eat(b"T") || self.eat(b"t") || self.eat(b" ")) {
            return None;
        }
        let time = self.time()?;
        let offset = if self.0.is_empty() || self.eat(b"Z") || self.eat(b"z") { 0 } else { self.offset()? };
        Some(days * MILLIS_PER_DAY + time - offset)
    }

    /// `Mon, 01 Jan 2024 00:00:00 GMT`: the day of the week and the seconds may be missing.
    fn mail(&mut self) -> Option<i64> {
        if let Some(comma) = self.0.iter().position(|b| *b == b',') {
            self.0 = &self.0[comma + 1..];
            self.blanks();
        }
        let day = self.digits(2).or_else(|| self.digits(1))?;
        self.blanks();
        let name = self.take(3)?.to_ascii_lowercase();
        let month = MONTHS.iter().position(|month| month.as_bytes() == name)?;
        self.blanks();
        let year = self.digits(4)?;
        self.blanks();
        let days = days_of_civil(year, i64::try_from(month).ok()? + 1, day)?;
        let time = self.time()?;
        self.blanks();
        let offset = if self.eat(b"GMT") || self.eat(b"UTC") || self.eat(b"UT") || self.eat(b"Z") {
            0
        } else {
            self.offset()?
        };
        Some(days * MILLIS_PER_DAY + time - offset)
    }

    /// Milliseconds since midnight.
    fn time(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        let minute = if self.eat(b":") { self.digits(2)? } else { return None };
        let second = if self.eat(b":") { self.digits(2)? } else { 0 };
        let mut millis = 0;
        if self.eat(b".") {
            let length = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
            let fraction = self.take(length).filter(|fraction| !fraction.is_empty())?;
            let digit = |i: usize| fraction.get(i).map_or(0, |b| i64::from(b - b'0'));
            millis = digit(0) * 100 + digit(1) * 10 + digit(2);
        }
        let time = ((hour * 60 + minute) * 60 + second) * 1_000 + millis;
        // 24:00:00 is the end of the day, and the only time with hour 24.
        (minute < 60 && second < 60 && (hour < 24 || time == MILLIS_PER_DAY)).then_some(time)
    }

    /// `+01:00` or `+0100` in milliseconds.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.take(1)? {
            b"+" => 1,
            b"-" => -1,
            _ => return None,
        };
        let hours = self.digits(2)?;
        self.eat(b":");
        let minutes = self.digits(2)?;
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn digits(&mut self, length: usize) -> Option<i64> {
        let digits = self.0.get(..length).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        let number = digits.iter().fold(0, |number, b| number * 10 + i64::from(b - b'0'));
        self.0 = &self.0[length..];
        Some(number)
    }

    fn eat(&mut self, word: &[u8]) -> bool {
        match self.0.strip_prefix(word) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn blanks(&mut self) {
        while self.eat(b" ") {}
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; `None` if there is no such day.
fn days_of_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    // Years that begin in March end with the day that leap years add; 400 of them have 146,097 days.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The inverse of [`days_of_civil`].
fn civil_of_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_that_are_read() {
        const NEW_YEAR: i64 = 1_704_067_200_000;
        for (text, expected) in [
            ("2024-01-01", NEW_YEAR),
            ("2024-01", NEW_YEAR),
            ("2024", NEW_YEAR),
            ("2024-01-01T00:00Z", NEW_YEAR),
            (" 2024-01-01T00:00:00 ", NEW_YEAR),
            ("2024-01-01 00:00:00Z", NEW_YEAR),
            ("2024-01-01T01:00:00.000+01:00", NEW_YEAR),
            ("2023-12-31T19:00:00-0500", NEW_YEAR),
            ("2023-12-31T24:00:00Z", NEW_YEAR),
            ("2024-01-01T00:00:00.1Z", NEW_YEAR + 100),
            ("2024-01-01T00:00:00.123999Z", NEW_YEAR + 123),
            ("+002024-01-01T00:00:00Z", NEW_YEAR),
            ("Mon, 01 Jan 2024 00:00:00 GMT", NEW_YEAR),
            ("1 jan 2024 01:00 +0100", NEW_YEAR),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2024-02-29", 1_709_164_800_000),
            ("+275760-09-13T00:00:00.000Z", MAX_MILLIS),
        ] {
            assert_eq!(date_of_text(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "zzz",
            "not-a-date",
            "1704067200000",
            "2024-13-01",
            "2024-02-30",
            "2023-02-29",
            "2024-01-01T",
            "2024-01-01T25:00Z",
            "2024-01-01T24:00:01Z",
            "2024-01-01T00:60Z",
            "2024-01-01T00",
            "2024-1-1",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+1",
            "-000000-01-01",
            "+275760-09-13T00:00:00.001Z",
            "1 foo 2024 00:00 GMT",
            "2024-01-01Z",
            "\u{e4}\u{e4}\u{e4}\u{e4}",
        ] {
            assert_eq!(date_of_text(text), None, "{text}");
        }
    }

    #[test]
    fn years_of_more_than_four_digits_have_a_sign() {
        assert_eq!(text_of_date(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text_of_date(MAX_MILLIS), "+275760-09-13T00:00:00.000Z");
        assert_eq!(text_of_date(-MAX_MILLIS), "-271821-04-20T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn a_date_survives_its_text(millis in -MAX_MILLIS..=MAX_MILLIS) {
            prop_assert_eq!(date_of_text(&text_of_date(millis)), Some(millis));
        }

        #[test]
        fn no_text_is_too_strange(text in "[0-9TZ:+., -]{0,24}|\\PC{0,12}") {
            date_of_text(&text);
        }
    }
}
