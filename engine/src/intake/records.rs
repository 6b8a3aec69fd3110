//! From the bytes of a record to its ticks, and to what else it told. This is the only reader of records: a file, a Kafka
//! topic and the tools that read topics all go through it.

use std::fmt;

use super::{
    sequence::SequenceTracker,
    sink::{RecordEvent, TickSink},
    tally::Tally,
    warnings::UnreadableWarnings,
};
use crate::{
    decode::{
        DecodeOptions, Decoded, MappedJson, NoTickKind, RecordKind, Shape, TimeSettings, TradeLineSymbol,
        TradeLines, Unreadable, decode, decode_mapped, decode_trade_line,
    },
    limits::PARTITIONS_MAX,
    schemas::{Schemas, Unframer},
    settings::{FormatPin, RecordSettings},
    symbol::Offset,
    tick::EventTime,
};

/// How the records of a source are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// JSON objects of any shape that [`decode`](mod@crate::decode) knows.
    Json {
        /// The venue of records that name none.
        venue: String,
        /// The product of messages that name none, such as a venue's list of trades.
        product: Option<String>,
        /// The shape of the records; `None` if each record is to tell by its content.
        shape: Option<&'static Shape>,
    },
    /// JSON of any form, by a mapping.
    MappedJson(MappedJson),
    /// Lines of csv.
    TradeLines(TradeLines),
}

impl RecordFormat {
    /// JSON objects of any shape, of this venue where they name none.
    pub fn json(venue: String) -> Self {
        Self::Json { venue, product: None, shape: None }
    }

    /// JSON as a user says that it is to be read. `symbol` is that of records that name none, and `venue` that of records
    /// which name a product alone where there is no `symbol`.
    ///
    /// # Errors
    /// [`NotOfJson`] if the mapping names columns.
    pub fn of_json(
        settings: &RecordSettings,
        symbol: Option<&TradeLineSymbol>,
        venue: &str,
    ) -> Result<Self, NotOfJson> {
        let RecordSettings { format, columns, .. } = settings;
        if columns.is_empty() {
            return Ok(Self::Json {
                venue: symbol.map_or(venue, TradeLineSymbol::venue).to_owned(),
                product: symbol.map(|symbol| symbol.product().to_owned()),
                shape: if let FormatPin::Shape(shape) = format { Some(*shape) } else { None },
            });
        }
        if columns.is_of_json() {
            return Ok(Self::MappedJson(MappedJson::new(columns, symbol, venue)));
        }
        Err(NotOfJson { columns: columns.to_string() })
    }
}

/// A mapping of columns where there is JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it holds JSON, but --columns (source.columns) {columns:?} names columns; name keys by pointers, as time=/T,price=/p, or say \
     --format csv"
)]
pub struct NotOfJson {
    /// The mapping.
    pub columns: String,
}

/// How the records of a log are read, by the source and by every tool that reads the same topic.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordRules {
    /// How they are written.
    pub format: RecordFormat,
    /// How times are read that do not tell it themselves.
    pub times: TimeSettings,
    /// The schemas of framed records.
    pub schemas: Schemas,
}

impl Default for RecordRules {
    /// JSON whose venue has no name where records name none.
    fn default() -> Self {
        Self {
            format: RecordFormat::json(String::new()),
            times: TimeSettings::default(),
            schemas: Schemas::default(),
        }
    }
}

impl RecordRules {
    /// A reader of such records.
    pub fn reader(&self) -> RecordReader {
        let mut record = DecodedRecord::default();
        record.set_times(self.times);
        RecordReader { unframer: Unframer::new(self.schemas.clone()), record, ..RecordReader::default() }
    }
}

/// Where a record lies, for people: `FILE:LINE` or `partition PARTITION, offset OFFSET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPlace<'a> {
    /// In a file.
    Line {
        /// The name of the file.
        file: &'a str,
        /// The number of the line, from 1.
        line: u64,
    },
    /// In a partition of a log.
    Log {
        /// The number of the partition.
        partition: u32,
        /// The offset of the record.
        offset: u64,
    },
    /// On a connection to a venue.
    Live {
        /// The venue's name as a source.
        venue: &'a str,
        /// The number of the socket among those that are open: each has sequence numbers of its own.
        socket: u32,
        /// The number of the message on this socket, from 1.
        message: u64,
    },
}

