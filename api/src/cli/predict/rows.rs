//! Reads the rows of a table, CSV or parquet: features in the model's order, and the symbol and time of each row.

mod csv;
#[cfg(feature = "parquet")]
mod parquet;

use std::path::Path;

use model::schema::FeatureName;

use crate::table_file::{SYMBOLS, TIMES, is_parquet};

/// Positions of the columns that a table is scored from and labelled by, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Columns {
    /// Position of each feature's column.
    features: Vec<usize>,
    /// Positions of the columns of symbols and of times, if there are any.
    labels: Vec<usize>,
    /// Whether no column has a feature's name, so that columns are taken in the features' order.
    by_position: bool,
}

impl Columns {
    /// Finds the columns in a table's header. A column that is named as a feature is that feature, even if its name is
    /// also one of times or symbols.
    fn find(header: &[&str], features: &[FeatureName]) -> Result<Self, String> {
        let place = |feature: &FeatureName| {
            let versioned = feature.to_string();
            header.iter().position(|name| *name == feature.name || *name == versioned)
        };
        let found: Vec<Option<usize>> = features.iter().map(place).collect();
        let by_position = found.iter().all(Option::is_none) && header.len() == features.len();
        if by_position {
            return Ok(Self { features: (0..features.len()).collect(), labels: Vec::new(), by_position });
        }
        let absent = features.iter().zip(&found).filter(|(_, place)| place.is_none());
        let absent: Vec<String> = absent.map(|(feature, _)| feature.to_string()).collect();
        if !absent.is_empty() {
            return Err(format!("it has no column {}", absent.join(", ")));
        }
        let features: Vec<usize> = found.into_iter().flatten().collect();
        let label = |names: &[&str]| {
            let place = names.iter().find_map(|name| header.iter().position(|column| column == name));
            place.filter(|place| !features.contains(place))
        };
        let labels = [label(&SYMBOLS), label(&TIMES)].into_iter().flatten().collect();
        Ok(Self { features, labels, by_position })
    }
}

#[derive(Debug, Default)]
pub(super) struct Row {
    /// One value for each feature; NaN where missing.
    pub(super) features: Vec<f64>,
    /// Symbol and time as text, as far as the table has them.
    pub(super) labels: Vec<String>,
}

/// Reads a table row by row.
pub(super) struct Rows {
    source: Box<dyn Source>,
    /// Names of the columns of symbols and times.
    labels: Vec<String>,
    by_position: bool,
    row: Row,
}

/// A reader of one kind of table.
trait Source {
    /// Appends the next row's values to `row`, which is empty; returns false at the end.
    fn read_row(&mut self, row: &mut Row) -> Result<bool, String>;
}

impl Rows {
    /// Opens a file, parquet by its first bytes and else CSV with a header, and finds the features' columns.
    ///
    /// # Errors
    /// A message that says why the table cannot be read. It leaves out the path, which the caller adds.
    pub(super) fn open(path: &Path, features: &[FeatureName]) -> Result<Self, String> {
        if is_parquet(path).map_err(|error| error.to_string())? {
            #[cfg(feature = "parquet")]
            return parquet::open(path, features);
            #[cfg(not(feature = "parquet"))]
            return Err("this build reads no parquet: give a CSV".to_owned());
        }
        let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
        csv::open(std::io::BufReader::new(file), features)
    }

    fn new(source: impl Source + 'static, header: &[&str], columns: &Columns) -> Self {
        let labels = columns.labels.iter().map(|&place| header[place].to_owned()).collect();
        Self { source: Box::new(source), labels, by_position: columns.by_position, row: Row::default() }
    }

    /// Whether no column has a feature's name, so that columns are taken in the features' order.
    pub(super) fn by_position(&self) -> bool {
        self.by_position
    }

    /// Names of the columns of symbols and times, if there are any.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The next row.
    ///
    /// # Errors
    /// A message, if the table is damaged or a feature's cell is no number.
    pub(super) fn next_row(&mut self) -> Result<Option<&Row>, String> {
        self.row.features.clear();
        self.row.labels.clear();
        Ok(self.source.read_row(&mut self.row)?.then_some(&self.row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn features() -> Vec<FeatureName> {
        vec![FeatureName::new("a", 0), FeatureName::new("b", 2)]
    }

    #[test]
    fn columns_are_found_by_name_then_by_position_and_a_feature_is_no_label() {
        let find = |header: &[&str]| Columns::find(header, &features());
        let columns = |features: [usize; 2], labels: &[usize], by_position| {
            Ok(Columns { features: features.to_vec(), labels: labels.to_vec(), by_position })
        };
        assert_eq!(find(&["b", "x", "a"]), columns([2, 0], &[], false));
        assert_eq!(find(&["event_time", "b@2", "symbol", "a"]), columns([3, 1], &[2, 0], false));
        assert_eq!(find(&["a", "b", "ts"]), columns([0, 1], &[2], false));
        assert_eq!(find(&["symbol", "time"]), columns([0, 1], &[], true), "as many columns as features");
        assert_eq!(find(&["a", "c"]), Err("it has no column b@2".to_owned()));
        let of_time = [FeatureName::new("time", 1), FeatureName::new("a", 1)];
        assert_eq!(Columns::find(&["time", "a", "symbol"], &of_time), columns([0, 1], &[2], false));
    }
}
