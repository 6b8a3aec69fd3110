//! Mapped model bytes that neither move nor change while any part of them is held.
//!
//! A file's bytes are copied to a memory file, which is sealed against every write and change of its length, and mapped
//! from there: the bytes that were checked and hashed are those that score, whatever happens to the file. A very large
//! file can be mapped in place instead ([`Pages::in_place`]). Nothing protects such a mapping from another process that
//! overwrites or truncates the file, so the caller must guarantee that the file is only replaced by rename (as
//! [`super::write`] does).

#![allow(unsafe_code)]

use std::{
    fs::File,
    io::{self, Read, Seek},
    ops::Deref,
    path::Path,
    sync::Arc,
};

use memmap2::{Mmap, MmapMut, MmapOptions, UncheckedAdvice};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// Mapped, read-only bytes. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    map: Arc<Mmap>,
    /// Whether the bytes are mapped from the file itself, from which they can be read again.
    is_in_place: bool,
}

/// Files of at least this size release their pages while they are checked: a checksum reads every byte, but a forest
/// larger than memory is walked a few pages at a time.
const RELEASE_BYTES_MIN: usize = 64 << 20;
/// Bytes of such a file that are read before their memory is released.
pub(crate) const WINDOW_BYTES: usize = 8 << 20;

/// A slice inside [`Pages`] that keeps them mapped.
#[derive(Debug)]
pub(crate) struct MappedSlice<T> {
    start: *const T,
    len: usize,
    /// Keeps the mapping alive; never read.
    _pages: Pages,
}

impl Pages {
    /// Copies a file to sealed memory. A file that is written meanwhile may be copied half old and half new; the checks
    /// of the copy find that.
    ///
    /// # Errors
    /// The system's error, or `InvalidInput` for what is not a regular file (opening a pipe would wait for a writer).
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = open_regular(path)?;
        // SAFETY: the memory file is sealed against every change of its bytes and length.
        if let Ok(map) = sealed_copy(&file).and_then(|sealed| unsafe { map(&sealed) }) {
            return Ok(Self { map: Arc::new(map), is_in_place: false });
        }
        // Old kernels and some sandboxes have no memory files. A file that could not be read fails here again.
        file.rewind()?;
        let mut bytes = Vec::new();
        bounded(&file)?.read_to_end(&mut bytes)?;
        Self::copy_of(&bytes)
    }

    /// Maps a file in place.
    ///
    /// # Errors
    /// As [`Pages::of_file`].
    ///
    /// # Safety
    /// Nobody overwrites or truncates the file while a part of these pages is held.
    pub(crate) unsafe fn in_place(path: &Path) -> io::Result<Self> {
        let file = open_regular(path)?;
        // SAFETY: the caller's promise.
        let map = unsafe { map(&file) }?;
        Ok(Self { map: Arc::new(map), is_in_place: true })
    }

    /// Copies bytes to new pages.
    ///
    /// # Errors
    /// The system's error if it has no memory.
    pub(crate) fn copy_of(bytes: &[u8]) -> io::Result<Self> {
        let mut map = MmapMut::map_anon(bytes.len())?;
        map.copy_from_slice(bytes);
        Ok(Self { map: Arc::new(map.make_read_only()?), is_in_place: false })
    }

    /// All bytes. They start at a page boundary.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Releases the memory of a slice of a large file that is mapped in place. The next access reads it again.
    ///
    /// # Panics
    /// If the slice is not inside these pages.
    pub(crate) fn release<T>(&self, slice: &[T]) {
        if !self.is_in_place || self.map.len() < RELEASE_BYTES_MIN || slice.is_empty() {
            return;
        }
        let start = slice.as_ptr() as usize - self.map.as_ptr() as usize;
        assert!(start + size_of_val(slice) <= self.map.len(), "the slice is not inside these pages");
        // SAFETY: the mapping is a file's, private and read-only, so no page of it was ever written: what is dropped is
        // read again from the file, with the same bytes. Advice that the system refuses changes nothing.
        let _ =
            unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, size_of_val(slice)) };
    }

    /// All bytes in pieces. The memory of each piece is released when the next one is taken.
    pub(crate) fn windows<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut last: &[u8] = &[];
        let mut pieces = bytes.chunks(WINDOW_BYTES);
        std::iter::from_fn(move || {
            self.release(last);
            last = pieces.next()?;
            Some(last)
        })
    }

    /// Keeps a slice of these pages beyond the borrow through which it was found.
    ///
    /// # Panics
    /// If the slice is not inside these pages.
    pub(crate) fn keep<T: Copy + Send + Sync + 'static>(&self, slice: &[T]) -> MappedSlice<T> {
        let pages = self.map.as_ptr_range();
        let range = slice.as_ptr_range();
        let inside = pages.start <= range.start.cast() && range.end.cast() <= pages.end;
        assert!(inside || slice.is_empty(), "slice {range:?} is not inside pages {pages:?}");
        MappedSlice { start: slice.as_ptr(), len: slice.len(), _pages: self.clone() }
    }
}

