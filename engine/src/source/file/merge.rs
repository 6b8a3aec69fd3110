//! Which record comes next: files in their natural order, and by event time where they overlap.
//!
//! ```text
//!  part1 |-------|                         one file after the other
//!  part2          |------|
//!  quotes                  |---------|     these overlap: the record with the oldest time first, of equal times the one
//!  trades                    |--------|    of the file that comes first by its name
//! ```
//!
//! A file joins those that are being read once their time has come to its first tick. A file that begins before them is
//! looked through up to the time at which they begin: if it reaches into it, all of them begin with it; if it ends
//! before, it keeps its place in the natural order, and is late as a whole.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
};

use super::{FileError, FileSource, FileToRead, open_file::OpenFile};
use crate::tick::EventTime;

/// Files open at a time. Each holds some 400 KiB; further files that overlap wait for one of them to end.
pub(super) const OPEN_FILES_MAX: usize = 256;

/// When the next record of a file is due, and the file's place in the natural order.
type Turn = (Option<EventTime>, usize);

/// Files that are not open yet, and those that are.
pub(super) struct Merge<'a> {
    source: &'a FileSource,
    waiting: VecDeque<Waiting<'a>>,
    /// The file whose record is next.
    current: Option<Box<OpenFile<'a>>>,
    /// The other open files by their turns.
    others: BTreeMap<Turn, Box<OpenFile<'a>>>,
    /// When the files that are open together begin; `None` if that is not known: then no other joins.
    begins: Option<EventTime>,
    /// When the next of those that wait joins.
    next_joins: Option<EventTime>,
    open_max: usize,
}

struct Waiting<'a> {
    file: &'a FileToRead,
    /// Its place in the natural order.
    number: usize,
    /// The time of its first tick; `None` if it is not known.
    first: Option<EventTime>,
    /// The newest time in it, once it was looked through to its end.
    newest: Option<EventTime>,
}

impl<'a> Merge<'a> {
    /// Looks for the first tick of each file, if there are several.
    pub(super) fn new(source: &'a FileSource) -> Result<Self, FileError> {
        let files = &source.files;
        let several = files.len() > 1;
        let waiting = files.iter().enumerate().map(|(number, file)| {
            let first = if several { file.first_time().map_err(|cause| file.failed(cause))? } else { None };
            Ok(Waiting { file, number, first, newest: None })
        });
        Ok(Self {
            source,
            waiting: waiting.collect::<Result<_, FileError>>()?,
            current: None,
            others: BTreeMap::new(),
            begins: None,
            next_joins: None,
            open_max: OPEN_FILES_MAX,
        })
    }

    /// The file whose record is next; `None` at the end of all. `opened` is called with each file that begins.
    pub(super) fn next(
        &mut self,
        mut opened: impl FnMut(&mut OpenFile<'a>),
    ) -> Result<Option<&mut OpenFile<'a>>, FileError> {
        if self.current.is_none() && self.others.is_empty() {
            self.begin_group()?;
            let begins = self.begins;
            let is_first = |waiting: &Waiting<'_>| begins.is_none() || waiting.first == begins;
            let Some(at) = self.waiting.iter().position(is_first) else { return Ok(None) };
            self.open(at, &mut opened)?;
        }
        self.take_turn();
        while let Some(joins) = self.next_joins
            && self.others.len() + 1 < self.open_max
            && self.current.as_ref().is_some_and(|current| current.due() >= Some(joins))
        {
            let at = self.waiting.iter().position(|waiting| waiting.first == Some(joins));
            self.open(at.expect("a file that waits joins next"), &mut opened)?;
            self.take_turn();
        }
        Ok(self.current.as_deref_mut())
    }

    /// Bytes read of the open files, as they lie on the disk.
    pub(super) fn bytes_open(&self) -> u64 {
        self.current.iter().chain(self.others.values()).map(|file| file.bytes_read()).sum()
    }

    /// Ends the current file.
    pub(super) fn end_current(&mut self) {
        self.current = None;
    }

    /// The open files that were not read to their ends.
    pub(super) fn open_files(&mut self) -> impl Iterator<Item = &mut OpenFile<'a>> {
        self.current.iter_mut().chain(self.others.values_mut()).map(|file| &mut **file)
    }

    /// Makes the file with the oldest turn the current one.
    fn take_turn(&mut self) {
        let Some(turn) = self.others.first_key_value().map(|(turn, _)| *turn) else { return };
        if self.current.as_ref().is_some_and(|current| current.turn() < turn) {
            return;
        }
        let next = self.others.remove(&turn);
        if let Some(current) = std::mem::replace(&mut self.current, next) {
            self.others.insert(current.turn(), current);
        }
    }

    /// Opens a file that waits, beside those that are open.
    fn open(&mut self, at: usize, opened: &mut impl FnMut(&mut OpenFile<'a>)) -> Result<(), FileError> {
        let Some(Waiting { file, number, .. }) = self.waiting.remove(at) else { return Ok(()) };
        let mut file = Box::new(OpenFile::open(self.source, file, number)?);
        opened(&mut file);
        self.others.insert(file.turn(), file);
        self.find_next_to_join();
        Ok(())
    }

    fn find_next_to_join(&mut self) {
        let Some(begins) = self.begins else {
            self.next_joins = None;
            return;
        };
        let firsts = self.waiting.iter().filter_map(|waiting| waiting.first);
        self.next_joins = firsts.filter(|&first| first >= begins).min();
    }

    /// Finds when the next file in the natural order begins, with those that begin earlier and reach into it.
    fn begin_group(&mut self) -> Result<(), FileError> {
        self.begins = self.waiting.front().and_then(|waiting| waiting.first);
        let Some(mut begins) = self.begins else { return Ok(()) };
        loop {
            let before = begins;
            for waiting in &mut self.waiting {
                if let Some(first) = waiting.first.filter(|&first| first < begins)
                    && waiting.reaches(begins).map_err(|cause| waiting.file.failed(cause))?
                {
                    begins = first;
                }
            }
            if begins == before {
                break;
            }
        }
        self.begins = Some(begins);
        Ok(())
    }
}

impl Waiting<'_> {
    /// Whether a tick of the file is as new as `time`.
    fn reaches(&mut self, time: EventTime) -> io::Result<bool> {
        if let Some(newest) = self.newest {
            return Ok(newest >= time);
        }
        let mut newest = self.first;
        if self.file.look_through(|seen| {
            newest = newest.max(Some(seen));
            seen >= time
        })? {
            return Ok(true);
        }
        self.newest = newest;
        Ok(false)
    }
}
