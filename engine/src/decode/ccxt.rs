//! The trade of ccxt's unified API, one object or a list of them. It names no venue.

use super::{
    decoded::{Decoded, RecordKind},
    field::fields_of,
    fields::{Key, Name},
    message::Message,
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

pub(super) static SHAPE: Shape = Shape {
    name: "ccxt",
    writer: "ccxt",
    examples: &[
        r#"{"info":{},"id":"12345-67890:09876/54321","timestamp":1502962946216,"datetime":"2017-08-17T12:42:48.000Z","symbol":"ETH/BTC","order":"12345-67890:09876/54321","type":"limit","side":"buy","takerOrMaker":"taker","price":0.06917684,"amount":1.5,"cost":0.10376526,"fee":null}"#,
    ],
    is_of: |fields| fields.has_name(Name::Datetime) && fields.has(Key::ProductId) && fields.has(Key::Price),
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [timestamp, datetime, product, price, amount, side, id] = fields_of(
        message.fields.object(),
        ["timestamp", "datetime", "symbol", "price", "amount", "side", "id"],
    )?;
    let event_time = timestamp.or(datetime).time(out)?;
    let tick = parts::trade(event_time, price, amount, side.side()?, id)?;
    out.push_only(message.venue(), &message.product(product)?, tick)?;
    Ok(RecordKind::Ticks)
}
