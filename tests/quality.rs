//! Quality: how good the answers turned out to be, the volatility forecast, and what outcomes may do to predictions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use api::shipped;
use engine::{
    Engine, EngineSettings,
    board::Board,
    bound_model::BoundModel,
    events::{Event, EventLog},
    feedback::FeedbackSettings,
    grid::Grid,
    intake::TickSink,
    message::{Answer, Control, Message},
    offline::Offline,
    prediction::Prediction,
    quality::{QualityReport, QualitySettings, report::Quality},
    shard::{NoOut, Out, ShardCore, Wanted},
    sim::{SimConfig, Simulator},
    source::{
        Run, SourceEnd,
        file::{FileConfig, FileSource},
        pace::Speed,
    },
    state::{Effect, LabelSettings, StateSettings, outcome::Outcome},
    stop::StopToken,
    symbol::{Offset, Symbol},
    tick::{EventTime, Tick},
    volatility::Forecast,
};
use model::{Model, evaluation};
use serde_json::Value;

use crate::support::{fixtures::small_model_named, process::Process, real_data::real_data};

mod provisional;

const YEAR: QualitySettings = QualitySettings { window_s: 366 * 86_400, rows_max: 10_000_000 };
const BITMEX: &str = "bitmex_XBTUSD_trades_20180101_60h.csv.gz";

/// Ticks of the first `symbols` of the built-in market.
fn simulated(symbols: usize, hours: i64) -> Vec<(String, Tick)> {
    let config = SimConfig {
        seed: 21,
        symbols: SimConfig::default().symbols[..symbols].to_vec(),
        ..SimConfig::default()
    };
    let products: Vec<String> = config.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let end = config.start.second() + hours * 3_600;
    let market = Simulator::new(config).take_while(|(_, tick)| tick.event_time.second() < end);
    market.map(|(symbol, tick)| (products[symbol].clone(), tick)).collect()
}

fn feed(sink: &mut impl TickSink, ticks: &[(String, Tick)], first: usize) {
    for (i, (product, tick)) in ticks.iter().enumerate() {
        sink.tick("simulator", product, Offset((first + i) as u64), 0, *tick);
    }
    sink.flush();
}

fn replay(path: &std::path::Path, sink: &mut impl TickSink) {
    let source = FileSource::open(&FileConfig {
        globs: vec![path.to_str().unwrap().to_owned()],
        venue: "bitmex".to_owned(),
        csv_symbol: None,
        records: Default::default(),
        speed: Speed::Max,
    });
    let stop = StopToken::default();
    let mut run = Run { now: EventTime::MIN, sink, stop: &stop, progress: &mut () };
    assert_eq!(source.unwrap().run(&mut run).unwrap(), SourceEnd::Finished);
}

fn baseline() -> Arc<Model> {
    Arc::new(shipped::model("baseline").unwrap().unwrap())
}

fn bound(model: Arc<Model>) -> Arc<BoundModel> {
    Arc::new(BoundModel::new(model).unwrap())
}

fn report(offline: &mut Offline<impl Out>) -> QualityReport {
    let read = offline.core().quality().read();
    QualityReport::new(&[read], |id| offline.symbols().by_id(id).map(|symbol| symbol.name.clone()))
}

fn assert_close(what: &str, got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-9, "{what}: {got}, the formula says {expected}");
}

