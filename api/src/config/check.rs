//! Checks a configuration: each section's own bounds, and the relations between sections.

use engine::{
    limits::{OWNER_NAME_BYTES_MAX, REORDER_MS_MAX},
    settings::{ForeignSymbols, at_most},
};

use super::sections::{Config, SourceKind};

/// Checks bounds and relations.
///
/// # Errors
/// The first violation: a sentence that begins with the key and ends with what to do.
pub fn check(config: &Config) -> Result<(), String> {
    config.server.check()?;
    config.predict.check()?;
    config.quality.window.check()?;
    config.engine.check(None)?;
    config.state.check()?;
    config.label.check()?;
    config.simulator.check()?;
    config.kafka.check()?;
    config.live.check()?;
    config.model.check()?;
    check_advertised_url(config)?;
    check_source(config)
}

fn check_advertised_url(config: &Config) -> Result<(), String> {
    let Some(text) = &config.server.advertised_url else { return Ok(()) };
    let refused = |why: &str| Err(format!("server.advertised_url is {text:?}; {why}"));
    let Ok(url) = text.parse::<hyper::Uri>() else { return refused("write it as \"http://host:port\"") };
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
    match (url.scheme_str(), url.host()) {
        _ if text.len() > OWNER_NAME_BYTES_MAX => refused("it is too long"),
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

fn check_source(config: &Config) -> Result<(), String> {
    at_most("source.reorder_ms", config.source.reorder_ms as usize, REORDER_MS_MAX as usize)?;
    if config.source.schema_registry_url.is_some() && !cfg!(feature = "schema-registry") {
        return Err("source.schema_registry_url is set, but this program was built without the feature \
                    schema-registry; build it with that, or name files by source.schemas"
            .to_owned());
    }
    let why = match config.source.kind {
        SourceKind::File if config.source.files.is_empty() => {
            "source.kind is \"file\" but source.files is empty; name files, or use --source file:GLOB"
        }
        SourceKind::Kafka if !cfg!(feature = "kafka") => {
            "source.kind is \"kafka\", but this program was built without the feature kafka"
        }
        SourceKind::Kafka if !config.kafka.has_brokers() => {
            "source.kind is \"kafka\" but kafka.bootstrap_servers (KAFKA_BOOTSTRAP_SERVERS) is empty; name a broker"
        }
        SourceKind::Live if !cfg!(feature = "live") => {
            "source.kind is \"live\", but this program was built without the feature live"
        }
        SourceKind::Live if config.live.venues.is_empty() => {
            "source.kind is \"live\" but live.venues is empty; name a venue, or use --source coinbase"
        }
        SourceKind::Simulator if config.simulator.products.is_empty() => {
            "source.kind is \"simulator\" but simulator.products is empty; name a product"
        }
        _ => return Ok(()),
    };
    Err(why.to_owned())
}
