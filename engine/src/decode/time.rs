//! RFC 3339, and numbers since 1970, to event time.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::{number::parse_fixed, unreadable::Unreadable, zone::Zone};
use crate::tick::{EventTime, NANOS_PER_SECOND};

/// 2009-01-01T00:00:00Z, seconds since 1970: before the first trade of any coin. A number below it is in another unit than
/// it is taken for.
const EPOCH_MIN_S: i64 = 1_230_768_000;

/// A time as a record wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrittenTime {
    pub(super) time: EventTime,
    /// No zone was written, so UTC was assumed.
    pub(super) zoneless: bool,
    /// The unit of a number since 1970; `None` for a date.
    pub(super) unit: Option<EpochUnit>,
}

/// The unit of a time that is a number since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EpochUnit {
    /// Ten digits.
    Seconds,
    /// Thirteen digits.
    Milliseconds,
    /// Sixteen digits.
    Microseconds,
    /// Nineteen digits.
    Nanoseconds,
}

impl EpochUnit {
    /// The unit of so many digits: from 2009 to 2200 each has its own number of them.
    fn of_digits(count: usize) -> Option<Self> {
        match count {
            10 => Some(Self::Seconds),
            13 => Some(Self::Milliseconds),
            16 => Some(Self::Microseconds),
            19 => Some(Self::Nanoseconds),
            _ => None,
        }
    }

    /// Decimals of this unit that make nanoseconds.
    fn decimals(self) -> u32 {
        match self {
            Self::Seconds => 9,
            Self::Milliseconds => 6,
            Self::Microseconds => 3,
            Self::Nanoseconds => 0,
        }
    }

    /// In words, as `seconds`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        }
    }
}

/// The reason for which a number is not taken for seconds, milliseconds, microseconds or nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EpochError {
    NotATime,
    /// Before 2009.
    TooEarly,
}

impl EpochError {
    pub(super) fn of(self, field: &'static str) -> Unreadable {
        match self {
            Self::NotATime => Unreadable::BadTime { field },
            Self::TooEarly => Unreadable::TooEarly { field },
        }
    }
}

/// How times are read that do not tell it themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSettings {
    /// The unit of times that are numbers; `None` if their digits are to tell it, or the header of a csv.
    pub unit: Option<EpochUnit>,
    /// The zone of times that name none.
    pub zone: Zone,
}

impl TimeSettings {
    /// Reads a number since 1970. A unit that was given is believed about early years too; else the number is in `unit`, or
    /// in the one that its digits tell.
    pub(super) fn parse_epoch(self, text: &str, unit: Option<EpochUnit>) -> Result<WrittenTime, EpochError> {
        match self.unit {
            Some(given) => parse_epoch_from(text, Some(given), 0),
            None => parse_epoch(text, unit),
        }
    }
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
    Some(WrittenTime { time: EventTime::from_nanos(nanos)?, zoneless, unit: None })
}

/// Reads a number since 1970, with or without decimals, in `unit` or else in the unit that its digits tell.
pub(super) fn parse_epoch(text: &str, unit: Option<EpochUnit>) -> Result<WrittenTime, EpochError> {
    parse_epoch_from(text, unit, EPOCH_MIN_S)
}

fn parse_epoch_from(text: &str, unit: Option<EpochUnit>, min_s: i64) -> Result<WrittenTime, EpochError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let decimals = &text.as_bytes()[digits..];
    let is_number = match decimals {
        [] => digits > 0,
        [b'.', rest @ ..] => digits > 0 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !is_number {
        return Err(EpochError::NotATime);
    }
    let unit = match unit.or_else(|| EpochUnit::of_digits(digits)) {
        Some(unit) => unit,
        // Fewer digits than the smallest unit has: seconds of an earlier year, or no time at all.
        None if digits < 10 => return Err(EpochError::TooEarly),
        None => return Err(EpochError::NotATime),
    };
    let nanos = match decimals {
        [] => text.parse::<i64>().ok().and_then(|whole| whole.checked_mul(10_i64.pow(unit.decimals()))),
        _ => parse_fixed(text, unit.decimals()).ok(),
    };
    let nanos = nanos.ok_or(EpochError::NotATime)?;
    if nanos < min_s * NANOS_PER_SECOND {
        return Err(EpochError::TooEarly);
    }
    let time = EventTime::from_nanos(nanos).ok_or(EpochError::NotATime)?;
    Ok(WrittenTime { time, zoneless: false, unit: Some(unit) })
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
    fn digits_tell_the_unit_of_a_number() {
        let nanos =
            |text: &str| parse_epoch(text, None).map(|written| (written.time.nanos(), written.unit.unwrap()));
        for (text, expected, unit) in [
            ("1577836800", 1_577_836_800_000_000_000, EpochUnit::Seconds),
            ("1577836800.333", 1_577_836_800_333_000_000, EpochUnit::Seconds),
            ("1514764802610", 1_514_764_802_610_000_000, EpochUnit::Milliseconds),
            ("1514764802610.25", 1_514_764_802_610_250_000, EpochUnit::Milliseconds),
            ("1735689600021893", 1_735_689_600_021_893_000, EpochUnit::Microseconds),
            ("1735689600021893001", 1_735_689_600_021_893_001, EpochUnit::Nanoseconds),
            ("1230768000", 1_230_768_000_000_000_000, EpochUnit::Seconds),
            ("7258118400000", 7_258_118_400_000_000_000, EpochUnit::Milliseconds),
        ] {
            assert_eq!(nanos(text), Ok((expected, unit)), "{text}");
        }
        for text in [
            "",
            ".5",
            "1.5.2",
            "-1577836800",
            "1e9",
            "15778368000",
            "7258118401",
            "9999999999999999999",
            "NaN",
        ] {
            assert_eq!(nanos(text), Err(EpochError::NotATime), "{text}");
        }
        for text in
            ["0", "7", "20200101", "1230767999", "1000000000000", "1230767999999999", "1230767999.999999999"]
        {
            assert_eq!(nanos(text), Err(EpochError::TooEarly), "{text}");
        }
    }

    #[test]
    fn a_unit_that_is_told_is_obeyed() {
        let milliseconds = parse_epoch("1577836800", Some(EpochUnit::Milliseconds));
        assert_eq!(milliseconds, Err(EpochError::TooEarly), "1970");
        let told = parse_epoch("1577836800000", Some(EpochUnit::Milliseconds)).unwrap();
        assert_eq!(told.time.to_string(), "2020-01-01T00:00:00Z");
    }
}
