//! A datum in Avro's binary encoding, written as JSON text.

use std::fmt::{Display, Write as _};

use super::{
    decimal,
    schema::{Schema, Type},
};

/// Records, arrays, maps and unions within each other at most.
const DEPTH_MAX: u32 = 64;

/// The reason for which bytes are not a datum of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatumError {
    /// The bytes end within it, or hold what its type cannot be.
    #[error("the data is not what the schema says")]
    Malformed,
    /// Its text is longer than the bound, or it is nested too deeply.
    #[error("the data is too long as text or nested more than {DEPTH_MAX} times")]
    TooLarge,
}

impl Schema {
    /// The datum that `data` is, as JSON text of at most some `bytes_max` bytes.
    ///
    /// ```
    /// use stormglass_engine::avro::Schema;
    /// let price = r#"{"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 8}"#;
    /// let tick = format!(r#"{{"type": "record", "name": "Tick", "fields": [{{"name": "price", "type": {price}}}]}}"#);
    /// let schema = Schema::parse(&tick).unwrap();
    /// assert_eq!(schema.json(&[4, 0x04, 0xd2], 1_000).unwrap(), r#"{"price":0.00001234}"#);
    /// ```
    ///
    /// # Errors
    /// [`DatumError`] if it is not of this schema, or not to its last byte.
    pub fn json(&self, data: &[u8], bytes_max: usize) -> Result<String, DatumError> {
        let (mut cursor, mut text) = (Cursor::new(data), String::new());
        cursor.datum(self, bytes_max, &mut text)?;
        if cursor.left() > 0 { Err(DatumError::Malformed) } else { Ok(text) }
    }
}

/// Reads data from the front of a slice.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Reads one datum of `schema`, and appends it to `out` as JSON text. A text that is longer than `bytes_max` is
    /// given up; the last of its strings may stand behind that, each byte of it as six.
    pub(crate) fn datum(
        &mut self,
        schema: &Schema,
        bytes_max: usize,
        out: &mut String,
    ) -> Result<(), DatumError> {
        Datum { schema, bytes_max, cursor: self, out }.value(schema.root, 0)
    }

    /// The next bytes, as many as a length before them says.
    pub(crate) fn sized(&mut self) -> Result<&'a [u8], DatumError> {
        let size = usize::try_from(self.long()?).map_err(|_| DatumError::Malformed)?;
        self.take(size)
    }

    pub(crate) fn take(&mut self, size: usize) -> Result<&'a [u8], DatumError> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or(DatumError::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A whole number in groups of seven bits, the lowest first, its sign in the lowest bit.
    pub(crate) fn long(&mut self) -> Result<i64, DatumError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.take(1)? else { return Err(DatumError::Malformed) };
            let group = u64::from(byte & 0x7f);
            if group << shift >> shift != group {
                return Err(DatumError::Malformed);
            }
            number |= group << shift;
            if byte & 0x80 == 0 {
                return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
            }
        }
        Err(DatumError::Malformed)
    }

    /// The number of items in the next block of an array or a map; 0 ends it.
    pub(crate) fn block(&mut self) -> Result<u64, DatumError> {
        let count = self.long()?;
        if count < 0 {
            // The bytes of the block, for readers that skip it.
            self.long()?;
        }
        Ok(count.unsigned_abs())
    }
}

struct Datum<'s, 'c, 'a, 'o> {
    schema: &'s Schema,
    bytes_max: usize,
    cursor: &'c mut Cursor<'a>,
    out: &'o mut String,
}

