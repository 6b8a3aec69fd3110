//! Settings that cannot work end the process, which names them.

use super::{tools::stormglass_with, world::World};

#[test]
fn a_setting_that_librdkafka_or_the_broker_refuses_ends_the_process_with_64_and_its_key() {
    let world = World::new("refused");
    for (key, value, named, words) in [
        ("SESSION_TIMEOUT_S", "4000", "kafka.session_timeout_s", "librdkafka refuses it"),
        ("SESSION_TIMEOUT_S", "0.5", "kafka.session_timeout_s", "group.min.session.timeout.ms"),
        ("TRANSACTION_TIMEOUT_S", "1200", "kafka.transaction_timeout_s", "transaction.max.timeout.ms"),
        ("PROPERTIES", "no.such=1", "kafka.properties.no.such", "librdkafka refuses it"),
        ("PROPERTIES", "group.protocol=consumer", "kafka.properties.group.protocol", "session.timeout.ms"),
    ] {
        let key = format!("KAFKA__{key}");
        let engine = world.engine("a", &[(&key, value)]);
        let log = engine.wait_with_log();
        assert_eq!(log.0.code(), Some(64), "{named} = {value}: {:#?}", log.1);
        let last = log.1.iter().rfind(|line| line.starts_with("stormglass: ")).unwrap();
        assert!(last.contains(named) && last.contains(words), "{last}");
    }
}

#[test]
fn doctor_calls_a_setting_wrong_that_would_end_the_process_and_no_other() {
    let world = World::new("refused-doctor");
    let settings = |properties: &str| {
        let said = stormglass_with(
            &world,
            &["doctor", "--json"],
            &[("SERVER__LISTEN", "127.0.0.1:0"), ("KAFKA__PROPERTIES", properties)],
        );
        let found = said.json();
        let found = found.as_array().unwrap().iter().find(|finding| finding["check"] == "kafka settings");
        let text = |key: &str| found.unwrap()[key].as_str().unwrap().to_owned();
        (text("outcome"), text("what"))
    };
    let (outcome, what) = settings("no.such=1");
    assert!(outcome == "failed" && what.contains("kafka.properties.no.such"), "{outcome} {what}");
    let plain = "security.protocol=SASL_PLAINTEXT,sasl.mechanisms=PLAIN,sasl.username=engine,sasl.password=x";
    let (outcome, what) = settings(plain);
    assert_eq!(outcome, "ok", "{what}");
}
