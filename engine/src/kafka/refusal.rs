//! Finds the setting that is refused: librdkafka refuses some when a client is made, a broker some when a client
//! connects.

use std::sync::Arc;

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};

use crate::{
    kafka::{admin, client, settings::KafkaSettings},
    lanes::LaneMetrics,
};

/// Properties of librdkafka that have a key of their own in `[kafka]`, and that key.
const KEYS: [(&str, &str); 6] = [
    ("session.timeout.ms", "kafka.session_timeout_s"),
    ("max.poll.interval.ms", "kafka.session_timeout_s"),
    ("heartbeat.interval.ms", "kafka.session_timeout_s"),
    ("transaction.timeout.ms", "kafka.transaction_timeout_s"),
    ("message.timeout.ms", "kafka.transaction_timeout_s"),
    ("bootstrap.servers", "kafka.bootstrap_servers"),
];

/// A refused setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Refusal {
    /// The configuration key.
    pub key: String,
    /// The text of librdkafka or the broker, with the name of which of them refuses.
    pub reason: String,
}

/// Makes each kind of client that lanes use once and drops it, without waiting for a broker.
///
/// # Errors
/// [`Refusal`] if librdkafka does not accept the settings.
pub fn check_settings(settings: &KafkaSettings) -> Result<(), Refusal> {
    let refused = |error: KafkaError| by_library(settings, &error);
    let metrics = Arc::new(LaneMetrics::default());
    client::consumer(settings, 0, &metrics).map_err(refused)?;
    client::producer(settings, 0, &metrics).map_err(refused)?;
    client::reader(settings).map_err(refused)?;
    admin::admin(settings).map_err(refused)?;
    Ok(())
}

fn by_library(settings: &KafkaSettings, error: &KafkaError) -> Refusal {
    let (property, words) = match error {
        KafkaError::ClientConfig(_, words, property, _) => (Some(property.as_str()), words.clone()),
        KafkaError::ClientCreation(words) => (None, words.clone()),
        other => (None, other.to_string()),
    };
    // If no single property is named, the text names the one that does not work, or those that contradict each other.
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let names = |name: &str| match property {
        Some(property) => property == name,
        None => words.split(|c| !is_of_name(c)).any(|word| word == name),
    };
    let own = settings.properties.keys().find(|name| names(name));
    let own = own.map(|name| format!("kafka.properties.{name}"));
    let key = own.or_else(|| KEYS.iter().find(|(name, _)| names(name)).map(|(_, key)| (*key).to_owned()));
    Refusal {
        key: key.unwrap_or_else(|| "kafka.properties".to_owned()),
        reason: format!("librdkafka refuses it: {words}"),
    }
}

/// The setting that the broker refuses with this error; `None` if the error is about no setting.
pub(super) fn by_broker(settings: &KafkaSettings, error: &KafkaError) -> Option<Refusal> {
    let refusal = |key: &str, reason: String| Some(Refusal { key: key.to_owned(), reason });
    match error.rdkafka_error_code()? {
        RDKafkaErrorCode::InvalidSessionTimeout => refusal(
            "kafka.session_timeout_s",
            format!(
                "the broker refuses {} s (\"{error}\"); choose one within its group.min.session.timeout.ms and \
                 group.max.session.timeout.ms, which are 6 s and 1,800 s unless set",
                settings.session_timeout_s.get()
            ),
        ),
        RDKafkaErrorCode::InvalidTransactionTimeout => refusal(
            "kafka.transaction_timeout_s",
            format!(
                "the broker refuses {} s (\"{error}\"); choose one below its transaction.max.timeout.ms, which is 900 s \
                 unless set",
                settings.transaction_timeout_s.get()
            ),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::settings::Seconds;

    fn refused(change: impl FnOnce(&mut KafkaSettings)) -> Option<Refusal> {
        let mut settings = KafkaSettings::new("127.0.0.1:1", "a", "coinbase");
        change(&mut settings);
        check_settings(&settings).err()
    }

    fn with_property(name: &str, value: &str) -> Option<Refusal> {
        refused(|settings| drop(settings.properties.insert(name.to_owned(), value.to_owned())))
    }

    #[test]
    fn settings_that_a_client_can_have_are_not_refused() {
        assert_eq!(refused(|_| ()), None);
        assert_eq!(refused(|settings| settings.session_timeout_s = Seconds::whole(3_600)), None);
        assert_eq!(refused(|settings| settings.transaction_timeout_s = Seconds::whole(900)), None);
        assert_eq!(refused(|settings| settings.transaction_timeout_s = Seconds::whole(1)), None);
        let sasl = |settings: &mut KafkaSettings| {
            for (name, value) in [
                ("security.protocol", "SASL_PLAINTEXT"),
                ("sasl.mechanisms", "PLAIN"),
                ("sasl.username", "engine"),
                ("sasl.password", "tick tock"),
            ] {
                settings.properties.insert(name.to_owned(), value.to_owned());
            }
        };
        assert_eq!(refused(sasl), None, "this needs no TLS");
    }

    #[test]
    fn what_no_client_can_have_is_refused_by_its_key() {
        let too_long = |settings: &mut KafkaSettings| settings.session_timeout_s = Seconds::whole(4_000);
        for (refusal, key, words) in [
            (refused(too_long), "kafka.session_timeout_s", "session.timeout.ms"),
            (with_property("no.such.thing", "1"), "kafka.properties.no.such.thing", "No such"),
            (with_property("security.protocol", "tls"), "kafka.properties.security.protocol", "tls"),
            (with_property("group.protocol", "consumer"), "kafka.properties.group.protocol", "not supported"),
        ] {
            let refusal = refusal.unwrap_or_else(|| panic!("{key} was taken"));
            assert_eq!(refusal.key, key, "{refusal}");
            assert!(refusal.reason.contains(words), "{refusal}");
        }
    }

    #[cfg(feature = "kafka-tls")]
    #[test]
    fn a_file_that_cannot_be_read_is_told_by_the_property_that_names_it() {
        let refusal = refused(|settings| {
            for (name, value) in [("security.protocol", "ssl"), ("ssl.ca.location", "/nowhere/ca.pem")] {
                settings.properties.insert(name.to_owned(), value.to_owned());
            }
        });
        let refusal = refusal.unwrap();
        assert_eq!(refusal.key, "kafka.properties.ssl.ca.location", "{refusal}");
    }

    #[test]
    fn what_a_broker_refuses_is_told_by_the_key_and_its_bounds() {
        let settings = KafkaSettings::new("127.0.0.1:1", "a", "coinbase");
        let by = |code| by_broker(&settings, &KafkaError::MessageConsumption(code));
        let session = by(RDKafkaErrorCode::InvalidSessionTimeout).unwrap();
        assert_eq!(session.key, "kafka.session_timeout_s");
        assert!(session.reason.contains("refuses 10 s") && session.reason.contains("group.min"), "{session}");
        let transaction = by(RDKafkaErrorCode::InvalidTransactionTimeout).unwrap();
        assert_eq!(transaction.key, "kafka.transaction_timeout_s");
        assert_eq!(by(RDKafkaErrorCode::TopicAuthorizationFailed), None, "not a setting");
    }
}
