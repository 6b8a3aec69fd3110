//! The 64-byte header and the section table.

use crate::error::ModelError;

/// The first bytes of a model file. The high bit, the line ends and the end-of-file mark reveal a copy made in text
/// mode.
pub(crate) const MAGIC: [u8; 8] = *b"\x89SGM\r\n\x1a\n";
/// The newest format version this build reads, and the one it writes.
pub(crate) const FORMAT_VERSION: u16 = 1;
/// Length of the header, bytes.
pub(crate) const HEADER_BYTES: usize = 64;
/// Size of an entry of the section table, bytes.
pub(crate) const ENTRY_BYTES: usize = 32;
/// Sections start at multiples of this.
pub(crate) const SECTION_ALIGN: usize = 64;
/// Most sections in a file.
pub(crate) const SECTIONS_MAX: usize = 1024;
/// Stored as `FE FF` in the byte order of this format.
pub(crate) const BYTE_ORDER: u16 = 0xfffe;
/// Bits of a relative pointer inside a section.
pub(crate) const POINTER_BITS: u8 = 32;

/// Position of the checksum over header and table, bytes from the start.
const CHECKSUM_AT: usize = 60;

/// One line of the section table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The section's tag, four ASCII letters.
    pub(crate) tag: [u8; 4],
    pub(crate) version: u16,
    /// Whether a reader that does not know this section must refuse the file.
    pub(crate) required: bool,
    /// Offset from the start of the file, bytes.
    pub(crate) offset: u64,
    /// Length, bytes.
    pub(crate) length: u64,
    /// CRC32C of the section's bytes.
    pub(crate) checksum: u32,
}

impl Entry {
    /// The tag and the index in the table, for messages: `FRST[1]`.
    pub(crate) fn label(&self, place: usize) -> String {
        format!("{}[{place}]", self.tag.escape_ascii())
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.tag);
        out.extend(self.version.to_le_bytes());
        out.extend(u16::from(self.required).to_le_bytes());
        out.extend(self.offset.to_le_bytes());
        out.extend(self.length.to_le_bytes());
        out.extend(self.checksum.to_le_bytes());
        out.extend([0; 4]);
    }

    fn read(bytes: &[u8]) -> Result<Self, String> {
        let tag: [u8; 4] = array(bytes, 0);
        if !tag.iter().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!("tag {:?} is not four letters", tag.escape_ascii().to_string()));
        }
        let flags = u16::from_le_bytes(array(bytes, 6));
        if flags > 1 || array::<4>(bytes, 28) != [0; 4] {
            return Err(format!("section {}: unknown flags", tag.escape_ascii()));
        }
        Ok(Self {
            tag,
            version: u16::from_le_bytes(array(bytes, 4)),
            required: flags == 1,
            offset: u64::from_le_bytes(array(bytes, 8)),
            length: u64::from_le_bytes(array(bytes, 16)),
            checksum: u32::from_le_bytes(array(bytes, 24)),
        })
    }
}

/// The bytes of header and table for sections whose offsets are known.
pub(crate) fn write(entries: &[Entry], file_bytes: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + entries.len() * ENTRY_BYTES);
    out.extend(MAGIC);
    out.extend(FORMAT_VERSION.to_le_bytes());
    out.extend(BYTE_ORDER.to_le_bytes());
    out.extend([POINTER_BITS, 0, 0, 0]);
    out.extend(file_bytes.to_le_bytes());
    out.extend((entries.len() as u32).to_le_bytes());
    out.resize(HEADER_BYTES, 0);
    for entry in entries {
        entry.write(&mut out);
    }
    let checksum = checksum(&out);
    out[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Parses and checks header and table. The sections' own bytes are not read.
///
/// # Errors
/// The first fault, the most informative one first.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Entry>, ModelError> {
    let name = || file.to_owned();
    if bytes.len() < HEADER_BYTES || array::<8>(bytes, 0) != MAGIC {
        return Err(ModelError::NotAModel { file: name(), what: what_it_is(bytes) });
    }
    let version = u16::from_le_bytes(array(bytes, 8));
    if version > FORMAT_VERSION {
        return Err(ModelError::NewerFormat { file: name(), found: version, newest: FORMAT_VERSION });
    }
    let byte_order = u16::from_le_bytes(array(bytes, 10));
    if byte_order != BYTE_ORDER || bytes[12] != POINTER_BITS {
        let what = format!("byte order {byte_order:04x}, {} bit pointers", bytes[12]);
        return Err(ModelError::ForeignLayout { file: name(), what });
    }
    let file_bytes = u64::from_le_bytes(array(bytes, 16));
    if file_bytes != bytes.len() as u64 {
        return Err(ModelError::Length { file: name(), expected: file_bytes, found: bytes.len() as u64 });
    }
    let header = |what: String| ModelError::Header { file: name(), what };
    let count = u32::from_le_bytes(array(bytes, 24)) as usize;
    let table_end = HEADER_BYTES + count.min(SECTIONS_MAX + 1) * ENTRY_BYTES;
    if count == 0 || count > SECTIONS_MAX || table_end > bytes.len() {
        return Err(header(format!("a table of {count} sections in {} bytes", bytes.len())));
    }
    let (stored, computed) = (u32::from_le_bytes(array(bytes, CHECKSUM_AT)), checksum(&bytes[..table_end]));
    if stored != computed {
        return Err(header(format!("checksum {computed:08x} where {stored:08x} was written: damaged")));
    }
    if version == 0 || bytes[13..16] != [0; 3] || bytes[28..CHECKSUM_AT].iter().any(|&byte| byte != 0) {
        return Err(header(format!("format version {version} with reserved bytes in use")));
    }
    bytes[HEADER_BYTES..table_end].chunks_exact(ENTRY_BYTES).map(|e| Entry::read(e).map_err(header)).collect()
}

/// CRC32C of header and table without the checksum's own four bytes.
fn checksum(header_and_table: &[u8]) -> u32 {
    let before = crc32c::crc32c(&header_and_table[..CHECKSUM_AT]);
    crc32c::crc32c_append(before, &header_and_table[HEADER_BYTES..])
}

/// `N` bytes from `at`; the callers have checked that they exist.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes is an array of N")
}

/// Describes a file that is not a model, for the error message.
fn what_it_is(bytes: &[u8]) -> String {
    let looks_like = match bytes {
        [] => "it is empty",
        [0x80, 2..=5, ..] => "it looks like a Python pickle, which is never loaded",
        [b'{', ..] => "it looks like JSON: import it first (`stormglass model import`)",
        [b'P', b'K', 3, 4, ..] => "it looks like a zip archive",
        [0x89, b'S', b'G', b'M', ..] => "it was cut short, or copied as text",
        _ => "its first bytes are not the format's",
    };
    format!("{looks_like} ({} bytes)", bytes.len())
}
