//! `stormglass model inspect|verify FILE`.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use model::{Model, ModelInfo};

use super::{Exit, Failure, print_failed};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print what the file says of itself.
    Inspect {
        /// The model file.
        file: PathBuf,
    },
    /// Check every byte and structure of the file and rescore the rows it carries; exit 0 when all is as it was made.
    Verify {
        /// The model file.
        file: PathBuf,
    },
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    match arguments.action {
        Action::Inspect { file } => inspect(open(&file)?.info(), out).map_err(print_failed),
        Action::Verify { file } => verify(&file, out),
    }
}

fn verify(file: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let model = open(file)?;
    if !usable(&model) {
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

fn open(file: &Path) -> Result<Model, Failure> {
    Model::open(file).map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", file.display())))
}

/// Whether a row of missing values and a row of zeros give probabilities.
fn usable(model: &Model) -> bool {
    [f32::NAN, 0.0].into_iter().all(|value| {
        let row = vec![value; model.info().features.len()];
        (0.0..=1.0).contains(&model.score_row(&row).probability)
    })
}

fn inspect(info: &ModelInfo, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "name          {}", info.name)?;
    writeln!(out, "version       {}", info.version)?;
    writeln!(out, "variant       {}", info.variant)?;
    writeln!(out, "sha256        {}", info.sha256)?;
    writeln!(out, "horizon_s     {}", info.horizon_s)?;
    writeln!(out, "label         quantile {} of volatility", info.label_quantile)?;
    writeln!(out, "tau_bp        {}", info.tau_bp)?;
    writeln!(out, "threshold     {}", info.threshold)?;
    match info.calibration {
        Some(c) => writeln!(out, "calibration   a {} b {}", c.a, c.b)?,
        None => writeln!(out, "calibration   none")?,
    }
    writeln!(out, "trees         {} ({} nodes)", info.tree_count, info.node_count)?;
    writeln!(out, "features      {}", info.features.len())?;
    for feature in &info.features {
        writeln!(out, "  {feature}")?;
    }
    for (title, value) in &info.provenance {
        writeln!(out, "from          {title} = {value}")?;
    }
    for (title, value) in &info.metrics {
        writeln!(out, "metric        {title} = {value}")?;
    }
    Ok(())
}
