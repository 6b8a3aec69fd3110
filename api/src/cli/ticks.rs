//! The flags that choose ticks for training or evaluation, and the code that runs these ticks through a collector.

use clap::Args;
use engine::{
    intake::{ReorderSettings, TickOutcomes, TickSink},
    metrics::ShardMetrics,
    sim::SimConfig,
    source::{Run, file::FileSource, pace::Speed},
    stop::StopToken,
    tick::{EventTime, NANOS_PER_SECOND},
};

use super::{
    Exit, Failure,
    progress::{ReplayBar, bar},
    variant::Variant,
};
use crate::{
    config::Config,
    tick_sum::TickSum,
    training::{
        self, Collector, Latent,
        runbook::{RunbookFeatures, RunbookRows},
    },
    wiring,
};

/// Start of simulated ticks that are used beside recorded ones: 2010-01-01, before any tick that could be recorded.
const SIMULATED_START_S: i64 = 1_262_304_000;
/// A year of the built-in market's three symbols, which fits into memory.
const HOURS_MAX: i64 = 8_784;

/// Recorded ticks, simulated ones, or both.
#[derive(Debug, Args)]
pub(super) struct TickArguments {
    /// Globs of recorded ticks, oldest data first.
    #[arg(long, value_name = "GLOB", num_args = 1.., required_unless_present = "simulate_hours")]
    input: Vec<String>,
    /// Made-up ticks: this many hours of the built-in market. Beside recorded ones, their clock is set long before
    /// those.
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=HOURS_MAX))]
    simulate_hours: Option<u32>,
}

/// The ticks that went through a collector.
pub(super) struct Collected {
    /// A description of the ticks' origin and number.
    pub(super) data: String,
    /// True volatility, if all ticks were simulated.
    pub(super) latent: Option<Latent>,
    /// Summary of the recorded ticks; `None` without any.
    pub(super) sum: Option<TickSum>,
}

impl TickArguments {
    /// Runs the ticks through the sink.
    fn collect(
        &self,
        sink: &mut impl TickSink,
        metrics: &ShardMetrics,
        config: &Config,
        seed: u64,
    ) -> Result<Collected, Failure> {
        let replayed = |sink: &mut _| replay(sink, metrics, &self.input, config);
        let market = SimConfig { seed, ..SimConfig::default() };
        match self.simulate_hours {
            Some(hours) if self.input.is_empty() => Ok(simulate(sink, market, hours)),
            Some(hours) => {
                // The latest rows are held out for calibration and metrics, and simulated ones must not be among them.
                let start =
                    EventTime::from_nanos(SIMULATED_START_S * NANOS_PER_SECOND).unwrap_or(market.start);
                let made_up = simulate(sink, SimConfig { start, ..market }, hours);
                let recorded = replayed(sink)?;
                Ok(Collected { data: format!("{}; {}", made_up.data, recorded.data), ..recorded })
            }
            None => replayed(sink),
        }
    }

    /// Runs the ticks through the collector. For `runbook-rf`, that variant's own features are kept as well.
    pub(super) fn collect_for(
        &self,
        variant: Variant,
        collector: &mut Collector,
        config: &Config,
        seed: u64,
    ) -> Result<(Collected, Option<RunbookFeatures>), Failure> {
        let metrics = collector.metrics.clone();
        if variant != Variant::RunbookRf {
            return Ok((self.collect(collector, &metrics, config, seed)?, None));
        }
        let mut rows = RunbookRows::new(collector);
        let collected = self.collect(&mut rows, &metrics, config, seed)?;
        Ok((collected, Some(rows.finish())))
    }
}

fn simulate(sink: &mut impl TickSink, market: SimConfig, hours: u32) -> Collected {
    let bar = bar(u64::from(hours), "{bar:40} {pos}/{len} simulated hours");
    let seed = market.seed;
    let products: Vec<String> = market.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let (ticks, latent) = training::simulate(market, hours, sink, |hour| bar.set_position(u64::from(hour)));
    bar.finish_and_clear();
    let data = format!("{hours} simulated hours of {}, seed {seed}, {ticks} ticks", products.join(", "));
    Collected { data, latent: Some(latent), sum: None }
}

/// Runs recorded ticks through the sink, and prints their summary. `metrics` are those of the core behind it.
fn replay(
    sink: &mut impl TickSink,
    metrics: &ShardMetrics,
    globs: &[String],
    config: &Config,
) -> Result<Collected, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, error.to_string());
    let before = TickOutcomes::of(metrics);
    let source =
        FileSource::open(&wiring::files(config, globs, Speed::Max)).map_err(|error| failed(&error))?;
    let mut bar = ReplayBar::default();
    let (stop, progress) = (StopToken::default(), &mut bar);
    let reorder = ReorderSettings { bound: config.source.reorder(), by_wall_time: false };
    let ended = reorder
        .in_order(sink, |sink| source.run(&mut Run { now: EventTime::MIN, sink, stop: &stop, progress }));
    let sum = TickSum { tally: bar.tally(), outcomes: Some(TickOutcomes::of(metrics).since(before)) };
    drop(bar);
    eprintln!("{sum}");
    ended.map_err(|error| failed(&error))?;
    if let Some(failure) = sum.failure().filter(|_| !config.source.allow_empty) {
        return Err(failed(&failure));
    }
    // Names without folders, because the model may be given to others.
    let names: Vec<&str> = globs.iter().map(|glob| glob.rsplit('/').next().unwrap_or(glob)).collect();
    Ok(Collected { data: format!("{} of {}", sum.used(), names.join(", ")), latent: None, sum: Some(sum) })
}
