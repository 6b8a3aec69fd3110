//! OKX v5: `{"arg": {"channel", "instId"}, "data"}` with the channels `trades`, `trades-all`, `bbo-tbt` and `tickers`, and the
//! list that `GET /api/v5/market/trades` answers.
//!
//! A `tickers` message is sent whenever a trade or the quote changes it, so it is a quote beside which the last price stands.

use super::{
    decoded::{Decoded, NoTickKind, RecordKind},
    field::{Field, fields_of},
    fields::{Key, Name},
    message::{Message, no_tick},
    parts,
    shapes::Shape,
    unreadable::Unreadable,
};

const VENUE: &str = "okx";

pub(super) static SHAPE: Shape = Shape {
    name: "okx",
    writer: "OKX v5",
    examples: &[
        r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3"}]}"#,
        r#"{"arg":{"channel":"bbo-tbt","instId":"BCH-USDT-SWAP"},"data":[{"asks":[["111.06","55154","0","2"]],"bids":[["111.05","57745","0","2"]],"ts":"1670324386802","seqId":363996337}]}"#,
        r#"{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"9999.99","lastSz":"0.1","askPx":"9999.99","askSz":"11","bidPx":"8888.88","bidSz":"5","ts":"1597026383085"}]}"#,
    ],
    is_of: |fields| {
        let is_event = fields.has(Key::Event) && !fields.has(Key::Channel);
        fields.has(Key::Argument)
            || (is_event && (fields.has_name(Name::ConnIdOfOkx) || fields.has(Key::Code)))
            || (fields.has(Key::Code) && fields.has(Key::Data))
            || fields.has_name(Name::InstId)
    },
    decode,
};

fn decode(message: &Message<'_>, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    let fields = &message.fields;
    match fields.plain_text(Key::Event) {
        None => {}
        Some("subscribe" | "unsubscribe" | "login") => return no_tick(NoTickKind::Subscription),
        Some("error") => return Err(Unreadable::VenueError),
        Some("notice" | "channel-conn-count") => return no_tick(NoTickKind::Status),
        Some(_) => return Err(Unreadable::UnknownShape),
    }
    if fields.has(Key::Code) && fields.plain_text(Key::Code) != Some("0") {
        return Err(Unreadable::VenueError);
    }
    let data = fields.get(Key::Data);
    if !fields.has(Key::Argument) {
        if !data.is_given() {
            let (product, tick) = trade(message, fields.object(), out)?;
            out.push_only(message.venue_or(VENUE), &product, tick)?;
            return Ok(RecordKind::Ticks);
        }
        let kind = message
            .each(message.venue_or(VENUE), data, out, |listed, out| trade(message, listed, out).map(Some))?;
        out.oldest_first();
        return Ok(kind);
    }
    let [channel, product] = fields.get(Key::Argument).fields(["channel", "instId"])?;
    let channel = channel.required_text()?;
    match channel.as_ref() {
        "trades" | "trades-all" => message
            .each(message.venue_or(VENUE), data, out, |element, out| trade(message, element, out).map(Some)),
        "bbo-tbt" => message.each(message.venue_or(VENUE), data, out, |book, out| {
            let [bids, asks, time] = fields_of(book, ["bids", "asks", "ts"])?;
            let event_time = time.time(out)?;
            let quote = parts::quote_of_levels(bids, asks)?;
            let product = message.product(product)?;
            Ok(quote.map(|quote| (product, parts::quote_tick(event_time, quote, None))))
        }),
        "tickers" => message.each(message.venue_or(VENUE), data, out, |ticker, out| {
            let [product, time, last, bid, bid_size, ask, ask_size] =
                fields_of(ticker, ["instId", "ts", "last", "bidPx", "bidSz", "askPx", "askSz"])?;
            let event_time = time.time(out)?;
            let quote = parts::quote([bid, bid_size, ask, ask_size])?;
            let (product, last) = (message.product(product)?, last.quoted_price()?);
            Ok(quote.map(|quote| (product, parts::quote_tick(event_time, quote, last))))
        }),
        channel => no_tick(kind_of(channel).ok_or(Unreadable::UnknownShape)?),
    }
}

/// The kind of a channel without ticks.
fn kind_of(channel: &str) -> Option<NoTickKind> {
    Some(match channel {
        "books" | "books5" | "books-l2-tbt" | "books50-l2-tbt" | "books-elp" | "sprd-bbo-tbt" => {
            NoTickKind::Book
        }
        "instruments" | "status" => NoTickKind::Status,
        "mark-price" | "funding-rate" | "open-interest" | "index-tickers" | "price-limit"
        | "estimated-price" | "liquidation-orders" | "adl-warning" | "opt-summary" => NoTickKind::Statistics,
        _ if channel.contains("candle") => NoTickKind::Candles,
        _ => return None,
    })
}

fn trade<'f>(
    message: &Message<'f>,
    trade: super::json::Value<'f>,
    out: &mut Decoded,
) -> Result<(std::borrow::Cow<'f, str>, crate::tick::Tick), Unreadable> {
    let [product, id, price, size, side, time]: [Field<'_>; 6] =
        fields_of(trade, ["instId", "tradeId", "px", "sz", "side", "ts"])?;
    let tick = parts::trade(time.time(out)?, price, size, side.side()?, id)?;
    Ok((message.product(product)?, tick))
}
