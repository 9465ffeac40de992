//! Spans of time as people write them.

use jeton_service::MAX_GRACE;
use jiff::{Span, SpanRelativeTo};
use std::time::Duration;

/// Reads a grace: from a second to 365 days, such as `30m`, `24h` or `7d`. A day has 24 hours.
///
/// # Errors
/// It is no span of time, or too short or too long.
pub(super) fn parse_grace(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|_| "is a duration such as 30m, 24h or 7d".to_owned())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let duration = duration.ok().and_then(|duration| Duration::try_from(duration).ok());
    let fits = |duration: &Duration| (Duration::from_secs(1)..=MAX_GRACE).contains(duration);
    duration.filter(fits).ok_or_else(|| "is from 1s to 365d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_is_read_as_people_write_it() {
        for (text, seconds) in
            [("1s", 1), ("90m", 5_400), ("24h", 86_400), ("7d", 604_800), ("1d 12h", 129_600)]
        {
            assert_eq!(parse_grace(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "24", "h", "0s", "-1h", "366d", "1 month", "10ms"] {
            assert!(parse_grace(text).is_err(), "{text}");
        }
    }
}
