//! Shards: what orders do to live ones. A swapped model, a snapshot taken and put back, outcomes.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use engine::{
    Engine, EngineSettings,
    board::Board,
    bound_model::BoundModel,
    handle::{AskError, EngineHandle},
    intake::TickSink,
    message::{Answer, Batch, Control, Epoch, Message, RoutedTick},
    metrics::ShardMetrics,
    prediction::{Status, WarmingReason},
    settings::Pin,
    shard::{NoOut, Out, ShardCore, Wanted},
    sim::{SimConfig, Simulator},
    state::{Effect, StateSettings, outcome::Outcome},
    symbol::{Offset, Partition, Position, Symbol, SymbolKey, SymbolTable, default_partition},
    tick::Tick,
};
use model::{Model, ModelDraft, ModelInfo, schema::FeatureName};
use tokio::sync::oneshot;

use crate::support::{
    fixtures::{small_model, small_model_named},
    states,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// An engine on one shard that has taken an hour of one simulated symbol, and the ticks that follow.
struct Fed {
    engine: Engine,
    rest: Vec<Tick>,
    count: u64,
}

impl Fed {
    fn new() -> Self {
        Self::with(Outcomes::default())
    }

    fn with(out: Outcomes) -> Self {
        Self::on(&EngineSettings::with_shards(1), out)
    }

    /// The first shard has the symbol.
    fn on(settings: &EngineSettings, out: Outcomes) -> Self {
        Self::by(small_model(), settings, out)
    }

    /// Shards whose ticks are scored by this model from the start.
    fn by(model: Arc<Model>, settings: &EngineSettings, out: Outcomes) -> Self {
        let board = Arc::new(Board::default());
        let engine = Engine::start_with(settings, Some(model), board, move |_| out.clone()).unwrap();
        let config =
            SimConfig { symbols: SimConfig::default().symbols[..1].to_vec(), ..SimConfig::default() };
        let end = config.start.second() + 3_600;
        let mut market = Simulator::new(config).map(|(_, tick)| tick);
        let history: Vec<Tick> = market.by_ref().take_while(|tick| tick.event_time.second() < end).collect();
        let mut fed = Self { engine, rest: market.take(100).collect(), count: 0 };
        fed.feed(&history);
        fed
    }

    /// Hands ticks over and waits until the shard has taken them.
    fn feed(&mut self, ticks: &[Tick]) {
        let mut intake = self.engine.intake();
        for tick in ticks {
            intake.tick("simulator", "BTC-USD", Offset(self.count), 0, *tick);
            self.count += 1;
        }
        intake.flush();
        let limit = Instant::now() + DEADLINE;
        while self.engine.handle().metrics.shards[0].ticks_accepted.get() < self.count {
            assert!(Instant::now() < limit, "the shard did not take the ticks");
            std::thread::yield_now();
        }
    }

    fn next_tick(&mut self) {
        let tick = self.rest.remove(0);
        self.feed(&[tick]);
    }

    fn handle(&self) -> &EngineHandle {
        self.engine.handle()
    }

    fn answer(&self) -> Arc<Answer> {
        let (_, key) = self.bitcoin();
        wait(self.handle().predict_one(key, Instant::now() + DEADLINE)).unwrap().unwrap()
    }

    /// The one symbol and its key.
    fn bitcoin(&self) -> (Arc<Symbol>, SymbolKey) {
        let (symbol, place) = self.handle().locate("BTC-USD").unwrap();
        assert!(place.is_here);
        let key = SymbolKey { partition: place.partition, symbol: symbol.id };
        (symbol, key)
    }

    fn swap(&self, model: Arc<Model>) -> Result<(), AskError> {
        let bound = Arc::new(BoundModel::new(model.clone()).unwrap());
        wait(self.handle().exchange_model(Some(model), Some(bound), DEADLINE))
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn model_name(answer: &Answer) -> String {
    answer.prediction.model.as_ref().unwrap().name.clone()
}

/// A front gives a prediction it has already, unasked, until the shard has a newer one or none.
#[test]
fn a_kept_answer_is_given_again_until_the_next_tick() {
    let mut fed = Fed::new();
    let (first, again) = (fed.answer(), fed.answer());
    assert!(Arc::ptr_eq(&first, &again), "nothing changed: the very answer");
    for _ in 0..3 {
        let before = fed.answer();
        fed.next_tick();
        assert!(!before.is_newest(), "the shard has moved on");
        assert!(fed.answer().prediction.scored.offset > before.prediction.scored.offset);
    }
    let last = fed.answer();
    assert!(last.is_newest());
    fed.engine.stop();
    assert!(!last.is_newest(), "no shard stands behind it any more");
}

fn one_shard() -> EngineSettings {
    EngineSettings::with_shards(1)
}

fn is_ready(fed: &Fed) -> bool {
    wait(fed.handle().summaries(Instant::now() + DEADLINE)).unwrap()[0].ready
}

/// A symbol without a new tick answers as if the model that took over had scored its newest one.
#[test]
fn a_swap_reaches_a_symbol_that_has_no_new_tick() {
    let other = small_model_named("other", -3.0);
    let (mut fed, mut always) = (Fed::new(), Fed::by(other.clone(), &one_shard(), Outcomes::default()));
    let before = fed.answer();
    assert_eq!(model_name(&before), "small");
    fed.swap(other).unwrap();
    assert!(!before.is_newest(), "whoever kept the old model's answer asks again");
    let after = fed.answer();
    assert_eq!(after.json, always.answer().json);
    assert_ne!(after.prediction.probability(), before.prediction.probability());
    assert!(Arc::ptr_eq(&after, &fed.answer()), "it is scored once");
    let (_, key) = fed.bitcoin();
    let features = wait(fed.handle().features(key, None, Instant::now() + DEADLINE)).unwrap().unwrap();
    assert_eq!(Answer::new(features.prediction).json, after.json);

    wait(fed.handle().exchange_model(None, None, DEADLINE)).unwrap();
    let without = fed.answer();
    let scored = &without.prediction.scored;
    assert_eq!((scored.status, scored.model_hash), (Status::Warming(WarmingReason::NoModel), 0));
    assert!(without.prediction.model.is_none() && !is_ready(&fed));
    fed.swap(small_model()).unwrap();
    assert_eq!(fed.answer().json, before.json, "and back");
    assert!(is_ready(&fed));
    fed.swap(small_model_named("other", -3.0)).unwrap();
    fed.next_tick();
    always.next_tick();
    assert_eq!(fed.answer().json, always.answer().json);
}

/// The model that a question names answers it, whichever is loaded, and what is held stays.
#[test]
fn a_question_is_answered_by_the_model_that_it_names() {
    let other = small_model_named("other", -3.0);
    let (fed, always) = (Fed::new(), Fed::by(other.clone(), &one_shard(), Outcomes::default()));
    let held = fed.answer();
    let (_, key) = fed.bitcoin();
    let ask = |model: &Arc<Model>| {
        let answers = wait(fed.handle().predict(&[key], Some(model), Instant::now() + DEADLINE));
        answers.unwrap().remove(0).unwrap()
    };
    assert_eq!(ask(&other).json, always.answer().json);
    assert!(Arc::ptr_eq(&ask(&small_model()), &held), "the same file, read again, is the same model");
    let deadline = Instant::now() + DEADLINE;
    let features = wait(fed.handle().features(key, Some(other.clone()), deadline)).unwrap().unwrap();
    assert_eq!(Answer::new(features.prediction).json, always.answer().json);
    assert!(Arc::ptr_eq(&fed.answer(), &held));
}

/// A question between a swap and the next tick changes neither later answers nor a snapshot.
#[test]
fn a_question_after_a_swap_leaves_the_state_and_all_later_bytes_as_they_are() {
    let bound = |name: &str, base| Some(Arc::new(BoundModel::new(small_model_named(name, base)).unwrap()));
    let names = SymbolTable::default();
    let symbol = names.intern("simulator", "BTC-USD").unwrap();
    let key = SymbolKey { partition: Partition(0), symbol: symbol.id };
    let config = SimConfig { symbols: SimConfig::default().symbols[..1].to_vec(), ..SimConfig::default() };
    let ticks: Vec<Tick> = Simulator::new(config).take(2_000).map(|(_, tick)| tick).collect();
    let run = |is_asked: bool| {
        let metrics = Arc::new(ShardMetrics::default());
        let mut core = ShardCore::new(StateSettings::default(), bound("first", -1.5), metrics.clone());
        let (mut out, mut snapshots) = (EveryTick::default(), Vec::new());
        for (i, tick) in ticks.iter().enumerate() {
            if i == 1_500 {
                let (reply, _old) = oneshot::channel();
                let swap = Control::SwapModel { model: bound("second", -3.0), reply };
                core.step(Instant::now(), &mut vec![Message::Control(swap)], &mut NoOut);
                if is_asked {
                    let (reply, mut answer) = oneshot::channel();
                    let deadline = Instant::now() + DEADLINE;
                    let ask = Control::Predict { symbols: vec![key], model: None, deadline, reply };
                    core.step(Instant::now(), &mut vec![Message::Control(ask)], &mut NoOut);
                    let answer = answer.try_recv().unwrap().remove(0).unwrap();
                    assert_eq!(model_name(&answer), "second");
                    assert!(answer.prediction.probability().is_some(), "a warm symbol");
                }
                snapshots.push(core.snapshot(key).unwrap());
            }
            let position = Position { partition: key.partition, offset: Offset(i as u64), index: 0 };
            let ticks = vec![RoutedTick { key, position, epoch: Epoch::NONE, tick: *tick }];
            core.ticks(&Batch { new_symbols: vec![symbol.clone()], ticks, reply: None }, &mut out);
        }
        snapshots.push(core.snapshot(key).unwrap());
        let counted = [&metrics.rows_scored, &metrics.grid_rows_scored, &metrics.predictions_calm];
        (out.0, snapshots, counted.map(|counter| counter.get()))
    };
    assert_eq!(run(true), run(false));
}

/// Keeps what every tick gave.
#[derive(Default)]
struct EveryTick(Vec<Box<[u8]>>);

impl Out for EveryTick {
    fn wanted(&self) -> Wanted {
        Wanted::EveryTick
    }

    fn prediction(&mut self, answer: Arc<Answer>) {
        self.0.push(answer.json.clone());
    }
}

/// One shard that is gone leaves the others with the model that they had.
#[test]
fn a_swap_is_on_every_shard_or_on_none() {
    let mut settings = EngineSettings::with_shards(2);
    let partition = default_partition("simulator:BTC-USD", settings.run.partitions);
    settings.run.pins = vec![Pin { partition, shard: 0 }];
    let mut fed = Fed::on(&settings, Outcomes::default());
    fed.handle().mailboxes[1].close();
    let refused = fed.swap(small_model_named("other", -3.0)).unwrap_err();
    assert_eq!(refused, AskError::Closed);
    assert_eq!(fed.handle().model.load().as_ref().unwrap().info().name, "small");
    fed.next_tick();
    assert_eq!(model_name(&fed.answer()), "small");
}

#[test]
fn a_swap_that_nobody_waits_for_any_more_is_none() {
    let bound = |name: &str| Some(Arc::new(BoundModel::new(small_model_named(name, -1.0)).unwrap()));
    let mut core =
        ShardCore::new(StateSettings::default(), bound("first"), Arc::new(ShardMetrics::default()));
    let mut swap = |name: &str, is_awaited: bool| {
        let (reply, mut answer) = oneshot::channel();
        if !is_awaited {
            answer.close();
        }
        let order = Message::Control(Control::SwapModel { model: bound(name), reply });
        core.step(Instant::now(), &mut vec![order], &mut NoOut);
        answer.try_recv().ok().flatten().map(|old| old.info().name.clone())
    };
    assert_eq!(swap("abandoned", false), None);
    assert_eq!(swap("second", true).as_deref(), Some("first"));
    assert_eq!(swap("third", true).as_deref(), Some("second"));
}

#[test]
fn the_newest_grid_rows_are_kept_to_try_a_model_on() {
    let kept = Outcomes::default();
    let mut fed = Fed::with(kept.clone());
    let rows = |fed: &Fed| wait(fed.handle().recent_rows(Instant::now() + DEADLINE)).unwrap();
    let before = rows(&fed);
    assert!(
        before.len() > 500 && before.len() <= 600,
        "an hour has 600 instants with a threshold, {} were answered",
        before.len()
    );
    let bound = BoundModel::new(small_model()).unwrap();
    let given: Vec<f64> =
        kept.0.lock().unwrap().iter().filter_map(|outcome| outcome.pending.probability).collect();
    assert!(given.len() > 500, "{}", given.len());
    for (row, given) in before.iter().zip(&given) {
        assert_eq!(bound.score(row), *given, "each row gives what it gave");
    }
    while rows(&fed).len() == before.len() {
        fed.next_tick();
    }
    let bits =
        |rows: &[engine::features::Row]| rows.iter().flatten().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&rows(&fed)[..before.len()]), bits(&before), "the oldest first");
}

#[test]
fn a_model_of_foreign_features_cannot_drive_the_stream() {
    let info = ModelInfo::new("foreign", "1", "ml", vec![FeatureName::new("nobody_has_this", 1)]);
    let term = model::linear::LinearTerm {
        coefficient: 1.0,
        low: -1.0,
        high: 1.0,
        imputed: 0.0,
        missing_coefficient: 0.0,
    };
    let linear = model::linear::LinearDraft { terms: vec![term], intercept: 0.0 };
    let draft = ModelDraft::new(info, vec![(1.0, model::MemberDraft::Linear(linear))]).unwrap();
    let foreign = Arc::new(Model::from_bytes(&draft.to_bytes().unwrap()).unwrap());
    let refused = BoundModel::new(foreign).unwrap_err();
    assert!(refused.to_string().contains("nobody_has_this@1"), "{refused}");
}

#[test]
fn a_snapshot_put_into_another_engine_goes_on_with_the_same_bytes() {
    let mut original = Fed::new();
    let (symbol, _) = original.bitcoin();
    let snapshot = states::snapshot(original.handle(), &symbol);

    let settings = EngineSettings::with_shards(1);
    let mut other = Fed {
        engine: Engine::start(&settings, Some(small_model())).unwrap(),
        rest: original.rest.clone(),
        count: original.count,
    };
    let handle = other.handle();
    let stranger = states::restore(handle, "simulator:ETH-USD", snapshot.clone());
    assert!(stranger.is_err(), "another symbol's snapshot is refused");
    states::restore(handle, "simulator:BTC-USD", snapshot).unwrap();
    assert_eq!(other.answer().json, original.answer().json);
    let (small, heavy) = (original.answer(), small_model_named("heavy", 1.0));
    original.swap(heavy.clone()).unwrap();
    other.swap(heavy).unwrap();
    assert_eq!(other.answer().json, original.answer().json, "another model's answer needs no tick either");
    original.swap(small_model()).unwrap();
    other.swap(small_model()).unwrap();
    assert_eq!(other.answer().json, small.json);

    original.next_tick();
    let tick = other.rest.remove(0);
    let mut intake = other.engine.intake();
    intake.tick("simulator", "BTC-USD", Offset(other.count), 0, tick);
    intake.flush();
    let limit = Instant::now() + DEADLINE;
    while other.answer().prediction.scored.offset < other.count {
        assert!(Instant::now() < limit, "the shard did not take the tick");
    }
    assert_eq!(other.answer().json, original.answer().json);
}

/// Keeps the outcomes.
#[derive(Clone, Default)]
struct Outcomes(Arc<Mutex<Vec<Outcome>>>);

impl Out for Outcomes {
    fn effect(&mut self, _: &Arc<Symbol>, effect: &Effect) {
        if let Effect::Outcome(outcome) = effect {
            self.0.lock().unwrap().push(*outcome);
        }
    }
}

/// The volatility after a grid instant is the trailing one of the instant 60 seconds later: each outcome repeats a
/// later row's trailing value to the bit.
#[test]
fn an_outcome_is_the_volatility_of_the_sixty_seconds_after() {
    let kept = Outcomes::default();
    let fed = Fed::with(kept.clone());
    let outcomes = kept.0.lock().unwrap().clone();
    assert!(
        outcomes.len() > 550,
        "an hour has 600 instants with a threshold, {} have outcomes",
        outcomes.len()
    );
    let mut compared = 0;
    for outcome in &outcomes {
        let later = outcomes.iter().find(|other| other.pending.second == outcome.pending.second + 60);
        if let Some(trailing) = later.and_then(|later| later.pending.trailing) {
            assert_eq!(outcome.realised, trailing, "at {}", outcome.pending.second);
            assert_eq!(outcome.spike(), outcome.realised > outcome.pending.tau);
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared}");
    let metrics = &fed.handle().metrics.shards[0];
    let predicted = outcomes.iter().filter(|outcome| outcome.pending.probability.is_some()).count() as u64;
    assert_eq!(metrics.outcomes_spike.get() + metrics.outcomes_calm.get(), predicted);
}
