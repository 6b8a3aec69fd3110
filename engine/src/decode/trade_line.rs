//! Lines of csv, a trade each: `time,price,size` without a header, or the columns that the header names. The sign of a
//! size is the taker's side where the file's sizes have signs; the symbol is the file's or a column's.

use super::{
    cells::Splitter,
    columns::{CsvColumns, HeaderError, Role},
    decoded::{Decoded, NoTickKind, RecordKind, named},
    mapping::Mapping,
    row::{Row, RowRules},
    text_of,
    unreadable::Unreadable,
};
use crate::{limits::RECORD_BYTES_MAX, tick::Side};

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

    /// The symbol of a text `venue:product`, if it is one.
    pub fn named(text: &str) -> Option<Self> {
        let (venue, product) = text.split_once(':')?;
        Self::new(venue, product)
    }

    /// The venue, `bitmex`.
    pub fn venue(&self) -> &str {
        &self.venue
    }

    /// The product, `XBTUSD`; empty where each line names its own.
    pub fn product(&self) -> &str {
        &self.product
    }
}

/// How the lines of one csv are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeLines {
    rules: RowRules,
    mapping: Mapping,
    /// Known from the header, or from the first line that could be read.
    columns: Option<CsvColumns>,
    splitter: Splitter,
}

impl TradeLines {
    /// Lines of this symbol, the sign of whose size is the taker's side.
    pub fn new(symbol: &TradeLineSymbol) -> Self {
        let mut lines = Self::of_many(&symbol.venue);
        lines.rules.product.clone_from(&symbol.product);
        lines
    }

    /// Lines that name their product, and perhaps their venue; `venue` is that of lines which do not.
    pub fn of_many(venue: &str) -> Self {
        let rules = RowRules {
            venue: venue.to_owned(),
            product: String::new(),
            unit: None,
            has_side_column: false,
            has_signs: true,
            may_lack_size: true,
        };
        Self { rules, mapping: Mapping::default(), columns: None, splitter: Splitter::new(',') }
    }

    /// Takes the columns that a user maps.
    #[must_use]
    pub fn mapped(mut self, mapping: &Mapping) -> Self {
        self.mapping = mapping.clone();
        self
    }

    /// Takes the sizes for unsigned: the taker's side of a positive one is not told.
    #[must_use]
    pub fn without_signs(mut self) -> Self {
        self.rules.has_signs = false;
        self
    }

    /// The columns, once they are known.
    pub fn columns(&self) -> Option<&CsvColumns> {
        self.columns.as_ref()
    }

    /// Learns the columns of a first line: by its names if it is a header, else by its form.
    ///
    /// # Errors
    /// When its columns are not those that a tick needs, or that the mapping names.
    pub fn learn(&mut self, line: &str) -> Result<Learned, HeaderError> {
        if let Some(columns) = CsvColumns::of_header(line, &self.mapping) {
            self.obey(columns?);
            return Ok(Learned::Header);
        }
        if self.columns.is_none()
            && let Some(columns) = CsvColumns::of_line(line, &self.mapping)
        {
            self.obey(columns?);
        }
        Ok(Learned::NoHeader)
    }

    fn obey(&mut self, columns: CsvColumns) {
        self.rules.has_side_column = columns.has(Role::Side) || columns.has(Role::BuyerIsMaker);
        self.rules.may_lack_size = columns.roles.len() > 3 || !columns.has(Role::Size);
        self.rules.unit = columns.unit;
        self.splitter = Splitter::new(columns.separator);
        self.columns = Some(columns);
    }
}

/// What a line was, from which the columns were to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// A header, whose names are obeyed.
    Header,
    /// None: a line of values, or of something else.
    NoHeader,
}

