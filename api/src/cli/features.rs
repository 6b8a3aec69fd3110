//! `stormglass features`: the engine's rows as a table.

use std::{io::Write, path::PathBuf, sync::Arc};

use clap::Args;
use engine::{
    intake::{ReorderSettings, TickOutcomes},
    offline::Offline,
    source::{Run, file::FileSource, pace::Speed},
    stop::StopToken,
    tick::EventTime,
};

use super::{Exit, Failure, label::LabelArguments, print_failed, progress::ReplayBar};
use crate::{
    export::{RowOrder, TableWriter},
    tick_sum::TickSum,
    wiring,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass features --input 'ticks/*.ndjson.gz' --output rows.parquet
  stormglass features --input trades.csv.gz --output rows.parquet --labels --horizon-s 300
  stormglass features --input trades.csv.gz --output rows.parquet --labels --grid 60s

Columns, units and what the label means are in the file, as JSON under the metadata key stormglass.schema.")]
pub(super) struct Arguments {
    #[command(flatten)]
    label: LabelArguments,
    /// Globs of recorded ticks, oldest data first.
    #[arg(long, value_name = "GLOB", num_args = 1.., required = true)]
    input: Vec<String>,
    /// The parquet file to write.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Add the threshold, the volatility before and after, and whether the spike came.
    #[arg(long)]
    labels: bool,
    /// Time between rows of a symbol: a multiple of 5s.
    #[arg(long, value_name = "SECONDS", default_value = "5s", value_parser = grid_seconds)]
    grid: u32,
}

fn grid_seconds(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    match number.parse::<u32>() {
        Ok(seconds) if seconds > 0 && seconds % 5 == 0 && seconds <= 86_400 => Ok(seconds),
        _ => Err(format!("{text:?} is no grid; give a multiple of 5s, as 5s or 60s")),
    }
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let config = arguments.label.load()?;
    let settings = wiring::engine_settings(&config);
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, error.to_string());
    let label = settings.state.label;
    let mut writer = TableWriter::create(&arguments.output, label, arguments.labels, arguments.grid)
        .map_err(|e| failed(&e))?;

    // If the disk is full, the replay must end.
    let stop = Arc::new(StopToken::default());
    let mut refused = None;
    let order = RowOrder::new(arguments.labels.then_some(label.horizon_s), arguments.grid, |row| {
        if refused.is_none()
            && let Err(error) = writer.push(row)
        {
            refused = Some(error);
            stop.stop();
        }
    });
    let mut offline = Offline::new(settings.state, None, settings.run.partitions, order);
    let source = FileSource::open(&wiring::files(&config, &arguments.input, Speed::Max));
    let source = source.map_err(|e| failed(&e))?;
    let mut bar = ReplayBar::default();
    let reorder = ReorderSettings { bound: config.source.reorder(), by_wall_time: false };
    let (now, progress) = (EventTime::MIN, &mut bar);
    let ended =
        reorder.in_order(&mut offline, |sink| source.run(&mut Run { now, sink, stop: &stop, progress }));
    let outcomes = TickOutcomes::of(&offline.metrics);
    let sum = TickSum { tally: bar.tally(), outcomes: Some(outcomes) };
    drop(bar);
    eprintln!("{sum}");
    offline.out.finish();
    if let Some(error) = refused {
        return Err(failed(&error));
    }
    ended.map_err(|e| failed(&e))?;
    if let Some(failure) = sum.failure().filter(|_| !config.source.allow_empty) {
        return Err(failed(&failure));
    }
    let rows = writer.finish().map_err(|e| failed(&e))?;
    writeln!(out, "{}: {rows} rows from {} ticks", arguments.output.display(), outcomes.accepted)
        .map_err(print_failed)
}
