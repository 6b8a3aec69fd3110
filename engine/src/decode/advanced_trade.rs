//! Coinbase Advanced Trade: an envelope of events with the connection's sequence number. The channels `ticker` and
//! `ticker_batch` hold any number of tickers, which have the envelope's time and neither side nor size. The channel
//! `market_trades` holds trades, each with its own time and the maker's side.

use std::borrow::Cow;

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::fields_of,
    fields::{Fields, Key},
    json::Value,
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};
use crate::tick::Tick;

pub(super) static SHAPE: Shape = Shape {
    name: "coinbase",
    writer: "Coinbase Advanced Trade",
    examples: &[
        r#"{"channel":"ticker","timestamp":"2023-02-09T20:30:37.167359596Z","sequence_num":0,"events":[{"type":"snapshot","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"21932.98","best_bid":"21931.98","best_bid_quantity":"8000.21","best_ask":"21933.98","best_ask_quantity":"8038.07770938"}]}]}"#,
        r#"{"channel":"market_trades","timestamp":"2023-02-09T20:19:35.39625135Z","sequence_num":0,"events":[{"type":"snapshot","trades":[{"trade_id":"000000000","product_id":"ETH-USD","price":"1260.01","size":"0.3","side":"BUY","time":"2019-08-14T20:42:27.265Z"}]}]}"#,
    ],
    is_of: |fields| {
        let is_listed = fields.has(Key::Trades) && fields.has(Key::BestBid);
        !fields.has(Key::Event)
            && (fields.has(Key::Events)
                || (fields.has(Key::Channel) && fields.has(Key::SequenceNum))
                || is_listed)
    },
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    if !fields.has(Key::Channel) && fields.has(Key::Trades) {
        return listed_trades(message, out);
    }
    out.sequence = fields.get(Key::SequenceNum).unsigned()?;
    match fields.get(Key::Channel).required_text()?.as_ref() {
        "ticker" | "ticker_batch" => tickers(message, out),
        "market_trades" => market_trades(message, out),
        "subscriptions" => no_tick(NoTickKind::Subscription),
        "heartbeats" | "heartbeat" => no_tick(NoTickKind::Heartbeat),
        "l2_data" | "level2" => no_tick(NoTickKind::Book),
        "status" => no_tick(NoTickKind::Status),
        "candles" => no_tick(NoTickKind::Candles),
        _ => Err(Unreadable::UnknownShape),
    }
}

fn tickers(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let events = message.fields.get(Key::Events);
    events.required()?;
    let event_time = message.fields.get(Key::Time).time(out)?;
    each_in_events(message, "tickers", out, |ticker, _| {
        let fields = Fields::of(ticker)?;
        let product = message.product(fields.get(Key::ProductId))?;
        let tick = parts::tick(&fields, event_time, &fields)?;
        Ok((product, tick))
    })
}

fn market_trades(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let kind = each_in_events(message, "trades", out, |element, out| trade(message, element, out))?;
    // The newest trade comes first where a message shows the trades before the subscription.
    out.sort_by_time();
    Ok(kind)
}

/// The trades of one product, newest first, and the quote beside them, whose time is not told.
fn listed_trades(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let trades = message.fields.get(Key::Trades);
    let kind =
        message.each(message.venue(), trades, out, |element, out| trade(message, element, out).map(Some))?;
    out.sort_by_time();
    Ok(kind)
}

/// Calls `read` with every element of the list that each event holds under `list`.
fn each_in_events<'f>(
    message: &Message<'f>,
    list: &'static str,
    out: &mut Decoded,
    mut read: impl FnMut(Value<'f>, &mut Decoded) -> Result<(Cow<'f, str>, Tick), Unreadable>,
) -> Result<RecordKind, Unreadable> {
    let events = message.fields.get(Key::Events);
    for event in events.required_array()?.elements() {
        let [list] = fields_of(event, [list]).map_err(|reason| events.within(reason))?;
        if list.is_given() {
            message.each(message.venue(), list, out, |element, out| read(element, out).map(Some))?;
        }
    }
    Ok(RecordKind::Ticks)
}

fn trade<'f>(
    message: &Message<'f>,
    trade: Value<'f>,
    out: &mut Decoded,
) -> Result<(Cow<'f, str>, Tick), Unreadable> {
    let fields = Fields::of(trade)?;
    let product = message.product(fields.get(Key::ProductId))?;
    let event_time = fields.get(Key::Time).time(out)?;
    let mut tick = parts::tick(&fields, event_time, &fields)?;
    tick.side = tick.side.map(parts::inverted);
    Ok((product, tick))
}
