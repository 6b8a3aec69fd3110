//! One JSON object as the raw text of the fields we know, borrowed from the record.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};

use super::{
    number::{NumberError, parse_fixed},
    time::{WrittenTime, parse_time},
    unreadable::Unreadable,
};

/// The fields that any shape uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
pub(super) enum Key {
    Timestamp,
    Time,
    Venue,
    ProductId,
    Price,
    BestBid,
    BestAsk,
    BestBidQuantity,
    BestAskQuantity,
    BestBidSize,
    BestAskSize,
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
    Payload,
    #[serde(other)]
    Unknown,
}

const KEY_COUNT: usize = Key::Unknown as usize;

impl Key {
    /// As records write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Time => "time",
            Self::Venue => "venue",
            Self::ProductId => "product_id",
            Self::Price => "price",
            Self::BestBid => "best_bid",
            Self::BestAsk => "best_ask",
            Self::BestBidQuantity => "best_bid_quantity",
            Self::BestAskQuantity => "best_ask_quantity",
            Self::BestBidSize => "best_bid_size",
            Self::BestAskSize => "best_ask_size",
            Self::OrderBookImbalance => "order_book_imbalance",
            Self::LastSize => "last_size",
            Self::Side => "side",
            Self::TradeId => "trade_id",
            Self::Raw => "raw",
            Self::Type => "type",
            Self::Channel => "channel",
            Self::SequenceNum => "sequence_num",
            Self::Events => "events",
            Self::Tickers => "tickers",
            Self::Payload => "payload",
            Self::Unknown => "unknown",
        }
    }
}

/// The raw JSON of each known field of one object. A `null` is an absent field.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    values: [Option<&'a str>; KEY_COUNT],
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

    /// A string's content, if the field is there.
    pub(super) fn text(&self, key: Key) -> Result<Option<Cow<'a, str>>, Unreadable> {
        let Some(raw) = self.get(key) else { return Ok(None) };
        match unquoted(raw) {
            None => Err(Unreadable::WrongType { field: key.name() }),
            Some(plain) if !plain.contains('\\') => Ok(Some(Cow::Borrowed(plain))),
            Some(_) => match serde_json::from_str::<String>(raw) {
                Ok(text) => Ok(Some(Cow::Owned(text))),
                Err(_) => Err(Unreadable::WrongType { field: key.name() }),
            },
        }
    }

    /// A string's content.
    pub(super) fn required_text(&self, key: Key) -> Result<Cow<'a, str>, Unreadable> {
        self.text(key)?.ok_or(Unreadable::MissingField { name: key.name() })
    }

    /// A number in units of `10^-decimals`. An empty string is an absent number: feeds send one for "none".
    pub(super) fn fixed(&self, key: Key, decimals: u32) -> Result<Option<i64>, Unreadable> {
        let Some(raw) = self.get(key) else { return Ok(None) };
        let text = unquoted(raw).unwrap_or(raw);
        if text.is_empty() {
            return Ok(None);
        }
        match parse_fixed(text, decimals) {
            Ok(units) => Ok(Some(units)),
            Err(NumberError::NotANumber) => Err(Unreadable::BadNumber { field: key.name() }),
            Err(NumberError::OutOfRange) => Err(Unreadable::OutOfRange { field: key.name() }),
        }
    }

    /// A whole number of at least zero.
    pub(super) fn unsigned(&self, key: Key) -> Result<Option<u64>, Unreadable> {
        let Some(raw) = self.get(key) else { return Ok(None) };
        let text = unquoted(raw).unwrap_or(raw);
        text.parse().map(Some).map_err(|_| Unreadable::BadNumber { field: key.name() })
    }

    /// A time.
    pub(super) fn time(&self, key: Key) -> Result<WrittenTime, Unreadable> {
        let text = self.required_text(key).map_err(|error| match error {
            Unreadable::WrongType { field } => Unreadable::BadTime { field },
            other => other,
        })?;
        parse_time(&text).ok_or(Unreadable::BadTime { field: key.name() })
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
        let mut values = [None; KEY_COUNT];
        let mut seen = [false; KEY_COUNT];
        while let Some(key) = map.next_key::<Key>()? {
            if key == Key::Unknown {
                map.next_value::<de::IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<Option<&'de RawValue>>()?;
            if std::mem::replace(&mut seen[key as usize], true) {
                return Err(de::Error::duplicate_field(key.name()));
            }
            values[key as usize] = value.map(RawValue::get);
        }
        Ok(Fields { values })
    }
}
