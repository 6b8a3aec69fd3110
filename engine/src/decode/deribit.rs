//! Deribit: JSON-RPC with the channels `trades`, `quote` and `ticker` under `params`, and the list that
//! `public/get_last_trades_by_instrument` answers.
//!
//! A `ticker` is sent at intervals, so it is a quote beside which the last price stands.

use std::borrow::Cow;

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::fields_of,
    fields::{Key, Name},
    json::Value,
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};
use crate::tick::Tick;

const VENUE: &str = "deribit";

pub(super) static SHAPE: Shape = Shape {
    name: "deribit",
    writer: "Deribit",
    examples: &[
        r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.raw","data":[{"trade_seq":30289442,"trade_id":"48079269","timestamp":1590484512188,"tick_direction":2,"price":8950.0,"mark_price":8948.9,"instrument_name":"BTC-PERPETUAL","index_price":8955.88,"direction":"sell","amount":10.0}]}}"#,
        r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC-PERPETUAL","data":{"timestamp":1550658624149,"instrument_name":"BTC-PERPETUAL","best_bid_price":3914.97,"best_bid_amount":40.0,"best_ask_price":3996.61,"best_ask_amount":50.0}}}"#,
        r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"ticker.BTC-PERPETUAL.raw","data":{"timestamp":1623060194301,"state":"open","last_price":36411.0,"instrument_name":"BTC-PERPETUAL","best_bid_price":36442.5,"best_bid_amount":5000.0,"best_ask_price":36443.0,"best_ask_amount":100.0}}}"#,
    ],
    is_of: |fields| fields.has_name(Name::Jsonrpc) || fields.has_name(Name::Instrument),
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    if fields.has(Key::Error) {
        return Err(Unreadable::VenueError);
    }
    if fields.holds_name(Name::Result) {
        let result = fields.get(Key::Result);
        let Some(content) = result.value.filter(|value| value.is_object()) else {
            return no_tick(NoTickKind::Subscription);
        };
        let [trades] = fields_of(content, ["trades"])?;
        if !trades.is_given() {
            return no_tick(NoTickKind::Subscription);
        }
        let kind = message
            .each(message.venue_or(VENUE), trades, out, |element, out| trade(element, out).map(Some))?;
        out.oldest_first();
        return Ok(kind);
    }
    match fields.plain_text(Key::Method) {
        Some("heartbeat") => return no_tick(NoTickKind::Heartbeat),
        Some("subscription") => {}
        Some(_) => return Err(Unreadable::UnknownShape),
        // A trade, a quote or a ticker without what is around it.
        None => return only(message, fields.object(), out),
    }
    let [channel, data] = fields.get(Key::Parameters).fields(["channel", "data"])?;
    let channel = channel.required_text()?;
    let kind = match channel.split('.').next().unwrap_or_default() {
        "trades" => {
            return message
                .each(message.venue_or(VENUE), data, out, |element, out| trade(element, out).map(Some));
        }
        "quote" | "ticker" | "incremental_ticker" => {
            return only(message, data.required()?, out).map_err(|reason| data.within(reason));
        }
        "book" => NoTickKind::Book,
        "chart" => NoTickKind::Candles,
        "platform_state" | "instrument" => NoTickKind::Status,
        "deribit_price_index"
        | "deribit_price_ranking"
        | "deribit_price_statistics"
        | "deribit_volatility_index"
        | "estimated_expiration_price"
        | "markprice"
        | "perpetual" => NoTickKind::Statistics,
        _ => return Err(Unreadable::UnknownShape),
    };
    no_tick(kind)
}

/// Reads a trade, or a quote with or without a last price.
fn only(message: &Message<'_>, data: Value<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [direction] = fields_of(data, ["direction"])?;
    let ticker = match direction.is_given() {
        true => Some(trade(data, out)?),
        false => quote(data, out)?,
    };
    let Some((product, tick)) = ticker else { return no_tick(NoTickKind::Partial) };
    out.push_only(message.venue_or(VENUE), &product, tick)?;
    Ok(RecordKind::Ticks)
}

fn trade<'f>(trade: Value<'f>, out: &mut Decoded) -> Result<(Cow<'f, str>, Tick), Unreadable> {
    let [time, product, price, amount, side, id] =
        fields_of(trade, ["timestamp", "instrument_name", "price", "amount", "direction", "trade_id"])?;
    let tick = parts::trade(time.time(out)?, price, amount, side.side()?, id)?;
    Ok((product.required_text()?, tick))
}

fn quote<'f>(quote: Value<'f>, out: &mut Decoded) -> Result<Option<(Cow<'f, str>, Tick)>, Unreadable> {
    let [time, product, last, bid, bid_amount, ask, ask_amount] = fields_of(
        quote,
        [
            "timestamp",
            "instrument_name",
            "last_price",
            "best_bid_price",
            "best_bid_amount",
            "best_ask_price",
            "best_ask_amount",
        ],
    )?;
    let (event_time, product, last) = (time.time(out)?, product.required_text()?, last.quoted_price()?);
    let quote = parts::quote([bid, bid_amount, ask, ask_amount])?;
    Ok(quote.map(|quote| (product, parts::quote_tick(event_time, quote, last))))
}
