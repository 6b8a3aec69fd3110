//! The environment as a trait, so that tests need not change the process's own.

/// A source of environment variables.
pub trait Environment {
    /// All variables whose name and value are UTF-8.
    fn variables(&self) -> Vec<(String, String)>;
}

/// The process's own environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variables(&self) -> Vec<(String, String)> {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }
}

impl Environment for &[(&str, &str)] {
    fn variables(&self) -> Vec<(String, String)> {
        self.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Prefix of the variables that set a key: `STORMGLASS__SECTION__KEY`.
pub(super) const PREFIX: &str = "STORMGLASS__";

/// The variables of the service that this one replaces, and the keys they set.
pub(super) const OLDER_VARIABLES: &[(&str, &str)] = &[
    ("MODEL_VARIANT", "model.variant"),
    ("MODEL_PATH", "model.path"),
    ("MODEL_VERSION", "model.version"),
    ("LOG_LEVEL", "log.level"),
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka.bootstrap_servers"),
    ("KAFKA_TOPIC_RAW", "kafka.topic_raw"),
    ("KAFKA_TOPIC_PREDICTIONS", "kafka.topic_predictions"),
];

/// Variables of that service that are accepted and ignored, because nothing here corresponds to them.
pub(super) const IGNORED_VARIABLES: &[&str] = &["COINBASE_WS_URL", "MLFLOW_TRACKING_URI"];

/// Converts an older variable's value to the key's. Python's level names are upper case, and two of them differ from
/// ours.
pub(super) fn older_value(key: &str, value: &str) -> String {
    if key != "log.level" {
        return value.to_owned();
    }
    match value.to_ascii_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "critical" | "fatal" => "error".to_owned(),
        other => other.to_owned(),
    }
}
