//! Live feeds against a local exchange that speaks the venues' documented protocols: the same ticks and bytes as from a
//! file, and every fault handled, counted and recovered from in its time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use engine::{
    bound_model::BoundModel,
    intake::{RecordEvent, TickSink},
    live_report::{ConnectionReport, LiveReport},
    message::Answer,
    offline::Offline,
    settings::{LiveSettings, Seconds},
    shard::{Out, Wanted},
    source::{Run, SourceEnd, live::LiveSource},
    state::StateSettings,
    stop::StopToken,
    symbol::Offset,
    tick::{EventTime, Tick},
};

use self::exchange::{Exchange, until};

mod backfill;
mod day;
mod exchange;
mod faults;
mod recorded;
mod secure;
mod service;
mod venues;

/// Settings of one venue at one address, with times that let a test be short.
fn settings(venue: &str, products: &[&str], exchange: &Exchange) -> LiveSettings {
    let seconds = |seconds| Seconds::new(seconds).unwrap();
    LiveSettings {
        venues: vec![venue.to_owned()],
        products: products.iter().map(|&product| product.to_owned()).collect(),
        urls: BTreeMap::from([(venue.to_owned(), exchange.url())]),
        connect_timeout_s: seconds(5.0),
        subscribe_timeout_s: seconds(2.0),
        silence_s: seconds(0.5),
        reconnect_min_s: seconds(0.02),
        reconnect_max_s: seconds(0.1),
        ..LiveSettings::default()
    }
}

/// What a feed has handed over.
#[derive(Default)]
struct Taken {
    /// Symbol and tick.
    ticks: Vec<(String, Tick)>,
    events: Vec<RecordEvent>,
}

impl Taken {
    fn ids(&self) -> Vec<u64> {
        self.ticks.iter().filter_map(|(_, tick)| tick.trade_id).collect()
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Taken>>);

impl TickSink for Shared {
    fn tick(&mut self, venue: &str, product: &str, _: Offset, _: u32, tick: Tick) {
        self.0.lock().unwrap().ticks.push((format!("{venue}:{product}"), tick));
    }
    fn event(&mut self, _: Offset, event: RecordEvent) {
        self.0.lock().unwrap().events.push(event);
    }
}

/// A feed that runs on a thread of its own.
struct Feed {
    taken: Arc<Mutex<Taken>>,
    report: Arc<LiveReport>,
    stop: StopToken,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    fn start(settings: &LiveSettings) -> Self {
        let source = LiveSource::open(settings).unwrap();
        let (report, stop, shared) = (Arc::<LiveReport>::default(), StopToken::default(), Shared::default());
        let (reported, stopped, taken) = (report.clone(), stop.clone(), shared.0.clone());
        let thread = std::thread::spawn(move || {
            let mut sink = shared;
            let mut run = Run { now: EventTime::MIN, sink: &mut sink, stop: &stopped, progress: &mut () };
            assert_eq!(source.run(&reported, &mut run).unwrap(), SourceEnd::Stopped);
        });
        Self { taken, report, stop, thread: Some(thread) }
    }

    /// Waits until something holds of its first connection.
    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&ConnectionReport) -> bool) {
        until(what, || self.report.connections().first().is_some_and(|connection| holds(connection)));
    }

    #[track_caller]
    fn until_ticks(&self, count: usize) {
        until(&format!("{count} ticks"), || self.taken.lock().unwrap().ticks.len() >= count);
    }

    fn connection(&self) -> Arc<ConnectionReport> {
        self.report.connections()[0].clone()
    }

    /// Stops it and returns what it handed over.
    fn end(mut self) -> Taken {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap();
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Predictions by symbol, in order, as the bytes they are published in.
type Bytes = BTreeMap<String, Vec<String>>;

#[derive(Clone, Default)]
struct Collect(Arc<Mutex<Bytes>>);

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

/// The bytes of the predictions that `run` feeds.
fn predictions(run: impl FnOnce(&mut dyn TickSink)) -> Bytes {
    let bound = Arc::new(BoundModel::new(crate::support::fixtures::small_model()).unwrap());
    let collect = Collect::default();
    let mut offline = Offline::new(StateSettings::default(), Some(bound), 64, collect.clone());
    run(&mut offline);
    offline.flush();
    std::mem::take(&mut collect.0.lock().unwrap())
}
