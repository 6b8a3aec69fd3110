//! Starts and stops the whole engine.

use std::{
    io,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use model::Model;

use crate::{
    board::Board,
    bound_model::BoundModel,
    cpu::{self, CpuPlan, CpuRequest},
    events::EventLog,
    handle::EngineHandle,
    intake::Intake,
    limits::{CONTROL_QUEUE_CAPACITY, RECENT_ROWS_MAX, TICK_QUEUE_CAPACITY},
    mailbox::Mailbox,
    message::{Answer, Message},
    metrics::ShardMetrics,
    quality::QualitySettings,
    route::RouteTable,
    runtime::{RuntimeError, ShardStep, Shards, spawn_shards},
    settings::RunSettings,
    shard::{Out, ShardCore, Wanted},
    state::StateSettings,
    stop::StopToken,
    symbol::SymbolTable,
    sys,
};

/// The settings that the engine is started with.
#[derive(Clone, Debug, Default)]
pub struct EngineSettings {
    /// Shards, their runtime, and how symbols come to them.
    pub run: RunSettings,
    /// Front-end threads to leave CPUs for; `None` = one for every four CPUs.
    pub fronts: Option<usize>,
    /// The settings that change the bytes of predictions.
    pub state: StateSettings,
    /// The period that live quality covers. Its bound on rows is divided among the shards.
    pub quality: QualitySettings,
    /// The model that answers for a symbol while the loaded one does worse, where `state.feedback` asks for it.
    pub baseline: Option<Arc<Model>>,
}

impl EngineSettings {
    /// The defaults with this many shards.
    pub fn with_shards(shards: usize) -> Self {
        Self { run: RunSettings { shards: Some(shards), ..RunSettings::default() }, ..Self::default() }
    }
}

/// The reason why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A count or a pinned CPU is outside its bounds.
    #[error("{0}")]
    Settings(String),
    /// The runtime of the shards did not start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The processors this process may use could not be read.
    #[error("the processors this process may use could not be read: {0}")]
    Affinity(#[from] io::Error),
}

/// A running engine. Dropping it stops it.
pub struct Engine {
    shards: Option<Shards>,
    handle: EngineHandle,
    plan: CpuPlan,
    stop: StopToken,
    sources: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the shards with their live output, the board.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start(settings: &EngineSettings, model: Option<Arc<Model>>) -> Result<Self, StartError> {
        let board = Arc::new(Board::default());
        let shared = board.clone();
        Self::start_with(settings, model, board, move |_| BoardOut { board: shared.clone() })
    }

    /// Starts the shards, each with an output of its own.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start_with<O: Out + 'static>(
        settings: &EngineSettings,
        model: Option<Arc<Model>>,
        board: Arc<Board>,
        out: impl Fn(usize) -> O + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let allowed = sys::allowed_cpus()?;
        let run = &settings.run;
        let spin = Duration::from_micros(run.spin_us);
        let asked = CpuRequest { shards: run.shards, fronts: settings.fronts, spin };
        let plan = cpu::plan(&allowed, sys::cpu_quota(), &asked);
        let shard_count = plan.shard_cpus.len();
        run.check(Some(shard_count)).map_err(StartError::Settings)?;

        let bound = bind(model.as_ref());
        let shard_metrics: Vec<Arc<ShardMetrics>> = (0..shard_count).map(|_| Arc::default()).collect();
        let mailboxes: Arc<[Arc<Mailbox<Message>>]> = (0..shard_count)
            .map(|_| Arc::new(Mailbox::new(CONTROL_QUEUE_CAPACITY, TICK_QUEUE_CAPACITY)))
            .collect();
        let (state, metrics) = (settings.state, shard_metrics.clone());
        let baseline = bind(settings.baseline.as_ref());
        let rows_max = settings.quality.rows_max / shard_count;
        let quality = QualitySettings { rows_max, ..settings.quality };
        let recent_rows_max = RECENT_ROWS_MAX / shard_count;
        let events = Arc::new(EventLog::default());
        let noted = events.clone();
        let shards = spawn_shards(&plan, run.runtime, &mailboxes, &shard_metrics, move |shard| {
            let core = ShardCore::new(state, bound.clone(), metrics[shard].clone());
            let core = core.with_quality(quality).with_baseline(baseline.clone()).with_events(noted.clone());
            let core = core.with_recent_rows(recent_rows_max);
            LiveShard { core, out: out(shard) }
        })?;
        let symbols = Arc::new(SymbolTable::with_room_for(run.symbols_max));
        let routes = Arc::new(RouteTable::new(run.partitions, shard_count, &run.pins));
        let runtime = shards.report().clone();
        let handle = EngineHandle {
            model: Arc::new(ArcSwapOption::new(model)),
            liveness: Some(shards.liveness()),
            board,
            events,
            ..EngineHandle::with_shards(mailboxes, shard_metrics, symbols, routes, runtime)
        };
        let (stop, sources) = (StopToken::default(), Mutex::default());
        Ok(Self { shards: Some(shards), handle, plan, stop, sources })
    }

    /// The handle through which a front end asks the engine.
    pub fn handle(&self) -> &EngineHandle {
        &self.handle
    }

    /// The CPU of each thread.
    pub fn plan(&self) -> &CpuPlan {
        &self.plan
    }

    /// Tells the sources when to end.
    pub fn stop_token(&self) -> StopToken {
        self.stop.clone()
    }

    /// A way to send the ticks of one source to the shards. It stops waiting when the engine stops.
    pub fn intake(&self) -> Intake {
        self.handle.intake(self.stop.clone())
    }

    /// Runs a source on a thread of its own until it ends or the engine stops.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn_source(&self, name: &str, run: impl FnOnce(StopToken) + Send + 'static) -> io::Result<()> {
        let stop = self.stop_token();
        let thread = std::thread::Builder::new().name(format!("source-{name}"));
        let thread = thread.spawn(move || run(stop))?;
        self.sources.lock().expect("no code panics while it holds the list of sources").push(thread);
        Ok(())
    }

    /// Ends the sources, lets the shards process what is in their mailboxes, then ends the shards.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        self.stop.stop();
        let sources = self.sources.get_mut().map(std::mem::take).unwrap_or_default();
        for source in sources {
            if source.join().is_err() {
                tracing::error!("a source's thread panicked");
            }
        }
        if let Some(shards) = self.shards.take()
            && let Err(error) = shards.stop_and_join()
        {
            tracing::error!(%error, "shards did not end well");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Binds the model to the engine's row. A model that reads other features gives `None`: it scores posted rows only.
fn bind(model: Option<&Arc<Model>>) -> Option<Arc<BoundModel>> {
    match BoundModel::new(model?.clone()) {
        Ok(bound) => Some(Arc::new(bound)),
        Err(error) => {
            tracing::warn!(%error, "the model answers rows only");
            None
        }
    }
}

/// A shard with its output, as a runtime drives it.
struct LiveShard<O> {
    core: ShardCore,
    out: O,
}

impl<O: Out + 'static> ShardStep for LiveShard<O> {
    type Message = Message;

    fn step(&mut self, now: Instant, messages: &mut Vec<Message>) {
        self.core.step(now, messages, &mut self.out);
    }

    fn rows_of(message: &Message) -> usize {
        message.rows()
    }
}

/// Posts the newest predictions to the board while somebody watches it.
struct BoardOut {
    board: Arc<Board>,
}

impl Out for BoardOut {
    fn wanted(&self) -> Wanted {
        if self.board.is_watched() { Wanted::NewestOfStep } else { Wanted::Nothing }
    }

    fn prediction(&mut self, answer: Arc<Answer>) {
        self.board.post(answer);
    }
}