fn open_regular(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    File::open(path)
}

/// The file from its start to its present end, plus one byte: a file that grows meanwhile does not fill the memory, and
/// the extra byte reveals that it has grown.
fn bounded(file: &File) -> io::Result<io::Take<&File>> {
    Ok(file.take(file.metadata()?.len().saturating_add(1)))
}

/// Copies the file's bytes to a memory file that is sealed against writes, changes of its length and further seals.
fn sealed_copy(file: &File) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut memory = File::from(memfd_create("stormglass-model", flags)?);
    io::copy(&mut bounded(file)?, &mut memory)?;
    fcntl_add_seals(&memory, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(memory)
}

/// Maps all of a file, privately and read-only: kernels before 6.7 map a sealed file only in this way.
///
/// # Safety
/// Nothing changes or truncates the file while the map lives.
unsafe fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: nothing writes to the map, and the caller promises that nothing changes the bytes behind it.
    unsafe { MmapOptions::new().map_copy_read_only(file) }
}

impl<T> Deref for MappedSlice<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `start` and `len` come from a `&[T]`, so they were aligned, initialised and in bounds. That slice
        // was inside a mapping (`keep` asserted it) which `_pages` keeps mapped at its address, read-only; `T` is
        // `Copy`, so it has neither a destructor nor interior mutability. An empty slice refers to no memory.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

// SAFETY: it is a shared, read-only slice of `T` with an `Arc` beside it: as free to move as `&[T]`.
unsafe impl<T: Send + Sync> Send for MappedSlice<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for MappedSlice<T> {}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write, os::fd::AsRawFd};

    use super::*;

    #[test]
    fn a_kept_slice_outlives_the_pages_it_came_from() {
        let pages = Pages::copy_of(&[1, 2, 3, 4]).unwrap();
        let kept = pages.keep(&pages.bytes()[1..3]);
        drop(pages);
        let kept = std::thread::spawn(move || kept.to_vec()).join().unwrap();
        assert_eq!(kept, [2, 3]);
    }

    #[test]
    #[should_panic(expected = "is not inside pages")]
    fn a_slice_from_elsewhere_is_not_kept() {
        let pages = Pages::copy_of(&[1, 2, 3, 4]).unwrap();
        pages.keep(&[1_u8, 2, 3]);
    }

    #[test]
    fn a_directory_is_not_mapped() {
        assert!(Pages::of_file(Path::new("/")).is_err());
        // SAFETY: a directory is refused, so nothing is mapped.
        assert!(unsafe { Pages::in_place(Path::new("/")) }.is_err());
    }

    #[test]
    fn a_sealed_copy_refuses_every_change() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"the bytes").unwrap();
        file.rewind().unwrap();
        let sealed = sealed_copy(&file).unwrap();
        let refused = |outcome: io::Result<()>| {
            assert_eq!(outcome.map_err(|error| error.raw_os_error()), Err(Some(1)), "EPERM")
        };
        // As another process with the same rights would come to it.
        let link = format!("/proc/self/fd/{}", sealed.as_raw_fd());
        let again = OpenOptions::new().read(true).write(true).open(link).unwrap();
        for mut handle in [&sealed, &again] {
            refused(handle.rewind().and_then(|()| handle.write_all(b"x")));
            refused(handle.set_len(0));
            refused(handle.set_len(100));
            refused(fcntl_add_seals(handle, SealFlags::FUTURE_WRITE).map_err(io::Error::from));
        }
        let shared = MmapOptions::new().len(9).map_raw(&again);
        refused(shared.map(drop));
        // SAFETY: the file is sealed.
        assert_eq!(&*unsafe { map(&sealed) }.unwrap(), b"the bytes");
    }

    #[test]
    fn pages_of_a_file_keep_its_bytes_whatever_becomes_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"old").unwrap();
        let pages = Pages::of_file(&path).unwrap();
        std::fs::write(&path, b"new").unwrap();
        assert_eq!(pages.bytes(), b"old");
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        assert_eq!(pages.bytes(), b"old");
        assert_eq!(Pages::of_file(&path).unwrap().bytes(), b"", "an empty file is one, too");
    }
}
