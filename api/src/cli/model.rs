//! `stormglass model import|inspect|verify FILE`, `list`, `clear`.

mod active_record;
pub(super) mod import;
mod inspect;
mod schema;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use model::Model;

use super::{Exit, Failure, print_failed};
use crate::model_file;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass model import booster.json -o mine.sgm
  stormglass model inspect mine.sgm
  stormglass model verify mine.sgm
  stormglass model list")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Turn another library's model into a model file, without a changed bit.
    Import(import::Arguments),
    /// Print the description in a model file.
    Inspect {
        /// The model file.
        file: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Check every byte and structure of the file and rescore its self-test rows; exit 0 if everything agrees.
    Verify {
        /// The model file.
        file: PathBuf,
    },
    /// Print the models that can be activated, and the one in the record.
    List(active_record::Arguments),
    /// Remove the record of activations (model.record): the next start uses the configured model.
    ///
    /// On a running service, DELETE /models/active does the same at once.
    Clear(active_record::Arguments),
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    match arguments.action {
        Action::Import(arguments) => import::run(&arguments, out),
        Action::Inspect { file, json } => {
            let print = if json { inspect::print_json } else { inspect::print };
            print(&open(&file)?, out).map_err(print_failed)
        }
        Action::Verify { file } => verify(&file, out),
        Action::List(arguments) => active_record::list(arguments, out),
        Action::Clear(arguments) => active_record::clear(arguments, out),
    }
}

fn verify(file: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let model = open(file)?;
    if !gives_valid_answers(&model) {
        return Err(Failure::new(Exit::Failed, format!("{} gives no probability", file.display())));
    }
    let rows = match model.verify() {
        Ok(0) => "the file carries no self-test rows".to_owned(),
        Ok(rows) => format!("{rows} self-test rows give the embedded bits"),
        Err(difference) => return Err(Failure::new(Exit::Failed, difference.to_string())),
    };
    let sha256 = &model.info().sha256;
    writeln!(out, "{}: sound; {rows}; sha256 {sha256}", file.display()).map_err(print_failed)
}

/// Opens a file of our format with the default of `model.map_above_bytes`, for a command that reads no configuration.
pub(super) fn open(file: &Path) -> Result<Model, Failure> {
    // The error names the file.
    model_file::open_own(file, model_file::MAP_ABOVE_BYTES)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

/// Whether the model gives valid answers for a row of missing values and a row of zeros, and probabilities if it
/// promises those.
fn gives_valid_answers(model: &Model) -> bool {
    [f32::NAN, 0.0].into_iter().all(|value| {
        let row = vec![value; model.info().features.len()];
        let mut answers = vec![0.0; model.answer_count()];
        model.predict_batch(&row, &mut answers);
        let promised = |answer: &f64| !model.gives_probability() || (0.0..=1.0).contains(answer);
        answers.iter().all(|answer| !answer.is_nan() && promised(answer))
    })
}
