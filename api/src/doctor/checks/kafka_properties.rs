//! Are the settings of the clients complete, and is none of them overruled?

use crate::{config::Loaded, doctor::finding::Finding, wiring};

/// Properties that the engine sets itself: exactly once depends on them.
const OWN: &[&str] = &[
    "isolation.level",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.idempotence",
    "group.id",
    "group.instance.id",
    "transactional.id",
    "transaction.timeout.ms",
    "session.timeout.ms",
    "partition.assignment.strategy",
];

pub(super) fn look(loaded: &Loaded) -> Vec<Finding> {
    let kafka = &loaded.config.kafka;
    if kafka.bootstrap_servers.get().is_none() {
        return vec![Finding::skipped("Kafka is not configured")];
    }
    let mut found = Vec::new();
    if let Err(why) = wiring::kafka_settings(&loaded.config) {
        found.push(Finding::failed(why, "set the variable, or mount the file, that the property refers to"));
    }
    for name in OWN.iter().filter(|&&name| kafka.properties.contains_key(name)) {
        found.push(Finding::warning(
            format!("kafka.properties.{name} is set and has no effect: the engine sets it itself"),
            "leave it out; kafka.group, kafka.instance, kafka.session_timeout_s, kafka.transaction_timeout_s, kafka.start and \
             kafka.delivery are what can be chosen",
        ));
    }
    if kafka.properties.contains_key("bootstrap.servers") {
        found.push(Finding::warning(
            "kafka.properties.bootstrap.servers overrules kafka.bootstrap_servers",
            "name the brokers in one place: kafka.bootstrap_servers",
        ));
    }
    let secured = kafka.properties.get("security.protocol");
    let wants_tls = secured.is_some_and(|protocol| !protocol.eq_ignore_ascii_case("plaintext"));
    if wants_tls && !cfg!(feature = "kafka-tls") {
        found.push(Finding::failed(
            "kafka.properties.security.protocol wants TLS or SASL, and this program was built without",
            "build it with the feature kafka-tls",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok(
            "complete; predictions are committed with the offsets, readers read committed",
        ));
    }
    found
}
