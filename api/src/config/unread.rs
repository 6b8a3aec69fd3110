//! Keys that are accepted for the older service's users, but that nothing reads yet.

use toml::Table;

use super::{
    Config,
    load::{Loaded, Origin, dotted_keys},
};

/// Sections without a reader.
const SECTIONS: [&str; 3] = ["kafka", "coinbase", "mlflow"];

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
        .filter(|key| SECTIONS.iter().any(|section| key.split('.').next() == Some(section)))
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
        ];
        let loaded = Layers::default().load(&environment).unwrap();
        let origin = Origin::Variable("KAFKA_BOOTSTRAP_SERVERS".to_owned());
        assert_eq!(unread(&loaded), [("kafka.bootstrap_servers".to_owned(), &origin)]);
    }
}
