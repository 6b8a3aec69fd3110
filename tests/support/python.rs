//! Other people's libraries, in the project's own Python.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs a script of `tests` to its end and gives what it printed. It must succeed; `suite` is whose packages it needs.
pub(crate) fn run(script: &str, arguments: &[&OsStr], suite: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = std::env::var_os("STORMGLASS_PYTHON")
        .map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    let said =
        Command::new(&python).arg(root.join("tests").join(script)).args(arguments).output().unwrap_or_else(
            |error| panic!("{}: {error}; tests/run.sh {suite} installs it", python.display()),
        );
    let (out, wrong) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    print!("{out}");
    assert!(said.status.success(), "{script}: {out}{wrong}");
    out.into_owned()
}
