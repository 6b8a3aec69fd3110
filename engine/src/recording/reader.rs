//! Reads a recording: finds the files of each partition, and returns its records in order.

use std::{
    collections::BTreeMap,
    io::{BufRead, Read},
    path::{Path, PathBuf},
};

use super::{
    LogError, LogRecord, PartitionRecords, PartitionedLog,
    envelope::{self, LINE_BYTES_MAX, Place},
    file_name::FileName,
};
use crate::{
    input::{InputFile, Line, Lines, Opened},
    limits::PARTITIONS_MAX,
};

/// Bytes of a file in which its first envelope has told where its record comes from.
const START_BYTES: u64 = 4_096;

/// The files of one recorded topic.
#[derive(Debug)]
pub struct Recording {
    topic: String,
    partition_count: u32,
    parts: BTreeMap<u32, Vec<Part>>,
}

/// The records of one partition in one file.
#[derive(Clone, Debug)]
struct Part {
    path: PathBuf,
    first: u64,
    last: u64,
}

impl Recording {
    /// Finds the files that match the patterns and the partitions in them. The name of a file written by `record` is
    /// trusted; any other file is read through.
    ///
    /// # Errors
    /// [`LogError`] when no file matches, one cannot be read, or they hold several topics.
    pub fn open(globs: &[String]) -> Result<Self, LogError> {
        let mut found: Option<Self> = None;
        for path in paths(globs)? {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(FileName::parse);
            let mut lines = RecordLines::open(&path)?;
            while let Some(line) = lines.next_line()? {
                let place: Place = serde_json::from_slice(line).map_err(|error| lines.bad(error))?;
                let recording = found.get_or_insert_with(|| Self {
                    topic: place.topic.clone(),
                    partition_count: place.partitions,
                    parts: BTreeMap::new(),
                });
                if place.partition >= place.partitions || place.partitions > PARTITIONS_MAX {
                    let Place { partition, partitions, .. } = place;
                    return Err(lines.bad(format!(
                        "partition {partition} of {partitions}; there are at most {PARTITIONS_MAX}"
                    )));
                }
                recording.note(&path, &place, name.as_ref())?;
                if name.is_some() {
                    break;
                }
            }
        }
        let mut recording =
            found.ok_or_else(|| LogError::Recording(format!("{} holds no record", globs.join(", "))))?;
        recording.parts.values_mut().for_each(|parts| parts.sort_by_key(|part| part.first));
        Ok(recording)
    }

    /// Whether the first matching file starts with an envelope. A pipe is none: what is read of it here would be lost.
    pub fn is_one(globs: &[String]) -> bool {
        let first = paths(globs).ok().and_then(|paths| paths.into_iter().next());
        let Some(path) = first.filter(|path| !InputFile::new(path.clone()).is_stream()) else { return false };
        // A line of an envelope may be 64 times as long as a record of ticks: only what looks like one is read whole.
        let mut start = Vec::new();
        let is_read = Opened::open(&path)
            .is_ok_and(|opened| opened.into_input().take(START_BYTES).read_to_end(&mut start).is_ok());
        let names_a_place = [&b"\"topic\""[..], b"\"partition\"", b"\"offset\""]
            .iter()
            .any(|name| start.windows(name.len()).any(|bytes| bytes == *name));
        if !is_read || !names_a_place {
            return false;
        }
        let Ok(mut lines) = RecordLines::open(&path) else { return false };
        matches!(lines.next_line(), Ok(Some(line)) if serde_json::from_slice::<Place>(line).is_ok())
    }

    /// Partition count of the recorded topic.
    pub fn partition_count(&self) -> u32 {
        self.partition_count
    }

    fn note(&mut self, path: &Path, place: &Place, name: Option<&FileName>) -> Result<(), LogError> {
        if place.topic != self.topic {
            let (a, b) = (&self.topic, &place.topic);
            return Err(LogError::Recording(format!(
                "the files are of several topics, {a:?} and {b:?}; name the files of one"
            )));
        }
        self.partition_count = self.partition_count.max(place.partitions);
        let parts = self.parts.entry(place.partition).or_default();
        match parts.last_mut().filter(|part| part.path == path) {
            Some(part) => {
                part.first = part.first.min(place.offset);
                part.last = part.last.max(place.offset);
            }
            None => parts.push(Part {
                path: path.to_owned(),
                first: place.offset,
                last: name.map_or(place.offset, |name| name.last),
            }),
        }
        Ok(())
    }
}

