//! What a record held: its ticks, what of it could not be read, and what else it told.

use crate::{
    limits::{SYMBOL_NAME_BYTES_MAX, TICKERS_PER_RECORD_MAX},
    tick::{EventTime, Tick},
};

use super::{
    json::Node,
    time::{EpochUnit, TimeSettings, WrittenTime},
    unreadable::Unreadable,
};

/// Nodes of an index that is kept from record to record, at most: 1 MiB of them.
const INDEX_NODES_KEPT_MAX: usize = 1 << 16;
/// Indexes that are kept at most: a text within a text within a text.
const INDEXES_KEPT_MAX: usize = 3;

/// What a readable record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A message that carries ticks, if only ones that could not be read.
    Ticks,
    /// A message of a kind that is known by name and never carries ticks.
    NoTick(NoTickKind),
}

/// The kinds of messages that are known to carry no tick. A message of any other kind is unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTickKind {
    /// The confirmation of a subscription.
    Subscription,
    /// A heartbeat.
    Heartbeat,
    /// A state or a change of the order book beyond its best prices, or of an order in it.
    Book,
    /// The state of a venue's products.
    Status,
    /// Candles, which a venue makes of its trades.
    Candles,
    /// Figures that a venue makes of its market: mark prices, funding rates, liquidations, sums of a day.
    Statistics,
    /// A change that says neither the last price nor both of bid and ask.
    Partial,
    /// A quote whose message does not say when, as Binance's `bookTicker` of spot.
    Untimed,
    /// The header of a csv.
    Header,
}

impl NoTickKind {
    /// Every kind, so that a counter of each exists at 0.
    pub const ALL: [Self; 9] = [
        Self::Subscription,
        Self::Heartbeat,
        Self::Book,
        Self::Status,
        Self::Candles,
        Self::Statistics,
        Self::Partial,
        Self::Untimed,
        Self::Header,
    ];

    /// A stable label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Heartbeat => "heartbeat",
            Self::Book => "book",
            Self::Status => "status",
            Self::Candles => "candles",
            Self::Statistics => "statistics",
            Self::Partial => "partial",
            Self::Untimed => "untimed",
            Self::Header => "header",
        }
    }
}

/// One tick of a record, with its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodedTick<'a> {
    /// Where it traded.
    pub venue: &'a str,
    /// What traded, as the venue writes it.
    pub product: &'a str,
    /// Which ticker of the record, from 0, unreadable ones counted. Trades of one message are numbered by time.
    pub index: u32,
    /// The tick.
    pub tick: Tick,
}

/// The content of one record; reused from record to record, so that it stops allocating.
#[derive(Debug, Default)]
pub struct Decoded {
    names: String,
    entries: Vec<Entry>,
    rejected: Vec<(u32, Unreadable)>,
    next_index: u32,
    /// Indexes of texts that were read, kept for their room: one for each text within another.
    indexes: Vec<Vec<Node>>,
    /// How times are read that do not tell it themselves; kept from record to record.
    times: TimeSettings,
    /// The connection's sequence number, which counts the messages of all its channels.
    pub sequence: Option<u64>,
    /// Timestamps that had no zone.
    pub zoneless_times: u32,
    /// The unit in which the record's time was read, if it is a number since 1970.
    pub epoch_unit: Option<EpochUnit>,
}

#[derive(Debug)]
struct Entry {
    index: u32,
    name_start: usize,
    venue_end: usize,
    name_end: usize,
    tick: Tick,
}

impl Decoded {
    /// From now on reads times that do not tell their unit or zone by these.
    pub fn set_times(&mut self, times: TimeSettings) {
        self.times = times;
    }

    /// How times are read that do not tell it themselves.
    pub(super) fn times(&self) -> TimeSettings {
        self.times
    }

