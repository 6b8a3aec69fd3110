//! Every feature once more, straight from its documented formula and the raw ticks: no ring, no running sum, no
//! recurrence, and none of the functions that the engine computes with. Slow, and wrong only where the documentation is.
//!
//! Map: here are the formulas; `windows` cuts what they need out of plain lists, `touch` is the quote as ticks leave it,
//! `sizes` says which trades are big.
//!
//! Shared with the engine are the units that the documentation promises: log mids are whole 1e-9, relative spreads whole
//! 1e-9 rounded down, and tau is the centre of its bin of 1 %.

mod sizes;
mod touch;
mod windows;

use std::collections::BTreeMap;

use self::{
    sizes::Sizes,
    touch::{Touch, depth, imbalance, micro_in_spreads, order_flow, spread},
};
use super::{Row, specs};
use crate::{
    state::StateSettings,
    tick::{Quantity, Quote, Side, Tick},
};

const SECOND: i64 = 1_000_000_000;

/// What stood from one tick to the next.
#[derive(Clone, Copy)]
struct Stand {
    from_ns: i64,
    /// The next tick or the instant asked about; equal to `from_ns` where a gap follows.
    to_ns: i64,
    log_mid: i64,
    quote: Option<Quote>,
}

/// A trade.
#[derive(Clone, Copy)]
struct Trade {
    at_ns: i64,
    side: Side,
    size: Option<i64>,
    is_big: bool,
}

impl Trade {
    /// Its size, negative if it sold.
    fn signed(&self) -> f64 {
        let size = self.size.unwrap_or(0) as f64;
        if self.side == Side::Buy { size } else { -size }
    }
}

/// A symbol's past, as plain lists.
pub(crate) struct Past {
    now_ns: i64,
    stands: Vec<Stand>,
    trades: Vec<Trade>,
    /// Instant and order flow of each change of the quote.
    changes: Vec<(i64, f64)>,
    /// Log mid at the end of each second that the ticks reach.
    ends: BTreeMap<i64, i64>,
    tau: Option<f64>,
    big_known: bool,
}

impl Past {
    /// The past of these accepted ticks at `now_ns`, which lies before the next one.
    pub(crate) fn of(ticks: &[Tick], now_ns: i64, settings: &StateSettings) -> Self {
        let mut past = Self {
            now_ns,
            stands: Vec::new(),
            trades: Vec::new(),
            changes: Vec::new(),
            ends: BTreeMap::new(),
            tau: None,
            big_known: false,
        };
        let mut touch = Touch::default();
        let mut sizes = Sizes::default();
        let mut volatilities = Vec::new();
        for (i, tick) in ticks.iter().enumerate() {
            let at_ns = tick.event_time.nanos();
            sizes.move_to(at_ns / SECOND);
            past.take(tick, &mut touch, &mut sizes, settings);
            let next_ns = ticks.get(i + 1).map_or(now_ns, |next| next.event_time.nanos());
            let limit = if touch.quote.is_some() { settings.gaps.quoted_ns } else { settings.gaps.trades_ns };
            let is_gap = i + 1 < ticks.len() && next_ns - at_ns > limit;
            let to_ns = if is_gap { at_ns } else { next_ns };
            past.stands.push(Stand { from_ns: at_ns, to_ns, log_mid: touch.log_mid, quote: touch.quote });
            let (second, next_second) = (at_ns / SECOND, next_ns / SECOND);
            let closed = if is_gap { second..second + 1 } else { second..next_second };
            for closing in closed {
                past.ends.insert(closing, touch.log_mid);
                if !is_gap && (closing + 1) % 5 == 0 {
                    volatilities.push(past.volatility_before(closing + 1));
                }
            }
            if is_gap {
                volatilities.extend((second / 5..next_second / 5).map(|_| None));
                touch.forget();
            }
        }
        sizes.move_to(now_ns / SECOND);
        past.big_known = sizes.least_big.is_some();
        past.tau = tau(&volatilities, settings);
        past
    }

    fn take(&mut self, tick: &Tick, touch: &mut Touch, sizes: &mut Sizes, settings: &StateSettings) {
        let at_ns = tick.event_time.nanos();
        let side = touch.side_of(tick);
        if let (Some(old), Some(new)) = (touch.quote, tick.quote)
            && (old.bid, old.ask, old.depth) != (new.bid, new.ask, new.depth)
        {
            self.changes.push((at_ns, order_flow(&old, &new)));
        }
        touch.take(tick, side, settings.gaps.quoted_ns);
        if tick.is_trade {
            let size = tick.size.map(Quantity::units);
            let is_big = size.zip(sizes.least_big).is_some_and(|(size, least)| size >= least);
            self.trades.push(Trade { at_ns, side, size, is_big });
            size.into_iter().for_each(|size| sizes.take(size));
        }
    }
    /// A feature by its name.
    fn value(&self, name: &str) -> f64 {
        let found = self.of_returns(name).or_else(|| self.of_quotes(name)).or_else(|| self.of_trades(name));
        found.unwrap_or_else(|| panic!("{name} has no formula here: write it from its documentation"))
    }

