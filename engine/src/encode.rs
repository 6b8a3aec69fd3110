//! Writes a tick as one JSON record of our own shape, which [`decode`](crate::decode) reads back to an equal tick.

use std::fmt::{self, Write};

use crate::tick::{Decimals, Depth, Price, Quantity, Side, Tick};

/// Writes the record of a tick of `venue:product` to `out`, replacing its content.
///
/// ```
/// use stormglass_engine::{decode::{DecodeOptions, Decoded, decode}, encode::encode};
/// let record = br#"{"timestamp":"2026-04-04T03:19:18.995321Z","venue":"coinbase","product_id":"BTC-USD",
///     "price":"67223.5","last_size":"0.01","side":"buy","trade_id":7}"#;
/// let (mut decoded, mut again) = (Decoded::default(), Decoded::default());
/// decode(record, &DecodeOptions::of_venue("none"), &mut decoded).unwrap();
/// let first = decoded.ticks().next().unwrap();
/// let mut text = String::new();
/// encode(first.venue, first.product, &first.tick, &mut text);
/// decode(text.as_bytes(), &DecodeOptions::of_venue("none"), &mut again).unwrap();
/// assert_eq!(again.ticks().next().unwrap(), first);
/// ```
pub fn encode(venue: &str, product: &str, tick: &Tick, out: &mut String) {
    out.clear();
    write(venue, product, tick, out).expect("a string takes every character");
}

fn write(venue: &str, product: &str, tick: &Tick, out: &mut String) -> fmt::Result {
    write!(out, r#"{{"timestamp":"{}","venue":"{venue}","product_id":"{product}""#, tick.event_time)?;
    price(out, "price", tick.price)?;
    if let Some(quote) = tick.quote {
        price(out, "best_bid", quote.bid)?;
        price(out, "best_ask", quote.ask)?;
        match quote.depth {
            Depth::Unknown => {}
            Depth::Sizes { bid, ask } => {
                quantity(out, "best_bid_quantity", bid)?;
                quantity(out, "best_ask_quantity", ask)?;
            }
            Depth::ImbalancePpb(ppb) => {
                // The share of the bid, in half billionths: exact with ten decimals.
                let share = (i64::from(ppb) + 1_000_000_000) * 5;
                let (whole, rest) = (share / 10_000_000_000, share % 10_000_000_000);
                write!(out, r#","order_book_imbalance":"{whole}.{rest:010}""#)?;
            }
        }
    }
    if let Some(size) = tick.size {
        quantity(out, "last_size", size)?;
    }
    if let Some(side) = tick.side {
        write!(out, r#","side":"{}""#, if side == Side::Buy { "buy" } else { "sell" })?;
    }
    if let Some(id) = tick.trade_id {
        write!(out, r#","trade_id":{id}"#)?;
    }
    if !tick.is_trade {
        out.write_str(r#","type":"quote""#)?;
    }
    out.write_char('}')
}

fn price(out: &mut String, name: &str, price: Price) -> fmt::Result {
    decimal(out, name, price.units(), price.decimals())
}

fn quantity(out: &mut String, name: &str, quantity: Quantity) -> fmt::Result {
    decimal(out, name, quantity.units(), quantity.decimals())
}

fn decimal(out: &mut String, name: &str, units: i64, decimals: Decimals) -> fmt::Result {
    if decimals == Decimals::Zero {
        return write!(out, r#","{name}":"{units}""#);
    }
    let (one, width) = (decimals.one(), decimals.count() as usize);
    let (whole, rest) = (units / one, units % one);
    write!(out, r#","{name}":"{whole}.{rest:0width$}""#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{DecodeOptions, Decoded, decode},
        sim::{Faults, SimConfig, Simulator},
        tick::Quote,
    };

    #[test]
    fn every_simulated_tick_is_read_back_as_it_was() {
        let config = SimConfig { faults: Faults::realistic(), ..SimConfig::default() };
        let (mut text, mut decoded) = (String::new(), Decoded::default());
        for (i, (_, mut tick)) in Simulator::new(config).take(20_000).enumerate() {
            if let Some(Quote { depth, .. }) = &mut tick.quote
                && i % 3 == 0
            {
                *depth = Depth::ImbalancePpb((i as i32 * 99_991) % 1_000_000_001);
            }
            encode("simulator", "BTC-USD", &tick, &mut text);
            decode(text.as_bytes(), &DecodeOptions::of_venue("other"), &mut decoded).unwrap();
            let read = decoded.ticks().next().unwrap();
            assert_eq!((read.venue, read.product, read.tick), ("simulator", "BTC-USD", tick), "{text}");
        }
    }
}
