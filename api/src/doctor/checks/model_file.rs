//! Can this user read the model file?

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use crate::{
    config::Loaded,
    doctor::{context::Start, finding::Finding},
    shipped,
};

/// First byte of a pickle of protocol 2 or later.
const PICKLE: u8 = 0x80;

pub(super) fn check(loaded: &Loaded, start: &Start) -> Vec<Finding> {
    if start.report.is_recorded {
        return vec![Finding::skipped("model.record says which model answers, and has its bytes")];
    }
    let Some(path) = loaded.config.model.path.as_deref().filter(|&path| path != shipped::RUNBOOK) else {
        return vec![Finding::ok("model.path is not set: a shipped model is used")];
    };
    let origin = loaded.origin("model.path");
    let mut first = [0];
    let read = File::open(path).and_then(|mut file| file.read(&mut first));
    let failed = |what: String, fix: &str| vec![Finding::failed(what, fix)];
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = Path::new(path).parent().filter(|parent| !parent.as_os_str().is_empty());
            let missing = match parent {
                Some(parent) if !parent.exists() => format!(" (not even the directory {})", parent.display()),
                _ => String::new(),
            };
            failed(
                format!("{path} ({origin}) does not exist{missing}"),
                "fix MODEL_PATH, mount the directory into the container, or unset it: the shipped model loads",
            )
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => failed(
            format!("{path} ({origin}) may not be read by user {}", rustix::process::geteuid().as_raw()),
            "give the service's user the right to read it and to enter its directories (chmod, chown, fsGroup)",
        ),
        Err(error) => {
            failed(format!("{path} ({origin}): {error}"), "name a file of a model, not something else")
        }
        Ok(0) => failed(format!("{path} ({origin}) is empty"), "write it again: a copy was cut off"),
        Ok(_) if first[0] == PICKLE => failed(
            format!("{path} ({origin}) looks like a pickle, which is a program and is not read"),
            "export the model: model/export/sklearn_to_npz.py, or the library's own format",
        ),
        Ok(_) => vec![Finding::ok(format!("{path} can be read"))],
    }
}
