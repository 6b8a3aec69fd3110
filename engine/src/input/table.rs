//! A Parquet table as the csv of its columns, so that one reader reads both.
//!
//! Columns within others are empty. Decimals, timestamps and floats are written in full: no digit is lost. The catalogue of
//! Nautilus Trader holds prices and sizes as fixed point numbers in bytes, and its instrument beside the table; both are
//! written out.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use parquet::{
    data_type::Decimal,
    file::{
        metadata::FileMetaData,
        reader::{FileReader, SerializedFileReader},
    },
    record::{Field, Row, reader::RowIter},
};

use crate::decode::venues;

/// The first bytes of a table.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Columns of Nautilus Trader that hold fixed point numbers.
const FIXED_POINT: [&str; 6] = ["price", "size", "bid_price", "ask_price", "bid_size", "ask_size"];

/// The text of a table, row by row.
pub(super) struct TableText {
    rows: RowIter<'static>,
    /// Whether the table is of Nautilus Trader's catalogue.
    is_nautilus: bool,
    /// Product and venue of all rows, where the table itself names them, as the end of each line.
    symbol: Option<String>,
    line: String,
    given: usize,
}

impl TableText {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let reader = guarded(|| SerializedFileReader::new(file))?;
        let metadata = reader.metadata().file_metadata();
        let names: Vec<String> =
            metadata.schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
        let is_nautilus = ["ts_event", "ts_init"].iter().all(|name| names.iter().any(|has| has == name));
        let symbol = if is_nautilus { instrument(metadata) } else { None };
        let mut line = String::new();
        for (i, name) in names.iter().enumerate() {
            push_cell(&mut line, i, name);
        }
        if symbol.is_some() {
            line.push_str(",symbol,venue");
        }
        line.push('\n');
        let rows = guarded(|| Ok(RowIter::from_file_into(Box::new(reader))))?;
        Ok(Self { rows, is_nautilus, symbol, line, given: 0 })
    }

    fn write_row(&mut self, row: &Row) {
        self.line.clear();
        let mut text = String::new();
        for (i, (name, field)) in row.get_column_iter().enumerate() {
            text.clear();
            if self.is_nautilus {
                write_nautilus(&mut text, name, field);
            } else {
                write_field(&mut text, field);
            }
            push_cell(&mut self.line, i, &text);
        }
        self.line.extend(self.symbol.as_deref());
        self.line.push('\n');
    }
}

impl Read for TableText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() {
            let Some(row) = guarded(|| self.rows.next().transpose())? else { return Ok(0) };
            self.write_row(&row);
            self.given = 0;
        }
        let rest = &self.line.as_bytes()[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

/// What the library reads, or the reason for which it cannot. It checks some of what a file claims by assertions: of a damaged
/// file they fail, and that is an error of the file. What a failed call leaves behind is not used again.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> io::Result<T> {
    let cause = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(read)) => return Ok(read),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            text.or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "it is damaged".to_owned())
        }
    };
    let text = format!("it begins as a Parquet file and cannot be read as one: {cause}");
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}

fn push_cell(line: &mut String, column: usize, text: &str) {
    if column > 0 {
        line.push(',');
    }
    if text.contains([',', '"', '\n', '\r', '\t', ';', '|']) {
        line.push('"');
        line.extend(text.chars().flat_map(|letter| match letter {
            '"' => ['"'; 2].into_iter().take(2),
            '\n' | '\r' => [' '; 2].into_iter().take(1),
            other => [other; 2].into_iter().take(1),
        }));
        line.push('"');
    } else {
        line.push_str(text);
    }
}

fn write_field(text: &mut String, field: &Field) {
    // Writing to a text cannot fail.
    let _ = match field {
        Field::Bool(value) => write!(text, "{value}"),
        Field::Byte(value) => write!(text, "{value}"),
        Field::Short(value) => write!(text, "{value}"),
        Field::Int(value) => write!(text, "{value}"),
        Field::Long(value) | Field::TimestampMillis(value) | Field::TimestampMicros(value) => {
            write!(text, "{value}")
        }
        Field::UByte(value) => write!(text, "{value}"),
        Field::UShort(value) => write!(text, "{value}"),
        Field::UInt(value) => write!(text, "{value}"),
        Field::ULong(value) => write!(text, "{value}"),
        Field::Float(value) if !value.is_nan() => write!(text, "{value}"),
        Field::Double(value) if !value.is_nan() => write!(text, "{value}"),
        Field::Str(value) => write!(text, "{value}"),
        Field::Bytes(value) => write!(text, "{}", String::from_utf8_lossy(value.data())),
        Field::Decimal(value) => {
            if let Some(units) = big_endian(value) {
                write_fixed_point(text, units, u32::try_from(value.scale()).unwrap_or(0));
            }
            Ok(())
        }
        _ => Ok(()),
    };
}

/// The units of a decimal; `None` if they take more than 16 bytes.
fn big_endian(decimal: &Decimal) -> Option<i128> {
    let bytes = decimal.data();
    if bytes.len() > 16 {
        return None;
    }
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    Some(bytes.iter().fold(sign, |units, &byte| (units << 8) | i128::from(byte)))
}

