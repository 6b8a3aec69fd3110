//! A test that cannot run on this machine says so, instead of passing unseen.

use std::{fs::OpenOptions, io::Write, panic::Location};

/// Prints that the calling test, or a part of it, is not run, and why, and appends the line to the file that
/// `STORMGLASS_NOT_RUN` names: `tests/run.sh` ends with those lines.
///
/// # Panics
/// If `CI` is set: every test must run there.
#[track_caller]
pub(crate) fn not_run(reason: &str) {
    let place = Location::caller();
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("{test} ({}:{}): {reason}", place.file(), place.line());
    assert!(std::env::var_os("CI").is_none(), "not run, but required in CI: {line}");
    println!("not run: {line}");
    if let Some(path) = std::env::var_os("STORMGLASS_NOT_RUN") {
        let mut file =
            OpenOptions::new().create(true).append(true).open(&path).expect("STORMGLASS_NOT_RUN opens");
        // One write, so that lines of tests that run together do not mix.
        file.write_all(format!("not run: {line}\n").as_bytes()).expect("STORMGLASS_NOT_RUN takes a line");
    }
}
