//! Keeps what a source brings in files of one line a record: the record as it came, or, of a source without records, our
//! own record of each tick. `serve --source file:…` reads them back.
//!
//! A file is begun under `NAME_YYYYMMDD_HHMMSS.ndjson.part` and gets its name when it is whole: by its size or age, at the
//! end, and when it cannot be written further.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::blocks::BlockFile;
use crate::{encode::encode, intake::TickSink, stop::StopToken, symbol::Offset, tick::Tick};

/// Bytes of lines that wait for the disk at most, whatever the flush interval.
const BLOCK_BYTES_MAX: usize = 1 << 20;
/// Files of one second that have names.
const SAME_NAME_MAX: u32 = 1_000;

/// Where the files go, and when one ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickFileSettings {
    /// The directory, created if absent.
    pub directory: PathBuf,
    /// What the files' names begin with.
    pub name: String,
    /// Whether the lines are compressed by zstd.
    pub compress: bool,
    /// Bytes of lines, before compression, after which a file is finished.
    pub bytes_max: u64,
    /// Age after which a file is finished.
    pub age_max: Duration,
    /// How long lines wait for the disk at most: what a crash costs.
    pub flush_every: Duration,
}

/// The reason for which nothing more is recorded.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct TickFileError {
    /// The file or the directory.
    pub path: PathBuf,
    /// The error of the system.
    pub cause: io::Error,
}

/// How much was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickFileCounts {
    /// Lines in finished files.
    pub lines: u64,
    /// Finished files.
    pub files: u64,
}

/// Takes the ticks of a source and keeps them in files.
pub struct TickFiles {
    settings: TickFileSettings,
    /// Told when a file cannot be written.
    stop: StopToken,
    open: Option<Open>,
    block: Vec<u8>,
    lines_in_block: u64,
    flushed: Instant,
    /// The record whose ticks are kept with it.
    record: Option<Offset>,
    text: String,
    counts: TickFileCounts,
    failure: Option<TickFileError>,
}

struct Open {
    file: BlockFile,
    path: PathBuf,
    opened: Instant,
    bytes: u64,
    lines: u64,
}

impl TickFiles {
    /// Begins in this directory; `stop` is told when a file cannot be written.
    ///
    /// # Errors
    /// [`TickFileError`] if the directory cannot be made, or not be written to.
    pub fn open(settings: TickFileSettings, stop: StopToken) -> Result<Self, TickFileError> {
        let failed = |cause| TickFileError { path: settings.directory.clone(), cause };
        std::fs::create_dir_all(&settings.directory).map_err(failed)?;
        let mut files = Self {
            settings,
            stop,
            open: None,
            block: Vec::new(),
            lines_in_block: 0,
            flushed: Instant::now(),
            record: None,
            text: String::new(),
            counts: TickFileCounts::default(),
            failure: None,
        };
        // Now rather than at the first tick, so that a wrong directory is told at once.
        files.open = Some(files.begin()?);
        Ok(files)
    }

    /// Lines so far, those that wait for the disk, too.
    pub fn lines(&self) -> u64 {
        self.counts.lines + self.open.as_ref().map_or(0, |open| open.lines) + self.lines_in_block
    }

    /// Finishes the open file.
    ///
    /// # Errors
    /// [`TickFileError`] if a file could not be written; the lines before are in files with final names.
    pub fn finish(mut self) -> Result<TickFileCounts, TickFileError> {
        self.write_block();
        self.finish_file();
        self.failure.map_or(Ok(self.counts), Err)
    }

    fn line(&mut self, line: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        let start = self.block.len();
        self.block.extend_from_slice(line);
        // A message over several lines: between the parts of JSON a space is as good.
        self.block[start..]
            .iter_mut()
            .filter(|byte| matches!(byte, b'\n' | b'\r'))
            .for_each(|byte| *byte = b' ');
        self.block.push(b'\n');
        self.lines_in_block += 1;
        if self.block.len() >= BLOCK_BYTES_MAX {
            self.write_block();
        }
        self.look_at_the_clock();
    }

    /// Writes what has waited long enough, and finishes a file that is full or old.
    fn look_at_the_clock(&mut self) {
        if !self.block.is_empty() && self.flushed.elapsed() >= self.settings.flush_every {
            self.write_block();
        }
        let waiting = self.block.len() as u64;
        let bytes = self.open.as_ref().map_or(0, |open| open.bytes) + waiting;
        let is_old = self.open.as_ref().is_some_and(|open| open.opened.elapsed() >= self.settings.age_max);
        if bytes >= self.settings.bytes_max || is_old {
            self.write_block();
            self.finish_file();
        }
    }

    fn write_block(&mut self) {
        self.flushed = Instant::now();
        if self.block.is_empty() || self.failure.is_some() {
            return;
        }
        if self.open.is_none() {
            match self.begin() {
                Ok(open) => self.open = Some(open),
                Err(error) => return self.fail(error),
            }
        }
        let Some(open) = &mut self.open else { return };
        if let Err(cause) = open.file.write(&self.block) {
            let path = open.path.clone();
            return self.fail(TickFileError { path, cause });
        }
        open.bytes += self.block.len() as u64;
        open.lines += std::mem::take(&mut self.lines_in_block);
        self.block.clear();
    }

