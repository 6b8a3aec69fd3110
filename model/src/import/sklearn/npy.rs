//! Reads numpy arrays (.npy, format 1 to 3) in a zip archive (.npz). Object arrays, which are pickles, are refused.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

use super::Fault;
use crate::import::INPUT_BYTES_MAX;

/// Greatest ratio of an archive's unpacked size to its own. Trees compress to no less than a twelfth; deflate can reach
/// a thousandth, with which a file could fill the memory.
const UNPACKED_RATIO_MAX: usize = 64;

/// Most bytes that an archive may unpack to.
pub(super) fn unpacked_max(archive: &[u8]) -> usize {
    archive.len().saturating_mul(UNPACKED_RATIO_MAX).min(INPUT_BYTES_MAX)
}

/// Most texts of an array; features and classes have names, of which a model has fewer.
const TEXTS_MAX: usize = 1 << 17;

/// The arrays of an archive, by name.
pub(super) struct Arrays(HashMap<String, Array>);

/// An array's elements as little-endian bytes.
pub(super) struct Array {
    name: String,
    kind: u8,
    width: usize,
    bytes: Vec<u8>,
}

impl Arrays {
    /// A collection of arrays made in memory.
    pub(super) fn of(arrays: Vec<Array>) -> Self {
        Self(arrays.into_iter().map(|array| (array.name.clone(), array)).collect())
    }

    /// Unpacks an archive. The unpacked size is bounded, whatever the archive claims.
    pub(super) fn read(archive: &[u8]) -> Result<Self, Fault> {
        let broken = |error: zip::result::ZipError| format!("the archive: {error}");
        let mut zip = zip::ZipArchive::new(Cursor::new(archive)).map_err(broken)?;
        let mut arrays = HashMap::new();
        let unpacked_max = unpacked_max(archive);
        let mut room = unpacked_max;
        for number in 0..zip.len().min(1000) {
            let file = zip.by_index(number).map_err(broken)?;
            let name = file.name().map_err(broken)?.into_owned();
            let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
            let mut bytes = Vec::new();
            let read = file.take(room as u64 + 1).read_to_end(&mut bytes);
            room = match read.map_err(|error| format!("{name}: {error}"))? {
                size if size <= room => room - size,
                _ => return Err(format!("more than {unpacked_max} bytes unpacked").into()),
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

    /// The count in an array of one number.
    pub(super) fn count(&self, name: &str) -> Result<usize, String> {
        match self.get(name)?.integers()?.as_slice() {
            [count] => usize::try_from(*count).map_err(|_| format!("{name} is {count}")),
            _ => Err(format!("{name} is not one number")),
        }
    }

    /// The text in an array of one text; `None` if it is absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, String> {
        self.optional(name).map(|array| array.texts().map(|texts| texts.concat())).transpose()
    }
}

impl Array {
    /// Makes an array of doubles.
    pub(super) fn of_doubles(name: &str, values: &[f64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name: name.to_owned(), kind: b'f', width: 8, bytes }
    }

    /// Makes an array of integers.
    pub(super) fn of_integers(name: &str, values: &[i64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name: name.to_owned(), kind: b'i', width: 8, bytes }
    }

    /// Makes an array of one text.
    pub(super) fn of_text(name: &str, text: &str) -> Self {
        Self::of_texts(name, &[text.to_owned()])
    }

    /// Makes an array of texts; each is cut to the longest that a read array may have.
    pub(super) fn of_texts(name: &str, texts: &[String]) -> Self {
        const LENGTH_MAX: usize = 256;
        let length = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).clamp(1, LENGTH_MAX);
        let mut bytes = Vec::with_capacity(4 * length * texts.len());
        for text in texts {
            let characters = text.chars().chain(std::iter::repeat('\0')).take(length);
            bytes.extend(characters.flat_map(|character| u32::from(character).to_le_bytes()));
        }
        Self { name: name.to_owned(), kind: b'U', width: 4 * length, bytes }
    }

    pub(super) fn read(name: String, mut bytes: Vec<u8>) -> Result<Self, Fault> {
        let fault = |what: &str| Fault::Broken(format!("{name}: {what}"));
        let (header, start) = header(&bytes).map_err(fault)?;
        let columns_first = header.contains("'fortran_order': True").then(|| shape(header));
        let descr = header
            .split_once("'descr': '")
            .and_then(|(_, rest)| rest.split_once('\''))
            .map(|(descr, _)| descr);
        let descr = descr.ok_or_else(|| fault("its header has no type"))?;
        let (kind, width) = element(descr)
            .ok_or_else(|| Fault::Unsupported(format!("{name}: elements of type {descr:?}")))?;
        bytes.drain(..start);
        if width > 0 && !bytes.len().is_multiple_of(width) {
            return Err(fault("not a whole number of elements"));
        }
        match columns_first.as_deref() {
            None | Some([_]) => {}
            Some(&[rows, columns]) => {
                bytes = by_rows(&bytes, rows, columns, width).ok_or_else(|| fault("its shape is another"))?;
            }
            _ => {
                return Err(Fault::Unsupported(format!(
                    "{name}: more than two dimensions in Fortran's order"
                )));
            }
        }
        Ok(Self { name, kind, width, bytes })
    }

    fn elements(&self) -> impl ExactSizeIterator<Item = &[u8]> {
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

    /// The elements as texts; numbers in their decimal form.
    pub(super) fn texts(&self) -> Result<Vec<String>, String> {
        let character = |code: &[u8]| match code {
            &[a, b, c, d] => {
                char::from_u32(u32::from_le_bytes([a, b, c, d])).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => char::REPLACEMENT_CHARACTER,
        };
        if self.elements().len() > TEXTS_MAX {
            return Err(format!("{} holds more than {TEXTS_MAX} texts", self.name));
        }
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

/// An array's header, and the offset of its elements.
fn header(bytes: &[u8]) -> Result<(&str, usize), &'static str> {
    let start = match bytes.get(..8) {
        Some([0x93, b'N', b'U', b'M', b'P', b'Y', 1, _]) => 10,
        Some([0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _]) => 12,
        _ => return Err("not an array of numpy"),
    };
    let length = bytes.get(8..start).ok_or("cut short")?;
    let length = length.iter().rev().fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
    let end = start.checked_add(length).ok_or("cut short")?;
    let header = bytes.get(start..end).and_then(|header| std::str::from_utf8(header).ok());
    Ok((header.ok_or("its header is cut short")?, end))
}

/// The lengths of an array's dimensions.
fn shape(header: &str) -> Vec<usize> {
    let shape = header.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')'));
    let (shape, _) = shape.unwrap_or_default();
    shape.split(',').filter_map(|length| length.trim().parse().ok()).take(8).collect()
}

/// Converts elements from column-major to row-major order.
fn by_rows(bytes: &[u8], rows: usize, columns: usize, width: usize) -> Option<Vec<u8>> {
    if rows.checked_mul(columns)?.checked_mul(width)? != bytes.len() {
        return None;
    }
    let element = |place: usize| &bytes[place * width..(place + 1) * width];
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| column * rows + row));
    Some(places.flat_map(element).copied().collect())
}