/// Holds a report's numbers to the formulas over the grid's rows, which come another way.
fn hold_to_formulas(quality: &Quality, rows: &[&Outcome]) {
    let labels: Vec<bool> = rows.iter().map(|row| row.spike()).collect();
    let scores: Vec<f64> = rows.iter().map(|row| row.pending.probability.unwrap()).collect();
    let trailing: Vec<f64> =
        rows.iter().map(|row| row.pending.trailing.map_or(0.0, |t| t / row.pending.tau)).collect();
    let onset: Vec<usize> = (0..rows.len()).filter(|&i| trailing[i] <= 1.0).collect();
    let onset_labels: Vec<bool> = onset.iter().map(|&i| labels[i]).collect();
    let onset_scores: Vec<f64> = onset.iter().map(|&i| scores[i]).collect();
    assert_eq!(quality.rows, rows.len() as u64);
    for (what, got, expected) in [
        ("base rate", quality.base_rate, evaluation::base_rate(&labels)),
        (
            "average precision",
            quality.average_precision.unwrap(),
            evaluation::average_precision(&labels, &scores).unwrap(),
        ),
        (
            "persistence",
            quality.persistence_average_precision.unwrap(),
            evaluation::average_precision(&labels, &trailing).unwrap(),
        ),
        ("onset base rate", quality.onset_base_rate, evaluation::base_rate(&onset_labels)),
        (
            "onset",
            quality.onset_average_precision.unwrap(),
            evaluation::average_precision(&onset_labels, &onset_scores).unwrap(),
        ),
        ("brier", quality.brier, evaluation::brier(&labels, &scores)),
        ("brier skill", quality.brier_skill, evaluation::brier_skill(&labels, &scores)),
        ("ece", quality.calibration_error, evaluation::expected_calibration_error(&labels, &scores)),
    ] {
        assert_close(what, got, expected);
    }
}

#[test]
fn the_report_equals_the_formulas_over_the_grids_rows() {
    let ticks = simulated(3, 5);
    let default = bound(Arc::new(shipped::model("ml").unwrap().unwrap()));
    let mut offline = Offline::new(StateSettings::default(), Some(default), 64, Grid::default());
    feed(&mut offline, &ticks, 0);
    let report = report(&mut offline);
    let grid = &offline.out;
    let own: Vec<&Outcome> = grid.own().map(|row| &row.outcome).collect();
    assert!(own.len() > 6_000, "three hours of three symbols, {} rows", own.len());
    let [model] = &report.models[..] else { panic!("one model, {report:?}") };
    assert_eq!(model.info.variant, "ml");
    hold_to_formulas(&model.total, &own);
    assert_eq!(model.symbols.len(), 3);
    for (name, quality) in &model.symbols {
        let number = grid.symbols.iter().position(|symbol| symbol.name == *name).unwrap() as u32;
        let rows: Vec<&Outcome> = grid.own().filter(|row| row.symbol == number).map(|r| &r.outcome).collect();
        hold_to_formulas(quality, &rows);
        assert!(quality.alerts_right <= quality.alerts, "{quality:?}");
    }
    // A quiet symbol may have none.
    assert!(model.total.alerts > 0, "{:?}", model.total);
    let held = own.iter().filter(|row| row.pending.forecast.unwrap().holds(row.realised)).count();
    assert_eq!(report.volatility.rows, own.len() as u64);
    assert_close("coverage", report.volatility.coverage, held as f64 / own.len() as f64);
    let mean = |of: &dyn Fn(&Forecast, f64) -> f64| {
        own.iter().map(|row| of(&row.pending.forecast.unwrap(), row.realised)).sum::<f64>() / own.len() as f64
    };
    assert_close("mean width", report.volatility.mean_width, mean(&|f, _| f.high - f.low));
    let outside = |f: &Forecast, realised: f64| (f.low - realised).max(0.0) + (realised - f.high).max(0.0);
    let score = mean(&|f, realised| f.high - f.low + 20.0 * outside(f, realised));
    assert_close("interval score", report.volatility.interval_score, score);
}

