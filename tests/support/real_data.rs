//! Recorded ticks of real venues, which are not part of the repository.

use std::path::{Path, PathBuf};

use super::not_run::not_run;

/// The path of a recorded session, looked for in `STORMGLASS_DATA_DIR` and in `../shared/data` beside the repository.
///
/// `None` if neither has it: the caller returns, and the test counts as not run.
#[track_caller]
pub(crate) fn real_data(file: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folders = std::env::var_os("STORMGLASS_DATA_DIR").map(PathBuf::from).into_iter().chain([beside]);
    let found = folders.map(|folder| folder.join(file)).find(|path| path.is_file());
    if found.is_none() {
        not_run(&format!("{file} is absent; set STORMGLASS_DATA_DIR to the folder that holds it"));
    }
    found
}
