//! BitMEX: `{"table", "action", "data"}` with the tables `trade` and `quote`, and the trades that `GET /api/v1/trade` lists.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::fields_of,
    fields::{Key, Name},
    json::Value,
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};
use crate::tick::Tick;

const VENUE: &str = "bitmex";

pub(super) static SHAPE: Shape = Shape {
    name: "bitmex",
    writer: "BitMEX",
    examples: &[
        r#"{"table":"trade","action":"insert","data":[{"timestamp":"2017-04-04T22:16:38.461Z","symbol":"XBTUSD","side":"Buy","size":2,"price":1147.5,"tickDirection":"PlusTick","trdMatchID":"a6fb0b7f-7f1f-4a8e-9c1b-9a4b1b1f5a11","grossValue":174292,"homeNotional":0.00174292,"foreignNotional":2}]}"#,
        r#"{"table":"quote","action":"insert","data":[{"timestamp":"2017-04-04T22:16:38.461Z","symbol":"XBTUSD","bidSize":100,"bidPrice":1147.4,"askPrice":1147.5,"askSize":250}]}"#,
    ],
    is_of: |fields| {
        (fields.has(Key::Table) && (fields.has(Key::Action) || fields.has(Key::Data)))
            || fields.has_name(Name::TrdMatchId)
            || (fields.has(Key::Info) && fields.has_name(Name::Docs))
            || (fields.has_name(Name::Request) && (fields.has(Key::Success) || fields.has(Key::Error)))
    },
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    if fields.has_name(Name::Request) {
        return match fields.has(Key::Error) {
            true => Err(Unreadable::VenueError),
            false => no_tick(NoTickKind::Subscription),
        };
    }
    if fields.has(Key::Info) && fields.has_name(Name::Docs) {
        return no_tick(NoTickKind::Status);
    }
    let venue = message.venue_or(VENUE);
    let Some(table) = fields.plain_text(Key::Table) else {
        let (product, tick) = trade(fields.object(), out)?;
        out.push_only(venue, &product, tick)?;
        return Ok(RecordKind::Ticks);
    };
    let data = fields.get(Key::Data);
    match table {
        "trade" => message.each(venue, data, out, |element, out| trade(element, out).map(Some)),
        "quote" => message.each(venue, data, out, |element, out| {
            let [time, product, bid, bid_size, ask, ask_size] =
                fields_of(element, ["timestamp", "symbol", "bidPrice", "bidSize", "askPrice", "askSize"])?;
            let (event_time, product) = (time.time(out)?, product.required_text()?);
            let quote = parts::quote([bid, bid_size, ask, ask_size])?;
            Ok(quote.map(|quote| (product, parts::quote_tick(event_time, quote, None))))
        }),
        "orderBookL2" | "orderBookL2_25" | "orderBook10" => no_tick(NoTickKind::Book),
        "instrument" | "announcement" | "publicNotifications" | "connected" | "chat" => {
            no_tick(NoTickKind::Status)
        }
        "funding" | "insurance" | "liquidation" | "settlement" => no_tick(NoTickKind::Statistics),
        _ if table.starts_with("tradeBin") || table.starts_with("quoteBin") => no_tick(NoTickKind::Candles),
        _ => Err(Unreadable::UnknownShape),
    }
}

fn trade<'f>(trade: Value<'f>, out: &mut Decoded) -> Result<(std::borrow::Cow<'f, str>, Tick), Unreadable> {
    let [time, product, side, size, price, id] =
        fields_of(trade, ["timestamp", "symbol", "side", "size", "price", "trdMatchID"])?;
    let tick = parts::trade(time.time(out)?, price, size, side.side()?, id)?;
    Ok((product.required_text()?, tick))
}