    fn finish_file(&mut self) {
        let Some(open) = self.open.take() else { return };
        match open.file.finish() {
            Ok(None) => {}
            Ok(Some(_)) => {
                self.counts.files += 1;
                self.counts.lines += open.lines;
            }
            Err(cause) => self.fail(TickFileError { path: open.path, cause }),
        }
    }

    /// Ends the recording; the blocks that are on the disk get their name.
    fn fail(&mut self, error: TickFileError) {
        self.failure.get_or_insert(error);
        self.finish_file();
        self.stop.stop();
    }

    fn begin(&self) -> Result<Open, TickFileError> {
        let TickFileSettings { directory, name, compress, .. } = &self.settings;
        let at = jiff::Timestamp::now().strftime("%Y%m%d_%H%M%S").to_string();
        let end = if *compress { ".ndjson.zst" } else { ".ndjson" };
        let mut path = directory.join(format!("{name}_{at}{end}"));
        for number in 2..SAME_NAME_MAX {
            if !is_taken(&path) {
                break;
            }
            path = directory.join(format!("{name}_{at}_{number}{end}"));
        }
        let file = BlockFile::create(path.clone(), *compress);
        let file = file.map_err(|cause| TickFileError { path: path.clone(), cause })?;
        Ok(Open { file, path, opened: Instant::now(), bytes: 0, lines: 0 })
    }
}

fn is_taken(path: &Path) -> bool {
    path.exists()
        || path.with_extension(format!("{}.part", path.extension().unwrap_or_default().display())).exists()
}

impl TickSink for TickFiles {
    fn record(&mut self, record_offset: Offset, record: &[u8]) {
        self.record = Some(record_offset);
        self.line(record);
    }

    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, _index: u32, tick: Tick) {
        if self.record == Some(record_offset) {
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        encode(venue, product, &tick, &mut text);
        self.line(text.as_bytes());
        self.text = text;
    }

    fn flush(&mut self) {
        self.look_at_the_clock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{SimConfig, Simulator};

    fn settings(directory: &Path, compress: bool) -> TickFileSettings {
        TickFileSettings {
            directory: directory.to_owned(),
            name: "ticks_BTCUSD".to_owned(),
            compress,
            bytes_max: 200_000,
            age_max: Duration::from_secs(3_600),
            flush_every: Duration::ZERO,
        }
    }

    fn names(directory: &Path) -> Vec<String> {
        let entry = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        std::fs::read_dir(directory).unwrap().map(entry).collect()
    }

    #[test]
    fn files_end_by_size_and_hold_each_line_once_under_their_final_names() {
        for compress in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let mut files =
                TickFiles::open(settings(directory.path(), compress), StopToken::default()).unwrap();
            files.settings.flush_every = Duration::from_secs(60);
            let mut expected = String::new();
            for (offset, (_, tick)) in (0..).zip(Simulator::new(SimConfig::default()).take(3_000)) {
                let mut text = String::new();
                encode("simulator", "P", &tick, &mut text);
                expected += &(text + "\n");
                files.tick("simulator", "P", Offset(offset), 0, tick);
            }
            let lines = files.lines();
            let counts = files.finish().unwrap();
            let names = names(directory.path());
            assert_eq!((lines, counts.lines, counts.files), (3_000, 3_000, names.len() as u64));
            assert!(
                names.len() > 2 && names.iter().all(|name| name.starts_with("ticks_BTCUSD_2")),
                "{names:?}"
            );
            let read = |name: &String| {
                let bytes = std::fs::read(directory.path().join(name)).unwrap();
                let bytes = if compress { zstd::decode_all(&bytes[..]).unwrap() } else { bytes };
                String::from_utf8(bytes).unwrap()
            };
            // Each begins with the time of its first tick.
            let mut contents: Vec<String> = names.iter().map(read).collect();
            contents.sort_unstable();
            assert!(contents.concat() == expected);
        }
    }

    #[test]
    fn a_record_is_kept_as_it_came_and_its_ticks_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = TickFiles::open(settings(directory.path(), false), StopToken::default()).unwrap();
        let (_, tick) = Simulator::new(SimConfig::default()).next().unwrap();
        files.record(Offset(0), b"{\"a\":\n 1}");
        files.tick("v", "P", Offset(0), 0, tick);
        files.record(Offset(1), b"{\"type\":\"heartbeat\"}");
        files.finish().unwrap();
        let path = directory.path().join(&names(directory.path())[0]);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "{\"a\":  1}\n{\"type\":\"heartbeat\"}\n");
    }

    #[test]
    fn without_a_tick_no_file_stays_and_a_directory_that_is_none_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let files = TickFiles::open(settings(directory.path(), false), StopToken::default()).unwrap();
        assert_eq!(files.finish().unwrap(), TickFileCounts::default());
        assert!(names(directory.path()).is_empty());
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let Err(error) = TickFiles::open(settings(&file, false), StopToken::default()) else {
            panic!("it is a file")
        };
        assert_eq!(error.path, file);
    }
}
