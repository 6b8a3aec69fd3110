//! A message of one shape, and what is known of it from around it.

use std::borrow::Cow;

use super::{
    DecodeOptions,
    decoded::{Decoded, NoTickKind, RecordKind},
    field::Field,
    fields::{Fields, Key},
    json::Value,
    unreadable::Unreadable,
};
use crate::tick::{EventTime, Tick};

/// A message without the envelopes around it.
pub(super) struct Message<'a> {
    pub(super) fields: Fields<'a>,
    pub(super) options: &'a DecodeOptions<'a>,
    /// The venue that the message, or an envelope around it, names.
    pub(super) named_venue: Option<&'a str>,
}

impl<'a> Message<'a> {
    /// The venue: the one that is named, else that of the source.
    pub(super) fn venue(&self) -> &'a str {
        self.named_venue.unwrap_or(self.options.venue)
    }

    /// The venue: the one that is named, else the only one that writes this shape.
    pub(super) fn venue_or(&self, venue: &'a str) -> &'a str {
        self.named_venue.unwrap_or(venue)
    }

    /// The product that a field names, else the one that is known beforehand.
    pub(super) fn product<'f>(&self, field: Field<'f>) -> Result<Cow<'f, str>, Unreadable>
    where
        'a: 'f,
    {
        match (field.text()?, self.options.product) {
            (Some(product), _) => Ok(product),
            (None, Some(product)) => Ok(Cow::Borrowed(product)),
            (None, None) => Err(Unreadable::MissingField { name: field.name }),
        }
    }

    /// The time that a field writes, else that of the receipt; `None` if neither is known.
    pub(super) fn time(&self, field: Field<'_>, out: &mut Decoded) -> Result<Option<EventTime>, Unreadable> {
        match field.is_given() {
            true => field.time(out).map(Some),
            false => Ok(self.options.received),
        }
    }

    /// Whether it reports an error as several venues do.
    pub(super) fn is_error(&self) -> bool {
        self.fields.is_text(Key::Type, "error") && !self.fields.has(Key::Price)
    }

    /// Reads every element of a list; an element may give no tick.
    pub(super) fn each<'f>(
        &self,
        venue: &str,
        list: Field<'f>,
        out: &mut Decoded,
        mut read: impl FnMut(Value<'f>, &mut Decoded) -> Result<Option<(Cow<'f, str>, Tick)>, Unreadable>,
    ) -> Result<RecordKind, Unreadable> {
        let mut kind = RecordKind::Ticks;
        for element in list.required_array()?.elements() {
            let ticker = match read(element, out).map_err(|reason| list.within(reason)).transpose() {
                Some(ticker) => ticker,
                None => {
                    kind = RecordKind::NoTick(NoTickKind::Partial);
                    continue;
                }
            };
            if out.push(venue, ticker).is_err() {
                // What was read up to the bound stays; that there was more is among the rejected.
                break;
            }
        }
        Ok(if out.is_empty() { kind } else { RecordKind::Ticks })
    }
}

/// A message of a kind without ticks.
pub(super) fn no_tick(kind: NoTickKind) -> Result<RecordKind, Unreadable> {
    Ok(RecordKind::NoTick(kind))
}
