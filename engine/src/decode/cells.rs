//! The cells of one line of csv. A line without quotes is split where it stands; one with quotes is read by csv's own rules.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Columns of one line at most.
pub(super) const COLUMNS_MAX: usize = 64;

/// What may stand between cells. The first of those that occur equally often is taken.
const SEPARATORS: [char; 4] = [',', '\t', ';', '|'];

/// The separator that a line has most of, outside of quotes.
pub(super) fn separator_of(line: &str) -> char {
    let mut is_quoted = false;
    let mut counts = [0_usize; SEPARATORS.len()];
    for letter in line.chars() {
        is_quoted ^= letter == '"';
        if let Some(at) = SEPARATORS.iter().position(|separator| *separator == letter && !is_quoted) {
            counts[at] += 1;
        }
    }
    let most = counts.into_iter().max().unwrap_or(0);
    SEPARATORS[counts.iter().position(|count| *count == most).unwrap_or(0)]
}

/// Splits lines; its buffers are kept from line to line.
#[derive(Clone, Debug)]
pub(super) struct Splitter {
    separator: char,
    quoted: Option<Box<Reader>>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// Two are equal if they split alike.
impl PartialEq for Splitter {
    fn eq(&self, other: &Self) -> bool {
        self.separator == other.separator
    }
}

impl Eq for Splitter {}

impl Splitter {
    pub(super) fn new(separator: char) -> Self {
        Self { separator, quoted: None, text: Vec::new(), ends: Vec::new() }
    }

    /// The cells of a line, without quotes and without blanks around them; `None` if there are too many.
    pub(super) fn split<'a>(&'a mut self, line: &'a str) -> Option<Cells<'a>> {
        if !line.contains('"') {
            return Some(Cells::Plain(line.split(self.separator)));
        }
        let separator = self.separator as u8;
        let reader =
            self.quoted.get_or_insert_with(|| Box::new(ReaderBuilder::new().delimiter(separator).build()));
        reader.reset();
        // The rules put no more bytes out than they take in.
        self.text.resize(line.len() + 1, 0);
        self.ends.resize(COLUMNS_MAX, 0);
        let (_, _, written, ended) = reader.read_record(line.as_bytes(), &mut self.text, &mut self.ends);
        let (result, _, more_written, more_ended) =
            reader.read_record(&[], &mut self.text[written..], &mut self.ends[ended..]);
        if !matches!(result, ReadRecordResult::Record) {
            return None;
        }
        let text = std::str::from_utf8(&self.text[..written + more_written]).ok()?;
        Some(Cells::Quoted { text, start: 0, ends: self.ends[..ended + more_ended].iter() })
    }
}

/// The cells of one line.
pub(super) enum Cells<'a> {
    Plain(std::str::Split<'a, char>),
    Quoted { text: &'a str, start: usize, ends: std::slice::Iter<'a, usize> },
}

impl<'a> Iterator for Cells<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let cell = match self {
            Self::Plain(cells) => cells.next()?,
            Self::Quoted { text, start, ends } => {
                let end = *ends.next()?;
                let cell = text[std::mem::replace(start, end)..end].trim_ascii();
                // csv's rules take a quote behind a blank for a letter.
                cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell)
            }
        };
        Some(cell.trim_ascii())
    }
}

/// How many cells a line has by its own separator.
pub(crate) fn column_count(line: &str) -> usize {
    cells_of(line).len()
}

/// The cells of a line by its own separator, in full: of a header, or of a first line.
pub(super) fn cells_of(line: &str) -> Vec<String> {
    let mut splitter = Splitter::new(separator_of(line));
    splitter.split(line).map(|cells| cells.map(str::to_owned).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(line: &str) -> Vec<String> {
        cells_of(line)
    }

    #[test]
    fn quotes_hold_separators_and_doubled_quotes() {
        assert_eq!(cells("1, 2 ,3"), ["1", "2", "3"]);
        assert_eq!(cells(r#""1","BTC,USD", "x","a ""b""""#), ["1", "BTC,USD", "x", "a \"b\""]);
        assert_eq!(cells("a;b,c;d"), ["a", "b,c", "d"]);
        assert_eq!(cells("a\tb"), ["a", "b"]);
        assert_eq!(cells("\"a,b,c\";d"), ["a,b,c", "d"]);
        assert_eq!(cells(""), [""]);
        assert_eq!(cells("\"never closed,1,2"), ["never closed,1,2"]);
    }

    #[test]
    fn a_splitter_forgets_the_line_before() {
        let mut splitter = Splitter::new(',');
        for line in ["\"open,1", "\"a\",2", "\"b\",\"3\""] {
            let cells: Vec<_> = splitter.split(line).unwrap().map(str::to_owned).collect();
            assert!(cells.len() == if line.starts_with("\"open") { 1 } else { 2 }, "{cells:?}");
        }
    }
}