impl RecordPlace<'_> {
    /// The connection that wrote the record: a file has one, and a log one a partition.
    fn connection(self) -> u32 {
        match self {
            Self::Line { .. } => 0,
            Self::Log { partition, .. } => partition,
            Self::Live { socket, .. } => socket,
        }
    }
}

impl fmt::Display for RecordPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::Log { partition, offset } => write!(f, "partition {partition}, offset {offset}"),
            Self::Live { venue, socket, message } => write!(f, "{venue} socket {socket}, message {message}"),
        }
    }
}

/// A record that was decoded, with its outcome. Its room is used again for the next one.
#[derive(Debug)]
pub(crate) struct DecodedRecord {
    decoded: Decoded,
    outcome: Result<RecordKind, Unreadable>,
    /// Whether it says by itself what it is. A line of csv needs its header, and what is told by a setting needs that.
    is_self_describing: bool,
}

impl Default for DecodedRecord {
    fn default() -> Self {
        Self {
            decoded: Decoded::default(),
            outcome: Ok(RecordKind::NoTick(NoTickKind::Status)),
            is_self_describing: false,
        }
    }
}

impl DecodedRecord {
    /// From now on reads times that do not tell their unit or zone by these.
    pub(crate) fn set_times(&mut self, times: TimeSettings) {
        self.decoded.set_times(times);
    }

    /// Notes that a record cannot be read.
    fn refuse(&mut self, reason: Unreadable) {
        self.decoded.clear();
        self.outcome = Err(reason);
    }

    /// Decodes a record, and returns the time of its first tick.
    pub(crate) fn read(&mut self, record: &[u8], format: &mut RecordFormat) -> Option<EventTime> {
        self.is_self_describing = matches!(format, RecordFormat::Json { product: None, shape: None, .. });
        self.outcome = match format {
            RecordFormat::Json { venue, product, shape } => {
                let options = DecodeOptions {
                    product: product.as_deref(),
                    shape: *shape,
                    ..DecodeOptions::of_venue(venue)
                };
                decode(record, &options, &mut self.decoded)
            }
            RecordFormat::MappedJson(json) => decode_mapped(record, json, &mut self.decoded),
            RecordFormat::TradeLines(lines) => decode_trade_line(record, lines, &mut self.decoded),
        };
        self.decoded.first_event_time()
    }
}

/// Reads records one by one: [`read`](Self::read) decodes a record, then [`tell`](Self::tell) or
/// [`hand_over`](Self::hand_over) reports it, once.
///
/// # Sequence numbers
/// They count the messages of one connection to a venue, so a gap means lost messages only where a file, or a partition,
/// holds whole connections, one after the other. A topic keyed by symbol whose producer takes several symbols from one
/// connection does not: the numbers that went to other partitions count as missing.
#[derive(Debug, Default)]
pub struct RecordReader {
    unframer: Unframer,
    record: DecodedRecord,
    /// By the number of the partition; a file is 0.
    sequences: Vec<SequenceTracker>,
    tally: Tally,
    warnings: UnreadableWarnings,
}

impl RecordReader {
    /// Reads frames: says whether a record's schema is known, and the newest record as it was read.
    pub fn unframer(&self) -> &Unframer {
        &self.unframer
    }

    /// Tells that a new connection begins, with a file or in a partition: the next record there has no gap before it.
    pub fn begin_connection(&mut self, partition: u32) {
        if let Some(sequence) = self.sequences.get_mut(partition as usize) {
            *sequence = SequenceTracker::default();
        }
    }

    /// Decodes a record, and returns the time of its first tick so that the caller may wait for that time.
    pub fn read(&mut self, record: &[u8], format: &mut RecordFormat) -> Option<EventTime> {
        let unframed = match format {
            RecordFormat::Json { .. } | RecordFormat::MappedJson(_) => self.unframer.json(record),
            RecordFormat::TradeLines(_) => Ok(record),
        };
        match unframed {
            Ok(record) => self.record.read(record, format),
            Err(reason) => {
                self.record.refuse(reason);
                None
            }
        }
    }

    /// The ticks of the newest record, and the tickers in it that could not be read.
    pub fn decoded(&self) -> &Decoded {
        &self.record.decoded
    }

