//! Puts the ticks of a source into the order of their event times, as far as each is out of its place by a bounded time.
//!
//! ```text
//!  ticks as they arrive -> held, by venue, until that venue is twice `bound` further -> ticks by event time
//! ```
//!
//! A venue is one stream of time: its trades and its quotes, and all of its products, are joined in exchange time. A tick
//! leaves once a tick of its venue is at least twice `bound` newer, or when the source ends: one may come too early by
//! `bound`, and another too late by as much. Ticks of equal times leave in the
//! order in which they came. A tick that is older than one that left already is handed on at once, and its symbol's state
//! counts it as late if it is. So any order within the bound leaves as the same sequence as the sorted ticks do.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    time::{Duration, Instant},
};

use rustc_hash::FxHashMap;

use super::{
    names::NameMap,
    sink::{RecordEvent, TickSink},
};
use crate::{
    limits::{REORDER_TICKS_MAX, SYMBOLS_MAX},
    symbol::Offset,
    tick::{EventTime, NANOS_PER_SECOND, Tick},
};

/// A tick that is further ahead of its venue does not release the ticks before it until another one is close to it: one
/// wrong clock must not end the order of a whole venue. The state of a symbol applies the same rule to its own clock.
const AHEAD_MAX_NANOS: i64 = 3_600 * NANOS_PER_SECOND;

/// How the ticks of a source are put into order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReorderSettings {
    /// How far a tick may be out of its place, either way, and still be put into order; zero hands each tick on as it comes.
    pub bound: Duration,
    /// Whether a tick leaves after it has been held for twice `bound` of wall time, too. A live feed wants that, because in a
    /// quiet market no newer tick releases it. A replay must not: its order would depend on the machine's speed.
    pub by_wall_time: bool,
}

impl ReorderSettings {
    /// Hands the ticks that `run` gives on to `sink`, in order; none is held any more when this returns.
    pub fn in_order<T>(self, sink: &mut dyn TickSink, run: impl FnOnce(&mut dyn TickSink) -> T) -> T {
        if self.bound.is_zero() {
            return run(sink);
        }
        let mut reorder = Reorder::new(self, sink);
        let ended = run(&mut reorder);
        reorder.finish();
        ended
    }
}

/// Holds ticks until those before them must have come. See [`ReorderSettings::in_order`].
struct Reorder<'a> {
    sink: &'a mut dyn TickSink,
    /// How much newer a venue must be than a tick that leaves.
    hold_nanos: i64,
    /// How long a tick is held at most, by the machine's clock.
    wait_max: Option<Duration>,
    ticks_max: usize,
    venues: Vec<Venue>,
    /// The index in `venues` by name.
    venue_numbers: FxHashMap<Box<str>, usize>,
    /// The number of each symbol in `symbols`, at most [`SYMBOLS_MAX`] of them.
    numbers: NameMap<u32>,
    symbols: Vec<Symbol>,
    /// Ticks that came so far: which of two came first.
    arrivals: u64,
    /// Ticks held, of all venues.
    held: usize,
    /// Ticks that left before their time.
    early: u64,
}

struct Symbol {
    venue: Box<str>,
    product: Box<str>,
    /// The index in `venues`.
    venue_number: usize,
}

#[derive(Default)]
struct Venue {
    held: BinaryHeap<Reverse<Held>>,
    newest: Option<EventTime>,
    /// A lone time far ahead of `newest`.
    far_ahead: Option<EventTime>,
    /// The newest time that left.
    left: Option<EventTime>,
}

struct Held {
    arrival: u64,
    arrived: Option<Instant>,
    symbol: u32,
    record_offset: Offset,
    index: u32,
    tick: Tick,
}

