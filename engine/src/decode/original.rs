//! The tick of the system that this one replaces: prices at the top level, the exchange's own ticker under `raw`,
//! where the quantities at the touch are. Its timestamp is the recorder's local time without a zone.

use super::{
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key},
    message::Message,
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

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    let raw = fields.get(Key::Raw);
    let raw_fields = Fields::of(raw.required()?).map_err(|reason| raw.within(reason))?;
    let product = message.product(fields.get(Key::ProductId))?;
    let event_time = fields.get(Key::Time).time(out)?;
    let tick = parts::tick(fields, event_time, &raw_fields)?;
    out.push_only(message.venue(), &product, tick)?;
    Ok(RecordKind::Ticks)
}
