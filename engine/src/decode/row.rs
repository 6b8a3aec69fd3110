//! From the cells of one row to its tick: of a csv's line, of a table's row, and of JSON whose keys a user has mapped.

use super::{
    columns::Role,
    decoded::Decoded,
    field::text_id,
    number::{parse_price, parse_quantity},
    time::{EpochUnit, parse_time},
    unreadable::Unreadable,
    venues,
};
use crate::tick::{Depth, EventTime, Price, Quantity, Quote, Side, Tick};

/// The cells of one row by what they hold; empty where there is none.
pub(super) struct Row<'a>(pub(super) [&'a str; Role::COUNT]);

/// What is known of the rows of one source beside their cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowRules {
    /// The venue of rows that name none.
    pub(super) venue: String,
    /// The product of rows that name none; empty where only the rows name it.
    pub(super) product: String,
    /// The unit of times that are numbers, as a header tells it; without one their digits do.
    pub(super) unit: Option<EpochUnit>,
    pub(super) has_side_column: bool,
    /// Whether the sign of a size is the taker's side.
    pub(super) has_signs: bool,
    /// Whether an empty size is a size that is not known.
    pub(super) may_lack_size: bool,
}

impl<'a> Row<'a> {
    pub(super) fn empty() -> Self {
        Self([""; Role::COUNT])
    }

    fn get(&self, role: Role) -> &'a str {
        self.0[role as usize]
    }

    /// The tick of the row, with its venue and its product.
    pub(super) fn tick<'b>(
        &'b self,
        rules: &'b RowRules,
        out: &mut Decoded,
    ) -> Result<(&'b str, &'b str, Tick), Unreadable> {
        let event_time = match self.get(Role::Time) {
            "" => return Err(Unreadable::MissingField { name: Role::Time.name() }),
            text => event_time(text, rules, out)?,
        };
        let quote = self.quote()?;
        let tick = match (self.get(Role::Price), quote) {
            ("", None) => return Err(Unreadable::MissingField { name: Role::Price.name() }),
            // A row of quotes alone: the middle stands for the price of no trade.
            ("", Some(quote)) => Tick {
                event_time,
                is_trade: false,
                price: middle(quote)?,
                quote: Some(quote),
                size: None,
                side: None,
                trade_id: None,
            },
            (price, quote) => {
                let price = parse_price(price).map_err(|error| error.of("price"))?;
                let price = price.ok_or(Unreadable::OutOfRange { field: "price" })?;
                let (size, side) = self.size_and_side(rules)?;
                let trade_id = text_id(self.get(Role::TradeId));
                Tick { event_time, is_trade: true, price, quote, size, side, trade_id }
            }
        };
        let venue = match self.get(Role::Venue) {
            "" => rules.venue.as_str(),
            written => venues::known(written).unwrap_or(written),
        };
        let product = match self.get(Role::Product) {
            "" => rules.product.as_str(),
            written => written,
        };
        Ok((venue, product, tick))
    }

    fn size_and_side(&self, rules: &RowRules) -> Result<(Option<Quantity>, Option<Side>), Unreadable> {
        let written = self.get(Role::Size);
        let is_negative = written.starts_with('-');
        let size = match written {
            "" if rules.may_lack_size => None,
            size => {
                let size = size.strip_prefix('-').unwrap_or(size);
                Some(parse_quantity(size).map_err(|error| error.of("size"))?)
            }
        };
        let side = match size.map(Quantity::units) {
            Some(1..) if is_negative && rules.has_side_column => {
                return Err(Unreadable::OutOfRange { field: "size" });
            }
            _ if rules.has_side_column => self.written_side()?,
            Some(1..) if is_negative => Some(Side::Sell),
            Some(1..) if rules.has_signs => Some(Side::Buy),
            _ => None,
        };
        Ok((size, side))
    }

    /// The taker's side by its own column, or by whether the buyer was the maker. Auctions and the like have none.
    fn written_side(&self) -> Result<Option<Side>, Unreadable> {
        let is = |cell: &str, words: &[&str]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
        match (self.get(Role::Side), self.get(Role::BuyerIsMaker)) {
            ("", "") => Ok(None),
            (side, _) if is(side, &["buy", "b", "buyer", "bid"]) => Ok(Some(Side::Buy)),
            (side, _) if is(side, &["sell", "s", "seller", "ask"]) => Ok(Some(Side::Sell)),
            (side, _) if is(side, &["unknown", "none", "no_aggressor", "null", "nan"]) => Ok(None),
            ("", maker) if is(maker, &["true", "1"]) => Ok(Some(Side::Sell)),
            ("", maker) if is(maker, &["false", "0"]) => Ok(Some(Side::Buy)),
            ("", _) => Err(Unreadable::BadSide { field: "isBuyerMaker" }),
            _ => Err(Unreadable::BadSide { field: "side" }),
        }
    }

    /// The quote: none unless there is both a positive bid and a positive ask.
    fn quote(&self) -> Result<Option<Quote>, Unreadable> {
        let price = |role, field| match self.get(role) {
            "" => Ok(None),
            text => parse_price(text).map_err(|error| error.of(field)),
        };
        let quantity = |role, field| match self.get(role) {
            "" => Ok(None),
            text => parse_quantity(text).map(Some).map_err(|error| error.of(field)),
        };
        let prices: (Option<Price>, Option<Price>) = (price(Role::Bid, "bid")?, price(Role::Ask, "ask")?);
        let depth = match (quantity(Role::BidSize, "bid_size")?, quantity(Role::AskSize, "ask_size")?) {
            (Some(bid), Some(ask)) => Depth::Sizes { bid, ask },
            _ => Depth::Unknown,
        };
        Ok(prices.0.zip(prices.1).map(|(bid, ask)| Quote { bid, ask, depth }))
    }
}

fn event_time(text: &str, rules: &RowRules, out: &mut Decoded) -> Result<EventTime, Unreadable> {
    const FIELD: &str = "timestamp";
    let written = match out.times().parse_epoch(text, rules.unit) {
        Ok(written) => written,
        Err(error) => parse_time(text).ok_or(error.of(FIELD))?,
    };
    Ok(out.note_time(written))
}

/// The price halfway between bid and ask; the bid where the two have different decimals, because no trade is at either.
fn middle(quote: Quote) -> Result<Price, Unreadable> {
    if quote.bid.decimals() != quote.ask.decimals() {
        return Ok(quote.bid);
    }
    let units = (quote.bid.units() + quote.ask.units()) / 2;
    Price::new(units, quote.bid.decimals()).ok_or(Unreadable::OutOfRange { field: "bid" })
}
