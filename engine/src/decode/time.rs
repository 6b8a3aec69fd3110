//! RFC 3339 and milliseconds to event time.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use crate::tick::EventTime;

/// A time as a record wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrittenTime {
    pub(super) time: EventTime,
    /// No zone was written, so UTC was assumed.
    pub(super) zoneless: bool,
}

/// Reads RFC 3339, with `T` or a blank between date and time, up to nine decimals, and with or without a zone.
pub(super) fn parse_time(text: &str) -> Option<WrittenTime> {
    let bytes = text.as_bytes();
    // jiff also takes forms that no feed sends: dates alone, week dates, zone names in brackets.
    if bytes.len() < 19 || !matches!(bytes[10], b'T' | b't' | b' ') || bytes.contains(&b'[') {
        return None;
    }
    let zoneless = !bytes[11..].iter().any(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-'));
    let timestamp = if zoneless {
        Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?
    } else {
        text.parse::<Timestamp>().ok()?
    };
    let nanos = i64::try_from(timestamp.as_nanosecond()).ok()?;
    Some(WrittenTime { time: EventTime::from_nanos(nanos)?, zoneless })
}

/// Reads whole milliseconds since 1970.
pub(super) fn parse_millis(text: &str) -> Option<EventTime> {
    let millis: i64 = text.parse().ok()?;
    EventTime::from_nanos(millis.checked_mul(1_000_000)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<(i64, bool)> {
        parse_time(text).map(|written| (written.time.nanos(), written.zoneless))
    }

    #[test]
    fn times_with_and_without_a_zone() {
        let expected = 1_775_337_223_291_084_825;
        for text in ["2026-04-04T21:13:43.291084825Z", "2026-04-04T23:13:43.291084825+02:00"] {
            assert_eq!(nanos(text), Some((expected, false)), "{text}");
        }
        assert_eq!(nanos("2026-04-04T21:13:43.291084825"), Some((expected, true)));
        assert_eq!(nanos("2026-04-04 21:13:43.291084825"), Some((expected, true)));
        assert_eq!(nanos("1970-01-01T00:00:00Z"), Some((0, false)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-04-04",
            "2026-13-04T21:13:43Z",
            "2026-04-04T25:13:43Z",
            "2026-04-04T21:13:43.1234567891Z",
            "2026-04-04T21:13:43Z[UTC]",
            "1969-12-31T23:59:59Z",
            "2200-01-01T00:00:01Z",
            "9999-99-99T99:99:99.999999999Z",
            "2026-04-04T21:13:43Zz",
        ] {
            assert_eq!(nanos(text), None, "{text:?}");
        }
    }

    #[test]
    fn milliseconds() {
        assert_eq!(parse_millis("1514764802610").map(EventTime::nanos), Some(1_514_764_802_610_000_000));
        for text in ["", "1.5", "-1", "9223372036854775807", "1e3"] {
            assert_eq!(parse_millis(text), None, "{text}");
        }
    }
}
