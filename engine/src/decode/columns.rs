//! Which column of a csv holds what: by its header, or by the form of a line where there is none.

use super::{
    cells::{COLUMNS_MAX, cells_of, separator_of},
    look,
    mapping::Mapping,
    time::EpochUnit,
};

/// Names of columns, as [`plain`] makes them, the first of a list before the others.
const TIMES: [&str; 13] = [
    "timestamp",
    "time",
    "ts",
    "eventtime",
    "tradetime",
    "transacttime",
    "transactiontime",
    "tsevent",
    "unixtimestamp",
    "unixtime",
    "unix",
    "datetime",
    "date",
];
const PRICES: [&str; 3] = ["price", "tradeprice", "lastprice"];
const SIZES: [&str; 7] = ["size", "lastsize", "qty", "quantity", "amount", "volume", "tradesize"];
const SIDES: [&str; 3] = ["side", "takerside", "aggressorside"];
const BIDS: [&str; 5] = ["bid", "bidprice", "bestbid", "bestbidprice", "bidpx"];
const ASKS: [&str; 5] = ["ask", "askprice", "bestask", "bestaskprice", "askpx"];
const BID_SIZES: [&str; 8] = [
    "bidsize",
    "bidamount",
    "bidqty",
    "bidquantity",
    "bestbidsize",
    "bestbidqty",
    "bestbidquantity",
    "bidvolume",
];
const ASK_SIZES: [&str; 8] = [
    "asksize",
    "askamount",
    "askqty",
    "askquantity",
    "bestasksize",
    "bestaskqty",
    "bestaskquantity",
    "askvolume",
];
const BUYER_IS_MAKER: [&str; 2] = ["isbuyermaker", "buyermaker"];
const TRADE_IDS: [&str; 4] = ["tradeid", "aggtradeid", "tid", "id"];
const PRODUCTS: [&str; 4] = ["productid", "symbol", "product", "instrumentid"];
const VENUES: [&str; 2] = ["venue", "exchange"];

/// Endings of a time's name that tell its unit.
const UNITS: [(&str, EpochUnit); 10] = [
    ("milliseconds", EpochUnit::Milliseconds),
    ("microseconds", EpochUnit::Microseconds),
    ("nanoseconds", EpochUnit::Nanoseconds),
    ("seconds", EpochUnit::Seconds),
    ("millis", EpochUnit::Milliseconds),
    ("micros", EpochUnit::Microseconds),
    ("nanos", EpochUnit::Nanoseconds),
    ("ms", EpochUnit::Milliseconds),
    ("us", EpochUnit::Microseconds),
    ("ns", EpochUnit::Nanoseconds),
];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing that is read.
    Unread,
    Time,
    Price,
    Size,
    /// `buy` or `sell`, the taker's.
    Side,
    /// True where the buyer was the maker, so the taker sold.
    BuyerIsMaker,
    TradeId,
    Product,
    Bid,
    Ask,
    BidSize,
    AskSize,
    Venue,
}

impl Role {
    pub(super) const COUNT: usize = Self::Venue as usize + 1;

    /// The name by which a mapping takes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Time => "time",
            Self::Price => "price",
            Self::Size => "size",
            Self::Side => "side",
            Self::BuyerIsMaker => "buyer_is_maker",
            Self::TradeId => "trade_id",
            Self::Product => "symbol",
            Self::Bid => "bid",
            Self::Ask => "ask",
            Self::BidSize => "bid_size",
            Self::AskSize => "ask_size",
            Self::Venue => "venue",
        }
    }
}

/// What each column of a csv holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvColumns {
    /// One for each column, each of the others but [`Role::Unread`] once at most.
    pub(super) roles: Vec<Role>,
    /// The unit that the time's name tells; without one its digits do.
    pub(super) unit: Option<EpochUnit>,
    /// What stands between two cells.
    pub(super) separator: char,
}

