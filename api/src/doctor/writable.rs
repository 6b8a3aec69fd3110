//! Tests whether a directory can be written: permissions do not reveal a full disk.

use std::path::Path;

use crate::disk::{free_bytes, nearest_existing, try_to_write};

/// Free space below which a disk is about to be full.
const FREE_MIB_MIN: u64 = 64;

/// Like [`check_writable`], for a directory that the service creates if it is missing: then the nearest directory above
/// it is tried.
pub(super) fn check_writable_or_creatable(directory: &Path) -> Result<String, String> {
    check_writable(&nearest_existing(directory))
}

/// Writes a file into the directory and removes it. Returns a sentence with the free space.
///
/// # Errors
/// A sentence, if the directory cannot be written or its disk has less than [`FREE_MIB_MIN`] left.
pub(super) fn check_writable(directory: &Path) -> Result<String, String> {
    let shown = directory.display();
    if !directory.is_dir() {
        return Err(format!("{shown} is no directory"));
    }
    let refused = |error| format!("{shown} cannot be written: {error}");
    try_to_write(directory, 0).map_err(refused)?;
    let free_mib = free_bytes(directory).map_err(refused)? >> 20;
    if free_mib < FREE_MIB_MIN {
        return Err(format!(
            "{shown} can be written, but its disk has {free_mib} MiB left; keep {FREE_MIB_MIN} MiB free"
        ));
    }
    Ok(format!("{shown} can be written: {free_mib} MiB are free"))
}
