//! Bitstamp: `{"event", "channel", "data"}`. The channel names the kind and the product, `live_trades_btcusd`; a trade's
//! `type` is the taker's side, 0 for a buyer and 1 for a seller.

use super::{
    Venue,
    decoded::{Decoded, NoTickKind, RecordKind},
    fields::{Fields, Key},
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
    ],
    is_of: |fields| fields.has(Key::Event) && fields.has(Key::Channel),
    decode,
};

fn decode(fields: &Fields<'_>, venue: Venue<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let (event, channel) = (fields.required_text(Key::Event)?, fields.required_text(Key::Channel)?);
    let kind = match event.as_ref() {
        "trade" => {
            let product = channel.strip_prefix("live_trades_").ok_or(Unreadable::UnknownShape)?;
            return trade(fields, venue.named.unwrap_or(VENUE), product, out);
        }
        "data" if channel.contains("order_book_") => NoTickKind::Book,
        "order_created" | "order_changed" | "order_deleted" => NoTickKind::Book,
        "bts:subscription_succeeded" | "bts:unsubscription_succeeded" => NoTickKind::Subscription,
        "bts:heartbeat" => NoTickKind::Heartbeat,
        "bts:error" => return Err(Unreadable::VenueError),
        _ => return Err(Unreadable::UnknownShape),
    };
    Ok(RecordKind::NoTick(kind))
}

fn trade(
    fields: &Fields<'_>,
    venue: &str,
    product: &str,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    let name = Key::Data.name();
    let data = fields.get(Key::Data).ok_or(Unreadable::MissingField { name })?;
    let data = Fields::parse(data).map_err(|reason| match reason {
        Unreadable::NotAnObject => Unreadable::WrongType { field: name },
        other => other,
    })?;
    let time_key = if data.has(Key::MicroTime) { Key::MicroTime } else { Key::Time };
    let event_time = parts::event_time(&data, time_key, out)?;
    let mut tick = parts::tick(&data, event_time, &data)?;
    tick.trade_id = data.unsigned(Key::Id)?;
    tick.side = match data.get(Key::Type) {
        Some("0") => Some(Side::Buy),
        Some("1") => Some(Side::Sell),
        Some(_) => return Err(Unreadable::BadSide { field: Key::Type.name() }),
        None => None,
    };
    out.push_only(venue, product, tick)?;
    Ok(RecordKind::Ticks)
}
