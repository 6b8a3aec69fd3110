//! The time zone of times that name none.

use std::{fmt, str::FromStr};

use crate::tick::EventTime;

/// A fixed offset from UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    ahead_ns: i64,
}

impl Zone {
    /// UTC itself.
    pub const UTC: Self = Self { ahead_ns: 0 };

    /// The time of a clock of this zone, whose reading was taken for UTC. At the ends of what a time can be it stays there.
    pub(super) fn to_utc(self, local: EventTime) -> EventTime {
        EventTime::from_nanos(local.nanos() - self.ahead_ns).unwrap_or(local)
    }
}

/// `Z`, or hours and minutes, `+02:00`.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ahead_ns == 0 {
            return f.write_str("Z");
        }
        let minutes = self.ahead_ns.unsigned_abs() / 60_000_000_000;
        let sign = if self.ahead_ns < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl FromStr for Zone {
    type Err = String;

    /// `Z`, `UTC`, `+02:00`, `-0530`, `+2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "{text:?} is no offset; write Z, +02:00 or -05:30 (names of places change theirs in the year)"
            )
        };
        if matches!(text, "" | "Z" | "z" | "UTC") {
            return Ok(Self { ahead_ns: 0 });
        }
        let (sign, digits) = match text.as_bytes().first() {
            Some(b'+') => (1, &text[1..]),
            Some(b'-') => (-1, &text[1..]),
            _ => return Err(refused()),
        };
        if !digits.is_ascii() {
            return Err(refused());
        }
        let (hours, minutes) = match digits.split_once(':') {
            Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
            Some(_) => return Err(refused()),
            None if digits.len() == 4 => digits.split_at(2),
            None => (digits, "00"),
        };
        let number = |digits: &str, most: i64| {
            let is_number = matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|number| is_number && *number <= most)
        };
        let hours: i64 = number(hours, 14).ok_or_else(refused)?;
        let minutes: i64 = number(minutes, 59).ok_or_else(refused)?;
        Ok(Self { ahead_ns: sign * (hours * 60 + minutes) * 60_000_000_000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeOptions, Decoded, EpochUnit, TimeSettings, Unreadable, decode};

    #[test]
    fn offsets_are_read_and_names_are_refused() {
        let minutes = |text: &str| text.parse::<Zone>().map(|zone| zone.ahead_ns / 60_000_000_000);
        for (text, expected) in
            [("Z", 0), ("+02:00", 120), ("-0530", -330), ("+2", 120), ("-05:30", -330), ("+14:00", 840)]
        {
            assert_eq!(minutes(text), Ok(expected), "{text}");
        }
        for text in ["Europe/Berlin", "2", "+15:00", "+02:60", "+2:3", "+02:00:00", "+ä", "+-1", "++1"] {
            assert!(minutes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_times_without_a_zone_move() {
        let mut decoded = Decoded::default();
        decoded.set_times(TimeSettings { zone: "+02:00".parse().unwrap(), ..TimeSettings::default() });
        for (time, hour) in [
            ("2026-04-04T10:00:00Z", "10"),
            ("2026-04-04T10:00:00", "08"),
            ("2026-04-04T12:00:00+02:00", "10"),
            ("2026-04-04 10:00:00", "08"),
        ] {
            let record = format!(r#"{{"timestamp":"{time}","product_id":"X","price":"1"}}"#);
            decode(record.as_bytes(), &DecodeOptions::of_venue("v"), &mut decoded).unwrap();
            let read = decoded.first_event_time().unwrap().to_string();
            assert_eq!(&read[11..13], hour, "{time}");
        }
        assert_eq!("-0530".parse::<Zone>().unwrap().to_string(), "-05:30");
        assert_eq!(Zone::UTC.to_string().parse(), Ok(Zone::UTC));
    }

    #[test]
    fn a_unit_that_is_given_is_believed_whatever_the_digits_say() {
        // Binance's documentation shows this time.
        let record = br#"{"e":"trade","E":123456789,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":123456785,"m":true}"#;
        let mut decoded = Decoded::default();
        let read = decode(record, &DecodeOptions::of_venue("v"), &mut decoded);
        assert_eq!(read, Err(Unreadable::TooEarly { field: "T" }));
        decoded.set_times(TimeSettings { unit: Some(EpochUnit::Milliseconds), ..TimeSettings::default() });
        decode(record, &DecodeOptions::of_venue("v"), &mut decoded).unwrap();
        assert_eq!(decoded.first_event_time().unwrap().to_string(), "1970-01-02T10:17:36.785Z");
    }
}
