//! Recorded ticks: NDJSON or csv, plain or compressed, file after file in the natural order of their names.
//!
//! A file whose name ends with `.csv` holds a trade a line, any other one JSON object a line; how it is packed is seen by its
//! first bytes. Of a folder all files are read, of a zip archive all members. Standard input (`-`) and pipes are read once,
//! as they come, and told apart by their first line. A csv's symbol is in a column, in the configuration, or in its name,
//! `VENUE_PRODUCT_anything.csv`. Each file is taken for a connection of its own: sequence numbers are not compared
//! across files. Files whose times overlap, such as one of trades and one of quotes, are merged by event time.

mod csv;
mod merge;
mod name;
mod open_file;
mod order;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
};

use self::{csv::Csv, merge::Merge, order::FileOrder};
use super::{
    Run, SourceEnd,
    natural::natural_order,
    pace::{MonotonicClock, Pacer, Speed, WaitClock},
};
use crate::{
    decode::{TimeSettings, TradeLineSymbol},
    input::{Framing, InputFile, Opened, is_standard_input},
    intake::{NotOfJson, RecordFormat, RecordReader},
    settings::{FormatPin, RecordSettings},
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
    /// How records are read where they do not tell it themselves.
    pub records: RecordSettings,
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
    /// The pattern matches folders without files alone.
    #[error("source.files: {glob:?} matches nothing but folders without files; name files, as {glob}/*/*")]
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
    /// A mapping of columns where there is JSON.
    #[error("{path}: {cause}")]
    NotOfJson {
        /// The file.
        path: PathBuf,
        /// The mapping, and how to write one for JSON.
        cause: NotOfJson,
    },
    /// A mapping of JSON where there is a csv.
    #[error(
        "{path}: it is a csv, but --columns (source.columns) {columns:?} holds pointers into JSON; name its columns, or count them \
         from 1"
    )]
    PointersOfCsv {
        /// The file.
        path: PathBuf,
        /// The mapping.
        columns: String,
    },
    /// A csv whose symbol is nowhere to be found.
    #[error(
        "{path}: whose trades are these? Name the file VENUE_PRODUCT_….csv or set --symbol (source.symbol) to VENUE:PRODUCT"
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
    config: FileConfig,
    csv_symbol: Option<TradeLineSymbol>,
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
    input: InputFile,
    /// `None` for a stream, which is not read before its turn.
    content: Option<Content>,
    /// How its times are read that do not tell it themselves.
    times: TimeSettings,
}

/// How the records of a file are written.
#[derive(Clone, Debug)]
enum Content {
    Json { format: RecordFormat, framing: Framing },
    Csv(Csv),
}

impl Content {
    /// How its records are read, as far as that is known without a look through the file.
    fn format(&self) -> RecordFormat {
        match self {
            Self::Json { format, .. } => format.clone(),
            Self::Csv(csv) => RecordFormat::TradeLines(csv.lines()),
        }
    }

    /// Looks at the first line, and at the name, of a file.
    fn of(
        input: &InputFile,
        opened: &mut Opened,
        config: &FileConfig,
        csv_symbol: Option<&TradeLineSymbol>,
    ) -> Result<Self, FileError> {
        let first = opened.first_line().map_err(|cause| FileError::read(input, cause))?;
        let is_pinned_json = matches!(config.records.format, FormatPin::Json | FormatPin::Shape(_));
        if (opened.is_table() || !is_pinned_json)
            && let Some(csv) = Csv::open(input, &first, opened.is_table(), config, csv_symbol)?
        {
            return Ok(Self::Csv(csv));
        }
        let format = RecordFormat::of_json(&config.records, csv_symbol, &config.venue);
        let format =
            format.map_err(|cause| FileError::NotOfJson { path: input.to_string().into(), cause })?;
        Ok(Self::Json { format, framing: Framing::of_json(&first) })
    }

    /// What parts the records of the file.
    fn framing(&self) -> Framing {
        match self {
            Self::Json { framing, .. } => *framing,
            Self::Csv(_) => Framing::Lines,
        }
    }

    /// How the records of the file are read, and what is to be said of that.
    fn prepare(&self, input: &InputFile) -> io::Result<(RecordFormat, Vec<String>)> {
        match self {
            Self::Json { format, .. } => Ok((format.clone(), Vec::new())),
            Self::Csv(csv) => {
                let (lines, remarks) = csv.prepare(input)?;
                Ok((RecordFormat::TradeLines(lines), remarks))
            }
        }
    }
}

