//! The flags that say which ticks are learned from or judged by, and their way into a collector.

use clap::Args;
use engine::{
    sim::SimConfig,
    source::{Run, SourceConfig, StopToken},
    tick::EventTime,
};

use super::{
    Exit, Failure,
    progress::{ReplayBar, bar},
};
use crate::{
    config::{Config, values::Speed},
    training::{self, Collector, Latent},
    wiring,
};

/// Recorded ticks or made-up ones.
#[derive(Debug, Args)]
pub(super) struct TickArguments {
    /// Globs of recorded ticks, oldest data first.
    #[arg(long, value_name = "GLOB", num_args = 1.., required_unless_present = "simulate_hours")]
    input: Vec<String>,
    /// Made-up ticks instead: this many hours of the built-in market.
    #[arg(long, value_name = "HOURS", conflicts_with = "input")]
    simulate_hours: Option<u32>,
}

/// What was collected.
pub(super) struct Collected {
    /// In words.
    pub(super) data: String,
    /// What the simulator knew.
    pub(super) latent: Option<Latent>,
}

impl TickArguments {
    /// Runs the ticks through the collector.
    pub(super) fn collect(
        &self,
        collector: &mut Collector,
        config: &Config,
        seed: u64,
    ) -> Result<Collected, Failure> {
        match self.simulate_hours {
            Some(hours) => Ok(simulate(collector, hours, seed)),
            None => replay(collector, &self.input, config)
                .map(|data| Collected { data, latent: None })
                .map_err(|error| Failure::new(Exit::Failed, error.to_string())),
        }
    }
}

fn simulate(collector: &mut Collector, hours: u32, seed: u64) -> Collected {
    let bar = bar(u64::from(hours), "{bar:40} {pos}/{len} simulated hours");
    let market = SimConfig { seed, ..SimConfig::default() };
    let products: Vec<String> = market.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let (ticks, latent) =
        training::simulate(market, hours, collector, |hour| bar.set_position(u64::from(hour)));
    bar.finish_and_clear();
    let data = format!("{hours} simulated hours of {}, seed {seed}, {ticks} ticks", products.join(", "));
    Collected { data, latent: Some(latent) }
}

fn replay(
    collector: &mut Collector,
    globs: &[String],
    config: &Config,
) -> Result<String, engine::source::SourceError> {
    let source = SourceConfig::File(wiring::files(config, globs, Speed::Max));
    source.open()?.run(&mut Run {
        now: EventTime::MIN,
        sink: collector,
        stop: &StopToken::default(),
        progress: &mut ReplayBar::default(),
    })?;
    // Names only: where a file lay on one machine is nobody else's business.
    let names: Vec<&str> = globs.iter().map(|glob| glob.rsplit('/').next().unwrap_or(glob)).collect();
    Ok(format!("{} ticks of {}", collector.metrics.ticks_accepted.get(), names.join(", ")))
}
