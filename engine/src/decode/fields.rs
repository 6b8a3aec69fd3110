//! One JSON object as the raw text of the fields we know, borrowed from the record.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};

use super::{
    number::parse_fixed,
    time::{WrittenTime, parse_epoch, parse_time},
    unreadable::Unreadable,
};

/// What a field means, whatever name a record writes it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Time,
    MicroTime,
    Venue,
    ProductId,
    Price,
    BestBid,
    BestAsk,
    BidQuantity,
    AskQuantity,
    OrderBookImbalance,
    LastSize,
    Side,
    TradeId,
    Raw,
    Type,
    Channel,
    SequenceNum,
    Events,
    Tickers,
    Trades,
    Payload,
    Event,
    Data,
    Feed,
    Id,
}

const KEY_COUNT: usize = Key::Id as usize + 1;

/// Makes the names from one list: what serde tells apart, and what each means.
macro_rules! names {
    ($($name:ident $text:literal => $key:ident,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(field_identifier)]
        pub(super) enum Name {
            $(#[serde(rename = $text)] $name,)*
            #[serde(other)]
            Unknown,
        }

        /// Every name that is read, with its meaning.
        const NAMES: [(&str, Key); Name::Unknown as usize] = [$(($text, Key::$key),)*];
    };
}

// Where a record holds several names of one meaning, the first of this list is read and the others are passed over.
names! {
    Timestamp "timestamp" => Time,
    Time "time" => Time,
    Venue "venue" => Venue,
    Exchange "exchange" => Venue,
    ProductId "product_id" => ProductId,
    Symbol "symbol" => ProductId,
    Price "price" => Price,
    BestBid "best_bid" => BestBid,
    Bid "bid" => BestBid,
    BidPrice "bid_price" => BestBid,
    BestAsk "best_ask" => BestAsk,
    Ask "ask" => BestAsk,
    AskPrice "ask_price" => BestAsk,
    BestBidQuantity "best_bid_quantity" => BidQuantity,
    BestBidSize "best_bid_size" => BidQuantity,
    BestBidQty "best_bid_qty" => BidQuantity,
    BidQuantity "bid_quantity" => BidQuantity,
    BidSize "bid_size" => BidQuantity,
    BidQty "bid_qty" => BidQuantity,
    BestAskQuantity "best_ask_quantity" => AskQuantity,
    BestAskSize "best_ask_size" => AskQuantity,
    BestAskQty "best_ask_qty" => AskQuantity,
    AskQuantity "ask_quantity" => AskQuantity,
    AskSize "ask_size" => AskQuantity,
    AskQty "ask_qty" => AskQuantity,
    OrderBookImbalance "order_book_imbalance" => OrderBookImbalance,
    LastSize "last_size" => LastSize,
    Size "size" => LastSize,
    Quantity "quantity" => LastSize,
    Qty "qty" => LastSize,
    Amount "amount" => LastSize,
    Side "side" => Side,
    TradeId "trade_id" => TradeId,
    Raw "raw" => Raw,
    Type "type" => Type,
    Channel "channel" => Channel,
    SequenceNum "sequence_num" => SequenceNum,
    Events "events" => Events,
    Tickers "tickers" => Tickers,
    Trades "trades" => Trades,
    Payload "payload" => Payload,
    Event "event" => Event,
    Data "data" => Data,
    Feed "feed" => Feed,
    Id "id" => Id,
    Microtimestamp "microtimestamp" => MicroTime,
}

impl Key {
    /// The first of its names.
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, key)| *key == self).expect("every key has a name").0
    }
}

/// The raw JSON of each known field of one object. A `null` is an absent field.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    values: [Option<&'a str>; KEY_COUNT],
    /// A bit for each of [`NAMES`] that has a value.
    given: u64,
}

impl<'a> Fields<'a> {
    /// Splits one JSON object; values stay unread.
    pub(super) fn parse(json: &'a str) -> Result<Self, Unreadable> {
        if !json.trim_ascii_start().starts_with('{') {
            // Worth a second look, to tell what is no JSON from what is no object.
            let is_json = serde_json::from_str::<&RawValue>(json).is_ok();
            return Err(if is_json { Unreadable::NotAnObject } else { Unreadable::NotJson });
        }
        serde_json::from_str(json).map_err(|error| match error.classify() {
            Category::Data => Unreadable::RepeatedField,
            Category::Syntax | Category::Eof | Category::Io => Unreadable::NotJson,
        })
    }

    pub(super) fn get(&self, key: Key) -> Option<&'a str> {
        self.values[key as usize]
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// Whether the object has a value under this very name.
    pub(super) fn has_name(&self, name: Name) -> bool {
        self.given & (1 << name as u8) != 0
    }

