//! Coinbase Exchange: one `ticker` message a trade, with the taker's side. Its `matches` channel carries the
//! maker's side and is not read, as is everything that is no `ticker`.
//!
//! The `sequence` here belongs to the product's whole book, not to the connection: between two tickers it skips
//! what other channels would have shown, so it says nothing about losses and is left alone.

use super::{
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key},
    parts::{self, SIZES},
    unreadable::Unreadable,
};

pub(super) fn decode(fields: &Fields<'_>, venue: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    if fields.required_text(Key::Type)? != "ticker" {
        return Ok(RecordKind::NotATick);
    }
    let product = fields.required_text(Key::ProductId)?;
    let event_time = parts::event_time(fields, Key::Time, out)?;
    let tick = parts::tick(fields, event_time, fields, &SIZES)?;
    out.push_only(venue, &product, tick)?;
    Ok(RecordKind::Ticks)
}
