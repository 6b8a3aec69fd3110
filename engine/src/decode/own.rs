//! Our own tick (see [`super`]), which is also how sessions recorded elsewhere are kept: the ratio of the quantities
//! at the touch in place of the quantities. `"type": "quote"` marks a change of the quote without a trade.

use super::{
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key, Name},
    message::Message,
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

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let (fields, venue) = (&message.fields, message.venue());
    let product = message.product(fields.get(Key::ProductId))?;
    let event_time = fields.get(Key::Time).time(out)?;
    let mut tick = parts::tick(fields, event_time, fields)?;
    tick.is_trade = fields.get(Key::Type).text()?.as_deref() != Some("quote");
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
        && matches!(fields.plain_text(Key::Side), Some("BUY" | "SELL"))
        && fields.has(Key::TradeId)
        && fields.has_name(Name::Size)
        && !fields.has_name(Name::LastSize)
        && fields.has_name(Name::ProductId)
}
