//! `stormglass model import FILE [-o OUT]`: imports another library's model; the format is recognised by content.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use model::{
    forest::Layout,
    import::{Imported, Options},
};

use super::inspect::print_outputs;
use crate::cli::{Exit, Failure, print_failed};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass model import booster.json                    writes booster.sgm beside it
  stormglass model import lightgbm.txt -o mine.sgm
  stormglass model import early.ubj --best-iteration
  stormglass model import booster.json --schema rows.parquet")]
pub(super) struct Arguments {
    /// The other library's file.
    file: PathBuf,
    /// The model file to write; by default beside the input, with the ending .sgm.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The model's name; by default the input's.
    #[arg(long)]
    name: Option<String>,
    /// The model's version.
    #[arg(long, default_value = "1")]
    model_version: String,
    /// Layout of the trees: auto, narrow, byte-block, oblivious, ragged or wide. All give the same bits.
    #[arg(long, default_value_t = Layout::Auto)]
    layout: Layout,
    /// Keep only the trees up to the best iteration of a model that was stopped early.
    #[arg(long)]
    best_iteration: bool,
    /// The training data's schema: a table that `stormglass features` wrote (.parquet), or the JSON of its schema.
    /// Gives the features their names and versions, and the model its horizon, label and end of training.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut options = Options::new(&stem(&arguments.file));
    options.name = arguments.name.clone().unwrap_or(options.name);
    options.version.clone_from(&arguments.model_version);
    options.best_iteration = arguments.best_iteration;
    if let Some(file) = &arguments.schema {
        let read = super::schema::read(file);
        options.schema =
            Some(read.map_err(|what| Failure::new(Exit::Failed, format!("{}: {what}", file.display())))?);
    }
    let name = arguments.file.file_name().unwrap_or_default().to_string_lossy();
    options.command = format!("stormglass model import {name}");
    options.input_saved_at = saved_at(&arguments.file);
    let mut imported = read(&arguments.file, &options)?;
    let output = arguments.output.clone().unwrap_or_else(|| arguments.file.with_extension("sgm"));
    let failed = |error: model::DraftError| Failure::new(Exit::Failed, error.to_string());
    imported.draft = imported.draft.with_layout(arguments.layout).map_err(failed)?;
    imported.draft.write(&output).map_err(failed)?;
    let layouts: Vec<&str> = super::open(&output)?.layouts().map(Layout::name).collect();
    print(&imported, &layouts.join(", "), &output, out).map_err(print_failed)
}

/// Time of the file's last change, RFC 3339; empty if it is not known. The time of the import would give other bytes
/// each time.
fn saved_at(file: &Path) -> String {
    let modified = std::fs::metadata(file).and_then(|facts| facts.modified()).ok();
    let modified = modified.and_then(|time| jiff::Timestamp::try_from(time).ok());
    modified.map_or_else(String::new, |time| format!("{time:.0}"))
}

/// The file's name without its extension; `imported` if it has none.
pub(in crate::cli) fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    if stem.is_empty() { "imported".to_owned() } else { stem.into_owned() }
}

/// Reads and imports a file.
pub(in crate::cli) fn read(file: &Path, options: &Options) -> Result<Imported, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, format!("{}: {error}", file.display()));
    let bytes = model::import::read_file(file).map_err(|error| failed(&error))?;
    model::import::import(&bytes, options).map_err(|error| failed(&error))
}

fn print(imported: &Imported, layouts: &str, output: &Path, out: &mut dyn Write) -> std::io::Result<()> {
    let info = imported.draft.info();
    writeln!(out, "format        {}", imported.format)?;
    writeln!(out, "trees         {} ({} nodes)", info.tree_count, info.node_count)?;
    writeln!(out, "layout        {layouts}")?;
    writeln!(out, "features      {}", info.features.len())?;
    if let Some(outputs) = imported.draft.outputs() {
        print_outputs(outputs, out)?;
    }
    for note in &imported.notes {
        writeln!(out, "note          {note}")?;
    }
    writeln!(out, "written       {}", output.display())
}