impl Datum<'_, '_, '_, '_> {
    fn value(&mut self, index: usize, depth: u32) -> Result<(), DatumError> {
        if depth > DEPTH_MAX || self.out.len() > self.bytes_max {
            return Err(DatumError::TooLarge);
        }
        let schema = self.schema;
        match &schema.types[index] {
            Type::Null => self.out.push_str("null"),
            Type::Boolean => match self.cursor.take(1)? {
                [0] => self.out.push_str("false"),
                [1] => self.out.push_str("true"),
                _ => return Err(DatumError::Malformed),
            },
            Type::Int => {
                let number = i32::try_from(self.cursor.long()?).map_err(|_| DatumError::Malformed)?;
                self.write(number);
            }
            Type::Long => {
                let number = self.cursor.long()?;
                self.write(number);
            }
            Type::Float => {
                let bytes = self.cursor.take(4)?.try_into().expect("four were taken");
                let number = f32::from_le_bytes(bytes);
                self.float(number, number.is_finite());
            }
            Type::Double => {
                let bytes = self.cursor.take(8)?.try_into().expect("eight were taken");
                let number = f64::from_le_bytes(bytes);
                self.float(number, number.is_finite());
            }
            Type::Bytes => {
                let bytes = self.cursor.sized()?;
                self.bytes(bytes)?;
            }
            Type::Fixed(size) => {
                let bytes = self.cursor.take(*size)?;
                self.bytes(bytes)?;
            }
            Type::Text => self.text()?,
            Type::Decimal { size, scale } => {
                let bytes = match size {
                    Some(size) => self.cursor.take(*size)?,
                    None => self.cursor.sized()?,
                };
                if bytes.len() > decimal::BYTES_MAX {
                    return Err(DatumError::TooLarge);
                }
                decimal::append(bytes, *scale, self.out);
            }
            Type::Timestamp { per_second, is_local } => {
                let since = self.cursor.long()?;
                self.timestamp(since, *per_second, *is_local);
            }
            Type::Enum(symbols) => {
                let symbol = usize::try_from(self.cursor.long()?).ok().and_then(|symbol| symbols.get(symbol));
                quote(symbol.ok_or(DatumError::Malformed)?, self.out);
            }
            Type::Union(variants) => {
                let variant =
                    usize::try_from(self.cursor.long()?).ok().and_then(|variant| variants.get(variant));
                self.value(*variant.ok_or(DatumError::Malformed)?, depth + 1)?;
            }
            Type::Array(items) => self.sequence(['[', ']'], |datum| datum.value(*items, depth + 1))?,
            Type::Map(values) => self.sequence(['{', '}'], |datum| {
                datum.text()?;
                datum.out.push(':');
                datum.value(*values, depth + 1)
            })?,
            Type::Record(fields) => {
                self.out.push('{');
                for (i, (key, field)) in fields.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    self.out.push_str(key);
                    self.value(*field, depth + 1)?;
                }
                self.out.push('}');
            }
        }
        Ok(())
    }

    /// The items of all blocks. Each writes something, so the bound on the text bounds their number too.
    fn sequence(
        &mut self,
        [open, close]: [char; 2],
        mut item: impl FnMut(&mut Self) -> Result<(), DatumError>,
    ) -> Result<(), DatumError> {
        self.out.push(open);
        let mut is_first = true;
        loop {
            let count = self.cursor.block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if !std::mem::replace(&mut is_first, false) {
                    self.out.push(',');
                }
                item(self)?;
            }
        }
        self.out.push(close);
        Ok(())
    }

    fn write(&mut self, value: impl Display) {
        write!(self.out, "{value}").expect("a string takes any text");
    }

    fn float(&mut self, number: impl Display, is_finite: bool) {
        // JSON has no such numbers: as text, whoever wants a number there says that it is none.
        if is_finite { self.write(number) } else { self.write(format_args!("\"{number}\"")) }
    }

    fn text(&mut self) -> Result<(), DatumError> {
        let bytes = self.cursor.sized()?;
        quote(std::str::from_utf8(bytes).map_err(|_| DatumError::Malformed)?, self.out);
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), DatumError> {
        if bytes.len() > self.bytes_max {
            return Err(DatumError::TooLarge);
        }
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        quote(&text, self.out);
        Ok(())
    }

    /// RFC 3339, or the number itself where no calendar has such a time.
    fn timestamp(&mut self, since: i64, per_second: i64, is_local: bool) {
        let nanos = i128::from(since) * i128::from(1_000_000_000 / per_second);
        match jiff::Timestamp::from_nanosecond(nanos) {
            Err(_) => self.write(since),
            Ok(time) if is_local => {
                let local = jiff::tz::TimeZone::UTC.to_datetime(time);
                self.write(format_args!("\"{local}\""));
            }
            Ok(time) => self.write(format_args!("\"{time}\"")),
        }
    }
}

