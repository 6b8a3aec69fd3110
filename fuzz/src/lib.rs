//! Readers that arbitrary bytes must not break. One module a reader of bytes; a file in `fuzz_targets/` runs each under
//! libFuzzer.
//!
//! | module | reads | holds it to |
//! |---|---|---|
//! | [`import`] | other libraries' models | what is accepted can be written, opened and scored, with equal bits by the plain walk |
//! | [`mapped`] | our model file | what is accepted scores equally through bounds-checked reads, in bounded time |
//! | [`avro`] | a schema and data | what is accepted is JSON, whatever lengths the data claims |
//! | [`files`] | files of ticks, packed or not | each record is a tick, no tick, or unreadable |
//! | [`frames`] | records framed by a Schema Registry | what is accepted is JSON |
//! | [`ticks`] | recorded ticks | what is accepted is within its bounds and does not depend on the record before |
//!
//! [`mutate`] changes what stands behind a checksum and makes the checksum agree again. `run.sh` builds, seeds and runs
//! all of them and bounds time and memory; a new importer is a file of two lines and five lines in Cargo.toml.

pub mod avro;
pub mod files;
pub mod frames;
pub mod import;
pub mod mapped;
pub mod mutate;
pub mod ticks;

mod rows;

/// Names the folder of all corpora; where it is not set nothing is seeded.
pub(crate) const CORPUS: &str = "STORMGLASS_FUZZ_CORPUS";

/// A target for the importer of one format, by the format's name; with a mutator where bytes alone get nowhere.
#[macro_export]
macro_rules! importer {
    ($format:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> libfuzzer_sys::Corpus {
            $crate::import::survives($format, bytes)
        });
    };
    ($format:literal, $mutator:path) => {
        $crate::importer!($format);
        libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, size_max: usize, seed: u32| {
            $mutator(bytes, size, size_max, seed)
        });
    };
}
