//! The distinct requests that are sent in turn.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use bytes::Bytes;
use engine::features;
use http_body_util::Full;
use hyper::{Method, Request, header};

use super::table::Table;
use crate::{
    client::{BlockingClient, Target},
    http::route::encoded,
};

/// A request, with a check for its right answer.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    method: Method,
    path: String,
    body: Bytes,
    /// Text that must occur in the body of the right answer.
    expected: String,
}

impl Input {
    /// `GET /predict/{symbol}`; the right answer names this symbol.
    pub(crate) fn symbol(name: &str) -> Self {
        Self {
            method: Method::GET,
            path: format!("/predict/{}", encoded(name)),
            body: Bytes::new(),
            expected: format!("\"symbol\":\"{name}\""),
        }
    }

    /// `POST /predict` of one row; features whose value is not finite are left out.
    pub(crate) fn row(names: &[String], values: &[f64]) -> Self {
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

    pub(super) fn request(&self, target: &Target) -> Request<Full<Bytes>> {
        let request = target.request(self.method.clone(), &self.path);
        let request = match self.body.is_empty() {
            true => request,
            false => request.header(header::CONTENT_TYPE, "application/json"),
        };
        request.body(Full::new(self.body.clone())).expect("a path of ours and a checked target are a URI")
    }

    pub(super) fn is_answered_by(&self, body: &[u8]) -> bool {
        let expected = self.expected.as_bytes();
        body.windows(expected.len()).any(|window| window == expected)
    }
}

/// The distinct requests of a run, at least one.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    inputs: Vec<Input>,
    /// A description of their origin, for the report.
    pub source: String,
}

impl Inputs {
    /// # Panics
    /// If `inputs` is empty.
    pub(crate) fn new(inputs: Vec<Input>, source: String) -> Self {
        assert!(!inputs.is_empty(), "there is something to ask");
        Self { inputs, source }
    }

    pub(crate) fn count(&self) -> usize {
        self.inputs.len()
    }

    /// The request that is sent at this position of a run, from 0.
    pub(super) fn nth(&self, number: u64) -> &Input {
        &self.inputs[(number % self.inputs.len() as u64) as usize]
    }

    /// Asks for each symbol that the service lists at `/symbols`.
    ///
    /// # Errors
    /// A message, if the service does not answer or lists no symbol.
    pub(crate) fn symbols(client: &BlockingClient) -> Result<Self, String> {
        let target = client.target();
        let answer = client.get("/symbols").map_err(|error| format!("{target}: {error}"))?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|_| {
            format!("{target}/symbols answers {} and no list of symbols", answer.status.as_u16())
        })?;
        // A split symbol is listed once for each of its partitions.
        let symbols = body["symbols"].as_array().into_iter().flatten();
        let names: BTreeSet<&str> = symbols.filter_map(|symbol| symbol["symbol"].as_str()).collect();
        let inputs: Vec<Input> = names.into_iter().map(Input::symbol).collect();
        if inputs.is_empty() {
            return Err(format!(
                "{target}/symbols lists none: it has no ticks yet; wait for them, or give rows of features by --rows FILE"
            ));
        }
        let source = format!("GET /predict/{{symbol}} of the {} that /symbols lists", inputs.len());
        Ok(Self::new(inputs, source))
    }

    /// Posts each row of a file of features: a CSV with a header, or a table of `stormglass features`.
    ///
    /// Sends the columns that have names of the engine's features, or all if there are none; columns without numbers
    /// are left out.
    ///
    /// # Errors
    /// A message that says why the file cannot be read.
    pub(crate) fn rows(path: &Path) -> Result<Self, String> {
        let about = |what: String| format!("{}: {what}", path.display());
        let table = Table::read(path).map_err(about)?;
        let known = features::schema();
        let is_known = |name: &String| known.iter().any(|feature| feature.name == *name);
        let all = || 0..table.names.len();
        let mut asked: Vec<usize> = all().filter(|&column| is_known(&table.names[column])).collect();
        if asked.is_empty() {
            asked = all().collect();
        }
        let (mut columns, mut left_out) = (Vec::new(), Vec::new());
        for column in asked {
            let is_numbers = table.is_numeric(column).map_err(about)?;
            if is_numbers { columns.push(column) } else { left_out.push(table.names[column].as_str()) }
        }
        if columns.is_empty() {
            return Err(about("no column of it holds numbers".to_owned()));
        }
        let names: Vec<String> = columns.iter().map(|&column| table.names[column].clone()).collect();
        let inputs: Vec<Input> = table.values(&columns).map(|values| Input::row(&names, &values)).collect();
        let first = if table.has_more { "the first " } else { "" };
        let without = match left_out.as_slice() {
            [] => String::new(),
            names => format!(" (without what holds no numbers: {})", names.join(", ")),
        };
        let source = format!(
            "POST /predict of {first}{} rows of {} features from {}{without}",
            inputs.len(),
            names.len(),
            path.display()
        );
        Ok(Self::new(inputs, source))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{super::table::ROWS_MAX, *};

    #[test]
    fn rows_are_bodies_with_the_features_that_have_a_value() {
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        write!(file, "when,alpha,beta\nnoon,1.5,2\nevening,,-3\n").unwrap();
        let inputs = Inputs::rows(file.path()).unwrap();
        let bodies: Vec<&[u8]> = (0..4).map(|number| &*inputs.nth(number).body).collect();
        assert_eq!(bodies[0], br#"{"rows":[{"alpha":1.5,"beta":2}]}"#);
        assert_eq!(bodies[1], br#"{"rows":[{"beta":-3}]}"#);
        assert_eq!((bodies[2], inputs.count()), (bodies[0], 2), "in turn");
        assert!(inputs.source.ends_with("(without what holds no numbers: when)"), "{}", inputs.source);
    }

    #[test]
    fn a_wrong_cell_among_numbers_is_named_by_line_and_column() {
        let rows = |text: &str| {
            let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
            write!(file, "{text}").unwrap();
            Inputs::rows(file.path()).map(|inputs| inputs.count())
        };
        let refused = rows("alpha,beta\n1,2\nNA,\n3,4O\n").unwrap_err();
        assert!(refused.contains("line 4, column \"beta\": \"4O\" is no number"), "{refused}");
        assert_eq!(rows("alpha,beta\n1,2\nNA,\n3,nan\n"), Ok(3));
        assert!(rows("name\nann\n").unwrap_err().contains("no column of it holds numbers"));
        // A column that is not asked for may hold anything.
        let feature = &features::schema()[0].name;
        assert_eq!(rows(&format!("note,{feature}\n1,2\nx,3\n")), Ok(2));
    }

    #[test]
    fn that_only_the_first_rows_are_taken_is_said() {
        let source = |rows: usize| {
            let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
            write!(file, "alpha\n{}", "1\n".repeat(rows)).unwrap();
            let inputs = Inputs::rows(file.path()).unwrap();
            assert_eq!(inputs.count(), ROWS_MAX);
            inputs.source
        };
        assert!(source(ROWS_MAX).starts_with("POST /predict of 10000 rows"));
        assert!(source(ROWS_MAX + 1).starts_with("POST /predict of the first 10000 rows"));
    }

    #[test]
    fn of_a_table_with_the_engines_features_only_they_are_sent() {
        let feature = features::schema()[0].name.clone();
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        write!(file, "label,{feature}\n1,0.5\n").unwrap();
        let inputs = Inputs::rows(file.path()).unwrap();
        assert_eq!(inputs.nth(0).body, format!("{{\"rows\":[{{\"{feature}\":0.5}}]}}"));
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
