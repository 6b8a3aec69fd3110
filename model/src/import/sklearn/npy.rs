//! Arrays of numpy (.npy, format 1 to 3) in a zip archive (.npz). Objects, which would be pickles, are refused.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

use super::Fault;
use crate::import::INPUT_BYTES_MAX;

/// An archive's arrays by name.
pub(super) struct Arrays(HashMap<String, Array>);

/// An array's elements as little-endian bytes.
pub(super) struct Array {
    name: String,
    kind: u8,
    width: usize,
    bytes: Vec<u8>,
}

impl Arrays {
    /// Unpacks the archive. What it unpacks to is bounded, whatever it says of itself.
    pub(super) fn read(archive: &[u8]) -> Result<Self, Fault> {
        let broken = |error: zip::result::ZipError| format!("the archive: {error}");
        let mut zip = zip::ZipArchive::new(Cursor::new(archive)).map_err(broken)?;
        let mut arrays = HashMap::new();
        let mut room = INPUT_BYTES_MAX;
        for number in 0..zip.len().min(1000) {
            let file = zip.by_index(number).map_err(broken)?;
            let name = file.name().map_err(broken)?.into_owned();
            let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
            let mut bytes = Vec::new();
            let read = file.take(room as u64 + 1).read_to_end(&mut bytes);
            room = match read.map_err(|error| format!("{name}: {error}"))? {
                size if size <= room => room - size,
                _ => return Err(format!("more than {INPUT_BYTES_MAX} bytes unpacked").into()),
            };
            let array = Array::read(name.clone(), bytes)?;
            arrays.insert(name, array);
        }
        Ok(Self(arrays))
    }

    pub(super) fn optional(&self, name: &str) -> Option<&Array> {
        self.0.get(name)
    }

    pub(super) fn get(&self, name: &str) -> Result<&Array, String> {
        self.optional(name).ok_or_else(|| format!("there is no array {name}"))
    }

    /// A count in an array of one number.
    pub(super) fn count(&self, name: &str) -> Result<usize, String> {
        match self.get(name)?.integers()?.as_slice() {
            [count] => usize::try_from(*count).map_err(|_| format!("{name} is {count}")),
            _ => Err(format!("{name} is not one number")),
        }
    }

    /// The text in an array of one, if there is one.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, String> {
        self.optional(name).map(|array| array.texts().map(|texts| texts.concat())).transpose()
    }
}

impl Array {
    fn read(name: String, mut bytes: Vec<u8>) -> Result<Self, Fault> {
        let fault = |what: &str| Fault::Broken(format!("{name}: {what}"));
        let start = match bytes.get(..8) {
            Some([0x93, b'N', b'U', b'M', b'P', b'Y', 1, _]) => 10,
            Some([0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _]) => 12,
            _ => return Err(fault("not an array of numpy")),
        };
        let length = bytes.get(8..start).ok_or_else(|| fault("cut short"))?;
        let length = length.iter().rev().fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
        let header = start.checked_add(length).and_then(|end| bytes.get(start..end));
        let header = header.and_then(|header| std::str::from_utf8(header).ok());
        let header = header.ok_or_else(|| fault("its header is cut short"))?;
        if header.contains("'fortran_order': True") {
            return Err(Fault::Unsupported(format!("{name}: an array in Fortran's order")));
        }
        let descr = header
            .split_once("'descr': '")
            .and_then(|(_, rest)| rest.split_once('\''))
            .map(|(descr, _)| descr);
        let descr = descr.ok_or_else(|| fault("its header has no type"))?;
        let unknown = || Fault::Unsupported(format!("{name}: elements of type {descr:?}"));
        let (order, kind, width) = match descr.as_bytes() {
            [order, kind, width @ ..] => (*order, *kind, std::str::from_utf8(width).unwrap_or_default()),
            _ => return Err(unknown()),
        };
        let width: usize = width.parse().map_err(|_| unknown())?;
        let width = match (kind, width) {
            (b'i' | b'u', 1 | 2 | 4 | 8) | (b'f', 4 | 8) | (b'b', 1) => width,
            (b'U', 0..=4096) => width * 4,
            _ => return Err(unknown()),
        };
        if order == b'>' {
            return Err(unknown());
        }
        bytes.drain(..start + length);
        if width > 0 && !bytes.len().is_multiple_of(width) {
            return Err(fault("not a whole number of elements"));
        }
        Ok(Self { name, kind, width, bytes })
    }

    fn elements(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.width.max(1))
    }

    /// The elements as integers.
    pub(super) fn integers(&self) -> Result<Vec<i64>, String> {
        let shift = 64 - 8 * self.width.min(8) as u32;
        let bits =
            |element: &[u8]| element.iter().rev().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        match self.kind {
            b'i' => Ok(self.elements().map(|element| (bits(element) << shift) as i64 >> shift).collect()),
            b'u' | b'b' => Ok(self.elements().map(|element| bits(element) as i64).collect()),
            _ => Err(format!("{} holds no integers", self.name)),
        }
    }

    /// The elements as f64.
    pub(super) fn doubles(&self) -> Result<Vec<f64>, String> {
        let bits =
            |element: &[u8]| element.iter().rev().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        match (self.kind, self.width) {
            (b'f', 8) => Ok(self.elements().map(|element| f64::from_bits(bits(element))).collect()),
            (b'f', _) => {
                Ok(self.elements().map(|element| f64::from(f32::from_bits(bits(element) as u32))).collect())
            }
            (b'U', _) => Err(format!("{} holds no numbers", self.name)),
            _ => Ok(self.integers()?.into_iter().map(|value| value as f64).collect()),
        }
    }

    /// The elements as text; numbers as they are written.
    pub(super) fn texts(&self) -> Result<Vec<String>, String> {
        let character = |code: &[u8]| match code {
            &[a, b, c, d] => {
                char::from_u32(u32::from_le_bytes([a, b, c, d])).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => char::REPLACEMENT_CHARACTER,
        };
        match self.kind {
            b'U' => Ok(self
                .elements()
                .map(|text| {
                    text.chunks(4).map(character).take_while(|&character| character != '\0').collect()
                })
                .collect()),
            b'f' => Ok(self.doubles()?.iter().map(f64::to_string).collect()),
            _ => Ok(self.integers()?.iter().map(i64::to_string).collect()),
        }
    }
}