    /// The name that the record writes the field under; the first one where the field is absent.
    #[cold]
    pub(super) fn name(&self, key: Key) -> &'static str {
        self.first_given(key).map_or_else(|| key.name(), |place| NAMES[place].0)
    }

    /// The place in [`NAMES`] of the name whose value is read.
    #[cold]
    fn first_given(&self, key: Key) -> Option<usize> {
        NAMES.iter().enumerate().position(|(place, &(_, of))| of == key && self.given & (1 << place) != 0)
    }

    /// A string's content, if the field is there.
    pub(super) fn text(&self, key: Key) -> Result<Option<Cow<'a, str>>, Unreadable> {
        let Some(raw) = self.get(key) else { return Ok(None) };
        match unquoted(raw) {
            None => Err(Unreadable::WrongType { field: self.name(key) }),
            Some(plain) if !plain.contains('\\') => Ok(Some(Cow::Borrowed(plain))),
            Some(_) => match serde_json::from_str::<String>(raw) {
                Ok(text) => Ok(Some(Cow::Owned(text))),
                Err(_) => Err(Unreadable::WrongType { field: self.name(key) }),
            },
        }
    }

    /// A string's content.
    pub(super) fn required_text(&self, key: Key) -> Result<Cow<'a, str>, Unreadable> {
        self.text(key)?.ok_or(Unreadable::MissingField { name: key.name() })
    }

    /// A number in units of `10^-decimals`. An empty string is an absent number: feeds send one for "none".
    #[inline]
    pub(super) fn fixed(&self, key: Key, decimals: u32) -> Result<Option<i64>, Unreadable> {
        let Some(text) = self.digits(key) else { return Ok(None) };
        parse_fixed(text, decimals).map(Some).map_err(|error| error.of(self.name(key)))
    }

    /// What stands for a number, in a string or not; `None` for an empty string, which feeds send for "none".
    #[inline]
    pub(super) fn digits(&self, key: Key) -> Option<&'a str> {
        let raw = self.get(key)?;
        Some(unquoted(raw).unwrap_or(raw)).filter(|text| !text.is_empty())
    }

    /// A whole number of at least zero.
    pub(super) fn unsigned(&self, key: Key) -> Result<Option<u64>, Unreadable> {
        let Some(raw) = self.get(key) else { return Ok(None) };
        let text = unquoted(raw).unwrap_or(raw);
        text.parse().map(Some).map_err(|_| Unreadable::BadNumber { field: self.name(key) })
    }

    /// A time: RFC 3339 as text, or time since 1970 as a number or as the text of one.
    pub(super) fn time(&self, key: Key) -> Result<WrittenTime, Unreadable> {
        let raw = self.get(key).ok_or(Unreadable::MissingField { name: key.name() })?;
        if unquoted(raw).is_none() {
            return parse_epoch(raw, None).map_err(|error| error.of(self.name(key)));
        }
        let text = self.required_text(key)?;
        match parse_time(&text) {
            Some(written) => Ok(written),
            None => parse_epoch(&text, None).map_err(|error| error.of(self.name(key))),
        }
    }
}

/// What stands between the quotes, escapes and all; `None` if it is no string.
fn unquoted(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields { values: [None; KEY_COUNT], given: 0 };
        // A bit a name, of a value or of a null.
        let mut seen = 0_u64;
        while let Some(name) = map.next_key::<Name>()? {
            let place = name as u8;
            let Some(&(text, key)) = NAMES.get(usize::from(place)) else {
                map.next_value::<de::IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<Option<&'de RawValue>>()?;
            if seen & (1 << place) != 0 {
                return Err(de::Error::duplicate_field(text));
            }
            seen |= 1 << place;
            if let Some(value) = value {
                fields.given |= 1 << place;
                let known = &fields.values[key as usize];
                if known.is_none() || fields.first_given(key) == Some(usize::from(place)) {
                    fields.values[key as usize] = Some(value.get());
                }
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_under_its_meaning_and_no_other_is() {
        const { assert!(NAMES.len() <= u64::BITS as usize) };
        for (name, key) in NAMES {
            let json = format!("{{\"{name}\":1}}");
            let fields = Fields::parse(&json).unwrap();
            assert_eq!((fields.get(key), fields.name(key)), (Some("1"), name));
        }
        for name in
            ["", "Price", "prices", "timestamps", "unknown", "Unknown", "a_name_that_is_longer_than_any"]
        {
            let json = format!("{{\"{name}\":1}}");
            assert!(Fields::parse(&json).unwrap().values.iter().all(Option::is_none), "{name}");
        }
    }

    #[test]
    fn the_first_name_of_a_meaning_is_read_wherever_it_stands() {
        for json in [
            r#"{"bid":1,"best_bid":2,"size":3}"#,
            r#"{"best_bid":2,"bid":1,"size":3}"#,
            r#"{"best_bid":2,"bid":null,"last_size":null,"size":3}"#,
        ] {
            let fields = Fields::parse(json).unwrap();
            assert_eq!(
                (fields.get(Key::BestBid), fields.name(Key::BestBid)),
                (Some("2"), "best_bid"),
                "{json}"
            );
            assert_eq!(
                (fields.get(Key::LastSize), fields.name(Key::LastSize)),
                (Some("3"), "size"),
                "{json}"
            );
        }
        assert_eq!(Fields::parse(r#"{"bid":1,"bid":1}"#).unwrap_err(), Unreadable::RepeatedField);
    }
}
