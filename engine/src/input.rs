//! The bytes of files: unpacked on the way, in lines of bounded length. Recorded ticks and recordings of a log are read
//! through it.

mod lines;
mod unpacked;

pub(crate) use lines::{Line, Lines};
pub(crate) use unpacked::Opened;
