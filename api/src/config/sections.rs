//! The configuration keys, by section. Sections of the engine are the engine's own types, see [`engine::settings`].
//!
//! `config/stormglass.toml` gives each key its unit and meaning; a test compares the two. Bounds are in each type's
//! `check`, relations between sections in [`super::check`].

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use engine::{
    feedback::FeedbackSettings,
    limits::SHARDS_MAX,
    quality::QualitySettings,
    settings::{KafkaSettings, LiveSettings, RecordSettings, RunSettings, Seconds, at_most, positive, unset},
    source::{pace::Speed, simulator::SimulatorSettings},
    state::{GapSettings, LabelSettings},
};
use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    pub server: Server,
    pub predict: Predict,
    pub engine: RunSettings,
    pub state: GapSettings,
    pub label: LabelSettings,
    pub source: Source,
    pub simulator: SimulatorSettings,
    pub model: Model,
    pub quality: Quality,
    pub ready: Ready,
    pub log: Log,
    pub kafka: KafkaSettings,
    pub live: LiveSettings,
}

/// `[server]`: the HTTP front and its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// URL of this instance for others, `http://host:port`; by default the host's name, or the address of `listen` if
    /// it is a specific one, with the port.
    #[serde(with = "unset")]
    pub advertised_url: Option<String>,
    /// Token that allows a client to change the model; if empty, nobody may.
    pub admin_token: Secret,
    /// Threads that serve HTTP; `None` (0 in a file) = one for every four CPUs, at least one.
    #[serde(with = "unset")]
    pub front_threads: Option<usize>,
    /// Open connections; further ones are answered 503 and closed.
    pub connections_max: usize,
    /// Bytes of a request body; a longer one is answered 413.
    pub body_max_bytes: usize,
    /// Bytes of all request bodies held at a time; beyond them requests are answered 503 with Retry-After.
    pub bodies_max_bytes: usize,
    /// Time in which a client must send a request's head; it bounds idle keep-alive too.
    pub header_read_timeout_s: Seconds,
    /// Time in which a client must send a request's body; otherwise it is answered 408.
    pub body_timeout_s: Seconds,
    /// Time in which a client must take some of what is sent to it; otherwise its connection is ended.
    pub write_timeout_s: Seconds,
    /// Milliseconds in which the engine must answer; otherwise the request is answered 504.
    pub deadline_ms: u64,
    /// Time after SIGTERM in which /readyz is 503 and requests are still answered, so that balancers notice.
    pub shutdown_grace_s: Seconds,
    /// Time from the signal to the end of the last request, including the grace.
    pub drain_timeout_s: Seconds,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8000)),
            advertised_url: None,
            admin_token: Secret::default(),
            front_threads: None,
            connections_max: 10_000,
            body_max_bytes: 4 << 20,
            bodies_max_bytes: 256 << 20,
            header_read_timeout_s: Seconds::whole(30),
            body_timeout_s: Seconds::whole(10),
            write_timeout_s: Seconds::whole(30),
            deadline_ms: 1_000,
            shutdown_grace_s: Seconds::whole(2),
            drain_timeout_s: Seconds::whole(10),
        }
    }
}

