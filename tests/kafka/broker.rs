//! The broker that the suite started.

use std::process::Command;

/// Where it listens.
pub(super) fn servers() -> String {
    std::env::var("STORMGLASS_TEST_KAFKA")
        .expect("STORMGLASS_TEST_KAFKA names no broker; run tests/run.sh kafka, which starts one")
}

/// `tests/kafka.sh` with these arguments.
fn script(arguments: &[&str]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/kafka.sh");
    let status = Command::new(path).args(arguments).status().unwrap();
    assert!(status.success(), "tests/kafka.sh {arguments:?}: {status}");
}

/// Ends the broker as a crash would.
pub(super) fn kill() {
    script(&["kill", "1"]);
}

/// Starts it again on what lies on its disk.
pub(super) fn revive() {
    script(&["revive", "1"]);
}
