//! JSON of any form, by the pointers that a user has mapped to the fields of a tick.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer as _,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    columns::Role,
    decoded::{Decoded, RecordKind},
    mapping::{Mapping, list_of},
    row::{Row, RowRules},
    text_of,
    trade_line::TradeLineSymbol,
    unreadable::Unreadable,
};
use crate::limits::RECORD_BYTES_MAX;

/// How JSON is read by a mapping.
///
/// Numbers are read from their text in the record, never through a float.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedJson {
    rules: RowRules,
    /// What stands once in a record.
    outer: Node,
    /// The pointer to the list whose elements are ticks; `None` if the record is one tick.
    list: Option<Vec<String>>,
    /// What stands in each element of the list.
    inner: Node,
}

/// A step of some pointers: what is read there, and what lies below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    roles: Vec<Role>,
    /// Whether the list of ticks lies here.
    is_list: bool,
    below: Vec<(String, Node)>,
}

impl Node {
    /// The node at the end of a pointer, which is made where it is not there.
    fn at(&mut self, pointer: &[String]) -> &mut Self {
        let Some((step, rest)) = pointer.split_first() else { return self };
        let known = self.below.iter().position(|(has, _)| has == step);
        let place = known.unwrap_or_else(|| {
            self.below.push((step.clone(), Self::default()));
            self.below.len() - 1
        });
        self.below[place].1.at(rest)
    }
}

/// The steps of a pointer (RFC 6901): `~1` is a slash and `~0` a tilde.
fn steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

/// The raw text of each field, and of the list, in one record.
#[derive(Clone, Copy)]
struct Found<'a> {
    values: [Option<&'a str>; Role::COUNT],
    list: Option<&'a str>,
}

impl MappedJson {
    /// JSON by this mapping, whose places are pointers. `symbol` is that of ticks that name none; `venue`, of those whose
    /// record names a product alone.
    pub fn new(mapping: &Mapping, symbol: Option<&TradeLineSymbol>, venue: &str) -> Self {
        let list = mapping.places().find_map(|(_, place)| list_of(place));
        let (mut outer, mut inner) = (Node::default(), Node::default());
        for (role, place) in mapping.places() {
            match list.and_then(|list| place.strip_prefix(list)?.strip_prefix("/*")) {
                Some(in_element) => inner.at(&steps(in_element)).roles.push(role),
                None => outer.at(&steps(place)).roles.push(role),
            }
        }
        if let Some(list) = list {
            outer.at(&steps(list)).is_list = true;
        }
        let has_side_column = mapping.has(Role::Side) || mapping.has(Role::BuyerIsMaker);
        Self {
            rules: RowRules {
                venue: symbol.map_or(venue, TradeLineSymbol::venue).to_owned(),
                product: symbol.map_or("", TradeLineSymbol::product).to_owned(),
                unit: None,
                has_side_column,
                // Amounts below zero are sales, as in csv; none of the others tells a side.
                has_signs: false,
                may_lack_size: true,
            },
            outer,
            list: list.map(steps),
            inner,
        }
    }
}

/// Decodes one JSON record by a mapping into `out`, which it clears first.
///
/// # Errors
/// When nothing in the record can be read.
pub fn decode_mapped(record: &[u8], json: &MappedJson, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
    out.clear();
    if record.len() > RECORD_BYTES_MAX {
        return Err(Unreadable::TooLong);
    }
    let text = text_of(record)?;
    let mut found = Found { values: [None; Role::COUNT], list: None };
    walk(text, &json.outer, &mut found)?;
    let Some(list) = &json.list else {
        let texts = Texts::of(&found)?;
        let row = texts.row();
        let (venue, product, tick) = row.tick(&json.rules, out)?;
        out.push_only(venue, product, tick)?;
        return Ok(RecordKind::Ticks);
    };
    let elements = match found.list {
        Some(elements) => elements,
        // A file's list is read element by element, so an element may come alone.
        None if list.is_empty() => text,
        None => return Err(Unreadable::UnknownShape),
    };
    let mut each = |element| push_element(element, json, found, out).is_ok();
    if !elements.trim_ascii_start().starts_with('[') {
        each(elements);
    } else if serde_json::Deserializer::from_str(elements).deserialize_seq(Elements(&mut each)).is_err() {
        return Err(Unreadable::NotJson);
    }
    Ok(RecordKind::Ticks)
}