/// The reason for which the columns of a csv are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No column holds a field that a tick needs.
    #[error(
        "the header has the columns {columns}: none of them names the {lacks}; a time is read from timestamp, time, ts, unix or \
         date, a price from price, or bid and ask, a size from size, qty, amount or volume, a side from side or isBuyerMaker; \
         name others by --columns {lacks}=NAME"
    )]
    Lacks {
        /// The names that there are.
        columns: String,
        /// The field.
        lacks: &'static str,
    },
    /// A column that a mapping names is not there.
    #[error(
        "the field {field} is mapped to the column {place:?}, but the columns are {columns}; map it to one of them"
    )]
    NoColumn {
        /// The field of a tick.
        field: &'static str,
        /// The column as it was written.
        place: String,
        /// The names, or the cells of the first line, that there are.
        columns: String,
    },
    /// A mapping names columns where there is no header.
    #[error(
        "the field {field} is mapped to the column {place:?}, but there is no header; map it to a number from 1 to {count}"
    )]
    NoHeader {
        /// The field of a tick.
        field: &'static str,
        /// The column as it was written.
        place: String,
        /// How many columns there are.
        count: usize,
    },
}

impl CsvColumns {
    /// The columns that a header names, those of the mapping before those that are known by name; `None` if the line is no
    /// header.
    pub(super) fn of_header(line: &str, mapping: &Mapping) -> Option<Result<Self, HeaderError>> {
        let line = line.trim_ascii().trim_start_matches('#');
        let cells = cells_of(line);
        let is_word = |cell: &str| cell.starts_with(|first: char| first.is_alphabetic() || first == '_');
        let is_header = cells.iter().all(|cell| {
            cell.is_empty()
                || is_word(cell) && !cell.eq_ignore_ascii_case("true") && !cell.eq_ignore_ascii_case("false")
        });
        if !is_header
            || !line.starts_with(|first: char| !first.is_ascii_digit())
            || !(1..=COLUMNS_MAX).contains(&cells.len())
        {
            return None;
        }
        Some(Self::by_names(&cells, mapping).map(|columns| Self { separator: separator_of(line), ..columns }))
    }

    fn by_names(cells: &[String], mapping: &Mapping) -> Result<Self, HeaderError> {
        let names: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
        let find = |wanted: &[&str]| wanted.iter().find_map(|name| names.iter().position(|has| has == name));
        let mut columns = Self { roles: vec![Role::Unread; names.len()], unit: None, separator: ',' };
        let time = if mapping.has(Role::Time) { None } else { find_time(&names) };
        columns.unit = time.and_then(|(_, unit)| unit);
        for (role, column) in [
            (Role::Time, time.map(|(time, _)| time)),
            (Role::Price, find(&PRICES)),
            (Role::Size, find(&SIZES)),
            (Role::Side, find(&SIDES)),
            (Role::BuyerIsMaker, find(&BUYER_IS_MAKER)),
            (Role::TradeId, find(&TRADE_IDS)),
            (Role::Product, find(&PRODUCTS)),
            (Role::Venue, find(&VENUES)),
            (Role::Bid, find(&BIDS)),
            (Role::Ask, find(&ASKS)),
            (Role::BidSize, find(&BID_SIZES)),
            (Role::AskSize, find(&ASK_SIZES)),
        ] {
            if let Some(column) = column.filter(|_| !mapping.has(role)) {
                columns.roles[column] = role;
            }
        }
        columns
            .map(mapping, |place| {
                let by_name = cells.iter().position(|cell| cell == place);
                by_name.or_else(|| cells.iter().position(|cell| cell.eq_ignore_ascii_case(place)))
            })
            .map_err(|(field, place)| HeaderError::NoColumn { field, place, columns: listed(cells) })?;
        let lacking = |lacks| HeaderError::Lacks { columns: listed(cells), lacks };
        columns.lacks().map_or(Ok(columns), |lacks| Err(lacking(lacks)))
    }

