//! The mapping: bytes that stay put and do not change for as long as anyone holds a part of them.
//!
//! What cannot be defended against from inside: another process that cuts short or overwrites the mapped file in place.
//! Model files are therefore replaced by rename (as [`super::write`] does), never modified.

#![allow(unsafe_code)]

use std::{fs::File, io, ops::Deref, path::Path, sync::Arc};

use memmap2::{Mmap, MmapMut, UncheckedAdvice};

/// A mapped file, or a page-aligned copy of bytes. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    map: Arc<Mmap>,
    /// Whether the bytes are a file's, which can be read again.
    of_file: bool,
}

/// Files from this size on are given back to the system page by page while they are checked: a checksum reads every
/// byte, but a forest larger than memory is walked a few pages at a time.
const RELEASE_BYTES_MIN: usize = 64 << 20;
/// How much of such a file is read before it is given back.
pub(crate) const WINDOW_BYTES: usize = 8 << 20;

/// A slice inside [`Pages`] that keeps them mapped.
#[derive(Debug)]
pub(crate) struct MappedSlice<T> {
    start: *const T,
    len: usize,
    /// Never read: it holds the mapping.
    _pages: Pages,
}

impl Pages {
    /// Maps a file.
    ///
    /// # Errors
    /// The system's, or `InvalidInput` for what is not a regular file (opening a pipe would wait for a writer).
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(path)?;
        // SAFETY: the map is private and read-only. The one way to break it is to modify the file in place, which
        // the format forbids (see the top of this file): files are replaced by rename.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self { map: Arc::new(map), of_file: true })
    }

    /// Copies bytes to pages of their own.
    ///
    /// # Errors
    /// The system's, when it has no memory to give.
    pub(crate) fn copy_of(bytes: &[u8]) -> io::Result<Self> {
        let mut map = MmapMut::map_anon(bytes.len())?;
        map.copy_from_slice(bytes);
        Ok(Self { map: Arc::new(map.make_read_only()?), of_file: false })
    }

    /// All bytes. They start at a page boundary.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Lets go of the memory behind a slice of a large file: it is read again where it is asked for.
    ///
    /// # Panics
    /// If the slice is not inside these pages.
    pub(crate) fn release<T>(&self, slice: &[T]) {
        if !self.of_file || self.map.len() < RELEASE_BYTES_MIN || slice.is_empty() {
            return;
        }
        let start = slice.as_ptr() as usize - self.map.as_ptr() as usize;
        assert!(start + size_of_val(slice) <= self.map.len(), "the slice is not inside these pages");
        // SAFETY: the mapping is a file's, private and read-only, so no page of it was ever written: what is dropped is
        // read again from the file, with the same bytes. Advice that the system refuses changes nothing.
        let _ =
            unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, size_of_val(slice)) };
    }

    /// All bytes in pieces, each given back when the next is asked for.
    pub(crate) fn windows<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut last: &[u8] = &[];
        let mut pieces = bytes.chunks(WINDOW_BYTES);
        std::iter::from_fn(move || {
            self.release(last);
            last = pieces.next()?;
            Some(last)
        })
    }

    /// Holds on to a slice of these pages beyond the borrow it was found through.
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
    }
}
