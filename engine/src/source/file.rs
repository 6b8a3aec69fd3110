//! Recorded ticks: NDJSON or csv, plain or compressed, file after file in the natural order of their names.
//!
//! A file whose name ends with `.csv` holds a trade a line, any other one JSON object a line; whether it is packed by gzip
//! or zstd is seen by its first bytes. A csv's symbol is in a column, in the configuration, or in its name,
//! `VENUE_PRODUCT_anything.csv`. Each file is taken for a connection of its own: sequence numbers are not compared
//! across files.

mod csv;
mod name;
mod order;
#[cfg(test)]
mod tests;

use std::{io, path::PathBuf};

use self::{csv::Csv, order::FileOrder};
use super::{
    Run, SourceEnd,
    natural::natural_order,
    pace::{MonotonicClock, Pacer, Speed, WaitClock},
};
use crate::{
    decode::{TradeLineSymbol, Unreadable},
    input::{Line, Lines, Opened},
    intake::{RecordFormat, RecordPlace, RecordReader},
    limits::RECORD_BYTES_MAX,
};

/// Records between two reports of progress.
const RECORDS_PER_REPORT: u64 = 1_024;

/// The files that are replayed, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct FileConfig {
    /// The files, as shell patterns; each pattern's files in the natural order of their names, `part2` before `part10`,
    /// after those of the pattern before.
    pub globs: Vec<String>,
    /// The venue of records that name none.
    pub venue: String,
    /// `venue:product` of csv files that have no column for it.
    pub csv_symbol: Option<String>,
    /// How fast event time passes.
    pub speed: Speed,
}

/// The reason for which files cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The pattern cannot be read.
    #[error("source.files: {glob:?} is not a pattern: {cause}")]
    BadGlob {
        /// As configured.
        glob: String,
        /// The error of the pattern.
        cause: glob::PatternError,
    },
    /// The pattern matches nothing.
    #[error("source.files: {glob:?} matches no file")]
    NoMatch {
        /// As configured.
        glob: String,
    },
    /// The pattern matches folders, pipes or devices alone.
    #[error("source.files: {glob:?} matches nothing but folders, pipes or devices; name files, as {glob}/*")]
    NotFiles {
        /// As configured.
        glob: String,
    },
    /// A csv whose columns are not known.
    #[error("{path}: its first line has {columns} columns; {cause}")]
    Columns {
        /// The file.
        path: PathBuf,
        /// How many there are.
        columns: usize,
        /// What the columns lack.
        cause: String,
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
        /// The error of the system or of the decompressor.
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

/// The records and files that one run has read so far.
#[derive(Debug, Default)]
struct Reading {
    reader: RecordReader,
    order: FileOrder,
    /// Bytes of the files that were read to their ends, as they lie on the disk.
    bytes_done: u64,
}

#[derive(Debug)]
struct FileToRead {
    path: PathBuf,
    content: Content,
}

/// How the records of a file are written.
#[derive(Debug)]
enum Content {
    /// The venue is that of records that name none.
    Json {
        venue: String,
    },
    Csv(Csv),
}

impl FileToRead {
    /// How its records are read, and what is to be said of that.
    fn prepare(&self) -> io::Result<(RecordFormat, Vec<String>)> {
        match &self.content {
            Content::Json { venue } => Ok((RecordFormat::json(venue.clone()), Vec::new())),
            Content::Csv(csv) => {
                let (lines, remarks) = csv.prepare(&self.path)?;
                Ok((RecordFormat::TradeLines(lines), remarks))
            }
        }
    }
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
            bytes_total += find(glob, config, csv_symbol.as_ref(), &mut files)?;
        }
        if files.is_empty() {
            return Err(FileError::NoMatch { glob: String::new() });
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
        let mut reading = Reading::default();
        let end = self.run_files(&mut Pacer::new(self.speed, clock), &mut reading, run);
        run.progress.ended(reading.reader.tally());
        end
    }

    fn run_files(
        &self,
        pacer: &mut Pacer<impl WaitClock>,
        reading: &mut Reading,
        run: &mut Run<'_>,
    ) -> Result<SourceEnd, FileError> {
        for file in &self.files {
            reading.reader.begin_connection(0);
            reading.order.begin(&file.path.to_string_lossy());
            let failed = |cause| FileError::Read { path: file.path.clone(), cause };
            let (mut format, remarks) = file.prepare().map_err(failed)?;
            for remark in remarks {
                reading.order.remark(remark, reading.reader.tally_mut());
            }
            let mut opened = Opened::open(&file.path).map_err(failed)?;
            let end = self.replay(&mut opened, &mut format, reading, pacer, run);
            run.sink.flush();
            reading.order.end(reading.reader.tally_mut());
            if end.map_err(failed)? == SourceEnd::Stopped {
                return Ok(SourceEnd::Stopped);
            }
            reading.bytes_done += opened.bytes_read();
            run.progress.advanced(reading.reader.tally().records, reading.bytes_done, self.bytes_total);
        }
        Ok(SourceEnd::Finished)
    }

    fn replay(
        &self,
        opened: &mut Opened,
        format: &mut RecordFormat,
        reading: &mut Reading,
        pacer: &mut Pacer<impl WaitClock>,
        run: &mut Run<'_>,
    ) -> io::Result<SourceEnd> {
        let Reading { reader, order, bytes_done } = reading;
        let (input, bytes_read) = opened.split();
        let mut lines = Lines::new(input, RECORD_BYTES_MAX);
        while !run.stop.is_stopped() {
            let Some((line, content)) = lines.next_numbered()? else { return Ok(SourceEnd::Finished) };
            let place = RecordPlace::Line { file: order.file(), line };
            match content {
                Line::TooLong(start) => {
                    reader.hand_over_unread(Unreadable::TooLong, start, place, run.sink);
                }
                Line::Whole(record) => {
                    if let Some(event_time) = reader.read(record, format) {
                        pacer.wait_for(event_time, run.sink, run.stop);
                        if run.stop.is_stopped() {
                            break;
                        }
                    }
                    reader.hand_over(record, place, run.sink);
                    order.note(reader);
                }
            }
            let records = reader.tally().records;
            if records.is_multiple_of(RECORDS_PER_REPORT) {
                run.progress.advanced(records, *bytes_done + bytes_read.get(), self.bytes_total);
            }
        }
        Ok(SourceEnd::Stopped)
    }
}

