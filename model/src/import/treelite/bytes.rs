//! Little-endian numbers and length-prefixed arrays; every length is checked against the bytes left.

/// The unread rest of a file.
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| "it ends too early".to_owned())?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn i32(&mut self) -> Result<i32, String> {
        Ok(signed(self.take(4)?) as i32)
    }

    pub(super) fn u64(&mut self) -> Result<u64, String> {
        Ok(bits(self.take(8)?))
    }

    /// The bytes of an array: its length is read, then elements of `width` bytes.
    pub(super) fn array(&mut self, width: usize) -> Result<&'a [u8], String> {
        let length = usize::try_from(self.u64()?).ok().and_then(|length| length.checked_mul(width));
        self.take(length.ok_or_else(|| "an endless array".to_owned())?)
    }
}

fn bits(element: &[u8]) -> u64 {
    element.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
}

/// A signed integer of 1 to 8 bytes.
pub(super) fn signed(element: &[u8]) -> i64 {
    let shift = 64 - 8 * element.len().clamp(1, 8) as u32;
    (bits(element) << shift) as i64 >> shift
}

/// A float of 4 or 8 bytes.
pub(super) fn double(element: &[u8]) -> f64 {
    if element.len() == 4 {
        f64::from(f32::from_bits(bits(element) as u32))
    } else {
        f64::from_bits(bits(element))
    }
}

/// An element as an unsigned number, little-endian.
pub(super) fn unsigned(element: &[u8]) -> u64 {
    bits(element)
}
