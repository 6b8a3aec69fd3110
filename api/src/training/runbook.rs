//! The ten features of the system that this one replaces, under its names, so that its clients' rows can be scored.
//!
//! They are computed as in that system, over its windows of ticks: means over the ticks of 30, 60 and 300 s, returns
//! over about one second, prices of trades. Two things differ: a quantity that the feed lacks is missing, not 0 or 0.5;
//! and the rows are on the grid, with the engine's labels, so that a model of them is trained and evaluated like any
//! other.

use std::collections::{HashMap, VecDeque};

use engine::{
    grid::Grid,
    intake::{RecordEvent, TickSink},
    symbol::Offset,
    tick::{Decimals, Depth, NANOS_PER_SECOND, Price, Tick},
    window::GRID_S,
};
use model::{
    learn::{Dataset, LearnError},
    schema::FeatureName,
};

/// Names of the features, in the order of the replaced system's model.
pub const FEATURES: [&str; 10] = [
    "log_return_300s",
    "spread_mean_300s",
    "trade_intensity_300s",
    "order_book_imbalance_300s",
    "spread_mean_60s",
    "order_book_imbalance_60s",
    "price_velocity_300s",
    "realized_volatility_300s",
    "order_book_imbalance_30s",
    "realized_volatility_60s",
];

/// Length of the longest window.
const LONGEST_S: i64 = 300;
/// Age of the earlier tick of a return over about one second, ns.
const PAIR_NS: std::ops::RangeInclusive<i64> = NANOS_PER_SECOND / 2..=NANOS_PER_SECOND * 3 / 2;
/// Most trades of a symbol that are held: 300 s at 1,000 a second.
const TRADES_MAX: usize = 300_000;

type Row = [f32; FEATURES.len()];

/// A trade in the windows of its symbol.
struct Trade {
    time_ns: i64,
    price: f64,
    /// Ask less bid; NaN without a quote.
    spread: f64,
    /// Share of the bid in the quantity at the touch; NaN where unknown.
    imbalance: f64,
    /// Log return and price change since about one second before; NaN without such a tick.
    pair: (f64, f64),
}

#[derive(Default)]
/// The trades of one symbol within the longest window, and its features at past instants of the grid.
struct Windows {
    trades: VecDeque<Trade>,
    rows: HashMap<i64, Row>,
    /// The newest instant that has its row, in steps of the grid.
    kept_until: Option<i64>,
}

/// Passes ticks on, and keeps the features of each symbol at each grid instant.
pub struct RunbookRows<'a, S> {
    next: &'a mut S,
    windows: HashMap<String, Windows>,
}

impl<'a, S: TickSink> RunbookRows<'a, S> {
    /// Passes ticks on to `next`.
    pub fn new(next: &'a mut S) -> Self {
        Self { next, windows: HashMap::new() }
    }

    /// The features that were kept.
    pub fn finish(self) -> RunbookFeatures {
        RunbookFeatures(self.windows.into_iter().map(|(name, windows)| (name, windows.rows)).collect())
    }
}

/// The ten features at grid instants, by symbol.
pub struct RunbookFeatures(HashMap<String, HashMap<i64, Row>>);

impl RunbookFeatures {
    /// The rows of the grid that have these features, with the grid's labels.
    ///
    /// # Errors
    /// [`LearnError`] when there are none.
    pub fn dataset(&self, grid: &Grid) -> Result<Dataset, LearnError> {
        let (mut rows, mut labels, mut times_s, mut symbols) = (vec![], vec![], vec![], vec![]);
        for labelled in grid.own() {
            let name = &*grid.symbols[labelled.symbol as usize].name;
            let second = labelled.outcome.pending.second;
            let Some(row) = self.0.get(name).and_then(|rows| rows.get(&second)) else { continue };
            rows.extend_from_slice(row);
            labels.push(labelled.outcome.spike());
            times_s.push(second);
            symbols.push(labelled.symbol);
        }
        Dataset::new(names(), rows, labels, times_s, symbols)
    }

