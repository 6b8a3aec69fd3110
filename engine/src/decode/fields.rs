//! The fields of an object that are known by name in whatever shape: those of a tick, each with the other names in use for
//! it, and those by which the messages of venues and the envelopes around them are told apart.

use super::{field::Field, json::Value, unreadable::Unreadable};

/// What a field means, whatever name a record writes it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Time,
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
    // The signs of shapes and envelopes.
    Raw,
    Type,
    EventType,
    Stream,
    Topic,
    Argument,
    Table,
    Action,
    Parameters,
    Method,
    Operation,
    Result,
    Error,
    Success,
    Code,
    AnswerCode,
    MessageType,
    Info,
    After,
    SpecVersion,
    /// A name that tells a shape by being there.
    Sign,
    Channel,
    SequenceNum,
    Events,
    Trades,
    Payload,
    Received,
    Event,
    Data,
    Feed,
}

const KEY_COUNT: usize = Key::Feed as usize + 1;

/// Makes the names from one list: the number of each, and what it means.
macro_rules! names {
    ($($name:ident $text:literal => $key:ident,)*) => {
        /// A name that is read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Name {
            $($name,)*
        }

        /// Every name that is read, with its meaning.
        const NAMES: [(&str, Key); [$(Name::$name),*].len()] = [$(($text, Key::$key),)*];
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
    Trades "trades" => Trades,
    Payload "payload" => Payload,
    Received "received" => Received,
    Event "event" => Event,
    Data "data" => Data,
    Feed "feed" => Feed,
    EventType "e" => EventType,
    Stream "stream" => Stream,
    Topic "topic" => Topic,
    Arg "arg" => Argument,
    Table "table" => Table,
    Action "action" => Action,
    Params "params" => Parameters,
    Method "method" => Method,
    Op "op" => Operation,
    Result "result" => Result,
    Error "error" => Error,
    Success "success" => Success,
    Code "code" => Code,
    RetCode "retCode" => AnswerCode,
    UpperT "T" => MessageType,
    Info "info" => Info,
    After "after" => After,
    SpecVersion "specversion" => SpecVersion,
    UpperE "E" => Sign,
    UpperB "B" => Sign,
    UpperS "S" => Sign,
    LowerF "f" => Sign,
    LowerL "l" => Sign,
    LowerS "s" => Sign,
    LowerT "t" => Sign,
    LowerU "u" => Sign,
    Id "id" => Sign,
    IsBuyerMaker "isBuyerMaker" => Sign,
    OrdType "ord_type" => Sign,
    Subject "subject" => Sign,
    ConnId "conn_id" => Sign,
    ReqId "req_id" => Sign,
    RetMsg "ret_msg" => Sign,
    ConnectionId "connection_id" => Sign,
    InstId "instId" => Sign,
    Instrument "instrument_name" => Sign,
    TrdMatchId "trdMatchID" => Sign,
    Request "request" => Sign,
    Coin "coin" => Sign,
    Datetime "datetime" => Sign,
    LocalTimestamp "localTimestamp" => Sign,
    ReceiptTimestamp "receipt_timestamp" => Sign,
    Msg "msg" => Sign,
    ConnIdOfOkx "connId" => Sign,
    Docs "docs" => Sign,
    Tid "tid" => Sign,
    ErrorMessage "errorMessage" => Sign,
    Jsonrpc "jsonrpc" => Sign,
}

/// The first name of each meaning.
const FIRST_NAMES: [&str; KEY_COUNT] = {
    let mut first = [""; KEY_COUNT];
    let mut place = NAMES.len();
    while place > 0 {
        place -= 1;
        first[NAMES[place].1 as usize] = NAMES[place].0;
    }
    first
};

/// Slots of [`PLACES`]: a power of two, so many that most names have their own.
const SLOTS: usize = 512;
/// No name, and no place.
const NONE: u8 = u8::MAX;

/// The place of each name in [`NAMES`], at the slot of its name or behind it.
const PLACES: [u8; SLOTS] = {
    assert!(NAMES.len() < NONE as usize);
    let mut places = [NONE; SLOTS];
    let mut place = 0;
    while place < NAMES.len() {
        let mut slot = slot_of(NAMES[place].0.as_bytes());
        while places[slot] != NONE {
            slot = (slot + 1) % SLOTS;
        }
        places[slot] = place as u8;
        place += 1;
    }
    places
};

const fn slot_of(name: &[u8]) -> usize {
    let count = name.len();
    if count == 0 {
        return 0;
    }
    let (first, middle, last) = (name[0] as usize, name[count / 2] as usize, name[count - 1] as usize);
    (count * 101 + first * 37 + middle * 11 + last * 5) % SLOTS
}

/// The place in [`NAMES`] of a name that is read.
#[inline]
fn place_of(name: &str) -> Option<u8> {
    let mut slot = slot_of(name.as_bytes());
    loop {
        let place = PLACES[slot];
        let (known, _) = NAMES.get(usize::from(place))?;
        if *known == name {
            return Some(place);
        }
        slot = (slot + 1) % SLOTS;
    }
}

