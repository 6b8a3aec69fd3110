//! Lines of csv, a trade each: `time,price,size` without a header, or the columns that the header names. The sign of a
//! size is the taker's side where the file's sizes have signs; the symbol is the file's or a column's.

use super::{
    columns::{CsvColumns, Role, cells},
    decoded::{Decoded, NoTickKind, RecordKind, named},
    field::text_id,
    number::{parse_price, parse_quantity},
    text_of,
    time::{parse_epoch, parse_time},
    unreadable::Unreadable,
    venues,
};
use crate::{
    limits::RECORD_BYTES_MAX,
    tick::{EventTime, Quantity, Side, Tick},
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

    /// The product, `XBTUSD`; empty where each line names its own.
    pub fn product(&self) -> &str {
        &self.product
    }
}

/// How the lines of one csv are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeLines {
    venue: String,
    /// Empty where only the lines name it.
    product: String,
    /// Known from the header, or from the first line that could be read.
    columns: Option<CsvColumns>,
    has_side_column: bool,
    has_signs: bool,
}

impl TradeLines {
    /// Lines of this symbol, the sign of whose size is the taker's side.
    pub fn new(symbol: &TradeLineSymbol) -> Self {
        let TradeLineSymbol { venue, product } = symbol.clone();
        Self { venue, product, columns: None, has_side_column: false, has_signs: true }
    }

    /// Lines that name their product, and perhaps their venue; `venue` is that of lines which do not.
    pub fn of_many(venue: &str) -> Self {
        Self {
            venue: venue.to_owned(),
            product: String::new(),
            columns: None,
            has_side_column: false,
            has_signs: true,
        }
    }

    /// Takes the sizes for unsigned: the taker's side of a positive one is not told.
    #[must_use]
    pub fn without_signs(self) -> Self {
        Self { has_signs: false, ..self }
    }

    /// The columns, once they are known.
    pub fn columns(&self) -> Option<&CsvColumns> {
        self.columns.as_ref()
    }

    /// Takes a line's columns: by its names if it is a header, else by its form.
    fn learn(&mut self, line: &str) -> Option<Result<RecordKind, Unreadable>> {
        match CsvColumns::of_header(line) {
            Some(Ok(columns)) => {
                self.obey(columns);
                Some(Ok(RecordKind::NoTick(NoTickKind::Header)))
            }
            Some(Err(_)) => Some(Err(Unreadable::UnknownHeader)),
            None => {
                if self.columns.is_none()
                    && let Some(columns) = CsvColumns::of_line(line)
                {
                    self.obey(columns);
                }
                None
            }
        }
    }

    fn obey(&mut self, columns: CsvColumns) {
        self.has_side_column = columns.has(Role::Side) || columns.has(Role::BuyerIsMaker);
        self.columns = Some(columns);
    }
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
    if (lines.columns.is_none() || !text.starts_with(|first: char| first.is_ascii_digit()))
        && let Some(learned) = lines.learn(text)
    {
        return learned;
    }
    let columns = lines.columns.as_ref().ok_or(Unreadable::ColumnCount)?;
    let cells = Cells::of(text, columns)?;
    let tick = tick(&cells, lines, columns, out)?;
    // From the first size below zero on, a positive one is a purchase.
    lines.has_signs |= tick.side == Some(Side::Sell) && !lines.has_side_column;
    let venue = match cells.get(Role::Venue) {
        "" => lines.venue.as_str(),
        written => venues::known(written).unwrap_or(written),
    };
    let product = match cells.get(Role::Product) {
        "" => lines.product.as_str(),
        written => written,
    };
    out.push_only(venue, product, tick)?;
    Ok(RecordKind::Ticks)
}

/// The cells of a line by what they hold; empty where there is none.
struct Cells<'a>([&'a str; Role::COUNT]);

