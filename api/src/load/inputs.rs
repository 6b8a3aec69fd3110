//! What is asked: distinct questions, in turn.

use std::{fmt::Write as _, fs::File, path::Path};

use bytes::Bytes;
use engine::features;
use hyper::{Method, Request, header};

use crate::{client::Asker, http::route::encoded};

/// Rows of a file that are taken.
pub const ROWS_MAX: usize = 10_000;

/// One question.
#[derive(Clone, Debug)]
pub struct Input {
    method: Method,
    path: String,
    pub(super) body: Bytes,
    /// What its right answer holds.
    expected: String,
}

impl Input {
    /// The newest prediction of a symbol.
    pub fn symbol(name: &str) -> Self {
        Self {
            method: Method::GET,
            path: format!("/predict/{}", encoded(name)),
            body: Bytes::new(),
            expected: format!("\"symbol\":\"{name}\""),
        }
    }

    /// The score of a row of features; those without a value are left out.
    pub fn row(names: &[String], values: &[f64]) -> Self {
        let mut body = String::from("{\"rows\":[{");
        let mut comma = "";
        for (name, value) in names.iter().zip(values).filter(|(_, value)| value.is_finite()) {
            write!(body, "{comma}\"{name}\":{value}").expect("a string takes every character");
            comma = ",";
        }
        body.push_str("}]}");
        let path = "/predict".to_owned();
        Self { method: Method::POST, path, body: body.into(), expected: "\"scores\":[".to_owned() }
    }

    pub(super) fn request(&self) -> hyper::http::request::Builder {
        let request = Request::builder().method(self.method.clone()).uri(self.path.as_str());
        if self.body.is_empty() { request } else { request.header(header::CONTENT_TYPE, "application/json") }
    }

    pub(super) fn is_answered_by(&self, body: &[u8]) -> bool {
        let expected = self.expected.as_bytes();
        body.windows(expected.len()).any(|window| window == expected)
    }
}

/// All of them, and where they come from.
#[derive(Clone, Debug)]
pub struct Inputs {
    inputs: Vec<Input>,
    /// For people.
    pub source: String,
}

impl Inputs {
    /// These.
    ///
    /// # Panics
    /// Without any.
    pub fn new(inputs: Vec<Input>, source: String) -> Self {
        assert!(!inputs.is_empty(), "there is something to ask");
        Self { inputs, source }
    }

    /// How many distinct ones there are.
    pub fn count(&self) -> usize {
        self.inputs.len()
    }

    pub(super) fn of(&self, number: u64) -> &Input {
        &self.inputs[(number % self.inputs.len() as u64) as usize]
    }

    /// The symbols that the service lists at `/symbols`.
    ///
    /// # Errors
    /// When it does not answer, or has none.
    pub fn symbols(asker: &Asker) -> Result<Self, String> {
        let target = asker.target();
        let answer = asker.get("/symbols").map_err(|error| format!("{target}: {error}"))?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body)
            .map_err(|_| format!("{target}/symbols answers {} and no list of symbols", answer.status))?;
        let names = body["symbols"].as_array().into_iter().flatten();
        let inputs: Vec<Input> =
            names.filter_map(|symbol| symbol["symbol"].as_str()).map(Input::symbol).collect();
        if inputs.is_empty() {
            return Err(format!(
                "{target}/symbols lists none: it has no ticks yet; wait for them, or give rows of features by --rows FILE"
            ));
        }
        let source = format!("GET /predict/{{symbol}} of the {} that /symbols lists", inputs.len());
        Ok(Self::new(inputs, source))
    }

    /// The rows of a file of features: a CSV with a header, or a table of `stormglass features`.
    ///
    /// Where columns have names of the engine's features only those are taken, else all.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn rows(path: &Path) -> Result<Self, String> {
        let about = |what: String| format!("{}: {what}", path.display());
        let file = File::open(path).map_err(|error| about(error.to_string()))?;
        let is_table = path.extension().is_some_and(|extension| extension == "parquet");
        let (names, rows) = if is_table { read_table(file) } else { read_csv(file) }.map_err(about)?;
        if rows.is_empty() {
            return Err(about("it has no rows".to_owned()));
        }
        let known = features::schema();
        let is_known = |name: &String| known.iter().any(|feature| feature.name == *name);
        let mut places: Vec<usize> = (0..names.len()).filter(|&place| is_known(&names[place])).collect();
        if places.is_empty() {
            places = (0..names.len()).collect();
        }
        let pick = |row: &[f64]| -> Vec<f64> { places.iter().map(|&place| row[place]).collect() };
        let names: Vec<String> = places.iter().map(|&place| names[place].clone()).collect();
        let inputs: Vec<Input> = rows.iter().map(|row| Input::row(&names, &pick(row))).collect();
        let source = format!(
            "POST /predict of {} rows of {} features from {}",
            inputs.len(),
            names.len(),
            path.display()
        );
        Ok(Self::new(inputs, source))
    }
}

