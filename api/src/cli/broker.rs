//! Shared code of the commands that use a broker: its address, a warning about retention, and error reports.

use clap::Args;
use engine::{
    kafka::{KafkaSettings, check_settings, topic_retention},
    recording::LogError,
    tick::{EventTime, NANOS_PER_SECOND},
};

use super::{ConfigArgument, Exit, Failure, ProcessEnvironment, records::RecordArguments};
use crate::{config::Config, http::answer::wall_clock_nanos, wiring};

/// `--config`, `--bootstrap-servers`, and the flags that say how records are read.
#[derive(Debug, Default, Args)]
pub(super) struct BrokerArguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    records: RecordArguments,
    /// The brokers, host:port separated by commas; kafka.bootstrap_servers if left out.
    #[arg(long, value_name = "SERVERS")]
    bootstrap_servers: Option<String>,
}

impl BrokerArguments {
    /// Loads the configuration and the Kafka settings. It is an error if no broker is configured.
    pub(super) fn load(self) -> Result<(Config, KafkaSettings), Failure> {
        let config = self.load_config()?;
        let settings = settings(&config)?;
        Ok((config, settings))
    }

    /// Loads the configuration, which need not name a broker.
    pub(super) fn load_config(self) -> Result<Config, Failure> {
        let mut layers = self.config.layers();
        self.records.lay_over(&mut layers);
        let servers =
            self.bootstrap_servers.map(|servers| ("kafka.bootstrap_servers", servers, "--bootstrap-servers"));
        layers.flags.extend(servers);
        Ok(layers.load(&ProcessEnvironment)?.config)
    }
}

/// The Kafka settings of the configuration. It is an error if it names no broker, or if a setting is refused.
pub(super) fn settings(config: &Config) -> Result<KafkaSettings, Failure> {
    if !config.kafka.has_brokers() {
        let message = "kafka.bootstrap_servers (KAFKA_BOOTSTRAP_SERVERS) is empty; name a broker";
        return Err(Failure::new(Exit::Configuration, message));
    }
    let refused = |message: String| Failure::new(Exit::Configuration, message);
    let settings = wiring::kafka_settings(config).map_err(refused)?;
    check_settings(&settings).map_err(|refusal| refused(refusal.to_string()))?;
    Ok(settings)
}

/// Warns if the topic keeps records for less than the age of the oldest one that was just written to it: the broker
/// will delete such records soon.
pub(super) fn warn_of_retention(settings: &KafkaSettings, topic: &str, oldest: Option<EventTime>) {
    let Some(oldest) = oldest else { return };
    let age_s = (wall_clock_nanos() - oldest.nanos()) / NANOS_PER_SECOND;
    let Some(kept_s) = topic_retention(settings, topic).map(|kept| kept.as_secs()) else { return };
    if u64::try_from(age_s).is_ok_and(|age_s| age_s > kept_s) {
        eprintln!(
            "stormglass: {topic} keeps records for {} hours by their own times (retention.ms), and these begin at {oldest}: \
             the broker will delete them soon; raise retention.ms of the topic",
            kept_s / 3_600
        );
    }
}

pub(super) fn failed(error: &LogError) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}