    /// These features for each row of `data`, in its order and with its labels; all are missing where there was no
    /// trade for long. `symbols` are the names of its groups.
    ///
    /// # Errors
    /// [`LearnError`] if `data` has no rows.
    pub fn dataset_beside(&self, data: &Dataset, symbols: &[String]) -> Result<Dataset, LearnError> {
        let places = data.groups().iter().zip(data.times_s());
        let row = |(&group, second): (&u32, &i64)| {
            let kept = self.0.get(&symbols[group as usize]).and_then(|rows| rows.get(second));
            kept.copied().unwrap_or([f32::NAN; FEATURES.len()])
        };
        Dataset::new(
            names(),
            places.flat_map(row).collect(),
            data.labels().to_vec(),
            data.times_s().to_vec(),
            data.groups().to_vec(),
        )
    }
}

fn names() -> Vec<FeatureName> {
    FEATURES.map(|name| FeatureName::new(name, 1)).to_vec()
}

impl Windows {
    /// Keeps the features at the grid instants since the last trade, from the trades before each, then adds the tick if
    /// it is a trade.
    fn add_tick(&mut self, tick: &Tick) {
        let time_ns = tick.event_time.nanos();
        if let Some(newest) = self.trades.back() {
            if time_ns < newest.time_ns {
                return;
            }
            let after_trade = newest.time_ns.div_euclid(NANOS_PER_SECOND * GRID_S) + 1;
            let from = self.kept_until.map_or(after_trade, |kept| after_trade.max(kept + 1));
            let to = time_ns.div_euclid(NANOS_PER_SECOND * GRID_S);
            // In a silence that is longer than the windows there are no features.
            for instant in from..=to.min(after_trade + LONGEST_S / GRID_S) {
                self.kept_until = Some(instant);
                let second = instant * GRID_S;
                self.forget_before((second - LONGEST_S) * NANOS_PER_SECOND);
                let row = self.row(second * NANOS_PER_SECOND);
                self.rows.insert(second, row);
            }
        }
        if !tick.is_trade {
            return;
        }
        let price = tick.price.units() as f64 * unit_of(tick.price);
        let (spread, imbalance) = tick.quote.map_or((f64::NAN, f64::NAN), |quote| {
            let spread = match quote.ask.decimals() == quote.bid.decimals() {
                true => (quote.ask.units() - quote.bid.units()) as f64 * unit_of(quote.ask),
                false => quote.ask.value() - quote.bid.value(),
            };
            let imbalance = match quote.depth {
                Depth::Unknown => f64::NAN,
                Depth::Sizes { bid, ask } if bid.decimals() == ask.decimals() => {
                    bid.units() as f64 / (bid.units() as f64 + ask.units() as f64)
                }
                Depth::Sizes { bid, ask } => bid.value() / (bid.value() + ask.value()),
                Depth::ImbalancePpb(ppb) => 0.5 + 0.5e-9 * f64::from(ppb),
            };
            (spread, imbalance)
        });
        let ages = self.trades.iter().rev().map(|trade| (time_ns - trade.time_ns, trade.price));
        let near = ages.take_while(|(age, _)| age <= PAIR_NS.end()).filter(|(age, _)| PAIR_NS.contains(age));
        let nearest = near.min_by_key(|(age, _)| (age - NANOS_PER_SECOND).abs());
        let pair = nearest
            .map_or((f64::NAN, f64::NAN), |(_, before)| ((price / before).ln(), (price - before).abs()));
        self.trades.push_back(Trade { time_ns, price, spread, imbalance, pair });
        if self.trades.len() > TRADES_MAX {
            self.trades.pop_front();
        }
    }

    /// Drops the trades before `time_ns`.
    fn forget_before(&mut self, time_ns: i64) {
        while self.trades.front().is_some_and(|trade| trade.time_ns < time_ns) {
            self.trades.pop_front();
        }
    }

