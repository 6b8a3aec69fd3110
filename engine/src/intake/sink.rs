//! What the ways in have in common on their far side: something that takes ticks, and hears what else a record told.

use std::sync::atomic::Ordering;

use crate::{
    decode::{NoTickKind, Unreadable},
    metrics::IngestMetrics,
    symbol::Offset,
    tick::Tick,
};

/// Something that a record told beside its ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordEvent {
    /// The sequence numbers of the connection skip some messages before this record.
    SequenceGap {
        /// How many messages are missing.
        missing: u64,
    },
    /// A time without a zone was read as UTC.
    ZonelessTime,
    /// The record is of a kind that never carries a tick.
    NoTick(NoTickKind),
    /// The record, or one ticker in it, could not be read.
    Unreadable(Unreadable),
    /// A tick left the reorder buffer before its time, because the buffer was full.
    LeftEarly,
}

impl RecordEvent {
    /// Adds the event to the counter of its kind.
    pub(crate) fn count(self, metrics: &IngestMetrics) {
        let (counter, amount) = match self {
            Self::SequenceGap { missing } => (&metrics.sequence_missing, missing),
            Self::ZonelessTime => (&metrics.times_zoneless, 1),
            Self::LeftEarly => (&metrics.reorder_early, 1),
            Self::NoTick(kind) => (&metrics.records_without_tick[kind as usize], 1),
            Self::Unreadable(reason) => {
                let number = Unreadable::REASONS.iter().position(|&known| known == reason.reason());
                (&metrics.unreadable[number.expect("each reason is in the list")], 1)
            }
        };
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}

/// Takes the ticks of a source, in order.
pub trait TickSink {
    /// Takes one tick of `venue:product`, and waits while the engine is full. `record_offset` counts the records of the
    /// source from 0, `index` counts the tickers in one record from 0.
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick);

    /// Is shown a record that says by itself what it is, as it came, before it is given the record's ticks and what else it told.
    fn record(&mut self, _record_offset: Offset, _record: &[u8]) {}

    /// Hears what a record told beside its ticks, before it is given these ticks.
    fn event(&mut self, _record_offset: Offset, _event: RecordEvent) {}

    /// Hands over what it buffers. A source calls this before it waits for more input.
    fn flush(&mut self) {}
}
