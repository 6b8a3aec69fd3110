//! Our own tick (see [`super`]), which is also how sessions recorded elsewhere are kept: the ratio of the quantities
//! at the touch in place of the quantities. `"type": "quote"` marks a change of the quote without a trade.

use super::{
    Venue,
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key, Name},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

pub(super) static SHAPE: Shape = Shape {
    name: "stormglass",
    writer: "Stormglass and whoever writes a tick of its own",
    examples: &[
        r#"{"timestamp":"2026-04-04T03:19:18.995321Z","venue":"coinbase","product_id":"BTC-USD","price":"67223.5","best_bid":"67223.49","best_ask":"67223.5","best_bid_quantity":"0.5","best_ask_quantity":"0.25","last_size":"0.01","side":"buy","trade_id":7}"#,
    ],
    is_of: |fields| {
        let named = [Key::Time, Key::ProductId, Key::Price].into_iter().filter(|&key| fields.has(key));
        // A feed's name is Kraken Futures' sign: its trades have our names and a product of its own.
        named.count() >= 2 && !fields.has(Key::Feed)
    },
    decode,
};

fn decode(fields: &Fields<'_>, venue: Venue<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let venue = venue.name();
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
