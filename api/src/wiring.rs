//! Converts sections of the configuration to the settings of one part of the engine.

use engine::{
    EngineSettings,
    decode::TradeLineSymbol,
    intake::{RecordFormat, RecordRules},
    limits::PARTITIONS_MAX,
    schemas::{SchemaSettings, Schemas},
    settings::{FormatPin, RunSettings},
    source::{SourceConfig, file::FileConfig, pace::Speed},
    state::StateSettings,
};

use crate::config::{Config, sections::SourceKind};

/// Predictions of a log are exactly its records' in their order: that is how they are recomputed and committed.
const NO_REORDER_OF_A_LOG: &str = "source.reorder_ms is set and source.kind is \"kafka\": predictions follow the order \
    of the log, which is its truth; set it to 0 here, and put the ticks into order where they are written to the topic: \
    `stormglass replay --to kafka` and `stormglass record --to kafka` take source.reorder_ms";

/// Settings of the engine, without the baseline model, which must be opened first.
pub fn engine_settings(config: &Config) -> EngineSettings {
    // A topic defines its number of partitions, which is known only once the engine runs.
    let partitions = match config.source.kind {
        SourceKind::Kafka => PARTITIONS_MAX,
        _ => config.engine.partitions,
    };
    EngineSettings {
        run: RunSettings { partitions, ..config.engine.clone() },
        fronts: config.server.front_threads,
        state: state_settings(config),
        quality: config.quality.window,
        baseline: None,
    }
}

/// The settings that affect the bytes of predictions.
pub fn state_settings(config: &Config) -> StateSettings {
    StateSettings { gaps: config.state, label: config.label, feedback: config.quality.feedback }
}

/// The source of ticks.
///
/// # Errors
/// A sentence, if a secret that a Kafka property refers to is absent, the host has no name, or ticks of a log are to be
/// put into another order.
pub fn source_config(config: &Config) -> Result<SourceConfig, String> {
    Ok(match config.source.kind {
        SourceKind::Simulator => SourceConfig::Simulator(config.simulator.clone()),
        SourceKind::File => SourceConfig::File(files(config, &config.source.files, config.source.speed)),
        SourceKind::Kafka if config.source.reorder_ms > 0 => return Err(NO_REORDER_OF_A_LOG.to_owned()),
        #[cfg(feature = "kafka")]
        SourceKind::Kafka => SourceConfig::Kafka(Box::new(kafka_settings(config)?)),
        // The configuration check has refused this.
        #[cfg(not(feature = "kafka"))]
        SourceKind::Kafka => SourceConfig::None,
        #[cfg(feature = "live")]
        SourceKind::Live => SourceConfig::Live(Box::new(config.live.clone())),
        // Likewise.
        #[cfg(not(feature = "live"))]
        SourceKind::Live => SourceConfig::None,
        SourceKind::None => SourceConfig::None,
    })
}

/// Settings for reading recorded ticks that match these patterns, with the configured names.
pub fn files(config: &Config, globs: &[String], speed: Speed) -> FileConfig {
    FileConfig {
        globs: globs.to_vec(),
        venue: config.source.venue().to_owned(),
        csv_symbol: config.source.symbol.clone(),
        records: config.source.records.clone(),
        speed,
    }
}

/// Settings of the Kafka lanes: the section with the host's name, the rules of records and the secrets filled in.
///
/// # Errors
/// A sentence, if [`record_rules`] has one, a secret that a property refers to is absent, or the host's name is needed and unknown.
#[cfg(feature = "kafka")]
pub fn kafka_settings(config: &Config) -> Result<engine::kafka::KafkaSettings, String> {
    let mut settings = config.kafka.clone();
    settings.records = record_rules(config)?;
    if settings.instance.is_empty() {
        settings.instance = host_name().map_err(|error| {
            format!("kafka.instance is not set and the host's name is not known: {error}")
        })?;
    }
    for (name, value) in &mut settings.properties {
        *value = crate::config::secret::resolve(&format!("kafka.properties.{name}"), value)?;
    }
    Ok(settings)
}

/// How the records of a topic are read.
///
/// # Errors
/// A sentence, if the settings are those of a csv, or the schemas cannot be had.
pub fn record_rules(config: &Config) -> Result<RecordRules, String> {
    let source = &config.source;
    if source.records.format == FormatPin::Csv {
        let hint = "set \"auto\", \"json\" or a shape's name";
        return Err(format!("source.format says csv or parquet, which a topic does not hold; {hint}"));
    }
    let named = |text: &str| {
        TradeLineSymbol::named(text).ok_or_else(|| format!("source.symbol {text:?} is not venue:product"))
    };
    let symbol = source.symbol.as_deref().map(named).transpose()?;
    let format = RecordFormat::of_json(&source.records, symbol.as_ref(), source.venue());
    Ok(RecordRules {
        format: format.map_err(|error| format!("a topic cannot be read so: {error}"))?,
        times: source.records.times(),
        schemas: schemas(config)?,
    })
}

/// The schemas of framed records.
///
/// # Errors
/// A sentence, if files or the secret are absent, or cannot be read.
fn schemas(config: &Config) -> Result<Schemas, String> {
    let source = &config.source;
    let auth = source.schema_registry_auth.resolved("source.schema_registry_auth")?;
    let settings = SchemaSettings {
        files: source.schemas.clone().unwrap_or_default(),
        registry_url: source.schema_registry_url.clone().unwrap_or_default(),
        registry_auth: auth.get().unwrap_or_default().to_owned(),
    };
    Schemas::open(&settings).map_err(|error| error.to_string())
}

fn host_name() -> std::io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned())
}

/// The URL at which other instances find the front that listens at `address`: the configured one, otherwise by that
/// address if it is a specific one, otherwise by the host's name.
///
/// # Errors
/// A sentence, if the host's name is needed and unknown.
pub fn advertised_url(config: &Config, address: std::net::SocketAddr) -> Result<String, String> {
    if let Some(url) = &config.server.advertised_url {
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
