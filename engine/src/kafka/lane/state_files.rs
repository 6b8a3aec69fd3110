//! A second copy of the snapshots in local files: a restart on the same machine reads no snapshots from the topic, and
//! a lost topic costs no state.
//!
//! `DIRECTORY/PARTITION/HASH.state` holds one symbol: a line with the hash of all that follows, a line of JSON that
//! identifies the state, and the state. The file is written under a temporary name and renamed. It is not synced: the
//! topic is what a commit relies on, and the hash reveals a file that a power failure cut.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    kafka::{
        lane::{progress::Progress, snapshot_topic::KeptSnapshot, topic_id::TopicId},
        settings::KafkaSettings,
    },
    lanes::LaneMetrics,
    verify::KeptState,
};

/// Most bytes in a state file, far above any symbol's state.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The second line of a file: the state it holds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// The version of this head.
    version: u32,
    group: String,
    topic: String,
    partition: u32,
    symbol: String,
    first: u64,
    next: u64,
    origin: u64,
    new_origin_before: u64,
    /// The id of the ticks' topic; absent where brokers have no ids, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic_id: Option<String>,
}

/// The directory, if one is set.
#[derive(Debug)]
pub(super) struct StateFiles {
    directory: Option<PathBuf>,
    group: String,
    topic: String,
    /// Writes must succeed for this long before a failure counts as over.
    calm: Duration,
    metrics: Arc<LaneMetrics>,
}

impl StateFiles {
    pub(super) fn new(settings: &KafkaSettings, metrics: Arc<LaneMetrics>) -> Self {
        Self {
            directory: settings.state_directory.clone(),
            group: settings.group.clone(),
            topic: settings.topic_raw.clone(),
            // Every symbol's state is written once in each interval.
            calm: 2 * settings.snapshot_interval_s.duration(),
            metrics,
        }
    }

    /// Writes the state of a committed offset. A full or missing disk is reported in the log, `/health` and the
    /// metrics, and has no other effect.
    pub(super) fn keep(&self, snapshot: &KeptSnapshot, origin: u64, new_origin_before: u64) {
        let Some(directory) = &self.directory else { return };
        let head = Head {
            version: 1,
            group: self.group.clone(),
            topic: self.topic.clone(),
            partition: snapshot.partition,
            symbol: snapshot.symbol.clone(),
            first: snapshot.first,
            next: snapshot.next,
            origin,
            new_origin_before,
            topic_id: snapshot.topic_id.map(|id| id.to_string()),
        };
        let writes = &self.metrics.state_files;
        match write(directory, &head, &snapshot.bytes) {
            Ok(()) => writes.note_success(self.calm),
            Err(error) => {
                let directory = directory.display();
                if writes.note_failure(format!("{directory}: {error}")) {
                    tracing::warn!(%error, %directory, "state is not kept in files; the topic has it");
                }
            }
        }
    }

    /// The complete states of a partition whose origin agrees with the commit's.
    pub(super) fn read(&self, partition: u32, progress: &Progress) -> Vec<KeptSnapshot> {
        let Some(directory) = &self.directory else { return Vec::new() };
        let Ok(entries) = std::fs::read_dir(of_partition(directory, partition)) else { return Vec::new() };
        let read = |path: PathBuf| {
            let (head, bytes) = parse(&std::fs::read(path).ok()?)?;
            let is_ours = (head.version, &head.group, &head.topic, head.partition)
                == (1, &self.group, &self.topic, partition)
                && (head.origin, head.new_origin_before) == (progress.origin, progress.new_origin_before);
            let topic_id = match &head.topic_id {
                Some(id) => Some(TopicId::parse(id)?),
                None => None,
            };
            is_ours.then_some(KeptSnapshot {
                partition,
                symbol: head.symbol,
                first: head.first,
                next: head.next,
                topic_id,
                bytes,
            })
        };
        entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "state"))
            .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() <= FILE_BYTES_MAX))
            .filter_map(|entry| read(entry.path()))
            .collect()
    }
}

/// Reads one state file, or all those below a directory.
///
/// # Errors
/// When a file cannot be read, or does not hold a complete state.
pub fn kept_states(path: &Path) -> io::Result<Vec<KeptState>> {
    if path.is_dir() {
        let mut states = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let path = entry?.path();
            if path.is_dir() || path.extension().is_some_and(|extension| extension == "state") {
                states.append(&mut kept_states(&path)?);
            }
        }
        return Ok(states);
    }
    let (head, bytes) = parse(&std::fs::read(path)?).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{} is not a whole state", path.display()))
    })?;
    let Head { topic, partition, symbol, next, .. } = head;
    Ok(vec![KeptState { topic, partition, symbol, next, bytes }])
}

fn of_partition(directory: &Path, partition: u32) -> PathBuf {
    directory.join(partition.to_string())
}

