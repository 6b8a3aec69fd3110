//! Feeds: the same ticks give the same bytes, whoever drives the shards; and real ticks are read to the last one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use engine::{
    board::Board,
    decode::Unreadable,
    ingest::Ingest,
    mailbox::Mailbox,
    message::Message,
    offline::Offline,
    predict::Prediction,
    route::RouteTable,
    run::{Engine, EngineSettings},
    runtime::{InlineShard, RuntimeChoice, ShardStep},
    shard::{BoundModel, Out, ShardCore},
    sim::{Faults, SimConfig, Simulator},
    source::{Run, SourceConfig, SourceEnd, SourceEvent, StopToken, TickSink, file::FileConfig, pace::Speed},
    state::StateSettings,
    symbol::Offset,
    tick::{EventTime, Tick},
};
use model::Model;

use crate::support::{fixtures::small_model, process::Process};

/// Predictions by symbol, in order, as the bytes they are published in.
type Bytes = BTreeMap<String, Vec<String>>;

/// Keeps every prediction as bytes.
#[derive(Clone, Default)]
struct Collect(Arc<Mutex<Bytes>>);

impl Collect {
    fn taken(&self) -> Bytes {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Out for Collect {
    fn wants_every_tick(&self) -> bool {
        true
    }
    fn prediction(&mut self, prediction: Prediction) {
        let bytes = serde_json::to_string(&prediction).unwrap();
        self.0.lock().unwrap().entry(prediction.symbol.name.to_string()).or_default().push(bytes);
    }
}

/// A named tick in its source's order.
struct Fed {
    venue: &'static str,
    product: String,
    tick: Tick,
}

fn feed(sink: &mut impl TickSink, ticks: &[Fed], first: usize) {
    for (i, fed) in ticks.iter().enumerate() {
        sink.tick(fed.venue, &fed.product, Offset((first + i) as u64), 0, fed.tick);
    }
    sink.flush();
}

/// Two and a half simulated hours of three symbols over a bad feed: past the readiness of tau, with gaps.
fn simulated() -> Vec<Fed> {
    let faults =
        Faults { repeated_share: 0.001, late_share: 0.002, silences_per_hour: 2.0, ..Faults::default() };
    let config = SimConfig { seed: 11, faults, ..SimConfig::default() };
    let products: Vec<String> = config.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let end = config.start.second() + 9_000;
    Simulator::new(config)
        .take_while(|(_, tick)| tick.event_time.second() < end)
        .map(|(symbol, tick)| Fed { venue: "simulator", product: products[symbol].clone(), tick })
        .collect()
}

/// The ticks of a file, as its replay hands them over.
fn recorded(path: &Path) -> Vec<Fed> {
    let source = SourceConfig::File(FileConfig {
        globs: vec![path.to_str().unwrap().to_owned()],
        venue: "coinbase".to_owned(),
        csv_symbol: None,
        speed: Speed::Max,
    });
    let mut recorded = Recorded::default();
    let stop = StopToken::default();
    let mut run = Run { now: EventTime::MIN, sink: &mut recorded, stop: &stop, progress: &mut () };
    assert_eq!(source.open().unwrap().run(&mut run).unwrap(), SourceEnd::Finished);
    assert_eq!(recorded.unreadable, 0);
    recorded.ticks
}

/// Keeps what a source hands over.
#[derive(Default)]
struct Recorded {
    ticks: Vec<Fed>,
    unreadable: usize,
}

impl TickSink for Recorded {
    fn tick(&mut self, venue: &str, product: &str, _: Offset, _: u32, tick: Tick) {
        assert_eq!(venue, "coinbase");
        self.ticks.push(Fed { venue: "coinbase", product: product.to_owned(), tick });
    }
    fn unreadable(&mut self, _: Offset, _: Unreadable, _: &[u8]) {
        self.unreadable += 1;
    }
    fn event(&mut self, _: SourceEvent) {}
    fn flush(&mut self) {}
}

fn offline(ticks: &[Fed], model: &Arc<Model>) -> Bytes {
    let bound = Arc::new(BoundModel::new(model.clone()).unwrap());
    let collect = Collect::default();
    let mut offline = Offline::new(StateSettings::default(), Some(bound), 64, collect.clone());
    feed(&mut offline, ticks, 0);
    collect.taken()
}

fn live(ticks: &[Fed], model: &Arc<Model>, shards: usize, runtime: RuntimeChoice) -> Bytes {
    let settings = EngineSettings { shards: Some(shards), runtime, ..EngineSettings::default() };
    let collect = Collect::default();
    let out = collect.clone();
    let engine =
        Engine::start_with(&settings, Some(model.clone()), Arc::new(Board::default()), move |_| out.clone())
            .unwrap();
    assert_eq!(engine.handle().mailboxes.len(), shards);
    feed(&mut engine.ingest(), ticks, 0);
    engine.stop();
    collect.taken()
}

/// The runtimes that this machine allows; where io_uring is refused that is said, and not allowed in CI.
fn runtimes() -> Vec<RuntimeChoice> {
    match engine::sys::probe_uring() {
        Ok(()) => vec![RuntimeChoice::Glommio, RuntimeChoice::Thread],
        Err(cause) => {
            assert!(std::env::var_os("CI").is_none(), "glommio is required in CI: {cause}");
            println!("not run on glommio: {cause}");
            vec![RuntimeChoice::Thread]
        }
    }
}

/// Batches through a mailbox, served by the caller's own turns.
fn inline(ticks: &[Fed], model: &Arc<Model>) -> Bytes {
    let collect = Collect::default();
    let bound = Arc::new(BoundModel::new(model.clone()).unwrap());
    let core = ShardCore::new(StateSettings::default(), Some(bound), Arc::default());
    let mailbox = Arc::new(Mailbox::new(8, 8));
    let mut shard = InlineShard::new(Core { core, out: collect.clone() }, mailbox.clone());
    let routes = Arc::new(RouteTable::new(64, 1, &[]));
    let mailboxes: Arc<[_]> = Arc::from([mailbox]);
    let mut ingest = Ingest::new(Arc::default(), routes, mailboxes, Arc::default(), StopToken::default());
    for (chunk, part) in ticks.chunks(64).enumerate() {
        feed(&mut ingest, part, chunk * 64);
        shard.run_until_idle(Instant::now());
    }
    collect.taken()
}

/// A core that keeps every prediction.
struct Core {
    core: ShardCore,
    out: Collect,
}

impl ShardStep for Core {
    type Message = Message;
    fn step(&mut self, now: Instant, messages: &mut Vec<Message>) {
        self.core.step(now, messages, &mut self.out);
    }
}

/// The first half, a snapshot of every symbol, a new core that takes them, the second half.
fn restarted(ticks: &[Fed], model: &Arc<Model>) -> Bytes {
    let bound = Arc::new(BoundModel::new(model.clone()).unwrap());
    let collect = Collect::default();
    let (first, second) = ticks.split_at(ticks.len() / 2);
    let mut before = Offline::new(StateSettings::default(), Some(bound.clone()), 64, collect.clone());
    feed(&mut before, first, 0);
    let mut after = Offline::new(StateSettings::default(), Some(bound), 64, collect.clone());
    for key in before.core().keys() {
        let symbol = before.symbols().by_id(key.symbol).unwrap();
        let bytes = before.core().snapshot(key).unwrap();
        after.restore(&symbol.name, &bytes).unwrap();
    }
    feed(&mut after, second, first.len());
    collect.taken()
}

fn assert_equal(expected: &Bytes, got: &Bytes, how: &str) {
    assert_eq!(expected.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>(), "symbols {how}");
    for (symbol, predictions) in expected {
        assert_eq!(predictions.len(), got[symbol].len(), "number of predictions of {symbol} {how}");
        for (i, (a, b)) in predictions.iter().zip(&got[symbol]).enumerate() {
            assert_eq!(a, b, "prediction {i} of {symbol} {how}");
        }
    }
}

fn hold_all_ways_equal(ticks: &[Fed]) {
    let model = small_model();
    let expected = offline(ticks, &model);
    let count: usize = expected.values().map(Vec::len).sum();
    let ready = expected.values().flatten().filter(|bytes| bytes.contains(r#""status":"ok""#)).count();
    assert!(
        ready > count / 2,
        "only {ready} of {count} predictions are ready: the comparison would be hollow"
    );
    let mut ways = 2;
    for shards in [1, 2, 4] {
        for runtime in runtimes() {
            let got = live(ticks, &model, shards, runtime);
            assert_equal(&expected, &got, &format!("with {shards} shards on {runtime:?}"));
            ways += 1;
        }
    }
    assert_equal(&expected, &inline(ticks, &model), "on the inline runtime");
    assert_equal(&expected, &restarted(ticks, &model), "after a restart from snapshots");
    println!("{count} predictions, {ready} of them ready, the same bytes in {} ways", ways + 1);
}

#[test]
fn simulated_ticks_give_the_same_bytes_in_every_way() {
    hold_all_ways_equal(&simulated());
}

#[test]
fn real_ticks_give_the_same_bytes_in_every_way() {
    let Some(path) = real_data("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    let ticks = recorded(&path);
    assert_eq!(ticks.len(), 30_123);
    hold_all_ways_equal(&ticks);
}

/// Where the real ticks are; absent ones are said aloud, and required where CI says so.
pub(crate) fn real_data(file: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("STORMGLASS_DATA_DIR")
        .map(PathBuf::from)
        .into_iter()
        .chain(["../../shared/data"].map(|relative| Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)));
    let found = folders.map(|folder| folder.join(file)).find(|path| path.exists());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "{file} is required in CI and absent: set STORMGLASS_DATA_DIR"
        );
        println!("not run: {file} is absent; set STORMGLASS_DATA_DIR to the folder that holds it");
    }
    found
}

#[test]
fn the_service_takes_two_real_hours_and_serves_both_symbols() {
    let Some(path) = real_data("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    let service =
        Process::serve(&["--source", &format!("file:{}", path.display()), "--speed", "max"], |_| ());
    let taken = |status, body: &str| {
        status == 200 && body.contains("stormglass_ticks_total{outcome=\"accepted\"} 30123\n")
    };
    let (after, metrics) = service.get_until("/metrics", Duration::from_secs(60), taken);
    for nothing in ["late", "repeated", "jump", "unreadable"] {
        assert!(
            metrics.contains(&format!("stormglass_ticks_total{{outcome=\"{nothing}\"}} 0\n")),
            "{nothing}"
        );
    }
    for symbol in ["BTC-USD", "coinbase:ETH-USD"] {
        let (status, body) = service.get(&format!("/predict/{symbol}")).unwrap();
        assert_eq!(status, 200, "{body}");
        let prediction: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(prediction["probability"].is_number(), "{body}");
        assert_eq!(prediction.get("simulated"), None, "{body}");
    }
    println!("30,123 ticks taken {after:?} after the start");
}
