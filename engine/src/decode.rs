//! Bytes to ticks: every shape the contract names, told apart by its keys.
//!
//! [`decode`] reads one JSON record: the original's tick, Coinbase Advanced Trade envelopes, Coinbase Exchange tickers and
//! matches, Bitstamp's trades and our own tick. [`decode_trade_line`] reads one line of csv. Both fill a [`Decoded`] that
//! is reused from record to record, so that a tick costs no allocation.
//!
//! A record without a tick is a message of a kind that is known by name ([`NoTickKind`]), or it is unreadable: nothing is
//! passed over because it looks like neither. [`explain`] says of an unreadable record what it looks like.
//!
//! Numbers are read from their decimal text, never through a float, so a price is exactly what the venue wrote.
//! Nothing here panics, whatever the bytes: what cannot be read has a name, [`Unreadable`].
//!
//! Our own tick, one JSON object; numbers may be strings or numbers, and all but the first three may be absent:
//!
//! ```
//! use stormglass_engine::decode::{DecodeOptions, Decoded, RecordKind, decode};
//! let record = br#"{"timestamp": "2026-04-04T03:19:18.995321Z", "product_id": "BTC-USD", "price": "67223.5",
//!     "venue": "coinbase", "best_bid": "67223.49", "best_ask": "67223.5", "best_bid_quantity": "0.5",
//!     "best_ask_quantity": "0.25", "last_size": "0.01", "side": "buy", "trade_id": 7}"#;
//! let mut decoded = Decoded::default();
//! assert_eq!(decode(record, &DecodeOptions::of_venue("unnamed"), &mut decoded), Ok(RecordKind::Ticks));
//! let first = decoded.ticks().next().unwrap();
//! assert_eq!((first.venue, first.product), ("coinbase", "BTC-USD"));
//! assert_eq!(first.tick.price.units(), 6_722_350_000_000);
//! ```
//!
//! Other names in use are read too, in every shape: `time` for `timestamp`, `exchange` for `venue`, `symbol` for `product_id`,
//! `bid` and `ask`, `size`, `qty`, `quantity` or `amount` for `last_size`, `best_bid_size`, `bid_size`, `best_bid_qty`, … for the
//! quantities at the touch. A time may be a number since 1970, whose digits tell its unit ([`EpochUnit`]).
//!
//! Where the quantities at the touch are lost but their ratio was kept, `order_book_imbalance` =
//! `bid / (bid + ask)`, 0 to 1, stands in for them. A bid or an ask that is not positive means that there is no
//! quote; the tick stays. An absent side stays absent: the symbol's state infers one.

mod advanced_trade;
mod alpaca;
mod binance;
mod bitmex;
mod bitstamp;
mod bybit;
mod ccxt;
mod cells;
mod columns;
mod cryptofeed;
mod decoded;
mod deribit;
mod envelope;
mod exchange;
mod field;
mod fields;
mod hyperliquid;
mod json;
mod kraken;
mod look;
mod mapped;
mod mapping;
mod message;
mod number;
mod okx;
mod original;
mod own;
mod parts;
#[cfg(test)]
mod proptests;
mod row;
mod shapes;
mod tardis;
#[cfg(test)]
mod tests;
mod time;
mod trade_line;
mod unreadable;
#[cfg(test)]
mod venue_tests;
pub mod venues;
mod zone;

pub(crate) use cells::column_count;
pub use columns::{CsvColumns, HeaderError};
pub use decoded::{Decoded, DecodedTick, NoTickKind, RecordKind};
pub(crate) use look::packing_of;
pub use look::{explain, looks_like};
pub use mapped::{MappedJson, decode_mapped};
pub use mapping::{Mapping, MappingError};
pub use shapes::{SHAPES, Shape};
pub use time::{EpochUnit, TimeSettings};
pub use trade_line::{Learned, TradeLineSymbol, TradeLines, decode_trade_line, is_negative_size};
pub use unreadable::Unreadable;
pub use zone::Zone;

use envelope::Content;
use fields::{Fields, Key};
use json::{Json, Value};
use message::Message;

use crate::{limits::RECORD_BYTES_MAX, tick::EventTime};

/// The mark that some editors and shells put before a text: it says nothing in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is known of the records beforehand.
#[derive(Clone, Copy, Debug)]
pub struct DecodeOptions<'a> {
    /// The venue of records that name none and whose shape is not that of one venue.
    pub venue: &'a str,
    /// The product of messages that name none, such as a venue's list of the trades that were asked for.
    pub product: Option<&'a str>,
    /// The time of messages that name none: when they were received.
    pub received: Option<EventTime>,
    /// The shape of the records; `None` if each record is to tell by its content.
    pub shape: Option<&'static Shape>,
}

