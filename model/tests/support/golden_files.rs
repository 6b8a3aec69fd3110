//! The golden models' files. `tests/golden` has them compressed, with a README of where they come from.

use std::{io::Read, path::PathBuf};

use stormglass_model::import::Options;

pub(crate) fn path(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden")).join(format!("{file}.gz"))
}

/// A golden file's bytes.
pub(crate) fn bytes(file: &str) -> Vec<u8> {
    let packed = std::fs::File::open(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

pub(crate) fn options() -> Options {
    Options::new("golden")
}
