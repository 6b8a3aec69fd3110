//! What must be known of a csv before it is read: its columns, whose trades it holds, and whether its sizes have signs.

use std::io;

use super::{FileConfig, FileError, name};
use crate::{
    decode::{
        CsvColumns, Decoded, TradeLineSymbol, TradeLines, decode_trade_line, explain, is_negative_size,
    },
    input::{InputFile, Line, Lines},
    limits::RECORD_BYTES_MAX,
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
        config: &FileConfig,
        configured: Option<&TradeLineSymbol>,
    ) -> Result<Option<Self>, FileError> {
        use crate::decode::Unreadable::{ColumnCount, UnknownHeader};
        let stem = name::csv_stem(input.name());
        let mut probe = TradeLines::of_many(&config.venue);
        let decoded = decode_trade_line(first, &mut probe, &mut Decoded::default());
        let is_csv = match &stem {
            Some(_) => true,
            None => input.is_stream() && !matches!(first, [b'{' | b'[', ..]) && probe.columns().is_some(),
        };
        if !is_csv {
            return Ok(None);
        }
        if let Err(reason @ (ColumnCount | UnknownHeader)) = decoded
            && probe.columns().is_none()
            && !first.is_empty()
        {
            return Err(FileError::Columns {
                path: input.to_string().into(),
                columns: String::from_utf8_lossy(first).split(',').count(),
                cause: explain(reason, first),
            });
        }
        let said = |symbol: &TradeLineSymbol, how: &str| {
            format!("its trades are taken for those of {}:{}, {how}", symbol.venue(), symbol.product())
        };
        if probe.columns().is_some_and(CsvColumns::names_product) {
            let symbol = "each line names its product".to_owned();
            return Ok(Some(Self { lines: TradeLines::of_many(&config.venue), symbol }));
        }
        let (symbol, how) = match configured {
            Some(symbol) => (symbol.clone(), "as source.symbol says".to_owned()),
            None => stem
                .and_then(|stem| name::symbol_of(&stem, &config.venue))
                .ok_or_else(|| FileError::NoCsvSymbol { path: input.to_string().into() })?,
        };
        Ok(Some(Self { symbol: said(&symbol, &how), lines: TradeLines::new(&symbol) }))
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
