//! The tick of the system that this one replaces: prices at the top level, the exchange's own ticker under `raw`,
//! where the quantities at the touch are. Its timestamp is the recorder's local time without a zone.

use super::{
    Venue,
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

pub(super) static SHAPE: Shape = Shape {
    name: "original",
    writer: "the system that this one replaces",
    examples: &[
        r#"{"timestamp":"2025-12-01T16:44:46.329398","product_id":"BTC-USD","price":"85196.66","best_bid":"85194.22","best_ask":"85194.23","raw":{"type":"ticker","price":"85196.66","best_bid_quantity":"0.0047203","best_ask_quantity":"0.01242952"}}"#,
    ],
    is_of: |fields| fields.has(Key::Time) && fields.has(Key::Raw),
    decode,
};

fn decode(fields: &Fields<'_>, venue: Venue<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let raw_json = fields.get(Key::Raw).ok_or(Unreadable::MissingField { name: Key::Raw.name() })?;
    let raw = Fields::parse(raw_json).map_err(|reason| match reason {
        Unreadable::NotAnObject => Unreadable::WrongType { field: Key::Raw.name() },
        other => other,
    })?;
    let product = fields.required_text(Key::ProductId)?;
    let event_time = parts::event_time(fields, Key::Time, out)?;
    let tick = parts::tick(fields, event_time, &raw)?;
    out.push_only(venue.name(), &product, tick)?;
    Ok(RecordKind::Ticks)
}
