//! Kraken: the WebSocket API v2 (`{"channel", "type", "data"}` with the channels `trade` and `ticker`), the one before it (lists
//! that end with a channel and a pair), and what `GET /0/public/Trades` answers.
//!
//! A ticker of v2 is sent when a trade happens, unless another trigger was asked for, so its last price is a trade of unknown
//! size.

use std::borrow::Cow;

use super::{
    DecodeOptions,
    decoded::{Decoded, NoTickKind, RecordKind},
    field::{Field, fields_of},
    fields::{Key, Name},
    json::Value,
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};
use crate::tick::Tick;

const VENUE: &str = "kraken";

pub(super) static SHAPE: Shape = Shape {
    name: "kraken",
    writer: "Kraken",
    examples: &[
        r#"{"channel":"trade","type":"update","data":[{"symbol":"MATIC/USD","side":"sell","price":0.5117,"qty":40.0,"ord_type":"market","trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"}]}"#,
        r#"{"channel":"ticker","type":"update","data":[{"symbol":"ALGO/USD","bid":0.10025,"bid_qty":740.0,"ask":0.10035,"ask_qty":740.0,"last":0.10035,"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17,"timestamp":"2023-09-25T09:04:31.742648Z"}]}"#,
        r#"[0,[["5541.20000","0.15850568","1534614057.321597","s","l",""],["6060.00000","0.02455000","1534614057.324998","b","l",""]],"trade","XBT/USD"]"#,
        r#"[0,["5698.40000","5700.00000","1542057299.545897","1.01234567","0.98765432"],"spread","XBT/USD"]"#,
    ],
    is_of: |fields| {
        let is_channel = fields.has(Key::Channel)
            && !fields.has(Key::Event)
            && !fields.has(Key::Events)
            && !fields.has(Key::SequenceNum)
            && !fields.has_name(Name::ConnectionId);
        let is_alone = fields.is_text(Key::Channel, "heartbeat") || fields.has(Key::Type);
        let is_event = fields.has(Key::Event)
            && ["heartbeat", "systemStatus", "subscriptionStatus", "pong"]
                .iter()
                .any(|event| fields.is_text(Key::Event, event));
        (is_channel && is_alone)
            || (is_event && !fields.has(Key::Channel) && !fields.has(Key::Argument))
            || (fields.has(Key::Method) && !fields.has_name(Name::Jsonrpc))
            || fields.has_name(Name::OrdType)
            || (fields.has(Key::Error) && fields.has(Key::Result))
            || fields.raw(Key::Error).is_some_and(|error| error.starts_with('['))
    },
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    if fields.has(Key::Method) {
        return answer(message);
    }
    if let Some(event) = fields.plain_text(Key::Event) {
        return match event {
            "heartbeat" | "pong" => no_tick(NoTickKind::Heartbeat),
            "systemStatus" => no_tick(NoTickKind::Status),
            "subscriptionStatus" if fields.has_name(Name::ErrorMessage) => Err(Unreadable::VenueError),
            "subscriptionStatus" => no_tick(NoTickKind::Subscription),
            _ => Err(Unreadable::UnknownShape),
        };
    }
    if fields.has(Key::Error) {
        return listed_trades(message, out);
    }
    let venue = message.venue_or(VENUE);
    let Some(channel) = fields.plain_text(Key::Channel) else {
        let (product, tick) = trade(message, fields.object(), out)?;
        out.push_only(venue, &product, tick)?;
        return Ok(RecordKind::Ticks);
    };
    let data = fields.get(Key::Data);
    match channel {
        "trade" => message.each(venue, data, out, |element, out| trade(message, element, out).map(Some)),
        "ticker" => tickers(message, data, out),
        "heartbeat" => no_tick(NoTickKind::Heartbeat),
        "status" | "instrument" => no_tick(NoTickKind::Status),
        "book" | "level3" => no_tick(NoTickKind::Book),
        "ohlc" => no_tick(NoTickKind::Candles),
        _ => Err(Unreadable::UnknownShape),
    }
}

/// An answer to a request of the connection.
fn answer(message: &Message<'_>) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    let failed = fields.get(Key::Success).value.and_then(Value::flag) == Some(false);
    if failed || fields.has(Key::Error) {
        return Err(Unreadable::VenueError);
    }
    match fields.plain_text(Key::Method) {
        Some("pong" | "ping") => no_tick(NoTickKind::Heartbeat),
        Some("subscribe" | "unsubscribe") => no_tick(NoTickKind::Subscription),
        _ => Err(Unreadable::UnknownShape),
    }
}

