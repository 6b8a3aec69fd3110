//! The tick of the system that this one replaces: prices at the top level, the exchange's own ticker under `raw`,
//! where the quantities at the touch are. Its timestamp is the recorder's local time without a zone.

use super::{
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key},
    parts,
    unreadable::Unreadable,
};

pub(super) fn decode(fields: &Fields<'_>, venue: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let raw_json = fields.get(Key::Raw).ok_or(Unreadable::MissingField { name: Key::Raw.name() })?;
    let raw = Fields::parse(raw_json).map_err(|reason| match reason {
        Unreadable::NotAnObject => Unreadable::WrongType { field: Key::Raw.name() },
        other => other,
    })?;
    let product = fields.required_text(Key::ProductId)?;
    let event_time = parts::event_time(fields, Key::Time, out)?;
    let tick = parts::tick(fields, event_time, &raw)?;
    out.push_only(venue, &product, tick)?;
    Ok(RecordKind::Ticks)
}
