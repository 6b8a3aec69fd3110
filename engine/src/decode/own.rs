//! Our own tick (see [`super`]), which is also how sessions recorded elsewhere are kept: the ratio of the quantities
//! at the touch in place of the quantities. `"type": "quote"` marks a change of the quote without a trade.

use super::{
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key},
    parts::{self, QUANTITIES},
    unreadable::Unreadable,
};

pub(super) fn decode(fields: &Fields<'_>, venue: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let product = fields.required_text(Key::ProductId)?;
    let event_time = parts::event_time(fields, Key::Timestamp, out)?;
    let mut tick = parts::tick(fields, event_time, fields, &QUANTITIES)?;
    tick.is_trade = fields.text(Key::Type)?.as_deref() != Some("quote");
    out.push_only(venue, &product, tick)?;
    Ok(RecordKind::Ticks)
}
