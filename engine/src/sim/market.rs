//! One symbol's path: volatility, orders, jumps, and the ticks made of them.

use super::{
    arrivals::{Arrival, Arrivals},
    config::{MarketHabits, SimSymbol},
    flow::{Flow, Order, sign},
    random::Random,
    volatility::Volatility,
};
use crate::tick::{Depth, EventTime, NANOS_PER_SECOND, Price, Quantity, Quote, Side, Tick, UNITS_PER_ONE};

/// Share of the volatility that does not come from the impact of orders.
const DIFFUSION_SHARE: f64 = 0.6;
/// The rate of orders grows with volatility to this power.
const RATE_POWER: f64 = 0.9;
/// The quantities of the book change with volatility to this power.
const DEPTH_POWER: f64 = -0.7;
/// Order size, in quote units at mean depth, against which impact is measured.
const IMPACT_SIZE: f64 = 2_000.0;
/// Number of orders, by kernel, that a burst before a jump counts as, and the one after it.
const BURST_FAST: f64 = 6.0;
const BURST_SLOW: f64 = 40.0;
/// Longest lead of a burst over its jump, in seconds.
const LEAD_MAX_S: f64 = 25.0;
/// Logarithm of the median quantity at the touch, in quote units: `ln 5000`.
const LOG_TOUCH_MEAN: f64 = 8.517_193_191_416_238;
const LOG_TOUCH_DEVIATION: f64 = 0.8;
/// Tilt of the quantities at the touch towards the side of the next order.
const TOUCH_TILT: f64 = 0.4;

/// Time within a second without orders at which the quote follows the price, ns.
const REQUOTE_AT_NS: i64 = 950_000_000;

#[derive(Clone, Debug)]
pub(super) struct Market {
    habits: MarketHabits,
    random: Random,
    volatility: Volatility,
    arrivals: Arrivals,
    flow: Flow,
    log_price: f64,
    sigma: f64,
    /// Seconds at which jumps are due, each with its change of the log price.
    jumps: Vec<(i64, f64)>,
    tick_units: i64,
    tick_price: f64,
    quantity_scale: f64,
    next_trade_id: u64,
    last_price: Price,
}

/// The values that hold for a whole second.
#[derive(Clone, Copy)]
struct Second {
    second: i64,
    /// `e^(level + diurnal)`.
    relative: f64,
    depth: f64,
}

impl Market {
    pub(super) fn new(seed: u64, habits: &MarketHabits, symbol: &SimSymbol, second: i64) -> Self {
        let mut random = Random::new(seed, &symbol.product);
        let volatility = Volatility::new(seed, habits, &mut random);
        let one = UNITS_PER_ONE as f64;
        Self {
            habits: habits.clone(),
            volatility,
            arrivals: Arrivals::new(habits),
            flow: Flow::new(),
            log_price: libm::log(symbol.price.units() as f64 / one),
            sigma: 0.0,
            jumps: Vec::new(),
            tick_units: symbol.tick.units(),
            tick_price: symbol.tick.units() as f64 / one,
            quantity_scale: symbol.quantity_scale,
            // Derived from the time, so that a later simulation does not repeat an earlier one's ids.
            next_trade_id: second.unsigned_abs() * 1_000,
            last_price: symbol.price,
            random,
        }
    }

    pub(super) fn sigma(&self) -> f64 {
        self.sigma
    }

    pub(super) fn log_price(&self) -> f64 {
        self.log_price
    }

    /// Simulates the second that begins at `second`, handing each tick to `send` in order.
    pub(super) fn simulate_second(&mut self, second: i64, diurnal: f64, mut send: impl FnMut(Tick)) {
        self.volatility.step(&mut self.random);
        self.lead_and_jump(second);
        let level = self.volatility.level() + diurnal;
        let relative = libm::exp(level);
        self.sigma = self.volatility.sigma(relative);
        let base_rate = self.habits.base_orders_per_s * libm::exp(RATE_POWER * level);
        let this = Second { second, relative, depth: libm::exp(DEPTH_POWER * level) };
        let mut elapsed_s = 0.0;
        let mut orders = 0;
        loop {
            match self.arrivals.wait(base_rate, 1.0 - elapsed_s, &mut self.random) {
                Arrival::None => {
                    self.diffuse(1.0 - elapsed_s);
                    if orders == 0 {
                        self.requote(this, &mut send);
                    }
                    return;
                }
                Arrival::Candidate { waited_s } => {
                    elapsed_s += waited_s;
                    self.diffuse(waited_s);
                }
                Arrival::Order { waited_s } => {
                    elapsed_s += waited_s;
                    self.diffuse(waited_s);
                    self.trade(this, elapsed_s, &mut send);
                    orders += 1;
                }
            }
        }
    }