/// Adds the tick of an element of the list, or why there is none. `found` is what stands beside the list.
///
/// # Errors
/// When the record has had its fill.
fn push_element<'a>(
    element: &'a str,
    json: &MappedJson,
    mut found: Found<'a>,
    out: &mut Decoded,
) -> Result<(), Unreadable> {
    let texts = match walk(element, &json.inner, &mut found).and_then(|()| Texts::of(&found)) {
        Ok(texts) => texts,
        Err(reason) => return out.reject(reason),
    };
    let row = texts.row();
    match row.tick(&json.rules, out) {
        Ok((venue, product, tick)) => out.push(venue, Ok((product, tick))),
        Err(reason) => out.reject(reason),
    }
}

/// The texts of the found fields: numbers as they stand, strings without quotes and escapes, `null` as nothing.
struct Texts<'a>([Cow<'a, str>; Role::COUNT]);

impl<'a> Texts<'a> {
    fn of(found: &Found<'a>) -> Result<Self, Unreadable> {
        let mut texts = [const { Cow::Borrowed("") }; Role::COUNT];
        for (text, value) in texts.iter_mut().zip(found.values) {
            *text = match value {
                None | Some("null") => continue,
                Some(raw) if raw.contains('\\') => {
                    Cow::Owned(serde_json::from_str(raw).map_err(|_| Unreadable::NotJson)?)
                }
                Some(raw) => {
                    Cow::Borrowed(raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw))
                }
            };
        }
        Ok(Self(texts))
    }

    fn row(&self) -> Row<'_> {
        Row(std::array::from_fn(|role| self.0[role].as_ref()))
    }
}

/// Finds what `node` and the nodes below it name.
fn walk<'a>(json: &'a str, node: &Node, found: &mut Found<'a>) -> Result<(), Unreadable> {
    for &role in &node.roles {
        found.values[role as usize] = Some(json);
    }
    if node.is_list {
        found.list = Some(json);
    }
    if node.below.is_empty() {
        return Ok(());
    }
    let members = Members { node, found };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = match json.trim_ascii_start().as_bytes().first() {
        Some(b'[') => deserializer.deserialize_seq(members),
        Some(b'{') => deserializer.deserialize_map(members),
        // A value where a pointer goes on: what it points to is absent.
        _ => return serde_json::from_str::<IgnoredAny>(json).map(|_| ()).map_err(|_| Unreadable::NotJson),
    };
    read.and_then(|()| deserializer.end()).map_err(|_| Unreadable::NotJson)
}

struct Members<'n, 'f, 'a> {
    node: &'n Node,
    found: &'f mut Found<'a>,
}

impl<'de> Visitor<'de> for Members<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object or list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<KeyText<'de>>()? {
            match self.node.below.iter().find(|(step, _)| *step == key.0) {
                Some((_, node)) => {
                    let value = map.next_value::<&'de RawValue>()?;
                    walk(value.get(), node, self.found).map_err(serde::de::Error::custom)?;
                }
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while let Some(value) = list.next_element::<&'de RawValue>()? {
            let is_here = |step: &str| step.parse() == Ok(index);
            if let Some((_, node)) = self.node.below.iter().find(|(step, _)| is_here(step)) {
                walk(value.get(), node, self.found).map_err(serde::de::Error::custom)?;
            }
            index += 1;
        }
        Ok(())
    }
}

/// A key, borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct KeyText<'a>(#[serde(borrow)] Cow<'a, str>);

struct Elements<'f, F>(&'f mut F);

