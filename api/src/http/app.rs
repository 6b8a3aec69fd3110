//! State shared by all requests: the engine, the configuration, the counters, and the stage of the service's life.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock, atomic::AtomicUsize},
    time::{Duration, Instant},
};

use engine::{
    bound_model::Unfit,
    file_writes::FileWrites,
    handle::EngineHandle,
    lanes::LaneReport,
    runtime::{Liveness, ShardState},
};
use model::{Model, ModelInfo};
use tokio::sync::{Semaphore, watch};

use super::{forward::FORWARDS_MAX, live::Live, quality::LiveQuality, source_report::SourceReport};
use crate::{
    config::Config,
    metrics::ServiceMetrics,
    models::{ModelReport, Models},
};

/// Counts the running shards when it is called.
pub type ShardsAlive = Box<dyn Fn() -> usize + Send + Sync>;

/// State shared by all front threads.
pub struct App {
    /// The engine that requests ask.
    pub engine: EngineHandle,
    /// The configuration in force.
    pub config: Config,
    /// The front's counters.
    pub metrics: ServiceMetrics,
    /// Predictions for watchers.
    pub live: Live,
    /// The model of `{"features"}` requests if it is not the loaded one.
    pub legacy_model: Option<Arc<Model>>,
    /// The versions of the model, and their changes.
    pub models: Models,
    /// The newest report of live quality.
    pub quality: LiveQuality,
    /// The state of the source.
    pub source: Arc<SourceReport>,
    /// The reasons that keep Kafka lanes from working, if any.
    pub lanes: Arc<LaneReport>,
    /// One permit: explanations are computed for one request at a time, off the shards.
    pub(super) explaining: Arc<Semaphore>,
    /// One permit for each question that is being forwarded to another instance.
    pub(super) forwarding: Semaphore,
    /// The front's address, set once it listens.
    pub(super) address: OnceLock<SocketAddr>,
    /// One permit for each open connection.
    pub(super) connections: Arc<Semaphore>,
    /// Connections that are being refused, because there are too many.
    pub(super) refusals: AtomicUsize,
    shards_alive: ShardsAlive,
    started_at: Instant,
    /// The time at which the service was told to end; unset before.
    leaving_since: OnceLock<Instant>,
    draining: watch::Sender<bool>,
}

impl App {
    /// A service over this engine.
    pub fn new(
        engine: EngineHandle,
        config: Config,
        model_report: ModelReport,
        legacy_model: Option<Arc<Model>>,
        shards_alive: ShardsAlive,
    ) -> Arc<Self> {
        let models = Models::new(engine.clone(), &config, model_report);
        Arc::new(Self {
            engine,
            metrics: ServiceMetrics::default(),
            live: Live::default(),
            legacy_model,
            models,
            quality: LiveQuality::default(),
            source: Arc::default(),
            lanes: Arc::default(),
            connections: Arc::new(Semaphore::new(config.server.connections_max.min(Semaphore::MAX_PERMITS))),
            explaining: Arc::new(Semaphore::new(1)),
            forwarding: Semaphore::new(FORWARDS_MAX),
            address: OnceLock::new(),
            refusals: AtomicUsize::new(0),
            shards_alive,
            started_at: Instant::now(),
            leaving_since: OnceLock::new(),
            draining: watch::Sender::new(false),
            config,
        })
    }

    /// Address on which the front listens; `None` before. With port 0 the system chooses the port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    /// Starts the grace period: readiness turns false, and each answer closes its connection, so that clients come back
    /// through their balancer. Requests are still accepted and answered.
    pub fn start_leaving(&self) {
        // Only the first call sets the time.
        let _ = self.leaving_since.set(Instant::now());
    }

    /// Starts to drain: no new request is accepted, and connections end after their present request.
    pub fn start_draining(&self) {
        self.start_leaving();
        self.draining.send_replace(true);
    }

    /// Whether the service is in its grace period or draining.
    pub fn is_leaving(&self) -> bool {
        self.leaving_since.get().is_some()
    }

    /// Whether the service is draining.
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// The remaining part of `server.drain_timeout_s`, which starts with the grace period.
    pub(super) fn drain_time_left(&self) -> Duration {
        let leaving_for = self.leaving_since.get().map_or(Duration::ZERO, Instant::elapsed);
        self.config.server.drain_timeout_s.duration().saturating_sub(leaving_for)
    }

    /// A signal that becomes true when draining begins.
    pub fn drain_signal(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }

    /// Time since the start.
    pub fn uptime(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// Number of running shards.
    pub fn shards_alive(&self) -> usize {
        (self.shards_alive)()
    }

    /// Numbers of the shards whose core panicked. Their symbols are lost to this process until a restart.
    pub fn shards_panicked(&self) -> Vec<usize> {
        let states = self.engine.liveness.as_ref().map(Liveness::states).unwrap_or_default();
        let panicked = |(shard, state)| (state == ShardState::Panicked).then_some(shard);
        states.into_iter().enumerate().filter_map(panicked).collect()
    }

    /// Number of open connections being served.
    pub fn connections_open(&self) -> usize {
        self.config.server.connections_max.saturating_sub(self.connections.available_permits())
    }

    /// The files that the service keeps, by the key that sets their path, and whether they can be written.
    pub fn kept_files(&self) -> [(&'static str, &FileWrites); 2] {
        [
            ("kafka.state_directory", &self.engine.metrics.lanes.state_files),
            ("model.record", &self.models.record_writes),
        ]
    }

    /// The reason why the loaded model scores posted rows only; `None` if it drives the stream, or none is loaded.
    pub fn rows_only(&self) -> Option<String> {
        let unfit = Unfit::of(self.engine.model.load().as_deref()?)?;
        Some(format!("{unfit}; it answers rows"))
    }

    /// The version that answers and metrics report for a model: `MODEL_VERSION` for the configured one if that is set,
    /// otherwise the file's. The field `model` of a prediction names the file, so its bytes are the same wherever it is
    /// served.
    pub fn version_of<'a>(&'a self, info: &'a ModelInfo) -> &'a str {
        let label = self.config.model.version.as_deref().filter(|_| self.models.held().is_labelled(info));
        label.unwrap_or(&info.version)
    }

    /// Deadline of a question that is asked now; after it the request is answered 504.
    pub(super) fn deadline(&self, received_at: Instant) -> Instant {
        received_at + Duration::from_millis(self.config.server.deadline_ms)
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("engine", &self.engine)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Waits until draining begins. (The watch's own guard is dropped at once, so that callers stay `Send`.)
pub(super) async fn draining(signal: &mut watch::Receiver<bool>) {
    let _ = signal.wait_for(|draining| *draining).await;
}
