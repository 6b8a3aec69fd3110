//! The keys, by section. `config/stormglass.toml` gives each its unit and meaning; a test holds the two together.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use serde::{Deserialize, Serialize};

use super::values::{Optional, Pin, Seconds, Secret, Speed};

/// All that can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    pub server: Server,
    pub predict: Predict,
    pub engine: Engine,
    pub state: State,
    pub label: Label,
    pub source: Source,
    pub simulator: Simulator,
    pub model: Model,
    pub quality: Quality,
    pub ready: Ready,
    pub log: Log,
    pub kafka: Kafka,
    pub coinbase: Coinbase,
    pub mlflow: Mlflow,
}

/// `[server]`: the HTTP front and its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Server {
    pub listen: SocketAddr,
    pub advertised_url: Optional,
    pub admin_token: Secret,
    pub front_threads: usize,
    pub connections_max: usize,
    pub body_max_bytes: usize,
    pub bodies_max_bytes: usize,
    pub header_read_timeout_s: Seconds,
    pub body_timeout_s: Seconds,
    pub write_timeout_s: Seconds,
    pub deadline_ms: u64,
    pub shutdown_grace_s: Seconds,
    pub drain_timeout_s: Seconds,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8000)),
            advertised_url: Optional::default(),
            admin_token: Secret::default(),
            front_threads: 0,
            connections_max: 10_000,
            body_max_bytes: 4 << 20,
            bodies_max_bytes: 256 << 20,
            header_read_timeout_s: seconds(30.0),
            body_timeout_s: seconds(10.0),
            write_timeout_s: seconds(30.0),
            deadline_ms: 1_000,
            shutdown_grace_s: seconds(2.0),
            drain_timeout_s: seconds(10.0),
        }
    }
}

/// What to do with a feature that the model needs and a row lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingPolicy {
    /// Answer 422.
    Error,
    /// Score it as a missing value and say which it was.
    Nan,
}

/// What to do with a feature that the model does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownPolicy {
    /// Answer 422.
    Error,
    /// Leave it out.
    Ignore,
}

/// `[predict]`: how requests for predictions are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Predict {
    pub missing: MissingPolicy,
    pub unknown: UnknownPolicy,
    pub rows_max: usize,
    pub explain_rows_max: usize,
    pub legacy_model: Optional,
    pub stale_after_s: Seconds,
}

impl Default for Predict {
    fn default() -> Self {
        Self {
            missing: MissingPolicy::Error,
            unknown: UnknownPolicy::Error,
            rows_max: 1_000,
            explain_rows_max: 100,
            legacy_model: Optional::default(),
            stale_after_s: seconds(60.0),
        }
    }
}

/// Which runtime drives the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeChoice {
    /// glommio where io_uring is allowed, else threads.
    Auto,
    /// glommio or no start.
    Glommio,
    /// Pinned threads.
    Thread,
}

/// `[engine]`: shards and how they run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Engine {
    pub shards: usize,
    pub runtime: RuntimeChoice,
    pub partitions: u32,
    pub symbols_max: usize,
    pub pins: Vec<Pin>,
    pub spin_us: u64,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            shards: 0,
            runtime: RuntimeChoice::Auto,
            partitions: 64,
            symbols_max: engine::limits::SYMBOLS_MAX_DEFAULT,
            pins: Vec::new(),
            spin_us: 0,
        }
    }
}

/// `[state]`: what shapes a symbol's state, and with it every prediction's bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct State {
    pub gap_quoted_s: Seconds,
    pub gap_trades_s: Seconds,
}

impl Default for State {
    fn default() -> Self {
        Self { gap_quoted_s: seconds(10.0), gap_trades_s: seconds(60.0) }
    }
}

/// `[label]`: the event that is predicted. It shapes every prediction's bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Label {
    pub horizon_s: u32,
    pub quantile: f64,
    pub warm_up_s: u32,
    pub threshold_bp: f64,
}

impl Default for Label {
    fn default() -> Self {
        Self { horizon_s: 60, quantile: 0.9, warm_up_s: 7_200, threshold_bp: 0.0 }
    }
}

/// Where ticks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Prices made up, and marked so in every answer.
    Simulator,
    /// Recorded ticks.
    File,
    /// A Kafka topic.
    Kafka,
    /// None: only rows are scored.
    None,
}

impl SourceKind {
    /// As it is written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simulator => "simulator",
            Self::File => "file",
            Self::Kafka => "kafka",
            Self::None => "none",
        }
    }
}

/// `[source]`: where ticks come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Source {
    pub kind: SourceKind,
    pub files: Vec<String>,
    pub speed: Speed,
    pub venue: Optional,
    pub symbol: Optional,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            kind: SourceKind::Simulator,
            files: Vec::new(),
            speed: Speed::Times(1.0),
            venue: Optional::default(),
            symbol: Optional::default(),
        }
    }
}

