//! Sums that decay exponentially. They change with the symbol's own ticks only, so that a replay gives the same bits.

use rkyv::{Archive, Deserialize, Serialize};

use crate::tick::{NANOS_PER_SECOND, Side};

/// Half-life of the variance average in seconds (vol.md: 30 s; RiskMetrics, 1996, in its one-second form).
pub const VARIANCE_HALF_LIFE_S: f64 = 30.0;

/// Factor per second for the variance average: `2^(-1/30)`.
const LAMBDA: f64 = 0.977_159_968_434_245_9;

/// Factor per outcome of the 5-second grid for a sum that halves in 24 hours: `2^(-1/17280)`.
pub const OUTCOME_DECAY_24H: f64 = 0.999_959_888_120_442_8;

/// Factor per outcome of the 5-second grid for a sum that halves in 6 hours: `2^(-1/4320)`.
pub const OUTCOME_DECAY_6H: f64 = 0.999_839_562_135_290_2;

/// Exponentially weighted variance of one-second returns: `v <- lambda v + (1 - lambda) r^2` for each valid second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct DecayingVariance {
    /// The average, 1e-18 per second; `None` before the first valid second.
    pub per_second: Option<f64>,
}

impl DecayingVariance {
    /// Adds the log return of a valid second, 1e-9.
    pub fn push(&mut self, log_return: i64) {
        let square = (log_return as f64) * (log_return as f64);
        self.per_second = Some(match self.per_second {
            None => square,
            Some(old) => LAMBDA * old + (1.0 - LAMBDA) * square,
        });
    }
}

/// Time constants of the arrival states, seconds.
pub const ARRIVAL_TIMES_S: [f64; 3] = [2.0, 20.0, 200.0];

/// Exponentially fading counts of orders, `S <- S exp(-dt / T) + 1`: the states of a Hawkes process (Hawkes, 1971)
/// with three kernels. Prints of the same instant and side are one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct Arrivals {
    states: [f64; ARRIVAL_TIMES_S.len()],
    /// Time of the newest order, ns; `None` before the first.
    last_ns: Option<i64>,
    last_side: Option<Side>,
}

impl Arrivals {
    /// Counts a trade.
    pub fn push(&mut self, time_ns: i64, side: Side) {
        if self.last_ns == Some(time_ns) && self.last_side == Some(side) {
            return;
        }
        self.states = self.at(time_ns);
        self.states.iter_mut().for_each(|state| *state += 1.0);
        self.last_ns = Some(time_ns);
        self.last_side = Some(side);
    }

    /// The states at `time_ns`, which must not be before the newest order.
    pub fn at(&self, time_ns: i64) -> [f64; ARRIVAL_TIMES_S.len()] {
        match self.last_ns {
            None => self.states,
            Some(last) if last == time_ns => self.states,
            Some(last) => {
                let elapsed_s = (time_ns - last) as f64 / NANOS_PER_SECOND as f64;
                std::array::from_fn(|i| self.states[i] * libm::exp(-elapsed_s / ARRIVAL_TIMES_S[i]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_is_the_half_life() {
        assert_eq!(LAMBDA, libm::exp2(-1.0 / VARIANCE_HALF_LIFE_S));
        for (decay, hours) in [(OUTCOME_DECAY_24H, 24.0), (OUTCOME_DECAY_6H, 6.0)] {
            assert!((decay - libm::exp2(-1.0 / (720.0 * hours))).abs() < 2e-16, "{hours} hours");
        }
    }

    #[test]
    fn a_steady_stream_settles_at_rate_times_time() {
        let mut arrivals = Arrivals::default();
        for i in 0..40_000_i64 {
            arrivals.push(i * NANOS_PER_SECOND / 10, Side::Buy);
        }
        let states = arrivals.at(39_999 * NANOS_PER_SECOND / 10);
        for (state, time_s) in states.iter().zip(ARRIVAL_TIMES_S) {
            assert!((state / time_s / 10.0 - 1.0).abs() < 0.03, "{state} for {time_s} s");
        }
    }

    #[test]
    fn prints_of_one_instant_and_side_are_one_order() {
        let mut arrivals = Arrivals::default();
        arrivals.push(5, Side::Buy);
        arrivals.push(5, Side::Buy);
        arrivals.push(5, Side::Sell);
        assert_eq!(arrivals.at(5), [2.0; 3]);
    }
}
