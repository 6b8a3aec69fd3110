//! Coinbase Advanced Trade: an envelope of events, each with any number of tickers. The envelope has the time and
//! the connection's sequence number; a ticker has neither side nor size.

use super::{
    array::for_each_element,
    decoded::{Decoded, RecordKind},
    fields::{Fields, Key},
    parts::{self, QUANTITIES},
    unreadable::Unreadable,
};
use crate::tick::EventTime;

pub(super) fn decode(fields: &Fields<'_>, venue: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    out.sequence = fields.unsigned(Key::SequenceNum)?;
    if !matches!(fields.required_text(Key::Channel)?.as_ref(), "ticker" | "ticker_batch") {
        return Ok(RecordKind::NotATick);
    }
    let event_time = parts::event_time(fields, Key::Timestamp, out)?;
    let events = fields.get(Key::Events).ok_or(Unreadable::MissingField { name: Key::Events.name() })?;
    let read = for_each_element(events, Key::Events.name(), |event| {
        let event = Fields::parse(event).map_err(|reason| within(reason, Key::Events))?;
        let Some(tickers) = event.get(Key::Tickers) else { return Ok(()) };
        for_each_element(tickers, Key::Tickers.name(), |ticker| push_ticker(ticker, event_time, venue, out))
    });
    match read {
        // What was read up to the bound stays; that there was more is among the rejected.
        Ok(()) | Err(Unreadable::TooManyTickers) => Ok(RecordKind::Ticks),
        Err(reason) => Err(reason),
    }
}

fn push_ticker(json: &str, event_time: EventTime, venue: &str, out: &mut Decoded) -> Result<(), Unreadable> {
    let fields = match Fields::parse(json) {
        Ok(fields) => fields,
        Err(reason) => return out.push(venue, Err(within(reason, Key::Tickers))),
    };
    let product = match fields.required_text(Key::ProductId) {
        Ok(product) => product,
        Err(reason) => return out.push(venue, Err(reason)),
    };
    let tick = parts::tick(&fields, event_time, &fields, &QUANTITIES);
    out.push(venue, tick.map(|tick| (product.as_ref(), tick)))
}

/// What is wrong, seen from the field that holds the element.
fn within(reason: Unreadable, key: Key) -> Unreadable {
    match reason {
        Unreadable::NotAnObject => Unreadable::WrongType { field: key.name() },
        other => other,
    }
}