/// However the symbols lie on shards, and asked through their mailboxes.
#[test]
fn the_report_is_the_same_with_any_number_of_shards() {
    let ticks = simulated(3, 4);
    let mut offline = Offline::new(StateSettings::default(), Some(bound(baseline())), 64, NoOut);
    feed(&mut offline, &ticks, 0);
    let expected = format!("{:?}", report(&mut offline));
    for shards in [1, 2, 3] {
        let settings = EngineSettings::with_shards(shards);
        let engine = Engine::start(&settings, Some(baseline())).unwrap();
        feed(&mut engine.intake(), &ticks, 0);
        wait_for_ticks(&engine, ticks.len());
        let deadline = Instant::now() + Duration::from_secs(30);
        let got = wait(engine.handle().quality(deadline)).unwrap();
        assert!(got.models[0].total.rows > 2_000, "{got:?}");
        assert_eq!(format!("{got:?}"), expected, "with {shards} shards");
        engine.stop();
    }
}

fn wait_for_ticks(engine: &Engine, count: usize) {
    let taken = || engine.handle().metrics.shards.iter().map(|m| m.ticks_accepted.get()).sum::<u64>();
    let limit = Instant::now() + Duration::from_secs(60);
    while taken() < count as u64 {
        assert!(Instant::now() < limit, "the shards took {} of {count} ticks", taken());
        std::thread::yield_now();
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Keeps the outcomes.
#[derive(Default)]
struct Outcomes(Vec<Outcome>);

impl Out for Outcomes {
    fn effect(&mut self, _: &Arc<Symbol>, effect: &Effect) {
        if let Effect::Outcome(outcome) = effect {
            self.0.push(*outcome);
        }
    }
}

#[test]
fn intervals_hold_nine_of_ten_real_outcomes() {
    let Some(path) = real_data(BITMEX) else { return };
    let mut offline = Offline::new(StateSettings::default(), None, 64, Outcomes::default());
    replay(&path, &mut offline);
    let known: Vec<&Outcome> = offline.out.0.iter().filter(|o| o.pending.forecast.is_some()).collect();
    assert!(known.len() > 40_000, "{} outcomes with a forecast", known.len());
    let share = |rows: &[&Outcome]| {
        rows.iter().filter(|o| o.pending.forecast.unwrap().holds(o.realised)).count() as f64
            / rows.len() as f64
    };
    let coverage = share(&known);
    let sixths: Vec<f64> = known.chunks(known.len() / 6 + 1).map(share).collect();
    // Persistence of the last 300 seconds, from five minutes that do not overlap.
    let minutes: BTreeMap<i64, f64> =
        offline.out.0.iter().filter_map(|o| Some((o.pending.second, o.pending.trailing?))).collect();
    let last_300 = |second: i64| {
        let squares = (0..5).map(|minute| minutes.get(&(second - 60 * minute)).map(|v| v * v / 5.0));
        squares.sum::<Option<f64>>().map(f64::sqrt)
    };
    let compared: Vec<(f64, f64)> = known
        .iter()
        .filter_map(|o| {
            let forecast = o.pending.forecast.unwrap().sigma;
            let qlike = |forecast| evaluation::qlike(o.realised, forecast, 1e-6);
            Some((qlike(forecast), qlike(last_300(o.pending.second)?)))
        })
        .collect();
    let mean = |of: fn(&(f64, f64)) -> f64| compared.iter().map(of).sum::<f64>() / compared.len() as f64;
    let (ours, persistence) = (mean(|pair| pair.0), mean(|pair| pair.1));
    // An interval can hold nine of ten by being open half of the time: how wide it is must be looked at, too.
    let of = |of: fn(&Forecast) -> f64| known.iter().map(move |o| of(&o.pending.forecast.unwrap()));
    let width = 1e4 * of(|f| f.high - f.low).sum::<f64>() / known.len() as f64;
    let open = of(|f| f.high / f.sigma).filter(|times| *times > 20.0).count();
    let zero = of(|f| f.low).filter(|low| *low == 0.0).count();
    println!(
        "{} outcomes, {coverage:.4} inside, by sixths {sixths:.3?}, mean width {width:.2} bp; QLIKE {ours:.3}, of the last 300 s {persistence:.3}",
        known.len()
    );
    assert!((0.88..=0.92).contains(&coverage), "{coverage} of the outcomes lie inside");
    assert!(width < 3.5, "a mean width of {width} bp");
    assert_eq!(open, 0, "upper ends more than 20 times the forecast");
    assert!(zero * 100 < known.len(), "{zero} lower ends of 0");
    assert!(sixths.iter().all(|share| (0.87..=0.93).contains(share)), "{sixths:?}");
    assert!(
        compared.len() > 40_000 && ours < 0.9 * persistence,
        "QLIKE {ours}, of persistence {persistence}"
    );
}

#[test]
fn the_service_reports_what_the_formulas_say_of_a_replayed_file() {
    let Some(path) = real_data(BITMEX) else { return };
    let mut offline = Offline::new(StateSettings::default(), Some(bound(baseline())), 64, Grid::default());
    replay(&path, &mut offline);
    let own: Vec<&Outcome> = offline.out.own().map(|row| &row.outcome).collect();

    let source = format!("file:{}", path.display());
    let service = Process::serve(&["--source", &source, "--speed", "max"], |command| {
        command.env("MODEL_VARIANT", "baseline").env("STORMGLASS__QUALITY__WINDOW_S", "31536000");
    });
    let rows = |body: &Value| body["models"][0]["rows"].as_u64();
    let parse = |body: &str| serde_json::from_str::<Value>(body).unwrap();
    let (_, body) = service.get_until("/quality", Duration::from_secs(120), |status, body| {
        status == 200 && rows(&parse(body)) == Some(own.len() as u64)
    });
    let body = parse(&body);
    let model = &body["models"][0];
    let number = |name: &str| model[name].as_f64().unwrap_or_else(|| panic!("{name} in {model}"));
    hold_to_formulas(
        &Quality {
            rows: own.len() as u64,
            base_rate: number("base_rate"),
            average_precision: model["average_precision"].as_f64(),
            persistence_average_precision: model["persistence"]["average_precision"].as_f64(),
            onset_base_rate: number("onset_base_rate"),
            onset_average_precision: model["onset_average_precision"].as_f64(),
            brier: number("brier"),
            brier_skill: number("brier_skill"),
            calibration_error: number("ece"),
            ..Quality::default()
        },
        &own,
    );
    assert_eq!(model["symbols"][0]["rows"], model["rows"]);
    assert_eq!((&model["variant"], &body["rows_dropped"]), (&"baseline".into(), &0.into()));
    let (_, metrics) = service.get_until("/metrics", Duration::from_secs(30), |status, _| status == 200);
    assert!(
        metrics.contains("stormglass_quality_average_precision{model=\"stormglass-baseline\""),
        "{metrics}"
    );
    println!("{} rows, average precision {}", own.len(), number("average_precision"));
}

/// Predictions as bytes and as they are, by symbol.
#[derive(Clone, Default)]
struct Keep(Arc<Mutex<Predictions>>);

type Predictions = BTreeMap<String, Vec<(String, Prediction)>>;

impl Out for Keep {
    fn wanted(&self) -> Wanted {
        Wanted::EveryTick
    }
    fn prediction(&mut self, answer: Arc<Answer>) {
        let prediction = answer.prediction.clone();
        let bytes = serde_json::to_string(&prediction).unwrap();
        let mut kept = self.0.lock().unwrap();
        kept.entry(prediction.symbol.name.to_string()).or_default().push((bytes, prediction));
    }
}

impl Keep {
    fn bytes(&self) -> Vec<String> {
        self.0.lock().unwrap().values().flatten().map(|(bytes, _)| bytes.clone()).collect()
    }
}

/// A core with feedback, a model that is too sure, and the shipped baseline behind it.
fn with_feedback(feedback: FeedbackSettings, base: f64, events: &Arc<EventLog>) -> Offline<Keep> {
    let settings = StateSettings { feedback, ..StateSettings::default() };
    let model = bound(small_model_named("too sure", base));
    let prepare = |core: ShardCore| {
        core.with_quality(YEAR).with_baseline(Some(bound(baseline()))).with_events(events.clone())
    };
    Offline::new(settings, Some(model), 64, Keep::default()).with_core(prepare)
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.happening.kind()).collect()
}

const RECALIBRATE: FeedbackSettings = FeedbackSettings { recalibrate: true, fallback: false };
const FALL_BACK: FeedbackSettings = FeedbackSettings { recalibrate: false, fallback: true };

#[test]
fn outcomes_set_a_model_right_that_is_too_sure_and_say_so() {
    let ticks = simulated(1, 12);
    let mut briers = Vec::new();
    for feedback in [FeedbackSettings::default(), RECALIBRATE] {
        let events = Arc::<EventLog>::default();
        let mut offline = with_feedback(feedback, 1.5, &events);
        feed(&mut offline, &ticks, 0);
        let report = report(&mut offline);
        briers.push(report.models[0].total.brier);
        let told = events.read(Some("recalibrated"));
        let kept = offline.out.0.lock().unwrap();
        let (_, last) = kept.values().next().unwrap().last().unwrap();
        let body: Value = serde_json::to_value(last).unwrap();
        if feedback == RECALIBRATE {
            assert!(!told.is_empty() && told.len() <= 12, "{told:?}");
            assert!(body["calibration"]["b"].as_f64().unwrap() < -0.5, "{body}");
        } else {
            assert!(told.is_empty(), "nothing changes unasked: {told:?}");
            assert_eq!(body["calibration"], Value::Null, "{body}");
        }
    }
    println!("Brier score {:.4}, recalibrated {:.4}", briers[0], briers[1]);
    assert!(briers[1] < 0.7 * briers[0], "{briers:?}");
}

#[test]
fn the_baseline_answers_while_the_model_does_worse_and_an_event_says_so() {
    let ticks = simulated(1, 6);
    let events = Arc::<EventLog>::default();
    let mut offline = with_feedback(FALL_BACK, 1.5, &events);
    feed(&mut offline, &ticks, 0);
    assert_eq!(kinds(&events.read(None)), ["fell_back"]);
    let kept = offline.out.0.lock().unwrap();
    let predictions = kept.values().next().unwrap();
    let names: Vec<&str> = predictions.iter().map(|(_, p)| p.model.as_ref().unwrap().name.as_str()).collect();
    assert_eq!((names[0], names[names.len() - 1]), ("too sure", "stormglass-baseline"));
    let changes = names.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(changes, 1, "the model changes once, at the event");
    let (_, last) = predictions.last().unwrap();
    let body = serde_json::to_value(last).unwrap();
    assert_eq!(body["model"]["variant"], "baseline");
    assert_eq!(body["threshold"], baseline().info().threshold);
    drop(kept);
    assert_eq!(report(&mut offline).models.len(), 2, "each model's rows count for itself");
}

/// Until a symbol has its own threshold, the model's stands in: what that calls a spike is not the symbol's event. Nor is
/// what happens over another horizon than the model's.
#[test]
fn only_outcomes_of_the_models_own_event_feed_back() {
    let both = FeedbackSettings { recalibrate: true, fallback: true };
    for (hours, horizon_s, why) in
        [(2, 60, "two hours make the first threshold"), (6, 30, "the model speaks of 60 seconds")]
    {
        let label = LabelSettings { horizon_s, ..LabelSettings::default() };
        let settings = StateSettings { feedback: both, label, ..StateSettings::default() };
        let events = Arc::<EventLog>::default();
        let model = bound(small_model_named("too sure", 1.5));
        let mut outcomes = Offline::new(settings, Some(model), 64, Outcomes::default())
            .with_core(|core| core.with_baseline(Some(bound(baseline()))).with_events(events.clone()));
        feed(&mut outcomes, &simulated(1, hours), 0);
        outcomes.flush();
        let lessons = outcomes.out.0.iter().filter(|outcome| outcome.pending.lesson.is_some()).count();
        assert!(lessons > 1_000, "{lessons} outcomes could have taught");
        assert_eq!(kinds(&events.read(None)), [""; 0], "{why}");
    }
}

/// What feeds back is in the snapshot: the bytes after a restart are those without one.
#[test]
fn feedback_survives_a_restart_to_the_byte() {
    let both = FeedbackSettings { recalibrate: true, fallback: true };
    let ticks = simulated(2, 7);
    let quiet = Arc::<EventLog>::default();
    let mut whole = with_feedback(both, 1.5, &quiet);
    feed(&mut whole, &ticks, 0);
    let expected = whole.out.bytes();
    assert!(!quiet.read(None).is_empty(), "nothing was fed back: the comparison would be hollow");

    for share in [2, 3] {
        let (first, second) = ticks.split_at(ticks.len() * share / 4);
        let mut before = with_feedback(both, 1.5, &Arc::default());
        feed(&mut before, first, 0);
        let mut after = with_feedback(both, 1.5, &Arc::default());
        for key in before.core().keys() {
            let symbol = before.symbols().by_id(key.symbol).unwrap();
            let bytes = before.core().snapshot(key).unwrap();
            after.restore(&symbol.name, &bytes).unwrap();
        }
        feed(&mut after, second, first.len());
        let mut by_symbol = BTreeMap::<String, Vec<String>>::new();
        for part in [&before, &after] {
            for (symbol, predictions) in part.out.0.lock().unwrap().iter() {
                let bytes = predictions.iter().map(|(bytes, _)| bytes.clone());
                by_symbol.entry(symbol.clone()).or_default().extend(bytes);
            }
        }
        let got: Vec<String> = by_symbol.into_values().flatten().collect();
        assert_eq!(got.len(), expected.len());
        let differs = got.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!(differs.map(|i| (&got[i], &expected[i])), None, "first difference");
    }
}

/// Feedback is one symbol's own, so shards do not matter to it either.
#[test]
fn feedback_is_the_same_with_any_number_of_shards() {
    let both = FeedbackSettings { recalibrate: true, fallback: true };
    let ticks = simulated(3, 5);
    let mut offline = with_feedback(both, 1.5, &Arc::default());
    feed(&mut offline, &ticks, 0);
    let expected = offline.out.bytes();
    for shards in [1, 3] {
        let settings = EngineSettings {
            state: StateSettings { feedback: both, ..StateSettings::default() },
            baseline: Some(baseline()),
            ..EngineSettings::with_shards(shards)
        };
        let keep = Keep::default();
        let out = keep.clone();
        let board = Arc::<Board>::default();
        let model = small_model_named("too sure", 1.5);
        let engine = Engine::start_with(&settings, Some(model), board, move |_| out.clone()).unwrap();
        feed(&mut engine.intake(), &ticks, 0);
        wait_for_ticks(&engine, ticks.len());
        let events = engine.handle().events.read(None);
        assert_eq!(kinds(&events).iter().filter(|kind| **kind == "fell_back").count(), 3, "{events:?}");
        engine.stop();
        assert!(keep.bytes() == expected, "other bytes with {shards} shards");
    }
}

#[test]
fn a_silence_is_an_event_with_its_length() {
    let ticks = simulated(1, 1);
    let events = Arc::<EventLog>::default();
    let mut offline = with_feedback(FeedbackSettings::default(), 0.0, &events);
    let (first, second) = ticks.split_at(ticks.len() / 2);
    let until = first.last().unwrap().1.event_time.second() + 120;
    let later = second.iter().position(|(_, tick)| tick.event_time.second() >= until).unwrap();
    feed(&mut offline, first, 0);
    feed(&mut offline, &second[later..], first.len() + later);
    let told = events.read(Some("gap"));
    assert_eq!(told.len(), 1, "{told:?}");
    let body = format!("{:?}", told[0].happening);
    assert!(body.contains("silence_s: 12"), "{body}");
    assert_eq!(&*told[0].symbol.as_ref().unwrap().name, "simulator:BTC-USD");
}

fn shadowed(active: &Arc<BoundModel>, shadow: Option<&Arc<BoundModel>>) -> Offline<Keep> {
    let settings = StateSettings::default();
    let mut offline = Offline::new(settings, Some(active.clone()), 64, Keep::default());
    let (reply, _old) = tokio::sync::oneshot::channel();
    let order = Message::Control(Control::SwapShadow { model: shadow.cloned(), reply });
    offline.core().step(Instant::now(), &mut vec![order], &mut NoOut);
    offline
}

/// The shadow is judged on the rows that the active model answered, as if it had answered them, and nobody else notices.
#[test]
fn a_shadow_has_the_quality_that_it_would_have_had_and_changes_no_byte() {
    let ticks = simulated(2, 5);
    let (default, other) = (bound(Arc::new(shipped::model("ml").unwrap().unwrap())), bound(baseline()));
    let mut alone = shadowed(&default, None);
    let mut both = shadowed(&default, Some(&other));
    let mut judged = shadowed(&other, None);
    for offline in [&mut alone, &mut both, &mut judged] {
        feed(offline, &ticks, 0);
    }
    assert_eq!(both.out.bytes(), alone.out.bytes());
    let (alone, both, judged) = (report(&mut alone), report(&mut both), report(&mut judged));
    let of = |report: &QualityReport, variant: &str| {
        let found = report.models.iter().find(|model| model.info.variant == variant);
        found.unwrap_or_else(|| panic!("{variant} in {report:?}")).clone()
    };
    let (shadow, expected) = (of(&both, "shadow"), of(&judged, "baseline"));
    assert!(expected.total.rows > 4_000, "{expected:?}");
    assert_eq!((shadow.total, &shadow.symbols), (expected.total, &expected.symbols));
    assert_eq!(shadow.info.sha256, expected.info.sha256);
    assert_eq!(of(&both, "ml").total, of(&alone, "ml").total);
    assert_eq!((both.models.len(), both.volatility), (2, alone.volatility));
}

/// Where a model takes over is a place in the ticks: the bytes are the same on any number of shards, live or not.
#[test]
fn the_same_swap_at_the_same_tick_gives_the_same_bytes() {
    let ticks = simulated(3, 1);
    let (first, second) = ticks.split_at(ticks.len() / 2);
    let (one, other) = (small_model_named("one", -1.5), small_model_named("other", -3.0));
    let mut offline = Offline::new(StateSettings::default(), Some(bound(one.clone())), 64, Keep::default());
    feed(&mut offline, first, 0);
    let (reply, _old) = tokio::sync::oneshot::channel();
    let order = Message::Control(Control::SwapModel { model: Some(bound(other.clone())), reply });
    offline.core().step(Instant::now(), &mut vec![order], &mut NoOut);
    feed(&mut offline, second, first.len());
    let expected = offline.out.bytes();
    let by = |name: &str| expected.iter().filter(|bytes| bytes.contains(name)).count();
    assert_eq!((by("\"name\":\"one\""), by("\"name\":\"other\"")), (first.len(), second.len()));
    for shards in [1, 2] {
        let settings = EngineSettings::with_shards(shards);
        let kept = Keep::default();
        let out = kept.clone();
        let engine =
            Engine::start_with(&settings, Some(one.clone()), Arc::new(Board::default()), move |_| {
                out.clone()
            });
        let engine = engine.unwrap();
        feed(&mut engine.intake(), first, 0);
        wait_for_ticks(&engine, first.len());
        let timeout = Duration::from_secs(30);
        wait(engine.handle().exchange_model(Some(other.clone()), Some(bound(other.clone())), timeout))
            .unwrap();
        let mut intake = engine.intake();
        feed(&mut intake, second, first.len());
        wait_for_ticks(&engine, ticks.len());
        engine.stop();
        assert_eq!(kept.bytes(), expected, "on {shards} shards");
    }
}
