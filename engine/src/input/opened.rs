//! A file's unpacked bytes. Its first bytes say how it is packed, whatever its name says.

use std::{
    cell::Cell,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

#[cfg(feature = "packings")]
use super::archive::{self, Member};
#[cfg(feature = "parquet")]
use super::table::{self, TableText};
use super::{
    avro_lines::{self, AvroLines},
    gzip::Gzip,
};
use crate::{decode::packing_of, limits::RECORD_BYTES_MAX};

/// Bytes read from the disk, and unpacked, at a time.
const BUFFER_BYTES: usize = 128 * 1024;

/// First bytes that tell how a file is packed.
const MAGIC_BYTES: u64 = 8;

/// Memory that one block of an xz file may take to unpack: what `xz -9` makes takes 65 MiB.
#[cfg(feature = "packings")]
const XZ_MEMORY_MAX_KIB: u32 = 256 << 10;

/// The name under which standard input is read.
const STANDARD_INPUT: &str = "-";

/// A file that can be opened, standard input, or a member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputFile {
    path: PathBuf,
    #[cfg(feature = "packings")]
    member: Option<Member>,
}

impl InputFile {
    /// A whole file.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            #[cfg(feature = "packings")]
            member: None,
        }
    }

    /// The files that lie at `path`: the members of a zip archive in the natural order of their names, or the one file.
    pub(crate) fn all_at(path: PathBuf) -> io::Result<Vec<Self>> {
        #[cfg(feature = "packings")]
        if path.is_file()
            && let Some(members) = archive::members(&path)?
        {
            let of = |member| Self { path: path.clone(), member: Some(member) };
            return Ok(members.into_iter().map(of).collect());
        }
        Ok(vec![Self::new(path)])
    }

    /// Whether this is standard input, a pipe or a device, which can be read once only.
    pub(crate) fn is_stream(&self) -> bool {
        is_standard_input(&self.path) || self.path.metadata().is_ok_and(|metadata| !metadata.is_file())
    }

    /// The path of the file, or of the archive that it is a member of.
    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The path that tells a file's name: of a member, that in the archive.
    pub(crate) fn name(&self) -> &Path {
        #[cfg(feature = "packings")]
        if let Some(member) = &self.member {
            return Path::new(&member.name);
        }
        &self.path
    }

    /// Bytes that this file takes on the disk; 0 for a stream.
    pub(crate) fn bytes_on_disk(&self) -> io::Result<u64> {
        #[cfg(feature = "packings")]
        if let Some(member) = &self.member {
            return Ok(member.packed_bytes);
        }
        Ok(if self.is_stream() { 0 } else { self.path.metadata()?.len() })
    }

    /// The file, if it is a Parquet table, of which the end must be read first.
    #[cfg(feature = "parquet")]
    fn table(&self) -> io::Result<Option<File>> {
        if self.is_stream() {
            return Ok(None);
        }
        let mut file = File::open(&self.path)?;
        let mut magic = Vec::new();
        (&mut file).take(table::MAGIC.len() as u64).read_to_end(&mut magic)?;
        Ok((magic == table::MAGIC).then_some(file))
    }

    pub(crate) fn open(&self) -> io::Result<Opened> {
        let bytes_read = Rc::new(Cell::new(0));
        #[cfg(feature = "packings")]
        if let Some(member) = &self.member {
            let counted = Counted { input: member.open(&self.path)?, bytes_read: bytes_read.clone() };
            return Opened::unpack(Box::new(member.unpack(counted)), bytes_read);
        }
        let input: Box<dyn Read> = if is_standard_input(&self.path) {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(&self.path)?)
        };
        #[cfg(feature = "parquet")]
        if let Some(file) = self.table()? {
            let length = file.metadata()?.len();
            let input = Box::new(BufReader::with_capacity(BUFFER_BYTES, TableText::new(file)?));
            return Ok(Opened { input, bytes_read: Rc::new(Cell::new(length)), is_table: true });
        }
        let counted = Counted { input, bytes_read: bytes_read.clone() };
        Opened::unpack(Box::new(BufReader::with_capacity(BUFFER_BYTES, counted)), bytes_read)
    }
}

