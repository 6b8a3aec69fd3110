//! Coinbase Advanced Trade: an envelope of events with the connection's sequence number. The channels `ticker` and
//! `ticker_batch` hold any number of tickers, which have the envelope's time and neither side nor size. The channel
//! `market_trades` holds trades, each with its own time and the maker's side.

use super::{
    Venue,
    array::for_each_element,
    decoded::{Decoded, NoTickKind, RecordKind},
    fields::{Fields, Key},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};
use crate::tick::EventTime;

pub(super) static SHAPE: Shape = Shape {
    name: "coinbase",
    writer: "Coinbase Advanced Trade",
    examples: &[
        r#"{"channel":"ticker","timestamp":"2023-02-09T20:30:37.167359596Z","sequence_num":0,"events":[{"type":"snapshot","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"21932.98","best_bid":"21931.98","best_bid_quantity":"8000.21","best_ask":"21933.98","best_ask_quantity":"8038.07770938"}]}]}"#,
        r#"{"channel":"market_trades","timestamp":"2023-02-09T20:19:35.39625135Z","sequence_num":0,"events":[{"type":"snapshot","trades":[{"trade_id":"000000000","product_id":"ETH-USD","price":"1260.01","size":"0.3","side":"BUY","time":"2019-08-14T20:42:27.265Z"}]}]}"#,
    ],
    is_of: |fields| !fields.has(Key::Event) && (fields.has(Key::Channel) || fields.has(Key::Events)),
    decode,
};

fn decode(fields: &Fields<'_>, venue: Venue<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let venue = venue.name();
    out.sequence = fields.unsigned(Key::SequenceNum)?;
    let kind = match fields.required_text(Key::Channel)?.as_ref() {
        "ticker" | "ticker_batch" => return tickers(fields, venue, out),
        "market_trades" => return market_trades(fields, venue, out),
        "subscriptions" => NoTickKind::Subscription,
        "heartbeats" | "heartbeat" => NoTickKind::Heartbeat,
        "l2_data" | "level2" => NoTickKind::Book,
        "status" => NoTickKind::Status,
        "candles" => NoTickKind::Candles,
        _ => return Err(Unreadable::UnknownShape),
    };
    Ok(RecordKind::NoTick(kind))
}

fn tickers(fields: &Fields<'_>, venue: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let events = events(fields)?;
    let event_time = parts::event_time(fields, Key::Time, out)?;
    each_in_events(events, Key::Tickers, |ticker| push_ticker(ticker, event_time, venue, out))
}

fn market_trades(fields: &Fields<'_>, venue: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let kind = each_in_events(events(fields)?, Key::Trades, |trade| push_trade(trade, venue, out))?;
    // The newest trade comes first where a message shows the trades before the subscription.
    out.sort_by_time();
    Ok(kind)
}

fn events<'a>(fields: &Fields<'a>) -> Result<&'a str, Unreadable> {
    let Some(events) = fields.get(Key::Events) else {
        // Other venues have a channel `ticker` too, with the ticks under `data`.
        return Err(match fields.has(Key::Data) {
            true => Unreadable::UnknownShape,
            false => Unreadable::MissingField { name: Key::Events.name() },
        });
    };
    Ok(events)
}

/// Calls `each` with every element of the list that each event holds under `list`.
fn each_in_events(
    events: &str,
    list: Key,
    mut each: impl FnMut(&str) -> Result<(), Unreadable>,
) -> Result<RecordKind, Unreadable> {
    let read = for_each_element(events, Key::Events.name(), |event| {
        let event = Fields::parse(event).map_err(|reason| within(reason, Key::Events))?;
        let Some(elements) = event.get(list) else { return Ok(()) };
        for_each_element(elements, list.name(), &mut each)
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
    let tick = parts::tick(&fields, event_time, &fields);
    out.push(venue, tick.map(|tick| (product.as_ref(), tick)))
}

fn push_trade(json: &str, venue: &str, out: &mut Decoded) -> Result<(), Unreadable> {
    let fields = match Fields::parse(json) {
        Ok(fields) => fields,
        Err(reason) => return out.push(venue, Err(within(reason, Key::Trades))),
    };
    let trade = fields.required_text(Key::ProductId).and_then(|product| {
        let event_time = parts::event_time(&fields, Key::Time, out)?;
        let mut tick = parts::tick(&fields, event_time, &fields)?;
        tick.side = tick.side.map(parts::inverted);
        Ok((product, tick))
    });
    out.push(venue, trade.as_ref().map(|(product, tick)| (product.as_ref(), *tick)).map_err(|&reason| reason))
}

/// What is wrong, seen from the field that holds the element.
fn within(reason: Unreadable, key: Key) -> Unreadable {
    match reason {
        Unreadable::NotAnObject => Unreadable::WrongType { field: key.name() },
        other => other,
    }
}
