//! Coinbase Exchange: messages told apart by `type`. `ticker` is one message a trade, with the taker's side. `match`, and
//! `last_match` right after a subscription, report the maker's side; the same trade has the same id in both.
//!
//! The `sequence` here belongs to the product's whole book, not to the connection: between two tickers it skips
//! what other channels would have shown, so it says nothing about losses and is left alone.

use super::{
    Venue,
    decoded::{Decoded, NoTickKind, RecordKind},
    fields::{Fields, Key, Name},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

pub(super) static SHAPE: Shape = Shape {
    name: "coinbase-exchange",
    writer: "Coinbase Exchange",
    examples: &[
        r#"{"type":"ticker","sequence":37475248783,"product_id":"ETH-USD","price":"1285.22","open_24h":"1310.79","best_bid":"1285.04","best_bid_size":"0.46688654","best_ask":"1285.27","best_ask_size":"1.56637040","side":"buy","time":"2022-10-19T23:28:22.061769Z","trade_id":370843401,"last_size":"11.4396987"}"#,
        r#"{"type":"match","trade_id":10,"sequence":50,"maker_order_id":"ac928c66-ca53-498f-9c13-a110027a60e8","taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","size":"5.23512","price":"400.23","side":"sell"}"#,
    ],
    is_of: |fields| {
        // Our own tick has a type too, and a timestamp under this name.
        !fields.has_name(Name::Timestamp)
            && fields.get(Key::Type).and_then(kind_of).is_some_and(|kind| {
                // Other venues write such types too, and their products under other names.
                kind != Kind::NoTick(NoTickKind::Book) || fields.has_name(Name::ProductId)
            })
    },
    decode,
};

/// What the messages of a type are.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Ticker,
    /// A trade with the maker's side.
    Match,
    NoTick(NoTickKind),
}

/// What the messages of the type are that is written `written`, in quotes.
fn kind_of(written: &str) -> Option<Kind> {
    Some(match written {
        "\"ticker\"" => Kind::Ticker,
        "\"match\"" | "\"last_match\"" => Kind::Match,
        "\"subscriptions\"" => Kind::NoTick(NoTickKind::Subscription),
        "\"heartbeat\"" => Kind::NoTick(NoTickKind::Heartbeat),
        "\"snapshot\"" | "\"l2update\"" | "\"received\"" | "\"open\"" | "\"done\"" | "\"change\""
        | "\"activate\"" => Kind::NoTick(NoTickKind::Book),
        "\"status\"" => Kind::NoTick(NoTickKind::Status),
        _ => return None,
    })
}

fn decode(fields: &Fields<'_>, venue: Venue<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let kind = fields.get(Key::Type).and_then(kind_of).ok_or(Unreadable::UnknownShape)?;
    if let Kind::NoTick(kind) = kind {
        return Ok(RecordKind::NoTick(kind));
    }
    let product = fields.required_text(Key::ProductId)?;
    let event_time = parts::event_time(fields, Key::Time, out)?;
    let mut tick = parts::tick(fields, event_time, fields)?;
    if kind == Kind::Match {
        tick.side = tick.side.map(parts::inverted);
    }
    out.push_only(venue.name(), &product, tick)?;
    Ok(RecordKind::Ticks)
}
