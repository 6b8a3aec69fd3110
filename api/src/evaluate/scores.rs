//! Reads given scores from a parquet table.

use std::{collections::HashMap, fs::File, path::Path};

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};

use super::rows::Rows;
use crate::table_file;

/// The metadata key of the end of the model's training, RFC 3339.
pub(crate) const TRAINING_END_KEY: &str = "stormglass.training_end";
/// Most scores that are read: a year of a hundred symbols every five seconds would not fit in memory.
const ROWS_MAX: i64 = 50_000_000;

/// The refusal of a table of scores: its path, and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub(crate) struct ScoresError {
    path: String,
    what: String,
}

/// Scores by symbol and second.
#[derive(Debug)]
pub(crate) struct Scores {
    /// End of their model's training, seconds, if the table gives it.
    pub training_end_s: Option<i64>,
    by_row: HashMap<String, HashMap<i64, f64>>,
    /// Event time of the first score, seconds.
    first_s: i64,
    path: String,
}

impl Scores {
    /// Reads the columns `symbol` (`venue:product`), `event_time` (a timestamp, or microseconds since 1970) and `score`
    /// or `probability`.
    ///
    /// # Errors
    /// [`ScoresError`]: the file is not readable, a column is missing or of another type, or a value is missing, not
    /// finite or there twice.
    pub(crate) fn read(path: &Path) -> Result<Self, ScoresError> {
        let name = path.display().to_string();
        let fault = |what: String| ScoresError { path: name.clone(), what };
        let file = File::open(path).map_err(|error| fault(error.to_string()))?;
        let reader = SerializedFileReader::new(file).map_err(|error| fault(error.to_string()))?;
        let metadata = reader.metadata().file_metadata();
        if metadata.num_rows() > ROWS_MAX {
            return Err(fault(format!("{} rows; at most {ROWS_MAX} are read", metadata.num_rows())));
        }
        let pairs = metadata.key_value_metadata().map_or(&[][..], Vec::as_slice);
        let training_end =
            pairs.iter().find(|pair| pair.key == TRAINING_END_KEY).and_then(|pair| pair.value.as_deref());
        let training_end_s = training_end
            .map(|text| {
                super::parse_time_s(text)
                    .map_err(|what| fault(format!("metadata {TRAINING_END_KEY}: {what}")))
            })
            .transpose()?;
        let mut by_row: HashMap<String, HashMap<i64, f64>> = HashMap::default();
        let mut first_s = i64::MAX;
        for (number, row) in reader.into_iter().enumerate() {
            let row = row.map_err(|error| fault(format!("row {number}: {error}")))?;
            let (mut symbol, mut second, mut score) = (None, None, None);
            for (column, field) in row.get_column_iter() {
                match column.as_str() {
                    "symbol" => symbol = text(field),
                    "event_time" => second = seconds(field),
                    "score" | "probability" => {
                        score = table_file::number(field).filter(|score| score.is_finite())
                    }
                    _ => {}
                }
            }
            let missing = |column: &str, needs: &str| {
                fault(format!("row {number}: {column} is missing or not {needs}"))
            };
            let symbol = symbol.ok_or_else(|| missing("symbol", "text"))?;
            let second = second.ok_or_else(|| missing("event_time", "a timestamp on a whole second"))?;
            let score = score.ok_or_else(|| missing("score (or probability)", "a finite number"))?;
            first_s = first_s.min(second);
            if by_row.entry(symbol.clone()).or_default().insert(second, score).is_some() {
                return Err(fault(format!("row {number}: {symbol} has a second score for the same instant")));
            }
        }
        Ok(Self { training_end_s, by_row, first_s, path: name })
    }

    /// The score of each row; NaN where there is none.
    ///
    /// # Errors
    /// [`ScoresError`] for scores at or before the end of their model's training, and when no row has one.
    pub(crate) fn for_rows(&self, rows: &Rows, training_end_s: i64) -> Result<Vec<f64>, ScoresError> {
        let fault = |what: String| ScoresError { path: self.path.clone(), what };
        if self.first_s <= training_end_s {
            let before = self
                .by_row
                .values()
                .flat_map(|rows| rows.keys())
                .filter(|&&second| second <= training_end_s)
                .count();
            return Err(fault(format!(
                "{before} scores lie at or before the end of their model's training, where it has seen the answers; leave \
                 them out"
            )));
        }
        let of_symbol: Vec<_> = rows.symbols.iter().map(|symbol| self.by_row.get(symbol)).collect();
        let times = rows.dataset.times_s().iter().zip(rows.dataset.groups());
        let score = |(second, &group): (&i64, &u32)| {
            of_symbol[group as usize].and_then(|scores| scores.get(second)).copied().unwrap_or(f64::NAN)
        };
        let scores: Vec<f64> = times.map(score).collect();
        if scores.iter().all(|score| score.is_nan()) {
            let names = rows.symbols.join(", ");
            return Err(fault(format!(
                "no score is of a labelled row of {names}; symbol is venue:product, event_time on the grid"
            )));
        }
        Ok(scores)
    }
}

fn text(field: &Field) -> Option<String> {
    match field {
        Field::Str(text) => Some(text.clone()),
        Field::Bytes(bytes) => bytes.as_utf8().ok().map(str::to_owned),
        _ => None,
    }
}

/// Seconds since 1970 of a timestamp, or of a plain number of microseconds or nanoseconds; `None` between two seconds.
fn seconds(field: &Field) -> Option<i64> {
    let (ticks, per_second) = match *field {
        Field::TimestampMicros(micros) | Field::Long(micros) => (micros, 1_000_000),
        Field::TimestampMillis(millis) => (millis, 1_000),
        _ => return None,
    };
    // Large numbers are nanoseconds: no event time in microseconds is that great.
    let per_second =
        if per_second == 1_000_000 && ticks.unsigned_abs() > 1 << 57 { 1_000_000_000 } else { per_second };
    (ticks % per_second == 0).then_some(ticks / per_second)
}
