//! Coinbase Exchange: messages told apart by `type`. `ticker` is one message a trade, with the taker's side. `match`, and
//! `last_match` right after a subscription, report the maker's side; the same trade has the same id in both.
//!
//! The `sequence` here belongs to the product's whole book, not to the connection: between two tickers it skips
//! what other channels would have shown, so it says nothing about losses and is left alone.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    fields::{Fields, Key, Name},
    message::{Message, no_tick},
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
        if fields.has_name(Name::Timestamp) {
            return false;
        }
        let Some(message_type) = fields.plain_text(Key::Type) else { return is_listed(fields) };
        kind_of(message_type).is_some_and(|kind| {
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

/// Whether these are a trade, or the ticker, of the product that was asked for, which they do not name.
fn is_listed(fields: &Fields<'_>) -> bool {
    fields.has_names(&[Name::Time, Name::TradeId, Name::Size])
        && !fields.has(Key::ProductId)
        && !fields.has(Key::Type)
}

/// What the messages of a type are.
fn kind_of(message_type: &str) -> Option<Kind> {
    Some(match message_type {
        "ticker" => Kind::Ticker,
        "match" | "last_match" => Kind::Match,
        "subscriptions" => Kind::NoTick(NoTickKind::Subscription),
        "heartbeat" => Kind::NoTick(NoTickKind::Heartbeat),
        "snapshot" | "l2update" | "received" | "open" | "done" | "change" | "activate" => {
            Kind::NoTick(NoTickKind::Book)
        }
        "status" => Kind::NoTick(NoTickKind::Status),
        _ => return None,
    })
}

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    let kind = match fields.plain_text(Key::Type) {
        Some(message_type) => kind_of(message_type).ok_or(Unreadable::UnknownShape)?,
        // A trade of a list has a side, and that is the maker's.
        None if is_listed(fields) && fields.has(Key::Side) => Kind::Match,
        None => Kind::Ticker,
    };
    if let Kind::NoTick(kind) = kind {
        return no_tick(kind);
    }
    let product = message.product(fields.get(Key::ProductId))?;
    let event_time = fields.get(Key::Time).time(out)?;
    let mut tick = parts::tick(fields, event_time, fields)?;
    if kind == Kind::Match {
        tick.side = tick.side.map(parts::inverted);
    }
    out.push_only(message.venue(), &product, tick)?;
    Ok(RecordKind::Ticks)
}