impl PartitionedLog for Recording {
    fn topic(&self) -> &str {
        &self.topic
    }

    fn partitions(&self) -> Vec<u32> {
        self.parts.keys().copied().collect()
    }

    fn first_offset(&self, partition: u32) -> Option<u64> {
        self.parts.get(&partition)?.iter().map(|part| part.first).min()
    }

    fn length(&self, partition: u32) -> u64 {
        let parts = self.parts.get(&partition).map_or(&[][..], Vec::as_slice);
        parts.iter().map(|part| part.last.saturating_sub(part.first).saturating_add(1)).sum()
    }

    fn read(&self, partitions: &[u32]) -> Result<Vec<PartitionRecords>, LogError> {
        let of = |&partition: &u32| -> PartitionRecords {
            let files = self.parts.get(&partition).cloned().unwrap_or_default();
            let files = files.into_iter().map(|part| part.path).collect::<Vec<_>>().into_iter();
            Box::new(FileRecords { partition, files, open: None, in_file: None, next: 0 })
        };
        Ok(partitions.iter().map(of).collect())
    }
}

/// An iterator over one partition's records, file after file.
struct FileRecords {
    partition: u32,
    files: std::vec::IntoIter<PathBuf>,
    open: Option<RecordLines>,
    /// The newest offset read from the present file.
    in_file: Option<u64>,
    /// Records below this offset came from another file already.
    next: u64,
}

impl FileRecords {
    fn advance(&mut self) -> Result<Option<LogRecord>, LogError> {
        loop {
            let lines = match &mut self.open {
                Some(lines) => lines,
                None => {
                    let Some(path) = self.files.next() else { return Ok(None) };
                    self.in_file = None;
                    self.open.insert(RecordLines::open(&path)?)
                }
            };
            let Some(line) = lines.next_line()? else {
                self.open = None;
                continue;
            };
            let record = envelope::read(line).map_err(|error| lines.bad(error))?.record;
            if record.partition != self.partition {
                continue;
            }
            if self.in_file.is_some_and(|newest| record.offset <= newest) {
                let (partition, offset) = (self.partition, record.offset);
                return Err(
                    lines.bad(format!("offset {offset} of partition {partition} comes after a later one"))
                );
            }
            self.in_file = Some(record.offset);
            if record.offset >= self.next {
                self.next = record.offset.saturating_add(1);
                return Ok(Some(record));
            }
        }
    }
}

impl Iterator for FileRecords {
    type Item = Result<LogRecord, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// An iterator over the lines of one file.
struct RecordLines {
    path: PathBuf,
    lines: Lines<Box<dyn BufRead>>,
    number: u64,
}

impl RecordLines {
    fn open(path: &Path) -> Result<Self, LogError> {
        let opened = Opened::open(path).map_err(|cause| LogError::File { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), lines: Lines::new(opened.into_input(), LINE_BYTES_MAX), number: 0 })
    }

    fn next_line(&mut self) -> Result<Option<&[u8]>, LogError> {
        let next = self.lines.next_numbered();
        let next = next.map_err(|cause| LogError::File { path: self.path.clone(), cause })?;
        self.number = next.map_or(self.number, |(number, _)| number);
        match next.map(|(_, line)| line) {
            None => Ok(None),
            Some(Line::Whole(line)) => Ok(Some(line)),
            Some(Line::TooLong(_)) => Err(LogError::Line {
                path: self.path.clone(),
                line: self.number,
                cause: format!("it is longer than {LINE_BYTES_MAX} bytes"),
            }),
        }
    }

    fn bad(&self, cause: impl ToString) -> LogError {
        LogError::Line { path: self.path.clone(), line: self.number, cause: cause.to_string() }
    }
}

