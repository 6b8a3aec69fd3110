//! From the configuration to what the engine takes.

use std::time::Duration;

use engine::{
    run::EngineSettings,
    runtime::RuntimeChoice,
    sim::{Faults, SimConfig, SimSymbol},
    source::{SourceConfig, file::FileConfig, pace, simulator::SimulatorConfig},
    state::{LabelSettings, StateSettings},
    symbol::Partition,
};

use crate::config::{
    Config,
    sections::{self, SourceKind},
    values::Speed,
};

/// The venue of records that name none: the original's feed.
pub const DEFAULT_VENUE: &str = "coinbase";

/// How to run the engine.
pub fn engine_settings(config: &Config) -> EngineSettings {
    let engine = &config.engine;
    EngineSettings {
        shards: (engine.shards > 0).then_some(engine.shards),
        fronts: (config.server.front_threads > 0).then_some(config.server.front_threads),
        spin: Duration::from_micros(engine.spin_us),
        runtime: match engine.runtime {
            sections::RuntimeChoice::Auto => RuntimeChoice::Auto,
            sections::RuntimeChoice::Glommio => RuntimeChoice::Glommio,
            sections::RuntimeChoice::Thread => RuntimeChoice::Thread,
        },
        partition_count: engine.partitions,
        pins: engine.pins.iter().map(|pin| (Partition(pin.partition), pin.shard)).collect(),
        state: StateSettings {
            gap_quoted_ns: config.state.gap_quoted_s.nanos(),
            gap_trades_ns: config.state.gap_trades_s.nanos(),
            label: label(config),
        },
    }
}

fn label(config: &Config) -> LabelSettings {
    let label = &config.label;
    LabelSettings {
        horizon_s: label.horizon_s,
        quantile: label.quantile,
        warm_up_s: label.warm_up_s,
        threshold: (label.threshold_bp > 0.0).then_some(label.threshold_bp * 1e-4),
    }
}

/// Where ticks come from.
pub fn source_config(config: &Config) -> SourceConfig {
    match config.source.kind {
        SourceKind::Simulator => SourceConfig::Simulator(simulator(&config.simulator)),
        SourceKind::File => SourceConfig::File(files(config, &config.source.files, config.source.speed)),
        SourceKind::None => SourceConfig::None,
    }
}

/// Recorded ticks under these patterns, with the configured names.
pub fn files(config: &Config, globs: &[String], speed: Speed) -> FileConfig {
    FileConfig {
        globs: globs.to_vec(),
        venue: config.source.venue.get().unwrap_or(DEFAULT_VENUE).to_owned(),
        csv_symbol: config.source.symbol.get().map(str::to_owned),
        speed: engine_speed(speed),
    }
}

fn simulator(section: &sections::Simulator) -> SimulatorConfig {
    let faults = if section.faults { Faults::realistic() } else { Faults::default() };
    SimulatorConfig {
        market: SimConfig {
            seed: section.seed,
            symbols: section.products.iter().map(|product| SimSymbol::named(product)).collect(),
            faults,
            ..SimConfig::default()
        },
        history_s: section.preroll_minutes * 60,
        speed: engine_speed(section.speed),
    }
}

fn engine_speed(speed: Speed) -> pace::Speed {
    match speed {
        Speed::Times(times) => pace::Speed::Times(times),
        Speed::Max => pace::Speed::Max,
    }
}
