//! Which column of a csv holds what: by its header, or by the form of a line where there is none.

use super::{look, time::EpochUnit};

/// Columns of one line at most.
const COLUMNS_MAX: usize = 64;

/// Names of columns, as [`plain`] makes them, the first of a list before the others.
const TIMES: [&str; 11] = [
    "timestamp",
    "time",
    "ts",
    "eventtime",
    "tradetime",
    "transacttime",
    "unixtimestamp",
    "unixtime",
    "unix",
    "datetime",
    "date",
];
const PRICES: [&str; 3] = ["price", "tradeprice", "lastprice"];
const SIZES: [&str; 7] = ["size", "lastsize", "qty", "quantity", "amount", "volume", "tradesize"];
const SIDES: [&str; 2] = ["side", "takerside"];
const BUYER_IS_MAKER: [&str; 2] = ["isbuyermaker", "buyermaker"];
const TRADE_IDS: [&str; 4] = ["tradeid", "aggtradeid", "tid", "id"];
const PRODUCTS: [&str; 3] = ["productid", "symbol", "product"];
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
    Venue,
}

impl Role {
    pub(super) const COUNT: usize = Self::Venue as usize + 1;

    fn name(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Time => "time",
            Self::Price => "price",
            Self::Size => "size",
            Self::Side => "side",
            Self::BuyerIsMaker => "isBuyerMaker",
            Self::TradeId => "trade id",
            Self::Product => "product",
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
}

/// A csv header names no column for the time, or none for the price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the header has the columns {columns}: none of them names the {lacks}; a time is read from timestamp, time, ts, unix or \
     date, a price from price, a size from size, qty, amount or volume, a side from side or isBuyerMaker"
)]
pub struct HeaderError {
    columns: String,
    lacks: &'static str,
}

impl CsvColumns {
    /// `time,price,size`.
    fn three() -> Self {
        Self { roles: vec![Role::Time, Role::Price, Role::Size], unit: None }
    }

    /// The columns that a header names; `None` if the line is no header.
    pub(super) fn of_header(line: &str) -> Option<Result<Self, HeaderError>> {
        let line = line.trim_ascii().trim_start_matches('#');
        let is_word =
            |cell: &str| cell.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let is_header = cells(line).all(|cell| {
            cell.is_empty()
                || is_word(cell) && !cell.eq_ignore_ascii_case("true") && !cell.eq_ignore_ascii_case("false")
        });
        if !is_header
            || !line.starts_with(|first: char| !first.is_ascii_digit())
            || cells(line).count() > COLUMNS_MAX
        {
            return None;
        }
        let names: Vec<String> = cells(line).map(plain).collect();
        let find = |wanted: &[&str]| wanted.iter().find_map(|name| names.iter().position(|has| has == name));
        let lacking = |lacks| HeaderError { columns: look::list(cells(line), names.len()), lacks };
        let Some((time, unit)) = find_time(&names) else { return Some(Err(lacking("time"))) };
        let Some(price) = find(&PRICES) else { return Some(Err(lacking("price"))) };
        let mut roles = vec![Role::Unread; names.len()];
        for (role, column) in [
            (Role::Time, Some(time)),
            (Role::Price, Some(price)),
            (Role::Size, find(&SIZES)),
            (Role::Side, find(&SIDES)),
            (Role::BuyerIsMaker, find(&BUYER_IS_MAKER)),
            (Role::TradeId, find(&TRADE_IDS)),
            (Role::Product, find(&PRODUCTS)),
            (Role::Venue, find(&VENUES)),
        ] {
            if let Some(column) = column {
                roles[column] = role;
            }
        }
        Some(Ok(Self { roles, unit }))
    }

    /// The columns of a file without a header, by its first line: three, or those of Binance's public dumps, in which the
    /// first `True` or `False` says whether the buyer was the maker, behind the time. `None` for any other line.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let count = cells(line).count();
        if count == 3 {
            return Some(Self::three());
        }
        let is_flag = |cell: &str| cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false");
        let maker = cells(line).position(is_flag).filter(|maker| (4..=6).contains(maker))?;
        if !(6..=8).contains(&count) {
            return None;
        }
        let mut roles = vec![Role::Unread; count];
        (roles[0], roles[1], roles[2]) = (Role::TradeId, Role::Price, Role::Size);
        (roles[maker - 1], roles[maker]) = (Role::Time, Role::BuyerIsMaker);
        Some(Self { roles, unit: None })
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

/// The cells of a line, without quotes and blanks around them. No cell of a trade holds a comma.
pub(super) fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|cell| {
        let cell = cell.trim_ascii();
        cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell)
    })
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
        CsvColumns::of_header(line).expect(line).expect(line)
    }

    #[test]
    fn a_header_is_obeyed_whatever_the_order_of_its_columns() {
        assert_eq!(header("timestamp,amount,price").roles, [Role::Time, Role::Size, Role::Price]);
        assert_eq!(header("timestamp_ms,price,size").unit, Some(EpochUnit::Milliseconds));
        assert_eq!(header("Time (s), Trade Price ,\"Volume\"").unit, Some(EpochUnit::Seconds));
        let binance = header("id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch");
        assert_eq!(
            binance.describe(),
            "trade id in column 1, price in column 2, size in column 3, time in column 5, isBuyerMaker in column 6"
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
            ("timestamp,bid,ask", "price"),
            ("timestamp,open,high,low,close,volume", "price"),
            ("price,size,side", "time"),
            ("a,b,c", "time"),
        ] {
            let error = CsvColumns::of_header(line).expect(line).unwrap_err();
            assert_eq!(error.lacks, lacks, "{line}");
            let text = error.to_string();
            assert!(text.contains(&line.replace(',', ", ")) && text.contains("qty, amount"), "{text}");
        }
        let odd = format!("timestamp,W\n\0{}", ",x".repeat(20));
        let text = CsvColumns::of_header(&odd).unwrap().unwrap_err().to_string();
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
            assert_eq!(CsvColumns::of_header(line), None, "{line}");
        }
        assert_eq!(CsvColumns::of_line("1577836800,7160.0,0.01"), Some(CsvColumns::three()));
        for (line, time, maker) in [
            ("3354823456,42283.58,0.00077,32.55,1704067200000,True,True", 4, 5),
            ("1,42283.58,0.00077,7,9,1704067200000,true,true", 5, 6),
            ("1,42283.58,0.00077,7,9,1704067200000,true", 5, 6),
            ("1,42283.58,0.00077,32.5,1704067200000,false", 4, 5),
        ] {
            let columns = CsvColumns::of_line(line).expect(line);
            let of = [Role::Time, Role::BuyerIsMaker, Role::Price].map(|role| columns.of(role));
            assert_eq!(of, [Some(time), Some(maker), Some(1)], "{line}");
        }
        for line in ["1,2", "1,2,3,4", "1,2,3,4,5,6,7", "1,2,true,4,5,6,7", "1,2,3,4,5,true,7,8,9"] {
            assert_eq!(CsvColumns::of_line(line), None, "{line}");
        }
    }
}