impl Held {
    fn key(&self) -> (EventTime, u64) {
        (self.tick.event_time, self.arrival)
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Venue {
    /// Moves the venue's clock by a tick of this time.
    fn advance(&mut self, time: EventTime) {
        let is_near = |other: EventTime| (time.nanos() - other.nanos()).abs() <= AHEAD_MAX_NANOS;
        match (self.newest, self.far_ahead) {
            (Some(newest), _) if time <= newest => {}
            (Some(newest), Some(far_ahead)) if !is_near(newest) && is_near(far_ahead) => {
                self.newest = Some(time.max(far_ahead));
                self.far_ahead = None;
            }
            (Some(newest), _) if !is_near(newest) => self.far_ahead = Some(time),
            _ => self.newest = Some(time),
        }
    }

    /// Whether the oldest tick has been held long enough.
    fn is_due(&self, hold_nanos: i64) -> bool {
        match (self.held.peek(), self.newest) {
            (Some(Reverse(oldest)), Some(newest)) => {
                newest.nanos() - oldest.tick.event_time.nanos() >= hold_nanos
            }
            _ => false,
        }
    }
}

impl<'a> Reorder<'a> {
    fn new(settings: ReorderSettings, sink: &'a mut dyn TickSink) -> Self {
        let hold = settings.bound.saturating_mul(2);
        Self {
            sink,
            hold_nanos: i64::try_from(hold.as_nanos()).unwrap_or(i64::MAX),
            wait_max: settings.by_wall_time.then_some(hold),
            ticks_max: REORDER_TICKS_MAX,
            venues: Vec::new(),
            venue_numbers: FxHashMap::default(),
            numbers: NameMap::default(),
            symbols: Vec::new(),
            arrivals: 0,
            held: 0,
            early: 0,
        }
    }

    /// The number of a symbol; `None` beyond the bound.
    fn number(&mut self, venue: &str, product: &str) -> Option<u32> {
        if let Some(&number) = self.numbers.get(venue, product) {
            return Some(number);
        }
        if self.symbols.len() >= SYMBOLS_MAX {
            return None;
        }
        let venue_number = match self.venue_numbers.get(venue) {
            Some(&number) => number,
            None => {
                self.venues.push(Venue::default());
                self.venue_numbers.insert(venue.into(), self.venues.len() - 1);
                self.venues.len() - 1
            }
        };
        let number = u32::try_from(self.symbols.len()).ok()?;
        self.symbols.push(Symbol { venue: venue.into(), product: product.into(), venue_number });
        self.numbers.insert(venue, product, number);
        Some(number)
    }

    /// Hands on the oldest tick of a venue.
    fn release(&mut self, venue_number: usize) {
        let venue = &mut self.venues[venue_number];
        let Some(Reverse(held)) = venue.held.pop() else { return };
        venue.left = venue.left.max(Some(held.tick.event_time));
        self.held -= 1;
        let symbol = &self.symbols[held.symbol as usize];
        self.sink.tick(&symbol.venue, &symbol.product, held.record_offset, held.index, held.tick);
    }

    /// Hands on every tick that was held for longer than the wall time allows.
    fn release_old(&mut self, now: Instant) {
        let Some(wait_max) = self.wait_max else { return };
        for number in 0..self.venues.len() {
            let is_old = |Reverse(held): &Reverse<Held>| {
                held.arrived.is_some_and(|arrived| now.duration_since(arrived) >= wait_max)
            };
            // A tick behind one of an older time that came later waits for that one: the order comes first.
            while self.venues[number].held.peek().is_some_and(is_old) {
                self.release(number);
            }
        }
    }

    /// Hands on all that is held, at the end of the source.
    fn finish(mut self) {
        for number in 0..self.venues.len() {
            while !self.venues[number].held.is_empty() {
                self.release(number);
            }
        }
        self.sink.flush();
        if self.early > 0 {
            tracing::warn!(
                ticks = self.early,
                "ticks left the reorder buffer before their time, because it was full; set a shorter source.reorder_ms"
            );
        }
    }
}

impl TickSink for Reorder<'_> {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        let Some(symbol) = self.number(venue, product) else {
            return self.sink.tick(venue, product, record_offset, index, tick);
        };
        let number = self.symbols[symbol as usize].venue_number;
        let venue_state = &mut self.venues[number];
        if venue_state.left.is_some_and(|left| tick.event_time < left) {
            return self.sink.tick(venue, product, record_offset, index, tick);
        }
        let arrived = self.wait_max.map(|_| Instant::now());
        self.arrivals += 1;
        let held = Held { arrival: self.arrivals, arrived, symbol, record_offset, index, tick };
        venue_state.held.push(Reverse(held));
        venue_state.advance(tick.event_time);
        self.held += 1;
        while self.venues[number].is_due(self.hold_nanos) {
            self.release(number);
        }
        if self.held > self.ticks_max {
            self.early += 1;
            self.sink.event(record_offset, RecordEvent::LeftEarly);
            self.release(number);
        }
    }

    // Records are not shown: whoever keeps them would keep each of their ticks a second time, once these leave in order.

    fn event(&mut self, record_offset: Offset, event: RecordEvent) {
        self.sink.event(record_offset, event);
    }

    /// What is held for its order stays held, unless it has waited too long.
    fn flush(&mut self) {
        if self.wait_max.is_some() {
            self.release_old(Instant::now());
        }
        self.sink.flush();
    }
}

#[cfg(test)]
mod tests;