/// The known fields of one object. A `null` is an absent field.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    object: Value<'a>,
    /// The number of the value of each meaning; 0 where there is none.
    values: [u32; KEY_COUNT],
    /// The place in [`NAMES`] of the name of each.
    places: [u8; KEY_COUNT],
    /// A bit for each of [`NAMES`] that has a value.
    given: u128,
    /// A bit for each that has a value or a null.
    seen: u128,
}

impl<'a> Fields<'a> {
    /// Finds the known fields of an object; values stay unread.
    ///
    /// # Errors
    /// When it is no object, or holds a known name twice.
    pub(super) fn of(object: Value<'a>) -> Result<Self, Unreadable> {
        if !object.is_object() {
            return Err(Unreadable::NotAnObject);
        }
        let mut fields =
            Self { object, values: [0; KEY_COUNT], places: [NONE; KEY_COUNT], given: 0, seen: 0 };
        for (name, value) in object.members() {
            let Some(place) = place_of(&name) else { continue };
            let bit = 1 << place;
            if fields.seen & bit != 0 {
                return Err(Unreadable::RepeatedField);
            }
            fields.seen |= bit;
            if value.is_null() {
                continue;
            }
            fields.given |= bit;
            let key = NAMES[usize::from(place)].1 as usize;
            // No place is greater than that of no name.
            if place < fields.places[key] {
                (fields.values[key], fields.places[key]) = (value.number(), place);
            }
        }
        Ok(fields)
    }

    /// The object.
    pub(super) fn object(&self) -> Value<'a> {
        self.object
    }

    /// The field of this meaning, by the name under which the record writes it.
    #[inline]
    pub(super) fn get(&self, key: Key) -> Field<'a> {
        let number = self.values[key as usize];
        if number == 0 {
            return Field { name: FIRST_NAMES[key as usize], value: None };
        }
        let (name, _) = NAMES[usize::from(self.places[key as usize])];
        Field { name, value: Some(self.object.at(number)) }
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.values[key as usize] != 0
    }

    /// A field's value as it is written.
    pub(super) fn raw(&self, key: Key) -> Option<&'a str> {
        self.get(key).value.map(Value::raw)
    }

    /// Whether the object has a value under this very name.
    pub(super) fn has_name(&self, name: Name) -> bool {
        self.given & (1 << name as u8) != 0
    }

    /// Whether the object has values under all of these names.
    pub(super) fn has_names(&self, names: &[Name]) -> bool {
        names.iter().all(|&name| self.has_name(name))
    }

    /// Whether the object has this name, if only with a null.
    pub(super) fn holds_name(&self, name: Name) -> bool {
        self.seen & (1 << name as u8) != 0
    }

    /// Whether the field is this text. A text with escapes is none of those that venues write.
    pub(super) fn is_text(&self, key: Key, text: &str) -> bool {
        self.get(key).value.is_some_and(|value| value.is_text() && value.digits() == text)
    }

    /// What the field says, where it is a text.
    pub(super) fn plain_text(&self, key: Key) -> Option<&'a str> {
        self.get(key).value.filter(|value| value.is_text()).map(Value::digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::json::Json;

    fn with<T>(json: &str, check: impl FnOnce(Result<Fields<'_>, Unreadable>) -> T) -> T {
        let mut nodes = Vec::new();
        let json = Json::parse(json, &mut nodes).unwrap();
        check(Fields::of(json.root()))
    }

    #[test]
    fn every_name_is_read_under_its_meaning_and_no_other_is() {
        const { assert!(NAMES.len() <= u128::BITS as usize) };
        for (name, key) in NAMES {
            with(&format!("{{\"{name}\":1}}"), |fields| {
                let fields = fields.unwrap();
                assert_eq!((fields.raw(key), fields.get(key).name), (Some("1"), name));
            });
        }
        for name in
            ["", "Price", "prices", "timestamps", "unknown", "Unknown", "a_name_that_is_longer_than_any"]
        {
            with(&format!("{{\"{name}\":1}}"), |fields| {
                assert!(fields.unwrap().values.iter().all(|&number| number == 0), "{name}");
            });
        }
    }

    #[test]
    fn the_first_name_of_a_meaning_is_read_wherever_it_stands() {
        for json in [
            r#"{"bid":1,"best_bid":2,"size":3}"#,
            r#"{"best_bid":2,"bid":1,"size":3}"#,
            r#"{"best_bid":2,"bid":null,"last_size":null,"size":3}"#,
        ] {
            with(json, |fields| {
                let fields = fields.unwrap();
                let of = |key| (fields.raw(key), fields.get(key).name);
                assert_eq!(of(Key::BestBid), (Some("2"), "best_bid"), "{json}");
                assert_eq!(of(Key::LastSize), (Some("3"), "size"), "{json}");
            });
        }
        with(r#"{"bid":1,"bid":1}"#, |fields| assert_eq!(fields.unwrap_err(), Unreadable::RepeatedField));
        with(r#"{"pr\u0069ce":1}"#, |fields| assert_eq!(fields.unwrap().raw(Key::Price), Some("1")));
    }
}