impl FileError {
    fn read(input: &InputFile, cause: io::Error) -> Self {
        Self::Read { path: input.to_string().into(), cause }
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
        Ok(Self { files, config: config.clone(), csv_symbol, bytes_total })
    }

    /// The files, in the order in which they are read.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &PathBuf> {
        self.files.iter().map(|file| file.input.path())
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
        let end = self.run_files(&mut Pacer::new(self.config.speed, clock), &mut reading, run);
        run.progress.ended(reading.reader.tally());
        end
    }

    fn run_files(
        &self,
        pacer: &mut Pacer<impl WaitClock>,
        reading: &mut Reading,
        run: &mut Run<'_>,
    ) -> Result<SourceEnd, FileError> {
        let mut merge = Merge::new(self)?;
        let ended = self.run_merged(&mut merge, pacer, reading, run);
        run.sink.flush();
        merge.open_files().for_each(|file| file.in_hand.end(reading.reader.tally_mut()));
        ended
    }

    fn run_merged<'a>(
        &'a self,
        merge: &mut Merge<'a>,
        pacer: &mut Pacer<impl WaitClock>,
        reading: &mut Reading,
        run: &mut Run<'_>,
    ) -> Result<SourceEnd, FileError> {
        let Reading { reader, order, bytes_done } = reading;
        while !run.stop.is_stopped() {
            let next = merge.next(|file| {
                for remark in std::mem::take(&mut file.remarks) {
                    file.in_hand.remark(remark, reader.tally_mut());
                }
            })?;
            let Some(file) = next else { return Ok(SourceEnd::Finished) };
            if file.is_at_end() {
                run.sink.flush();
                file.in_hand.end(reader.tally_mut());
                *bytes_done += file.bytes_read();
                merge.end_current();
                run.progress.advanced(
                    reader.tally().records,
                    *bytes_done + merge.bytes_open(),
                    self.bytes_total,
                );
                continue;
            }
            if let Some(event_time) = file.time() {
                pacer.wait_for(event_time, run.sink, run.stop);
                if run.stop.is_stopped() {
                    break;
                }
            }
            if file.hand_over(reader, run.sink) {
                order.note(&mut file.in_hand, reader);
            }
            file.advance().map_err(|cause| file.file.failed(cause))?;
            let records = reader.tally().records;
            if records.is_multiple_of(RECORDS_PER_REPORT) {
                run.progress.advanced(records, *bytes_done + merge.bytes_open(), self.bytes_total);
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
    let mut bytes_total = 0;
    for path in paths_of(glob)? {
        let failed = |cause| FileError::Read { path: path.clone(), cause };
        for input in InputFile::all_at(path.clone()).map_err(failed)? {
            bytes_total += input.bytes_on_disk().map_err(failed)?;
            let content = if input.is_stream() {
                None
            } else {
                Some(Content::of(&input, &mut input.open().map_err(failed)?, config, csv_symbol)?)
            };
            files.push(FileToRead { input, content, times: config.records.times() });
        }
    }
    Ok(bytes_total)
}

/// The paths of one pattern in their natural order, with the files of a folder in the folder's place.
fn paths_of(glob: &str) -> Result<Vec<PathBuf>, FileError> {
    if is_standard_input(glob.as_ref()) {
        return Ok(vec![PathBuf::from(glob)]);
    }
    let paths = glob::glob(glob).map_err(|cause| FileError::BadGlob { glob: glob.to_owned(), cause })?;
    let mut found = Vec::new();
    let mut has_folders = false;
    for path in paths {
        let path = path.map_err(|error| FileError::Read {
            path: error.path().to_owned(),
            cause: io::Error::from(error.error().kind()),
        })?;
        if path.is_dir() {
            has_folders = true;
            files_in(&path, &mut found).map_err(|cause| FileError::Read { path, cause })?;
        } else {
            found.push(path);
        }
    }
    if found.is_empty() {
        let glob = glob.to_owned();
        return Err(if has_folders { FileError::NotFiles { glob } } else { FileError::NoMatch { glob } });
    }
    found.sort_by(|a, b| natural_order(a, b));
    Ok(found)
}

/// Adds the files that lie in a folder itself, but for hidden ones.
fn files_in(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_file() && !is_hidden {
            found.push(path);
        }
    }
    Ok(())
}

fn configured_symbol(symbol: &str) -> Result<TradeLineSymbol, FileError> {
    TradeLineSymbol::named(symbol).ok_or_else(|| FileError::BadCsvSymbol { symbol: symbol.to_owned() })
}
