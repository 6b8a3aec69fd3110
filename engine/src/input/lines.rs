//! Lines of bounded length.

use std::io::{self, BufRead, Read as _};

/// One line of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A whole line without its end.
    Whole(&'a [u8]),
    /// The first bytes of a line that is longer than the bound; the rest was skipped.
    TooLong(&'a [u8]),
}

/// Reads lines of at most `bytes_max` bytes, and never holds more than that.
pub(crate) struct Lines<R> {
    input: R,
    bytes_max: usize,
    buffer: Vec<u8>,
    /// Lines read so far, blank ones too.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R, bytes_max: usize) -> Self {
        Self { input, bytes_max, buffer: Vec::new(), number: 0 }
    }

    /// The next line that is not blank; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        Ok(self.next_numbered()?.map(|(_, line)| line))
    }

    /// The line that came last, as it was given.
    pub(crate) fn present(&self) -> &[u8] {
        let is_too_long = self.buffer.len() > self.bytes_max && self.buffer.last() != Some(&b'\n');
        if is_too_long { &self.buffer[..self.bytes_max] } else { self.buffer.trim_ascii_end() }
    }

    /// The next line that is not blank, with its number from 1, blank lines counted.
    pub(crate) fn next_numbered(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        loop {
            self.buffer.clear();
            let limit = self.bytes_max as u64 + 1;
            if (&mut self.input).take(limit).read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let ended = self.buffer.last() == Some(&b'\n');
            if !ended && self.buffer.len() > self.bytes_max {
                self.input.skip_until(b'\n')?;
                return Ok(Some((self.number, Line::TooLong(&self.buffer[..self.bytes_max]))));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some((self.number, Line::Whole(self.buffer.trim_ascii_end()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_as_an_editor_numbers_them() {
        let mut lines = Lines::new(&b"\n\na\n  \n123456\nb"[..], 5);
        let mut numbers = Vec::new();
        while let Some((number, _)) = lines.next_numbered().unwrap() {
            numbers.push(number);
        }
        assert_eq!(numbers, [3, 5, 6]);
    }

    fn lines(input: &[u8]) -> Vec<(bool, Vec<u8>)> {
        // A buffer of three bytes: every line crosses it.
        let mut lines = Lines::new(io::BufReader::with_capacity(3, input), 5);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Whole(line) => (true, line.to_vec()),
                Line::TooLong(line) => (false, line.to_vec()),
            });
        }
        found
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_whole() {
        assert_eq!(
            lines(b"one\r\n\n  \n12345\n123456\n12345678901234567890\ntwo"),
            [
                (true, b"one".to_vec()),
                (true, b"12345".to_vec()),
                (false, b"12345".to_vec()),
                (false, b"12345".to_vec()),
                (true, b"two".to_vec()),
            ]
        );
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"123456"), [(false, b"12345".to_vec())]);
    }
}
