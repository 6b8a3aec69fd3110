//! A tick as the engine holds it: integers only, checked where they enter.
//!
//! Prices and quantities are fixed point, times are nanoseconds. Nothing downstream rounds a decimal again, so window sums
//! are exact.
//!
//! # Scales
//! A price is written with eight decimals, or with fifteen where eight would drop digits: 0.0000008712 stays what the venue
//! wrote. A quantity is written with eight decimals, or with none where it is too large for them: 1e12 tokens do not cost
//! their tick. A symbol's state counts in one [`Scale`], chosen by the price of its first tick, to which
//! [`Tick::rescaled`] brings each further one.

use std::{cmp::Ordering, fmt};

use rkyv::{Archive, Deserialize, Serialize};

/// Units of one with eight decimals.
pub const UNITS_PER_ONE: i64 = 100_000_000;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The decimals of a fixed-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug, PartialEq))]
pub enum Decimals {
    /// None: whole pieces.
    Zero,
    /// Eight, as nearly all prices and quantities have.
    Eight,
    /// Fifteen.
    Fifteen,
}

impl Decimals {
    /// How many they are.
    pub const fn count(self) -> u32 {
        match self {
            Self::Zero => 0,
            Self::Eight => 8,
            Self::Fifteen => 15,
        }
    }

    /// The number of units that make one.
    pub const fn one(self) -> i64 {
        10_i64.pow(self.count())
    }

    /// So many units as a float.
    pub fn value(self, units: i64) -> f64 {
        units as f64 / self.one() as f64
    }
}

/// A positive price: units of `1e-8` of the quote currency, or of `1e-15`.
#[derive(Clone, Copy, Debug)]
pub struct Price {
    units: i64,
    decimals: Decimals,
    /// Whether it is all that was written.
    is_exact: bool,
}

/// A quantity of at least zero: units of `1e-8` of the base currency (contracts where the venue trades contracts), or whole
/// ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    units: i64,
    decimals: Decimals,
    /// Whether it is all that was written.
    is_exact: bool,
}

/// When the venue says it happened: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct EventTime(i64);

impl Price {
    /// The largest number of units: twice it still fits, so `bid + ask` cannot overflow. With eight decimals it is a price
    /// of 4.6e10, with fifteen one of 4,611.
    pub const MAX_UNITS: i64 = i64::MAX / 2;

    /// A price of `units` x 1e-8; `None` unless `0 < units <= MAX_UNITS`.
    pub fn from_units(units: i64) -> Option<Self> {
        Self::new(units, Decimals::Eight)
    }

    /// A price of so many units; `None` unless `0 < units <= MAX_UNITS`.
    pub fn new(units: i64, decimals: Decimals) -> Option<Self> {
        (units > 0 && units <= Self::MAX_UNITS).then_some(Self { units, decimals, is_exact: true })
    }

    /// A price that was written with more digits; `None` as for [`Price::new`].
    pub fn rounded(units: i64, decimals: Decimals) -> Option<Self> {
        Self::new(units, decimals).map(|price| Self { is_exact: false, ..price })
    }

    /// Whether it is all that was written: no digit was dropped.
    pub fn is_exact(self) -> bool {
        self.is_exact
    }

    /// The number of units, each `10^-decimals` of the quote currency.
    pub fn units(self) -> i64 {
        self.units
    }

    /// The decimals of the units.
    pub fn decimals(self) -> Decimals {
        self.decimals
    }

    /// In quote currency.
    pub fn value(self) -> f64 {
        self.decimals.value(self.units)
    }
}

/// Compares the values, whatever the decimals.
impl Ord for Price {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.decimals == other.decimals {
            return self.units.cmp(&other.units);
        }
        let finest = |price: &Self| {
            i128::from(price.units)
                * i128::from(10_i64.pow(Decimals::Fifteen.count() - price.decimals.count()))
        };
        finest(self).cmp(&finest(other))
    }
}

impl PartialOrd for Price {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Price {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Price {}

impl Quantity {
    /// The largest number of units, so that two quantities add: 4.6e10 with eight decimals, 4.6e18 with none.
    pub const MAX_UNITS: i64 = i64::MAX / 2;

    /// A quantity of `units` x 1e-8; `None` unless `0 <= units <= MAX_UNITS`.
    pub fn from_units(units: i64) -> Option<Self> {
        Self::new(units, Decimals::Eight)
    }

