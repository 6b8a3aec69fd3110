//! From the configuration to what the engine takes.

use std::time::Duration;

#[cfg(feature = "kafka")]
use engine::lane::Emit;
use engine::{
    EngineSettings,
    feedback::FeedbackSettings,
    limits::PARTITIONS_MAX,
    quality::QualitySettings,
    runtime::RuntimeChoice,
    sim::{Faults, SimConfig, SimSymbol},
    source::{SourceConfig, file::FileConfig, pace, simulator::SimulatorConfig},
    state::{LabelSettings, StateSettings},
    symbol::Partition,
    tick::NANOS_PER_SECOND,
};

#[cfg(feature = "kafka")]
use crate::config::values::resolve;
use crate::config::{
    Config,
    sections::{self, SourceKind},
    values::Speed,
};

/// The venue of records that name none: the original's feed.
pub const DEFAULT_VENUE: &str = "coinbase";

/// How to run the engine, but for the model that stands in.
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
        // A topic says itself how many it has, and not before the engine runs.
        partition_count: match config.source.kind {
            SourceKind::Kafka => PARTITIONS_MAX,
            _ => engine.partitions,
        },
        symbols_max: engine.symbols_max,
        pins: engine.pins.iter().map(|pin| (Partition(pin.partition), pin.shard)).collect(),
        state: StateSettings {
            gap_quoted_ns: config.state.gap_quoted_s.nanos(),
            gap_trades_ns: config.state.gap_trades_s.nanos(),
            label: label(config),
            feedback: FeedbackSettings {
                recalibrate: config.quality.recalibrate,
                fallback: config.quality.fallback,
            },
        },
        quality: QualitySettings {
            window_s: config.quality.window_s.nanos() / NANOS_PER_SECOND,
            rows_max: config.quality.rows_max,
        },
        baseline: None,
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
        // The lanes feed the shards themselves.
        SourceKind::Kafka | SourceKind::None => SourceConfig::None,
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

/// The same speed, as a source takes it.
pub(crate) fn engine_speed(speed: Speed) -> pace::Speed {
    match speed {
        Speed::Times(times) => pace::Speed::Times(times),
        Speed::Max => pace::Speed::Max,
    }
}

/// How the Kafka lanes work.
///
/// # Errors
/// When a secret that a property refers to is not there, or the host has no name.
#[cfg(feature = "kafka")]
pub fn kafka_settings(config: &Config) -> Result<engine::kafka::KafkaSettings, String> {
    use engine::kafka::{Delivery, KafkaSettings, Start};
    let kafka = &config.kafka;
    let venue = config.source.venue.get().unwrap_or(DEFAULT_VENUE);
    let instance = match kafka.instance.get() {
        Some(instance) => instance.to_owned(),
        None => host_name().map_err(|error| {
            format!("kafka.instance is not set and the host's name is not known: {error}")
        })?,
    };
    let mut settings =
        KafkaSettings::new(kafka.bootstrap_servers.get().unwrap_or_default(), &instance, venue);
    settings.topic_raw.clone_from(&kafka.topic_raw);
    settings.topic_predictions.clone_from(&kafka.topic_predictions);
    settings.topic_dlq.clone_from(&kafka.topic_dlq);
    settings.topic_snapshots.clone_from(&kafka.topic_snapshots);
    settings.topic_owners.clone_from(&kafka.topic_owners);
    settings.topic_models.clone_from(&kafka.topic_models);
    settings.topic_events.clone_from(&kafka.topic_events);
    settings.group.clone_from(&kafka.group);
    settings.lanes = kafka.lanes;
    settings.partitions = kafka.partitions;
    settings.create_topics = kafka.create_topics;
    settings.start = match kafka.start {
        sections::KafkaStart::Earliest => Start::Earliest,
        sections::KafkaStart::Latest => Start::Latest,
    };
    settings.delivery = match kafka.delivery {
        sections::Delivery::ExactlyOnce => Delivery::ExactlyOnce,
        sections::Delivery::AtLeastOnce => Delivery::AtLeastOnce,
    };
    settings.emit = match kafka.emit {
        sections::Emit::EveryTick => Emit::EveryTick,
        sections::Emit::EverySecond => Emit::EverySecond,
        sections::Emit::Spikes => Emit::Spikes,
    };
    settings.commit_interval = Duration::from_millis(kafka.commit_interval_ms);
    settings.snapshot_interval = kafka.snapshot_interval_s.duration();
    settings.state_directory = kafka.state_directory.get().map(std::path::PathBuf::from);
    settings.session_timeout = kafka.session_timeout_s.duration();
    settings.transaction_timeout = kafka.transaction_timeout_s.duration();
    for (name, value) in &kafka.properties {
        settings.properties.insert(name.clone(), resolve(&format!("kafka.properties.{name}"), value)?);
    }
    Ok(settings)
}

#[cfg(feature = "kafka")]
fn host_name() -> std::io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned())
}

/// Where other instances find the front that listens at `address`: as configured, else by that address if it is a
/// certain one, else by the host's name.
///
/// # Errors
/// When the host's name is needed and not known.
#[cfg(feature = "kafka")]
pub fn advertised_url(config: &Config, address: std::net::SocketAddr) -> Result<String, String> {
    if let Some(url) = config.server.advertised_url.get() {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    if !address.ip().is_unspecified() {
        return Ok(format!("http://{address}"));
    }
    let host = host_name().map_err(|error| {
        format!("server.advertised_url is not set and the host's name is not known: {error}")
    })?;
    Ok(format!("http://{host}:{}", address.port()))
}
