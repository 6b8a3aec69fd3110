//! Keys that are accepted for the older service's users, but that nothing reads yet.

use toml::Table;

use super::{
    Config,
    load::{Loaded, Origin, dotted_keys},
    sections::SourceKind,
};

/// Sections without a reader.
const SECTIONS: [&str; 2] = ["coinbase", "mlflow"];
/// Read by its own source only.
const KAFKA: &str = "kafka";

/// The keys without a reader whose value is not the default, and where each was set. A copy of the documented file
/// sets all of them to their defaults and asks for nothing.
pub fn unread(loaded: &Loaded) -> Vec<(String, &Origin)> {
    let table = |config: &Config| Table::try_from(config).expect("a configuration came from such a table");
    let (given, default) = (table(&loaded.config), table(&Config::default()));
    let value = |table: &Table, key: &str| {
        let (section, key) = key.split_once('.')?;
        table.get(section)?.get(key).cloned()
    };
    dotted_keys(&given)
        .into_iter()
        .filter(|key| {
            let section = key.split('.').next().unwrap_or_default();
            SECTIONS.contains(&section)
                || (section == KAFKA && loaded.config.source.kind != SourceKind::Kafka)
        })
        .filter(|key| value(&given, key) != value(&default, key))
        .map(|key| {
            let origin = loaded.origin(&key);
            (key, origin)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[test]
    fn each_set_key_that_nothing_reads_is_named() {
        let environment: &[(&str, &str)] = &[
            ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092"),
            ("KAFKA_TOPIC_RAW", "ticks.raw"),
            ("LOG_LEVEL", "ERROR"),
            ("MLFLOW_TRACKING_URI", "http://mlflow"),
        ];
        let loaded = Layers::default().load(&environment).unwrap();
        let origin = |name: &str| Origin::Variable(name.to_owned());
        let mlflow = ("mlflow.tracking_uri".to_owned(), &origin("MLFLOW_TRACKING_URI"));
        assert_eq!(unread(&loaded), std::slice::from_ref(&mlflow), "Kafka is the source then");
        let flags = vec![("source.kind", "none".to_owned(), "--source")];
        let loaded = Layers { file: None, flags }.load(&environment).unwrap();
        let kafka = ("kafka.bootstrap_servers".to_owned(), &origin("KAFKA_BOOTSTRAP_SERVERS"));
        assert_eq!(unread(&loaded), [kafka, mlflow]);
    }
}