    /// The readable ticks in the record's order.
    pub fn ticks(&self) -> impl ExactSizeIterator<Item = DecodedTick<'_>> {
        self.entries.iter().map(|entry| DecodedTick {
            venue: &self.names[entry.name_start..entry.venue_end],
            product: &self.names[entry.venue_end..entry.name_end],
            index: entry.index,
            tick: entry.tick,
        })
    }

    /// Whether the record has given neither a tick nor one that could not be read.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.rejected.is_empty()
    }

    /// The tickers that could not be read, by their number in the record.
    pub fn rejected(&self) -> &[(u32, Unreadable)] {
        &self.rejected
    }

    /// The event time of the first readable tick.
    pub fn first_event_time(&self) -> Option<EventTime> {
        self.entries.first().map(|entry| entry.tick.event_time)
    }

    pub(crate) fn clear(&mut self) {
        self.names.clear();
        self.entries.clear();
        self.rejected.clear();
        self.next_index = 0;
        self.sequence = None;
        self.zoneless_times = 0;
        self.epoch_unit = None;
    }

    /// Takes a time of the record, and remembers what was assumed in reading it.
    pub(super) fn note_time(&mut self, written: WrittenTime) -> EventTime {
        self.zoneless_times += u32::from(written.zoneless);
        self.epoch_unit = written.unit;
        if written.zoneless { self.times.zone.to_utc(written.time) } else { written.time }
    }

    /// An empty index, with the room of one before.
    pub(super) fn take_index(&mut self) -> Vec<Node> {
        self.indexes.pop().unwrap_or_default()
    }

    /// Keeps an index for the next record, unless it is one that few records need.
    pub(super) fn keep_index(&mut self, index: Vec<Node>) {
        if index.capacity() <= INDEX_NODES_KEPT_MAX && self.indexes.len() < INDEXES_KEPT_MAX {
            self.indexes.push(index);
        }
    }

    /// Turns the ticks round where the newest comes first, and puts them in the order of their times.
    pub(super) fn oldest_first(&mut self) {
        let time = |entry: &Entry| entry.tick.event_time;
        if self.entries.is_sorted_by_key(time) {
            return;
        }
        // The numbers of unreadable ones stay theirs.
        let indexes: Vec<u32> = self.entries.iter().map(|entry| entry.index).collect();
        if self.entries.first().map(time) > self.entries.last().map(time) {
            self.entries.reverse();
        }
        self.entries.sort_by_key(time);
        self.entries.iter_mut().zip(indexes).for_each(|(entry, index)| entry.index = index);
    }

    /// Puts the ticks in the order of their times, and trades of one instant in that of their ids.
    pub(super) fn sort_by_time(&mut self) {
        let time_and_id = |entry: &Entry| (entry.tick.event_time, entry.tick.trade_id);
        if self.entries.is_sorted_by_key(time_and_id) {
            return;
        }
        // The numbers of unreadable ones stay theirs.
        let indexes: Vec<u32> = self.entries.iter().map(|entry| entry.index).collect();
        self.entries.sort_by_key(time_and_id);
        self.entries.iter_mut().zip(indexes).for_each(|(entry, index)| entry.index = index);
    }

    /// Adds a ticker, or why there is none; refuses it once the record has had its fill.
    pub(super) fn push(
        &mut self,
        venue: &str,
        ticker: Result<(impl AsRef<str>, Tick), Unreadable>,
    ) -> Result<(), Unreadable> {
        let index = self.take_number()?;
        let named = |(product, tick)| named(venue, AsRef::<str>::as_ref(&product)).map(|()| (product, tick));
        match ticker.and_then(named) {
            Ok((product, tick)) => self.add(index, venue, product.as_ref(), tick),
            Err(reason) => self.rejected.push((index, reason)),
        }
        Ok(())
    }

    /// Adds the only ticker of a message.
    pub(super) fn push_only(&mut self, venue: &str, product: &str, tick: Tick) -> Result<(), Unreadable> {
        named(venue, product)?;
        let index = self.take_number()?;
        self.add(index, venue, product, tick);
        Ok(())
    }

    /// Notes that a ticker of the record cannot be read.
    pub(super) fn reject(&mut self, reason: Unreadable) -> Result<(), Unreadable> {
        let index = self.take_number()?;
        self.rejected.push((index, reason));
        Ok(())
    }

    /// The number of the next ticker, of which a record has no more than so many.
    fn take_number(&mut self) -> Result<u32, Unreadable> {
        let index = self.next_index;
        if index as usize >= TICKERS_PER_RECORD_MAX {
            if self.rejected.last() != Some(&(index, Unreadable::TooManyTickers)) {
                self.rejected.push((index, Unreadable::TooManyTickers));
            }
            return Err(Unreadable::TooManyTickers);
        }
        self.next_index += 1;
        Ok(index)
    }

    fn add(&mut self, index: u32, venue: &str, product: &str, tick: Tick) {
        let name_start = self.names.len();
        self.names.push_str(venue);
        let venue_end = self.names.len();
        self.names.push_str(product);
        self.entries.push(Entry { index, name_start, venue_end, name_end: self.names.len(), tick });
    }
}

/// Whether the two can name a symbol, `venue:product`.
pub(super) fn named(venue: &str, product: &str) -> Result<(), Unreadable> {
    if venue.is_empty() || venue.contains([':', '/']) || !is_name(venue) {
        return Err(Unreadable::BadName { field: "venue" });
    }
    let fits = venue.len() + 1 + product.len() <= SYMBOL_NAME_BYTES_MAX;
    if product.is_empty() || !fits || !is_name(product) {
        return Err(Unreadable::BadName { field: "product_id" });
    }
    Ok(())
}

/// Whether a text has only letters and digits of any script, and signs that venues write in names.
fn is_name(text: &str) -> bool {
    let is_sign = |byte: u8| b"-_./:@#$+=".contains(&byte);
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
        || text
            .chars()
            .all(|c| c.is_alphanumeric() || u8::try_from(c).is_ok_and(|c| c.is_ascii() && is_sign(c)))
}
