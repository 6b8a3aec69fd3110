//! Lays out a file and writes it atomically.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rkyv::{rancor, util::AlignedVec};

use super::header::{self, ENTRY_BYTES, Entry, HEADER_BYTES, SECTION_ALIGN};

/// A section to write.
pub(crate) struct NewSection {
    pub(crate) tag: [u8; 4],
    pub(crate) version: u16,
    pub(crate) required: bool,
    pub(crate) bytes: Vec<u8>,
}

/// A type that is the root of a section.
pub(crate) trait Archivable:
    for<'a> rkyv::Serialize<
        rkyv::api::high::HighSerializer<
            AlignedVec<SECTION_ALIGN>,
            rkyv::ser::allocator::ArenaHandle<'a>,
            rancor::Error,
        >,
    >
{
}

impl<T> Archivable for T where
    T: for<'a> rkyv::Serialize<
            rkyv::api::high::HighSerializer<
                AlignedVec<SECTION_ALIGN>,
                rkyv::ser::allocator::ArenaHandle<'a>,
                rancor::Error,
            >,
        >
{
}

/// Archives a section's root and everything it refers to.
pub(crate) fn archive(root: &impl Archivable) -> Vec<u8> {
    let out = rkyv::api::high::to_bytes_in::<_, rancor::Error>(root, AlignedVec::<SECTION_ALIGN>::new());
    // Plain vectors, strings and numbers have no error of their own, and memory is not an `Err`.
    out.expect("writing plain data to memory cannot fail").into_vec()
}

/// The file's bytes: header, table, sections in order. Equal sections give equal bytes.
pub(crate) fn lay_out(sections: &[NewSection]) -> Vec<u8> {
    let mut entries = Vec::with_capacity(sections.len());
    let mut end = HEADER_BYTES + sections.len() * ENTRY_BYTES;
    for section in sections {
        let offset = end.next_multiple_of(SECTION_ALIGN);
        entries.push(Entry {
            tag: section.tag,
            version: section.version,
            required: section.required,
            offset: offset as u64,
            length: section.bytes.len() as u64,
            checksum: crc32c::crc32c(&section.bytes),
        });
        end = offset + section.bytes.len();
    }
    let mut out = header::write(&entries, end as u64);
    out.reserve_exact(end - out.len());
    for section in sections {
        out.resize(out.len().next_multiple_of(SECTION_ALIGN), 0);
        out.extend(&section.bytes);
    }
    out
}

/// Writes a file atomically, so that `path` holds either its old content or all of the new: a temporary file beside it,
/// synced, renamed, and the directory synced. A process that has mapped the old file in place keeps it.
///
/// # Errors
/// The system's error; the temporary file is removed then.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let (mut file, temporary) = create_beside(directory, &name.to_string_lossy())?;
    let written =
        file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The first error is the one to report; the leftover only costs space.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

/// A new file `.NAME.PROCESS.N.partial` that no other writer has.
fn create_beside(directory: &Path, name: &str) -> io::Result<(File, PathBuf)> {
    for attempt in 0_u32.. {
        let path = directory.join(format!(".{name}.{}.{attempt}.partial", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {}
            opened => return opened.map(|file| (file, path)),
        }
    }
    unreachable!("the loop returns by its thousandth attempt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_leaves_one_file_and_keeps_what_was_mapped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.sgm");
        replace(&path, b"old").unwrap();
        #[allow(unsafe_code)]
        // SAFETY: `replace` writes another file and renames it over this one.
        let mapped = unsafe { crate::file::pages::Pages::in_place(&path) }.unwrap();
        replace(&path, b"new bytes").unwrap();
        assert_eq!(mapped.bytes(), b"old");
        assert_eq!(fs::read(&path).unwrap(), b"new bytes");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"bytes").is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