    /// The kind of the newest record.
    ///
    /// # Errors
    /// The reason for which it cannot be read, or not to its end.
    pub fn outcome(&self) -> Result<RecordKind, Unreadable> {
        self.record.outcome
    }

    /// The tally of the records that were told.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The tally, to which remarks about files are added.
    pub(crate) fn tally_mut(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// Counts the record that was read, warns of what could not be read, and lets `hear` know what the record told beside
    /// its ticks.
    pub fn tell(&mut self, record: &[u8], place: RecordPlace<'_>, mut hear: impl FnMut(RecordEvent)) {
        self.tally.records += 1;
        self.tally.ticks += self.record.decoded.ticks().len() as u64;
        let missing = self.missing_before(place);
        let record = self.unframer.seen(record);
        if missing > 0 {
            hear(RecordEvent::SequenceGap { missing });
        }
        for _ in 0..self.record.decoded.zoneless_times {
            hear(RecordEvent::ZonelessTime);
        }
        for &(_, reason) in self.record.decoded.rejected() {
            note(&mut self.tally, &mut self.warnings, reason, record, place);
            hear(RecordEvent::Unreadable(reason));
        }
        match self.record.outcome {
            Ok(RecordKind::Ticks) => {}
            Ok(RecordKind::NoTick(kind)) => {
                self.tally.without_tick(kind);
                hear(RecordEvent::NoTick(kind));
            }
            Err(reason) => {
                note(&mut self.tally, &mut self.warnings, reason, record, place);
                hear(RecordEvent::Unreadable(reason));
            }
        }
    }

    /// Passes over a record that was told of before, as when a lane reads records again: only its sequence number counts,
    /// for the gap before the next record.
    pub fn pass(&mut self, place: RecordPlace<'_>) {
        self.missing_before(place);
    }

    /// Gives a sink what the record told and then its ticks. The record's offset is its number among those of this reader.
    pub fn hand_over(&mut self, record: &[u8], place: RecordPlace<'_>, sink: &mut dyn TickSink) {
        let offset = Offset(self.tally.records);
        if self.record.is_self_describing {
            sink.record(offset, self.unframer.seen(record));
        }
        self.tell(record, place, |event| sink.event(offset, event));
        for ticker in self.record.decoded.ticks() {
            sink.tick(ticker.venue, ticker.product, offset, ticker.index, ticker.tick);
        }
    }

    /// Hands a record over that was decoded elsewhere, with the sequence numbers of its connection. It is the newest record
    /// then, and the room of the one before takes its place.
    pub(crate) fn hand_over_decoded(
        &mut self,
        decoded: &mut DecodedRecord,
        sequence: &mut SequenceTracker,
        record: &[u8],
        place: RecordPlace<'_>,
        sink: &mut dyn TickSink,
    ) {
        std::mem::swap(&mut self.record, decoded);
        let connection = place.connection() as usize;
        if self.sequences.len() <= connection {
            self.sequences.resize(connection + 1, SequenceTracker::default());
        }
        std::mem::swap(&mut self.sequences[connection], sequence);
        self.hand_over(record, place, sink);
        std::mem::swap(&mut self.sequences[connection], sequence);
    }

    /// Tells of a record that was not decoded for a reason outside it, such as its length.
    pub fn hand_over_unread(
        &mut self,
        reason: Unreadable,
        start_of_record: &[u8],
        place: RecordPlace<'_>,
        sink: &mut dyn TickSink,
    ) {
        let offset = Offset(self.tally.records);
        self.tally.records += 1;
        note(&mut self.tally, &mut self.warnings, reason, start_of_record, place);
        sink.event(offset, RecordEvent::Unreadable(reason));
    }

    /// How many messages of the connection are missing before the record that was read.
    fn missing_before(&mut self, place: RecordPlace<'_>) -> u64 {
        let Some(number) = self.record.decoded.sequence else { return 0 };
        let connection = place.connection().min(PARTITIONS_MAX) as usize;
        if self.sequences.len() <= connection {
            self.sequences.resize(connection + 1, SequenceTracker::default());
        }
        self.sequences[connection].missing_before(number)
    }
}

fn note(
    tally: &mut Tally,
    warnings: &mut UnreadableWarnings,
    reason: Unreadable,
    record: &[u8],
    place: RecordPlace<'_>,
) {
    tally.unreadable.note(reason, record, || place.to_string());
    warnings.note(reason, record, || place.to_string());
}