impl Server {
    pub(super) fn check(&self) -> Result<(), String> {
        positive("server.connections_max", self.connections_max as f64)?;
        positive("server.body_max_bytes", self.body_max_bytes as f64)?;
        positive("server.header_read_timeout_s", self.header_read_timeout_s.get())?;
        positive("server.body_timeout_s", self.body_timeout_s.get())?;
        positive("server.write_timeout_s", self.write_timeout_s.get())?;
        positive("server.deadline_ms", self.deadline_ms as f64)?;
        at_most("server.front_threads", self.front_threads.unwrap_or(0), SHARDS_MAX)?;
        if self.bodies_max_bytes < self.body_max_bytes {
            return Err("server.bodies_max_bytes is less than server.body_max_bytes: the longest body would never be \
                        taken; make it larger"
                .to_owned());
        }
        let drain_ms = (self.drain_timeout_s.get() - self.shutdown_grace_s.get()) * 1_000.0;
        if drain_ms < self.deadline_ms as f64 {
            return Err(
                "server.drain_timeout_s is shorter than server.shutdown_grace_s and server.deadline_ms \
                        together: a request in flight at the end would be cut; make it longer"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// The handling of a feature that the model needs and a row lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingPolicy {
    /// The request is answered 422.
    Error,
    /// It is scored as a missing value and named in the answer.
    Nan,
}

/// The handling of a feature that the model does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownPolicy {
    /// The request is answered 422.
    Error,
    /// It is left out.
    Ignore,
}

/// `[predict]`: the handling of requests for predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Predict {
    /// The handling of a feature that the model needs and a row lacks.
    pub missing: MissingPolicy,
    /// The handling of a feature that the model does not know.
    pub unknown: UnknownPolicy,
    /// Most rows, or symbols, of one request.
    pub rows_max: usize,
    /// Most rows, or symbols, of one request with `"explain": true`.
    pub explain_rows_max: usize,
    /// File of the model that answers `{"features"}`, or `runbook-rf`; by default the loaded one.
    #[serde(with = "unset")]
    pub legacy_model: Option<String>,
    /// After this long without a tick an answer from live state is marked "stale".
    pub stale_after_s: Seconds,
}

impl Default for Predict {
    fn default() -> Self {
        Self {
            missing: MissingPolicy::Error,
            unknown: UnknownPolicy::Error,
            rows_max: 1_000,
            explain_rows_max: 100,
            legacy_model: None,
            stale_after_s: Seconds::whole(60),
        }
    }
}

impl Predict {
    pub(super) fn check(&self) -> Result<(), String> {
        positive("predict.rows_max", self.rows_max as f64)?;
        positive("predict.explain_rows_max", self.explain_rows_max as f64)?;
        positive("predict.stale_after_s", self.stale_after_s.get())
    }
}

/// The kind of source that ticks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Simulated prices, marked so in every answer.
    Simulator,
    /// Recorded ticks.
    File,
    /// A Kafka topic.
    Kafka,
    /// Venues' own live feeds.
    Live,
    /// No source: only rows of requests are scored.
    None,
}

impl SourceKind {
    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simulator => "simulator",
            Self::File => "file",
            Self::Kafka => "kafka",
            Self::Live => "live",
            Self::None => "none",
        }
    }
}

/// The default venue of records that name none: that of the original service's feed.
const DEFAULT_VENUE: &str = "coinbase";

/// `[source]`: the source of ticks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// The kind of source; Kafka if this is not set and `kafka.bootstrap_servers` is.
    pub kind: SourceKind,
    /// Globs of recorded ticks, for kind "file".
    pub files: Vec<String>,
    /// The speed at which recorded time passes.
    pub speed: Speed,
    /// Venue of records, and of csv files' names, that name no known one.
    #[serde(with = "unset")]
    pub venue: Option<String>,
    /// `venue:product` of records that do not name it; by default of csv files and tables from their names.
    #[serde(with = "unset")]
    pub symbol: Option<String>,
    /// Folder or glob of the Avro schemas of framed records, each file `ID.avsc`.
    #[serde(with = "unset")]
    pub schemas: Option<String>,
    /// Addresses of a Schema Registry's instances, separated by commas.
    #[serde(with = "unset")]
    pub schema_registry_url: Option<String>,
    /// `USER:PASSWORD` for the registry, or a reference to it.
    pub schema_registry_auth: Secret,
    /// Milliseconds by which a tick may be late in a venue's event time and still be put into order; 0 = none. Not for
    /// Kafka, where the log's order is the truth.
    pub reorder_ms: u64,
    /// Whether commands take records without a single tick for a success.
    pub allow_empty: bool,
    /// How records are read where they do not tell it themselves.
    #[serde(flatten)]
    pub records: RecordSettings,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            kind: SourceKind::Simulator,
            files: Vec::new(),
            speed: Speed::Times(1.0),
            venue: None,
            symbol: None,
            schemas: None,
            schema_registry_url: None,
            schema_registry_auth: Secret::default(),
            reorder_ms: 0,
            allow_empty: false,
            records: RecordSettings::default(),
        }
    }
}