    /// Starts a burst of orders now, and a jump with more of them up to 24 s later.
    fn lead_and_jump(&mut self, second: i64) {
        if self.random.happens(self.habits.jumps_per_hour / 3_600.0) {
            self.arrivals.add(BURST_FAST, BURST_SLOW);
            let lead_s = self.random.between(0.0, LEAD_MAX_S) as i64;
            self.jumps.push((second + lead_s, self.habits.jump_scale * self.random.laplace()));
        }
        while let Some(at) = self.jumps.iter().position(|&(due, _)| due == second) {
            let (_, jump) = self.jumps.swap_remove(at);
            self.log_price += jump;
            self.volatility.kick();
            self.arrivals.add(0.0, BURST_SLOW);
        }
    }

    fn diffuse(&mut self, seconds: f64) {
        self.log_price += DIFFUSION_SHARE * self.sigma * libm::sqrt(seconds) * self.random.normal();
    }

    fn trade(&mut self, this: Second, elapsed_s: f64, send: &mut impl FnMut(Tick)) {
        self.arrivals.excite();
        let order = self.flow.order(self.habits.fills_per_order, &mut self.random);
        let quote = self.quote(this);
        let price = match order.side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        // Venues give times in whole microseconds.
        let micros = ((elapsed_s * 1e6) as i64).clamp(0, 999_999);
        let nanos = this.second * NANOS_PER_SECOND + micros * 1_000;
        let event_time = EventTime::from_nanos(nanos).expect("the simulator ends before event time does");
        let size = self.quantity((order.size / f64::from(order.fills)).max(1.0));
        for _ in 0..order.fills {
            self.last_price = price;
            send(Tick {
                event_time,
                is_trade: true,
                price,
                quote: Some(quote),
                size: Some(size),
                side: Some(order.side),
                trade_id: Some(self.next_trade_id),
            });
            self.next_trade_id += 1;
        }
        self.move_by_impact(order, this.depth);
    }

    /// Moves the quote to the efficient price in a second without an order.
    fn requote(&mut self, this: Second, send: &mut impl FnMut(Tick)) {
        let nanos = this.second * NANOS_PER_SECOND + REQUOTE_AT_NS;
        let quote = self.quote(this);
        send(Tick {
            event_time: EventTime::from_nanos(nanos).expect("the simulator ends before event time does"),
            is_trade: false,
            price: self.last_price,
            quote: Some(quote),
            size: None,
            side: None,
            trade_id: None,
        });
    }

    fn move_by_impact(&mut self, order: Order, depth: f64) {
        let relative_size = order.size / (IMPACT_SIZE * depth);
        self.log_price += sign(order.side) * self.habits.impact * libm::log1p(relative_size);
    }

    /// The quote before the order, with quantities that lean towards the order after it.
    fn quote(&mut self, this: Second) -> Quote {
        let spread_ticks = 1 + i64::from(self.random.poisson((0.25 * this.relative - 0.1).max(0.0)));
        let mid_ticks = libm::exp(self.log_price) / self.tick_price;
        let bid_ticks = libm::floor(mid_ticks - spread_ticks as f64 / 2.0 + 0.5) as i64;
        // Only prices that have drifted for years reach these bounds, and stay there.
        let bid_ticks = bid_ticks.clamp(1, (Price::MAX_UNITS / self.tick_units - spread_ticks).max(1));
        let price = |ticks: i64| {
            let units = ticks.saturating_mul(self.tick_units).min(Price::MAX_UNITS);
            Price::from_units(units).expect("a positive number of ticks is a price")
        };
        let tilt = TOUCH_TILT * sign(self.flow.next_side(&mut self.random));
        let depth = this.depth;
        let bid = self.random.lognormal(LOG_TOUCH_MEAN + tilt, LOG_TOUCH_DEVIATION) * depth;
        let ask = self.random.lognormal(LOG_TOUCH_MEAN - tilt, LOG_TOUCH_DEVIATION) * depth;
        let depth = Depth::Sizes { bid: self.quantity(bid), ask: self.quantity(ask) };
        Quote { bid: price(bid_ticks), ask: price(bid_ticks + spread_ticks), depth }
    }

    /// The quantity worth `notional` quote units, at least one unit of 1e-8.
    fn quantity(&self, notional: f64) -> Quantity {
        let base = notional * self.quantity_scale / libm::exp(self.log_price);
        let units = ((base * UNITS_PER_ONE as f64) as i64).clamp(1, Quantity::MAX_UNITS);
        Quantity::from_units(units).expect("clamped to a quantity")
    }
}
