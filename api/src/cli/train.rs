//! `stormglass train`: a model from recorded or made-up ticks, by the same core that serves.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use engine::{
    sim::SimConfig,
    source::{Run, SourceConfig, StopToken},
    tick::EventTime,
};
use model::{
    Model,
    learn::{self, TrainOptions},
};

use super::{
    ConfigArgument, Exit, Failure,
    progress::{ReplayBar, bar},
};
use crate::{
    config::values::Speed,
    training::{self, Collector},
    wiring,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Variant {
    /// The average of a logistic regression and boosted trees.
    Ml,
    /// HAR-logit.
    Baseline,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass train --input 'ticks/*.ndjson.gz' --output mine.sgm
  stormglass train --simulate-hours 72 --output model/shipped/default.sgm
  stormglass train --simulate-hours 72 --variant baseline --output model/shipped/baseline.sgm")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Globs of recorded ticks, oldest data first.
    #[arg(long, value_name = "GLOB", num_args = 1.., required_unless_present = "simulate_hours")]
    input: Vec<String>,
    /// Made-up ticks instead: this many hours of the built-in market.
    #[arg(long, value_name = "HOURS", conflicts_with = "input")]
    simulate_hours: Option<u32>,
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
    let config = arguments.config.load()?.config;
    let settings = wiring::engine_settings(&config);
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, error.to_string());
    let mut collector = training::collector(settings.state, settings.partition_count);
    let data = match arguments.simulate_hours {
        Some(hours) => simulate(&mut collector, hours, arguments.seed),
        None => replay(&mut collector, &arguments.input, &config).map_err(|error| failed(&error))?,
    };
    let grid = &collector.out;
    if grid.own().next().is_none() {
        let message = format!(
            "{data}: no row can be learned from; a symbol's own threshold takes two hours of its ticks, and only rows \
             after that have a label"
        );
        return Err(Failure::new(Exit::Failed, message));
    }
    let dataset = training::dataset(grid).map_err(|error| failed(&error))?;
    eprintln!("{data}: {} labelled rows of {} symbols", dataset.len(), grid.symbols.len());

    let (train, default_name): (fn(&_, &_) -> _, _) = match arguments.variant {
        Variant::Ml => (learn::train_default, "stormglass-default"),
        Variant::Baseline => (learn::train_baseline, "stormglass-baseline"),
    };
    let options = TrainOptions {
        name: arguments.name.unwrap_or_else(|| default_name.to_owned()),
        version: arguments.model_version,
        seed: arguments.seed,
        horizon_s: settings.state.label.horizon_s,
        tau_bp: training::median_tau_bp(grid),
        label_quantile: settings.state.label.quantile,
        provenance: vec![("data".to_owned(), data)],
        ..TrainOptions::default()
    };
    let draft = train(&dataset, &options).map_err(|error| failed(&error))?;
    draft.write(&arguments.output).map_err(|error| failed(&error))?;
    let model = Model::open(&arguments.output).map_err(|error| failed(&error))?;
    let card = learn::card(model.info());
    std::fs::write(arguments.output.with_extension("md"), &card).map_err(|error| failed(&error))?;
    println!("{card}");
    Ok(())
}

fn simulate(collector: &mut Collector, hours: u32, seed: u64) -> String {
    let bar = bar(u64::from(hours), "{bar:40} {pos}/{len} simulated hours");
    let market = SimConfig { seed, ..SimConfig::default() };
    let products: Vec<String> = market.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let ticks = training::simulate(market, hours, collector, |hour| bar.set_position(u64::from(hour)));
    bar.finish_and_clear();
    format!("{hours} simulated hours of {}, seed {seed}, {ticks} ticks", products.join(", "))
}

fn replay(
    collector: &mut Collector,
    globs: &[String],
    config: &crate::config::Config,
) -> Result<String, engine::source::SourceError> {
    let source = SourceConfig::File(wiring::files(config, globs, Speed::Max));
    source.open()?.run(&mut Run {
        now: EventTime::MIN,
        sink: collector,
        stop: &StopToken::default(),
        progress: &mut ReplayBar::default(),
    })?;
    let metrics = &collector.metrics;
    Ok(format!("{} ticks of {}", metrics.ticks_accepted.get(), globs.join(", ")))
}
