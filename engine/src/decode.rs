//! (1) Bytes to ticks: every shape the contract names, told apart by its keys.
//!
//! [`decode`] reads one JSON record: the original's tick, Coinbase Advanced Trade envelopes, Coinbase Exchange
//! tickers and our own tick. [`decode_trade_line`] reads one line of trades-only csv. Both fill a [`Decoded`] that
//! is reused from record to record, so that a tick costs no allocation.
//!
//! Numbers are read from their decimal text, never through a float, so a price is exactly what the venue wrote.
//! Nothing here panics, whatever the bytes: what cannot be read has a name, [`Unreadable`].
//!
//! Our own tick, one JSON object; numbers may be strings or numbers, and all but the first three may be absent:
//!
//! ```
//! use engine::decode::{DecodeDefaults, Decoded, RecordKind, decode};
//! let record = br#"{"timestamp": "2026-04-04T03:19:18.995321Z", "product_id": "BTC-USD", "price": "67223.5",
//!     "venue": "coinbase", "best_bid": "67223.49", "best_ask": "67223.5", "best_bid_quantity": "0.5",
//!     "best_ask_quantity": "0.25", "last_size": "0.01", "side": "buy", "trade_id": 7}"#;
//! let mut decoded = Decoded::default();
//! assert_eq!(decode(record, &DecodeDefaults { venue: "unnamed" }, &mut decoded), Ok(RecordKind::Ticks));
//! let first = decoded.ticks().next().unwrap();
//! assert_eq!((first.venue, first.product), ("coinbase", "BTC-USD"));
//! assert_eq!(first.tick.price.units(), 6_722_350_000_000);
//! ```
//!
//! Where the quantities at the touch are lost but their ratio was kept, `order_book_imbalance` =
//! `bid / (bid + ask)`, 0 to 1, stands in for them. A bid or an ask that is not positive means that there is no
//! quote; the tick stays. An absent side stays absent: the symbol's state infers one.

mod advanced_trade;
mod array;
mod decoded;
mod exchange;
mod fields;
mod number;
mod original;
mod own;
mod parts;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
mod time;
mod trade_line;
mod unreadable;

pub use decoded::{Decoded, DecodedTick, RecordKind};
pub use trade_line::{TradeLineSymbol, decode_trade_line};
pub use unreadable::Unreadable;

use fields::{Fields, Key};

use crate::limits::RECORD_BYTES_MAX;

/// What a record may leave out.
#[derive(Clone, Copy, Debug)]
pub struct DecodeDefaults<'a> {
    /// The venue of records that name none.
    pub venue: &'a str,
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
    defaults: &DecodeDefaults<'_>,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    out.clear();
    if record.len() > RECORD_BYTES_MAX {
        return Err(Unreadable::TooLong);
    }
    let text = std::str::from_utf8(record).map_err(|_| Unreadable::NotUtf8)?;
    let fields = Fields::parse(text)?;
    let venue = fields.text(Key::Venue)?;
    let venue = venue.as_deref().unwrap_or(defaults.venue);
    if let Some(payload) = fields.get(Key::Payload) {
        return decode_message(&Fields::parse(payload)?, venue, out);
    }
    if fields.get(Key::Raw).is_some_and(|raw| raw.starts_with('"')) {
        let message = fields.required_text(Key::Raw)?;
        return decode_message(&Fields::parse(&message)?, venue, out);
    }
    decode_message(&fields, venue, out)
}

/// Decodes a message that is not wrapped (any more) in a recorder's own object.
fn decode_message(fields: &Fields<'_>, venue: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    if fields.has(Key::Channel) || fields.has(Key::Events) {
        return advanced_trade::decode(fields, venue, out);
    }
    if fields.has(Key::Timestamp) && fields.has(Key::Raw) {
        return original::decode(fields, venue, out);
    }
    if fields.has(Key::Type) && !fields.has(Key::Timestamp) {
        return exchange::decode(fields, venue, out);
    }
    let named = [Key::Timestamp, Key::ProductId, Key::Price].into_iter().filter(|&key| fields.has(key));
    if named.count() >= 2 {
        return own::decode(fields, venue, out);
    }
    Err(Unreadable::UnknownShape)
}
