//! The parts that several shapes share: the tick of our own names, and the ticks that a trade and a quote make.

use crate::tick::{Depth, EventTime, Price, Quote, Side, Tick};

use super::{
    field::Field,
    fields::{Fields, Key},
    json::Value,
    unreadable::Unreadable,
};

/// Decimals an imbalance is read with: more than a double has between 0 and 1.
const IMBALANCE_DECIMALS: u32 = 18;

/// The tick that `fields` write at the top level, with the depth that `depth_fields` write.
pub(super) fn tick(
    fields: &Fields<'_>,
    event_time: EventTime,
    depth_fields: &Fields<'_>,
) -> Result<Tick, Unreadable> {
    let price = fields.get(Key::Price).price()?;
    let bid = fields.get(Key::BestBid).quoted_price()?;
    let ask = fields.get(Key::BestAsk).quoted_price()?;
    // Read even where there is no quote: a value that cannot be read is never passed over.
    let depth = depth(depth_fields)?;
    Ok(Tick {
        event_time,
        is_trade: true,
        price,
        quote: bid.zip(ask).map(|(bid, ask)| Quote { bid, ask, depth }),
        size: fields.get(Key::LastSize).quantity()?,
        side: fields.get(Key::Side).side()?,
        trade_id: fields.get(Key::TradeId).trade_id()?,
    })
}

/// A trade without a quote beside it.
pub(super) fn trade(
    event_time: EventTime,
    price: Field<'_>,
    size: Field<'_>,
    side: Option<Side>,
    id: Field<'_>,
) -> Result<Tick, Unreadable> {
    Ok(Tick {
        event_time,
        is_trade: true,
        price: price.price()?,
        quote: None,
        size: size.quantity()?,
        side,
        trade_id: id.trade_id()?,
    })
}

/// The quote of these fields: none unless there is both a positive bid and a positive ask.
pub(super) fn quote(
    [bid, bid_quantity, ask, ask_quantity]: [Field<'_>; 4],
) -> Result<Option<Quote>, Unreadable> {
    let quoted = bid.quoted_price()?.zip(ask.quoted_price()?);
    let depth = match (bid_quantity.quantity()?, ask_quantity.quantity()?) {
        (Some(bid), Some(ask)) => Depth::Sizes { bid, ask },
        _ => Depth::Unknown,
    };
    Ok(quoted.map(|(bid, ask)| Quote { bid, ask, depth }))
}

/// The quote of the best levels of two lists, each level a list of price and quantity.
pub(super) fn quote_of_levels(bids: Field<'_>, asks: Field<'_>) -> Result<Option<Quote>, Unreadable> {
    let ([bid, bid_quantity], [ask, ask_quantity]) = (best_level(bids)?, best_level(asks)?);
    quote([bid, bid_quantity, ask, ask_quantity])
}

/// Price and quantity of the first level; of no level, two absent fields.
fn best_level(levels: Field<'_>) -> Result<[Field<'_>; 2], Unreadable> {
    let best = levels.required_array()?.elements().next();
    let mut elements = best.into_iter().flat_map(Value::elements);
    Ok([(); 2].map(|()| Field { name: levels.name, value: elements.next() }))
}

/// The tick of a ticker: its last price is a trade of unknown size.
pub(super) fn ticker(event_time: EventTime, price: Price, quote: Option<Quote>) -> Tick {
    Tick { event_time, is_trade: true, price, quote, size: None, side: None, trade_id: None }
}

/// The tick of a change of the quote without a trade. Where no message has named a last price, the tick's is the middle of
/// the quote.
pub(super) fn quote_tick(event_time: EventTime, quote: Quote, last_price: Option<Price>) -> Tick {
    Tick {
        event_time,
        is_trade: false,
        price: last_price.unwrap_or_else(|| middle(quote.bid, quote.ask)),
        quote: Some(quote),
        size: None,
        side: None,
        trade_id: None,
    }
}

/// The middle of two prices, rounded down to a unit of theirs; of two with different decimals, the first of them.
fn middle(bid: Price, ask: Price) -> Price {
    if bid.decimals() != ask.decimals() {
        return bid;
    }
    // Two prices add without overflow, and their half lies between them.
    Price::new((bid.units() + ask.units()) / 2, bid.decimals()).expect("the middle of two prices is a price")
}

fn depth(fields: &Fields<'_>) -> Result<Depth, Unreadable> {
    let bid = fields.get(Key::BidQuantity).quantity()?;
    let ask = fields.get(Key::AskQuantity).quantity()?;
    if let (Some(bid), Some(ask)) = (bid, ask) {
        return Ok(Depth::Sizes { bid, ask });
    }
    Ok(imbalance_ppb(fields.get(Key::OrderBookImbalance))?.map_or(Depth::Unknown, Depth::ImbalancePpb))
}

/// `bid / (bid + ask)`, 0 to 1, as `(bid - ask) / (bid + ask)` in 1e-9.
fn imbalance_ppb(share: Field<'_>) -> Result<Option<i32>, Unreadable> {
    const ONE: i64 = 10_i64.pow(IMBALANCE_DECIMALS);
    const UNITS_PER_PPB: i64 = ONE / 1_000_000_000;
    let field = share.name;
    let Some(share) = share.fixed(IMBALANCE_DECIMALS)? else { return Ok(None) };
    if !(0..=ONE).contains(&share) {
        return Err(Unreadable::OutOfRange { field });
    }
    let signed = 2 * share - ONE;
    let (quotient, remainder) = (signed.div_euclid(UNITS_PER_PPB), signed.rem_euclid(UNITS_PER_PPB));
    let half = UNITS_PER_PPB / 2;
    let up = remainder > half || (remainder == half && quotient % 2 != 0);
    let ppb = quotient + i64::from(up);
    Ok(Some(i32::try_from(ppb).expect("a share of 0 to 1 gives -1e9 to 1e9")))
}

/// The other side: of a trade whose maker's side is reported, the taker's.
pub(super) fn inverted(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
    }
}
