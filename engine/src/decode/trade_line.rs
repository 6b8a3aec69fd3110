//! Trades-only csv: `timestamp_ms,price,size`, a negative size being a sell. The symbol is the file's.

use super::{
    decoded::{Decoded, RecordKind, named},
    number::{NumberError, parse_fixed},
    time::parse_millis,
    unreadable::Unreadable,
};
use crate::{
    limits::RECORD_BYTES_MAX,
    tick::{Price, Quantity, Side, Tick},
};

/// Whose trades a csv holds. Checked when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeLineSymbol {
    venue: String,
    product: String,
}

impl TradeLineSymbol {
    /// The symbol of these names; `None` if they cannot name one.
    pub fn new(venue: &str, product: &str) -> Option<Self> {
        named(venue, product).ok()?;
        Some(Self { venue: venue.to_owned(), product: product.to_owned() })
    }

    /// The venue, `bitmex`.
    pub fn venue(&self) -> &str {
        &self.venue
    }

    /// The product, `XBTUSD`.
    pub fn product(&self) -> &str {
        &self.product
    }
}

/// Decodes one csv line (without its line end) into `out`, which it clears first. A line that begins with
/// `timestamp` is a header and no tick.
///
/// # Errors
/// When the line cannot be read.
pub fn decode_trade_line(
    line: &[u8],
    symbol: &TradeLineSymbol,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    out.clear();
    if line.len() > RECORD_BYTES_MAX {
        return Err(Unreadable::TooLong);
    }
    if line.starts_with(b"timestamp") {
        return Ok(RecordKind::NotATick);
    }
    let text = std::str::from_utf8(line).map_err(|_| Unreadable::NotUtf8)?;
    let mut columns = text.split(',').map(str::trim_ascii);
    let (Some(time), Some(price), Some(size), None) =
        (columns.next(), columns.next(), columns.next(), columns.next())
    else {
        return Err(Unreadable::ColumnCount);
    };
    let event_time = parse_millis(time).ok_or(Unreadable::BadTime { field: "timestamp_ms" })?;
    let price =
        Price::from_units(column(price, "price")?).ok_or(Unreadable::OutOfRange { field: "price" })?;
    let signed = column(size, "size")?;
    let size = signed.checked_abs().and_then(Quantity::from_units);
    let tick = Tick {
        event_time,
        is_trade: true,
        price,
        quote: None,
        size: Some(size.ok_or(Unreadable::OutOfRange { field: "size" })?),
        side: match signed {
            0 => None,
            1.. => Some(Side::Buy),
            _ => Some(Side::Sell),
        },
        trade_id: None,
    };
    out.push_only(&symbol.venue, &symbol.product, tick)?;
    Ok(RecordKind::Ticks)
}

fn column(text: &str, field: &'static str) -> Result<i64, Unreadable> {
    parse_fixed(text, 8).map_err(|error| match error {
        NumberError::NotANumber => Unreadable::BadNumber { field },
        NumberError::OutOfRange => Unreadable::OutOfRange { field },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(line: &str) -> Result<Option<Tick>, Unreadable> {
        let symbol = TradeLineSymbol::new("bitmex", "XBTUSD").unwrap();
        let mut out = Decoded::default();
        decode_trade_line(line.as_bytes(), &symbol, &mut out)?;
        Ok(out.ticks().next().map(|decoded| {
            assert_eq!((decoded.venue, decoded.product, decoded.index), ("bitmex", "XBTUSD", 0));
            decoded.tick
        }))
    }

    #[test]
    fn a_negative_size_is_a_sell() {
        let buy = decode("1514764802610,13873,10").unwrap().unwrap();
        assert_eq!((buy.price.units(), buy.side), (1_387_300_000_000, Some(Side::Buy)));
        assert_eq!(buy.size.map(Quantity::units), Some(1_000_000_000));
        let sell = decode("1514764802610,13873.5,-3000\r").unwrap().unwrap();
        assert_eq!((sell.side, sell.size.map(Quantity::units)), (Some(Side::Sell), Some(300_000_000_000)));
        assert_eq!(decode("1514764802610,13873,0").unwrap().unwrap().side, None);
    }

    #[test]
    fn a_header_is_no_tick_and_a_bad_line_says_why() {
        assert_eq!(decode("timestamp,price,size"), Ok(None));
        assert_eq!(decode("1514764802610,13873"), Err(Unreadable::ColumnCount));
        assert_eq!(decode("1514764802610,13873,1,2"), Err(Unreadable::ColumnCount));
        assert_eq!(decode("2018-01-01,13873,1"), Err(Unreadable::BadTime { field: "timestamp_ms" }));
        assert_eq!(decode("1514764802610,0,1"), Err(Unreadable::OutOfRange { field: "price" }));
        assert_eq!(decode("1514764802610,1,nan"), Err(Unreadable::BadNumber { field: "size" }));
        assert_eq!(decode("1514764802610,1,-9e10"), Err(Unreadable::OutOfRange { field: "size" }));
    }

    #[test]
    fn names_are_checked_once() {
        assert_eq!(TradeLineSymbol::new("", "XBTUSD"), None);
        assert_eq!(TradeLineSymbol::new("bit mex", "XBTUSD"), None);
        assert_eq!(TradeLineSymbol::new("bitmex", &"X".repeat(64)), None);
    }
}