    /// The field without which no line is a tick, if a column for it is absent.
    fn lacks(&self) -> Option<&'static str> {
        let is_quoted = self.has(Role::Bid) && self.has(Role::Ask);
        match () {
            () if !self.has(Role::Time) => Some("time"),
            () if !self.has(Role::Price) && !is_quoted => Some("price"),
            () => None,
        }
    }

    /// Gives the mapped fields their columns; else returns the first field whose column is not there.
    fn map(
        &mut self,
        mapping: &Mapping,
        by_name: impl Fn(&str) -> Option<usize>,
    ) -> Result<(), (&'static str, String)> {
        for (role, place) in mapping.places() {
            let by_number =
                || place.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < self.roles.len());
            let column = by_name(place).or_else(by_number).ok_or_else(|| (role.name(), place.to_owned()))?;
            self.roles[column] = role;
        }
        Ok(())
    }

    /// The columns of a file without a header, by its first line and the mapping: three, or those of Binance's public dumps,
    /// in which the first `True` or `False` says whether the buyer was the maker, behind the time. `None` for any other line.
    pub(super) fn of_line(line: &str, mapping: &Mapping) -> Option<Result<Self, HeaderError>> {
        let cells = cells_of(line);
        let count = cells.len();
        let mut roles = vec![Role::Unread; count];
        let is_flag = |cell: &String| cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false");
        if mapping.has(Role::Time) {
            // Who names the time by its number names all that is read.
        } else if count == 3 {
            roles = vec![Role::Time, Role::Price, Role::Size];
        } else {
            let maker = cells.iter().position(is_flag).filter(|maker| (4..=6).contains(maker))?;
            if !(6..=8).contains(&count) {
                return None;
            }
            (roles[0], roles[1], roles[2]) = (Role::TradeId, Role::Price, Role::Size);
            (roles[maker - 1], roles[maker]) = (Role::Time, Role::BuyerIsMaker);
        }
        let mut columns = Self { roles, unit: None, separator: separator_of(line) };
        if let Err((field, place)) = columns.map(mapping, |_| None) {
            return Some(Err(HeaderError::NoHeader { field, place, count }));
        }
        columns.lacks().is_none().then_some(Ok(columns))
    }

    /// The column, from 0, of this role.
    pub(super) fn of(&self, role: Role) -> Option<usize> {
        self.roles.iter().position(|&has| has == role)
    }

    pub(super) fn has(&self, role: Role) -> bool {
        self.of(role).is_some()
    }

    /// Whether each line names its product.
    pub fn names_product(&self) -> bool {
        self.has(Role::Product)
    }

    /// Whether the sign of the size would tell the taker's side: there is a size, and no column for the side.
    pub fn may_have_signs(&self) -> bool {
        self.has(Role::Size) && !self.has(Role::Side) && !self.has(Role::BuyerIsMaker)
    }

    /// The columns that are read, in words.
    pub fn describe(&self) -> String {
        let read = self.roles.iter().enumerate().filter(|(_, role)| **role != Role::Unread);
        let read: Vec<String> =
            read.map(|(column, role)| format!("{} in column {}", role.name(), column + 1)).collect();
        read.join(", ")
    }
}

fn listed(cells: &[String]) -> String {
    look::list(cells.iter().map(String::as_str), cells.len())
}

