//! Order arrivals: a Hawkes process with two exponential kernels (Hawkes 1971), by exact thinning (Ogata 1981).

use super::{config::MarketHabits, random::Random};

/// Most orders a second: a bound on the work of one second if the branching ratio is set to burst.
const ORDERS_PER_SECOND_MAX: f64 = 2_000.0;

/// The part of the order rate that earlier orders add.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    excess: [f64; 2],
    jump: [f64; 2],
    decay_per_s: [f64; 2],
}

impl Arrivals {
    pub(super) fn new(habits: &MarketHabits) -> Self {
        let (branching, decay_per_s) = (habits.branching, habits.decay_per_s);
        let jump = [branching[0] * decay_per_s[0], branching[1] * decay_per_s[1]];
        Self { excess: [0.0; 2], jump, decay_per_s }
    }

    /// Waits for the next candidate at the rate `base + excess`, but no longer than `left_s`. Returns the time waited,
    /// and whether an order came (thinning may refuse a candidate, because it was drawn at the rate before the wait).
    pub(super) fn wait(&mut self, base: f64, left_s: f64, random: &mut Random) -> Arrival {
        let bound = (base + self.excess()).min(ORDERS_PER_SECOND_MAX);
        let waited_s = random.exponential() / bound;
        // Also true if the rate is 0 and the wait infinite.
        if waited_s >= left_s {
            self.decay(left_s);
            return Arrival::None;
        }
        self.decay(waited_s);
        let is_order = random.unit() * bound <= base + self.excess();
        if is_order { Arrival::Order { waited_s } } else { Arrival::Candidate { waited_s } }
    }

    /// Adds the excitation of one order.
    pub(super) fn excite(&mut self) {
        self.add(1.0, 1.0);
    }

    /// Adds the excitation of this many orders, by kernel.
    pub(super) fn add(&mut self, fast_orders: f64, slow_orders: f64) {
        self.excess[0] += fast_orders * self.jump[0];
        self.excess[1] += slow_orders * self.jump[1];
    }

    fn excess(&self) -> f64 {
        self.excess[0] + self.excess[1]
    }

    fn decay(&mut self, seconds: f64) {
        for (excess, decay_per_s) in self.excess.iter_mut().zip(self.decay_per_s) {
            *excess *= libm::exp(-decay_per_s * seconds);
        }
    }
}

/// The result of a wait.
pub(super) enum Arrival {
    /// The time left passed without an order.
    None,
    /// A candidate came that the thinning refused.
    Candidate {
        /// Time waited, seconds.
        waited_s: f64,
    },
    /// An order came.
    Order {
        /// Time waited, seconds.
        waited_s: f64,
    },
}
