//! An Avro file as lines of JSON: each object that it holds is one line. Whoever reads records of text then reads it too.
//!
//! The file is a header with the schema, and blocks of objects, each packed by itself and followed by the header's mark.

use std::io::{self, BufRead, Read};

use flate2::bufread::DeflateDecoder;

use crate::{
    avro::{Cursor, Schema},
    limits::RECORD_BYTES_MAX,
};

/// The first bytes of an Avro file.
pub(super) const MAGIC: &[u8] = b"Obj\x01";
const MARK_BYTES: usize = 16;
/// Bytes of a block at most, packed or not. Writers begin a new one after some ten thousand.
const BLOCK_BYTES_MAX: usize = 64 << 20;
/// Entries of the header at most.
const HEADER_ENTRIES_MAX: u64 = 1_024;
/// Bytes of the header's entries at most.
const HEADER_BYTES_MAX: usize = 4 << 20;

#[derive(Clone, Copy)]
enum Codec {
    Null,
    Deflate,
    Zstandard,
}

/// Reads an Avro file as JSON text, one line an object.
pub(super) struct AvroLines {
    input: Box<dyn BufRead>,
    schema: Schema,
    codec: Codec,
    mark: [u8; MARK_BYTES],
    /// What is left of the block, and how many objects that is.
    block: Vec<u8>,
    block_read: usize,
    objects: u64,
    /// Text that was not taken yet.
    text: String,
    text_read: usize,
}

impl AvroLines {
    /// Reads the header.
    pub(super) fn new(mut input: Box<dyn BufRead>) -> io::Result<Self> {
        let magic: [u8; MAGIC.len()] = exactly(&mut input)?;
        debug_assert_eq!(magic, MAGIC, "the caller has seen it");
        let (mut schema, mut codec, mut bytes) = (None, Codec::Null, 0);
        let mut entries = 0;
        loop {
            let count = long(&mut input)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                long(&mut input)?;
            }
            entries += count.unsigned_abs();
            if entries > HEADER_ENTRIES_MAX {
                return Err(damaged("its header has too many entries"));
            }
            for _ in 0..count.unsigned_abs() {
                let key = sized(&mut input, HEADER_BYTES_MAX - bytes)?;
                let value = sized(&mut input, HEADER_BYTES_MAX - bytes - key.len())?;
                bytes += key.len() + value.len();
                let value = String::from_utf8_lossy(&value);
                match key.as_slice() {
                    b"avro.schema" => {
                        schema = Some(Schema::parse(&value).map_err(|error| damaged(&error.to_string()))?);
                    }
                    b"avro.codec" => codec = codec_named(&value)?,
                    _ => {}
                }
            }
        }
        let schema = schema.ok_or_else(|| damaged("its header has no schema"))?;
        let mark = exactly(&mut input)?;
        let (block, text) = (Vec::new(), String::new());
        Ok(Self { input, schema, codec, mark, block, block_read: 0, objects: 0, text, text_read: 0 })
    }

    /// Reads the next block. Returns whether there was one.
    fn next_block(&mut self) -> io::Result<bool> {
        if self.block_read < self.block.len() {
            return Err(damaged("a block holds more than its objects"));
        }
        if self.input.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.objects = u64::try_from(long(&mut self.input)?)
            .map_err(|_| damaged("a block has fewer than no objects"))?;
        let packed = sized(&mut self.input, BLOCK_BYTES_MAX)?;
        if exactly(&mut self.input)? != self.mark {
            return Err(damaged("a block does not end with the file's mark"));
        }
        self.block = match self.codec {
            Codec::Null => packed,
            Codec::Deflate => unpacked(DeflateDecoder::new(packed.as_slice()))?,
            Codec::Zstandard => unpacked(zstd::Decoder::with_buffer(packed.as_slice())?)?,
        };
        self.block_read = 0;
        // Objects that take no bytes hold no tick, and a damaged block would claim any number of them.
        if self.objects > self.block.len() as u64 {
            return Err(damaged("a block claims more objects than it has bytes"));
        }
        Ok(true)
    }

    /// Makes the line of the next object. Returns whether there was one.
    fn next_line(&mut self) -> io::Result<bool> {
        while self.objects == 0 {
            if !self.next_block()? {
                return Ok(false);
            }
        }
        self.objects -= 1;
        self.text.clear();
        self.text_read = 0;
        let left = &self.block[self.block_read..];
        let mut cursor = Cursor::new(left);
        let read = cursor.datum(&self.schema, RECORD_BYTES_MAX, &mut self.text);
        read.map_err(|error| damaged(&error.to_string()))?;
        self.block_read += left.len() - cursor.left();
        self.text.push('\n');
        Ok(true)
    }
}

impl BufRead for AvroLines {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.text_read == self.text.len() && !self.next_line()? {
            return Ok(&[]);
        }
        Ok(&self.text.as_bytes()[self.text_read..])
    }

    fn consume(&mut self, amount: usize) {
        self.text_read += amount;
    }
}

