//! Feeds: the same ticks give the same bytes, whoever drives the shards; and real ticks are read to the last one.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use engine::{
    Engine, EngineSettings,
    board::Board,
    bound_model::BoundModel,
    intake::{Intake, RecordEvent, TickSink},
    mailbox::Mailbox,
    message::{Answer, Message},
    offline::Offline,
    route::RouteTable,
    runtime::{InlineShard, RuntimeChoice, ShardStep},
    settings::RunSettings,
    shard::{Out, ShardCore, Wanted},
    sim::{Faults, SimConfig, Simulator},
    source::{
        Run, SourceEnd,
        file::{FileConfig, FileSource},
        pace::Speed,
    },
    state::StateSettings,
    stop::StopToken,
    symbol::Offset,
    tick::{EventTime, Tick},
};
use model::Model;

use crate::support::{
    fixtures::small_model, not_run::not_run, process::Process, real_data::real_data, states,
};

mod avro;
mod cases;
mod hostile;
mod order;
mod recording;
mod records;
mod sessions;
mod tables;

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
    fn wanted(&self) -> Wanted {
        Wanted::EveryTick
    }
    fn prediction(&mut self, answer: Arc<Answer>) {
        let prediction = &answer.prediction;
        let bytes = serde_json::to_string(prediction).unwrap();
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
    let source = FileSource::open(&FileConfig {
        globs: vec![path.to_str().unwrap().to_owned()],
        venue: "coinbase".to_owned(),
        csv_symbol: None,
        records: Default::default(),
        speed: Speed::Max,
    });
    let mut recorded = Recorded::default();
    let stop = StopToken::default();
    let mut run = Run { now: EventTime::MIN, sink: &mut recorded, stop: &stop, progress: &mut () };
    assert_eq!(source.unwrap().run(&mut run).unwrap(), SourceEnd::Finished);
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
    fn event(&mut self, _: Offset, event: RecordEvent) {
        self.unreadable += usize::from(matches!(event, RecordEvent::Unreadable(_)));
    }
}

fn offline(ticks: &[Fed], model: &Arc<Model>) -> Bytes {
    let bound = Arc::new(BoundModel::new(model.clone()).unwrap());
    let collect = Collect::default();
    let mut offline = Offline::new(StateSettings::default(), Some(bound), 64, collect.clone());
    feed(&mut offline, ticks, 0);
    collect.taken()
}

fn live(ticks: &[Fed], model: &Arc<Model>, shards: usize, runtime: RuntimeChoice) -> Bytes {
    let run = RunSettings { shards: Some(shards), runtime, ..RunSettings::default() };
    let settings = EngineSettings { run, ..EngineSettings::default() };
    let collect = Collect::default();
    let out = collect.clone();
    let engine =
        Engine::start_with(&settings, Some(model.clone()), Arc::new(Board::default()), move |_| out.clone())
            .unwrap();
    assert_eq!(engine.handle().mailboxes.len(), shards);
    feed(&mut engine.intake(), ticks, 0);
    engine.stop();
    collect.taken()
}

