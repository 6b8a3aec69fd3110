//! Coinbase Exchange: messages told apart by `type`. `ticker` is one message a trade, with the taker's side. `match`, and
//! `last_match` right after a subscription, report the maker's side; the same trade has the same id in both.
//!
//! The `sequence` here belongs to the product's whole book, not to the connection: between two tickers it skips
//! what other channels would have shown, so it says nothing about losses and is left alone.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    fields::{Fields, Key, Name},
    parts,
    unreadable::Unreadable,
};

/// Decodes a message of the type `message_type`; `None` if Coinbase Exchange has no such type.
pub(super) fn decode(
    message_type: &str,
    fields: &Fields<'_>,
    venue: &str,
    out: &mut Decoded,
) -> Option<Result<RecordKind, Unreadable>> {
    let kind = match message_type {
        "ticker" => return Some(trade(fields, false, venue, out)),
        "match" | "last_match" => return Some(trade(fields, true, venue, out)),
        "subscriptions" => NoTickKind::Subscription,
        "heartbeat" => NoTickKind::Heartbeat,
        // Other venues write such types too, and their products under other names.
        "snapshot" | "l2update" | "received" | "open" | "done" | "change" | "activate"
            if fields.has_name(Name::ProductId) =>
        {
            NoTickKind::Book
        }
        "status" => NoTickKind::Status,
        _ => return None,
    };
    Some(Ok(RecordKind::NoTick(kind)))
}

fn trade(
    fields: &Fields<'_>,
    is_makers_side: bool,
    venue: &str,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    let product = fields.required_text(Key::ProductId)?;
    let event_time = parts::event_time(fields, Key::Time, out)?;
    let mut tick = parts::tick(fields, event_time, fields)?;
    if is_makers_side {
        tick.side = tick.side.map(parts::inverted);
    }
    out.push_only(venue, &product, tick)?;
    Ok(RecordKind::Ticks)
}
