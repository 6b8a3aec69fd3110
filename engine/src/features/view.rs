//! What features read: a symbol's sums at one instant, with the volatilities computed once.

use crate::{
    book::StandingQuote,
    tick::NANOS_PER_SECOND,
    window::{Bins, Bucket, Extremes, Seconds, Slots, Window, to_f64},
};

/// What has happened of the current second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenPart {
    /// Its sums so far, its log return included where valid.
    pub bucket: Bucket,
    /// How much of the second has passed, ns.
    pub elapsed_ns: i64,
    /// Highest log mid in it, 1e-9; counts only where the return is valid.
    pub high: i64,
    /// Lowest log mid in it, 1e-9.
    pub low: i64,
    /// Widest relative spread in it, 1e-9, if there was a quote.
    pub spread_max: Option<i64>,
}

/// A symbol at one instant.
#[derive(Debug)]
pub struct View<'a> {
    /// Closed seconds.
    pub seconds: &'a Seconds,
    /// Closed 10-second slots and the open one.
    pub slots: &'a Slots,
    /// Closed 5-second bins.
    pub bins: &'a Bins,
    /// Extremes of the closed seconds.
    pub extremes: &'a Extremes,
    /// The open second.
    pub open: OpenPart,
    /// The standing quote.
    pub quote: Option<StandingQuote>,
    /// Decaying variance, 1e-18 per second.
    pub variance: Option<f64>,
    /// Arrival states at this instant.
    pub arrivals: [f64; 3],
    /// Seconds since the newest trade, NaN before the first.
    pub since_trade_s: f64,
    /// The symbol's own threshold, per square-root second.
    pub tau: Option<f64>,
    /// Whether it is known which trades are big.
    pub big_known: bool,
    sigma: [f64; 5],
    coverage: [f64; 5],
}

/// Index of the 1,800-second window in the volatilities, after those over seconds.
const S1800: usize = 4;

impl<'a> View<'a> {
    /// Puts the parts together; the fields that are derived are computed here.
    #[expect(clippy::too_many_arguments, reason = "one call, from the state's parts")]
    pub fn new(
        seconds: &'a Seconds,
        slots: &'a Slots,
        bins: &'a Bins,
        extremes: &'a Extremes,
        open: OpenPart,
        quote: Option<StandingQuote>,
        variance: Option<f64>,
        arrivals: [f64; 3],
        since_trade_s: f64,
        tau: Option<f64>,
        big_known: bool,
    ) -> Self {
        let mut view = Self {
            seconds,
            slots,
            bins,
            extremes,
            open,
            quote,
            variance,
            arrivals,
            since_trade_s,
            tau,
            big_known,
            sigma: [f64::NAN; 5],
            coverage: [0.0; 5],
        };
        for window in [Window::S10, Window::S60, Window::S300] {
            let sums = seconds.sums(window);
            view.sigma[window as usize] =
                root_mean(sums.squared_return + view.open_squared_return(), view.time_s(window));
            view.coverage[window as usize] = sums.valid_seconds as f64 / window.seconds() as f64;
        }
        let squared = slots.squared_return + slots.open.squared_return + view.open_squared_return();
        view.sigma[S1800] = root_mean(squared, view.time_1800_s());
        view.coverage[S1800] = (slots.valid_seconds + slots.open.valid_seconds) as f64 / 1800.0;
        view
    }

    /// Valid seconds over the window's length.
    pub fn coverage(&self, window: Window) -> f64 {
        self.coverage[window as usize]
    }

    /// The same of the 1,800-second window.
    pub fn coverage_1800(&self) -> f64 {
        self.coverage[S1800]
    }

    /// `sigma_w` per square-root second, NaN where less than 80 % is covered.
    pub fn sigma(&self, window: Window) -> f64 {
        if self.coverage(window) >= 0.8 { self.sigma[window as usize] } else { f64::NAN }
    }

    /// `sigma_w` as the longer window of a ratio: NaN where less than 50 % is covered.
    pub fn sigma_long(&self, window: Window) -> f64 {
        if self.coverage(window) >= 0.5 { self.sigma[window as usize] } else { f64::NAN }
    }

