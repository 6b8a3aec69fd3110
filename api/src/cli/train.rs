//! `stormglass train`: a model from recorded or made-up ticks, by the same core that serves.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use model::{
    Model,
    learn::{self, Recipe, TrainOptions},
};

use super::{Exit, Failure, label::LabelArguments, ticks::TickArguments};
use crate::{
    training::{self, runbook::RunbookRows},
    wiring,
};

/// What can be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Variant {
    /// The average of a logistic regression and boosted trees.
    Ml,
    /// Boosted trees alone.
    Gbm,
    /// The logistic regression alone.
    Logistic,
    /// A random forest.
    Forest,
    /// HAR-logit.
    Baseline,
    /// A random forest on the ten features of the system that this one replaces, for its clients.
    RunbookRf,
}

impl Variant {
    /// How it is made.
    pub(super) fn recipe(self) -> Recipe {
        match self {
            Self::Ml => Recipe::Average,
            Self::Gbm => Recipe::Boosted,
            Self::Logistic => Recipe::Logistic,
            Self::Forest | Self::RunbookRf => Recipe::Forest,
            Self::Baseline => Recipe::HarLogit,
        }
    }

    fn default_name(self) -> &'static str {
        match self {
            Self::Ml => "stormglass-default",
            Self::Gbm => "stormglass-gbm",
            Self::Logistic => "stormglass-logistic",
            Self::Forest => "stormglass-forest",
            Self::Baseline => "stormglass-baseline",
            Self::RunbookRf => "runbook-rf",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass train --input 'ticks/*.ndjson.gz' --output mine.sgm
  stormglass train --simulate-hours 72 --output model/shipped/default.sgm
  stormglass train --simulate-hours 72 --variant baseline --output model/shipped/baseline.sgm")]
pub(super) struct Arguments {
    #[command(flatten)]
    label: LabelArguments,
    #[command(flatten)]
    ticks: TickArguments,
    /// The model file to write; its card goes beside it, with the ending .md.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// What to train.
    #[arg(long, value_enum, default_value = "ml")]
    variant: Variant,
    /// The model's name; by default stormglass-default or stormglass-baseline.
    #[arg(long)]
    name: Option<String>,
    /// The model's version.
    #[arg(long, default_value = "1")]
    model_version: String,
    /// Seed of the trainer and of the made-up market.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = arguments.label.load()?;
    let settings = wiring::engine_settings(&config);
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, error.to_string());
    let mut collector = training::collector(settings.state, settings.partition_count);
    let mut runbook = RunbookRows::new(&mut collector);
    let (data, kept) = if arguments.variant == Variant::RunbookRf {
        let data = arguments.ticks.collect(&mut runbook, &config, arguments.seed)?.data;
        (data, Some(runbook.finish()))
    } else {
        (arguments.ticks.collect(&mut collector, &config, arguments.seed)?.data, None)
    };
    let grid = &collector.out;
    if grid.own().next().is_none() {
        let message = format!(
            "{data}: no row can be learned from; a symbol's own threshold takes two hours of its ticks, and only rows \
             after that have a label"
        );
        return Err(Failure::new(Exit::Failed, message));
    }
    let dataset = match &kept {
        Some(kept) => kept.dataset(grid),
        None => training::dataset(grid),
    };
    let dataset = dataset.map_err(|error| failed(&error))?;
    eprintln!("{data}: {} labelled rows of {} symbols", dataset.len(), grid.symbols.len());

    let mut options = TrainOptions {
        name: arguments.name.unwrap_or_else(|| arguments.variant.default_name().to_owned()),
        version: arguments.model_version,
        seed: arguments.seed,
        horizon_s: settings.state.label.horizon_s,
        tau_bp: training::median_tau_bp(grid),
        label_quantile: settings.state.label.quantile,
        provenance: vec![("data".to_owned(), data)],
        ..TrainOptions::default()
    };
    if arguments.variant == Variant::RunbookRf {
        // Ten features carry no more: and it ships inside the binary.
        (options.forest.trees, options.forest.leaves_max) = (100, 32);
    }
    let draft =
        learn::train(&dataset, &options, arguments.variant.recipe()).map_err(|error| failed(&error))?;
    draft.write(&arguments.output).map_err(|error| failed(&error))?;
    let model = Model::open(&arguments.output).map_err(|error| failed(&error))?;
    let card = learn::card(model.info());
    std::fs::write(arguments.output.with_extension("md"), &card).map_err(|error| failed(&error))?;
    println!("{card}");
    Ok(())
}