/// Appends a JSON string.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\x1f' => write!(out, "\\u{:04x}", u32::from(letter)).expect("a string takes any text"),
            letter => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(schema: &str, bytes: &[u8]) -> Result<String, DatumError> {
        Schema::parse(schema).unwrap().json(bytes, 1_000)
    }

    /// The examples of the specification's section "Binary Encoding".
    #[test]
    fn the_specifications_examples_are_read() {
        for (bytes, number) in
            [(&[0][..], "0"), (&[1], "-1"), (&[2], "1"), (&[0x7f], "-64"), (&[0x80, 1], "64")]
        {
            assert_eq!(json("\"long\"", bytes).unwrap(), number);
        }
        assert_eq!(json("\"string\"", &[6, 0x66, 0x6f, 0x6f]).unwrap(), "\"foo\"");
        let record = r#"{"type":"record","name":"test","fields":[{"name":"a","type":"long"},{"name":"b","type":"string"}]}"#;
        assert_eq!(json(record, &[0x36, 6, 0x66, 0x6f, 0x6f]).unwrap(), r#"{"a":27,"b":"foo"}"#);
        assert_eq!(json(r#"{"type":"array","items":"long"}"#, &[4, 6, 0x36, 0]).unwrap(), "[3,27]");
        assert_eq!(json(r#"{"type":"array","items":"long"}"#, &[3, 4, 6, 0x36, 0]).unwrap(), "[3,27]");
        let union = r#"["null","string"]"#;
        assert_eq!(json(union, &[0]).unwrap(), "null");
        assert_eq!(json(union, &[2, 2, 0x61]).unwrap(), "\"a\"");
    }

    #[test]
    fn logical_types_are_exact() {
        let time = |unit: &str| format!(r#"{{"type":"long","logicalType":"{unit}"}}"#);
        let long = |number: i64| {
            let (mut zigzag, mut bytes) = (((number << 1) ^ (number >> 63)) as u64, Vec::new());
            while zigzag >= 0x80 {
                bytes.push(zigzag as u8 | 0x80);
                zigzag >>= 7;
            }
            bytes.push(zigzag as u8);
            bytes
        };
        let nanos = 1_775_272_758_995_321_007;
        assert_eq!(
            json(&time("timestamp-millis"), &long(nanos / 1_000_000)).unwrap(),
            "\"2026-04-04T03:19:18.995Z\""
        );
        assert_eq!(
            json(&time("timestamp-micros"), &long(nanos / 1_000)).unwrap(),
            "\"2026-04-04T03:19:18.995321Z\""
        );
        assert_eq!(
            json(&time("timestamp-nanos"), &long(nanos)).unwrap(),
            "\"2026-04-04T03:19:18.995321007Z\""
        );
        assert_eq!(json(&time("local-timestamp-millis"), &long(0)).unwrap(), "\"1970-01-01T00:00:00\"");
        assert_eq!(json(&time("timestamp-millis"), &long(i64::MIN)).unwrap(), i64::MIN.to_string());
        assert_eq!(json(&time("of-somebody"), &long(-5)).unwrap(), "-5", "unknown logical types are ignored");
        let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":20,"scale":8}"#;
        assert_eq!(json(decimal, &[4, 0x04, 0xd2]).unwrap(), "0.00001234");
        let fixed = r#"{"type":"fixed","name":"f","size":2,"logicalType":"decimal","precision":4,"scale":2}"#;
        assert_eq!(json(fixed, &[0xff, 0x38]).unwrap(), "-2.00");
    }

    #[test]
    fn floats_are_the_shortest_text() {
        assert_eq!(json("\"double\"", &67_223.5_f64.to_le_bytes()).unwrap(), "67223.5");
        assert_eq!(json("\"double\"", &1e-12_f64.to_le_bytes()).unwrap(), "0.000000000001");
        assert_eq!(json("\"float\"", &0.1_f32.to_le_bytes()).unwrap(), "0.1");
        assert_eq!(json("\"double\"", &f64::NAN.to_le_bytes()).unwrap(), "\"NaN\"");
    }

    #[test]
    fn text_is_escaped_and_bytes_are_letters() {
        assert_eq!(json("\"string\"", b"\x08a\"\\\n").unwrap(), r#""a\"\\\u000a""#);
        assert_eq!(json("\"bytes\"", &[4, 0xff, 0]).unwrap(), "\"\u{ff}\\u0000\"");
        assert_eq!(json("\"string\"", &[2, 0xff]), Err(DatumError::Malformed));
        assert_eq!(json(r#"{"type":"map","values":"int"}"#, &[2, 2, 0x61, 4, 0]).unwrap(), r#"{"a":2}"#);
        let side = r#"{"type":"enum","name":"Side","symbols":["buy","sell"]}"#;
        assert_eq!(json(side, &[2]).unwrap(), "\"sell\"");
        assert_eq!(json(side, &[4]), Err(DatumError::Malformed));
    }

    #[test]
    fn lengths_and_depths_that_lie_cost_nothing() {
        let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(json("\"string\"", &huge), Err(DatumError::Malformed));
        assert_eq!(json("\"long\"", &[0xff; 11]), Err(DatumError::Malformed));
        assert_eq!(json("\"long\"", &[0x80; 9]), Err(DatumError::Malformed), "it does not end");
        // 2^63 - 1 items that take no byte each.
        assert_eq!(json(r#"{"type":"array","items":"null"}"#, &huge), Err(DatumError::TooLarge));
        let empty = r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#;
        assert_eq!(json(empty, &huge), Err(DatumError::TooLarge));
        let list = r#"{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}"#;
        assert_eq!(json(list, &[2, 2, 0]).unwrap(), r#"{"n":{"n":{"n":null}}}"#);
        assert_eq!(json(list, &[2; 100_000]), Err(DatumError::TooLarge));
        // A type that is itself takes no byte and has no end.
        let endless = r#"{"type":"record","name":"L","fields":[{"name":"n","type":"L"}]}"#;
        assert_eq!(json(endless, &[]), Err(DatumError::TooLarge));
        assert_eq!(json("\"string\"", &[4, 0x61]), Err(DatumError::Malformed), "cut short");
        assert_eq!(json("\"boolean\"", &[1, 0]), Err(DatumError::Malformed), "bytes are left over");
    }
}