/// The kind and size in bytes of elements; `None` for a type that is not supported.
fn element(descr: &str) -> Option<(u8, usize)> {
    let (order, rest) = descr.split_at_checked(1)?;
    let (kind, width) = rest.split_at_checked(1)?;
    let (kind, width) = (kind.as_bytes()[0], width.parse::<usize>().ok()?);
    match (kind, width) {
        _ if order == ">" => None,
        (b'i' | b'u', 1 | 2 | 4 | 8) | (b'f', 4 | 8) | (b'b', 1) => Some((kind, width)),
        (b'U', 0..=4096) => Some((kind, width * 4)),
        _ => None,
    }
}

/// Reads the columns of a record array.
pub(super) fn records(name: &str, bytes: &[u8]) -> Result<Arrays, Fault> {
    const FIELDS_MAX: usize = 64;
    let fault = |what: &str| Fault::Broken(format!("{name}: {what}"));
    let (header, start) = header(bytes).map_err(fault)?;
    let fields = header.split_once("'descr': [").and_then(|(_, rest)| rest.split_once(']'));
    let (fields, _) = fields.ok_or_else(|| fault("its header has no fields"))?;
    // ('name', '<f8'), ('', '|V7'), ...: every other quoted text is a type.
    let quoted: Vec<&str> = fields.split('\'').skip(1).step_by(2).take(2 * FIELDS_MAX).collect();
    let (mut columns, mut size) = (Vec::new(), 0_usize);
    for pair in quoted.chunks_exact(2) {
        let padding = pair[1].strip_prefix("|V").and_then(|width| width.parse::<usize>().ok());
        let (kind, width) = match padding {
            Some(width) => (b'V', width.min(1 << 16)),
            None => element(pair[1]).ok_or_else(|| fault("a field of unknown type"))?,
        };
        columns.push((pair[0], kind, size, width));
        size += width;
    }
    let elements = &bytes[start..];
    if size == 0 || !elements.len().is_multiple_of(size) {
        return Err(fault("not a whole number of records"));
    }
    let column = |(name, kind, at, width): (&str, u8, usize, usize)| Array {
        name: name.to_owned(),
        kind,
        width,
        bytes: elements.chunks_exact(size).flat_map(|record| &record[at..at + width]).copied().collect(),
    };
    Ok(Arrays::of(columns.into_iter().filter(|(_, kind, ..)| *kind != b'V').map(column).collect()))
}
#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    /// An archive of one array of zeros.
    fn archive(count: usize) -> Vec<u8> {
        let mut header = b"{'descr': '|i1', 'fortran_order': False, 'shape': (0,), }".to_vec();
        header.resize(118, b' ');
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("classes.npy", SimpleFileOptions::default()).unwrap();
        zip.write_all(b"\x93NUMPY\x01\0\x76\0").unwrap();
        zip.write_all(&header).unwrap();
        zip.write_all(&vec![0; count]).unwrap();
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn an_archive_that_unpacks_to_much_more_than_it_is_is_refused() {
        let small = archive(1000);
        assert_eq!(Arrays::read(&small).ok().unwrap().get("classes").unwrap().integers().unwrap(), [0; 1000]);
        let bomb = archive(1 << 22);
        assert!(bomb.len() < 1 << 14, "{}", bomb.len());
        match Arrays::read(&bomb) {
            Err(Fault::Broken(what)) => assert!(what.contains("bytes unpacked"), "{what}"),
            _ => panic!("it was unpacked"),
        }
    }

    #[test]
    fn texts_have_a_bound() {
        let bytes = vec![0; TEXTS_MAX + 1];
        let array = Array { name: "classes".to_owned(), kind: b'i', width: 1, bytes };
        assert!(array.texts().unwrap_err().contains("more than"));
    }
}