type Table = (Vec<String>, Vec<Vec<f64>>);

fn read_csv(file: File) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let names: Vec<String> =
        reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records().take(ROWS_MAX) {
        let record = record.map_err(|error| error.to_string())?;
        // What is no number (a name, a time) has no value; a column of such is left out of every row.
        rows.push(record.iter().map(|cell| cell.parse().unwrap_or(f64::NAN)).collect());
    }
    Ok((names, rows))
}

#[cfg(feature = "parquet")]
fn read_table(file: File) -> Result<Table, String> {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    let mut rows = Vec::new();
    for row in reader.into_iter().take(ROWS_MAX) {
        let row = row.map_err(|error| error.to_string())?;
        let number = |(_, field): (&String, &Field)| match *field {
            Field::Double(number) => number,
            Field::Float(number) => f64::from(number),
            Field::Int(number) => f64::from(number),
            _ => f64::NAN,
        };
        rows.push(row.get_column_iter().map(number).collect());
    }
    Ok((names, rows))
}

#[cfg(not(feature = "parquet"))]
fn read_table(_: File) -> Result<Table, String> {
    Err("this program was built without the feature parquet; give a CSV".to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn rows_are_bodies_with_the_features_that_have_a_value() {
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        write!(file, "when,alpha,beta\nnoon,1.5,2\nevening,,-3\n").unwrap();
        let inputs = Inputs::rows(file.path()).unwrap();
        let bodies: Vec<&[u8]> = (0..4).map(|number| &*inputs.of(number).body).collect();
        assert_eq!(bodies[0], br#"{"rows":[{"alpha":1.5,"beta":2}]}"#);
        assert_eq!(bodies[1], br#"{"rows":[{"beta":-3}]}"#);
        assert_eq!((bodies[2], inputs.count()), (bodies[0], 2), "in turn");
    }

    #[test]
    fn of_a_table_with_the_engines_features_only_they_are_sent() {
        let feature = features::schema()[0].name.clone();
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        write!(file, "label,{feature}\n1,0.5\n").unwrap();
        let inputs = Inputs::rows(file.path()).unwrap();
        assert_eq!(inputs.of(0).body, format!("{{\"rows\":[{{\"{feature}\":0.5}}]}}"));
        let mut empty = tempfile::NamedTempFile::new().unwrap();
        writeln!(empty, "a,b").unwrap();
        assert!(Inputs::rows(empty.path()).unwrap_err().contains("no rows"));
    }

    #[test]
    fn an_answer_about_another_symbol_is_not_the_right_one() {
        let input = Input::symbol("coinbase:BTC-USD");
        assert_eq!(input.path, "/predict/coinbase%3ABTC-USD");
        assert!(input.is_answered_by(br#"{"symbol":"coinbase:BTC-USD","probability":0.5}"#));
        assert!(!input.is_answered_by(br#"{"symbol":"coinbase:ETH-USD","probability":0.5}"#));
    }
}
