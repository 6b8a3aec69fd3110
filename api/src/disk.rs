//! Tests whether a directory can be written, and how much room its disk has.
//!
//! Permissions do not reveal a full disk, so a file is written, synced and removed. A running service does so every few
//! seconds in the directories that it will need, so that `/health` reports a problem before an important write fails.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::{config::sections::SourceKind, http::App};

/// Interval at which a running service tests its disks.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// Most room that the state of one symbol needs.
const STATE_BYTES: u64 = 256 << 10;
/// Room that the record needs beside the copy of a model.
const RECORD_BYTES: u64 = 64 << 10;
/// The bytes written to test a disk; further room is only reserved.
const WRITTEN: [u8; 4_096] = [b'.'; 4_096];

/// Tests whether the directory takes a file of `room_bytes`: reserves them, writes and syncs a part, and removes the
/// file.
pub(crate) fn try_to_write(directory: &Path, room_bytes: u64) -> io::Result<()> {
    let path = directory.join(format!(".stormglass-try-{}", std::process::id()));
    let tried =
        OpenOptions::new().create(true).truncate(true).write(true).open(&path).and_then(|mut file| {
            reserve(&file, room_bytes)?;
            file.write_all(&WRITTEN)?;
            file.sync_all()
        });
    match std::fs::remove_file(&path) {
        // Another process with the same id, in another container, has removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => tried,
        removed => tried.and(removed),
    }
}

/// Reserves room for the file. A file system that cannot do so is no error: the written part must suffice.
fn reserve(file: &File, room_bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, room_bytes.max(WRITTEN.len() as u64)) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
        reserved => Ok(reserved?),
    }
}

/// Bytes that this process may still write on the disk of the path.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The path itself if it exists, or else its nearest ancestor that does.
pub(crate) fn nearest_existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.ancestors().find(|ancestor| ancestor.exists()).map_or(absolute.clone(), Path::to_owned)
}

/// The directory of a file; `.` for a name without one.
pub(crate) fn parent_directory(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Starts a thread that tests the directories to which the service writes, and notes the results for `/health`, until
/// the service is gone. Without such directories it starts none.
pub(crate) fn watch(app: &Arc<App>) -> io::Result<()> {
    if state_directory(app).is_none() && app.models.record_path().is_none() {
        return Ok(());
    }
    let app: Weak<App> = Arc::downgrade(app);
    let run = move || {
        while let Some(app) = app.upgrade() {
            check_disks(&app);
            drop(app);
            std::thread::sleep(CHECK_INTERVAL);
        }
    };
    std::thread::Builder::new().name("disk-watch".to_owned()).spawn(run).map(drop)
}

/// `kafka.state_directory`, if ticks come from Kafka.
fn state_directory(app: &App) -> Option<&Path> {
    app.config.kafka.state_directory.as_deref().filter(|_| app.config.source.kind == SourceKind::Kafka)
}

fn check_disks(app: &App) {
    if let Some(directory) = state_directory(app) {
        let writes = &app.engine.metrics.lanes.state_files;
        match try_to_write(&nearest_existing(directory), STATE_BYTES) {
            Ok(()) => writes.note_success(2 * app.config.kafka.snapshot_interval_s.duration()),
            Err(error) => {
                if writes.note_failure(format!("{}: {error}", directory.display())) {
                    tracing::warn!(%error, directory = %directory.display(), "state cannot be kept in files; the topic has it");
                }
            }
        }
    }
    if let Some(path) = app.models.record_path() {
        let model_bytes = app.engine.model.load().as_ref().map_or(0, |model| model.bytes().len() as u64);
        match try_to_write(parent_directory(path), model_bytes + RECORD_BYTES) {
            Ok(()) => app.models.record_writes.note_success(Duration::ZERO),
            Err(error) => {
                if app.models.record_writes.note_failure(format!("{}: {error}", path.display())) {
                    tracing::warn!(%error, path = %path.display(), "the record cannot be written: changes of the model will be refused");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_tried_and_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        try_to_write(directory.path(), 1 << 20).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(free_bytes(directory.path()).unwrap() > 1 << 20);
        let missing = directory.path().join("a/b");
        assert!(try_to_write(&missing, 1).is_err());
        assert_eq!(nearest_existing(&missing), directory.path());
        let too_much = free_bytes(directory.path()).unwrap().saturating_mul(2).min(i64::MAX as u64);
        assert!(try_to_write(directory.path(), too_much).is_err(), "there is no room for {too_much} bytes");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
