//! Tardis' normalized messages: `trade`, and `book_snapshot` whose best levels are a quote. They name their exchange.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::{Field, fields_of},
    fields::{Key, Name},
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

pub(super) static SHAPE: Shape = Shape {
    name: "tardis",
    writer: "Tardis",
    examples: &[
        r#"{"type":"trade","symbol":"XBTUSD","exchange":"bitmex","id":"282a0445-0e3a-abeb-f403-11003204ea1b","price":7996,"amount":50,"side":"sell","timestamp":"2019-10-23T10:32:49.669Z","localTimestamp":"2019-10-23T10:32:49.740Z"}"#,
        r#"{"type":"book_snapshot","symbol":"XBTUSD","exchange":"bitmex","name":"quote","depth":1,"interval":0,"bids":[{"price":7633.5,"amount":1906067}],"asks":[{"price":7634,"amount":1467849}],"timestamp":"2019-11-01T00:00:00.155Z","localTimestamp":"2019-11-01T00:00:00.155Z"}"#,
    ],
    is_of: |fields| fields.has_name(Name::LocalTimestamp) && fields.has(Key::Type),
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    let kind = match fields.plain_text(Key::Type).unwrap_or_default() {
        "trade" => {
            let [time, product, price, amount, side, id] =
                fields_of(fields.object(), ["timestamp", "symbol", "price", "amount", "side", "id"])?;
            let tick = parts::trade(time.time(out)?, price, amount, side.side()?, id)?;
            out.push_only(message.venue(), &message.product(product)?, tick)?;
            return Ok(RecordKind::Ticks);
        }
        "book_snapshot" => return quote(message, out),
        "book_change" => NoTickKind::Book,
        "trade_bar" => NoTickKind::Candles,
        "derivative_ticker" | "liquidation" | "option_summary" => NoTickKind::Statistics,
        "disconnect" => NoTickKind::Status,
        _ => return Err(Unreadable::UnknownShape),
    };
    no_tick(kind)
}

fn quote(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [time, product, bids, asks] =
        fields_of(message.fields.object(), ["timestamp", "symbol", "bids", "asks"])?;
    let ([bid, bid_amount], [ask, ask_amount]) = (best(bids)?, best(asks)?);
    let event_time = time.time(out)?;
    let quote = parts::quote([bid, bid_amount, ask, ask_amount])?;
    let Some(quote) = quote else { return no_tick(NoTickKind::Partial) };
    let tick = parts::quote_tick(event_time, quote, None);
    out.push_only(message.venue(), &message.product(product)?, tick)?;
    Ok(RecordKind::Ticks)
}

/// Price and amount of the first level; of no level, two absent fields.
fn best(levels: Field<'_>) -> Result<[Field<'_>; 2], Unreadable> {
    match levels.required_array()?.elements().next() {
        Some(level) => fields_of(level, ["price", "amount"]).map_err(|reason| levels.within(reason)),
        None => Ok(["price", "amount"].map(|name| Field { name, value: None })),
    }
}
