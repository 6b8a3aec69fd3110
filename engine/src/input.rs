//! The bytes of files: unpacked on the way, in lines of bounded length; of an Avro file, a line of JSON for each object.
//! Recorded ticks and recordings of a log are read through it.

#[cfg(feature = "packings")]
mod archive;
mod avro_lines;
mod gzip;
mod lines;
mod opened;
mod records;
#[cfg(feature = "parquet")]
mod table;
mod values;

pub(crate) use lines::{Line, Lines};
pub(crate) use opened::{InputFile, Opened, is_standard_input};
pub(crate) use records::{Framing, Records};