/// The runtimes that this machine allows: without io_uring, plain threads only.
fn runtimes() -> Vec<RuntimeChoice> {
    match engine::sys::probe_uring() {
        Ok(()) => vec![RuntimeChoice::Glommio, RuntimeChoice::Thread],
        Err(cause) => {
            not_run(&format!("no glommio: {cause}"));
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
    let mut intake = Intake::new(Arc::default(), routes, mailboxes, Arc::default(), StopToken::default());
    for (chunk, part) in ticks.chunks(64).enumerate() {
        feed(&mut intake, part, chunk * 64);
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

/// One life after another, each on other shards and another runtime, from the snapshots of the one before; as many as
/// there are splits, and one.
fn restarted_live(ticks: &[Fed], model: &Arc<Model>, splits: &[usize]) -> Bytes {
    let collect = Collect::default();
    let mut snapshots: Vec<(String, Vec<u8>)> = Vec::new();
    let (mut first, mut runtimes) = (0, runtimes().into_iter().cycle());
    for (life, &end) in splits.iter().chain([&ticks.len()]).enumerate() {
        let (shards, runtime) = ([1, 4, 2][life % 3], runtimes.next().unwrap());
        let run = RunSettings { shards: Some(shards), runtime, ..RunSettings::default() };
        let settings = EngineSettings { run, ..EngineSettings::default() };
        let out = collect.clone();
        let board = Arc::new(Board::default());
        let engine = Engine::start_with(&settings, Some(model.clone()), board, move |_| out.clone()).unwrap();
        for (name, snapshot) in snapshots.drain(..) {
            states::restore(engine.handle(), &name, snapshot).unwrap();
        }
        feed(&mut engine.intake(), &ticks[first..end], first);
        let symbols = engine.handle().symbols.all();
        snapshots =
            symbols.iter().map(|s| (s.name.to_string(), states::snapshot(engine.handle(), s))).collect();
        engine.stop();
        first = end;
    }
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
    // Early, while nothing is warm; around the readiness of tau; and shortly before the end.
    let splits: Vec<usize> = [1, 150, 500, 790, 830, 995].map(|part| ticks.len() * part / 1_000).to_vec();
    let live = restarted_live(ticks, &model, &splits);
    assert_equal(&expected, &live, "after six restarts of live shards from snapshots");
    println!("{count} predictions, {ready} of them ready, the same bytes in {} ways", ways + 2);
}

#[test]
fn simulated_ticks_give_the_same_bytes_in_every_way() {
    hold_all_ways_equal(&simulated());
}

/// Until there are two hours of the symbol's volatilities, a provisional quantile of them defines the event; then its own.
#[test]
fn a_provisional_tau_defines_the_event_until_the_symbols_own_is_ready() {
    let model = small_model();
    for (symbol, predictions) in offline(&simulated(), &model) {
        let predictions: Vec<serde_json::Value> =
            predictions.iter().map(|bytes| serde_json::from_str(bytes).unwrap()).collect();
        let is_own = |p: &serde_json::Value| p["tau_source"] == "own";
        let turn = predictions.iter().position(is_own).expect("tau became ready");
        let (before, after) = predictions.split_at(turn);
        assert!(
            before.len() > 1_000 && after.len() > 1_000,
            "{symbol}: {} and {}",
            before.len(),
            after.len()
        );
        assert!(after.iter().all(is_own), "{symbol}: it turned back");
        let time = |p: &serde_json::Value| {
            p["as_of"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
        };
        let waited_s = time(&after[0]) - time(&before[0]);
        assert!(waited_s >= 7_200, "{symbol}: ready after {waited_s} s");
        let known = before.iter().position(|p| p["tau_bp"].is_f64()).expect("there was a provisional tau");
        let waited_s = time(&before[known]) - time(&before[0]);
        assert!((590..=900).contains(&waited_s), "{symbol}: a provisional tau after {waited_s} s");
        for p in &before[..known] {
            assert_eq!((&p["status"], &p["tau_bp"]), (&"warming".into(), &serde_json::Value::Null), "{p}");
        }
        let told = before[known - 1]["reason"].as_str().unwrap();
        assert_eq!(
            told,
            "the symbol has no threshold yet: it takes 5 more seconds of completed volatilities"
        );
        assert!(before[known..].iter().any(|p| p["status"] == "ok"), "{symbol}: nothing was answered by it");
        // No jump of the event at the turn.
        let tau = |p: &serde_json::Value| p["tau_bp"].as_f64().unwrap();
        let ratio = tau(&before[turn - 1]) / tau(&after[0]);
        assert!((0.9..1.25).contains(&ratio), "{symbol}: tau falls to a {ratio}th at the turn");
    }
}

#[test]
fn the_service_says_whose_tau_it_is() {
    for (preroll_minutes, source) in [("60", "model"), ("150", "own")] {
        let service = Process::serve(&[], |command| {
            command.env("STORMGLASS__SIMULATOR__PREROLL_MINUTES", preroll_minutes);
        });
        let is_ok = |_, body: &str| body.contains(r#""status":"ok""#);
        let (_, body) = service.get_until("/predict/BTC-USD", Duration::from_secs(60), is_ok);
        assert!(body.contains(&format!(r#""tau_source":"{source}""#)), "{preroll_minutes} minutes: {body}");
    }
}

#[test]
fn real_ticks_give_the_same_bytes_in_every_way() {
    let Some(path) = real_data("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    let ticks = recorded(&path);
    assert_eq!(ticks.len(), 30_123);
    hold_all_ways_equal(&ticks);
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
