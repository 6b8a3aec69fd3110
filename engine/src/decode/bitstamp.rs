//! Bitstamp: `{"event", "channel", "data"}`. The channel names the kind and the product, `live_trades_btcusd`; a trade's
//! `type` is the taker's side, 0 for a buyer and 1 for a seller.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    fields::{Fields, Key},
    parts,
    unreadable::Unreadable,
};
use crate::tick::Side;

/// The venue of messages that name none: only Bitstamp writes this shape.
const VENUE: &str = "bitstamp";

/// Decodes a message; `named_venue` is the venue that the record around it names.
pub(super) fn decode(
    fields: &Fields<'_>,
    named_venue: Option<&str>,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    let (event, channel) = (fields.required_text(Key::Event)?, fields.required_text(Key::Channel)?);
    let kind = match event.as_ref() {
        "trade" => {
            let product = channel.strip_prefix("live_trades_").ok_or(Unreadable::UnknownShape)?;
            return trade(fields, named_venue.unwrap_or(VENUE), product, out);
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