/// The path, and the member's name behind it.
impl fmt::Display for InputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_standard_input(&self.path) {
            return f.write_str("standard input");
        }
        write!(f, "{}", self.path.display())?;
        #[cfg(feature = "packings")]
        if let Some(member) = &self.member {
            write!(f, "/{}", member.name)?;
        }
        Ok(())
    }
}

pub(crate) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

/// An open file, unpacked on the way, that knows how much of it was read.
pub(crate) struct Opened {
    input: Box<dyn BufRead>,
    bytes_read: Rc<Cell<u64>>,
    is_table: bool,
}

impl Opened {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        InputFile::new(path.to_owned()).open()
    }

    /// Unpacks by the first bytes.
    fn unpack(mut packed: Box<dyn BufRead>, bytes_read: Rc<Cell<u64>>) -> io::Result<Self> {
        // A pipe may give its first bytes one by one.
        let mut first = Vec::new();
        (&mut packed).take(MAGIC_BYTES).read_to_end(&mut first)?;
        let packed = Cursor::new(first.clone()).chain(packed);
        let mut input: Box<dyn BufRead> = if first.starts_with(b"\x1f\x8b") {
            buffered(Gzip::new(packed))
        } else if first.starts_with(b"\x28\xb5\x2f\xfd") {
            buffered(zstd::Decoder::with_buffer(packed)?)
        } else {
            unpack_rarer(&first, packed)
        };
        let mut first = Vec::new();
        (&mut input).take(MAGIC_BYTES).read_to_end(&mut first)?;
        if first.starts_with(avro_lines::MAGIC) {
            let input = Box::new(AvroLines::new(Box::new(Cursor::new(first).chain(input)))?);
            return Ok(Self { input, bytes_read, is_table: false });
        }
        if let Some(packing) = packing_of(&first) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "it holds {packing}; it can be JSON or csv lines, a Parquet table or an Avro file, packed by gzip, zstd, bzip2, xz or zip or \
                     not at all"
                ),
            ));
        }
        if first.starts_with(b"\xff\xfe") || first.starts_with(b"\xfe\xff") {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it holds UTF-16, by its byte order mark; write it as UTF-8, as by iconv -f UTF-16 -t UTF-8",
            ));
        }
        Ok(Self { input: Box::new(Cursor::new(first).chain(input)), bytes_read, is_table: false })
    }

    /// Whether this is a Parquet table, as the csv of its columns.
    pub(crate) fn is_table(&self) -> bool {
        self.is_table
    }

    /// The count of packed bytes that were read so far.
    pub(crate) fn bytes_counter(&self) -> Rc<Cell<u64>> {
        self.bytes_read.clone()
    }

    /// The first line that is not blank, without its end, or as much of it as a record may have. It will be read again.
    pub(crate) fn first_line(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        let mut start = 0;
        while head[start..].trim_ascii().is_empty() && head.len() <= RECORD_BYTES_MAX {
            start = head.len();
            let limit = (RECORD_BYTES_MAX + 1 - start) as u64;
            if (&mut self.input).take(limit).read_until(b'\n', &mut head)? == 0 {
                break;
            }
        }
        let line = head[start..].trim_ascii_end().to_vec();
        let rest = std::mem::replace(&mut self.input, Box::new(io::empty()));
        self.input = Box::new(Cursor::new(head).chain(rest));
        Ok(line)
    }

    /// The unpacked bytes alone.
    pub(crate) fn into_input(self) -> Box<dyn BufRead> {
        self.input
    }
}

fn buffered(input: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, input))
}

#[cfg(feature = "packings")]
fn unpack_rarer(first: &[u8], packed: impl BufRead + 'static) -> Box<dyn BufRead> {
    match first {
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', ..] => buffered(bzip2::bufread::MultiBzDecoder::new(packed)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            buffered(lzma_rust2::XzReader::new_mem_limit(packed, true, XZ_MEMORY_MAX_KIB))
        }
        _ => Box::new(packed),
    }
}

#[cfg(not(feature = "packings"))]
fn unpack_rarer(_: &[u8], packed: impl BufRead + 'static) -> Box<dyn BufRead> {
    Box::new(packed)
}

struct Counted<R> {
    input: R,
    bytes_read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes_read.set(self.bytes_read.get() + count as u64);
        Ok(count)
    }
}
