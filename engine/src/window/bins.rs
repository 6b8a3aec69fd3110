//! Returns over aligned 5-second bins, for bipower variation: at one second, quiet seconds with a zero return would
//! pass for jumps.

use rkyv::{Archive, Deserialize, Serialize};

use super::Bucket;

const BIN_S: i64 = 5;

/// Closed bins held: 300 s.
pub const BINS: usize = 60;

/// Five aligned seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Bin {
    /// Seconds with a valid return; the bin counts only with all five.
    pub valid_seconds: i64,
    /// Log return over the bin, 1e-9.
    pub log_return: i64,
    /// Product of its absolute return with that of the bin before, 1e-18, if both count.
    pub product: Option<i128>,
}

impl Bin {
    fn counts(&self) -> bool {
        self.valid_seconds == BIN_S
    }
}

/// The last 60 closed bins, the open one and the running sums.
#[derive(Clone, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Bins {
    ring: Vec<Bin>,
    open: Bin,
    /// Bins that count.
    pub count: i64,
    /// Of those, bins with a return other than zero.
    pub nonzero: i64,
    /// Sum of squared bin returns, 1e-18.
    pub squared_return: i128,
    /// Pairs of neighbours inside the window that both count.
    pub pairs: i64,
    /// Sum of the products of their absolute returns, 1e-18.
    pub products: i128,
}

impl Default for Bins {
    fn default() -> Self {
        Self {
            ring: vec![Bin::default(); BINS],
            open: Bin::default(),
            count: 0,
            nonzero: 0,
            squared_return: 0,
            pairs: 0,
            products: 0,
        }
    }
}

impl Bins {
    /// Takes a closed second; closes the bin when `second` is its last.
    pub fn close_second(&mut self, second: i64, bucket: &Bucket) {
        if bucket.return_valid {
            self.open.valid_seconds += 1;
            self.open.log_return += bucket.log_return;
        }
        if (second + 1).rem_euclid(BIN_S) == 0 {
            self.close_bin(second.div_euclid(BIN_S));
        }
    }

    fn close_bin(&mut self, bin: i64) {
        let index = |b: i64| b.rem_euclid(BINS as i64) as usize;
        let mut new = std::mem::take(&mut self.open);
        let before = self.ring[index(bin - 1)];
        if new.counts() && before.counts() {
            let product = i128::from(new.log_return.abs()) * i128::from(before.log_return.abs());
            new.product = Some(product);
            self.pairs += 1;
            self.products += product;
        }
        let old = self.ring[index(bin)];
        self.tally(&old, -1);
        // With the oldest bin its pair with the next one leaves too; the next one stays.
        let next = &mut self.ring[index(bin + 1)];
        if let Some(product) = next.product.take() {
            self.pairs -= 1;
            self.products -= product;
        }
        self.tally(&new, 1);
        self.ring[index(bin)] = new;
    }

    fn tally(&mut self, bin: &Bin, sign: i64) {
        if bin.counts() {
            self.count += sign;
            self.nonzero += sign * i64::from(bin.log_return != 0);
            self.squared_return += i128::from(sign) * i128::from(bin.log_return) * i128::from(bin.log_return);
        }
    }

    /// Only the sums of these closed bins (`None` = does not count), oldest first, for the recomputing twin.
    #[cfg(test)]
    pub(crate) fn of_returns(bins: &[Option<i64>]) -> Self {
        let counted: Vec<i128> = bins.iter().flatten().map(|&r| i128::from(r)).collect();
        let pairs: Vec<i128> = bins
            .windows(2)
            .filter_map(|pair| Some(i128::from(pair[0]?.abs()) * i128::from(pair[1]?.abs())))
            .collect();
        Self {
            ring: Vec::new(),
            open: Bin::default(),
            count: counted.len() as i64,
            nonzero: counted.iter().filter(|&&r| r != 0).count() as i64,
            squared_return: counted.iter().map(|r| r * r).sum(),
            pairs: pairs.len() as i64,
            products: pairs.iter().sum(),
        }
    }

    /// Every running sum, to compare with the twin.
    #[cfg(test)]
    pub(crate) fn totals(&self) -> [i128; 5] {
        let [count, nonzero, pairs] = [self.count, self.nonzero, self.pairs].map(i128::from);
        [count, nonzero, self.squared_return, pairs, self.products]
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
