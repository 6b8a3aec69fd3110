//! What must hold for values and between them.

use std::collections::BTreeMap;

use engine::state::label::HORIZONS_S;

use super::{
    load::ConfigError,
    sections::{Config, ForeignSymbols, SourceKind},
};

/// Beyond this, more processes serve better than more lanes.
const LANES_MAX: usize = 64;
/// A week of made-up history: far more than any window needs.
const PREROLL_MINUTES_MAX: u32 = 7 * 24 * 60;

/// The longest window. A silence that is no gap is walked second by second, in one step.
const GAP_S_MAX: f64 = 1_800.0;

/// Ten million rows are 480 MB.
const QUALITY_ROWS_MAX: usize = 10_000_000;

/// Checks the relations.
///
/// # Errors
/// The first one that does not hold, with its keys and what to do.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let server = &config.server;
    positive("server.connections_max", server.connections_max as f64)?;
    positive("server.body_max_bytes", server.body_max_bytes as f64)?;
    positive("server.header_read_timeout_s", server.header_read_timeout_s.get())?;
    positive("server.body_timeout_s", server.body_timeout_s.get())?;
    positive("server.write_timeout_s", server.write_timeout_s.get())?;
    if server.bodies_max_bytes < server.body_max_bytes {
        return Err(relation(
            "server.bodies_max_bytes is less than server.body_max_bytes: the longest body would never be taken; make it \
             larger",
        ));
    }
    positive("server.deadline_ms", server.deadline_ms as f64)?;
    positive("predict.rows_max", config.predict.rows_max as f64)?;
    positive("predict.explain_rows_max", config.predict.explain_rows_max as f64)?;
    positive("predict.stale_after_s", config.predict.stale_after_s.get())?;
    positive("quality.window_s", config.quality.window_s.get())?;
    at_most("quality.rows_max", config.quality.rows_max, QUALITY_ROWS_MAX)?;
    positive("engine.partitions", f64::from(config.engine.partitions))?;
    positive("state.gap_quoted_s", config.state.gap_quoted_s.get())?;
    at_most("engine.partitions", config.engine.partitions as usize, engine::limits::PARTITIONS_MAX as usize)?;
    positive("engine.symbols_max", config.engine.symbols_max as f64)?;
    at_most("engine.symbols_max", config.engine.symbols_max, engine::limits::SYMBOLS_MAX)?;
    at_most("engine.shards", config.engine.shards, engine::limits::SHARDS_MAX)?;
    at_most("server.front_threads", server.front_threads, engine::limits::SHARDS_MAX)?;
    at_most(
        "simulator.preroll_minutes",
        config.simulator.preroll_minutes as usize,
        PREROLL_MINUTES_MAX as usize,
    )?;
    let drain_ms = (server.drain_timeout_s.get() - server.shutdown_grace_s.get()) * 1_000.0;
    if drain_ms < server.deadline_ms as f64 {
        return Err(relation(
            "server.drain_timeout_s is shorter than server.shutdown_grace_s and server.deadline_ms together: a request \
             in flight at the end would be cut; make it longer",
        ));
    }
    for (key, gap) in
        [("state.gap_quoted_s", config.state.gap_quoted_s), ("state.gap_trades_s", config.state.gap_trades_s)]
    {
        if gap.get() > GAP_S_MAX {
            return Err(relation(&format!(
                "{key} is {}; it is at most {GAP_S_MAX}: no window looks further back",
                gap.get()
            )));
        }
    }
    if config.state.gap_trades_s < config.state.gap_quoted_s {
        return Err(relation(
            "state.gap_trades_s is shorter than state.gap_quoted_s: trades are rarer than quotes; make it longer",
        ));
    }
    for (key, share) in [
        ("model.flip_rate_max", config.model.flip_rate_max),
        ("model.score_difference_max", config.model.score_difference_max),
    ] {
        if !(0.0..=1.0).contains(&share) {
            return Err(relation(&format!("{key} is {share}; give from 0 to 1")));
        }
    }
    check_label(config)?;
    check_kafka(config)?;
    check_advertised_url(config)?;
    check_pins(config)?;
    check_source(config)?;
    match config.model.variant.get() {
        None | Some("ml" | "baseline") => Ok(()),
        Some(other) => Err(relation(&format!(
            "model.variant (MODEL_VARIANT) is {other:?}; it is \"ml\" or \"baseline\""
        ))),
    }
}

fn check_label(config: &Config) -> Result<(), ConfigError> {
    let label = &config.label;
    if !HORIZONS_S.contains(&label.horizon_s) {
        return Err(relation(&format!(
            "label.horizon_s is {}; it is one of {HORIZONS_S:?}",
            label.horizon_s
        )));
    }
    if !(0.5..=0.999).contains(&label.quantile) {
        return Err(relation(&format!("label.quantile is {}; choose it from 0.5 to 0.999", label.quantile)));
    }
    if !(300..=86_400).contains(&label.warm_up_s) {
        let what = "give from 300 s to the 86400 s that the quantile looks back";
        return Err(relation(&format!("label.warm_up_s is {}; {what}", label.warm_up_s)));
    }
    if !(0.0..=1e4).contains(&label.threshold_bp) {
        let what = "give basis points per square-root second up to 10000, or 0 for the quantile";
        return Err(relation(&format!("label.threshold_bp is {}; {what}", label.threshold_bp)));
    }
    Ok(())
}

