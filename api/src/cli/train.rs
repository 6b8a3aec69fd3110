//! `stormglass train`: trains a model from recorded or simulated ticks, by the same core that serves.

use std::path::PathBuf;

use clap::Args;
use engine::tick::NANOS_PER_SECOND;
use model::learn::{self, TrainOptions};

use super::{Exit, Failure, label::LabelArguments, ticks::TickArguments, variant::Variant};
use crate::{config::Config, model_file, training, wiring};

/// Costs of false alarms and missed spikes, which determine the threshold of an alarm.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct CostArguments {
    /// Cost of an alarm without a spike, in any unit.
    #[arg(long, value_name = "COST", default_value_t = 1.0, value_parser = cost)]
    cost_false_alarm: f64,
    /// Cost of a spike without an alarm, in the same unit: an alarm is given from the probability
    /// false alarm / (false alarm + missed spike) on.
    #[arg(long, value_name = "COST", default_value_t = 3.0, value_parser = cost)]
    cost_missed_spike: f64,
}

impl CostArguments {
    /// Returns the options with these costs.
    pub(super) fn apply_to(self, options: TrainOptions) -> TrainOptions {
        let Self { cost_false_alarm, cost_missed_spike } = self;
        TrainOptions { cost_false_alarm, cost_missed_spike, ..options }
    }
}

fn cost(text: &str) -> Result<f64, String> {
    let cost = text.parse::<f64>().ok().filter(|cost| cost.is_finite() && *cost > 0.0);
    cost.ok_or_else(|| format!("{text:?} is no cost; give a number above 0"))
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass train --input 'ticks/*.ndjson.gz' --output mine.sgm
  stormglass train --input 'ticks/*.ndjson.gz' --output careful.sgm --cost-missed-spike 9
  stormglass train --simulate-hours 72 --variant baseline --output baseline.sgm

The shipped models are made by model/shipped/make.sh.")]
pub(super) struct Arguments {
    #[command(flatten)]
    label: LabelArguments,
    #[command(flatten)]
    ticks: TickArguments,
    #[command(flatten)]
    costs: CostArguments,
    /// The model file to write; its card goes beside it, with the ending .md.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The kind of model to train.
    #[arg(long, value_enum, default_value = "ml")]
    variant: Variant,
    /// The model's name; by default stormglass-default or stormglass-baseline.
    #[arg(long)]
    name: Option<String>,
    /// The model's version.
    #[arg(long, default_value = "1")]
    model_version: String,
    /// Seed of the trainer and of the simulated market.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = arguments.label.load()?;
    let settings = wiring::engine_settings(&config);
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, error.to_string());
    let mut collector = training::collector(settings.state, settings.run.partitions);
    let (collected, kept) =
        arguments.ticks.collect_for(arguments.variant, &mut collector, &config, arguments.seed)?;
    let data = collected.data;
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

    let names: Vec<String> = grid.symbols.iter().map(|symbol| symbol.name.to_string()).collect();
    let label = settings.state.label;
    let mut options = TrainOptions {
        name: arguments.name.unwrap_or_else(|| arguments.variant.default_name().to_owned()),
        version: arguments.model_version,
        seed: arguments.seed,
        horizon_s: label.horizon_s,
        tau_bp: label.threshold_bp.unwrap_or_else(|| training::median_tau_bp(grid)),
        label_quantile: label.threshold_bp.map_or(label.quantile, |_| 0.0),
        provenance: provenance(data, &config).into_iter().chain(training::spans(&dataset, &names)).collect(),
        ..arguments.costs.apply_to(TrainOptions::default())
    };
    arguments.variant.adapt(&mut options);
    let draft =
        learn::train(&dataset, &options, arguments.variant.recipe()).map_err(|error| failed(&error))?;
    draft.write(&arguments.output).map_err(|error| failed(&error))?;
    let model = model_file::open_own(&arguments.output, config.model.map_above_bytes)
        .map_err(|error| failed(&error))?;
    let card = learn::card(model.info());
    std::fs::write(arguments.output.with_extension("md"), &card).map_err(|error| failed(&error))?;
    println!("{card}");
    Ok(())
}

/// The data and the settings that made the rows. Settings are under the configuration's own keys, so that they can be
/// set again.
fn provenance(data: String, config: &Config) -> Vec<(String, String)> {
    let label = &config.label;
    let threshold = match label.threshold_bp {
        Some(threshold_bp) => ("label.threshold_bp", threshold_bp.to_string()),
        None => ("label.quantile", label.quantile.to_string()),
    };
    let seconds = |nanos: i64| (nanos as f64 / NANOS_PER_SECOND as f64).to_string();
    [
        ("data", data),
        ("label.horizon_s", label.horizon_s.to_string()),
        threshold,
        ("label.warm_up_s", label.warm_up_s.to_string()),
        ("state.gap_quoted_s", seconds(config.state.quoted_ns)),
        ("state.gap_trades_s", seconds(config.state.trades_ns)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}