/// Adds the files of one pattern, in their natural order, and returns their bytes on the disk.
fn find(
    glob: &str,
    config: &FileConfig,
    csv_symbol: Option<&TradeLineSymbol>,
    files: &mut Vec<FileToRead>,
) -> Result<u64, FileError> {
    let paths = glob::glob(glob).map_err(|cause| FileError::BadGlob { glob: glob.to_owned(), cause })?;
    let mut found = Vec::new();
    let mut has_others = false;
    let mut bytes_total = 0;
    for path in paths {
        let path = path.map_err(|error| FileError::Read {
            path: error.path().to_owned(),
            cause: io::Error::from(error.error().kind()),
        })?;
        let metadata = path.metadata().map_err(|cause| FileError::Read { path: path.clone(), cause })?;
        if metadata.is_file() {
            bytes_total += metadata.len();
            found.push(path);
        } else {
            has_others = true;
        }
    }
    if found.is_empty() {
        let glob = glob.to_owned();
        return Err(if has_others { FileError::NotFiles { glob } } else { FileError::NoMatch { glob } });
    }
    found.sort_by(|a, b| natural_order(a, b));
    for path in found {
        let content = match Csv::open(&path, config, csv_symbol)? {
            Some(csv) => Content::Csv(csv),
            None => Content::Json { venue: config.venue.clone() },
        };
        files.push(FileToRead { path, content });
    }
    Ok(bytes_total)
}

fn configured_symbol(symbol: &str) -> Result<TradeLineSymbol, FileError> {
    symbol
        .split_once(':')
        .and_then(|(venue, product)| TradeLineSymbol::new(venue, product))
        .ok_or_else(|| FileError::BadCsvSymbol { symbol: symbol.to_owned() })
}