impl<'de, F: FnMut(&'de str) -> bool> Visitor<'de> for Elements<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<&'de RawValue>()? {
            if !(self.0)(element.get()) {
                // The record has had its fill, and says so.
                while list.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode::DecodedTick, tick::Side};

    fn decode_by(mapping: &str, record: &str, out: &mut Decoded) -> Result<RecordKind, Unreadable> {
        let symbol = TradeLineSymbol::new("myvenue", "BTC-USD");
        let json = MappedJson::new(&mapping.parse().unwrap(), symbol.as_ref(), "other");
        decode_mapped(record.as_bytes(), &json, out)
    }

    #[test]
    fn items_of_a_list_are_ticks_with_what_stands_beside_the_list() {
        // Bybit v5, publicTrade, as its documentation shows it.
        let record = r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[
            {"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false},
            {"T":1672304486866,"s":"BTC\u0055SDT","S":"Sell","v":null,"p":16578.5000000000000001,"i":"7"}]}"#;
        let mapping = "time=/data/*/T,price=/data/*/p,size=/data/*/v,side=/data/*/S,symbol=/data/*/s,trade_id=/data/*/i";
        let mut out = Decoded::default();
        assert_eq!(decode_by(mapping, record, &mut out), Ok(RecordKind::Ticks));
        let ticks: Vec<DecodedTick<'_>> = out.ticks().collect();
        assert_eq!((ticks[0].venue, ticks[0].product, ticks[1].product), ("myvenue", "BTCUSDT", "BTCUSDT"));
        assert_eq!(ticks[0].tick.event_time.to_string(), "2022-12-29T09:01:26.865Z");
        assert_eq!((ticks[0].tick.price.units(), ticks[0].tick.side), (1_657_850_000_000, Some(Side::Buy)));
        assert_eq!((ticks[1].tick.size, ticks[1].tick.trade_id), (None, Some(7)));
        // The time of the message, beside the list.
        assert_eq!(decode_by("time=/ts,price=/data/*/p", record, &mut out), Ok(RecordKind::Ticks));
        let times: Vec<_> = out.ticks().map(|tick| tick.tick.event_time.to_string()).collect();
        assert_eq!(times, ["2022-12-29T09:01:26.868Z"; 2]);
    }

    #[test]
    fn a_number_is_read_from_its_text() {
        let mut out = Decoded::default();
        let record = r#"{"k":[1775271600000,{"c/d":0.000000000000123}],"b":1.5,"a":2.5}"#;
        assert_eq!(
            decode_by("time=/k/0,price=/k/1/c~1d,bid=/b,ask=/a", record, &mut out),
            Ok(RecordKind::Ticks)
        );
        let tick = out.ticks().next().unwrap().tick;
        assert_eq!((tick.price.units(), tick.price.is_exact()), (123, true));
        assert!(tick.is_trade && tick.quote.is_some());
        // Without a price it is a quote.
        assert_eq!(decode_by("time=/k/0,bid=/b,ask=/a", record, &mut out), Ok(RecordKind::Ticks));
        let tick = out.ticks().next().unwrap().tick;
        assert_eq!((tick.is_trade, tick.price.units()), (false, 200_000_000));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let mut out = Decoded::default();
        let mut read = |mapping: &str, record: &str| decode_by(mapping, record, &mut out);
        assert_eq!(read("time=/t,price=/p", r#"{"p":1}"#), Err(Unreadable::MissingField { name: "time" }));
        assert_eq!(
            read("time=/t,price=/p", r#"{"t":1775271600000}"#),
            Err(Unreadable::MissingField { name: "price" })
        );
        assert_eq!(read("time=/t,price=/p", r#"{"t":1775271600000,"p":1"#), Err(Unreadable::NotJson));
        assert_eq!(
            read("time=/t/0,price=/p", r#"{"t":1775271600000,"p":1}"#),
            Err(Unreadable::MissingField { name: "time" })
        );
        assert_eq!(read("time=/d/*/t,price=/d/*/p", r#"{"e":[]}"#), Err(Unreadable::UnknownShape));
    }
}
