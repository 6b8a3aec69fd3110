//! (1) Where ticks come from: one file a source, one list.
//!
//! A source runs on a thread of its own, decodes, and hands ticks to a [`TickSink`]; routing is behind the sink.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{symbol::Offset, tick::Tick};

/// Told once, seen by every source thread.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<AtomicBool>);

impl StopToken {
    /// Asks the source to end at its next record.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was asked to.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What a source reports beside ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEvent {
    /// The connection's sequence numbers skipped this many messages.
    SequenceGap {
        /// Messages missing.
        missing: u64,
    },
    /// A timestamp without a zone was read as UTC.
    ZonelessTime,
    /// A record that carries no tick (a subscription's confirmation, a heartbeat).
    NotATick,
}

/// Where a source puts what it read.
pub trait TickSink {
    /// Takes one tick of `venue:product`. Waits while the engine is full. `record_offset` counts the source's
    /// records from 0, `index` the tickers inside one.
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick);
    /// Counts a record that could not be read.
    fn unreadable(&mut self, record_offset: Offset, reason: crate::decode::Unreadable, record: &[u8]);
    /// Counts an event.
    fn event(&mut self, event: SourceEvent);
    /// Hands over what is buffered: call it before waiting for more input.
    fn flush(&mut self);
}
