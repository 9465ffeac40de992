//! Time zones of answers.

use super::error::DotideError;
use axum::http::HeaderMap;
use jeton_core::Timestamp;
use jiff::tz::TimeZone;

/// The zone of a request: by parameter, by the header `Timezone` or (one published client) `Time-Zone`;
/// otherwise that of the database.
pub(super) fn requested_zone(
    parameter: Option<&str>,
    headers: &HeaderMap,
    default: &str,
) -> Result<TimeZone, DotideError> {
    let header =
        |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or_default());
    let name = parameter.or_else(|| header("timezone")).or_else(|| header("time-zone")).unwrap_or(default);
    let zone = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown());
    zone.ok_or_else(|| {
        DotideError::Bad("the time zone must be a name of the Olson database, such as Asia/Shanghai".into())
    })
}

/// The instant in that zone, with milliseconds and offset; `Z` for the zone UTC and no other.
pub(super) fn in_zone(instant: Timestamp, zone: &TimeZone) -> String {
    const NAMES_OF_UTC: [&str; 6] = ["UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "Zulu"];
    if zone.iana_name().is_none_or(|name| NAMES_OF_UTC.contains(&name)) {
        return crate::transport::instant::rfc3339(instant);
    }
    let instant = jiff::Timestamp::from_millisecond(instant.as_millis())
        .unwrap_or_else(|_| unreachable!("every Timestamp lies within the years 0 to 9999"));
    instant.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn milliseconds_and_offset() {
        let instant = Timestamp::from_millis(1_393_664_388_455).unwrap();
        for (name, expected) in [
            ("Asia/Shanghai", "2014-03-01T16:59:48.455+08:00"),
            ("UTC", "2014-03-01T08:59:48.455Z"),
            ("Etc/UTC", "2014-03-01T08:59:48.455Z"),
            ("Europe/London", "2014-03-01T08:59:48.455+00:00"),
            ("America/New_York", "2014-03-01T03:59:48.455-05:00"),
            ("Asia/Kolkata", "2014-03-01T14:29:48.455+05:30"),
        ] {
            assert_eq!(in_zone(instant, &zone(name)), expected, "{name}");
        }
        let whole = Timestamp::from_millis(1_393_664_388_000).unwrap();
        assert_eq!(in_zone(whole, &zone("Asia/Shanghai")), "2014-03-01T16:59:48.000+08:00");
        assert!(in_zone(Timestamp::MAX, &zone("Pacific/Kiritimati")).starts_with("9999-12-30T14:00:00.000"));
    }

    #[test]
    fn which_zone_counts() {
        let headers = |pairs: &[(&'static str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>()
        };
        let name = |parameter, pairs: &[(&'static str, &str)]| {
            let zone = requested_zone(parameter, &headers(pairs), "Asia/Shanghai");
            zone.map(|zone| zone.iana_name().unwrap_or_default().to_owned()).ok()
        };
        let both = [("timezone", "Asia/Kolkata"), ("time-zone", "Asia/Tokyo")];
        assert_eq!(name(None, &[]).unwrap(), "Asia/Shanghai");
        assert_eq!(name(None, &both[1..]).unwrap(), "Asia/Tokyo");
        assert_eq!(name(None, &both).unwrap(), "Asia/Kolkata");
        assert_eq!(name(Some("America/New_York"), &both).unwrap(), "America/New_York");
        assert_eq!(name(Some("Mars/Olympus"), &[]), None);
        assert_eq!(name(Some(""), &[]), None);
        assert_eq!(name(Some("Etc/Unknown"), &[]), None);
    }
}
