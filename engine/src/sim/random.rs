//! Random numbers whose bytes depend on the seed only: a fixed generator, and distributions in a few lines each on
//! `libm`.

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The largest mean [`Random::poisson`] is asked for: its cost grows with the mean.
const POISSON_MEAN_MAX: f64 = 30.0;

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random {
    generator: Xoshiro256PlusPlus,
    spare_normal: Option<f64>,
}

impl Random {
    /// The stream of this name under this seed. Streams of different names are independent.
    pub(super) fn new(seed: u64, stream: &str) -> Self {
        let seed = xxh3_64_with_seed(stream.as_bytes(), seed);
        Self { generator: Xoshiro256PlusPlus::seed_from_u64(seed), spare_normal: None }
    }

    /// Uniform in `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in `(0, 1]`, fit for a logarithm.
    fn unit_above_zero(&mut self) -> f64 {
        1.0 - self.unit()
    }

    /// True with this probability. Draws nothing if the probability is 0 or 1.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// Uniform in `[low, high)`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -libm::log(self.unit_above_zero())
    }

    /// Normal with mean 0 and variance 1, by Marsaglia's polar method.
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let scale = libm::sqrt(-2.0 * libm::log(square) / square);
                self.spare_normal = Some(y * scale);
                return x * scale;
            }
        }
    }

    /// `e` to the power of a normal variate with this mean and deviation.
    pub(super) fn lognormal(&mut self, mean: f64, deviation: f64) -> f64 {
        libm::exp(mean + deviation * self.normal())
    }

    /// Pareto: at least 1, above `x` with probability `x^-shape`.
    pub(super) fn pareto(&mut self, shape: f64) -> f64 {
        libm::exp(self.exponential() / shape)
    }

    /// Laplace with mean 0 and scale 1: the difference of two exponentials.
    pub(super) fn laplace(&mut self) -> f64 {
        self.exponential() - self.exponential()
    }

    /// Geometric: at least 1, with this mean.
    pub(super) fn geometric(&mut self, mean: f64) -> u32 {
        if mean <= 1.0 {
            return 1;
        }
        let steps = self.exponential() / -libm::log(1.0 - 1.0 / mean);
        1 + steps.min(1e6) as u32
    }

    /// Poisson with this mean, by Knuth's product of uniforms.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        let floor = libm::exp(-mean.min(POISSON_MEAN_MAX));
        let mut product = self.unit_above_zero();
        let mut count = 0;
        while product > floor {
            product *= self.unit_above_zero();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 200_000;

    /// Mean and variance.
    fn moments(mut draw: impl FnMut(&mut Random) -> f64) -> (f64, f64) {
        let mut random = Random::new(7, "moments");
        let values: Vec<f64> = (0..DRAWS).map(|_| draw(&mut random)).collect();
        let mean = values.iter().sum::<f64>() / DRAWS as f64;
        (mean, values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / DRAWS as f64)
    }

    #[test]
    fn distributions_have_their_moments() {
        let close = |(mean, variance): (f64, f64), expected: (f64, f64)| {
            assert!((mean - expected.0).abs() < 0.03, "mean {mean}, expected {}", expected.0);
            assert!(
                (variance / expected.1 - 1.0).abs() < 0.05,
                "variance {variance}, expected {}",
                expected.1
            );
        };
        close(moments(Random::unit), (0.5, 1.0 / 12.0));
        close(moments(Random::exponential), (1.0, 1.0));
        close(moments(Random::normal), (0.0, 1.0));
        close(moments(Random::laplace), (0.0, 2.0));
        close(moments(|random| f64::from(random.poisson(0.15))), (0.15, 0.15));
        close(moments(|random| f64::from(random.poisson(4.0))), (4.0, 4.0));
        close(moments(|random| f64::from(random.geometric(2.8))), (2.8, 2.8 * 1.8));
        close(moments(|random| random.pareto(5.0)), (1.25, 5.0 / 48.0));
    }

    #[test]
    fn a_stream_is_its_seed_and_name() {
        let draws = |seed, stream| {
            let mut random = Random::new(seed, stream);
            [random.unit(), random.normal(), random.exponential()]
        };
        assert_eq!(draws(1, "a"), draws(1, "a"));
        assert_ne!(draws(1, "a"), draws(2, "a"));
        assert_ne!(draws(1, "a"), draws(1, "b"));
    }
}
