//! From a record to the sink: what every source that reads records does alike.

use super::{SequenceTracker, SourceEvent, TickSink};
use crate::{
    decode::{DecodeDefaults, Decoded, RecordKind, TradeLineSymbol, Unreadable, decode, decode_trade_line},
    symbol::Offset,
    tick::EventTime,
};

/// How a source's records are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// JSON objects; the venue is that of records that name none.
    Json {
        /// The default venue.
        venue: String,
    },
    /// Trades-only csv lines of this symbol.
    TradeLines(TradeLineSymbol),
}

/// Decodes one connection's records and hands over what they hold, numbering them from 0.
#[derive(Debug)]
pub struct RecordFeed {
    decoded: Decoded,
    outcome: Result<RecordKind, Unreadable>,
    sequence: SequenceTracker,
    next_offset: u64,
}

impl Default for RecordFeed {
    fn default() -> Self {
        let outcome = Ok(RecordKind::NotATick);
        Self { decoded: Decoded::default(), outcome, sequence: SequenceTracker::default(), next_offset: 0 }
    }
}

impl RecordFeed {
    /// Begins a new connection: its sequence numbers count afresh, the records' offsets go on.
    pub fn reconnected(&mut self) {
        self.sequence.reset();
    }

    /// Records handed over so far.
    pub fn record_count(&self) -> u64 {
        self.next_offset
    }

    /// Decodes a record, and returns the time of its first tick so that the caller may wait for it.
    pub fn read(&mut self, record: &[u8], format: &RecordFormat) -> Option<EventTime> {
        self.outcome = match format {
            RecordFormat::Json { venue } => decode(record, &DecodeDefaults { venue }, &mut self.decoded),
            RecordFormat::TradeLines(symbol) => decode_trade_line(record, symbol, &mut self.decoded),
        };
        self.decoded.first_event_time()
    }

    /// Hands over what [`RecordFeed::read`] found in `record`: the gap before it, its ticks, its faults.
    pub fn hand_over(&mut self, record: &[u8], sink: &mut dyn TickSink) {
        let offset = self.take_offset();
        if let Some(number) = self.decoded.sequence {
            let missing = self.sequence.missing_before(number);
            if missing > 0 {
                sink.event(SourceEvent::SequenceGap { missing });
            }
        }
        for _ in 0..self.decoded.zoneless_times {
            sink.event(SourceEvent::ZonelessTime);
        }
        for decoded in self.decoded.ticks() {
            sink.tick(decoded.venue, decoded.product, offset, decoded.index, decoded.tick);
        }
        for &(_, reason) in self.decoded.rejected() {
            sink.unreadable(offset, reason, record);
        }
        match self.outcome {
            Ok(RecordKind::Ticks) => {}
            Ok(RecordKind::NotATick) => sink.event(SourceEvent::NotATick),
            Err(reason) => sink.unreadable(offset, reason, record),
        }
    }

    /// Hands over a record that was not read for a reason outside it, such as its length.
    pub fn hand_over_unread(&mut self, reason: Unreadable, start_of_record: &[u8], sink: &mut dyn TickSink) {
        let offset = self.take_offset();
        sink.unreadable(offset, reason, start_of_record);
    }

    fn take_offset(&mut self) -> Offset {
        let offset = Offset(self.next_offset);
        self.next_offset += 1;
        offset
    }
}
