//! The brokers that the suite started: one, or three with the data of each on all.

use std::process::Command;

/// Where it listens.
pub(super) fn servers() -> String {
    std::env::var("STORMGLASS_TEST_KAFKA")
        .expect("STORMGLASS_TEST_KAFKA names no broker; run tests/run.sh kafka, which starts one")
}

/// How many there are.
pub(super) fn count() -> usize {
    servers().split(',').count()
}

/// One of Kafka's own tools.
pub(super) fn tool(class: &str, arguments: &[&str]) {
    script(&[&["tool", class], arguments].concat());
}

/// `tests/kafka.sh` with these arguments.
fn script(arguments: &[&str]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/kafka.sh");
    let status = Command::new(path).args(arguments).status().unwrap();
    assert!(status.success(), "tests/kafka.sh {arguments:?}: {status}");
}

/// Ends the broker as a crash would.
pub(super) fn kill(number: usize) {
    script(&["kill", &number.to_string()]);
}

/// It listens and answers nothing, until it is thawed.
pub(super) fn freeze(number: usize) {
    script(&["freeze", &number.to_string()]);
}

/// It goes on.
pub(super) fn thaw(number: usize) {
    script(&["thaw", &number.to_string()]);
}

/// Starts it again on what lies on its disk.
pub(super) fn revive(number: usize) {
    script(&["revive", &number.to_string()]);
}
