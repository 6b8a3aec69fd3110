//! One field of a JSON object: its name, for the errors, and its value, read as what it should be.

use std::borrow::Cow;

use super::{
    decoded::Decoded,
    json::Value,
    number::{parse_fixed, parse_price, parse_quantity},
    time::parse_time,
    unreadable::Unreadable,
};
use crate::tick::{EventTime, Price, Quantity, Side};

/// A field of an object. A `null` is an absent field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'static str,
    pub(super) value: Option<Value<'a>>,
}

/// The fields of these names of an object, in this order; other names are passed over.
///
/// # Errors
/// When it is no object, or holds one of the names twice.
#[inline]
pub(super) fn fields_of<'a, const N: usize>(
    object: Value<'a>,
    names: [&'static str; N],
) -> Result<[Field<'a>; N], Unreadable> {
    if !object.is_object() {
        return Err(Unreadable::NotAnObject);
    }
    let mut fields = names.map(|name| Field { name, value: None });
    let mut nulls = 0_u64;
    for (name, value) in object.members() {
        let Some(i) = names.iter().position(|known| *known == name) else { continue };
        if fields[i].value.is_some() || nulls & (1 << i) != 0 {
            return Err(Unreadable::RepeatedField);
        }
        match value.is_null() {
            true => nulls |= 1 << i,
            false => fields[i].value = Some(value),
        }
    }
    Ok(fields)
}

impl<'a> Field<'a> {
    pub(super) fn is_given(self) -> bool {
        self.value.is_some()
    }

    /// This field, or another where this one is absent.
    pub(super) fn or(self, other: Self) -> Self {
        if self.is_given() { self } else { other }
    }

    /// The value.
    pub(super) fn required(self) -> Result<Value<'a>, Unreadable> {
        self.value.ok_or(Unreadable::MissingField { name: self.name })
    }

    /// An object or an array that must be there.
    pub(super) fn required_array(self) -> Result<Value<'a>, Unreadable> {
        let value = self.required()?;
        if value.is_array() { Ok(value) } else { Err(Unreadable::WrongType { field: self.name }) }
    }

    /// The fields of these names of the object that it holds.
    pub(super) fn fields<const N: usize>(
        self,
        names: [&'static str; N],
    ) -> Result<[Field<'a>; N], Unreadable> {
        fields_of(self.required()?, names).map_err(|reason| self.within(reason))
    }

    /// An error of what the field holds, seen from outside.
    pub(super) fn within(self, reason: Unreadable) -> Unreadable {
        match reason {
            Unreadable::NotAnObject => Unreadable::WrongType { field: self.name },
            other => other,
        }
    }

    /// What a string says, if the field is there.
    pub(super) fn text(self) -> Result<Option<Cow<'a, str>>, Unreadable> {
        let Some(value) = self.value else { return Ok(None) };
        value.text().map(Some).ok_or(Unreadable::WrongType { field: self.name })
    }

    /// What a string says.
    pub(super) fn required_text(self) -> Result<Cow<'a, str>, Unreadable> {
        self.text()?.ok_or(Unreadable::MissingField { name: self.name })
    }

    /// What stands for a number, in a string or not; `None` for an empty string, which feeds send for "none".
    #[inline]
    fn digits(self) -> Option<&'a str> {
        self.value.map(Value::digits).filter(|digits| !digits.is_empty())
    }

    /// A number in units of `10^-decimals`.
    #[inline]
    pub(super) fn fixed(self, decimals: u32) -> Result<Option<i64>, Unreadable> {
        let Some(digits) = self.digits() else { return Ok(None) };
        parse_fixed(digits, decimals).map(Some).map_err(|error| error.of(self.name))
    }

    /// A whole number of at least zero.
    pub(super) fn unsigned(self) -> Result<Option<u64>, Unreadable> {
        let Some(value) = self.value else { return Ok(None) };
        value.digits().parse().map(Some).map_err(|_| Unreadable::BadNumber { field: self.name })
    }

    /// A price, which must be there.
    #[inline]
    pub(super) fn price(self) -> Result<Price, Unreadable> {
        let digits = self.digits().ok_or(Unreadable::MissingField { name: self.name })?;
        let price = parse_price(digits).map_err(|error| error.of(self.name))?;
        price.ok_or(Unreadable::OutOfRange { field: self.name })
    }

    /// A bid or an ask: none if there is none, or if it is not positive.
    #[inline]
    pub(super) fn quoted_price(self) -> Result<Option<Price>, Unreadable> {
        let Some(digits) = self.digits() else { return Ok(None) };
        parse_price(digits).map_err(|error| error.of(self.name))
    }

    /// A quantity, if there is one.
    #[inline]
    pub(super) fn quantity(self) -> Result<Option<Quantity>, Unreadable> {
        let Some(digits) = self.digits() else { return Ok(None) };
        parse_quantity(digits).map(Some).map_err(|error| error.of(self.name))
    }

    /// A time that must be there: RFC 3339 as text, or time since 1970 as a number or as the text of one. `out` is told
    /// if it has no zone, and its unit if it is a number.
    pub(super) fn time(self, out: &mut Decoded) -> Result<EventTime, Unreadable> {
        let value = self.required()?;
        let raw = value.raw();
        if !raw.starts_with('"') {
            let written = out.times().parse_epoch(raw, None).map_err(|error| error.of(self.name))?;
            return Ok(out.note_time(written));
        }
        let text = self.required_text()?;
        let written = match parse_time(&text) {
            Some(written) => written,
            None => out.times().parse_epoch(&text, None).map_err(|error| error.of(self.name))?,
        };
        Ok(out.note_time(written))
    }

    /// The taker's side: `buy` or `sell`, in capitals or not. A venue that does not know it writes nothing, or `unknown`.
    pub(super) fn side(self) -> Result<Option<Side>, Unreadable> {
        self.side_written("buy", "sell")
    }

    /// The taker's side, written in these two ways.
    pub(super) fn side_written(self, buy: &str, sell: &str) -> Result<Option<Side>, Unreadable> {
        let Some(text) = self.text()? else { return Ok(None) };
        match text.as_ref() {
            text if text.eq_ignore_ascii_case(buy) => Ok(Some(Side::Buy)),
            text if text.eq_ignore_ascii_case(sell) => Ok(Some(Side::Sell)),
            "" => Ok(None),
            text if ["unknown", "none", "n/a"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(None),
            _ => Err(Unreadable::BadSide { field: self.name }),
        }
    }

    /// The taker's side where the field tells whether the buyer was the maker.
    pub(super) fn side_of_buyer_is_maker(self) -> Result<Option<Side>, Unreadable> {
        let Some(value) = self.value else { return Ok(None) };
        match value.flag() {
            Some(true) => Ok(Some(Side::Sell)),
            Some(false) => Ok(Some(Side::Buy)),
            None => Err(Unreadable::BadSide { field: self.name }),
        }
    }

    /// A trade's number; where a venue names its trades by text, a hash of it, which serves to tell repeats.
    pub(super) fn trade_id(self) -> Result<Option<u64>, Unreadable> {
        match self.unsigned() {
            Ok(number) => Ok(number),
            Err(bad_number) => match self.text() {
                Ok(Some(text)) => Ok(text_id(&text)),
                _ => Err(bad_number),
            },
        }
    }
}

/// A trade's identifier that is text; `None` if it is empty.
pub(super) fn text_id(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    Some(text.parse().unwrap_or_else(|_| xxhash_rust::xxh3::xxh3_64(text.as_bytes())))
}