fn write_fixed_point(text: &mut String, units: i128, decimals: u32) {
    let one = 10_u128.pow(decimals.min(38));
    let sign = if units < 0 { "-" } else { "" };
    let (whole, rest) = (units.unsigned_abs() / one, units.unsigned_abs() % one);
    let _ = write!(text, "{sign}{whole}");
    if rest != 0 {
        let digits = format!("{rest:0width$}", width = decimals as usize);
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
}

/// A field of Nautilus Trader: prices and sizes have nine decimals in eight bytes, or sixteen in sixteen, the lowest byte
/// first; the side of the aggressor is 1 for a buyer and 2 for a seller.
fn write_nautilus(text: &mut String, name: &str, field: &Field) {
    match field {
        Field::Bytes(bytes) if FIXED_POINT.contains(&name) => match bytes.data() {
            data if data.len() == 8 => {
                let units = i64::from_le_bytes(data.try_into().expect("eight bytes"));
                write_fixed_point(text, units.into(), 9);
            }
            data if data.len() == 16 => {
                let units = i128::from_le_bytes(data.try_into().expect("sixteen bytes"));
                write_fixed_point(text, units, 16);
            }
            _ => {}
        },
        Field::Long(units) if FIXED_POINT.contains(&name) => write_fixed_point(text, (*units).into(), 9),
        Field::ULong(units) if FIXED_POINT.contains(&name) => write_fixed_point(text, (*units).into(), 9),
        Field::UByte(side) if name == "aggressor_side" => text.push_str(match side {
            1 => "buyer",
            2 => "seller",
            _ => "",
        }),
        _ => write_field(text, field),
    }
}

/// `,PRODUCT,VENUE` of the instrument that the file names, as `BTCUSDT.BINANCE`: in its own metadata, or in that of the Arrow
/// schema which it carries.
fn instrument(metadata: &FileMetaData) -> Option<String> {
    let value_of = |key: &str| {
        let pairs = metadata.key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.clone()
    };
    let instrument = value_of("instrument_id").or_else(|| {
        let schema = BASE64_STANDARD.decode(value_of("ARROW:schema")?).ok()?;
        arrow_metadata(&schema, "instrument_id")
    })?;
    let (product, venue) = instrument.rsplit_once('.')?;
    let mut symbol = String::new();
    push_cell(&mut symbol, 1, product);
    push_cell(&mut symbol, 2, venues::known(venue).unwrap_or(venue));
    Some(symbol)
}

/// The value of a key in the metadata of an Arrow schema, an encapsulated message of Arrow's IPC format in FlatBuffers.
fn arrow_metadata(message: &[u8], key: &str) -> Option<String> {
    let buffer = FlatBuffer(message.get(8..)?);
    let header = buffer.field(buffer.follow(0)?, 2)?;
    let custom_metadata = buffer.field(buffer.follow(header)?, 2)?;
    let pairs = buffer.follow(custom_metadata)?;
    let count = buffer.number(pairs)?.min(1_000);
    (0..count).find_map(|i| {
        let pair = buffer.follow(pairs + 4 + 4 * i)?;
        let text = |field| buffer.text(buffer.field(pair, field)?);
        (text(0)? == key).then(|| text(1).map(str::to_owned))?
    })
}

/// FlatBuffers, as far as it takes to find a text. Nothing is believed of the bytes.
#[derive(Clone, Copy)]
struct FlatBuffer<'a>(&'a [u8]);

impl<'a> FlatBuffer<'a> {
    fn number(self, at: usize) -> Option<usize> {
        let bytes = self.0.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    }

    /// What the offset at this place points to.
    fn follow(self, at: usize) -> Option<usize> {
        at.checked_add(self.number(at)?)
    }

    /// The place of a table's field.
    fn field(self, table: usize, field: usize) -> Option<usize> {
        let back = i64::from(u32::try_from(self.number(table)?).ok()?.cast_signed());
        let offsets = usize::try_from(i64::try_from(table).ok()? - back).ok()?;
        let short = |at: usize| Some(u16::from_le_bytes(self.0.get(at..at + 2)?.try_into().ok()?));
        let entry = 4 + 2 * field;
        if entry >= usize::from(short(offsets)?) {
            return None;
        }
        match short(offsets + entry)? {
            0 => None,
            offset => Some(table + usize::from(offset)),
        }
    }

    fn text(self, at: usize) -> Option<&'a str> {
        let text = self.follow(at)?;
        let start = text.checked_add(4)?;
        std::str::from_utf8(self.0.get(start..start.checked_add(self.number(text)?)?)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_in_full() {
        let mut text = String::new();
        for (units, decimals, expected) in [
            (0_i128, 9_u32, "0"),
            (123_456_000_000_000, 9, "123456"),
            (-1, 16, "-0.0000000000000001"),
            (i128::MAX, 38, "1.70141183460469231731687303715884105727"),
            (1_234_500, 4, "123.45"),
            (7, 0, "7"),
        ] {
            text.clear();
            write_fixed_point(&mut text, units, decimals);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_cell_with_a_separator_is_quoted() {
        let mut line = String::new();
        for (i, cell) in ["a", "b,c", "say \"x\"", ""].into_iter().enumerate() {
            push_cell(&mut line, i, cell);
        }
        assert_eq!(line, r#"a,"b,c","say ""x""","#);
    }

    #[test]
    fn no_bytes_of_a_schema_are_believed() {
        for length in 0..64 {
            for byte in [0, 1, 0x7f, 0xff] {
                assert_eq!(arrow_metadata(&vec![byte; length], "instrument_id"), None);
            }
        }
    }
}
