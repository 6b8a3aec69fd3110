//! Log volatility: three time scales, two of them partly shared, and the pattern of the day.

use super::{config::MarketHabits, random::Random};

const SECONDS_PER_DAY: i64 = 86_400;
const SECONDS_PER_YEAR: f64 = 365.0 * 86_400.0;

/// Increase of log volatility by a jump, on the fastest scale.
const JUMP_KICK: f64 = 0.9;

/// A mean-reverting value with a fixed stationary deviation, stepped each second exactly.
#[derive(Clone, Copy, Debug)]
struct Reverting {
    value: f64,
    decay: f64,
    step_deviation: f64,
}

impl Reverting {
    fn new(scale_s: f64, deviation: f64, random: &mut Random) -> Self {
        let decay = libm::exp(-1.0 / scale_s);
        let step_deviation = deviation * libm::sqrt(1.0 - decay * decay);
        Self { value: deviation * random.normal(), decay, step_deviation }
    }

    fn step(&mut self, random: &mut Random) {
        self.value = self.decay * self.value + self.step_deviation * random.normal();
    }
}

/// One symbol's volatility. Each symbol simulates the shared part again from one common stream, so that its path does
/// not depend on which other symbols there are.
#[derive(Clone, Debug)]
pub(super) struct Volatility {
    own: [Reverting; 3],
    shared: [Reverting; 2],
    shared_random: Random,
    shared_loading: f64,
    own_loading: f64,
    mean_sigma: f64,
}

impl Volatility {
    pub(super) fn new(seed: u64, habits: &MarketHabits, random: &mut Random) -> Self {
        let mut shared_random = Random::new(seed, "shared volatility");
        let scale = |at: usize, random: &mut Random| {
            Reverting::new(habits.scales_s[at], habits.scale_deviations[at], random)
        };
        let own = [scale(0, random), scale(1, random), scale(2, random)];
        let shared = [scale(1, &mut shared_random), scale(2, &mut shared_random)];
        let half_variance: f64 = habits.scale_deviations.iter().map(|nu| 0.5 * nu * nu).sum();
        let loading = habits.shared_loading;
        Self {
            own,
            shared,
            shared_random,
            shared_loading: loading,
            own_loading: libm::sqrt(1.0 - loading * loading),
            mean_sigma: habits.annual_volatility / libm::sqrt(SECONDS_PER_YEAR) * libm::exp(-half_variance),
        }
    }

    /// Passes to the next second.
    pub(super) fn step(&mut self, random: &mut Random) {
        self.own.iter_mut().for_each(|scale| scale.step(random));
        self.shared.iter_mut().for_each(|scale| scale.step(&mut self.shared_random));
    }

    /// Adds the increase that follows a jump.
    pub(super) fn kick(&mut self) {
        self.own[0].value += JUMP_KICK;
    }

    /// `x₁ + x₂ + x₃`, 0 in the mean.
    pub(super) fn level(&self) -> f64 {
        let slow = |at: usize| {
            self.shared_loading * self.shared[at].value + self.own_loading * self.own[at + 1].value
        };
        self.own[0].value + slow(0) + slow(1)
    }

    /// `σ` in log price per square-root second where `relative` is `e^(level + diurnal)`.
    pub(super) fn sigma(&self, relative: f64) -> f64 {
        self.mean_sigma * relative
    }
}

/// The part of log volatility that depends on the time of day: highest at 14:30 UTC, in the first minute of an hour,
/// and in the first seconds of a minute.
pub(super) fn diurnal(second: i64) -> f64 {
    let hour = second.rem_euclid(SECONDS_PER_DAY) as f64 / 3_600.0;
    let daily = 0.30 * libm::cos(2.0 * std::f64::consts::PI * (hour - 14.5) / 24.0);
    let hourly = if second.rem_euclid(3_600) < 60 { 0.35 } else { 0.0 };
    let minutely = if second.rem_euclid(60) < 5 { 0.10 } else { 0.0 };
    daily + hourly + minutely
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_volatility_has_the_deviation_asked_for_and_symbols_share_part_of_it() {
        let habits = MarketHabits { scales_s: [3.0, 10.0, 20.0], ..MarketHabits::default() };
        let (mut first_random, mut second_random) = (Random::new(3, "a"), Random::new(3, "b"));
        let mut first = Volatility::new(3, &habits, &mut first_random);
        let mut second = Volatility::new(3, &habits, &mut second_random);
        let (mut squares, mut products) = (0.0, 0.0);
        let steps = 200_000;
        for _ in 0..steps {
            first.step(&mut first_random);
            second.step(&mut second_random);
            squares += first.level() * first.level();
            products += first.level() * second.level();
        }
        let (variance, covariance) = (squares / f64::from(steps), products / f64::from(steps));
        assert!((variance - 0.34).abs() < 0.02, "{variance}");
        assert!((covariance - 0.49 * 0.18).abs() < 0.015, "{covariance}");
    }
}
