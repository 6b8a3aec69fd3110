//! Faults of the feed. They use their own stream of random numbers, so that they leave the market unchanged.

use std::collections::VecDeque;

use super::{config::Faults, random::Random};
use crate::tick::{Depth, EventTime, NANOS_PER_SECOND, Quantity, Quote, Tick};

const LATE_MAX_MS: f64 = 200.0;
const SILENCE_S: (f64, f64) = (5.0, 60.0);
const CLOCK_JUMP_S: (f64, f64) = (3_600.0, 10_800.0);

/// A feed between the market and the engine.
#[derive(Clone, Debug)]
pub(super) struct FaultyFeed {
    faults: Faults,
    random: Random,
    on_the_way: Vec<Sent>,
    silent_until_second: i64,
}

/// A tick with its time of arrival.
#[derive(Clone, Copy, Debug)]
struct Sent {
    arrival_nanos: i64,
    symbol: usize,
    tick: Tick,
}

impl FaultyFeed {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let random = Random::new(seed, "faults");
        Self { faults, random, on_the_way: Vec::new(), silent_until_second: 0 }
    }

    pub(super) fn send(&mut self, symbol: usize, mut tick: Tick) {
        let mut arrival_nanos = tick.event_time.nanos();
        if self.random.happens(self.faults.late_share) {
            arrival_nanos += (self.random.between(0.0, LATE_MAX_MS) * 1e6) as i64;
        }
        if self.random.happens(self.faults.side_missing_share) {
            tick.side = None;
        }
        if self.random.happens(self.faults.size_missing_share) {
            tick.size = None;
        }
        if self.random.happens(self.faults.bad_quote_share) {
            tick.quote = tick.quote.map(|quote| self.spoilt(quote));
        }
        if self.random.happens(self.faults.clock_jump_share) {
            tick.event_time = self.stamped_wrong(tick.event_time);
        }
        let sent = Sent { arrival_nanos, symbol, tick };
        self.on_the_way.push(sent);
        if self.random.happens(self.faults.repeated_share) {
            self.on_the_way.push(sent);
        }
    }

    /// Moves the ticks that arrive before `second` to `ticks`, in the order of arrival. It must be called for every
    /// second.
    pub(super) fn arrived_before(&mut self, second: i64, ticks: &mut VecDeque<(usize, Tick)>) {
        if self.random.happens(self.faults.silences_per_hour / 3_600.0) {
            let silence_s = self.random.between(SILENCE_S.0, SILENCE_S.1) as i64;
            self.silent_until_second = self.silent_until_second.max(second + silence_s);
        }
        // Stable: ticks of one instant keep the order of symbols and of fills.
        self.on_the_way.sort_by_key(|sent| sent.arrival_nanos);
        let end_nanos = second * NANOS_PER_SECOND;
        let count = self.on_the_way.partition_point(|sent| sent.arrival_nanos < end_nanos);
        let arrived = self.on_the_way.drain(..count);
        if second > self.silent_until_second {
            ticks.extend(arrived.map(|sent| (sent.symbol, sent.tick)));
        }
    }

    /// Makes the quote crossed, or removes its quantities.
    fn spoilt(&mut self, quote: Quote) -> Quote {
        if self.random.unit() < 0.5 {
            return Quote { bid: quote.ask, ask: quote.bid, ..quote };
        }
        let none = Quantity::from_units(0).expect("0 is a quantity");
        Quote { depth: Depth::Sizes { bid: none, ask: none }, ..quote }
    }

    fn stamped_wrong(&mut self, time: EventTime) -> EventTime {
        let seconds = self.random.between(CLOCK_JUMP_S.0, CLOCK_JUMP_S.1);
        let signed = if self.random.unit() < 0.5 { seconds } else { -seconds };
        EventTime::from_nanos(time.nanos() + (signed * 1e9) as i64).unwrap_or(time)
    }
}
