//! Alpaca's market data of crypto: lists of objects whose `T` tells the kind, `t` for a trade and `q` for a quote. `tks` is the
//! taker's side, `B` for a buyer and `S` for a seller.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::fields_of,
    fields::{Key, Name},
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

const VENUE: &str = "alpaca";

pub(super) static SHAPE: Shape = Shape {
    name: "alpaca",
    writer: "Alpaca",
    examples: &[
        r#"[{"T":"t","S":"BTC/USD","p":26675.04,"s":0.0017,"t":"2023-09-21T18:24:05.441812Z","i":74066012,"tks":"S"}]"#,
        r#"[{"T":"q","S":"BTC/USD","bp":26675.04,"bs":0.5,"ap":26680.1,"as":0.4,"t":"2023-09-21T18:24:05.5Z"}]"#,
    ],
    is_of: |fields| {
        fields.plain_text(Key::MessageType).is_some()
            && (fields.has_names(&[Name::UpperS, Name::LowerT])
                || ["success", "subscription", "error"]
                    .iter()
                    .any(|kind| fields.is_text(Key::MessageType, kind)))
    },
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let object = message.fields.object();
    let kind = match message.fields.plain_text(Key::MessageType).unwrap_or_default() {
        "t" => {
            let [time, product, price, size, side, id] = fields_of(object, ["t", "S", "p", "s", "tks", "i"])?;
            let tick = parts::trade(time.time(out)?, price, size, side.side_written("B", "S")?, id)?;
            out.push_only(message.venue_or(VENUE), &product.required_text()?, tick)?;
            return Ok(RecordKind::Ticks);
        }
        "q" => {
            let [time, product, bid, bid_size, ask, ask_size] =
                fields_of(object, ["t", "S", "bp", "bs", "ap", "as"])?;
            let (event_time, product) = (time.time(out)?, product.required_text()?);
            match parts::quote([bid, bid_size, ask, ask_size])? {
                Some(quote) => {
                    out.push_only(
                        message.venue_or(VENUE),
                        &product,
                        parts::quote_tick(event_time, quote, None),
                    )?;
                    return Ok(RecordKind::Ticks);
                }
                None => NoTickKind::Partial,
            }
        }
        "b" | "d" | "u" => NoTickKind::Candles,
        "o" => NoTickKind::Book,
        "s" | "success" => NoTickKind::Status,
        "subscription" => NoTickKind::Subscription,
        "error" => return Err(Unreadable::VenueError),
        _ => return Err(Unreadable::UnknownShape),
    };
    no_tick(kind)
}
