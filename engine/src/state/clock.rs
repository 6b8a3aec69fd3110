//! The walk of a symbol's clock from one tick to the next: it closes seconds, scores the grid instants on the way, and
//! passes over a gap.

use super::{Effect, StateSettings, SymbolState};
use crate::{
    scoring::Scoring,
    tick::{EventTime, NANOS_PER_SECOND},
    window::{Bucket, Extremes, GRID_S, SLOT_S, SLOTS},
};

impl SymbolState {
    /// Starts the clock at the first tick.
    pub(super) fn begin(&mut self, time: EventTime) {
        self.open_second = time.second();
        self.accumulated_ns = time.nanos();
        self.sizes.advance(self.open_second);
    }

    /// Closes every second before `time` and scores the grid instants on the way. No more than the limit of a gap,
    /// which is no longer than the longest window.
    pub(super) fn advance(
        &mut self,
        time: EventTime,
        settings: &StateSettings,
        scoring: &Scoring,
        effects: &mut Vec<Effect>,
    ) {
        let target = time.second();
        while self.open_second < target {
            self.accumulate((self.open_second + 1) * NANOS_PER_SECOND);
            self.close_second();
            self.open_second += 1;
            self.open_new_second();
            if self.open_second % GRID_S == 0 {
                self.grid_instant(settings, scoring, effects);
            }
        }
        self.accumulate(time.nanos());
    }

    /// Closes the second in which the silence began, and passes over the seconds after it as invalid.
    pub(super) fn skip_gap(&mut self, time: EventTime) {
        let target = time.second();
        let grid_before = self.open_second.div_euclid(GRID_S);
        self.close_second();
        if target - self.open_second > (SLOTS as i64 + 1) * SLOT_S {
            self.seconds.clear();
            self.slots.clear();
            self.bins.clear();
            self.extremes = Extremes::default();
        } else {
            let silent = Bucket::default();
            for second in self.open_second + 1..target {
                self.close_bucket(second, &silent);
                self.extremes.expire(second);
            }
        }
        self.tau.push_unknown((target.div_euclid(GRID_S) - grid_before) as u64);
        self.outcomes.clear();
        self.volatility.clear_waiting();
        self.book.invalidate();
        self.closed_log_mid = None;
        self.open_second = target;
        self.accumulated_ns = time.nanos();
        self.open = Bucket::default();
        (self.open_high, self.open_low, self.open_spread_max) = (i64::MIN, i64::MAX, None);
        self.sizes.advance(target);
    }

    /// Adds the standing quote to the open second's sums, weighted by the time it stood, up to `to_ns`.
    fn accumulate(&mut self, to_ns: i64) {
        let elapsed_ns = to_ns - self.accumulated_ns;
        self.accumulated_ns = to_ns;
        let Some(quote) = self.book.quote else { return };
        if let Some(spread_ppb) = quote.spread_ppb() {
            self.open.spread_ns += spread_ppb * elapsed_ns;
            self.open.quoted_ns += elapsed_ns;
        }
        if let Some(imbalance_ppb) = quote.imbalance_ppb {
            self.open.imbalance_ns += imbalance_ppb.abs() * elapsed_ns;
            self.open.imbalance_known_ns += elapsed_ns;
        }
        if let Some(depth) = quote.depth() {
            self.open.depth_ns += i128::from(depth) * i128::from(elapsed_ns);
            self.open.depth_known_ns += elapsed_ns;
        }
    }

    fn close_second(&mut self) {
        let bucket = self.open_with_return();
        if bucket.return_valid {
            self.variance.push(bucket.log_return);
        }
        self.closed_log_mid = Some(self.book.log_mid);
        self.close_bucket(self.open_second, &bucket);
        self.close_extremes(&bucket);
    }

    fn close_bucket(&mut self, second: i64, bucket: &Bucket) {
        self.seconds.close(second, bucket);
        self.slots.close_second(second, bucket);
        self.bins.close_second(second, bucket);
    }

    fn close_extremes(&mut self, bucket: &Bucket) {
        let second = self.open_second;
        self.extremes.expire(second);
        if bucket.return_valid {
            self.extremes.high.push(second, self.open_high);
            self.extremes.low_negated.push(second, -self.open_low);
            self.extremes.absolute_return.push(second, bucket.log_return.abs());
        }
        if let Some(spread_ppb) = self.open_spread_max {
            self.extremes.spread.push(second, spread_ppb);
        }
    }

    /// Opens a second: the standing mid and spread carry over.
    fn open_new_second(&mut self) {
        self.open = Bucket::default();
        self.open_high = self.book.log_mid;
        self.open_low = self.book.log_mid;
        self.open_spread_max = self.book.quote.and_then(|quote| quote.spread_ppb());
        self.sizes.advance(self.open_second);
    }

    /// The open second's sums so far with its log return.
    pub(super) fn open_with_return(&self) -> Bucket {
        let log_return = self.closed_log_mid.map(|closed| self.book.log_mid - closed);
        Bucket { return_valid: log_return.is_some(), log_return: log_return.unwrap_or(0), ..self.open }
    }
}
