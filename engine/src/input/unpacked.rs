//! A file's unpacked bytes. Its first bytes say how it is packed, whatever its name says.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    rc::Rc,
};

use flate2::bufread::MultiGzDecoder;

use crate::decode::packing_of;

/// Bytes read from the disk, and unpacked, at a time.
const BUFFER_BYTES: usize = 128 * 1024;

/// An open file, unpacked on the way, that knows how much of it was read.
pub(crate) struct Opened {
    input: Box<dyn BufRead>,
    bytes_read: Rc<Cell<u64>>,
}

impl Opened {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let bytes_read = Rc::new(Cell::new(0));
        let counted = Counted { file: File::open(path)?, bytes_read: bytes_read.clone() };
        let mut packed = BufReader::with_capacity(BUFFER_BYTES, counted);
        let first = packed.fill_buf()?;
        let mut input: Box<dyn BufRead> = if first.starts_with(b"\x1f\x8b") {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(packed)))
        } else if first.starts_with(b"\x28\xb5\x2f\xfd") {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, zstd::Decoder::with_buffer(packed)?))
        } else {
            Box::new(packed)
        };
        if let Some(packing) = packing_of(input.fill_buf()?) {
            let what = format!(
                "it holds {packing}; it can be JSON or csv lines, packed by gzip or zstd or not at all"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(Self { input, bytes_read })
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    /// The unpacked bytes alone.
    pub(crate) fn into_input(self) -> Box<dyn BufRead> {
        self.input
    }

    /// The unpacked bytes, and the count of packed bytes that moves with them.
    pub(crate) fn split(&mut self) -> (&mut dyn BufRead, &Cell<u64>) {
        (self.input.as_mut(), &self.bytes_read)
    }
}

struct Counted {
    file: File,
    bytes_read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes_read.set(self.bytes_read.get() + count as u64);
        Ok(count)
    }
}
