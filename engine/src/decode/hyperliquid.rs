//! Hyperliquid: `{"channel", "data"}` with the channels `trades` and `bbo`, and the trades that `recentTrades` lists.
//!
//! A trade's `side` is the aggressing one: `B`, the bid, for a buyer and `A`, the ask, for a seller.

use std::borrow::Cow;

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::{Field, fields_of},
    fields::{Key, Name},
    json::Value,
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};
use crate::tick::Tick;

const VENUE: &str = "hyperliquid";

pub(super) static SHAPE: Shape = Shape {
    name: "hyperliquid",
    writer: "Hyperliquid",
    examples: &[
        r#"{"channel":"trades","data":[{"coin":"BTC","side":"A","px":"111024.0","sz":"0.0004","time":1757015173392,"hash":"0x0000000000000000000000000000000000000000000000000000000000000000","tid":907359904431134,"users":["0x0000000000000000000000000000000000000001","0x0000000000000000000000000000000000000002"]}]}"#,
        r#"{"channel":"bbo","data":{"coin":"BTC","time":1757015173392,"bbo":[{"px":"111023.0","sz":"4.1","n":12},{"px":"111024.0","sz":"0.5","n":3}]}}"#,
    ],
    is_of: |fields| {
        let is_of_others =
            [Key::Event, Key::Events, Key::SequenceNum, Key::Type].into_iter().any(|key| fields.has(key));
        (fields.has(Key::Channel) && !is_of_others && !fields.has_name(Name::ConnectionId))
            || (fields.has_name(Name::Coin) && fields.has_name(Name::Tid))
    },
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    let venue = message.venue_or(VENUE);
    let Some(channel) = fields.plain_text(Key::Channel) else {
        let (product, tick) = trade(fields.object(), out)?;
        out.push_only(venue, &product, tick)?;
        return Ok(RecordKind::Ticks);
    };
    let data = fields.get(Key::Data);
    match channel {
        "trades" => message.each(venue, data, out, |element, out| trade(element, out).map(Some)),
        "bbo" => quote(message, data, out),
        "subscriptionResponse" => no_tick(NoTickKind::Subscription),
        "pong" => no_tick(NoTickKind::Heartbeat),
        "l2Book" => no_tick(NoTickKind::Book),
        "candle" => no_tick(NoTickKind::Candles),
        "allMids" | "activeAssetCtx" | "activeSpotAssetCtx" => no_tick(NoTickKind::Statistics),
        "error" => Err(Unreadable::VenueError),
        _ => Err(Unreadable::UnknownShape),
    }
}

fn trade<'f>(trade: Value<'f>, out: &mut Decoded) -> Result<(Cow<'f, str>, Tick), Unreadable> {
    let [product, side, price, size, time, id] =
        fields_of(trade, ["coin", "side", "px", "sz", "time", "tid"])?;
    let tick = parts::trade(time.time(out)?, price, size, side.side_written("B", "A")?, id)?;
    Ok((product.required_text()?, tick))
}

fn quote(message: &Message<'_>, data: Field<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [product, time, levels] = data.fields(["coin", "time", "bbo"])?;
    let (product, event_time) = (product.required_text()?, time.time(out)?);
    let mut sides = levels.required_array()?.elements();
    let mut side = || match sides.next().filter(|side| !side.is_null()) {
        Some(side) => fields_of(side, ["px", "sz"]).map_err(|reason| levels.within(reason)),
        None => Ok(["px", "sz"].map(|name| Field { name, value: None })),
    };
    let ([bid, bid_size], [ask, ask_size]) = (side()?, side()?);
    let Some(quote) = parts::quote([bid, bid_size, ask, ask_size])? else {
        return no_tick(NoTickKind::Partial);
    };
    out.push_only(message.venue_or(VENUE), &product, parts::quote_tick(event_time, quote, None))?;
    Ok(RecordKind::Ticks)
}