/// Decodes one csv line (without its line end) into `out`, which it clears first. A header is no tick, and names the
/// columns of the lines behind it.
///
/// # Errors
/// When the line cannot be read.
pub fn decode_trade_line(
    line: &[u8],
    lines: &mut TradeLines,
    out: &mut Decoded,
) -> Result<RecordKind, Unreadable> {
    out.clear();
    if line.len() > RECORD_BYTES_MAX {
        return Err(Unreadable::TooLong);
    }
    let text = text_of(line)?;
    let begins_with_digit = text.trim_start_matches('"').starts_with(|first: char| first.is_ascii_digit());
    if lines.columns.is_none() || !begins_with_digit {
        match lines.learn(text) {
            Ok(Learned::Header) => return Ok(RecordKind::NoTick(NoTickKind::Header)),
            Ok(Learned::NoHeader) => {}
            Err(_) => return Err(Unreadable::UnknownHeader),
        }
    }
    let TradeLines { rules, columns, splitter, .. } = lines;
    let columns = columns.as_ref().ok_or(Unreadable::ColumnCount)?;
    let mut row = Row::empty();
    let mut roles = columns.roles.iter();
    for cell in splitter.split(text).ok_or(Unreadable::ColumnCount)? {
        let Some(&role) = roles.next() else { return Err(Unreadable::ColumnCount) };
        row.0[role as usize] = cell;
    }
    if roles.len() > 0 {
        return Err(Unreadable::ColumnCount);
    }
    let (venue, product, tick) = row.tick(rules, out)?;
    out.push_only(venue, product, tick)?;
    // From the first size below zero on, a positive one is a purchase.
    rules.has_signs |= !rules.has_side_column && tick.side == Some(Side::Sell);
    Ok(RecordKind::Ticks)
}