impl Read for AvroLines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

fn codec_named(name: &str) -> io::Result<Codec> {
    match name {
        "null" => Ok(Codec::Null),
        "deflate" => Ok(Codec::Deflate),
        "zstandard" => Ok(Codec::Zstandard),
        other => {
            let what = format!(
                "it is an Avro file packed by {other:?}; write it with the codec deflate, zstandard or null"
            );
            Err(io::Error::new(io::ErrorKind::InvalidData, what))
        }
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the Avro file cannot be read: {what}"))
}

fn unpacked(from: impl Read) -> io::Result<Vec<u8>> {
    let mut block = Vec::new();
    from.take(BLOCK_BYTES_MAX as u64 + 1).read_to_end(&mut block)?;
    if block.len() > BLOCK_BYTES_MAX {
        return Err(damaged("a block is too long"));
    }
    Ok(block)
}

fn exactly<const BYTES: usize>(input: &mut dyn BufRead) -> io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Bytes behind their length. What is not there is not allocated for.
fn sized(input: &mut dyn BufRead, bytes_max: usize) -> io::Result<Vec<u8>> {
    let size = usize::try_from(long(input)?).ok().filter(|&size| size <= bytes_max);
    let size = size.ok_or_else(|| damaged("a length is negative or too large"))?;
    let mut bytes = Vec::new();
    if input.take(size as u64).read_to_end(&mut bytes)? < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

fn long(input: &mut dyn BufRead) -> io::Result<i64> {
    let mut bytes = Vec::new();
    loop {
        let [byte] = exactly(input)?;
        bytes.push(byte);
        if byte & 0x80 == 0 || bytes.len() > 10 {
            break;
        }
    }
    Cursor::new(&bytes).long().map_err(|error| damaged(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two blocks of an object each: an int and a text.
    fn file(codec: &str, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let schema = br#"{"type":"record","name":"T","fields":[{"name":"n","type":"int"},{"name":"s","type":"string"}]}"#;
        let text = |bytes: &[u8]| {
            let size = u8::try_from(bytes.len()).unwrap();
            let length = if size < 64 { vec![size << 1] } else { vec![(size << 1) | 0x80, size >> 6] };
            [length, bytes.to_vec()].concat()
        };
        let header = [
            MAGIC.to_vec(),
            vec![4],
            text(b"avro.schema"),
            text(schema),
            text(b"avro.codec"),
            text(codec.as_bytes()),
            vec![0],
            [7; MARK_BYTES].to_vec(),
        ];
        let block = |object: &[u8]| [vec![2], text(&pack(object)), [7; MARK_BYTES].to_vec()].concat();
        [header.concat(), block(&[2, 2, b'a']), block(&[4, 2, b'b'])].concat()
    }

    fn lines(file: Vec<u8>) -> io::Result<String> {
        let mut text = String::new();
        AvroLines::new(Box::new(io::Cursor::new(file)))?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn each_object_is_a_line_whatever_the_codec() {
        let deflate = |object: &[u8]| {
            let mut packed = Vec::new();
            let mut encoder = flate2::bufread::DeflateEncoder::new(object, flate2::Compression::fast());
            encoder.read_to_end(&mut packed).unwrap();
            packed
        };
        let expected = "{\"n\":1,\"s\":\"a\"}\n{\"n\":2,\"s\":\"b\"}\n";
        assert_eq!(lines(file("null", <[u8]>::to_vec)).unwrap(), expected);
        assert_eq!(lines(file("deflate", deflate)).unwrap(), expected);
        assert_eq!(
            lines(file("zstandard", |object| zstd::encode_all(object, 0).unwrap())).unwrap(),
            expected
        );
        let error = lines(file("snappy", <[u8]>::to_vec)).unwrap_err().to_string();
        assert!(error.contains("packed by \"snappy\"; write it with the codec deflate"), "{error}");
    }

    #[test]
    fn a_file_that_was_cut_or_damaged_is_an_error_and_never_a_shorter_file() {
        let whole = file("null", <[u8]>::to_vec);
        // Where a block ends, a file may end.
        const BLOCK_BYTES: usize = 21;
        let second_block = whole.len() - BLOCK_BYTES;
        for cut in (MAGIC.len()..whole.len())
            .filter(|&cut| (whole.len() - cut) % BLOCK_BYTES != 0 || whole.len() - cut > 2 * BLOCK_BYTES)
        {
            assert!(lines(whole[..cut].to_vec()).is_err(), "cut at {cut}");
        }
        let mut marked = whole.clone();
        *marked.last_mut().unwrap() = 0;
        assert!(lines(marked).unwrap_err().to_string().contains("mark"));
        let mut more = whole;
        more[second_block] = 0;
        assert!(lines(more).unwrap_err().to_string().contains("more than its objects"));
    }
}
