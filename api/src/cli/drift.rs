//! `stormglass drift`: compares the columns of a table with those of a reference.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{ArgGroup, Args};
use model::drift::{DRIFT_SHARE, METHODS, Method};

use super::{Exit, Failure, model as files, print_failed};
use crate::drift::{Options, Report, Side, Table, compare, compare_with_model, halves, report};

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("against").required(true).args(["reference", "features", "model"]),
    after_help = "Examples:
  stormglass drift --reference training.parquet --current today.parquet --output drift.html
  stormglass drift --reference training.csv --current today.csv --json drift.json
  stormglass drift --features week.parquet --output drift.html      its first half against its second
  stormglass drift --model mine.sgm --current today.parquet         against what the model saw in training

Tables are those of `stormglass features`, or any parquet or CSV with a header. Method, threshold and verdict of each column
are Evidently's; the second opinion beside them says how far a column went, where to, and whether so many independent rows
could differ so by chance. Drift is a finding: exit 0, and 1 with --fail-on-drift."
)]
pub(super) struct Arguments {
    /// The reference: a parquet or CSV table.
    #[arg(long, value_name = "FILE", requires = "current")]
    reference: Option<PathBuf>,
    /// The table that is compared with the reference: parquet or CSV.
    #[arg(long, value_name = "FILE", conflicts_with = "features")]
    current: Option<PathBuf>,
    /// One table, whose first half is compared with its second half.
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// A model whose training data, summarised in its file, is the reference.
    #[arg(long, value_name = "FILE", requires = "current")]
    model: Option<PathBuf>,
    /// The columns to compare; by default the features if the table names them, otherwise all except times and symbols.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', conflicts_with = "model")]
    columns: Vec<String>,
    /// The method for the columns that it applies to; by default it depends on rows and values, as in Evidently.
    #[arg(long, value_name = "NAME", value_parser = method)]
    method: Option<&'static Method>,
    /// The method's threshold.
    #[arg(long, requires = "method", value_parser = positive)]
    threshold: Option<f64>,
    /// Least share of drifted columns at which the table as a whole has drifted.
    #[arg(long, default_value_t = DRIFT_SHARE, value_parser = share)]
    drift_share: f64,
    /// Greatest false discovery rate at which the second opinion calls a column shifted.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = share)]
    false_discoveries: f64,
    /// Write the report as an HTML page with plots.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the report as JSON as well; without a file, or to -, it is printed instead of the table.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Exit 1 if the table as a whole has drifted.
    #[arg(long)]
    fail_on_drift: bool,
}

fn method(text: &str) -> Result<&'static Method, String> {
    let names = METHODS.map(|method| method.name).join(", ");
    Method::named(text).ok_or_else(|| format!("there is no method {text:?}; there are {names}"))
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| format!("{text:?} is no threshold; give a number above 0"))
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1.0);
    number.ok_or_else(|| format!("{text:?} is no share; give a number above 0 and at most 1"))
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options {
        columns: arguments.columns.clone(),
        method: arguments.method,
        threshold: arguments.threshold,
        drift_share: arguments.drift_share,
        false_discoveries: arguments.false_discoveries,
    };
    let report = compare_inputs(&arguments, &options)?;
    write_report(&arguments, &report, out)?;
    if arguments.fail_on_drift && report.drift {
        let (drifted, judged) = (report.drifted_columns, report.judged_columns);
        return Err(Failure::new(Exit::Failed, format!("drift: {drifted} of {judged} columns")));
    }
    Ok(())
}

fn compare_inputs(arguments: &Arguments, options: &Options) -> Result<Report, Failure> {
    let table = |path: &Path| Table::open(path).map(Arc::new).map_err(|error| failed(&error));
    let side = |path: &Path| Side::all(table(path)?).map_err(|error| failed(&error));
    let report = match arguments {
        Arguments { reference: Some(reference), current: Some(current), .. } => {
            compare(&side(reference)?, &side(current)?, options)
        }
        Arguments { model: Some(path), current: Some(current), .. } => {
            let model = files::open(path)?;
            compare_with_model(&model, &path.display().to_string(), &side(current)?, options)
        }
        Arguments { features: Some(path), .. } => {
            let (first, second, note) = halves(table(path)?).map_err(|error| failed(&error))?;
            compare(&first, &second, options).map(|mut report| {
                report.notes.insert(0, note);
                report
            })
        }
        _ => unreachable!(
            "one of --reference, --features and --model is required, and --current by two of them"
        ),
    };
    report.map_err(|error| failed(&error))
}

/// Writes the requested HTML and JSON files, and prints the report.
fn write_report(arguments: &Arguments, report: &Report, out: &mut dyn Write) -> Result<(), Failure> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(|error| failed(&format!("{}: {error}", path.display())))
    };
    if let Some(path) = &arguments.output {
        write(path, report::html(report))?;
    }
    let mut printed = report::text(report);
    if let Some(path) = &arguments.json {
        let json =
            serde_json::to_string_pretty(&report::json(report)).map_err(|error| failed(&error))? + "\n";
        if path.as_os_str() == "-" {
            printed = json;
        } else {
            write(path, json)?;
        }
    }
    out.write_all(printed.as_bytes()).map_err(print_failed)
}
