//! Replays to standard output: a record of our own format for each tick, one a line.

use std::io::Write;

use engine::{
    encode::encode,
    intake::TickSink,
    symbol::Offset,
    tick::{EventTime, Tick},
};

use super::Plan;
use crate::cli::{Failure, print_failed};

pub(super) fn run(plan: &Plan, out: &mut dyn Write) -> Result<(), Failure> {
    let mut sink = Lines { out, shift_ns: None, first_at: plan.first_at, text: String::new(), broken: None };
    let sum = plan.replay(&mut sink)?;
    sink.broken.map_or_else(|| plan.require_ticks(&sum), |error| Err(print_failed(error)))
}

/// Writes each tick as a record on a line.
struct Lines<'a> {
    out: &'a mut dyn Write,
    shift_ns: Option<i64>,
    first_at: Option<EventTime>,
    text: String,
    broken: Option<std::io::Error>,
}

impl TickSink for Lines<'_> {
    fn tick(&mut self, venue: &str, product: &str, _: Offset, _: u32, tick: Tick) {
        let first_at = self.first_at.unwrap_or(tick.event_time);
        let shift_ns = *self.shift_ns.get_or_insert(first_at.nanos() - tick.event_time.nanos());
        let Some(event_time) = EventTime::from_nanos(tick.event_time.nanos() + shift_ns) else { return };
        encode(venue, product, &Tick { event_time, ..tick }, &mut self.text);
        if let Err(error) = writeln!(self.out, "{}", self.text) {
            self.broken.get_or_insert(error);
        }
    }
}
