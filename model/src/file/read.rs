//! Checks a file and returns its sections.

use rkyv::{Archived, Portable, api::high::HighValidator, bytecheck::CheckBytes, rancor};

use super::{
    header::{self, Entry, HEADER_BYTES, SECTION_ALIGN},
    pages::Pages,
    v1, v2,
};
use crate::error::ModelError;

/// A file whose header, table, offsets and checksums agree.
pub(crate) struct SectionFile<'a> {
    file: &'a str,
    pages: &'a Pages,
    bytes: &'a [u8],
    entries: Vec<Entry>,
}

/// A section of a known kind, whose pointers, strings and enums rkyv has checked.
pub(crate) enum Section<'a> {
    Meta(&'a Archived<v1::Meta>),
    Forest(&'a Archived<v1::Forest>),
    Blocks(&'a Archived<v1::Blocks>),
    Oblivious(&'a Archived<v1::Oblivious>),
    Ragged(&'a Archived<v1::Ragged>),
    Linear(&'a Archived<v1::Linear>),
    Wide(&'a Archived<v1::Wide>),
    Link(&'a Archived<v1::Link>),
    Scales(&'a Archived<v1::Scales>),
    Preparation(&'a Archived<v1::Preparation>),
    LastSelfTest(&'a Archived<v1::SelfTest>),
    SelfTest(&'a Archived<v2::SelfTest>),
    Explain(&'a Archived<v1::Explain>),
    Drift(&'a Archived<v1::Drift>),
}

impl<'a> SectionFile<'a> {
    /// Checks that the bytes are complete and undamaged.
    ///
    /// # Errors
    /// The damaged part: the header, or a section.
    pub(crate) fn check(file: &'a str, pages: &'a Pages) -> Result<Self, ModelError> {
        let bytes = pages.bytes();
        let sections = Self { file, pages, bytes, entries: header::read(file, bytes)? };
        let mut end = HEADER_BYTES + sections.entries.len() * header::ENTRY_BYTES;
        for (place, entry) in sections.entries.iter().enumerate() {
            end = sections.check_place(end, entry).map_err(|what| sections.error(place, what))?;
        }
        if end != bytes.len() {
            let what = format!("{} bytes after the last section", bytes.len() - end);
            return Err(ModelError::Header { file: file.to_owned(), what });
        }
        Ok(sections)
    }

    /// Sections must follow one another in the order of the table, with only zeros up to the next alignment.
    fn check_place(&self, end: usize, entry: &Entry) -> Result<usize, String> {
        let start = end.next_multiple_of(SECTION_ALIGN);
        if entry.offset != start as u64 {
            return Err(format!("starts at {}, not at {start}", entry.offset));
        }
        let length = usize::try_from(entry.length).unwrap_or(usize::MAX);
        let section_end = start.saturating_add(length);
        if section_end > self.bytes.len() {
            return Err(format!("{length} bytes from {start} in a file of {}", self.bytes.len()));
        }
        let pieces = self.pages.windows(&self.bytes[start..section_end]);
        let computed = pieces.fold(0, crc32c::crc32c_append);
        if computed != entry.checksum {
            return Err(format!("checksum {computed:08x} where {:08x} was written: damaged", entry.checksum));
        }
        if self.bytes[end..start].iter().any(|&byte| byte != 0) {
            return Err("the gap before it is not zero".to_owned());
        }
        Ok(section_end)
    }

    /// The known sections, each with its index in the table. Unknown ones are skipped unless required.
    ///
    /// # Errors
    /// A required section that is unknown, or one with an invalid archive.
    pub(crate) fn sections(&self) -> Result<Vec<(usize, Section<'a>)>, ModelError> {
        let mut known = Vec::with_capacity(self.entries.len());
        for (place, entry) in self.entries.iter().enumerate() {
            let start = entry.offset as usize;
            let bytes = &self.bytes[start..start + entry.length as usize];
            let section = match (&entry.tag, entry.version) {
                (b"META", v1::VERSION) => access(bytes).map(Section::Meta),
                (b"FRST", v1::VERSION) => access(bytes).map(Section::Forest),
                (b"BLKS", v1::VERSION) => access(bytes).map(Section::Blocks),
                (b"OBLV", v1::VERSION) => access(bytes).map(Section::Oblivious),
                (b"RAGD", v1::VERSION) => access(bytes).map(Section::Ragged),
                (b"LINR", v1::VERSION) => access(bytes).map(Section::Linear),
                (b"WIDE", v1::VERSION) => access(bytes).map(Section::Wide),
                (b"LINK", v1::VERSION) => access(bytes).map(Section::Link),
                (b"SCAL", v1::VERSION) => access(bytes).map(Section::Scales),
                (b"PREP", v1::VERSION) => access(bytes).map(Section::Preparation),
                (b"TEST", v1::VERSION) => access(bytes).map(Section::LastSelfTest),
                (b"TEST", v2::VERSION) => access(bytes).map(Section::SelfTest),
                (b"EXPL", v1::VERSION) => access(bytes).map(Section::Explain),
                (b"DRFT", v1::VERSION) => access(bytes).map(Section::Drift),
                _ if entry.required => {
                    let (file, section) = (self.file.to_owned(), entry.label(place));
                    return Err(ModelError::UnknownSection { file, section, version: entry.version });
                }
                _ => continue,
            };
            known.push((place, section.map_err(|what| self.error(place, what))?));
        }
        Ok(known)
    }

    /// An error about the section at index `place`.
    pub(crate) fn error(&self, place: usize, what: String) -> ModelError {
        ModelError::Section { file: self.file.to_owned(), section: self.entries[place].label(place), what }
    }
}

fn access<T>(bytes: &[u8]) -> Result<&T, String>
where
    T: Portable + for<'b> CheckBytes<HighValidator<'b, rancor::Error>>,
{
    rkyv::access::<T, rancor::Error>(bytes).map_err(|error| {
        let text = error.to_string();
        format!("its archive is not in order: {}", text.lines().next().unwrap_or_default())
    })
}
