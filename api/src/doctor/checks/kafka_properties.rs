//! Are the settings of the Kafka clients complete, and is none of them overruled?

use engine::kafka::{Refusal, check_settings};

use crate::{config::Loaded, doctor::finding::Finding, wiring};

/// Properties that the engine sets itself, because exactly-once delivery depends on them.
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

/// What to do about a property that librdkafka refuses.
fn fix(refusal: &Refusal) -> &'static str {
    // Only TLS, SCRAM and Kerberos depend on how librdkafka was built.
    let is_of_the_build = refusal.key.starts_with("kafka.properties.ssl.")
        || matches!(
            refusal.key.as_str(),
            "kafka.properties.security.protocol" | "kafka.properties.sasl.mechanisms"
        );
    if is_of_the_build && !cfg!(feature = "kafka-tls") {
        "this program was built without TLS and SCRAM: build it with the feature kafka-tls, or fix the value"
    } else {
        "fix the value, or leave it out; the process would end with 64"
    }
}

pub(super) fn check(loaded: &Loaded) -> Vec<Finding> {
    let kafka = &loaded.config.kafka;
    if !kafka.has_brokers() {
        return vec![Finding::skipped("Kafka is not configured")];
    }
    let mut found = Vec::new();
    match wiring::kafka_settings(&loaded.config) {
        Err(why) => {
            found.push(Finding::failed(
                why,
                "set the variable, or mount the file, that the property refers to",
            ));
        }
        Ok(settings) => {
            if let Err(refusal) = check_settings(&settings) {
                found.push(Finding::failed(refusal.to_string(), fix(&refusal)));
            }
        }
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
    if found.is_empty() {
        found.push(Finding::ok(
            "complete; predictions are committed with the offsets, readers read committed",
        ));
    }
    found
}
