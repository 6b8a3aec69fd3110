//! Whether a directory can be written: tried, because a permission says nothing of a full disk.

use std::path::Path;

use crate::disk::{existing, free_bytes, try_to_write};

/// Free room below which a disk is about to be full.
const FREE_MIB_MIN: u64 = 64;

/// The same for a directory that the service makes where it is missing: the nearest one above it is tried then.
///
/// # Errors
/// As [`try_folder`].
pub(super) fn try_directory(directory: &Path) -> Result<String, String> {
    try_folder(&existing(directory))
}

/// Writes into the folder and says so with the room that is left.
///
/// # Errors
/// Why it cannot be written, or how little room is left.
pub(super) fn try_folder(folder: &Path) -> Result<String, String> {
    let shown = folder.display();
    if !folder.is_dir() {
        return Err(format!("{shown} is no directory"));
    }
    let refused = |error| format!("{shown} cannot be written: {error}");
    try_to_write(folder, 0).map_err(refused)?;
    let free_mib = free_bytes(folder).map_err(refused)? >> 20;
    if free_mib < FREE_MIB_MIN {
        return Err(format!(
            "{shown} can be written, but its disk has {free_mib} MiB left; keep {FREE_MIB_MIN} MiB free"
        ));
    }
    Ok(format!("{shown} can be written: {free_mib} MiB are free"))
}
