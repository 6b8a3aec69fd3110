//! The parts that several shapes share: price, quote, depth, side, trade id.

use crate::tick::{Depth, EventTime, Price, Quantity, Quote, Side, Tick};

use super::{
    decoded::Decoded,
    fields::{Fields, Key},
    number::{parse_price, parse_quantity},
    unreadable::Unreadable,
};

/// Decimals an imbalance is read with: more than a double has between 0 and 1.
const IMBALANCE_DECIMALS: u32 = 18;

/// The time of `fields` under `key`; `out` is told if it has no zone, and its unit if it is a number.
pub(super) fn event_time(fields: &Fields<'_>, key: Key, out: &mut Decoded) -> Result<EventTime, Unreadable> {
    Ok(out.note_time(fields.time(key)?))
}

/// The tick that `fields` write at the top level, with the depth that `depth_fields` write.
pub(super) fn tick(
    fields: &Fields<'_>,
    event_time: EventTime,
    depth_fields: &Fields<'_>,
) -> Result<Tick, Unreadable> {
    Ok(Tick {
        event_time,
        is_trade: true,
        price: price(fields)?,
        quote: quote(fields, depth_fields)?,
        size: quantity(fields, Key::LastSize)?,
        side: side(fields)?,
        trade_id: trade_id(fields)?,
    })
}

fn price(fields: &Fields<'_>) -> Result<Price, Unreadable> {
    let name = Key::Price.name();
    let Some(text) = fields.digits(Key::Price) else { return Err(Unreadable::MissingField { name }) };
    parse_price(text)
        .map_err(|error| error.of(fields.name(Key::Price)))?
        .ok_or(Unreadable::OutOfRange { field: name })
}

/// The quote: none unless there is both a positive bid and a positive ask.
fn quote(fields: &Fields<'_>, depth_fields: &Fields<'_>) -> Result<Option<Quote>, Unreadable> {
    let bid = quoted_price(fields, Key::BestBid)?;
    let ask = quoted_price(fields, Key::BestAsk)?;
    // Read even where there is no quote: a value that cannot be read is never passed over.
    let depth = depth(depth_fields)?;
    Ok(bid.zip(ask).map(|(bid, ask)| Quote { bid, ask, depth }))
}

fn quoted_price(fields: &Fields<'_>, key: Key) -> Result<Option<Price>, Unreadable> {
    let Some(text) = fields.digits(key) else { return Ok(None) };
    parse_price(text).map_err(|error| error.of(fields.name(key)))
}

fn depth(fields: &Fields<'_>) -> Result<Depth, Unreadable> {
    let bid = quantity(fields, Key::BidQuantity)?;
    let ask = quantity(fields, Key::AskQuantity)?;
    if let (Some(bid), Some(ask)) = (bid, ask) {
        return Ok(Depth::Sizes { bid, ask });
    }
    Ok(imbalance_ppb(fields)?.map_or(Depth::Unknown, Depth::ImbalancePpb))
}

/// `bid / (bid + ask)`, 0 to 1, as `(bid - ask) / (bid + ask)` in 1e-9.
fn imbalance_ppb(fields: &Fields<'_>) -> Result<Option<i32>, Unreadable> {
    const ONE: i64 = 10_i64.pow(IMBALANCE_DECIMALS);
    const UNITS_PER_PPB: i64 = ONE / 1_000_000_000;
    let Some(share) = fields.fixed(Key::OrderBookImbalance, IMBALANCE_DECIMALS)? else { return Ok(None) };
    if !(0..=ONE).contains(&share) {
        return Err(Unreadable::OutOfRange { field: Key::OrderBookImbalance.name() });
    }
    let signed = 2 * share - ONE;
    let (quotient, remainder) = (signed.div_euclid(UNITS_PER_PPB), signed.rem_euclid(UNITS_PER_PPB));
    let half = UNITS_PER_PPB / 2;
    let up = remainder > half || (remainder == half && quotient % 2 != 0);
    let ppb = quotient + i64::from(up);
    Ok(Some(i32::try_from(ppb).expect("a share of 0 to 1 gives -1e9 to 1e9")))
}

fn quantity(fields: &Fields<'_>, key: Key) -> Result<Option<Quantity>, Unreadable> {
    let Some(text) = fields.digits(key) else { return Ok(None) };
    parse_quantity(text).map(Some).map_err(|error| error.of(fields.name(key)))
}

/// The other side: of a trade whose maker's side is reported, the taker's.
pub(super) fn inverted(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
    }
}

fn side(fields: &Fields<'_>) -> Result<Option<Side>, Unreadable> {
    let Some(text) = fields.text(Key::Side)? else { return Ok(None) };
    match text.as_ref() {
        "" => Ok(None),
        text if text.eq_ignore_ascii_case("buy") => Ok(Some(Side::Buy)),
        text if text.eq_ignore_ascii_case("sell") => Ok(Some(Side::Sell)),
        _ => Err(Unreadable::BadSide { field: Key::Side.name() }),
    }
}

/// A trade's number; where a venue names its trades by text, a hash of it, which serves to tell repeats.
fn trade_id(fields: &Fields<'_>) -> Result<Option<u64>, Unreadable> {
    match fields.unsigned(Key::TradeId) {
        Ok(number) => Ok(number),
        Err(bad_number) => match fields.text(Key::TradeId) {
            Ok(Some(text)) => Ok(text_id(&text)),
            _ => Err(bad_number),
        },
    }
}

/// A trade's identifier that is text; `None` if it is empty.
pub(super) fn text_id(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    Some(text.parse().unwrap_or_else(|_| xxhash_rust::xxh3::xxh3_64(text.as_bytes())))
}
