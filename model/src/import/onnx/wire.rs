//! Protocol Buffers wire format: fields one after another, read in place.
//!
//! Nothing is copied or allocated before it is needed, so that a small file cannot expand to a large one.

/// The value of a field, by its wire type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    /// Text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
}

/// A message's fields in order: numbers and values. Ends after the first error.
pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// The unread rest of a message.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Wire<'a>), String> {
        let tag = varint(&mut self.rest)?;
        let value = match tag & 7 {
            0 => Wire::Varint(varint(&mut self.rest)?),
            1 => Wire::Fixed64(self.fixed()?),
            5 => Wire::Fixed32(self.fixed()?),
            2 => {
                let length = varint(&mut self.rest)?;
                let parts =
                    usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
                let (bytes, rest) = parts.ok_or_else(|| "it ends too early".to_owned())?;
                self.rest = rest;
                Wire::Bytes(bytes)
            }
            kind => return Err(format!("wire type {kind} is unknown")),
        };
        Ok((tag >> 3, value))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(|| "it ends too early".to_owned())?;
        self.rest = rest;
        Ok(*bytes)
    }
}

/// A varint: seven bits in each byte, the lowest first.
pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or_else(|| "it ends too early".to_owned())?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number of more than 10 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order_and_damage_is_an_error() {
        let message = [0x08, 0xac, 0x02, 0x12, 2, b'h', b'i', 0x1d, 0, 0, 0x80, 0x3f];
        let read: Result<Vec<_>, _> = fields(&message).collect();
        let expected =
            [(1, Wire::Varint(300)), (2, Wire::Bytes(b"hi")), (3, Wire::Fixed32(1.0_f32.to_le_bytes()))];
        assert_eq!(read.unwrap(), expected);
        for damaged in
            [&message[..2], &message[..6], &message[..11], &[0x0b], &[0xff; 12], &[0x12, 0xff, 0x7f]]
        {
            assert!(fields(damaged).any(|field| field.is_err()), "{damaged:?}");
            assert!(fields(damaged).count() <= 3);
        }
    }
}
