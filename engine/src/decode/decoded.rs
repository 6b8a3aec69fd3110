//! What a record held: its ticks, what of it could not be read, and what else it told.

use crate::{
    limits::{SYMBOL_NAME_BYTES_MAX, TICKERS_PER_RECORD_MAX},
    tick::{EventTime, Tick},
};

use super::{
    time::{EpochUnit, WrittenTime},
    unreadable::Unreadable,
};

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
    /// The header of a csv.
    Header,
}

impl NoTickKind {
    /// Every kind, so that a counter of each exists at 0.
    pub const ALL: [Self; 6] =
        [Self::Subscription, Self::Heartbeat, Self::Book, Self::Status, Self::Candles, Self::Header];

    /// A stable label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Heartbeat => "heartbeat",
            Self::Book => "book",
            Self::Status => "status",
            Self::Candles => "candles",
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
    /// The connection's sequence number, which counts the messages of all its channels.
    pub sequence: Option<u64>,
    /// Timestamps that had no zone and were read as UTC.
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
    /// The readable ticks in the record's order.
    pub fn ticks(&self) -> impl ExactSizeIterator<Item = DecodedTick<'_>> {
        self.entries.iter().map(|entry| DecodedTick {
            venue: &self.names[entry.name_start..entry.venue_end],
            product: &self.names[entry.venue_end..entry.name_end],
            index: entry.index,
            tick: entry.tick,
        })
    }

    /// The tickers that could not be read, by their number in the record.
    pub fn rejected(&self) -> &[(u32, Unreadable)] {
        &self.rejected
    }

    /// The event time of the first readable tick.
    pub fn first_event_time(&self) -> Option<EventTime> {
        self.entries.first().map(|entry| entry.tick.event_time)
    }

    pub(super) fn clear(&mut self) {
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
        written.time
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
        ticker: Result<(&str, Tick), Unreadable>,
    ) -> Result<(), Unreadable> {
        let index = self.next_index;
        if index as usize >= TICKERS_PER_RECORD_MAX {
            self.rejected.push((index, Unreadable::TooManyTickers));
            return Err(Unreadable::TooManyTickers);
        }
        self.next_index += 1;
        match ticker.and_then(|(product, tick)| named(venue, product).map(|()| (product, tick))) {
            Ok((product, tick)) => self.add(index, venue, product, tick),
            Err(reason) => self.rejected.push((index, reason)),
        }
        Ok(())
    }

    /// Adds the only ticker of a record.
    pub(super) fn push_only(&mut self, venue: &str, product: &str, tick: Tick) -> Result<(), Unreadable> {
        named(venue, product)?;
        self.next_index = 1;
        self.add(0, venue, product, tick);
        Ok(())
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
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if venue.is_empty() || !venue.bytes().all(is_letter) {
        return Err(Unreadable::BadName { field: "venue" });
    }
    let is_product_letter = |byte: u8| is_letter(byte) || matches!(byte, b'/' | b':');
    let fits = venue.len() + 1 + product.len() <= SYMBOL_NAME_BYTES_MAX;
    if product.is_empty() || !product.bytes().all(is_product_letter) || !fits {
        return Err(Unreadable::BadName { field: "product_id" });
    }
    Ok(())
}
