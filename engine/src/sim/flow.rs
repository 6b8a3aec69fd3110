//! The sign, size and fills of orders.

use super::random::Random;
use crate::tick::Side;

/// Tail exponent of the length of runs of one sign.
const RUN_TAIL: f64 = 1.4;
/// Longest run.
const RUN_MAX: f64 = 400.0;
/// Logarithm of the median order, in quote units: `ln 600`.
const LOG_SIZE_MEAN: f64 = 6.396_929_655_216_146;
/// Deviation of the logarithm of an order's size.
const LOG_SIZE_DEVIATION: f64 = 1.6;

/// Signs in runs: a large order is worked in pieces of one side.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    side: Side,
    left_in_run: u32,
}

/// An order that takes liquidity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) side: Side,
    /// Size in quote units.
    pub(super) size: f64,
    pub(super) fills: u32,
}

impl Flow {
    pub(super) fn new() -> Self {
        Self { side: Side::Buy, left_in_run: 0 }
    }

    pub(super) fn order(&mut self, fills_per_order: f64, random: &mut Random) -> Order {
        let side = self.next_side(random);
        self.left_in_run -= 1;
        let size = random.lognormal(LOG_SIZE_MEAN, LOG_SIZE_DEVIATION);
        Order { side, size, fills: random.geometric(fills_per_order) }
    }

    /// The side of the next order. The quantities at the touch lean towards it.
    pub(super) fn next_side(&mut self, random: &mut Random) -> Side {
        if self.left_in_run == 0 {
            self.side = if random.unit() < 0.5 { Side::Buy } else { Side::Sell };
            self.left_in_run = random.pareto(RUN_TAIL).min(RUN_MAX) as u32;
        }
        self.side
    }
}

/// +1 for a buy, -1 for a sell.
pub(super) fn sign(side: Side) -> f64 {
    match side {
        Side::Buy => 1.0,
        Side::Sell => -1.0,
    }
}
