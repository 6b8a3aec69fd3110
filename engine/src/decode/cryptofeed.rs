//! What cryptofeed's backends write of a trade and of a ticker. They name their exchange, in capitals.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::fields_of,
    fields::{Key, Name},
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

pub(super) static SHAPE: Shape = Shape {
    name: "cryptofeed",
    writer: "cryptofeed",
    examples: &[
        r#"{"exchange":"COINBASE","symbol":"BTC-USD","side":"buy","amount":0.01,"price":67223.5,"id":"900","type":null,"timestamp":1775272758.995,"receipt_timestamp":1775272759.01}"#,
        r#"{"exchange":"COINBASE","symbol":"BTC-USD","bid":67223.4,"ask":67223.5,"timestamp":1775272758.995,"receipt_timestamp":1775272759.01}"#,
    ],
    is_of: |fields| fields.has_name(Name::ReceiptTimestamp) && fields.has(Key::ProductId),
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [timestamp, receipt, product, price, amount, side, id, bid, ask] = fields_of(
        message.fields.object(),
        ["timestamp", "receipt_timestamp", "symbol", "price", "amount", "side", "id", "bid", "ask"],
    )?;
    // Some venues' trades have no time of their own.
    let event_time = timestamp.or(receipt).time(out)?;
    let product = message.product(product)?;
    let tick = if price.is_given() {
        parts::trade(event_time, price, amount, side.side()?, id)?
    } else {
        match (bid.quoted_price()?, ask.quoted_price()?) {
            (Some(bid), Some(ask)) => {
                let quote = crate::tick::Quote { bid, ask, depth: crate::tick::Depth::Unknown };
                parts::quote_tick(event_time, quote, None)
            }
            _ if fields_have_a_book(message) => return no_tick(NoTickKind::Book),
            _ => return no_tick(NoTickKind::Partial),
        }
    };
    out.push_only(message.venue(), &product, tick)?;
    Ok(RecordKind::Ticks)
}

fn fields_have_a_book(message: &Message<'_>) -> bool {
    fields_of(message.fields.object(), ["book", "delta"])
        .is_ok_and(|fields| fields.into_iter().any(|field| field.is_given()))
}
