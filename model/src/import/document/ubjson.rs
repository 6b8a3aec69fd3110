//! UBJSON (draft 12), as XGBoost writes it: big-endian, counted containers, typed arrays.

use std::borrow::Cow;

use super::{NESTING_MAX, VALUES_MAX, Value, packed_float, packed_integer, width};

/// Reads a whole document.
///
/// # Errors
/// The fault and the byte at which it is.
pub(in crate::import) fn read(bytes: &[u8]) -> Result<Value<'_>, String> {
    let mut reader = Reader { bytes, at: 0, values: 0 };
    let marker = reader.marker()?;
    let value = reader.value(marker, 0)?;
    while reader.bytes.get(reader.at) == Some(&b'N') {
        reader.at += 1;
    }
    if reader.at < bytes.len() { Err(reader.fault("more after the end")) } else { Ok(value) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, what: &str) -> String {
        format!("{what} at byte {}", self.at)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| self.fault("it ends too early"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// The next marker; `N` (no operation) is skipped.
    fn marker(&mut self) -> Result<u8, String> {
        loop {
            let marker = self.take(1)?[0];
            if marker != b'N' {
                return Ok(marker);
            }
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(takes);
        takes
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value<'a>, String> {
        self.values += 1;
        if depth > NESTING_MAX || self.values > VALUES_MAX {
            return Err(self.fault("too many values, or too deep"));
        }
        Ok(match marker {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'S' | b'H' => Value::Text(self.text()?),
            b'C' => Value::Text(Cow::Owned(char::from(self.take(1)?[0]).to_string())),
            b'Z' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'd' | b'D' => Value::Float(packed_float(marker, self.take(width(marker))?)),
            _ if width(marker) > 0 => Value::Integer(packed_integer(marker, self.take(width(marker))?)),
            _ => return Err(self.fault("an unknown marker")),
        })
    }

    /// A length: an integer with its marker.
    fn length(&mut self) -> Result<usize, String> {
        let marker = self.marker()?;
        if width(marker) == 0 || matches!(marker, b'd' | b'D') {
            return Err(self.fault("no length"));
        }
        let length = packed_integer(marker, self.take(width(marker))?);
        usize::try_from(length).map_err(|_| self.fault("a length below zero"))
    }

    fn text(&mut self) -> Result<Cow<'a, str>, String> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| self.fault("a text that is not UTF-8"))
    }

    /// Reads the optional type of all elements and their count, which may follow `[` or `{`.
    fn container(&mut self) -> Result<(Option<u8>, Option<usize>), String> {
        let kind = if self.takes(b'$') { Some(self.take(1)?[0]) } else { None };
        let count = if self.takes(b'#') { Some(self.length()?) } else { None };
        // An element has a byte at least, but in arrays of nothing but null or true, which no library writes: a few
        // bytes would ask for a gigabyte.
        if count.is_some_and(|count| count > self.bytes.len() - self.at) {
            return Err(self.fault("it ends too early"));
        }
        if kind.is_some() && count.is_none() {
            Err(self.fault("a type without a count"))
        } else {
            Ok((kind, count))
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let (kind, count) = self.container()?;
        if let (Some(kind), Some(count)) = (kind, count)
            && width(kind) > 0
        {
            let bytes = count.checked_mul(width(kind)).ok_or_else(|| self.fault("an endless array"))?;
            return Ok(Value::Packed(kind, self.take(bytes)?));
        }
        let mut elements = Vec::new();
        while count.map_or_else(|| !self.takes(b']'), |count| elements.len() < count) {
            let marker = kind.map_or_else(|| self.marker(), Ok)?;
            elements.push(self.value(marker, depth + 1)?);
        }
        Ok(Value::Array(elements))
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let (kind, count) = self.container()?;
        let mut fields = Vec::new();
        while count.map_or_else(|| !self.takes(b'}'), |count| fields.len() < count) {
            let name = self.text()?;
            let marker = kind.map_or_else(|| self.marker(), Ok)?;
            fields.push((name, self.value(marker, depth + 1)?));
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_and_faults_are_told() {
        let bytes = b"{i\x01a[$d#U\x02\x3f\x80\0\0\xbf\0\0\0i\x01b[#i\x02i\xffI\x01\0i\x01cSi\x02hii\x01dT}";
        let value = read(bytes).unwrap();
        assert_eq!(value.singles("a").unwrap(), [1.0, -0.5]);
        assert_eq!(value.integers("b").unwrap(), [-1, 256]);
        assert_eq!(value.text("c").unwrap(), "hi");
        assert_eq!(value.integer("d").unwrap(), 1);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
        // Elements of no size cost nothing to write: no more of them than there are bytes.
        assert!(read(b"[$Z#L\x7f\0\0\0\0\0\0\0").is_err());
        assert!(read(b"[$Z#l\x01\0\0\0").unwrap_err().starts_with("it ends too early"));
        assert!(read(b"{$Z#l\x01\0\0\0").is_err());
        assert!(read(b"[$D#L\x7f\0\0\0\0\0\0\0").is_err());
        assert!(read(&b"[".repeat(100_000)).is_err());
    }
}