fn trade<'f>(
    message: &Message<'f>,
    trade: Value<'f>,
    out: &mut Decoded,
) -> Result<(Cow<'f, str>, Tick), Unreadable> {
    let [time, product, side, price, quantity, id] =
        fields_of(trade, ["timestamp", "symbol", "side", "price", "qty", "trade_id"])?;
    let tick = parts::trade(time.time(out)?, price, quantity, side.side()?, id)?;
    Ok((message.product(product)?, tick))
}

fn tickers(message: &Message<'_>, data: Field<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let mut untimed = false;
    let kind = message.each(message.venue_or(VENUE), data, out, |ticker, out| {
        let [time, product, last, bid, bid_quantity, ask, ask_quantity] =
            fields_of(ticker, ["timestamp", "symbol", "last", "bid", "bid_qty", "ask", "ask_qty"])?;
        let quote = parts::quote([bid, bid_quantity, ask, ask_quantity])?;
        let product = message.product(product)?;
        let price = last.price()?;
        // Before 2025 a ticker named no time.
        let Some(event_time) = message.time(time, out)? else {
            untimed = true;
            return Ok(None);
        };
        Ok(Some((product, parts::ticker(event_time, price, quote))))
    })?;
    match kind {
        RecordKind::NoTick(_) if untimed => no_tick(NoTickKind::Untimed),
        kind => Ok(kind),
    }
}

/// The trades of one pair since a time, oldest first, each a list of price, volume, time, side, kind of order, and others.
fn listed_trades(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    if message.fields.get(Key::Error).value.is_some_and(|errors| errors.elements().next().is_some()) {
        return Err(Unreadable::VenueError);
    }
    let result = message.fields.get(Key::Result);
    let pair = result.required()?.members().find(|(_, value)| value.is_array());
    let Some((pair, trades)) = pair else { return Err(Unreadable::UnknownShape) };
    let product = message.options.product.unwrap_or(&pair);
    trade_lists(trades, product, message.venue_or(VENUE), out)
}

/// Decodes a message of the API before v2: the channel's number, its content, its name and the pair.
pub(super) fn decode_array(
    message: Value<'_>,
    options: &DecodeOptions<'_>,
    named_venue: Option<&str>,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    if options.shape.is_some_and(|shape| *shape != SHAPE) {
        return Err(Unreadable::UnknownShape);
    }
    let mut parts = message.elements();
    let (Some(number), Some(content)) = (parts.next(), parts.next()) else {
        return Err(Unreadable::UnknownShape);
    };
    // A book may come in two parts.
    let texts: Vec<_> = parts.filter_map(Value::text).take(3).collect();
    let is_number = number.raw().bytes().all(|byte| byte.is_ascii_digit());
    let ([channel, product], true) = (texts.as_slice(), is_number) else {
        return Err(Unreadable::UnknownShape);
    };
    let venue = named_venue.unwrap_or(VENUE);
    match channel.as_ref() {
        "trade" if content.is_array() => trade_lists(content, product, venue, out),
        "spread" if content.is_array() => {
            let [bid, ask, time, bid_quantity, ask_quantity] =
                columns(content, ["bid", "ask", "timestamp", "bidVolume", "askVolume"]);
            let event_time = time.time(out)?;
            let quote = super::parts::quote([bid, bid_quantity, ask, ask_quantity])?;
            let Some(quote) = quote else { return no_tick(NoTickKind::Partial) };
            out.push_only(venue, product, super::parts::quote_tick(event_time, quote, None))?;
            Ok(RecordKind::Ticks)
        }
        "ticker" => no_tick(NoTickKind::Untimed),
        _ if channel.starts_with("ohlc") => no_tick(NoTickKind::Candles),
        _ if channel.starts_with("book") => no_tick(NoTickKind::Book),
        _ => Err(Unreadable::UnknownShape),
    }
}

fn trade_lists(
    trades: Value<'_>,
    product: &str,
    venue: &str,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    for trade in trades.elements() {
        let mut read = || {
            let [price, volume, time, side, _, _, id] =
                columns(trade, ["price", "volume", "time", "side", "order", "misc", "trade_id"]);
            // The last column of the API before v2 is a text for which nothing is documented.
            let tick = parts::trade(time.time(out)?, price, volume, side.side_written("b", "s")?, id)?;
            Ok((product, tick))
        };
        let ticker = read();
        if out.push(venue, ticker).is_err() {
            break;
        }
    }
    Ok(RecordKind::Ticks)
}

/// The first elements of a list, named as the documentation names them.
fn columns<'f, const N: usize>(list: Value<'f>, names: [&'static str; N]) -> [Field<'f>; N] {
    let mut elements = list.elements();
    names.map(|name| Field { name, value: elements.next().filter(|value| !value.is_null()) })
}