impl<'a> Cells<'a> {
    fn of(line: &'a str, columns: &CsvColumns) -> Result<Self, Unreadable> {
        let mut of = [""; Role::COUNT];
        let mut roles = columns.roles.iter();
        for cell in cells(line) {
            let Some(&role) = roles.next() else { return Err(Unreadable::ColumnCount) };
            of[role as usize] = cell;
        }
        if roles.len() > 0 {
            return Err(Unreadable::ColumnCount);
        }
        Ok(Self(of))
    }

    fn get(&self, role: Role) -> &'a str {
        self.0[role as usize]
    }
}

fn tick(
    cells: &Cells<'_>,
    lines: &TradeLines,
    columns: &CsvColumns,
    out: &mut Decoded,
) -> Result<Tick, Unreadable> {
    let event_time = event_time(cells.get(Role::Time), columns, out)?;
    let price = parse_price(cells.get(Role::Price)).map_err(|error| error.of("price"))?;
    let price = price.ok_or(Unreadable::OutOfRange { field: "price" })?;
    let written = cells.get(Role::Size);
    let is_negative = written.starts_with('-');
    let size = match written {
        // A size that is left out is not known.
        "" if columns.roles.len() > 3 || !columns.has(Role::Size) => None,
        size => {
            Some(parse_quantity(size.strip_prefix('-').unwrap_or(size)).map_err(|error| error.of("size"))?)
        }
    };
    let side = match size.map(Quantity::units) {
        Some(1..) if is_negative && lines.has_side_column => {
            return Err(Unreadable::OutOfRange { field: "size" });
        }
        _ if lines.has_side_column => written_side(cells)?,
        Some(1..) if is_negative => Some(Side::Sell),
        Some(1..) if lines.has_signs => Some(Side::Buy),
        _ => None,
    };
    let trade_id = text_id(cells.get(Role::TradeId));
    Ok(Tick { event_time, is_trade: true, price, quote: None, size, side, trade_id })
}

fn event_time(text: &str, columns: &CsvColumns, out: &mut Decoded) -> Result<EventTime, Unreadable> {
    const FIELD: &str = "timestamp";
    let written = match parse_epoch(text, columns.unit) {
        Ok(written) => written,
        Err(error) => parse_time(text).ok_or(error.of(FIELD))?,
    };
    Ok(out.note_time(written))
}

/// The taker's side by its own column, or by whether the buyer was the maker.
fn written_side(cells: &Cells<'_>) -> Result<Option<Side>, Unreadable> {
    let is = |cell: &str, words: [&str; 2]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    match (cells.get(Role::Side), cells.get(Role::BuyerIsMaker)) {
        ("", "") => Ok(None),
        (side, _) if is(side, ["buy", "b"]) => Ok(Some(Side::Buy)),
        (side, _) if is(side, ["sell", "s"]) => Ok(Some(Side::Sell)),
        ("", maker) if is(maker, ["true", "1"]) => Ok(Some(Side::Sell)),
        ("", maker) if is(maker, ["false", "0"]) => Ok(Some(Side::Buy)),
        ("", _) => Err(Unreadable::BadSide { field: "isBuyerMaker" }),
        _ => Err(Unreadable::BadSide { field: "side" }),
    }
}

/// Whether the size of a line is below zero, so that the sizes of its file have signs.
pub fn is_negative_size(line: &[u8], columns: &CsvColumns) -> bool {
    let size = columns.of(Role::Size).and_then(|size| line.split(|&byte| byte == b',').nth(size));
    let Some(size) = size.map(<[u8]>::trim_ascii) else { return false };
    let size = size.strip_prefix(b"\"").unwrap_or(size);
    size.first() == Some(&b'-') && size.iter().any(|byte| matches!(byte, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::EpochUnit;

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
                is_negative_size(line.as_bytes(), &CsvColumns::of_line("1,2,3").unwrap()),
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
        assert_eq!(decode("timestamp,bid,ask"), Err(Unreadable::UnknownHeader));
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
