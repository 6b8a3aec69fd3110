//! `--assume-tz`: the time zone of times that name none.

use std::str::FromStr;

use engine::{
    decode::Unreadable,
    intake::{RecordEvent, TickSink},
    symbol::Offset,
    tick::{EventTime, Tick},
};

/// A fixed offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    ahead_ns: i64,
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
        if matches!(text, "Z" | "z" | "UTC") {
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

/// Passes ticks on. Those whose record named no zone are moved from this zone to UTC; all ticks of a record have one
/// time.
pub(super) struct Zoned<'a> {
    next: &'a mut dyn TickSink,
    zone: Zone,
    /// The newest record and whether it has a time without a zone.
    record: Option<Offset>,
    is_zoneless: bool,
}

impl<'a> Zoned<'a> {
    pub(super) fn new(next: &'a mut dyn TickSink, zone: Zone) -> Self {
        Self { next, zone, is_zoneless: false, record: None }
    }

    /// Begins a record, unless it is the present one. A record's events come before its ticks.
    fn begin(&mut self, record: Offset) {
        if self.record.replace(record) != Some(record) {
            self.is_zoneless = false;
        }
    }
}

impl TickSink for Zoned<'_> {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        self.begin(record_offset);
        let ahead_ns = if self.is_zoneless { self.zone.ahead_ns } else { 0 };
        match EventTime::from_nanos(tick.event_time.nanos() - ahead_ns) {
            Some(event_time) => {
                self.next.tick(venue, product, record_offset, index, Tick { event_time, ..tick });
            }
            None => {
                let reason = Unreadable::BadTime { field: "timestamp" };
                self.next.event(record_offset, RecordEvent::Unreadable(reason));
            }
        }
    }

    fn event(&mut self, record_offset: Offset, event: RecordEvent) {
        self.begin(record_offset);
        self.is_zoneless |= event == RecordEvent::ZonelessTime;
        self.next.event(record_offset, event);
    }

    fn flush(&mut self) {
        self.next.flush();
    }
}

#[cfg(test)]
mod tests {
    use engine::intake::{RecordFormat, RecordPlace, RecordReader};

    use super::*;

    #[test]
    fn offsets_are_read_and_names_are_refused() {
        let minutes = |text: &str| text.parse::<Zone>().map(|zone| zone.ahead_ns / 60_000_000_000);
        for (text, expected) in
            [("Z", 0), ("+02:00", 120), ("-0530", -330), ("+2", 120), ("-05:30", -330), ("+14:00", 840)]
        {
            assert_eq!(minutes(text), Ok(expected), "{text}");
        }
        for text in ["", "Europe/Berlin", "2", "+15:00", "+02:60", "+2:3", "+02:00:00", "+ä", "+-1", "++1"] {
            assert!(minutes(text).is_err(), "{text}");
        }
    }

    #[derive(Default)]
    struct Times(Vec<String>);

    impl TickSink for Times {
        fn tick(&mut self, _: &str, _: &str, _: Offset, _: u32, tick: Tick) {
            self.0.push(tick.event_time.to_string());
        }
    }

    #[test]
    fn only_times_without_a_zone_move() {
        let mut times = Times::default();
        let mut zoned = Zoned::new(&mut times, "+02:00".parse().unwrap());
        let (mut reader, mut format) = (RecordReader::default(), RecordFormat::json("v".to_owned()));
        for time in [
            "2026-04-04T10:00:00Z",
            "2026-04-04T10:00:00",
            "2026-04-04T10:00:00Z",
            "bad",
            "2026-04-04T12:00:00+02:00",
        ] {
            let record = format!(r#"{{"timestamp":"{time}","product_id":"X","price":"1"}}"#);
            reader.read(record.as_bytes(), &mut format);
            reader.hand_over(record.as_bytes(), RecordPlace::Line { file: "", line: 1 }, &mut zoned);
        }
        let hours: Vec<&str> = times.0.iter().map(|time| &time[11..13]).collect();
        assert_eq!(hours, ["10", "08", "10", "10"]);
    }
}
