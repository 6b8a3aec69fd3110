//! Can states be kept in files, where that is asked for?

use crate::{
    config::Loaded,
    doctor::{finding::Finding, writable},
};

pub(super) fn look(loaded: &Loaded) -> Vec<Finding> {
    let Some(directory) = loaded.config.kafka.state_directory.as_deref() else {
        return vec![Finding::ok("kafka.state_directory is not set: state is in the snapshots' topic only")];
    };
    let fix = "give it room, or create it for the service's user, on a disk of this instance alone, or unset \
               kafka.state_directory; predictions go on without, restarts read the topic";
    match writable::try_directory(directory) {
        Ok(what) => vec![Finding::ok(what)],
        Err(what) => vec![Finding::warning(what, fix)],
    }
}
