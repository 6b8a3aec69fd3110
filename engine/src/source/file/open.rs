//! What a file's name says, and its unpacked bytes.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    rc::Rc,
};

use flate2::bufread::MultiGzDecoder;

use super::{FileError, RecordFormat};
use crate::decode::TradeLineSymbol;

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
        let packed = BufReader::with_capacity(BUFFER_BYTES, counted);
        let input: Box<dyn BufRead> = match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(packed))),
            Some("zst") => {
                Box::new(BufReader::with_capacity(BUFFER_BYTES, zstd::Decoder::with_buffer(packed)?))
            }
            _ => Box::new(packed),
        };
        Ok(Self { input, bytes_read })
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    /// The unpacked bytes alone.
    pub(crate) fn into_input(self) -> Box<dyn BufRead> {
        self.input
    }

    /// The unpacked bytes, and the count of packed bytes that moves with them.
    pub(super) fn split(&mut self) -> (&mut dyn BufRead, &Cell<u64>) {
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

/// How the records of `path` are written, by its name.
pub(super) fn format_of(
    path: &Path,
    venue: &str,
    csv_symbol: Option<&TradeLineSymbol>,
) -> Result<RecordFormat, FileError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let unpacked = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    let Some(stem) = unpacked.strip_suffix(".csv") else {
        return Ok(RecordFormat::Json { venue: venue.to_owned() });
    };
    if let Some(symbol) = csv_symbol {
        return Ok(RecordFormat::TradeLines(symbol.clone()));
    }
    let mut parts = stem.splitn(3, '_');
    parts
        .next()
        .zip(parts.next())
        // With two parts alone, `trades_january.csv` would pass for a venue and a product.
        .filter(|_| parts.next().is_some())
        .and_then(|(venue, product)| TradeLineSymbol::new(venue, product))
        .map(RecordFormat::TradeLines)
        .ok_or_else(|| FileError::NoCsvSymbol { path: path.to_owned() })
}
