//! `stormglass predict --model M --input X.csv|parquet`: offline scores.

mod digits;
mod rows;

use std::{
    fs::File,
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use model::{Model, import::Options};

use super::{Exit, Failure, model as files, print_failed};
use digits::Digits;
use rows::Rows;

#[derive(Debug, Args)]
#[command(
    after_help = "Columns are found by the features' names; where the file has none of them and as many columns as the
model has features, in their order. Empty cells and nan are missing values. Scores have 17 significant digits; where the
file has a column of symbols (symbol, product_id) or times (event_time, timestamp, time, ts), it stands beside them.

Examples:
  stormglass predict --model mine.sgm --input rows.csv
  stormglass features --input 'ticks/*.gz' --output rows.parquet && \\
      stormglass predict --model mine.sgm --input rows.parquet --output scores.csv"
)]
pub(super) struct Arguments {
    /// A model file, or one of another library.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// A CSV with a header, or a parquet table as `stormglass features` writes it.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Write scores before the link, such as margins or log-odds.
    #[arg(long)]
    raw: bool,
    /// File for the scores; by default standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let model = open_model(&arguments.model)?;
    let rows = Rows::open(&arguments.input, &model.info().features)
        .map_err(|error| failed_on(&arguments.input, &error))?;
    if rows.by_position() {
        eprintln!("stormglass: no column has a feature's name: columns are taken in the features' order");
    }
    let Some(output) = &arguments.output else {
        return score(&model, rows, arguments, &mut BufWriter::new(out));
    };
    let file = File::create(output).map_err(|error| failed_on(output, &error))?;
    score(&model, rows, arguments, &mut BufWriter::new(file))
}

fn score(model: &Model, mut rows: Rows, arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let mut scores = vec![0.0; if arguments.raw { model.raw_count() } else { model.answer_count() }];
    let failed = |error: csv::Error| print_failed(error.into());
    let mut out = csv::Writer::from_writer(out);
    for label in rows.labels() {
        out.write_field(label).map_err(failed)?;
    }
    match scores.len() {
        1 => out.write_field("score").map_err(failed)?,
        count => (0..count).try_for_each(|at| out.write_field(format!("score_{at}"))).map_err(failed)?,
    }
    out.write_record(None::<&[u8]>).map_err(failed)?;
    while let Some(row) = rows.next_row().map_err(|error| failed_on(&arguments.input, &error))? {
        if arguments.raw {
            model.predict_raw(&row.features, &mut scores);
        } else {
            model.predict_batch(&row.features, &mut scores);
        }
        let scores = scores.iter().map(|score| Digits(*score).to_string());
        out.write_record(row.labels.iter().cloned().chain(scores)).map_err(failed)?;
    }
    out.flush().map_err(print_failed)
}

/// Opens a model file, or imports one of another library.
fn open_model(file: &Path) -> Result<Model, Failure> {
    let mut magic = [0; 4];
    let read = File::open(file).and_then(|mut file| file.read(&mut magic));
    if read.map_err(|error| failed_on(file, &error))? == 4 && magic == *b"\x89SGM" {
        return files::open(file);
    }
    let imported = files::import::read(file, &Options::new(&files::import::stem(file)))?;
    for note in &imported.notes {
        eprintln!("stormglass: {}: {note}", file.display());
    }
    let bytes = imported.draft.to_bytes().map_err(|error| failed_on(file, &error))?;
    Model::from_bytes(&bytes).map_err(|error| failed_on(file, &error))
}

fn failed_on(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("{}: {error}", file.display()))
}
