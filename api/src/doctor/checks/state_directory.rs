//! Can the service write to `kafka.state_directory`, if it is set?

use crate::{
    config::Loaded,
    doctor::{finding::Finding, writable::check_writable_or_creatable},
};

pub(super) fn check(loaded: &Loaded) -> Vec<Finding> {
    let Some(directory) = loaded.config.kafka.state_directory.as_deref() else {
        return vec![Finding::ok("kafka.state_directory is not set: state is in the snapshots' topic only")];
    };
    let fix = "give it room, or create it for the service's user, on a disk of this instance alone, or unset \
               kafka.state_directory; predictions go on without, restarts read the topic";
    match check_writable_or_creatable(directory) {
        Ok(what) => vec![Finding::ok(what)],
        Err(what) => vec![Finding::warning(what, fix)],
    }
}
