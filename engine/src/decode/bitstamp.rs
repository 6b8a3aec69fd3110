//! Bitstamp: `{"event", "channel", "data"}`. The channel names the kind and the product, `live_trades_btcusd`; a trade's
//! `type` is the taker's side, 0 for a buyer and 1 for a seller.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    fields::Key,
    json::Value,
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};
use crate::tick::Side;

/// The venue of messages that name none: only Bitstamp writes this shape.
const VENUE: &str = "bitstamp";

pub(super) static SHAPE: Shape = Shape {
    name: "bitstamp",
    writer: "Bitstamp",
    examples: &[
        r#"{"data":{"id":216000477,"timestamp":"1641343699","amount":0.0792,"amount_str":"0.07920000","price":3805.44,"price_str":"3805.44","type":0,"microtimestamp":"1641343699596000","buy_order_id":1443875737346049,"sell_order_id":1443875731320832},"channel":"live_trades_ethusd","event":"trade"}"#,
        r#"{"data":{"timestamp":"1643643584","microtimestamp":"1643643584684047","bids":[["38415.45","0.50000000"],["38414.87","0.00975000"]],"asks":[["38430.44","0.25000000"]]},"channel":"order_book_btcusd","event":"data"}"#,
    ],
    is_of: |fields| fields.has(Key::Event) && fields.has(Key::Channel),
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    let (event, channel) =
        (fields.get(Key::Event).required_text()?, fields.get(Key::Channel).required_text()?);
    let whole_book =
        || channel.strip_prefix("order_book_").or_else(|| channel.strip_prefix("detail_order_book_"));
    match event.as_ref() {
        "trade" => {
            let product = channel.strip_prefix("live_trades_").ok_or(Unreadable::UnknownShape)?;
            trade(message, product, out)
        }
        "data" => match whole_book() {
            Some(product) => quote(message, product, out),
            None if channel.starts_with("diff_order_book_") => no_tick(NoTickKind::Book),
            None => Err(Unreadable::UnknownShape),
        },
        "order_created" | "order_changed" | "order_deleted" => no_tick(NoTickKind::Book),
        "bts:subscription_succeeded" | "bts:unsubscription_succeeded" => no_tick(NoTickKind::Subscription),
        "bts:heartbeat" => no_tick(NoTickKind::Heartbeat),
        "bts:request_reconnect" => no_tick(NoTickKind::Status),
        "bts:error" => Err(Unreadable::VenueError),
        _ => Err(Unreadable::UnknownShape),
    }
}

fn trade(message: &Message<'_>, product: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [micro_time, time, price, amount, side, id] = message.fields.get(Key::Data).fields([
        "microtimestamp",
        "timestamp",
        "price",
        "amount",
        "type",
        "id",
    ])?;
    let event_time = micro_time.or(time).time(out)?;
    let side = match side.value.map(Value::digits) {
        Some("0") => Some(Side::Buy),
        Some("1") => Some(Side::Sell),
        Some(_) => return Err(Unreadable::BadSide { field: side.name }),
        None => None,
    };
    let tick = parts::trade(event_time, price, amount, side, id)?;
    out.push_only(message.venue_or(VENUE), product, tick)?;
    Ok(RecordKind::Ticks)
}

/// The best levels of a whole book.
fn quote(message: &Message<'_>, product: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [micro_time, time, bids, asks] =
        message.fields.get(Key::Data).fields(["microtimestamp", "timestamp", "bids", "asks"])?;
    let event_time = micro_time.or(time).time(out)?;
    let Some(quote) = parts::quote_of_levels(bids, asks)? else { return no_tick(NoTickKind::Partial) };
    out.push_only(message.venue_or(VENUE), product, parts::quote_tick(event_time, quote, None))?;
    Ok(RecordKind::Ticks)
}