/// A column's name in small letters, without what divides its words.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The column of the time, and the unit that its name tells.
fn find_time(names: &[String]) -> Option<(usize, Option<EpochUnit>)> {
    TIMES.iter().find_map(|wanted| {
        names.iter().enumerate().find_map(|(column, name)| {
            let ending = name.strip_prefix(wanted)?;
            if ending.is_empty() || ending == "utc" {
                return Some((column, None));
            }
            let ending = if matches!(ending, "s" | "sec") { "seconds" } else { ending };
            let (_, unit) = UNITS.iter().find(|(text, _)| *text == ending)?;
            Some((column, Some(*unit)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(line: &str) -> CsvColumns {
        CsvColumns::of_header(line, &Mapping::default()).expect(line).expect(line)
    }

    #[test]
    fn a_header_is_obeyed_whatever_the_order_of_its_columns() {
        assert_eq!(header("timestamp,amount,price").roles, [Role::Time, Role::Size, Role::Price]);
        assert_eq!(header("timestamp_ms,price,size").unit, Some(EpochUnit::Milliseconds));
        assert_eq!(header("Time (s), Trade Price ,\"Volume\"").unit, Some(EpochUnit::Seconds));
        let binance = header("id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch");
        assert_eq!(
            binance.describe(),
            "trade_id in column 1, price in column 2, size in column 3, time in column 5, buyer_is_maker in column 6"
        );
        let tardis = header("exchange,symbol,timestamp,local_timestamp,id,side,price,amount");
        assert_eq!(
            (tardis.of(Role::Time), tardis.of(Role::Product), tardis.of(Role::Venue)),
            (Some(2), Some(1), Some(0))
        );
        assert_eq!(
            (tardis.of(Role::Side), tardis.of(Role::Price), tardis.of(Role::Size)),
            (Some(5), Some(6), Some(7))
        );
        assert_eq!(header("unix,date,symbol,side,price,amount").of(Role::Time), Some(0));
        assert!(!header("date,price").has(Role::Size));
    }

    #[test]
    fn a_header_without_a_time_or_a_price_says_what_it_has_and_what_would_be_read() {
        for (line, lacks) in [
            ("timestamp,bid,bid_size", "price"),
            ("timestamp,open,high,low,close,volume", "price"),
            ("price,size,side", "time"),
            ("a,b,c", "time"),
        ] {
            let error = CsvColumns::of_header(line, &Mapping::default()).expect(line).unwrap_err();
            assert!(
                matches!(&error, HeaderError::Lacks { lacks: has, .. } if *has == lacks),
                "{line}: {error}"
            );
            let text = error.to_string();
            assert!(text.contains(&line.replace(',', ", ")) && text.contains("qty, amount"), "{text}");
        }
        let odd = format!("timestamp,W\n\0{}", ",x".repeat(20));
        let text = CsvColumns::of_header(&odd, &Mapping::default()).unwrap().unwrap_err().to_string();
        assert!(text.contains(r"timestamp, W\n\0, x") && text.contains(", 10 more"), "{text}");
    }

    #[test]
    fn a_line_of_trades_is_no_header_and_its_form_tells_its_columns() {
        for line in [
            "1577836800,7160.0,0.01",
            "2020-01-01T00:00:00Z,1,2",
            "bitmex,XBTUSD,1583020803145000,8531.5",
            "1,a,b",
        ] {
            assert_eq!(CsvColumns::of_header(line, &Mapping::default()), None, "{line}");
        }
        let of_line = |line: &str| CsvColumns::of_line(line, &Mapping::default());
        let three = of_line("1577836800,7160.0,0.01").unwrap().unwrap();
        assert_eq!(three.roles, [Role::Time, Role::Price, Role::Size]);
        for (line, time, maker) in [
            ("3354823456,42283.58,0.00077,32.55,1704067200000,True,True", 4, 5),
            ("1,42283.58,0.00077,7,9,1704067200000,true,true", 5, 6),
            ("1,42283.58,0.00077,7,9,1704067200000,true", 5, 6),
            ("1,42283.58,0.00077,32.5,1704067200000,false", 4, 5),
        ] {
            let columns = of_line(line).expect(line).unwrap();
            let of = [Role::Time, Role::BuyerIsMaker, Role::Price].map(|role| columns.of(role));
            assert_eq!(of, [Some(time), Some(maker), Some(1)], "{line}");
        }
        for line in ["1,2", "1,2,3,4", "1,2,3,4,5,6,7", "1,2,true,4,5,6,7", "1,2,3,4,5,true,7,8,9"] {
            assert_eq!(of_line(line), None, "{line}");
        }
    }

    #[test]
    fn a_mapping_goes_before_names_and_says_which_column_is_not_there() {
        let mapped = |line: &str, mapping: &str| {
            let mapping: Mapping = mapping.parse().unwrap();
            CsvColumns::of_header(line, &mapping).or_else(|| CsvColumns::of_line(line, &mapping)).unwrap()
        };
        let header = "Open time,timestamp,last,price;x,Qty";
        let columns = mapped(header, "time=Open time,price=last,size=5").unwrap();
        assert_eq!(columns.roles, [Role::Time, Role::Unread, Role::Price, Role::Unread, Role::Size]);
        // By number, without a header; what is not mapped is not read.
        let columns = mapped("x;7160;2;1577836800;9", "time=4,price=2").unwrap();
        let expected = [Role::Unread, Role::Price, Role::Unread, Role::Time, Role::Unread];
        assert_eq!((columns.roles.as_slice(), columns.separator), (&expected[..], ';'));
        for (line, mapping, said) in [
            (
                "time,last",
                "price=close",
                "the field price is mapped to the column \"close\", but the columns are time, last",
            ),
            ("time,last", "price=3", "the field price is mapped to the column \"3\""),
            ("1,2,3", "time=T,price=2", "there is no header; map it to a number from 1 to 3"),
        ] {
            let error = mapped(line, mapping).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn quotes_have_columns_of_their_own() {
        // Tardis, book_ticker and quotes.
        let quotes =
            header("exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount");
        let of = [Role::AskSize, Role::Ask, Role::Bid, Role::BidSize].map(|role| quotes.of(role));
        assert_eq!(of, [Some(4), Some(5), Some(6), Some(7)]);
        assert!(header("timestamp,bid,ask").lacks().is_none());
    }
}
