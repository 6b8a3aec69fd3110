//! What the formulas need of a symbol's past, counted out anew for each.

use std::collections::BTreeMap;

use super::{Past, SECOND, Stand, Trade, known, over, squares};
use crate::tick::Quote;

impl Past {
    /// `sigma` of the 60 closed seconds before a grid instant, per square-root second, from 57 valid ones on.
    pub(super) fn volatility_before(&self, second: i64) -> Option<f64> {
        let returns: Vec<f64> = (second - 60..second).filter_map(|s| self.log_return(s)).collect();
        (returns.len() >= 57).then(|| (squares(&returns) / returns.len() as f64).sqrt())
    }

    /// Log return of a closed second.
    pub(super) fn log_return(&self, second: i64) -> Option<f64> {
        Some((self.ends.get(&second)? - self.ends.get(&(second - 1))?) as f64 * 1e-9)
    }

    pub(super) fn second(&self) -> i64 {
        self.now_ns / SECOND
    }

    pub(super) fn log_mid(&self) -> i64 {
        self.stands.last().expect("a symbol has a tick").log_mid
    }

    /// Log return of the open second.
    pub(super) fn open_return(&self) -> Option<f64> {
        Some((self.log_mid() - self.ends.get(&(self.second() - 1))?) as f64 * 1e-9)
    }

    /// First closed second of a window: seconds up to 300, slots of 10 beyond.
    pub(super) fn start(&self, window_s: i64) -> i64 {
        match window_s {
            1_800 => (self.second() / 10 - 180) * 10,
            _ => self.second() - window_s,
        }
    }

    /// Log returns of a window's closed seconds.
    pub(super) fn returns(&self, window_s: i64) -> Vec<f64> {
        (self.start(window_s)..self.second()).filter_map(|s| self.log_return(s)).collect()
    }

    /// With the open one.
    pub(super) fn returns_and_open(&self, window_s: i64) -> Vec<f64> {
        self.returns(window_s).into_iter().chain(self.open_return()).collect()
    }

    pub(super) fn coverage(&self, window_s: i64) -> f64 {
        self.returns(window_s).len() as f64 / window_s as f64
    }

    /// Valid time, the open part included, seconds.
    pub(super) fn time_s(&self, window_s: i64) -> f64 {
        let open = self.open_return().map_or(0.0, |_| (self.now_ns % SECOND) as f64 * 1e-9);
        self.returns(window_s).len() as f64 + open
    }

    /// `sqrt(RV / T)`, NaN where less of the window is covered.
    pub(super) fn sigma(&self, window_s: i64, coverage_min: f64) -> f64 {
        let variance = squares(&self.returns_and_open(window_s)) / self.time_s(window_s);
        known(self.coverage(window_s) >= coverage_min, variance.sqrt())
    }

    pub(super) fn trades_from(&self, second: i64) -> impl Iterator<Item = &Trade> {
        self.trades.iter().filter(move |trade| trade.at_ns / SECOND >= second)
    }

    pub(super) fn trade_rate(&self, window_s: i64) -> f64 {
        over(self.trades_from(self.start(window_s)).count() as f64, self.time_s(window_s))
    }

    /// Signed volume and volume.
    pub(super) fn flow(&self, window_s: i64) -> (f64, f64) {
        let trades = || self.trades_from(self.start(window_s));
        (trades().map(Trade::signed).sum(), trades().map(|trade| trade.signed().abs()).sum())
    }

    pub(super) fn order_flow(&self, window_s: i64) -> f64 {
        let inside = |at_ns: &i64| at_ns / SECOND >= self.second() - window_s;
        self.changes.iter().filter(|(at_ns, _)| inside(at_ns)).map(|(_, flow)| flow).sum()
    }

    pub(super) fn change_rate(&self, window_s: i64) -> f64 {
        let inside = |at_ns: i64| at_ns / SECOND >= self.second() - window_s;
        over(self.changes.iter().filter(|(at_ns, _)| inside(*at_ns)).count() as f64, self.time_s(window_s))
    }

    /// Time-weighted mean of what `of` says of the standing quote, NaN where it says it for less of the window.
    pub(super) fn mean(&self, window_s: i64, coverage_min: f64, of: impl Fn(&Quote) -> Option<f64>) -> f64 {
        let start_ns = (self.second() - window_s) * SECOND;
        let (mut weighted, mut time) = (0.0, 0.0);
        for stand in &self.stands {
            let elapsed = stand.to_ns - stand.from_ns.max(start_ns);
            if let Some(value) = stand.quote.as_ref().and_then(&of).filter(|_| elapsed > 0) {
                weighted += value * elapsed as f64;
                time += elapsed as f64;
            }
        }
        known(time > 0.0 && time >= coverage_min * window_s as f64 * 1e9, weighted / time)
    }

