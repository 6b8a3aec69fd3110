//! Our own tick (see [`super`]), which is also how sessions recorded elsewhere are kept: the ratio of the quantities
//! at the touch in place of the quantities. `"type": "quote"` marks a change of the quote without a trade.

use super::{
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key, Name},
    parts,
    unreadable::Unreadable,
};

pub(super) fn decode(fields: &Fields<'_>, venue: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let product = fields.required_text(Key::ProductId)?;
    let event_time = parts::event_time(fields, Key::Time, out)?;
    let mut tick = parts::tick(fields, event_time, fields)?;
    tick.is_trade = fields.text(Key::Type)?.as_deref() != Some("quote");
    if is_trade_of_coinbase(fields, venue) {
        tick.side = tick.side.map(parts::inverted);
    }
    out.push_only(venue, &product, tick)?;
    Ok(RecordKind::Ticks)
}

/// Whether the record is a trade of Coinbase Advanced Trade without its envelope, whose side is the maker's. Coinbase
/// writes that side in capitals, as nobody else does, and the quantity as `size`.
fn is_trade_of_coinbase(fields: &Fields<'_>, venue: &str) -> bool {
    venue == "coinbase"
        && matches!(fields.get(Key::Side), Some("\"BUY\"" | "\"SELL\""))
        && fields.has(Key::TradeId)
        && fields.has_name(Name::Size)
        && !fields.has_name(Name::LastSize)
        && fields.has_name(Name::ProductId)
}