    /// Volatility, shape and returns.
    fn of_returns(&self, name: &str) -> Option<f64> {
        let sigma = |window_s| self.sigma(window_s, 0.8);
        let long = |window_s| self.sigma(window_s, 0.5);
        let tau = self.tau.unwrap_or(f64::NAN);
        let covered = |window_s| self.coverage(window_s) >= 0.8;
        let sum = |window_s| self.returns_and_open(window_s).iter().sum::<f64>();
        let returns_60 = self.returns_and_open(60);
        Some(match name {
            "lv10_tau" => log_of(sigma(10), tau),
            "lv60_tau" => log_of(sigma(60), tau),
            "lv300_tau" => log_of(sigma(300), tau),
            "lew30_tau" => known(covered(60), log_of(self.averaged_variance().sqrt(), tau)),
            "lv10_60" => log_of(sigma(10), long(60)),
            "lv60_300" => log_of(sigma(60), long(300)),
            "lv300_1800" => log_of(sigma(300), long(1_800)),
            "park60" => log_of(self.range_60(), sigma(60) * 60_f64.sqrt()),
            "jump300" => self.jump_share(),
            "burst60" => {
                let largest = returns_60.iter().fold(0.0, |most: f64, r| most.max(r.abs()));
                known(covered(60), over(largest, squares(&returns_60).sqrt()))
            }
            "semi60" => {
                let fell: Vec<f64> = returns_60.iter().copied().filter(|r| *r < 0.0).collect();
                let all = squares(&returns_60);
                known(covered(60), if all > 0.0 { squares(&fell) / all } else { 0.5 })
            }
            "z60" => known(covered(60), over(sum(60), long(300) * 60_f64.sqrt())),
            "az10" => known(covered(10), over(sum(10), long(300) * 10_f64.sqrt()).abs()),
            "az300" => known(covered(300), over(sum(300), long(1_800) * 300_f64.sqrt()).abs()),
            _ => return None,
        })
    }

    /// Spread, book and its changes.
    fn of_quotes(&self, name: &str) -> Option<f64> {
        let covered = |window_s| self.coverage(window_s) >= 0.8;
        let half = |window_s| self.coverage(window_s) >= 0.5;
        let spread_300 = self.mean(300, 0.5, spread);
        let depth_300 = self.mean(300, 0.5, depth);
        let quote = self.quote();
        let obi = quote.as_ref().and_then(imbalance).unwrap_or(f64::NAN);
        Some(match name {
            "spr_bp60" => self.mean(60, 0.8, spread) * 1e4,
            "spr_ratio" => over(quote.as_ref().and_then(spread).unwrap_or(f64::NAN), spread_300),
            "spr_max_ratio" => {
                let stood = self.stood_in(|s| s >= self.second() - 60);
                let widest =
                    stood.filter_map(|stand| stand.quote.as_ref().and_then(spread)).fold(f64::NAN, f64::max);
                over(widest, spread_300)
            }
            "obi" => obi,
            "aobi30" => self.mean(30, 0.8, |q| imbalance(q).map(f64::abs)),
            "micro_bp" => quote.as_ref().map_or(f64::NAN, |q| micro_in_spreads(q, obi)),
            "ofi10n" => known(covered(10), over(self.order_flow(10), depth_300)),
            "aofi60n" => known(covered(60), over(self.order_flow(60), depth_300).abs()),
            "depth_ratio" => log_of(quote.as_ref().and_then(depth).unwrap_or(f64::NAN), depth_300),
            "qupd_ratio" => {
                known(covered(10) && half(300), log_of(self.change_rate(10), self.change_rate(300)))
            }
            _ => return None,
        })
    }

