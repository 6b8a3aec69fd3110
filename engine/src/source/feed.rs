//! From a record to the sink: what every source that reads records does alike.

use rustc_hash::FxHashMap;

use super::{SequenceTracker, SourceEvent, Tally, TickSink, tally::grouped, warnings::UnreadableWarnings};
use crate::{
    decode::{
        DecodeDefaults, Decoded, EpochUnit, NoTickKind, RecordKind, TradeLines, Unreadable, decode,
        decode_trade_line,
    },
    limits::SYMBOLS_MAX,
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
    /// Lines of csv.
    TradeLines(TradeLines),
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPlace {
    /// In the present file, at this line, from 1.
    Line(u64),
    /// In a partition of a log.
    Log {
        /// The partition's number.
        partition: u32,
        /// The record's offset in it.
        offset: u64,
    },
}

/// Decodes one connection's records and hands over what they hold, numbering them from 0.
#[derive(Debug)]
pub struct RecordFeed {
    decoded: Decoded,
    outcome: Result<RecordKind, Unreadable>,
    sequence: SequenceTracker,
    next_offset: u64,
    place: RecordPlace,
    file: FileInHand,
    newest: FxHashMap<Box<str>, FxHashMap<Box<str>, Newest>>,
    /// Symbols in `newest`.
    symbols: usize,
    tally: Tally,
    warnings: UnreadableWarnings,
}

/// The file that is being read.
#[derive(Debug, Default)]
struct FileInHand {
    name: String,
    /// From 1; 0 before the first.
    number: u32,
    ticks: u64,
    /// Ticks older than what an earlier file holds of their symbol.
    ticks_behind: u64,
    unit: Option<EpochUnit>,
    first: Option<EventTime>,
}

/// A symbol's newest time.
#[derive(Clone, Copy, Debug, Default)]
struct Newest {
    /// In the files before `file`.
    before: Option<EventTime>,
    /// Up to now.
    now: Option<EventTime>,
    file: u32,
}

impl Default for RecordFeed {
    fn default() -> Self {
        Self {
            decoded: Decoded::default(),
            outcome: Ok(RecordKind::NoTick(NoTickKind::Status)),
            sequence: SequenceTracker::default(),
            next_offset: 0,
            place: RecordPlace::Line(0),
            file: FileInHand::default(),
            newest: FxHashMap::default(),
            symbols: 0,
            tally: Tally::default(),
            warnings: UnreadableWarnings::default(),
        }
    }
}

impl RecordFeed {
    /// Begins a file, which is a new connection: its sequence numbers count afresh, the records' offsets go on.
    pub fn begin_file(&mut self, name: &str) {
        self.sequence.reset();
        self.file =
            FileInHand { name: name.to_owned(), number: self.file.number + 1, ..FileInHand::default() };
    }

    /// Ends the present file: one whose ticks all came too late is remarked upon.
    pub fn end_file(&mut self) {
        let FileInHand { ticks, ticks_behind, first, .. } = self.file;
        // Nearly all: the last ticks of a file may reach into the time of the next.
        if ticks > 0 && ticks_behind.saturating_mul(10) >= ticks.saturating_mul(9) {
            let begins = first.map_or_else(String::new, |first| format!(", and it begins at {first}"));
            let remark = format!(
                "{} of its {} ticks are late, because a file before it is newer{begins}; name the files in the order of \
                 their times",
                grouped(ticks_behind),
                grouped(ticks)
            );
            tracing::warn!(file = self.file.name, "{remark}");
            self.tally.remark(&self.file.name, remark);
        }
    }

    /// Says what is assumed about the present file, in the log and in the sum.
    pub fn remark(&mut self, remark: String) {
        tracing::info!(file = self.file.name, "{remark}");
        self.tally.remark(&self.file.name, remark);
    }

    /// Records handed over so far.
    pub fn record_count(&self) -> u64 {
        self.next_offset
    }

    /// What became of the records so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Says where the record is that is read next.
    pub fn at(&mut self, place: RecordPlace) {
        self.place = place;
    }

    /// Decodes a record, and returns the time of its first tick so that the caller may wait for it.
    pub fn read(&mut self, record: &[u8], format: &mut RecordFormat) -> Option<EventTime> {
        self.outcome = match format {
            RecordFormat::Json { venue } => decode(record, &DecodeDefaults { venue }, &mut self.decoded),
            RecordFormat::TradeLines(lines) => decode_trade_line(record, lines, &mut self.decoded),
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
        self.note_ticks();
        for decoded in self.decoded.ticks() {
            sink.tick(decoded.venue, decoded.product, offset, decoded.index, decoded.tick);
        }
        for i in 0..self.decoded.rejected().len() {
            let (_, reason) = self.decoded.rejected()[i];
            self.unreadable(offset, reason, record, sink);
        }
        match self.outcome {
            Ok(RecordKind::Ticks) => {}
            Ok(RecordKind::NoTick(kind)) => {
                self.tally.without_tick(kind);
                sink.event(SourceEvent::NoTick(kind));
            }
            Err(reason) => self.unreadable(offset, reason, record, sink),
        }
    }

    /// Hands over a record that was not read for a reason outside it, such as its length.
    pub fn hand_over_unread(&mut self, reason: Unreadable, start_of_record: &[u8], sink: &mut dyn TickSink) {
        let offset = self.take_offset();
        self.unreadable(offset, reason, start_of_record, sink);
    }

    fn take_offset(&mut self) -> Offset {
        let offset = Offset(self.next_offset);
        self.next_offset += 1;
        self.tally.records += 1;
        offset
    }

    fn unreadable(&mut self, offset: Offset, reason: Unreadable, record: &[u8], sink: &mut dyn TickSink) {
        let place = || match self.place {
            RecordPlace::Line(line) => format!("{}:{line}", self.file.name),
            RecordPlace::Log { partition, offset } => format!("partition {partition}, offset {offset}"),
        };
        self.tally.unreadable.note(reason, record, place);
        self.warnings.note(reason, record, place);
        sink.unreadable(offset, reason, record);
    }

    /// Counts the ticks of a record, by symbol against what the files before held.
    fn note_ticks(&mut self) {
        let Self { decoded, newest, symbols, file, tally, .. } = self;
        if decoded.ticks().len() == 0 {
            return;
        }
        tally.ticks += decoded.ticks().len() as u64;
        file.ticks += decoded.ticks().len() as u64;
        file.first = file.first.or(decoded.first_event_time());
        for ticker in decoded.ticks() {
            let known = newest.get_mut(ticker.venue).and_then(|products| products.get_mut(ticker.product));
            let symbol = match known {
                Some(symbol) => symbol,
                None if *symbols >= SYMBOLS_MAX => continue,
                None => {
                    *symbols += 1;
                    newest.entry(ticker.venue.into()).or_default().entry(ticker.product.into()).or_default()
                }
            };
            if symbol.file != file.number {
                (symbol.before, symbol.file) = (symbol.now, file.number);
            }
            let time = ticker.tick.event_time;
            file.ticks_behind += u64::from(symbol.before.is_some_and(|before| time < before));
            symbol.now = symbol.now.max(Some(time));
        }
        if decoded.epoch_unit != file.unit
            && let Some(unit) = decoded.epoch_unit
        {
            file.unit = Some(unit);
            let remark = format!("its times are {} since 1970, by their digits or the header", unit.name());
            self.remark(remark);
        }
    }
}
