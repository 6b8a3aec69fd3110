//! JSON values that go on over several lines, read one by one with bounded memory.

use std::io::{self, BufRead};

use super::lines::Line;

/// Reads one JSON value after the other, whatever lines they stand on; the elements of a list at the top are values of their
/// own, however many there are. Holds no more than `bytes_max` bytes.
pub(crate) struct Values<R> {
    input: R,
    bytes_max: usize,
    buffer: Vec<u8>,
    /// Line ends read so far.
    line_ends: u64,
    is_in_list: bool,
}

/// Where in a value its reader is.
#[derive(Default)]
struct Inside {
    depth: u32,
    is_string: bool,
    is_escaped: bool,
}

impl<R: BufRead> Values<R> {
    pub(crate) fn new(input: R, bytes_max: usize) -> Self {
        Self { input, bytes_max, buffer: Vec::new(), line_ends: 0, is_in_list: false }
    }

    /// The value that was read last.
    pub(crate) fn present(&self) -> &[u8] {
        self.buffer.trim_ascii_end()
    }

    /// The next value, with the number of the line on which it begins, from 1. What is no JSON ends with its line.
    pub(crate) fn next_numbered(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        self.buffer.clear();
        if !self.skip_to_value()? {
            return Ok(None);
        }
        let line = self.line_ends + 1;
        let mut inside = Inside::default();
        let mut is_too_long = false;
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            let mut is_whole = false;
            let mut count = 0;
            for &byte in bytes {
                let ends_before =
                    inside.depth == 0 && !inside.is_string && matches!(byte, b',' | b']' | b'\n');
                if ends_before && (count > 0 || !self.buffer.is_empty()) {
                    is_whole = true;
                    break;
                }
                count += 1;
                self.line_ends += u64::from(byte == b'\n');
                if inside.step(byte) {
                    is_whole = true;
                    break;
                }
            }
            let room = self.bytes_max.saturating_sub(self.buffer.len());
            is_too_long |= count > room;
            self.buffer.extend_from_slice(&bytes[..count.min(room)]);
            self.input.consume(count);
            if is_whole {
                break;
            }
        }
        let value = self.buffer.trim_ascii_end();
        Ok(Some((line, if is_too_long { Line::TooLong(value) } else { Line::Whole(value) })))
    }

    /// Skips what stands between values; false at the end.
    fn skip_to_value(&mut self) -> io::Result<bool> {
        loop {
            let bytes = self.input.fill_buf()?;
            let Some(&byte) = bytes.first() else { return Ok(false) };
            match byte {
                b'\n' => self.line_ends += 1,
                b'[' if !self.is_in_list => self.is_in_list = true,
                b']' if self.is_in_list => self.is_in_list = false,
                // The last is a byte order mark, byte by byte.
                b',' | b' ' | b'\t' | b'\r' | 0xef | 0xbb | 0xbf => {}
                _ => return Ok(true),
            }
            self.input.consume(1);
        }
    }
}

impl Inside {
    /// Goes over one byte, and returns whether an object or a list ends with it.
    fn step(&mut self, byte: u8) -> bool {
        if self.is_string {
            self.is_string = self.is_escaped || byte != b'"';
            self.is_escaped = !self.is_escaped && byte == b'\\';
            return false;
        }
        match byte {
            b'"' => self.is_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// Whether a first line is the begin of a value that goes on, or a list of objects, so that a file is to be read by its values.
pub(crate) fn goes_on(first_line: &[u8]) -> bool {
    let line = first_line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first_line).trim_ascii();
    match line {
        [b'{' | b'[', ..] => {
            serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, buffer: usize, bytes_max: usize) -> Vec<(u64, bool, String)> {
        let mut values = Values::new(io::BufReader::with_capacity(buffer, text.as_bytes()), bytes_max);
        let mut found = Vec::new();
        while let Some((line, value)) = values.next_numbered().unwrap() {
            let (is_whole, value) = match value {
                Line::Whole(value) => (true, value),
                Line::TooLong(value) => (false, value),
            };
            found.push((line, is_whole, String::from_utf8(value.to_vec()).unwrap()));
        }
        found
    }

    #[test]
    fn values_and_the_elements_of_lists_are_read_one_by_one() {
        let text = "\u{feff}[\n {\"a\": \"]}\\\"\",\n  \"b\": [1, [2]]},\n {\"c\": {}}\n]\n{\"d\":\n1}\n[3, \"x,]\"]";
        for buffer in [1, 2, 7, 100] {
            let found: Vec<_> =
                values(text, buffer, 100).into_iter().map(|(line, _, value)| (line, value)).collect();
            let expected = [
                (2, "{\"a\": \"]}\\\"\",\n  \"b\": [1, [2]]}"),
                (4, "{\"c\": {}}"),
                (6, "{\"d\":\n1}"),
                (8, "3"),
                (8, "\"x,]\""),
            ];
            assert_eq!(found, expected.map(|(line, value)| (line, value.to_owned())), "{buffer}");
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_skipped_whole_and_what_is_no_json_ends_with_its_line() {
        let long = format!("[{{\"a\":\"{}\"}},\n{{\"b\":1}}]", "x".repeat(50));
        let found = values(&long, 8, 20);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].1, found[0].2.len(), found[1].2.as_str()), (false, 20, "{\"b\":1}"));
        let found = values("nonsense}\n{\"a\":1}\n", 8, 20);
        assert_eq!(found.last().unwrap().2, "{\"a\":1}");
        assert_eq!(values("{\"cut\":", 8, 20).len(), 1);
        assert!(values("[]\n[\n]\n", 8, 20).is_empty());
    }

    #[test]
    fn a_first_line_tells_whether_its_value_goes_on() {
        for line in ["{", "[", "[{\"a\":1},", " {\"a\": [", "\u{feff}["] {
            assert!(goes_on(line.as_bytes()), "{line}");
        }
        for line in ["{}", "{\"a\":1}", "[1,2]", "{\"a\":1}{\"b\":2}", "{\"a\":nonsense", "1,2,3", ""] {
            assert!(!goes_on(line.as_bytes()), "{line}");
        }
    }
}