    /// Trades, flow and arrivals.
    fn of_trades(&self, name: &str) -> Option<f64> {
        let covered = |window_s| self.coverage(window_s) >= 0.8;
        let half = |window_s| self.coverage(window_s) >= 0.5;
        let rate = |window_s| self.trade_rate(window_s) + 0.01;
        let volume_rate = |window_s| over(self.flow(window_s).1, self.time_s(window_s));
        let excited = |time_s: f64| (self.arrivals(time_s) / time_s + 0.01).ln();
        Some(match name {
            "ntr10_300" => known(covered(10) && covered(300), log_of(rate(10), rate(300))),
            "ntr60_1800" => known(covered(60) && half(1_800), log_of(rate(60), rate(1_800))),
            "ntr60" => known(covered(60), (1.0 + self.trades_from(self.start(60)).count() as f64).ln()),
            "vol10_300" => known(covered(10) && covered(300), log_of(volume_rate(10), volume_rate(300))),
            "tfi10" => over(self.flow(10).0, self.flow(10).1),
            "atfi60" => over(self.flow(60).0.abs(), self.flow(60).1),
            "vpin300" => self.slice_imbalance(),
            "kyle300n" => self.correlation(),
            "big60" => {
                let big = self.trades_from(self.start(60)).filter(|trade| trade.is_big);
                let volume: f64 = big.filter_map(|trade| trade.size).map(|size| size as f64).sum();
                known(self.big_known, over(volume, self.flow(60).1))
            }
            "hk2_200" => known(self.returns(300).len() >= 200, excited(2.0) - excited(200.0)),
            "hk20_200" => known(self.returns(300).len() >= 200, excited(20.0) - excited(200.0)),
            "since" => self
                .trades
                .last()
                .map_or(f64::NAN, |trade| (1.0 + (self.now_ns - trade.at_ns) as f64 * 1e-9).ln()),
            _ => return None,
        })
    }

    /// The first feature of `row` that is not its formula's value, to a few units in the last place of an f32.
    pub(crate) fn difference(&self, row: &Row) -> Option<String> {
        specs().iter().zip(row).find_map(|(spec, &value)| {
            let (value, expected) = (f64::from(value), self.value(spec.name));
            let expected = if expected.is_finite() { expected } else { f64::NAN };
            let is_equal = (value - expected).abs() <= 5e-7 * (1.0 + expected.abs())
                || (value.is_nan() && expected.is_nan());
            (!is_equal).then(|| format!("{} is {value}, by its formula {expected}", spec.name))
        })
    }
}

/// The quantile of the samples of 24 hours, as the centre of its bin of 1 %. Before the warm-up has passed, a horizon of
/// samples that nothing exceeds is counted with them; `None` where the quantile would be one of those.
fn tau(volatilities: &[Option<f64>], settings: &StateSettings) -> Option<f64> {
    let day = &volatilities[volatilities.len().saturating_sub(24 * 3_600 / 5)..];
    let mut known: Vec<f64> = day.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    if known.len() < settings.label.warm_up_s as usize / 5 {
        known.extend(vec![f64::INFINITY; settings.label.horizon_s as usize / 5]);
    }
    let rank = (settings.label.quantile * known.len() as f64).ceil() as usize;
    if !known.get(rank.max(1) - 1)?.is_finite() {
        return None;
    }
    let hundredths = ((known[rank.max(1) - 1] / 1e-9).ln() * 100.0).floor().max(0.0);
    Some(((hundredths + 0.5) / 100.0).exp() * 1e-9)
}

fn squares(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}

fn known(is_known: bool, value: f64) -> f64 {
    if is_known { value } else { f64::NAN }
}

fn over(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// `L(a / b)`.
fn log_of(a: f64, b: f64) -> f64 {
    let x = over(a, b);
    if x < 1e-3 { 1e-3_f64.ln() } else { x.ln() }
}

/// Feeds as the property tests make them, the same each time: every feature has values that are compared, and they
/// are not all one value.
#[test]
fn no_feature_goes_without_a_comparison() {
    use crate::state::twin::{Compared, PAST_EVERY_WRAP, check, steps, ticks_of};
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::TestRunner,
    };
    let mut runner = TestRunner::deterministic();
    let mut rows: Compared = Vec::new();
    for (length, calm, count) in [(PAST_EVERY_WRAP, true, 2), (1..220, false, 20)] {
        for _ in 0..count {
            let steps = steps(length.clone(), calm).new_tree(&mut runner).unwrap().current();
            rows.extend(check(&ticks_of(&steps, true), 23).unwrap());
        }
    }
    for (place, spec) in specs().iter().enumerate() {
        let mut values: Vec<u32> =
            rows.iter().map(|row| row[place]).filter(|v| !v.is_nan()).map(f32::to_bits).collect();
        let count = values.len();
        values.sort_unstable();
        values.dedup();
        assert!(
            count >= 20 && values.len() >= 5,
            "{}: {count} values, {} of them distinct",
            spec.name,
            values.len()
        );
    }
}
