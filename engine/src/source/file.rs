//! Recorded ticks: NDJSON or trades-only csv, plain or compressed, file after file by name.
//!
//! A file's name says how it is written: `.gz` and `.zst` are unpacked, `.csv` is trades only, all else is one JSON
//! object a line. A csv's symbol is in its name, `VENUE_PRODUCT_anything.csv`, or in the configuration. Each file is
//! taken for a connection of its own: sequence numbers are not compared across files.

pub(crate) mod open;
#[cfg(test)]
mod tests;

use std::{io, path::PathBuf};

use self::open::{Opened, format_of};
use super::{
    RecordFeed, RecordFormat, Run, SourceEnd,
    lines::{Line, Lines},
    pace::{MonotonicClock, Pacer, Speed, WaitClock},
};
use crate::{
    decode::{TradeLineSymbol, Unreadable},
    limits::RECORD_BYTES_MAX,
};

/// Records between two reports of progress.
const RECORDS_PER_REPORT: u64 = 1_024;

/// Which files to replay, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct FileConfig {
    /// Which files, as shell patterns; each pattern's files in the order of their names, after those of the pattern
    /// before.
    pub globs: Vec<String>,
    /// The venue of records that name none.
    pub venue: String,
    /// `venue:product` of csv files whose name does not say it.
    pub csv_symbol: Option<String>,
    /// How fast event time passes.
    pub speed: Speed,
}

/// Why files cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The pattern cannot be read.
    #[error("source.files: {glob:?} is not a pattern: {cause}")]
    BadGlob {
        /// As configured.
        glob: String,
        /// What is wrong with it.
        cause: glob::PatternError,
    },
    /// The pattern matches nothing.
    #[error("source.files: {glob:?} matches no file")]
    NoMatch {
        /// As configured.
        glob: String,
    },
    /// A csv whose symbol is nowhere to be found.
    #[error(
        "{path}: whose trades are these? Name the file VENUE_PRODUCT_….csv or set source.symbol to venue:product"
    )]
    NoCsvSymbol {
        /// The file.
        path: PathBuf,
    },
    /// A configured symbol that is none.
    #[error("source.symbol {symbol:?} is not venue:product")]
    BadCsvSymbol {
        /// As configured.
        symbol: String,
    },
    /// A default venue that is no name.
    #[error("source.venue {venue:?} is not a name; use letters, digits and -_.")]
    BadVenue {
        /// As configured.
        venue: String,
    },
    /// A file that cannot be read, or is damaged.
    #[error("{path}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system or the decompressor says.
        cause: io::Error,
    },
}

/// Files found and understood, but not opened yet.
#[derive(Debug)]
pub struct FileSource {
    files: Vec<FileToRead>,
    speed: Speed,
    bytes_total: u64,
}

#[derive(Debug)]
struct FileToRead {
    path: PathBuf,
    format: RecordFormat,
}

impl FileSource {
    /// Finds the files.
    ///
    /// # Errors
    /// When there are none, or one cannot be understood; nothing is read before all are.
    pub fn open(config: &FileConfig) -> Result<Self, FileError> {
        if TradeLineSymbol::new(&config.venue, "X").is_none() {
            return Err(FileError::BadVenue { venue: config.venue.clone() });
        }
        let csv_symbol = config.csv_symbol.as_deref().map(configured_symbol).transpose()?;
        let mut files = Vec::new();
        let mut bytes_total = 0;
        for glob in &config.globs {
            bytes_total += find(glob, &config.venue, csv_symbol.as_ref(), &mut files)?;
        }
        if files.is_empty() {
            return Err(FileError::NoMatch { glob: config.globs.join(", ") });
        }
        Ok(Self { files, speed: config.speed, bytes_total })
    }

    /// The files, in the order in which they are read.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &PathBuf> {
        self.files.iter().map(|file| &file.path)
    }

    /// Replays them.
    ///
    /// # Errors
    /// When a file cannot be read; what came before it was handed over.
    pub fn run(&self, run: &mut Run<'_>) -> Result<SourceEnd, FileError> {
        self.run_by(MonotonicClock::default(), run)
    }

    fn run_by(&self, clock: impl WaitClock, run: &mut Run<'_>) -> Result<SourceEnd, FileError> {
        let mut pacer = Pacer::new(self.speed, clock);
        let mut feed = RecordFeed::default();
        let mut bytes_done = 0;
        for file in &self.files {
            feed.reconnected();
            let failed = |cause| FileError::Read { path: file.path.clone(), cause };
            let mut opened = Opened::open(&file.path).map_err(failed)?;
            let end = self.replay(&mut opened, &file.format, &mut feed, &mut pacer, bytes_done, run);
            run.sink.flush();
            if end.map_err(failed)? == SourceEnd::Stopped {
                return Ok(SourceEnd::Stopped);
            }
            bytes_done += opened.bytes_read();
            run.progress.advanced(feed.record_count(), bytes_done, self.bytes_total);
        }
        Ok(SourceEnd::Finished)
    }

    fn replay(
        &self,
        opened: &mut Opened,
        format: &RecordFormat,
        feed: &mut RecordFeed,
        pacer: &mut Pacer<impl WaitClock>,
        bytes_done: u64,
        run: &mut Run<'_>,
    ) -> io::Result<SourceEnd> {
        let (input, bytes_read) = opened.split();
        let mut lines = Lines::new(input, RECORD_BYTES_MAX);
        while !run.stop.is_stopped() {
            match lines.next()? {
                None => return Ok(SourceEnd::Finished),
                Some(Line::TooLong(start)) => feed.hand_over_unread(Unreadable::TooLong, start, run.sink),
                Some(Line::Whole(record)) => {
                    if let Some(event_time) = feed.read(record, format) {
                        pacer.wait_for(event_time, run.sink, run.stop);
                        if run.stop.is_stopped() {
                            break;
                        }
                    }
                    feed.hand_over(record, run.sink);
                }
            }
            if feed.record_count().is_multiple_of(RECORDS_PER_REPORT) {
                run.progress.advanced(feed.record_count(), bytes_done + bytes_read.get(), self.bytes_total);
            }
        }
        Ok(SourceEnd::Stopped)
    }
}

/// Adds the files of one pattern, by name, and returns their bytes on the disk.
fn find(
    glob: &str,
    venue: &str,
    csv_symbol: Option<&TradeLineSymbol>,
    files: &mut Vec<FileToRead>,
) -> Result<u64, FileError> {
    let paths = glob::glob(glob).map_err(|cause| FileError::BadGlob { glob: glob.to_owned(), cause })?;
    let first = files.len();
    let mut bytes_total = 0;
    for path in paths {
        let path = path.map_err(|error| FileError::Read {
            path: error.path().to_owned(),
            cause: io::Error::from(error.error().kind()),
        })?;
        let metadata = path.metadata().map_err(|cause| FileError::Read { path: path.clone(), cause })?;
        if metadata.is_file() {
            bytes_total += metadata.len();
            let format = format_of(&path, venue, csv_symbol)?;
            files.push(FileToRead { path, format });
        }
    }
    files[first..].sort_by(|a, b| a.path.cmp(&b.path));
    Ok(bytes_total)
}

fn configured_symbol(symbol: &str) -> Result<TradeLineSymbol, FileError> {
    symbol
        .split_once(':')
        .and_then(|(venue, product)| TradeLineSymbol::new(venue, product))
        .ok_or_else(|| FileError::BadCsvSymbol { symbol: symbol.to_owned() })
}
