//! A running service: real front threads on a free port, one controlled shard behind them.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use api::{
    config::Config,
    http::{App, ModelReport, Server, answer::wall_clock_nanos},
};
use engine::{
    feedback::recalibration::Line,
    handle::EngineHandle,
    limits::CONTROL_QUEUE_CAPACITY,
    metrics::ShardMetrics,
    prediction::{Prediction, Scored, StateFrom, Status, TauSource, WarmingReason},
    route::RouteTable,
    runtime::RuntimeReport,
    symbol::{Offset, Partition, SymbolKey, SymbolTable, default_partition},
    tick::EventTime,
    volatility::Forecast,
};
use model::{
    Model, ModelInfo,
    draft::{MemberDraft, ModelDraft},
    linear::{LinearDraft, LinearTerm},
    schema::FeatureName,
};

use super::{
    client::{Answer, Connection},
    shard::Shard,
};

pub(crate) const PARTITIONS: u32 = 8;
/// Probability of coinbase:BTC-USD in the fixed state.
pub(crate) const BTC_PROBABILITY: f64 = 0.75;

/// A model of three features, small enough to know by heart.
pub(crate) fn model() -> Arc<Model> {
    Arc::new(Model::from_bytes(&model_bytes("tiny", "7")).unwrap())
}

pub(crate) fn model_bytes(name: &str, version: &str) -> Vec<u8> {
    let features =
        vec![FeatureName::new("alpha", 1), FeatureName::new("beta", 2), FeatureName::new("gamma", 0)];
    let info = ModelInfo { horizon_s: 60, tau_bp: 0.4, ..ModelInfo::new(name, version, "ml", features) };
    let term = |coefficient| LinearTerm {
        coefficient,
        low: -10.0,
        high: 10.0,
        imputed: 0.0,
        missing_coefficient: 0.25,
    };
    let linear = LinearDraft { terms: vec![term(1.0), term(-2.0), term(0.5)], intercept: 0.1 };
    ModelDraft::new(info, vec![(1.0, MemberDraft::Linear(linear))]).unwrap().to_bytes().unwrap()
}

/// The parts of a service that a test may vary.
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) model: Option<Arc<Model>>,
    pub(crate) legacy_model: Option<Arc<Model>>,
    pub(crate) control_capacity: usize,
    /// How old the state is.
    pub(crate) age_ms: i64,
}

impl Default for Setup {
    fn default() -> Self {
        let mut config = Config::default();
        config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // Far beyond what a loaded machine needs; tests of deadlines set their own.
        config.server.deadline_ms = 15_000;
        Self {
            config,
            model: Some(model()),
            legacy_model: None,
            control_capacity: CONTROL_QUEUE_CAPACITY,
            age_ms: 0,
        }
    }
}

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) app: Arc<App>,
    pub(crate) shard: Shard,
    pub(crate) shards_alive: Arc<AtomicUsize>,
    server: Option<Server>,
}

impl Service {
    /// One as users have it.
    pub(crate) fn plain() -> Self {
        Self::start(Setup::default())
    }

    /// One with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut setup = Setup::default();
        change(&mut setup.config);
        Self::start(setup)
    }

    pub(crate) fn start(setup: Setup) -> Self {
        let symbols = Arc::new(SymbolTable::default());
        let routes = Arc::new(RouteTable::new(PARTITIONS, 1, &[]));
        let info = setup.model.as_ref().map(|m| Arc::new(m.info().clone()));
        let mut state = HashMap::new();
        for (venue, product, status) in [
            ("coinbase", "BTC-USD", Status::Ok { probability: BTC_PROBABILITY }),
            ("coinbase", "ETH-USD", Status::Ok { probability: 0.25 }),
            ("kraken", "ETH-USD", Status::Ok { probability: 0.125 }),
            ("simulator", "SOL-USD", Status::Warming(WarmingReason::Coverage60)),
        ] {
            let symbol = symbols.intern(venue, product).unwrap();
            let partition = default_partition(&symbol.name, PARTITIONS);
            routes.learn(symbol.id, partition);
            let key = SymbolKey { partition, symbol: symbol.id };
            state.insert(key, prediction(symbol, partition, status, info.clone(), setup.age_ms));
        }
        let metrics = Arc::new(ShardMetrics::default());
        let shard = Shard::start(setup.control_capacity, state, &metrics);
        let runtime = RuntimeReport { name: "thread", reason: "a test".to_owned(), shard_cpus: vec![None] };
        let mailboxes = Arc::from([shard.mailbox.clone()]);
        let handle = EngineHandle::with_shards(mailboxes, vec![metrics], symbols, routes, runtime);
        handle.model.store(setup.model);
        let shards_alive = Arc::new(AtomicUsize::new(1));
        let alive = shards_alive.clone();
        let alive = Box::new(move || alive.load(Ordering::Relaxed));
        let app = App::new(handle, setup.config, ModelReport::default(), setup.legacy_model, alive);
        let server = Server::start(app.clone(), &[None]).unwrap();
        Self { address: server.address(), app, shard, shards_alive, server: Some(server) }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.connect().get(path)
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.connect().post(path, body.as_bytes())
    }

    /// That prediction as a shard's answer.
    pub(crate) fn answer(&self, name: &str, probability: f64) -> Arc<engine::message::Answer> {
        Arc::new(engine::message::Answer::new(self.prediction(name, probability)))
    }

    /// The newest prediction of a symbol, as the shard would post it.
    pub(crate) fn prediction(&self, name: &str, probability: f64) -> Prediction {
        let (symbol, place) = self.app.engine.locate(name).unwrap();
        let info = self.app.engine.model.load_full().map(|m| Arc::new(m.info().clone()));
        prediction(symbol, place.partition, Status::Ok { probability }, info, 0)
    }

    /// Drains and waits; returns the connections that were cut.
    pub(crate) fn stop(&mut self) -> usize {
        self.server.take().map_or(0, Server::stop)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shard.hold.set(false);
        self.stop();
    }
}

fn prediction(
    symbol: Arc<engine::symbol::Symbol>,
    partition: Partition,
    status: Status,
    model: Option<Arc<ModelInfo>>,
    age_ms: i64,
) -> Prediction {
    Prediction {
        symbol,
        scored: Scored {
            model_hash: 0,
            as_of: EventTime::from_nanos(wall_clock_nanos() - age_ms * 1_000_000).unwrap(),
            status,
            tau_bp: 0.5,
            tau_source: TauSource::Own,
            forecast: Some(Forecast { sigma: 0.5e-4, low: 0.25e-4, high: 1e-4 }),
            line: Line::IDENTITY,
            features_hash: 0xfeed,
            offset: 41,
            index: 1,
        },
        model,
        partition,
        origin: Offset(3),
        config_hash: 0xc0ffee,
        state_from: StateFrom::Origin,
    }
}
