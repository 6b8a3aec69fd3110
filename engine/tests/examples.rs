//! The example runs.
#![allow(clippy::unwrap_used)]

#[path = "../examples/offline.rs"]
mod offline;

#[test]
fn ticks_become_predictions_without_a_server() {
    offline::main().unwrap();
}
