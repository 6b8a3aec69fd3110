//! `stormglass evaluate`: evaluates predictions on data later than the training.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use engine::{
    bound_model::{BoundModel, Unfit},
    window::GRID_S,
};
use model::{
    ModelInfo,
    learn::{LearnError, TrainOptions, WalkForward},
};

use super::{
    Exit, Failure, label::LabelArguments, print_failed, progress::bar, ticks::TickArguments,
    train::CostArguments, variant::Variant,
};
use crate::{
    evaluate::{Ladder, Report, Rows, Settings, forecast, judge, leakage, report},
    model_file, shipped,
    training::{self, runbook},
    wiring,
};

mod finished;
mod judged;
mod training_span;

use finished::Finished;
use judged::choose;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass evaluate --input 'ticks/*.csv.gz'                     the default recipe, learned anew before each part
  stormglass evaluate --input 'ticks/*.csv.gz' --model mine.sgm    a finished model, on rows after its training
  stormglass evaluate --input 'ticks/*.csv.gz' --scores s.parquet --training-end 2026-04-01T00:00:00Z
  stormglass evaluate --input 'ticks/*.csv.gz' --json report.json --html report.html
  stormglass evaluate --input 'ticks/*.csv.gz' --variant runbook-rf
  stormglass evaluate --simulate-hours 24 --demonstrate-leakage

Rows are split by time, all symbols at the same instants; training rows end a horizon and an embargo before the rows that
they are judged by. There is no random split but the demonstration of what it would claim.")]
pub(super) struct Arguments {
    #[command(flatten)]
    label: LabelArguments,
    #[command(flatten)]
    ticks: TickArguments,
    #[command(flatten)]
    costs: CostArguments,
    /// Judge this model file instead of a recipe.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scores", "variant"])]
    model: Option<PathBuf>,
    /// Judge these scores: a parquet table with symbol, event_time and score or probability.
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "FILE", conflicts_with = "variant")]
    scores: Option<PathBuf>,
    /// End of the training behind the model or the scores, if the file does not give it (RFC 3339). An earlier time
    /// than the file's is refused.
    #[arg(long, value_name = "TIME")]
    training_end: Option<String>,
    /// Least share of the labelled rows after its training that a model, or given scores, must have a score for.
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = share)]
    share_min: f64,
    /// The recipe to judge.
    #[arg(long, value_enum, default_value = "ml")]
    variant: Variant,
    /// Number of folds: parts of the time that are judged one after another.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    folds: u16,
    /// Number of draws of the bootstrap.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    draws: u32,
    /// Seed of trainers, draws and the simulated market.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the report as JSON as well; without a file, or to -, it is printed instead of the tables.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Write the report as an HTML page with plots as well.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also show the result that a random split would claim.
    #[arg(long)]
    demonstrate_leakage: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("{text:?} is no share; give a number from 0 to 1"))
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}

pub(super) fn run(mut arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let config = std::mem::take(&mut arguments.label).load()?;
    let settings = wiring::engine_settings(&config);
    let label = settings.state.label;
    let model = match &arguments.model {
        Some(path) => {
            model_file::open_own(path, config.model.map_above_bytes).map_err(|error| failed(&error))?
        }
        None => {
            shipped::model("baseline").expect("the baseline is shipped").map_err(|error| failed(&error))?
        }
    };
    let info = model.info().clone();
    let bound = BoundModel::new(Arc::new(model)).map_err(|error| cannot_judge(&info, &error))?;
    let mut collector = training::collector_with(settings.state, settings.run.partitions, Arc::new(bound));
    let (collected, kept) =
        arguments.ticks.collect_for(arguments.variant, &mut collector, &config, arguments.seed)?;
    let rows = Rows::new(&collector.out, collected.latent.as_ref())
        .map_err(|error| too_few(&collected.data, &error))?;
    drop(collector);

    let walk = WalkForward {
        folds: usize::from(arguments.folds),
        horizon_s: label.horizon_s,
        ..WalkForward::default()
    };
    let judged = choose(&arguments, &rows, kept.as_ref(), &info, &label, &walk)?;
    let mut options = TrainOptions {
        horizon_s: label.horizon_s,
        label_quantile: label.quantile,
        seed: arguments.seed,
        ..arguments.costs.apply_to(TrainOptions::default())
    };
    arguments.variant.adapt(&mut options);
    let (folds, note) = judged.folds(&walk, &rows).map_err(|error| too_few(&collected.data, &error))?;
    let bar = bar(folds.len() as u64, "{bar:40} {pos}/{len} parts walked over");
    let mut ladder =
        Ladder::build(&rows, &folds, &options, &judged.candidate, |done| bar.set_position(done as u64))
            .map_err(|error| too_few(&collected.data, &error))?;
    bar.finish_and_clear();
    ladder.notes.extend(note);
    let settings = Settings {
        draws: arguments.draws as usize,
        seed: arguments.seed,
        threshold: judged.threshold.unwrap_or_else(|| options.threshold()),
        cost_false_alarm: options.cost_false_alarm,
        cost_missed_spike: options.cost_missed_spike,
        horizon_s: label.horizon_s,
        grid_s: GRID_S as u32,
    };
    let scored = judged.finished.as_ref().map(Finished::scored);
    let judgement = judge::judge(&rows, &ladder, &settings);
    let volatility = forecast::judge_forecasts(&rows, &folds).map_err(|error| failed(&error))?;
    let shown = arguments
        .demonstrate_leakage
        .then(|| leakage::demonstrate(&rows.dataset, &folds, arguments.seed))
        .transpose()
        .map_err(|error| failed(&error))?;
    let mut report = Report::new(
        collected.data,
        &label,
        &rows,
        &folds,
        &ladder,
        &settings,
        scored,
        judgement,
        volatility,
        shown,
    );
    report.ticks = collected.sum;
    write_report(&arguments, &report, out)
}

/// Writes the requested HTML and JSON files, and prints the report.
fn write_report(arguments: &Arguments, report: &Report, out: &mut dyn Write) -> Result<(), Failure> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text)
            .map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", path.display())))
    };
    if let Some(path) = &arguments.html {
        write(path, report::html(report))?;
    }
    let mut printed = report::text(report);
    if let Some(path) = &arguments.json {
        let json = serde_json::to_string_pretty(report).map_err(|error| failed(&error))? + "\n";
        if path.as_os_str() == "-" {
            printed = json;
        } else {
            write(path, json)?;
        }
    }
    out.write_all(printed.as_bytes()).map_err(print_failed)
}

/// The failure for a model whose features are not the engine's: there are no rows to judge it by.
fn cannot_judge(info: &ModelInfo, error: &Unfit) -> Failure {
    let names = info.features.iter().map(|feature| feature.name.as_str());
    if names.eq(runbook::FEATURES) {
        let what = "reads rows of the ten features of the system that this one replaces, which the engine does not \
                    compute; --variant runbook-rf judges its recipe";
        return Failure::new(Exit::Configuration, format!("{} {what}", info.name));
    }
    failed(error)
}

fn too_few(data: &str, error: &LearnError) -> Failure {
    let message = format!(
        "{data}: {error}. A row is judged by when its symbol has a threshold of its own, which takes two hours of its \
         ticks (--warm-up-s shortens that), and parts need rows of both outcomes before them"
    );
    Failure::new(Exit::Failed, message)
}