    /// A quantity of so many units; `None` unless `0 <= units <= MAX_UNITS`.
    pub fn new(units: i64, decimals: Decimals) -> Option<Self> {
        (0..=Self::MAX_UNITS).contains(&units).then_some(Self { units, decimals, is_exact: true })
    }

    /// The largest quantity, in place of one that is too large.
    pub const CLIPPED: Self = Self { units: Self::MAX_UNITS, decimals: Decimals::Zero, is_exact: false };

    /// The same quantity, which was written with more digits.
    #[must_use]
    pub fn as_rounded(self) -> Self {
        Self { is_exact: false, ..self }
    }

    /// Whether it is all that was written: no digit was dropped, and it was not too large.
    pub fn is_exact(self) -> bool {
        self.is_exact
    }

    /// The number of units, each `10^-decimals` of the base currency.
    pub fn units(self) -> i64 {
        self.units
    }

    /// The decimals of the units.
    pub fn decimals(self) -> Decimals {
        self.decimals
    }

    /// In base currency.
    pub fn value(self) -> f64 {
        self.decimals.value(self.units)
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

/// The decimals in which the state of a symbol counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct Scale {
    /// Of prices.
    pub price: Decimals,
    /// Of quantities.
    pub quantity: Decimals,
}

impl Scale {
    /// Eight decimals for both.
    pub const COMMON: Self = Self { price: Decimals::Eight, quantity: Decimals::Eight };

    /// The scale for a symbol whose first price this is. Below 1 prices have fifteen decimals, so that 4,611 is the largest;
    /// below 0.0001 quantities are whole, because with eight decimals they end at 4.6e10 pieces.
    pub fn of_price(price: Price) -> Self {
        let one = price.decimals.one();
        Self {
            price: if price.units < one { Decimals::Fifteen } else { Decimals::Eight },
            quantity: if price.units < one / 10_000 { Decimals::Zero } else { Decimals::Eight },
        }
    }
}

/// A tick whose numbers were brought to one scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescaled {
    /// The tick, all of whose numbers have the decimals of the scale.
    pub tick: Tick,
    /// Whether a number had more digits than the scale, and was rounded half to even.
    pub has_dropped_digits: bool,
    /// Whether a quantity was too large for the scale, and counts as the largest.
    pub has_clipped_quantity: bool,
}

impl Tick {
    /// Whether all its numbers have the decimals of this scale, and are as they were written.
    pub fn is_in(&self, scale: Scale) -> bool {
        let is_price_in = |price: Price| price.decimals == scale.price && price.is_exact;
        let is_quantity_in = |quantity: Quantity| quantity.decimals == scale.quantity && quantity.is_exact;
        let is_quote_in = self.quote.is_none_or(|quote| {
            let is_depth_in = match quote.depth {
                Depth::Sizes { bid, ask } => is_quantity_in(bid) && is_quantity_in(ask),
                Depth::Unknown | Depth::ImbalancePpb(_) => true,
            };
            is_price_in(quote.bid) && is_price_in(quote.ask) && is_depth_in
        });
        is_price_in(self.price) && self.size.is_none_or(is_quantity_in) && is_quote_in
    }