impl<'a> DecodeOptions<'a> {
    /// Records of any shape, of this venue where they name none.
    pub fn of_venue(venue: &'a str) -> Self {
        Self { venue, product: None, received: None, shape: None }
    }
}

/// Decodes one JSON record into `out`, which it clears first.
///
/// A ticker that cannot be read does not take its neighbours in the same record with it: it is listed by
/// [`Decoded::rejected`] and the others stay. A record that is a list of messages gives the ticks of all of them.
///
/// # Errors
/// When nothing in the record can be read. [`Decoded::sequence`] may be known all the same.
pub fn decode(
    record: &[u8],
    options: &DecodeOptions<'_>,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    out.clear();
    if record.len() > RECORD_BYTES_MAX {
        return Err(Unreadable::TooLong);
    }
    let text = text_of(envelope::without_frame(record))?;
    decode_text(text, Context { options, named_venue: None, depth: 0 }, out)
}

/// The text of a record, without a byte order mark.
fn text_of(record: &[u8]) -> Result<&str, Unreadable> {
    let record = record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record);
    std::str::from_utf8(record).map_err(|_| Unreadable::NotUtf8)
}

/// The settings and the envelopes that a message is decoded under.
#[derive(Clone, Copy)]
struct Context<'a> {
    options: &'a DecodeOptions<'a>,
    /// The venue that an envelope names.
    named_venue: Option<&'a str>,
    /// Envelopes around the message.
    depth: u32,
}

/// Envelopes around a message at most: Connect's around Debezium's around a recorder's around a venue's list.
const DEPTH_MAX: u32 = 4;

fn decode_text(text: &str, context: Context<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let mut index = out.take_index();
    let read = match Json::parse(text, &mut index) {
        Ok(json) => decode_value(json.root(), context, out),
        // OKX answers a ping so.
        Err(_) if matches!(text.trim_ascii(), "ping" | "pong") => {
            Ok(RecordKind::NoTick(NoTickKind::Heartbeat))
        }
        Err(reason) => Err(reason),
    };
    out.keep_index(index);
    read
}

fn decode_value(value: Value<'_>, context: Context<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    if context.depth > DEPTH_MAX {
        return Err(Unreadable::UnknownShape);
    }
    if value.is_array() {
        return decode_list(value, context, out);
    }
    let fields = Fields::of(value)?;
    let own_venue = match fields.has(Key::Venue) {
        true if context.named_venue.is_none() => venues::canonical(fields.get(Key::Venue).text()?),
        _ => None,
    };
    let named_venue = context.named_venue.or(own_venue.as_deref());
    if let Some(content) = envelope::content_of(&fields)? {
        let received = fields.get(Key::Received).time(out).ok().or(context.options.received);
        let options = DecodeOptions { received, ..*context.options };
        let context = Context { options: &options, named_venue, depth: context.depth + 1 };
        return match content {
            Content::Text(text) => decode_text(&text, context, out),
            Content::Value(value) => decode_value(value, context, out),
        };
    }
    let options = context.options;
    let shape = options.shape.or_else(|| Shape::of(&fields));
    let message = Message { fields, options, named_venue };
    match shape.map_or(Err(Unreadable::UnknownShape), |shape| (shape.decode)(&message, out)) {
        // Several venues report errors in this way.
        Err(Unreadable::UnknownShape) if message.is_error() => Err(Unreadable::VenueError),
        read => read,
    }
}

/// Decodes a list of messages.
fn decode_list(list: Value<'_>, context: Context<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let context = Context { depth: context.depth + 1, ..context };
    let mut kind = None;
    for (i, element) in list.elements().enumerate() {
        let read = match element.is_object() {
            true => decode_value(element, context, out),
            // Kraken's first API wrote a message as a list that begins with a number.
            false if i == 0 => return kraken::decode_array(list, context.options, context.named_venue, out),
            false => Err(Unreadable::NotAnObject),
        };
        match read {
            Ok(RecordKind::Ticks) => kind = Some(RecordKind::Ticks),
            Ok(no_tick) => kind = kind.or(Some(no_tick)),
            // The whole list is of that shape.
            Err(reason @ (Unreadable::UnknownShape | Unreadable::VenueError)) if i == 0 => {
                return Err(reason);
            }
            Err(Unreadable::TooManyTickers) => break,
            Err(reason) => {
                kind = Some(RecordKind::Ticks);
                if out.reject(reason).is_err() {
                    break;
                }
            }
        }
    }
    out.oldest_first();
    // An empty list says nothing.
    kind.ok_or(Unreadable::UnknownShape)
}