fn write(directory: &Path, head: &Head, bytes: &[u8]) -> io::Result<()> {
    let directory = of_partition(directory, head.partition);
    std::fs::create_dir_all(&directory)?;
    // Two groups, or two topics, may share a directory.
    let name = format!("{}\n{}\n{}", head.group, head.topic, head.symbol);
    let path = directory.join(format!("{:016x}.state", xxh3_64(name.as_bytes())));
    let mut content = serde_json::to_vec(head)?;
    content.push(b'\n');
    content.extend_from_slice(bytes);
    let hash = format!("{:016x}\n", xxh3_64(&content));
    content.splice(0..0, hash.into_bytes());
    let aside = path.with_extension("new");
    let written = std::fs::write(&aside, content).and_then(|()| std::fs::rename(&aside, path));
    if written.is_err() {
        // A partial file takes room that others need.
        let _ = std::fs::remove_file(&aside);
    }
    written
}

fn parse(file: &[u8]) -> Option<(Head, Vec<u8>)> {
    let (hash, content) = split_line(file)?;
    let hash = u64::from_str_radix(std::str::from_utf8(hash).ok()?, 16).ok()?;
    let (head, bytes) = split_line(content)?;
    (xxh3_64(content) == hash).then_some(())?;
    Some((serde_json::from_slice(head).ok()?, bytes.to_vec()))
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path, group: &str) -> StateFiles {
        let mut settings = KafkaSettings::new("nowhere:1", "a", "coinbase");
        settings.state_directory = Some(directory.to_owned());
        settings.group = group.to_owned();
        StateFiles::new(&settings, Arc::default())
    }

    fn snapshot(symbol: &str, next: u64) -> KeptSnapshot {
        let bytes = (0..10_000u64).map(|i| (i * next) as u8).collect();
        KeptSnapshot { partition: 3, symbol: symbol.to_owned(), first: 5, next, topic_id: None, bytes }
    }

    fn progress(origin: u64) -> Progress {
        Progress { origin, new_origin_before: 0, ..Progress::default() }
    }

    #[test]
    fn the_newest_of_each_symbol_is_read_again_by_its_own_group_and_history() {
        let directory = tempfile::tempdir().unwrap();
        let ours = files(directory.path(), "ours");
        ours.keep(&snapshot("a:X/../Y", 100), 2, 0);
        ours.keep(&snapshot("a:X/../Y", 200), 2, 0);
        ours.keep(&snapshot("b:Z", 150), 2, 0);
        let mut read = ours.read(3, &progress(2));
        read.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        assert_eq!(read, [snapshot("a:X/../Y", 200), snapshot("b:Z", 150)]);
        assert_eq!(ours.read(4, &progress(2)), []);
        assert_eq!(ours.read(3, &progress(7)), [], "of another history");
        let theirs = files(directory.path(), "theirs");
        assert_eq!(theirs.read(3, &progress(2)), []);
        theirs.keep(&snapshot("b:Z", 900), 2, 0);
        assert_eq!(ours.read(3, &progress(2)).len(), 2, "they do not write over each other");
    }

    #[test]
    fn what_is_damaged_cut_or_never_was_one_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let ours = files(directory.path(), "ours");
        ours.keep(&snapshot("a:X", 100), 2, 0);
        let path = std::fs::read_dir(directory.path().join("3")).unwrap().next().unwrap().unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(97) {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, &damaged).unwrap();
            assert_eq!(ours.read(3, &progress(2)), [], "damaged at {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(ours.read(3, &progress(2)), [], "cut at {at}");
        }
        std::fs::write(&path, &whole).unwrap();
        std::fs::write(directory.path().join("3/notes.state"), "1\n2").unwrap();
        assert_eq!(ours.read(3, &progress(2)).len(), 1);
    }

    #[test]
    fn a_directory_that_cannot_be_written_costs_nothing_else() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let ours = files(file.path(), "ours");
        ours.keep(&snapshot("a:X", 100), 2, 0);
        assert_eq!(ours.read(3, &progress(2)), []);
        let failure = ours.metrics.state_files.failure().unwrap();
        assert!(failure.starts_with(file.path().to_str().unwrap()), "{failure}");
        assert_eq!(ours.metrics.state_files.failed_total(), 1);
        assert_eq!(files(Path::new("/nonexistent"), "ours").read(3, &progress(2)), []);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_beside_the_state() {
        let directory = tempfile::tempdir().unwrap();
        let ours = files(directory.path(), "ours");
        ours.keep(&snapshot("a:X", 100), 2, 0);
        let partition = directory.path().join("3");
        let names = || {
            let all = std::fs::read_dir(&partition).unwrap();
            all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        };
        let state = partition.join(&names()[0]);
        // What stands in the state's place cannot be replaced by a file.
        std::fs::remove_file(&state).unwrap();
        std::fs::create_dir(&state).unwrap();
        ours.keep(&snapshot("a:X", 200), 2, 0);
        assert_eq!(names().len(), 1, "{:?}", names());
        assert_eq!(ours.metrics.state_files.failed_total(), 1);
        assert!(ours.metrics.state_files.failure().unwrap().contains("directory"));
    }
}
