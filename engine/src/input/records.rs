//! The records of an input, parted by line ends or by the ends of JSON values.

use std::io::{self, BufRead};

use super::{
    lines::{Line, Lines},
    values::{Values, goes_on},
};

/// What parts the records of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each line is one.
    Lines,
    /// Each JSON value is one, over several lines, and each element of a list at the top.
    Values,
}

impl Framing {
    /// What parts JSON whose first line is this.
    pub(crate) fn of_json(first_line: &[u8]) -> Self {
        if goes_on(first_line) { Self::Values } else { Self::Lines }
    }
}

/// Reads records of bounded length.
pub(crate) enum Records<R> {
    Lines(Lines<R>),
    Values(Values<R>),
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(framing: Framing, input: R, bytes_max: usize) -> Self {
        match framing {
            Framing::Lines => Self::Lines(Lines::new(input, bytes_max)),
            Framing::Values => Self::Values(Values::new(input, bytes_max)),
        }
    }

    /// The record that was read last.
    pub(crate) fn present(&self) -> &[u8] {
        match self {
            Self::Lines(lines) => lines.present(),
            Self::Values(values) => values.present(),
        }
    }

    /// The next record, with the number of the line on which it begins, from 1.
    pub(crate) fn next_numbered(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        match self {
            Self::Lines(lines) => lines.next_numbered(),
            Self::Values(values) => values.next_numbered(),
        }
    }
}
