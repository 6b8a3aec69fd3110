//! The members of a zip archive, each read as a file of its own.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::{Crc, bufread::DeflateDecoder};
use zip::{CompressionMethod, ZipArchive};

use crate::source::natural::natural_order;

/// Files of one archive at most.
const MEMBERS_MAX: usize = 100_000;

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// With folders.
    pub(super) name: String,
    pub(super) packed_bytes: u64,
    data_start: u64,
    is_deflated: bool,
    crc32: u32,
}

/// The files of the archive at `path`, in the natural order of their names; `None` if it is no zip archive.
pub(super) fn members(path: &Path) -> io::Result<Option<Vec<Member>>> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    (&mut file).take(4).read_to_end(&mut magic)?;
    if magic != b"PK\x03\x04" {
        return Ok(None);
    }
    file.rewind()?;
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    if archive.len() > MEMBERS_MAX {
        return Err(invalid(format!("the archive holds more than {MEMBERS_MAX} files; split it")));
    }
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index)?;
        // Folders, and what some systems add beside each file.
        let name = member.name()?.into_owned();
        if !member.is_file() || name.starts_with("__MACOSX/") {
            continue;
        }
        if member.encrypted() {
            return Err(invalid(format!("its file {name} is encrypted; unpack it first")));
        }
        let is_deflated = match member.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            other => return Err(invalid(format!("its file {name} is packed by {other}; unpack it first"))),
        };
        let data_start =
            member.data_start().ok_or_else(|| invalid(format!("its file {name} has no data")))?;
        let (packed_bytes, crc32) = (member.compressed_size(), member.crc32());
        members.push(Member { name, packed_bytes, data_start, is_deflated, crc32 });
    }
    members.sort_by(|a, b| natural_order(Path::new(&a.name), Path::new(&b.name)));
    Ok(Some(members))
}

impl Member {
    /// The packed bytes in the archive at `path`.
    pub(super) fn open(&self, path: &Path) -> io::Result<impl Read + 'static> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.data_start))?;
        Ok(file.take(self.packed_bytes))
    }

    /// Unpacks what [`open`](Self::open) gives.
    pub(super) fn unpack(&self, packed: impl Read + 'static) -> impl BufRead + 'static {
        let packed = BufReader::new(packed);
        let unpacked: Box<dyn Read> =
            if self.is_deflated { Box::new(DeflateDecoder::new(packed)) } else { Box::new(packed) };
        BufReader::new(Checked { unpacked, crc: Crc::new(), expected: self.crc32 })
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Fails at the end if the bytes are not those that were packed.
struct Checked<R> {
    unpacked: R,
    crc: Crc,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.unpacked.read(buffer)?;
        self.crc.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(invalid("the archive is damaged: a checksum is wrong".to_owned()));
        }
        Ok(count)
    }
}