    /// What stood at any time of these seconds.
    pub(super) fn stood_in(&self, is_in: impl Fn(i64) -> bool) -> impl Iterator<Item = &Stand> {
        let touches = move |stand: &&Stand| {
            let first = (stand.from_ns / SECOND).max(self.second() - 60);
            (first..=stand.to_ns / SECOND).any(&is_in)
        };
        self.stands.iter().filter(touches)
    }

    pub(super) fn quote(&self) -> Option<Quote> {
        self.stands.last()?.quote
    }

    /// `sum over orders of exp(-age / T)`; prints of one instant and side are one order.
    pub(super) fn arrivals(&self, time_s: f64) -> f64 {
        let mut newest = None;
        let mut sum = 0.0;
        for trade in &self.trades {
            if newest.replace((trade.at_ns, trade.side)) != Some((trade.at_ns, trade.side)) {
                sum += (-((self.now_ns - trade.at_ns) as f64 * 1e-9) / time_s).exp();
            }
        }
        sum
    }

    /// `lambda^(n-1) r_1^2 + (1 - lambda) sum lambda^(n-i) r_i^2` over the valid seconds so far.
    pub(super) fn averaged_variance(&self) -> f64 {
        let lambda = 2_f64.powf(-1.0 / 30.0);
        let squares: Vec<f64> = self.ends.keys().filter_map(|&s| self.log_return(s)).map(|r| r * r).collect();
        let Some(first) = squares.first() else { return f64::NAN };
        let aged = |(age, square): (usize, &f64)| lambda.powi(age as i32) * square;
        let sum: f64 = squares[1..].iter().rev().enumerate().map(aged).sum();
        lambda.powi(squares.len() as i32 - 1) * first + (1.0 - lambda) * sum
    }

    pub(super) fn range_60(&self) -> f64 {
        let is_valid = |s: i64| {
            if s == self.second() { self.open_return().is_some() } else { self.log_return(s).is_some() }
        };
        let mids = || self.stood_in(is_valid).map(|stand| stand.log_mid);
        match (mids().max(), mids().min()) {
            (Some(high), Some(low)) => (high - low) as f64 * 1e-9,
            _ => f64::NAN,
        }
    }

    /// `max(0, 1 - BV / RV)` of 60 closed bins of five valid seconds.
    pub(super) fn jump_share(&self) -> f64 {
        let open_bin = self.second() / 5;
        let bins: Vec<Option<f64>> = (open_bin - 60..open_bin)
            .map(|bin| (bin * 5..bin * 5 + 5).map(|s| self.log_return(s)).sum::<Option<f64>>())
            .collect();
        let valid: Vec<f64> = bins.iter().flatten().copied().collect();
        // Returns are whole 1e-9, so a sum below half of one is zero.
        let moved = valid.iter().filter(|r| r.abs() > 5e-10).count();
        let pairs: Vec<f64> =
            bins.windows(2).filter_map(|pair| Some(pair[0]?.abs() * pair[1]?.abs())).collect();
        if moved < 20 || pairs.is_empty() {
            return f64::NAN;
        }
        let scale = std::f64::consts::FRAC_PI_2 * valid.len() as f64 / pairs.len() as f64;
        (1.0 - scale * pairs.iter().sum::<f64>() / squares(&valid)).max(0.0)
    }

    /// Slices of 10 s: 30 closed ones and the open one.
    pub(super) fn slice_imbalance(&self) -> f64 {
        let open_slot = self.second() / 10;
        let mut slices: BTreeMap<i64, f64> = BTreeMap::new();
        let mut volume = 0.0;
        for trade in self.trades_from((open_slot - 30) * 10) {
            *slices.entry(trade.at_ns / SECOND / 10).or_default() += trade.signed();
            volume += trade.signed().abs();
        }
        over(slices.values().map(|flow| flow.abs()).sum(), volume)
    }

    /// Pearson's correlation over the closed seconds with a return.
    pub(super) fn correlation(&self) -> f64 {
        let closed = self.start(300)..self.second();
        let trades = || self.trades_from(closed.start).filter(|trade| trade.at_ns / SECOND < closed.end);
        let mut flows: BTreeMap<i64, f64> = BTreeMap::new();
        for trade in trades() {
            *flows.entry(trade.at_ns / SECOND).or_default() += trade.signed();
        }
        let flow = |second: i64| flows.get(&second).copied().unwrap_or(0.0);
        let pairs: Vec<(f64, f64)> =
            closed.clone().filter_map(|s| Some((self.log_return(s)?, flow(s)))).collect();
        let count = trades().count();
        if count < 30 || pairs.len() < 150 {
            return f64::NAN;
        }
        let n = pairs.len() as f64;
        let (mean_r, mean_v) =
            (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
        let moment =
            |of: fn(f64, f64) -> f64| -> f64 { pairs.iter().map(|&(r, v)| of(r - mean_r, v - mean_v)).sum() };
        let (rr, vv) = (moment(|r, _| r * r), moment(|_, v| v * v));
        known(rr > 1e-24 && vv > 1e-6, moment(|r, v| r * v) / (rr * vv).sqrt())
    }
}
