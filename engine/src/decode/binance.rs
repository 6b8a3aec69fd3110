//! Binance, spot and USD-M futures: streams `trade`, `aggTrade` and `bookTicker`, alone or under `{"stream", "data"}`, and the
//! lists that `GET /api/v3/trades`, `aggTrades` and `ticker/bookTicker` answer.
//!
//! `m` and `isBuyerMaker` tell whether the buyer was the maker: then the taker sold. The time is that of the trade, `T`, and
//! not that of the message, `E`; digits tell milliseconds from microseconds. The `bookTicker` of spot names no time.

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

const VENUE: &str = "binance";

pub(super) static SHAPE: Shape = Shape {
    name: "binance",
    writer: "Binance, spot and USD-M",
    examples: &[
        r#"{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}"#,
        r#"{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136,"m":true,"M":true}"#,
        r#"{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}"#,
        r#"{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}}"#,
    ],
    is_of: |fields| {
        let is_answer = fields.holds_name(Name::Result) && fields.holds_name(Name::Id);
        let is_error = (fields.has(Key::Code) && fields.has_name(Name::Msg) && !fields.has(Key::Data))
            || (fields.has(Key::Error) && fields.holds_name(Name::Id));
        (fields.has(Key::EventType) && fields.has_name(Name::UpperE))
            || (fields.has(Key::Stream) && fields.has(Key::Data))
            || fields.has_names(&[Name::LowerU, Name::LowerS, Name::UpperB])
            || fields.has_names(&[Name::LowerF, Name::LowerL, Name::UpperT])
            || fields.has_name(Name::IsBuyerMaker)
            || ((is_answer || is_error) && !fields.has_name(Name::Jsonrpc) && !fields.has_name(Name::Method))
    },
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    if fields.has(Key::Stream) {
        let data = fields.get(Key::Data);
        let content = data.required()?;
        if content.is_array() {
            // Lists of the figures of all products; the event tells which figures.
            return content
                .elements()
                .next()
                .map_or(no_tick(NoTickKind::Statistics), |first| decode_event(message, first, out));
        }
        return decode_event(message, content, out).map_err(|reason| data.within(reason));
    }
    if fields.has_name(Name::IsBuyerMaker) {
        return listed_trade(message, out);
    }
    if fields.has(Key::Error) || fields.has(Key::Code) {
        return Err(Unreadable::VenueError);
    }
    if fields.holds_name(Name::Result) {
        return no_tick(NoTickKind::Subscription);
    }
    decode_event(message, fields.object(), out)
}

fn decode_event(
    message: &Message<'_>,
    event: Value<'_>,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    let [kind, aggregate_id, depth_id] = fields_of(event, ["e", "a", "lastUpdateId"])?;
    let Some(kind) = kind.text()? else {
        return match () {
            () if depth_id.is_given() => no_tick(NoTickKind::Book),
            // An aggregate trade of a list; in a quote, `a` is the ask.
            () if aggregate_id.value.is_some_and(|id| !id.is_text()) => trade(message, event, "a", out),
            () => quote(message, event, out),
        };
    };
    let kind = match kind.as_ref() {
        "trade" => return trade(message, event, "t", out),
        "aggTrade" => return trade(message, event, "a", out),
        "bookTicker" => return quote(message, event, out),
        "depthUpdate" => NoTickKind::Book,
        "kline" | "continuous_kline" | "indexPrice_kline" | "markPrice_kline" => NoTickKind::Candles,
        "24hrTicker" | "24hrMiniTicker" | "1hTicker" | "4hTicker" | "1dTicker" | "avgPrice"
        | "markPriceUpdate" | "forceOrder" | "compositeIndex" | "assetIndexUpdate" | "indexPriceUpdate" => {
            NoTickKind::Statistics
        }
        "serverShutdown" | "contractInfo" | "tradingSession" => NoTickKind::Status,
        _ => return Err(Unreadable::UnknownShape),
    };
    no_tick(kind)
}

/// A trade, whose number is under `id`.
fn trade(
    message: &Message<'_>,
    event: Value<'_>,
    id: &'static str,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    let [time, product, price, quantity, buyer_is_maker, id, order_kind] =
        fields_of(event, ["T", "s", "p", "q", "m", id, "X"])?;
    // Futures number trades that are none, such as of the insurance fund, and name neither a price nor a quantity.
    if order_kind.text()?.as_deref() == Some("NA") {
        return no_tick(NoTickKind::Partial);
    }
    let tick = parts::trade(time.time(out)?, price, quantity, buyer_is_maker.side_of_buyer_is_maker()?, id)?;
    out.push_only(message.venue_or(VENUE), &message.product(product)?, tick)?;
    Ok(RecordKind::Ticks)
}

fn quote(message: &Message<'_>, event: Value<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [traded, sent, product, bid, bid_quantity, ask, ask_quantity] =
        fields_of(event, ["T", "E", "s", "b", "B", "a", "A"])?;
    if !bid.is_given() && !ask.is_given() {
        return Err(Unreadable::UnknownShape);
    }
    let quote = parts::quote([bid, bid_quantity, ask, ask_quantity])?;
    let product = message.product(product)?;
    let time = message.time(traded.or(sent), out)?;
    let Some(event_time) = time else { return no_tick(NoTickKind::Untimed) };
    let Some(quote) = quote else { return no_tick(NoTickKind::Partial) };
    out.push_only(message.venue_or(VENUE), &product, parts::quote_tick(event_time, quote, None))?;
    Ok(RecordKind::Ticks)
}

/// A trade of the list that is asked for one product, which it does not name.
fn listed_trade(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let [time, product, price, quantity, buyer_is_maker, id] =
        fields_of(message.fields.object(), ["time", "symbol", "price", "qty", "isBuyerMaker", "id"])?;
    let tick = parts::trade(time.time(out)?, price, quantity, buyer_is_maker.side_of_buyer_is_maker()?, id)?;
    out.push_only(message.venue_or(VENUE), &message.product(product)?, tick)?;
    Ok(RecordKind::Ticks)
}