    /// Brings its numbers to a scale; `None` if a price is too large for that.
    pub fn rescaled(&self, scale: Scale) -> Option<Rescaled> {
        let (mut has_dropped_digits, mut has_clipped_quantity) = (false, false);
        let mut price = |price: Price| {
            let (units, is_exact) = rescale(price.units, price.decimals, scale.price)?;
            has_dropped_digits |= !is_exact || !price.is_exact;
            Price::new(units.max(1), scale.price)
        };
        let last = price(self.price)?;
        let touch = match self.quote {
            Some(quote) => Some((price(quote.bid)?, price(quote.ask)?, quote.depth)),
            None => None,
        };
        let mut quantity = |quantity: Quantity| {
            let units = rescale(quantity.units, quantity.decimals, scale.quantity);
            let (units, is_exact) = units.unwrap_or((i64::MAX, true));
            let is_clipped = units > Quantity::MAX_UNITS || quantity == Quantity::CLIPPED;
            has_clipped_quantity |= is_clipped;
            has_dropped_digits |= !(is_clipped || is_exact && quantity.is_exact);
            let units = units.min(Quantity::MAX_UNITS);
            Quantity { units, decimals: scale.quantity, is_exact: true }
        };
        let quote = touch.map(|(bid, ask, depth)| {
            let depth = match depth {
                Depth::Sizes { bid, ask } => Depth::Sizes { bid: quantity(bid), ask: quantity(ask) },
                known => known,
            };
            Quote { bid, ask, depth }
        });
        let tick = Self { price: last, quote, size: self.size.map(&mut quantity), ..*self };
        Some(Rescaled { tick, has_dropped_digits, has_clipped_quantity })
    }
}

/// `units` with other decimals, and whether no digit was dropped; `None` if that is too large.
fn rescale(units: i64, from: Decimals, to: Decimals) -> Option<(i64, bool)> {
    if to.count() >= from.count() {
        return Some((units.checked_mul(to.one() / from.one())?, true));
    }
    let divisor = from.one() / to.one();
    let (quotient, remainder) = (units / divisor, units % divisor);
    let is_up = remainder > divisor / 2 || remainder == divisor / 2 && quotient % 2 == 1;
    Some((quotient + i64::from(is_up), remainder == 0))
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
    fn a_change_of_scale_keeps_every_digit_or_says_that_it_does_not() {
        let fine = |units| Price::new(units, Decimals::Fifteen).unwrap();
        let price = |units| Price::from_units(units).unwrap();
        let quantity = |units| Quantity::from_units(units).unwrap();
        let whole = |units| Quantity::new(units, Decimals::Zero).unwrap();
        let tick = Tick {
            event_time: EventTime::MIN,
            is_trade: true,
            price: fine(870_000_001),
            quote: Some(Quote {
                bid: price(86),
                ask: price(88),
                depth: Depth::Sizes { bid: quantity(300_000_000), ask: whole(1_000_000_000_000) },
            }),
            size: Some(quantity(100_000_000)),
            side: None,
            trade_id: None,
        };
        let scale = Scale::of_price(tick.price);
        assert_eq!(scale, Scale { price: Decimals::Fifteen, quantity: Decimals::Zero });
        assert!(!tick.is_in(scale));
        let held = tick.rescaled(scale).unwrap();
        assert!(held.tick.is_in(scale) && !held.has_dropped_digits && !held.has_clipped_quantity);
        assert_eq!((held.tick.price, held.tick.size), (fine(870_000_001), Some(whole(1))));
        assert_eq!(held.tick.quote.unwrap().bid, fine(860_000_000));
        assert_eq!(held.tick.price.value(), 8.700_000_01e-7);
        let common = tick.rescaled(Scale::COMMON).unwrap();
        assert!(common.has_dropped_digits && common.has_clipped_quantity);
        assert_eq!(common.tick.price, price(87));
        let Depth::Sizes { ask, .. } = common.tick.quote.unwrap().depth else { panic!() };
        assert_eq!(ask.units(), Quantity::MAX_UNITS);
        let dear = Tick { price: price(500_000 * UNITS_PER_ONE), ..tick };
        assert_eq!(dear.rescaled(scale), None, "no price of fifteen decimals is so large");
        assert_eq!(Scale::of_price(price(UNITS_PER_ONE)), Scale::COMMON);
        let halves =
            [250, 350, 340].map(|units| rescale(units * 100_000, Decimals::Fifteen, Decimals::Eight));
        assert_eq!(halves, [Some((2, false)), Some((4, false)), Some((3, false))]);
    }

    #[test]
    fn prices_compare_by_value() {
        let fine = |units| Price::new(units, Decimals::Fifteen).unwrap();
        let price = |units| Price::from_units(units).unwrap();
        assert_eq!(fine(10_000_000), price(1));
        assert!(fine(10_000_001) > price(1) && price(2) > fine(19_999_999));
        assert!(price(Price::MAX_UNITS) > fine(Price::MAX_UNITS));
    }

    #[test]
    fn a_time_prints_as_rfc_3339() {
        let time = EventTime::from_nanos(1_775_272_758_995_321_000).unwrap();
        assert_eq!(time.to_string(), "2026-04-04T03:19:18.995321Z");
        assert_eq!(time.second(), 1_775_272_758);
    }
}
