//! Bybit v5: `{"topic", "type", "ts", "data"}` with the topics `publicTrade`, `tickers` and `orderbook.1`, and the list that
//! `GET /v5/market/recent-trade` answers.
//!
//! A `tickers` message of the type `delta` holds what has changed: with a last price it is a trade of unknown size, with both
//! bid and ask a quote, with neither it is partial. `cts` is the time of the matching engine, `ts` that of the message.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::{Field, fields_of},
    fields::{Key, Name},
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

const VENUE: &str = "bybit";

pub(super) static SHAPE: Shape = Shape {
    name: "bybit",
    writer: "Bybit v5",
    examples: &[
        r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false}]}"#,
        r#"{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","tickDirection":"PlusTick","lastPrice":"17216.00","bid1Price":"17215.50","bid1Size":"84.489","ask1Price":"17216.00","ask1Size":"83.020"},"cs":24987956059,"ts":1673272861686}"#,
        r#"{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":1672304484978,"data":{"s":"BTCUSDT","b":[["16493.50","0.006"]],"a":[["16611.00","0.029"]],"u":18521288,"seq":7961638724},"cts":1672304484976}"#,
    ],
    is_of: |fields| {
        let is_answer = fields.has_name(Name::RetMsg) || fields.has_name(Name::ConnId);
        (fields.plain_text(Key::Topic).is_some() && fields.has(Key::Data) && !fields.has_name(Name::Subject))
            || (fields.has(Key::Operation) && is_answer)
            || fields.has(Key::AnswerCode)
    },
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    if fields.has(Key::AnswerCode) {
        return listed_trades(message, out);
    }
    let Some(topic) = fields.plain_text(Key::Topic) else { return answer(message) };
    let data = fields.get(Key::Data);
    let (kind, rest) = topic.split_once('.').unwrap_or((topic, ""));
    match kind {
        "publicTrade" => message.each(message.venue_or(VENUE), data, out, |trade, out| {
            let [time, product, side, size, price, id] = fields_of(trade, ["T", "s", "S", "v", "p", "i"])?;
            let tick = parts::trade(time.time(out)?, price, size, side.side()?, id)?;
            Ok(Some((message.product(product)?, tick)))
        }),
        "tickers" => ticker(message, data, out),
        "orderbook" if rest.starts_with("1.") => top_of_book(message, data, out),
        "orderbook" => no_tick(NoTickKind::Book),
        "kline" | "kline_lt" => no_tick(NoTickKind::Candles),
        "liquidation" | "allLiquidation" | "insurance" | "priceLimit" | "adlAlert" => {
            no_tick(NoTickKind::Statistics)
        }
        _ => Err(Unreadable::UnknownShape),
    }
}

/// An answer to a request of the connection.
fn answer(message: &Message<'_>) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    if fields.get(Key::Success).value.and_then(|value| value.flag()) == Some(false) {
        return Err(Unreadable::VenueError);
    }
    match fields.plain_text(Key::Operation) {
        Some("ping" | "pong") => no_tick(NoTickKind::Heartbeat),
        Some("subscribe" | "unsubscribe" | "auth") => no_tick(NoTickKind::Subscription),
        _ => Err(Unreadable::UnknownShape),
    }
}

fn ticker(message: &Message<'_>, data: Field<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [product, last, bid, bid_size, ask, ask_size] =
        data.fields(["symbol", "lastPrice", "bid1Price", "bid1Size", "ask1Price", "ask1Size"])?;
    // Options have other names.
    let [option_bid, option_bid_size, option_ask, option_ask_size] =
        data.fields(["bidPrice", "bidSize", "askPrice", "askSize"])?;
    let quote = parts::quote([
        bid.or(option_bid),
        bid_size.or(option_bid_size),
        ask.or(option_ask),
        ask_size.or(option_ask_size),
    ])?;
    let product = message.product(product)?;
    let last = last.quoted_price()?;
    let [sent] = fields_of(message.fields.object(), ["ts"])?;
    let event_time = sent.time(out)?;
    let tick = match (last, quote) {
        (Some(price), quote) => parts::ticker(event_time, price, quote),
        (None, Some(quote)) => parts::quote_tick(event_time, quote, None),
        (None, None) => return no_tick(NoTickKind::Partial),
    };
    out.push_only(message.venue_or(VENUE), &product, tick)?;
    Ok(RecordKind::Ticks)
}

fn top_of_book(message: &Message<'_>, data: Field<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [product, bids, asks] = data.fields(["s", "b", "a"])?;
    let [sent, matched] = fields_of(message.fields.object(), ["ts", "cts"])?;
    let product = message.product(product)?;
    let event_time = matched.or(sent).time(out)?;
    let Some(quote) = parts::quote_of_levels(bids, asks)? else { return no_tick(NoTickKind::Partial) };
    out.push_only(message.venue_or(VENUE), &product, parts::quote_tick(event_time, quote, None))?;
    Ok(RecordKind::Ticks)
}

fn listed_trades(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    if message.fields.raw(Key::AnswerCode) != Some("0") {
        return Err(Unreadable::VenueError);
    }
    let [list] = message.fields.get(Key::Result).fields(["list"])?;
    let kind = message.each(message.venue_or(VENUE), list, out, |trade, out| {
        let [time, product, side, size, price, id] =
            fields_of(trade, ["time", "symbol", "side", "size", "price", "execId"])?;
        let tick = parts::trade(time.time(out)?, price, size, side.side()?, id)?;
        Ok(Some((message.product(product)?, tick)))
    })?;
    out.oldest_first();
    Ok(kind)
}