/// `[simulator]`: the made-up prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Simulator {
    pub seed: u64,
    pub products: Vec<String>,
    pub preroll_minutes: u32,
    pub speed: Speed,
    pub faults: bool,
}

impl Default for Simulator {
    fn default() -> Self {
        Self {
            seed: 1,
            products: ["BTC-USD", "ETH-USD", "SOL-USD"].map(str::to_owned).to_vec(),
            preroll_minutes: 150,
            speed: Speed::Times(1.0),
            faults: false,
        }
    }
}

/// `[model]`: what scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Model {
    pub path: Optional,
    pub variant: Optional,
    pub version: Optional,
    pub directory: Optional,
    pub record: Optional,
    pub map_above_bytes: u64,
    pub flip_rate_max: f64,
    pub score_difference_max: f64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            path: Optional::default(),
            variant: Optional::default(),
            version: Optional::default(),
            directory: Optional::default(),
            record: Optional::default(),
            map_above_bytes: crate::model_file::MAP_ABOVE_BYTES,
            flip_rate_max: 0.25,
            score_difference_max: 1.0,
        }
    }
}

/// `[quality]`: how good the answers turn out to be, and what may be done about it by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Quality {
    pub window_s: Seconds,
    pub rows_max: usize,
    pub recalibrate: bool,
    pub fallback: bool,
    pub fallback_model: Optional,
}

impl Default for Quality {
    fn default() -> Self {
        Self {
            window_s: seconds(86_400.0),
            rows_max: 400_000,
            recalibrate: false,
            fallback: false,
            fallback_model: Optional::default(),
        }
    }
}

/// `[ready]`: when traffic may come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Ready {
    pub warm_wait_s: Seconds,
}

impl Default for Ready {
    fn default() -> Self {
        Self { warm_wait_s: seconds(20.0) }
    }
}

/// The least urgent line that is logged.
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

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text at a terminal, else JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Auto }
    }
}

/// What a committed prediction promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Each prediction once, for readers of committed records.
    ExactlyOnce,
    /// A crash repeats some; the header `src` tells repeats apart.
    AtLeastOnce,
}

/// Which predictions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Emit {
    /// One for each accepted tick.
    #[serde(rename = "every_tick")]
    EveryTick,
    /// The first of each second of a symbol's event time.
    #[serde(rename = "1s")]
    EverySecond,
    /// Those that call a spike.
    #[serde(rename = "spikes")]
    Spikes,
}

/// Where a group without committed offsets begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KafkaStart {
    /// At the oldest record.
    Earliest,
    /// Behind the newest.
    Latest,
}

/// What becomes of a question about a symbol that another instance owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForeignSymbols {
    /// The owner is asked, one hop.
    Forward,
    /// The client is sent to the owner.
    Redirect,
}

/// `[kafka]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Kafka {
    pub bootstrap_servers: Optional,
    pub topic_raw: String,
    pub topic_predictions: String,
    pub topic_dlq: String,
    pub topic_snapshots: String,
    pub topic_owners: String,
    pub topic_models: String,
    pub topic_events: String,
    pub foreign_symbols: ForeignSymbols,
    pub group: String,
    pub instance: Optional,
    pub lanes: usize,
    pub partitions: u32,
    pub create_topics: bool,
    pub start: KafkaStart,
    pub delivery: Delivery,
    pub emit: Emit,
    pub commit_interval_ms: u64,
    pub snapshot_interval_s: Seconds,
    pub state_directory: Optional,
    pub session_timeout_s: Seconds,
    pub transaction_timeout_s: Seconds,
    pub properties: BTreeMap<String, String>,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            bootstrap_servers: Optional::default(),
            topic_raw: "ticks.raw".to_owned(),
            topic_predictions: "predictions".to_owned(),
            topic_dlq: "ticks.dlq".to_owned(),
            topic_snapshots: "engine.snapshots".to_owned(),
            topic_owners: "engine.owners".to_owned(),
            topic_models: "engine.models".to_owned(),
            topic_events: "engine.events".to_owned(),
            foreign_symbols: ForeignSymbols::Forward,
            group: "stormglass".to_owned(),
            instance: Optional::default(),
            lanes: 1,
            partitions: 12,
            create_topics: true,
            start: KafkaStart::Earliest,
            delivery: Delivery::ExactlyOnce,
            emit: Emit::EveryTick,
            commit_interval_ms: 100,
            snapshot_interval_s: seconds(30.0),
            state_directory: Optional::default(),
            session_timeout_s: seconds(10.0),
            transaction_timeout_s: seconds(10.0),
            properties: BTreeMap::new(),
        }
    }
}

/// `[coinbase]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Coinbase {
    pub url: String,
}

impl Default for Coinbase {
    fn default() -> Self {
        Self { url: "wss://advanced-trade-ws.coinbase.com".to_owned() }
    }
}

/// `[mlflow]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Mlflow {
    pub tracking_uri: Optional,
}

fn seconds(value: f64) -> Seconds {
    Seconds::new(value).expect("the built-in defaults are within a year")
}
