//! The measurements of one second, and the sums of many.

use rkyv::{Archive, Deserialize, Serialize};

/// One second of one symbol. `Default` is an invalid second: nothing known, nothing counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Bucket {
    /// Whether the log return is known: the second and the end of the one before it are both covered by ticks.
    pub return_valid: bool,
    /// Log return of the mid price from the end of the second before, 1e-9; 0 unless valid.
    pub log_return: i64,
    /// Relative spread x time, 1e-9 x ns.
    pub spread_ns: i64,
    /// Time with a quote that is not crossed, ns.
    pub quoted_ns: i64,
    /// Absolute imbalance x time, 1e-9 x ns.
    pub imbalance_ns: i64,
    /// Time with a known imbalance, ns.
    pub imbalance_known_ns: i64,
    /// Quantity at the touch x time, 1e-8 x ns.
    pub depth_ns: i128,
    /// Time with known quantities at the touch, ns.
    pub depth_known_ns: i64,
    /// Order-flow imbalance, 1e-8 base units.
    pub order_flow: i128,
    /// Changes of the quote's prices or quantities.
    pub quote_changes: u32,
    /// Trades.
    pub trades: u32,
    /// Traded quantity, 1e-8 base units, saturating.
    pub volume: i64,
    /// Bought minus sold quantity, 1e-8 base units, saturating.
    pub signed_volume: i64,
    /// Quantity in trades at or above the symbol's 99th percentile of size, 1e-8 base units, saturating.
    pub big_volume: i64,
}

/// Signed volume as the correlation with returns takes it: clipped to 2^58, so that the sum of 300 squares fits.
pub fn clipped_signed_volume(signed_volume: i64) -> i128 {
    const BOUND: i64 = 1 << 58;
    i128::from(signed_volume.clamp(-BOUND, BOUND))
}

/// The exact sum of some buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Sums {
    /// Seconds with a valid return.
    pub valid_seconds: i64,
    /// Sum of log returns, 1e-9.
    pub log_return: i64,
    /// Sum of squared log returns, 1e-18.
    pub squared_return: i128,
    /// The part of it from negative returns, 1e-18.
    pub squared_return_down: i128,
    /// Relative spread x time, 1e-9 x ns.
    pub spread_ns: i128,
    /// Time with a usable quote, ns.
    pub quoted_ns: i64,
    /// Absolute imbalance x time, 1e-9 x ns.
    pub imbalance_ns: i128,
    /// Time with a known imbalance, ns.
    pub imbalance_known_ns: i64,
    /// Quantity at the touch x time, 1e-8 x ns.
    pub depth_ns: i128,
    /// Time with known quantities, ns.
    pub depth_known_ns: i64,
    /// Order-flow imbalance, 1e-8.
    pub order_flow: i128,
    /// Quote changes.
    pub quote_changes: i64,
    /// Trades.
    pub trades: i64,
    /// Volume, 1e-8.
    pub volume: i128,
    /// Signed volume, 1e-8.
    pub signed_volume: i128,
    /// Volume in big trades, 1e-8.
    pub big_volume: i128,
    /// Clipped signed volume over valid seconds, 1e-8.
    pub flow: i128,
    /// Sum of the squares of `flow`'s terms, 1e-16.
    pub flow_squared: i128,
    /// Sum of the products of `flow`'s terms with the returns, 1e-17.
    pub flow_return: i128,
}

impl Sums {
    /// Adds a bucket.
    pub fn add(&mut self, bucket: &Bucket) {
        self.apply(bucket, 1);
    }

    /// Subtracts a bucket that was added.
    pub fn remove(&mut self, bucket: &Bucket) {
        self.apply(bucket, -1);
    }

    #[inline]
    fn apply(&mut self, bucket: &Bucket, sign: i64) {
        let wide = i128::from(sign);
        if bucket.return_valid {
            let log_return = i128::from(bucket.log_return);
            let square = wide * log_return * log_return;
            let flow = clipped_signed_volume(bucket.signed_volume);
            self.valid_seconds += sign;
            self.log_return += sign * bucket.log_return;
            self.squared_return += square;
            if bucket.log_return < 0 {
                self.squared_return_down += square;
            }
            self.flow += wide * flow;
            self.flow_squared += wide * flow * flow;
            self.flow_return += wide * flow * log_return;
        }
        self.spread_ns += wide * i128::from(bucket.spread_ns);
        self.quoted_ns += sign * bucket.quoted_ns;
        self.imbalance_ns += wide * i128::from(bucket.imbalance_ns);
        self.imbalance_known_ns += sign * bucket.imbalance_known_ns;
        self.depth_ns += wide * bucket.depth_ns;
        self.depth_known_ns += sign * bucket.depth_known_ns;
        self.order_flow += wide * bucket.order_flow;
        self.quote_changes += sign * i64::from(bucket.quote_changes);
        self.trades += sign * i64::from(bucket.trades);
        self.volume += wide * i128::from(bucket.volume);
        self.signed_volume += wide * i128::from(bucket.signed_volume);
        self.big_volume += wide * i128::from(bucket.big_volume);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_enters_and_leaves_cancels_exactly() {
        let bucket = Bucket {
            return_valid: true,
            log_return: -1_234_567,
            volume: i64::MAX,
            signed_volume: i64::MIN,
            depth_ns: i128::from(i64::MAX) * 1_000_000_000,
            trades: u32::MAX,
            ..Bucket::default()
        };
        let mut sums = Sums::default();
        for _ in 0..300 {
            sums.add(&bucket);
        }
        assert_eq!(sums.squared_return, 300 * 1_234_567_i128 * 1_234_567);
        assert_eq!(sums.squared_return_down, sums.squared_return);
        for _ in 0..300 {
            sums.remove(&bucket);
        }
        assert_eq!(sums, Sums::default());
    }
}