    /// The features at `now_ns`, in the order of [`FEATURES`]; NaN where missing.
    fn row(&self, now_ns: i64) -> Row {
        let window = |seconds: i64| {
            let from_ns = now_ns - seconds * NANOS_PER_SECOND;
            self.trades.range(self.trades.partition_point(|trade| trade.time_ns < from_ns)..)
        };
        let spread = |seconds| mean(window(seconds).map(|trade| trade.spread)).0;
        let imbalance = |seconds| mean(window(seconds).map(|trade| trade.imbalance)).0;
        let volatility = |seconds| mean(window(seconds).map(|trade| trade.pair.0)).1;
        let mut ends = window(300).map(|trade| trade.price);
        let (first, last) = (ends.next(), ends.next_back());
        [
            first.zip(last).map_or(f64::NAN, |(first, last)| (last / first).ln()),
            spread(300),
            window(300).len() as f64,
            imbalance(300),
            spread(60),
            imbalance(60),
            mean(window(300).map(|trade| trade.pair.1)).0,
            volatility(300),
            imbalance(30),
            volatility(60),
        ]
        .map(|value| if (value as f32).is_finite() { value as f32 } else { f32::NAN })
    }
}

/// Mean and population standard deviation of the finite values; NaN if there are none.
fn mean(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (count, sum, squares) = values
        .filter(|value| value.is_finite())
        .fold((0.0, 0.0, 0.0), |(count, sum, squares): (f64, f64, f64), value| {
            (count + 1.0, sum + value, squares + value * value)
        });
    let mean = sum / count;
    (mean, (squares / count - mean * mean).max(0.0).sqrt())
}

impl<S: TickSink> TickSink for RunbookRows<'_, S> {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        self.windows.entry(format!("{venue}:{product}")).or_default().add_tick(&tick);
        self.next.tick(venue, product, record_offset, index, tick);
    }
    fn event(&mut self, record_offset: Offset, event: RecordEvent) {
        self.next.event(record_offset, event);
    }
    fn flush(&mut self) {
        self.next.flush();
    }
}

/// The value of one unit of a price, in quote currency.
fn unit_of(price: Price) -> f64 {
    match price.decimals() {
        Decimals::Eight => 1e-8,
        decimals => 1.0 / decimals.one() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::tick::{EventTime, Quote};

    fn price(units: f64) -> Price {
        Price::from_units((units * 1e8) as i64).unwrap()
    }

    /// A tick just before `second`.
    fn tick(second: i64, is_trade: bool, at: f64) -> Tick {
        Tick {
            event_time: EventTime::from_nanos(second * NANOS_PER_SECOND - 1).unwrap(),
            is_trade,
            price: price(at),
            quote: Some(Quote { bid: price(99.0), ask: price(99.5), depth: Depth::Unknown }),
            size: None,
            side: None,
            trade_id: None,
        }
    }

    /// A trade a second, price 100 and 101 in turn, spread 0.5, nothing known of the depth.
    #[test]
    fn a_row_is_the_originals_arithmetic() {
        let mut windows = Windows::default();
        for second in 1..=301_i64 {
            windows.add_tick(&tick(second, true, 100.0 + (second % 2) as f64));
        }
        let row = windows.rows[&300];
        let step = (1.01_f64).ln() as f32;
        assert_eq!((row[1], row[2], row[4], row[6]), (0.5, 300.0, 0.5, 1.0));
        assert!((row[0] + step).abs() < 1e-6, "from 101 to 100");
        assert!(
            (row[9] - step).abs() < 1e-4 && (row[7] - step).abs() < 1e-4,
            "one step up or down each second"
        );
        assert!(row[3].is_nan() && row[5].is_nan() && row[8].is_nan());
    }
    /// Quotes between trades must not compute a row again, from windows that have been cut since.
    #[test]
    fn quotes_after_the_last_trade_leave_its_rows_as_they_are() {
        let rows = |quotes: bool| {
            let mut windows = Windows::default();
            for second in 1..=300_i64 {
                windows.add_tick(&tick(second, true, 100.0 + (second % 2) as f64));
            }
            for second in (301..=400).filter(|_| quotes) {
                windows.add_tick(&tick(second, false, 100.0));
            }
            windows.add_tick(&tick(401, true, 100.0));
            windows.rows
        };
        let (without, with) = (rows(false), rows(true));
        let bits = |rows: &HashMap<i64, Row>, second: i64| rows[&second].map(f32::to_bits);
        for second in (5..=400).step_by(5) {
            assert_eq!(bits(&without, second), bits(&with, second), "at {second}");
        }
        assert_eq!(with.len(), without.len());
        assert_eq!(with[&310][2], 290.0, "trades of the last 300 s");
    }
}