fn check_pins(config: &Config) -> Result<(), ConfigError> {
    for pin in &config.engine.pins {
        if pin.partition >= config.engine.partitions {
            return Err(relation(&format!(
                "engine.pins names partition {}, but engine.partitions is {}",
                pin.partition, config.engine.partitions
            )));
        }
        if config.engine.shards != 0 && pin.shard >= config.engine.shards {
            return Err(relation(&format!(
                "engine.pins names shard {}, but engine.shards is {}",
                pin.shard, config.engine.shards
            )));
        }
    }
    Ok(())
}

fn check_kafka(config: &Config) -> Result<(), ConfigError> {
    let kafka = &config.kafka;
    positive("kafka.lanes", kafka.lanes as f64)?;
    at_most("kafka.lanes", kafka.lanes, LANES_MAX)?;
    positive("kafka.partitions", f64::from(kafka.partitions))?;
    at_most("kafka.partitions", kafka.partitions as usize, engine::limits::PARTITIONS_MAX as usize)?;
    positive("kafka.commit_interval_ms", kafka.commit_interval_ms as f64)?;
    positive("kafka.snapshot_interval_s", kafka.snapshot_interval_s.get())?;
    positive("kafka.session_timeout_s", kafka.session_timeout_s.get())?;
    positive("kafka.transaction_timeout_s", kafka.transaction_timeout_s.get())?;
    if kafka.commit_interval_ms as f64 >= kafka.transaction_timeout_s.get() * 500.0 {
        return Err(relation(
            "kafka.commit_interval_ms is more than half of kafka.transaction_timeout_s: the broker would give \
             transactions up; make the timeout longer",
        ));
    }
    for (key, value) in [
        ("topic_raw", &kafka.topic_raw),
        ("topic_predictions", &kafka.topic_predictions),
        ("topic_dlq", &kafka.topic_dlq),
        ("topic_snapshots", &kafka.topic_snapshots),
        ("topic_owners", &kafka.topic_owners),
        ("topic_models", &kafka.topic_models),
        ("topic_events", &kafka.topic_events),
        ("group", &kafka.group),
    ] {
        if value.is_empty() {
            return Err(relation(&format!("kafka.{key} is empty; name it")));
        }
    }
    check_tokens(&kafka.properties)
}

/// Of the ways in which librdkafka gets tokens, a file is the one that is built in.
fn check_tokens(properties: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let is = |name: &str, value: &str| {
        properties.get(name).is_some_and(|given| given.trim().eq_ignore_ascii_case(value))
    };
    if !is("sasl.mechanisms", "OAUTHBEARER") && !is("sasl.mechanism", "OAUTHBEARER") {
        return Ok(());
    }
    if is("sasl.oauthbearer.method", "oidc") {
        return Err(relation(
            "kafka.properties.sasl.oauthbearer.method is \"oidc\", which is not built in; keep a token in a file, and \
             name that in sasl.oauthbearer.config: \"token_file=PATH\"",
        ));
    }
    let config = properties.get("sasl.oauthbearer.config");
    if config.and_then(|config| config.strip_prefix("token_file=")).is_none_or(str::is_empty) {
        return Err(relation(
            "kafka.properties.sasl.mechanisms is OAUTHBEARER, but sasl.oauthbearer.config does not name where the token \
             is; write \"token_file=PATH\"",
        ));
    }
    Ok(())
}

fn check_advertised_url(config: &Config) -> Result<(), ConfigError> {
    let Some(text) = config.server.advertised_url.get() else { return Ok(()) };
    let refused = |why: &str| Err(relation(&format!("server.advertised_url is {text:?}; {why}")));
    let Ok(url) = text.parse::<hyper::Uri>() else { return refused("write it as \"http://host:port\"") };
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
    match (url.scheme_str(), url.host()) {
        _ if text.len() > engine::limits::OWNER_NAME_BYTES_MAX => refused("it is too long"),
        (Some("http"), Some(_)) if is_bare => Ok(()),
        (Some("https"), Some(_)) if is_bare => match config.kafka.foreign_symbols {
            ForeignSymbols::Redirect => Ok(()),
            ForeignSymbols::Forward => refused(
                "instances ask each other without TLS: give an http url, or set kafka.foreign_symbols to \"redirect\"",
            ),
        },
        _ => refused("write it as \"http://host:port\", without a path"),
    }
}

fn check_source(config: &Config) -> Result<(), ConfigError> {
    match config.source.kind {
        SourceKind::File if config.source.files.is_empty() => Err(relation(
            "source.kind is \"file\" but source.files is empty; name files, or use --source file:GLOB",
        )),
        SourceKind::Kafka if !cfg!(feature = "kafka") => {
            Err(relation("source.kind is \"kafka\", but this program was built without the feature kafka"))
        }
        SourceKind::Kafka if config.kafka.bootstrap_servers.get().is_none() => Err(relation(
            "source.kind is \"kafka\" but kafka.bootstrap_servers (KAFKA_BOOTSTRAP_SERVERS) is empty; name a broker",
        )),
        SourceKind::Simulator if config.simulator.products.is_empty() => {
            Err(relation("source.kind is \"simulator\" but simulator.products is empty; name a product"))
        }
        _ => Ok(()),
    }
}

fn positive(key: &'static str, value: f64) -> Result<(), ConfigError> {
    if value > 0.0 { Ok(()) } else { Err(relation(&format!("{key} is {value}; it must be above 0"))) }
}

fn at_most(key: &'static str, value: usize, most: usize) -> Result<(), ConfigError> {
    if value <= most { Ok(()) } else { Err(relation(&format!("{key} is {value}; it is at most {most}"))) }
}

fn relation(message: &str) -> ConfigError {
    ConfigError::Relation(message.to_owned())
}
