//! A tick as the engine holds it: integers only, checked where they enter.
//!
//! Prices and quantities are fixed point with eight decimals, times are nanoseconds. Nothing downstream rounds
//! a decimal again, so window sums are exact.

use std::fmt;

use rkyv::{Archive, Deserialize, Serialize};

/// Units of one in [`Price`] and [`Quantity`]: eight decimals.
pub const UNITS_PER_ONE: i64 = 100_000_000;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A positive price in 1e-8 quote units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct Price(i64);

/// A quantity of at least zero in 1e-8 base units (contracts where the venue trades contracts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct Quantity(i64);

/// When the venue says it happened: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct EventTime(i64);

impl Price {
    /// The largest price, 4.6e10: twice it still fits, so `bid + ask` cannot overflow.
    pub const MAX_UNITS: i64 = i64::MAX / 2;

    /// A price of `units` x 1e-8; `None` unless `0 < units <= MAX_UNITS`.
    pub fn from_units(units: i64) -> Option<Self> {
        (units > 0 && units <= Self::MAX_UNITS).then_some(Self(units))
    }

    /// In 1e-8 quote units.
    pub fn units(self) -> i64 {
        self.0
    }
}

impl Quantity {
    /// The largest quantity, 4.6e10, so that two of them add.
    pub const MAX_UNITS: i64 = i64::MAX / 2;

    /// A quantity of `units` x 1e-8; `None` unless `0 <= units <= MAX_UNITS`.
    pub fn from_units(units: i64) -> Option<Self> {
        (0..=Self::MAX_UNITS).contains(&units).then_some(Self(units))
    }

    /// In 1e-8 base units.
    pub fn units(self) -> i64 {
        self.0
    }
}

impl EventTime {
    /// The earliest time accepted, 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// The latest time accepted, 2200-01-01T00:00:00Z: leaves room for every sum of times and windows.
    pub const MAX: Self = Self(7_258_118_400 * NANOS_PER_SECOND);

    /// A time of `nanos` since the epoch; `None` outside `MIN..=MAX`.
    pub fn from_nanos(nanos: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&nanos).then_some(Self(nanos))
    }

    /// Nanoseconds since the epoch.
    pub fn nanos(self) -> i64 {
        self.0
    }

    /// The whole second this time lies in, counted from the epoch.
    pub fn second(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }
}

/// RFC 3339 in UTC with `Z`, as many decimals as needed.
impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{}ns", self.0),
        }
    }
}

/// Who took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub enum Side {
    /// The buyer crossed the spread.
    Buy,
    /// The seller crossed the spread.
    Sell,
}

/// The top of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Best bid. May equal or exceed `ask` for an instant (a crossed book): features then read NaN.
    pub bid: Price,
    /// Best ask.
    pub ask: Price,
    /// What stands at the touch, as far as the venue says.
    pub depth: Depth,
}

/// What is known of the quantities at the touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Nothing.
    Unknown,
    /// Quantities at the best bid and the best ask.
    Sizes {
        /// At the best bid.
        bid: Quantity,
        /// At the best ask.
        ask: Quantity,
    },
    /// Only their ratio: `(bid - ask) / (bid + ask)` in 1e-9, within `-1e9..=1e9`.
    ImbalancePpb(i32),
}

/// One accepted message about one symbol: the newest trade and, where known, the quote beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Venue time.
    pub event_time: EventTime,
    /// Whether a trade happened. A tick that only changes the quote moves the book and the clock, and counts neither
    /// as a trade nor as volume.
    pub is_trade: bool,
    /// Price of the newest trade.
    pub price: Price,
    /// The top of the book, if the feed carries quotes.
    pub quote: Option<Quote>,
    /// Quantity of the newest trade, if the feed carries it.
    pub size: Option<Quantity>,
    /// Taker side, if the feed carries it; else the symbol's state infers one.
    pub side: Option<Side>,
    /// The venue's trade identifier, if any: repeats among the last 1,024 are dropped.
    pub trade_id: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_leave_room_for_sums() {
        let most = Price::from_units(Price::MAX_UNITS).unwrap();
        assert!(most.units().checked_add(most.units()).is_some());
        assert_eq!(Price::from_units(0), None);
        assert_eq!(Price::from_units(Price::MAX_UNITS + 1), None);
        assert_eq!(Quantity::from_units(-1), None);
        assert_eq!(Quantity::from_units(0).map(Quantity::units), Some(0));
        assert_eq!(EventTime::from_nanos(-1), None);
    }

    #[test]
    fn a_time_prints_as_rfc_3339() {
        let time = EventTime::from_nanos(1_775_272_758_995_321_000).unwrap();
        assert_eq!(time.to_string(), "2026-04-04T03:19:18.995321Z");
        assert_eq!(time.second(), 1_775_272_758);
    }
}
