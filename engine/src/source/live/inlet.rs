//! From a connection's messages to the source's sink: each is a record, read by the one reader of records.

use std::{io::Write, time::SystemTime};

use rustc_hash::FxHashMap;

use super::venue::{Answer, Venue};
use crate::{
    decode::Unreadable,
    intake::{RecordEvent, RecordFormat, RecordPlace, RecordReader, TickSink},
    limits::RECORD_BYTES_MAX,
    live_report::ConnectionReport,
    symbol::Offset,
    tick::{EventTime, Tick},
};

/// More missing ids than this are not a loss: the venue has begun to count anew.
const MISSING_MAX: u64 = 1_000_000;

/// The wall clock, in nanoseconds since 1970-01-01.
pub(super) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// The newest trade of a product.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Newest {
    pub(super) time_ns: i64,
    pub(super) trade_id: Option<u64>,
}

/// The newest trade of each product of a connection.
pub(super) type NewestTrades = FxHashMap<String, Newest>;

/// Takes the messages of all connections of a source.
pub(super) struct Inlet<'a> {
    reader: RecordReader,
    /// A message as it is recorded; kept for its room.
    text: Vec<u8>,
    sink: &'a mut dyn TickSink,
}

impl<'a> Inlet<'a> {
    pub(super) fn new(sink: &'a mut dyn TickSink) -> Self {
        Self { reader: RecordReader::default(), text: Vec::new(), sink }
    }

    /// Tells that a socket is new: no message is missing before its first one.
    pub(super) fn begin(&mut self, socket: u32) {
        self.reader.begin_connection(socket);
    }

    /// Decodes a message and tells what it says where it holds no tick; nothing is handed over yet.
    pub(super) fn read(
        &mut self,
        message: &[u8],
        format: &mut RecordFormat,
        venue: &Venue,
    ) -> Option<Answer> {
        if message.len() > RECORD_BYTES_MAX {
            return Some(Answer::None);
        }
        self.reader.read(message, format);
        if self.reader.decoded().ticks().len() > 0 { None } else { Some(venue.read_answer(message)) }
    }

    /// The names and ticks of the message that was read.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (&str, Tick)> {
        self.reader.decoded().ticks().map(|ticker| (ticker.product, ticker.tick))
    }

    /// Hands over the message that was read.
    pub(super) fn hand_over(
        &mut self,
        message: &[u8],
        place: RecordPlace<'_>,
        venue: &Venue,
        report: &ConnectionReport,
        newest: &mut NewestTrades,
    ) {
        let mut sink =
            Named { venue, report, newest, now_ns: now_ns(), text: &mut self.text, inner: self.sink };
        if message.len() > RECORD_BYTES_MAX {
            // What it looks like is said of its start.
            let start = &message[..1_024];
            return self.reader.hand_over_unread(Unreadable::TooLong, start, place, &mut sink);
        }
        self.reader.hand_over(message, place, &mut sink);
    }

    /// Passes over a message that came by another socket, too.
    pub(super) fn pass(&mut self, place: RecordPlace<'_>) {
        self.reader.pass(place);
    }

    /// Hands over what is buffered, before a wait.
    pub(super) fn flush(&mut self) {
        self.sink.flush();
    }

    /// What became of the records so far.
    pub(super) fn tally(&self) -> &crate::intake::Tally {
        self.reader.tally()
    }
}

/// A sink of one connection's ticks: it gives each the venue's name, and follows time and numbers.
struct Named<'a> {
    venue: &'a Venue,
    report: &'a ConnectionReport,
    newest: &'a mut NewestTrades,
    now_ns: i64,
    text: &'a mut Vec<u8>,
    inner: &'a mut dyn TickSink,
}

impl TickSink for Named<'_> {
    fn tick(&mut self, _: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        self.inner.tick(self.venue.symbol_venue, product, record_offset, index, tick);
        let time_ns = tick.event_time.nanos();
        self.report.lag_is(self.now_ns - time_ns);
        let Some(newest) = self.newest.get_mut(product) else {
            self.newest.insert(product.to_owned(), Newest { time_ns, trade_id: tick.trade_id });
            return;
        };
        newest.time_ns = newest.time_ns.max(time_ns);
        if let (Some(id), Some(last)) = (tick.trade_id, newest.trade_id) {
            let missing = id.saturating_sub(last).saturating_sub(1);
            if self.venue.has_dense_trade_ids && (1..=MISSING_MAX).contains(&missing) {
                self.report.miss(product, missing);
            }
        }
        newest.trade_id = newest.trade_id.max(tick.trade_id);
    }

    /// A message does not say by itself of which venue it is, nor when it came.
    fn record(&mut self, record_offset: Offset, record: &[u8]) {
        if !matches!(record.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return self.inner.record(record_offset, record);
        }
        self.text.clear();
        let (venue, received) =
            (self.venue.symbol_venue, EventTime::from_nanos(self.now_ns).unwrap_or(EventTime::MIN));
        write!(self.text, r#"{{"venue":"{venue}","received":"{received}","payload":"#)
            .expect("a vector takes every byte");
        self.text.extend_from_slice(record);
        self.text.push(b'}');
        self.inner.record(record_offset, self.text);
    }

    fn event(&mut self, record_offset: Offset, event: RecordEvent) {
        if let RecordEvent::SequenceGap { missing } = event {
            self.report.missing.fetch_add(missing, std::sync::atomic::Ordering::Relaxed);
        }
        self.inner.event(record_offset, event);
    }
}