    /// `sigma_1800` per square-root second, NaN where less than 50 % is covered.
    pub fn sigma_1800(&self) -> f64 {
        if self.coverage_1800() >= 0.5 { self.sigma[S1800] } else { f64::NAN }
    }

    /// `T_w`: valid time in the window, the open part included, seconds.
    pub fn time_s(&self, window: Window) -> f64 {
        self.seconds.sums(window).valid_seconds as f64 + self.open_time_s()
    }

    /// The same of the 1,800-second window.
    pub fn time_1800_s(&self) -> f64 {
        (self.slots.valid_seconds + self.slots.open.valid_seconds) as f64 + self.open_time_s()
    }

    /// Log return over the window, the open part included.
    pub fn log_return(&self, window: Window) -> f64 {
        (self.seconds.sums(window).log_return + self.open.bucket.log_return) as f64 * 1e-9
    }

    /// Trades in the window, the open part included.
    pub fn trades(&self, window: Window) -> f64 {
        (self.seconds.sums(window).trades + i64::from(self.open.bucket.trades)) as f64
    }

    /// Trades per second of valid time.
    pub fn trade_rate(&self, window: Window) -> f64 {
        super::ratio(self.trades(window), self.time_s(window))
    }

    /// Volume in the window, the open part included, 1e-8.
    pub fn volume(&self, window: Window) -> f64 {
        to_f64(self.seconds.sums(window).volume + i128::from(self.open.bucket.volume))
    }

    /// Bought minus sold volume, the open part included, 1e-8.
    pub fn signed_volume(&self, window: Window) -> f64 {
        to_f64(self.seconds.sums(window).signed_volume + i128::from(self.open.bucket.signed_volume))
    }

    /// Time-weighted mean of the relative spread, 1e-9, NaN where quotes cover less than `coverage_min`.
    pub fn mean_spread_ppb(&self, window: Window, coverage_min: f64) -> f64 {
        let sums = self.seconds.sums(window);
        weighted_mean(
            sums.spread_ns + i128::from(self.open.bucket.spread_ns),
            sums.quoted_ns + self.open.bucket.quoted_ns,
            coverage_min * window.seconds() as f64,
        )
    }

    /// Time-weighted mean quantity at the touch over 300 s, 1e-8, NaN where known for less than half of it.
    pub fn mean_depth_300(&self) -> f64 {
        let sums = self.seconds.sums(Window::S300);
        weighted_mean(
            sums.depth_ns + self.open.bucket.depth_ns,
            sums.depth_known_ns + self.open.bucket.depth_known_ns,
            150.0,
        )
    }

    /// Time-weighted mean of the absolute imbalance over 30 s, 0..=1, NaN where known for less than 80 % of it.
    pub fn mean_imbalance_30(&self) -> f64 {
        let sums = self.seconds.sums(Window::S30);
        let known_ns = sums.imbalance_known_ns + self.open.bucket.imbalance_known_ns;
        weighted_mean(sums.imbalance_ns + i128::from(self.open.bucket.imbalance_ns), known_ns, 24.0) * 1e-9
    }

    /// The open second's squared log return, 1e-18.
    fn open_squared_return(&self) -> i128 {
        i128::from(self.open.bucket.log_return) * i128::from(self.open.bucket.log_return)
    }

    fn open_time_s(&self) -> f64 {
        if self.open.bucket.return_valid {
            self.open.elapsed_ns as f64 / NANOS_PER_SECOND as f64
        } else {
            0.0
        }
    }
}

fn root_mean(squared_return: i128, time_s: f64) -> f64 {
    if time_s > 0.0 { libm::sqrt(to_f64(squared_return) / time_s) * 1e-9 } else { f64::NAN }
}

fn weighted_mean(weighted: i128, time_ns: i64, time_min_s: f64) -> f64 {
    if time_ns > 0 && time_ns as f64 >= time_min_s * NANOS_PER_SECOND as f64 {
        to_f64(weighted) / time_ns as f64
    } else {
        f64::NAN
    }
}