/// The files that match the patterns, those of each pattern sorted by name.
fn paths(globs: &[String]) -> Result<Vec<PathBuf>, LogError> {
    let mut found = Vec::new();
    for pattern in globs {
        let refused = |what: String| LogError::Recording(format!("{pattern:?} {what}"));
        let paths = glob::glob(pattern).map_err(|error| refused(format!("is not a pattern: {error}")))?;
        let before = found.len();
        for path in paths {
            found.push(path.map_err(|error| refused(format!("cannot be listed: {error}")))?);
        }
        if found.len() == before {
            return Err(refused("matches no file".to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::recording::{MergedByTime, SeriesSettings, SeriesWriter};

    fn record(partition: u32, offset: u64) -> LogRecord {
        LogRecord {
            partition,
            offset,
            timestamp_ms: Some(offset as i64),
            value: Some(format!("value {offset}").into_bytes()),
            ..LogRecord::default()
        }
    }

    fn settings(directory: &Path) -> SeriesSettings {
        SeriesSettings {
            directory: directory.to_owned(),
            topic: "ticks.raw".to_owned(),
            partitions: 4,
            bytes_max: 500,
            age_max: Duration::from_secs(3_600),
        }
    }

    fn read(directory: &Path) -> Recording {
        Recording::open(&[format!("{}/*.gz", directory.display())]).unwrap()
    }

    #[test]
    fn what_was_kept_is_read_back_and_the_next_run_goes_on_behind_it() {
        let directory = std::env::temp_dir().join(format!("stormglass-series-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        let mut writer = SeriesWriter::open(settings(&directory)).unwrap();
        let refused = SeriesWriter::open(settings(&directory)).err().unwrap();
        assert!(refused.to_string().contains("already"), "{refused}");
        let written: Vec<LogRecord> = (0..40).map(|i| record([0, 2][i % 2], 10 * i as u64)).collect();
        written[..30].iter().for_each(|record| writer.write(record).unwrap());
        writer.finish_all().unwrap();
        assert!(writer.files() > 4, "rotated");
        // A crash: what is not finished is written again.
        written[30..34].iter().for_each(|record| writer.write(record).unwrap());
        drop(writer);
        let mut writer = SeriesWriter::open(settings(&directory)).unwrap();
        assert_eq!((writer.next(0), writer.next(1), writer.next(2)), (Some(281), None, Some(291)));
        written[30..].iter().for_each(|record| writer.write(record).unwrap());
        writer.finish_all().unwrap();
        let recording = read(&directory);
        assert_eq!((recording.topic(), recording.partition_count()), ("ticks.raw", 4));
        assert_eq!(recording.partitions(), [0, 2]);
        assert_eq!((recording.first_offset(0), recording.first_offset(1)), (Some(0), None));
        let merged = MergedByTime::new(recording.read(&[0, 2]).unwrap());
        assert_eq!(merged.map(Result::unwrap).collect::<Vec<_>>(), written);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn files_of_any_name_in_any_order_make_the_log_and_damage_is_an_error_with_its_place() {
        let directory = std::env::temp_dir().join(format!("stormglass-mixed-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let write = |name: &str, records: &[LogRecord]| {
            let mut lines = Vec::new();
            records.iter().for_each(|record| envelope::write("t", 2, record, &mut lines));
            std::fs::write(directory.join(name), lines).unwrap();
        };
        write("b.ndjson", &[record(0, 0), record(1, 5), record(0, 1)]);
        // The second file repeats a record.
        write("a.ndjson", &[record(1, 6), record(0, 1), record(0, 2)]);
        let all = || Recording::open(&[format!("{}/*", directory.display())]);
        let recording = all().unwrap();
        let of = |partition| {
            let records = recording.read(&[partition]).unwrap().remove(0);
            records.map(|record| record.unwrap().offset).collect::<Vec<_>>()
        };
        assert_eq!((of(0), of(1)), (vec![0, 1, 2], vec![5, 6]));
        write("c.ndjson", &[record(0, 9), record(0, 8)]);
        let error = all().unwrap().read(&[0]).unwrap().remove(0).find_map(Result::err).unwrap().to_string();
        assert!(error.contains("c.ndjson:2") && error.contains("offset 8"), "{error}");
        for line in [r#"{"price":1}"#, r#"{"topic":"t","partitions":9999999,"partition":0,"offset":0}"#] {
            std::fs::write(directory.join("c.ndjson"), line).unwrap();
            assert!(all().unwrap_err().to_string().contains("c.ndjson:1"), "{line}");
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
