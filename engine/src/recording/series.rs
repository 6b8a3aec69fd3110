//! Writes the files of a backup: under a temporary name, compressed, synced, then renamed after their content. A file
//! with a final name is complete, and the next run continues after it.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};

use super::{LogError, LogRecord, envelope, file_name::FileName};

/// The directory of a topic's files, and when a new file is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesSettings {
    /// The directory, created if absent.
    pub directory: PathBuf,
    /// The topic.
    pub topic: String,
    /// Partition count of the topic.
    pub partitions: u32,
    /// Bytes of lines, before compression, after which a file is finished.
    pub bytes_max: u64,
    /// Age after which a file is finished.
    pub age_max: Duration,
}

/// Writes one series of files for each partition. It locks the directory, so a second writer is refused.
pub struct SeriesWriter {
    settings: SeriesSettings,
    /// For each partition, the offset after the last record in a finished file.
    next: BTreeMap<u32, u64>,
    open: BTreeMap<u32, OpenFile>,
    line: Vec<u8>,
    files: u64,
    /// Keeps the directory locked while the writer lives.
    _lock: File,
}

struct OpenFile {
    path: PathBuf,
    packed: GzEncoder<BufWriter<File>>,
    first: u64,
    last: u64,
    bytes: u64,
    opened: Instant,
}

impl SeriesWriter {
    /// Finds the finished files of earlier runs. Unfinished ones are deleted, and their records are read again.
    ///
    /// # Errors
    /// [`LogError::File`] when the directory cannot be used, [`LogError::Recording`] when another writer uses it.
    pub fn open(settings: SeriesSettings) -> Result<Self, LogError> {
        let directory = &settings.directory;
        let failed = |cause| LogError::File { path: directory.clone(), cause };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let path = directory.join(format!(".{}.lock", settings.topic));
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        if lock.try_lock().is_err() {
            let (topic, directory) = (&settings.topic, directory.display());
            return Err(LogError::Recording(format!("{topic} is being recorded to {directory} already")));
        }
        let mut next = BTreeMap::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if let Some(name) = FileName::parse(&name).filter(|name| name.topic == settings.topic) {
                let next = next.entry(name.partition).or_insert(0);
                *next = name.last.saturating_add(1).max(*next);
            } else if name.strip_prefix('.').is_some_and(|name| is_unfinished(name, &settings.topic)) {
                std::fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(Self { settings, next, open: BTreeMap::new(), line: Vec::new(), files: 0, _lock: lock })
    }

    /// The offset after the last record that an earlier run kept of the partition; `None` if there is none.
    pub fn next(&self, partition: u32) -> Option<u64> {
        self.next.get(&partition).copied()
    }

    /// Files finished by this writer.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Writes a record, which must come after those of its partition that are kept already.
    ///
    /// # Errors
    /// [`LogError::File`] when it cannot be written; no unfinished file is left then.
    pub fn write(&mut self, record: &LogRecord) -> Result<(), LogError> {
        self.append(record).inspect_err(|_| self.discard_unfinished())
    }

    /// Deletes the files that have no final name yet. On a full disk they take room that others need, and the next run
    /// reads their records again.
    fn discard_unfinished(&mut self) {
        for file in std::mem::take(&mut self.open).into_values() {
            // The next run removes what cannot be removed now.
            let _ = std::fs::remove_file(&file.path);
        }
    }

    fn append(&mut self, record: &LogRecord) -> Result<(), LogError> {
        self.line.clear();
        envelope::write(&self.settings.topic, self.settings.partitions, record, &mut self.line);
        let is_full = |file: &OpenFile| {
            file.bytes + self.line.len() as u64 > self.settings.bytes_max
                || file.opened.elapsed() >= self.settings.age_max
        };
        if self.open.get(&record.partition).is_some_and(is_full) {
            self.finish(record.partition)?;
        }
        let file = match self.open.entry(record.partition) {
            std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(OpenFile::create(&self.settings, record)?)
            }
        };
        let path = &file.path;
        file.packed.write_all(&self.line).map_err(|cause| LogError::File { path: path.clone(), cause })?;
        file.bytes += self.line.len() as u64;
        file.last = record.offset;
        Ok(())
    }

    /// Finishes the files older than `age_max`.
    ///
    /// # Errors
    /// [`LogError::File`] when a file cannot be written.
    pub fn finish_old(&mut self) -> Result<(), LogError> {
        let age_max = self.settings.age_max;
        let old =
            |(&partition, file): (&u32, &OpenFile)| (file.opened.elapsed() >= age_max).then_some(partition);
        for partition in self.open.iter().filter_map(old).collect::<Vec<_>>() {
            self.finish(partition)?;
        }
        Ok(())
    }

    /// Finishes all files.
    ///
    /// # Errors
    /// [`LogError::File`] when a file cannot be written.
    pub fn finish_all(&mut self) -> Result<(), LogError> {
        for partition in self.open.keys().copied().collect::<Vec<_>>() {
            self.finish(partition)?;
        }
        Ok(())
    }

    /// Compresses the rest, syncs, renames the file, and syncs the directory: after a crash the file is complete or
    /// absent.
    fn finish(&mut self, partition: u32) -> Result<(), LogError> {
        let Some(file) = self.open.remove(&partition) else { return Ok(()) };
        let topic = self.settings.topic.clone();
        let name = FileName { topic, partition, first: file.first, last: file.last };
        let path = self.settings.directory.join(name.to_string());
        let unfinished = file.path.clone();
        let sync = |file: OpenFile| -> io::Result<()> {
            let written = file.packed.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            written.sync_all()?;
            std::fs::rename(&file.path, &path)?;
            File::open(&self.settings.directory)?.sync_all()
        };
        if let Err(cause) = sync(file) {
            let _ = std::fs::remove_file(unfinished);
            self.discard_unfinished();
            return Err(LogError::File { path, cause });
        }
        self.next.insert(partition, name.last.saturating_add(1));
        self.files += 1;
        Ok(())
    }
}

fn temporary_name(topic: &str, partition: u32) -> String {
    format!("{topic}.p{partition:04}.tmp")
}

/// Whether this is a temporary file of an earlier run.
fn is_unfinished(name: &str, topic: &str) -> bool {
    let partition = name.strip_suffix(".tmp").and_then(|name| name.rsplit_once(".p"));
    partition.and_then(|(_, digits)| digits.parse().ok()).is_some_and(|p| name == temporary_name(topic, p))
}

impl OpenFile {
    fn create(settings: &SeriesSettings, record: &LogRecord) -> Result<Self, LogError> {
        let name = format!(".{}", temporary_name(&settings.topic, record.partition));
        let path: &Path = &settings.directory;
        let path = path.join(name);
        let file = File::create(&path).map_err(|cause| LogError::File { path: path.clone(), cause })?;
        Ok(Self {
            packed: GzEncoder::new(BufWriter::new(file), Compression::default()),
            path,
            first: record.offset,
            last: record.offset,
            bytes: 0,
            opened: Instant::now(),
        })
    }
}
