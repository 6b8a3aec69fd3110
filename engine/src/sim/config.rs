//! Settings of the simulated market.

use crate::tick::{EventTime, Price};

/// A market to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct SimConfig {
    /// Seed of the random numbers: equal seeds give equal bytes.
    pub seed: u64,
    /// The symbols, each once.
    pub symbols: Vec<SimSymbol>,
    /// Time of the first second.
    pub start: EventTime,
    /// The behaviour of prices and orders.
    pub habits: MarketHabits,
    /// The faults of the feed.
    pub faults: Faults,
}

impl Default for SimConfig {
    /// BTC-USD, ETH-USD and SOL-USD from 2026-01-01T00:00:00Z, without faults.
    fn default() -> Self {
        let start = EventTime::from_nanos(1_767_225_600_000_000_000).expect("2026 is in range");
        Self {
            seed: 1,
            symbols: SimSymbol::defaults(),
            start,
            habits: MarketHabits::default(),
            faults: Faults::default(),
        }
    }
}

/// A symbol of the simulated market.
#[derive(Clone, Debug, PartialEq)]
pub struct SimSymbol {
    /// Name of the product, as `BTC-USD`.
    pub product: String,
    /// The first price.
    pub price: Price,
    /// The price step.
    pub tick: Price,
    /// Multiplies all quantities; 1 gives orders of 600 quote units in the median.
    pub quantity_scale: f64,
}

impl SimSymbol {
    /// A symbol of this name: one of the defaults, else one that begins at 100.
    pub fn named(product: &str) -> Self {
        Self::defaults()
            .into_iter()
            .find(|symbol| symbol.product == product)
            .unwrap_or_else(|| Self::of(product, 100_000, 1))
    }

    /// BTC-USD, ETH-USD and SOL-USD at their prices of April 2026. The steps are at most a tenth of a basis point: a
    /// coarser one adds a rounding to each second's move that the volatility of quotes would show as the market's.
    pub fn defaults() -> Vec<Self> {
        vec![
            Self::of("BTC-USD", 67_223_500, 10),
            Self::of("ETH-USD", 2_050_830, 10),
            Self::of("SOL-USD", 140_250, 1),
        ]
    }

    /// A symbol with its first price and its price step in thousandths of the quote's unit.
    fn of(product: &str, price_thousandths: i64, step_thousandths: i64) -> Self {
        let price = |thousandths: i64| {
            Price::from_units(thousandths * 100_000).expect("a price of dollars is in range")
        };
        Self {
            product: product.to_owned(),
            price: price(price_thousandths),
            tick: price(step_thousandths),
            quantity_scale: 1.0,
        }
    }
}

/// The behaviour of prices and orders. The defaults match the stylised facts of 99 h of XBTUSD.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketHabits {
    /// Mean volatility per year: `σ̄` times the root of the seconds of a year.
    pub annual_volatility: f64,
    /// Time scales of log volatility, in seconds.
    pub scales_s: [f64; 3],
    /// Standard deviation of log volatility on each scale.
    pub scale_deviations: [f64; 3],
    /// Share of the two slower scales that all symbols have in common: a correlation, 0 to 1.
    pub shared_loading: f64,
    /// Orders per second that no order excited, at mean volatility.
    pub base_orders_per_s: f64,
    /// Orders that one order excites, by the fast and by the slow kernel. Their sum is the branching ratio: below 1 the
    /// market is steady, at 1 it bursts.
    pub branching: [f64; 2],
    /// Decay of the kernels, per second.
    pub decay_per_s: [f64; 2],
    /// Mean number of fills of an order, at least 1.
    pub fills_per_order: f64,
    /// Impact of an order: the log price moves by this times `ln(1 + relative size)`.
    pub impact: f64,
    /// Bursts of orders that lead a jump, per hour.
    pub jumps_per_hour: f64,
    /// Scale of a jump (Laplace), in log price.
    pub jump_scale: f64,
}

impl Default for MarketHabits {
    fn default() -> Self {
        Self {
            annual_volatility: 0.9,
            scales_s: [30.0, 600.0, 21_600.0],
            scale_deviations: [0.40, 0.30, 0.30],
            shared_loading: 0.7,
            base_orders_per_s: 0.10,
            branching: [0.45, 0.35],
            decay_per_s: [4.0, 0.03],
            fills_per_order: 2.8,
            impact: 1e-5,
            jumps_per_hour: 1.0,
            jump_scale: 8e-4,
        }
    }
}

/// The faults of a feed. Shares are shares of ticks, 0 to 1. The default is a perfect feed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of ticks that come twice.
    pub repeated_share: f64,
    /// Share of ticks that come up to 200 ms late, so that others overtake them.
    pub late_share: f64,
    /// Silences of 5 to 60 s of all symbols, per hour.
    pub silences_per_hour: f64,
    /// Share of quotes that are crossed or have no quantity.
    pub bad_quote_share: f64,
    /// Share of ticks whose time is one to three hours off.
    pub clock_jump_share: f64,
    /// Share of ticks without a side.
    pub side_missing_share: f64,
    /// Share of ticks without a size.
    pub size_missing_share: f64,
}

impl Faults {
    /// Faults as frequent as in a real feed.
    pub fn realistic() -> Self {
        Self {
            repeated_share: 0.0005,
            late_share: 0.001,
            silences_per_hour: 1.0 / 6.0,
            bad_quote_share: 0.0001,
            clock_jump_share: 0.00001,
            side_missing_share: 0.001,
            size_missing_share: 0.001,
        }
    }
}