/// Whether the size of a line is below zero, so that the sizes of its file have signs.
pub fn is_negative_size(line: &[u8], columns: &CsvColumns) -> bool {
    let separator = columns.separator as u8;
    let size = columns.of(Role::Size).and_then(|size| line.split(|&byte| byte == separator).nth(size));
    let Some(size) = size.map(<[u8]>::trim_ascii) else { return false };
    let size = size.strip_prefix(b"\"").unwrap_or(size);
    size.first() == Some(&b'-') && size.iter().any(|byte| matches!(byte, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::EpochUnit,
        tick::{Quantity, Tick},
    };

    fn lines() -> TradeLines {
        TradeLines::new(&TradeLineSymbol::new("bitmex", "XBTUSD").unwrap())
    }

    /// The tick of the last of some lines, which are of one file.
    fn last(lines: &mut TradeLines, text: &str) -> Result<Option<Tick>, Unreadable> {
        let mut out = Decoded::default();
        let mut kind = Ok(RecordKind::Ticks);
        for line in text.lines() {
            kind = decode_trade_line(line.as_bytes(), lines, &mut out);
        }
        kind?;
        Ok(out.ticks().next().map(|decoded| decoded.tick))
    }

    fn decode(text: &str) -> Result<Option<Tick>, Unreadable> {
        last(&mut lines(), text)
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
    fn a_file_whose_sizes_have_no_sign_does_not_tell_a_side() {
        let mut unsigned = lines().without_signs();
        assert_eq!(last(&mut unsigned, "1577836800,7160,0.01").unwrap().unwrap().side, None);
        assert_eq!(last(&mut unsigned, "1577836800,7160,-0.01").unwrap().unwrap().side, Some(Side::Sell));
        for (line, is_negative) in [
            ("1,2,-3", true),
            ("1,2,\"-0.5\"", true),
            ("1,2,3", false),
            ("1,2,-0.0", false),
            ("1,2", false),
            ("-1,-2,3", false),
        ] {
            assert_eq!(
                is_negative_size(
                    line.as_bytes(),
                    &CsvColumns::of_line("1,2,3", &Mapping::default()).unwrap().unwrap()
                ),
                is_negative,
                "{line}"
            );
        }
    }

    #[test]
    fn the_columns_are_those_that_the_header_names() {
        let swapped = decode("timestamp,amount,price\n1775271600000,0.01,67000.5").unwrap().unwrap();
        assert_eq!(
            (swapped.price.units(), swapped.size.map(Quantity::units)),
            (6_700_050_000_000, Some(1_000_000))
        );
        let dated = decode("timestamp,price,volume\n2025-11-17T23:33:18.135099Z,91749.99,1.587e-05")
            .unwrap()
            .unwrap();
        assert_eq!(dated.event_time.to_string(), "2025-11-17T23:33:18.135099Z");
        assert_eq!(dated.size.map(Quantity::units), Some(1_587));
        let sided = decode("time,side,price,size\n1577836800,SELL,\"1\",2").unwrap().unwrap();
        assert_eq!((sided.side, sided.event_time.second()), (Some(Side::Sell), 1_577_836_800));
        assert_eq!(
            decode("time,side,price,size\n1577836800,hold,1,2"),
            Err(Unreadable::BadSide { field: "side" })
        );
        assert_eq!(
            decode("time,side,price,size\n1577836800,buy,1,-2"),
            Err(Unreadable::OutOfRange { field: "size" })
        );
        // A file that was put together from two obeys each header.
        let second = decode("timestamp,price,size\n1577836800,1,2\ntimestamp,size,price\n1577836801,3,4")
            .unwrap()
            .unwrap();
        assert_eq!(second.price.units(), 400_000_000);
        assert_eq!(decode("timestamp,bid,volume"), Err(Unreadable::UnknownHeader));
    }

    #[test]
    fn a_buyer_that_was_the_maker_means_that_the_taker_sold() {
        for header in ["", "id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch\n"] {
            for (maker, side) in [("True", Side::Sell), ("False", Side::Buy), ("true", Side::Sell)] {
                let text = format!("{header}3354823456,42283.58,0.00077,32.5,1704067200000,{maker},True");
                let tick = decode(&text).unwrap().unwrap();
                assert_eq!((tick.side, tick.trade_id), (Some(side), Some(3_354_823_456)), "{text}");
                assert_eq!(tick.event_time.to_string(), "2024-01-01T00:00:00Z");
            }
        }
    }

    #[test]
    fn lines_may_name_their_symbols() {
        let mut many = TradeLines::of_many("coinbase");
        let mut out = Decoded::default();
        let header = b"exchange,symbol,timestamp,side,price,amount";
        assert_eq!(
            decode_trade_line(header, &mut many, &mut out),
            Ok(RecordKind::NoTick(NoTickKind::Header))
        );
        assert!(many.columns().unwrap().names_product());
        for (line, venue, product) in [
            ("BITMEX,XBTUSD,1583020803145000,sell,8531.5,2152", "bitmex", "XBTUSD"),
            (",ETHUSD,1583020803145000,sell,8531.5,2152", "coinbase", "ETHUSD"),
        ] {
            assert_eq!(
                decode_trade_line(line.as_bytes(), &mut many, &mut out),
                Ok(RecordKind::Ticks),
                "{line}"
            );
            let tick = out.ticks().next().unwrap();
            assert_eq!((tick.venue, tick.product), (venue, product));
            assert_eq!(out.epoch_unit, Some(EpochUnit::Microseconds));
        }
        let nameless = b"bitmex,,1583020803145000,sell,8531.5,2152";
        let refused = decode_trade_line(nameless, &mut many, &mut out);
        assert_eq!(refused, Err(Unreadable::BadName { field: "product_id" }));
    }

    #[test]
    fn a_header_is_no_tick_and_a_bad_line_says_why() {
        assert_eq!(decode("timestamp,price,size"), Ok(None));
        assert_eq!(decode("1514764802610,13873"), Err(Unreadable::ColumnCount));
        assert_eq!(decode("1514764802610,13873,1,2"), Err(Unreadable::ColumnCount));
        assert_eq!(decode("1514764802610,1,1\n1514764802610,13873,1,2"), Err(Unreadable::ColumnCount));
        assert_eq!(decode("2018-01-01,13873,1"), Err(Unreadable::BadTime { field: "timestamp" }));
        assert_eq!(decode("-1514764802610,13873,1"), Err(Unreadable::BadTime { field: "timestamp" }));
        assert_eq!(decode("1514764802,0,1"), Err(Unreadable::OutOfRange { field: "price" }));
        assert_eq!(decode("1514764802610,1,nan"), Err(Unreadable::BadNumber { field: "size" }));
        assert_eq!(decode("1514764802610,1,"), Err(Unreadable::BadNumber { field: "size" }));
        assert_eq!(decode("1514764802610,1,--9"), Err(Unreadable::OutOfRange { field: "size" }));
        assert!(decode("1514764802610,1,-9e10").is_ok(), "a large size is no reason to drop the trade");
        assert_eq!(decode("1000000000000,1,1"), Err(Unreadable::TooEarly { field: "timestamp" }));
        let told = decode("timestamp_ms,price,size\n1577836800,1,1");
        assert_eq!(
            told,
            Err(Unreadable::TooEarly { field: "timestamp" }),
            "1970, by the unit that the header tells"
        );
    }

    #[test]
    fn names_are_checked_once() {
        assert_eq!(TradeLineSymbol::new("", "XBTUSD"), None);
        assert_eq!(TradeLineSymbol::new("bit mex", "XBTUSD"), None);
        assert_eq!(TradeLineSymbol::new("bitmex", &"X".repeat(64)), None);
    }
}