impl Source {
    /// How far ticks may be out of order and still be put into it.
    pub fn reorder(&self) -> Duration {
        Duration::from_millis(self.reorder_ms)
    }

    /// Whether the settings say what records do not tell themselves, so that they would be read otherwise without them.
    pub fn says_how_records_are_read(&self) -> bool {
        self.records != RecordSettings::default() || self.symbol.is_some() || self.venue.is_some()
    }

    /// The venue of records that name none.
    pub fn venue(&self) -> &str {
        self.venue.as_deref().unwrap_or(DEFAULT_VENUE)
    }
}

/// `[model]`: the model that scores, and bounds on changes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// The model file; by default the built-in one.
    #[serde(with = "unset")]
    pub path: Option<String>,
    /// "ml" or "baseline"; by default the variant in the file.
    #[serde(with = "unset")]
    pub variant: Option<String>,
    /// Version that the service's own answers and metrics report; by default the version in the file.
    #[serde(with = "unset")]
    pub version: Option<String>,
    /// Folder of model files that can be activated by name.
    #[serde(with = "unset")]
    pub directory: Option<String>,
    /// File that records activations across restarts; not read with Kafka.
    #[serde(with = "unset")]
    pub record: Option<String>,
    /// Larger model files are mapped in place, smaller ones copied to memory.
    pub map_above_bytes: u64,
    /// Share of the newest rows, 0 to 1, whose call a new model may change; if it changes more, the model is refused.
    pub flip_rate_max: f64,
    /// Largest allowed difference of the two probabilities of such a row, 0 to 1.
    pub score_difference_max: f64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            path: None,
            variant: None,
            version: None,
            directory: None,
            record: None,
            map_above_bytes: crate::model_file::MAP_ABOVE_BYTES,
            flip_rate_max: 0.25,
            score_difference_max: 1.0,
        }
    }
}

impl Model {
    pub(super) fn check(&self) -> Result<(), String> {
        for (key, share) in [
            ("model.flip_rate_max", self.flip_rate_max),
            ("model.score_difference_max", self.score_difference_max),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("{key} is {share}; give from 0 to 1"));
            }
        }
        match self.variant.as_deref() {
            None | Some("ml" | "baseline") => Ok(()),
            Some(other) => {
                Err(format!("model.variant (MODEL_VARIANT) is {other:?}; it is \"ml\" or \"baseline\""))
            }
        }
    }
}

/// `[quality]`: live quality of the answers, and automatic reactions to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// The period of live quality (/quality, metrics, page).
    #[serde(flatten)]
    pub window: QualitySettings,
    /// Ways in which outcomes may change predictions.
    #[serde(flatten)]
    pub feedback: FeedbackSettings,
    /// File of the baseline model that `fallback` uses; by default the built-in one of variant "baseline".
    #[serde(with = "unset")]
    pub fallback_model: Option<String>,
}

/// `[ready]`: readiness for traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ready {
    /// Time after which /readyz no longer waits for the first probability.
    pub warm_wait_s: Seconds,
}

impl Default for Ready {
    fn default() -> Self {
        Self { warm_wait_s: Seconds::whole(20) }
    }
}

/// The lowest level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text at a terminal, else JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// Text for readers at a terminal.
    Text,
}

/// `[log]`: level and format of log lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The lowest level that is logged.
    pub level: LogLevel,
    /// The format of log lines.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Auto }
    }
}
