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
mod array;
mod bitstamp;
mod columns;
mod decoded;
mod exchange;
mod fields;
mod look;
mod number;
mod original;
mod own;
mod parts;
#[cfg(test)]
mod proptests;
mod shapes;
#[cfg(test)]
mod tests;
mod time;
mod trade_line;
mod unreadable;
pub mod venues;

pub use columns::{CsvColumns, HeaderError};
pub use decoded::{Decoded, DecodedTick, NoTickKind, RecordKind};
pub(crate) use look::packing_of;
pub use look::{explain, looks_like};
pub use shapes::{SHAPES, Shape};
pub use time::EpochUnit;
pub use trade_line::{TradeLineSymbol, TradeLines, decode_trade_line, is_negative_size};
pub use unreadable::Unreadable;

use fields::{Fields, Key};

use crate::limits::RECORD_BYTES_MAX;

/// The mark that some editors and shells put before a text: it says nothing in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is known of the records beforehand.
#[derive(Clone, Copy, Debug)]
pub struct DecodeOptions<'a> {
    /// The venue of records that name none and whose shape is not that of one venue.
    pub venue: &'a str,
    /// The shape of the records; `None` if each record is to tell by its content.
    pub shape: Option<&'static Shape>,
}

impl<'a> DecodeOptions<'a> {
    /// Records of any shape, of this venue where they name none.
    pub fn of_venue(venue: &'a str) -> Self {
        Self { venue, shape: None }
    }
}

/// Decodes one JSON record into `out`, which it clears first.
///
/// A ticker that cannot be read does not take its neighbours in the same record with it: it is listed by
/// [`Decoded::rejected`] and the others stay.
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
    let text = text_of(record)?;
    let fields = Fields::parse(text)?;
    let venue = venues::canonical(fields.text(Key::Venue)?);
    let venue = Venue { named: venue.as_deref(), default: options.venue };
    for wrapper in [Key::Payload, Key::Raw] {
        let Some(inner) = fields.get(wrapper) else { continue };
        if inner.starts_with('"') {
            let message = fields.required_text(wrapper)?;
            return decode_message(&Fields::parse(&message)?, options.shape, venue, out);
        }
        if wrapper == Key::Payload {
            return decode_message(&Fields::parse(inner)?, options.shape, venue, out);
        }
    }
    decode_message(&fields, options.shape, venue, out)
}

/// The text of a record, without a byte order mark.
fn text_of(record: &[u8]) -> Result<&str, Unreadable> {
    let record = record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record);
    std::str::from_utf8(record).map_err(|_| Unreadable::NotUtf8)
}

/// The venue of a record.
#[derive(Clone, Copy)]
struct Venue<'a> {
    /// As the record names it.
    named: Option<&'a str>,
    /// Where it names none.
    default: &'a str,
}

impl<'a> Venue<'a> {
    fn name(self) -> &'a str {
        self.named.unwrap_or(self.default)
    }
}

/// Decodes a message that is not wrapped (any more) in a recorder's own object.
fn decode_message(
    fields: &Fields<'_>,
    shape: Option<&'static Shape>,
    venue: Venue<'_>,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    let own_venue = match fields.get(Key::Venue) {
        Some(_) if venue.named.is_none() => venues::canonical(fields.text(Key::Venue)?),
        _ => None,
    };
    let venue = Venue { named: own_venue.as_deref().or(venue.named), ..venue };
    let shape = shape.or_else(|| Shape::of(fields));
    let read = shape.map_or(Err(Unreadable::UnknownShape), |shape| (shape.decode)(fields, venue, out));
    // Several venues report errors in this way.
    let is_error = fields.get(Key::Type) == Some("\"error\"") && !fields.has(Key::Price);
    match read {
        Err(Unreadable::UnknownShape) if is_error => Err(Unreadable::VenueError),
        read => read,
    }
}
