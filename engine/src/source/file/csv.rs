//! What must be known of a csv before it is read: its columns, whose trades it holds, and whether its sizes have signs.

use std::{io, path::PathBuf};

use super::{FileConfig, FileError, name};
use crate::{
    decode::{
        CsvColumns, Decoded, Learned, TradeLineSymbol, TradeLines, Unreadable, column_count,
        decode_trade_line, explain, is_negative_size,
    },
    input::{InputFile, Line, Lines},
    limits::RECORD_BYTES_MAX,
    settings::{FormatPin, RecordSettings},
};

/// Unpacked bytes that are looked through for a size with a sign. Sizes of millions of trades without one have none.
const SIGNS_BYTES_MAX: u64 = 256 << 20;

/// A csv that can be read.
#[derive(Clone, Debug)]
pub(super) struct Csv {
    lines: TradeLines,
    /// The symbol of the trades, and how it is known.
    symbol: String,
}

impl Csv {
    /// Looks at the first line; `None` if neither the file's name nor, of a stream, that line is that of a csv.
    pub(super) fn open(
        input: &InputFile,
        first: &[u8],
        is_table: bool,
        config: &FileConfig,
        configured: Option<&TradeLineSymbol>,
    ) -> Result<Option<Self>, FileError> {
        let RecordSettings { format, columns: mapping, .. } = &config.records;
        let stem = name::csv_stem(input.name());
        let of = |lines: TradeLines| lines.mapped(mapping);
        let mut probe = of(TradeLines::of_many(&config.venue));
        let path = || PathBuf::from(input.to_string());
        let line = String::from_utf8_lossy(first);
        let line = line.trim_start_matches('\u{feff}');
        let learned = if mapping.is_of_json() { Ok(Learned::NoHeader) } else { probe.learn(line) };
        let is_csv = is_table
            || stem.is_some()
            || *format == FormatPin::Csv
            || input.is_stream() && !line.starts_with(['{', '[']) && probe.columns().is_some();
        if !is_csv {
            return Ok(None);
        }
        if mapping.is_of_json() {
            return Err(FileError::PointersOfCsv { path: path(), columns: mapping.to_string() });
        }
        let cause = match learned {
            Err(error) => Some(error.to_string()),
            Ok(_) if probe.columns().is_none() && !line.is_empty() => {
                Some(explain(Unreadable::ColumnCount, first))
            }
            Ok(_) => None,
        };
        if let Some(cause) = cause {
            return Err(FileError::Columns { path: path(), columns: column_count(line), cause });
        }
        let said = |symbol: &TradeLineSymbol, how: &str| {
            format!("its trades are taken for those of {}:{}, {how}", symbol.venue(), symbol.product())
        };
        if probe.columns().is_some_and(CsvColumns::names_product) {
            let symbol = "each line names its product".to_owned();
            return Ok(Some(Self { lines: of(TradeLines::of_many(&config.venue)), symbol }));
        }
        let (symbol, how) = match configured {
            Some(symbol) => (symbol.clone(), "as source.symbol says".to_owned()),
            None => stem
                .and_then(|stem| name::symbol_of(&stem, &config.venue))
                .ok_or_else(|| FileError::NoCsvSymbol { path: path() })?,
        };
        Ok(Some(Self { symbol: said(&symbol, &how), lines: of(TradeLines::new(&symbol)) }))
    }

    /// How its lines are read, if some of its sizes have signs.
    pub(super) fn lines(&self) -> TradeLines {
        self.lines.clone()
    }

    /// How its lines are read, and what is to be said of that. Looks through the file for a size below zero, up to the
    /// first. Of a stream, which can be read only once, the first size below zero tells.
    pub(super) fn prepare(&self, input: &InputFile) -> io::Result<(TradeLines, Vec<String>)> {
        let mut remarks = vec![self.symbol.clone()];
        if input.is_stream() {
            return Ok((self.lines.clone().without_signs(), remarks));
        }
        let mut probe = self.lines.clone();
        let mut decoded = Decoded::default();
        let mut lines = Lines::new(input.open()?.into_input(), RECORD_BYTES_MAX);
        let (mut bytes, mut has_header, mut has_size) = (0_u64, false, false);
        while let Some(line) = lines.next()? {
            let Line::Whole(line) = line else { continue };
            bytes += line.len() as u64;
            if probe.columns().is_none() || !line.first().is_some_and(u8::is_ascii_digit) {
                let kind = decode_trade_line(line, &mut probe, &mut decoded);
                has_header |= matches!(kind, Ok(crate::decode::RecordKind::NoTick(_)));
            }
            let Some(columns) = probe.columns() else { continue };
            if !columns.may_have_signs() || bytes > SIGNS_BYTES_MAX {
                has_size |= columns.may_have_signs();
                break;
            }
            has_size = true;
            if is_negative_size(line, columns) {
                remarks.extend(has_header.then(|| header_said(columns)));
                return Ok((self.lines.clone(), remarks));
            }
        }
        let columns = probe.columns();
        remarks.extend(columns.filter(|_| has_header).map(header_said));
        if !has_size {
            return Ok((self.lines.clone(), remarks));
        }
        remarks.push("no size has a sign, so the taker's sides are inferred".to_owned());
        Ok((self.lines.clone().without_signs(), remarks))
    }
}

fn header_said(columns: &CsvColumns) -> String {
    format!("its header is obeyed: {}", columns.describe())
}
