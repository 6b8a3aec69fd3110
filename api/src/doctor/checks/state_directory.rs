//! Can states be kept in files, where that is asked for?

use std::path::Path;

use rustix::fs::{Access, access};

use crate::{config::Loaded, doctor::finding::Finding};

pub(super) fn look(loaded: &Loaded) -> Vec<Finding> {
    let Some(directory) = loaded.config.kafka.state_directory.get() else {
        return vec![Finding::ok("kafka.state_directory is not set: state is in the snapshots' topic only")];
    };
    let fix = "create it for the service's user, on a disk of this instance alone, or unset kafka.state_directory; \
               predictions go on without, restarts read the topic";
    let refused = |what: String| vec![Finding::warning(what, fix)];
    // The service creates it where it may.
    let existing = Path::new(directory).ancestors().find(|path| path.exists());
    let Some(existing) = existing else { return refused(format!("{directory} does not exist")) };
    if !existing.is_dir() {
        return refused(format!("{} is no directory", existing.display()));
    }
    match access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => vec![Finding::ok(format!("{directory} can be written"))],
        Err(error) => refused(format!("{} cannot be written: {error}", existing.display())),
    }
}
