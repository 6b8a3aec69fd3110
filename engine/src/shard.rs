//! (4) The shard: all state of its symbols, moved by messages, without I/O.
//!
//! [`ShardCore::step`] is a plain synchronous function over owned state; the runtimes only decide when it is called.
//! No lock, no clock but the instant passed in, and no allocation per tick once a symbol is known.

mod lane;
mod recent;
mod rescore;
mod rows;
mod shadow;

use std::{sync::Arc, time::Instant};

use model::{Model, ModelInfo, schema::FeatureName};
use rustc_hash::FxHashMap;

use rescore::Loaded;
pub use shadow::SHADOW_VARIANT;
use shadow::{Shadow, Waiting};

use crate::{
    events::{EventLog, Happening},
    features::{self, FEATURE_COUNT, Row},
    message::{Answer, Control, FeaturesAnswer, Message, RoutedTick, SymbolSummary, TickBatch},
    metrics::ShardMetrics,
    prediction::{Prediction, Scored, StateFrom, Status, WarmingReason},
    quality::{Change, QualityRow, QualitySettings, QualityWindow},
    snapshot::{self, SnapshotError},
    state::{GridRow, Scorer, StateSettings, SymbolState, guard::Admission, outcome::Outcome},
    symbol::{Offset, Symbol, SymbolId, SymbolKey},
    tick::{EventTime, NANOS_PER_SECOND},
};

/// What a step gives besides replies.
pub trait Out {
    /// Whether every tick's prediction is wanted.
    fn wants_every_tick(&self) -> bool {
        false
    }
    /// The prediction of one accepted tick, in the order of the ticks.
    fn prediction(&mut self, _prediction: Prediction) {}
    /// Whether the newest predictions of a step are wanted.
    fn wants_newest(&self) -> bool {
        false
    }
    /// The newest prediction of a symbol that this step touched.
    fn newest(&mut self, _answer: Arc<Answer>) {}
    /// A scored grid instant of a symbol.
    fn grid_row(&mut self, _symbol: &Arc<Symbol>, _row: GridRow<'_>) {}
    /// The outcome of a grid prediction of a symbol.
    fn outcome(&mut self, _symbol: &Arc<Symbol>, _outcome: &Outcome) {}
}

/// Discards everything.
#[derive(Debug, Default)]
pub struct NoOut;

impl Out for NoOut {}

/// A model bound to the engine's row: which of its features are where.
#[derive(Debug)]
pub struct BoundModel {
    model: Arc<Model>,
    info: Arc<ModelInfo>,
    /// First eight bytes of the file's SHA-256.
    hash: u64,
    /// Position in the engine's row of each of the model's features; `None` when they are the same list.
    columns: Option<Vec<usize>>,
}

/// Why a model answers rows only.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It names features that the engine does not have.
    #[error("the model cannot drive the stream: the engine has no feature {missing:?}")]
    UnknownFeatures {
        /// Their names and versions.
        missing: Vec<String>,
    },
    /// Its one answer is no probability: a regression, or several classes.
    #[error("the model cannot drive the stream: its answer is not the probability of one event")]
    NoProbability,
}

impl Unfit {
    /// What keeps a model from driving the stream, if anything does.
    pub fn of(model: &Model) -> Option<Self> {
        if !model.gives_probability() {
            return Some(Self::NoProbability);
        }
        let missing = model.info().features_absent_from(&features::schema());
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        (!missing.is_empty()).then_some(Self::UnknownFeatures { missing })
    }
}

impl BoundModel {
    /// Binds a model, any subset and order of the engine's features.
    ///
    /// # Errors
    /// [`Unfit`] if it names others, or answers something else than a probability.
    pub fn new(model: Arc<Model>) -> Result<Self, Unfit> {
        if let Some(unfit) = Unfit::of(&model) {
            return Err(unfit);
        }
        let schema = features::schema();
        let info = Arc::new(model.info().clone());
        let find = |wanted: &FeatureName| schema.iter().position(|have| have == wanted);
        let columns = (info.features != schema).then(|| info.features.iter().filter_map(find).collect());
        let hash = info.sha256.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
        Ok(Self { model, info, hash, columns })
    }

    /// What the model says of itself.
    pub fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    /// The model itself.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The probability that it gives a row of the engine's.
    pub fn score(&self, row: &Row) -> f64 {
        match &self.columns {
            None => self.model.score_row(row).probability,
            Some(columns) => {
                let mut picked = [0.0_f32; FEATURE_COUNT];
                for (cell, &column) in picked.iter_mut().zip(columns) {
                    *cell = row[column];
                }
                self.model.score_row(&picked[..columns.len()]).probability
            }
        }
    }
}

/// A symbol of this shard.
struct Entry {
    symbol: Arc<Symbol>,
    key: SymbolKey,
    /// Boxed: the index of symbols stays small and moves cheaply.
    state: Box<SymbolState>,
    /// The model that scored the newest tick.
    scored_by: Option<Arc<ModelInfo>>,
    /// Whether another model may have scored the newest tick than the one that is loaded now, as after a swap or a
    /// restore: whoever asks is answered by the loaded one.
    is_outdated: bool,
    /// The answer to who asks, until the next tick or swap. Fronts keep it too, and look whether it is superseded.
    answer: Option<Arc<Answer>>,
    /// What the shadow said of the last horizon's grid instants.
    waiting: Waiting,
    /// Whether the step in progress touched it.
    touched: bool,
}

impl Entry {
    fn supersede_answer(&mut self) {
        if let Some(answer) = self.answer.take() {
            answer.supersede();
        }
    }
}

/// A state that goes takes its answer with it, wherever that is kept.
impl Drop for Entry {
    fn drop(&mut self) {
        self.supersede_answer();
    }
}

/// The state of one shard.
pub struct ShardCore {
    settings: StateSettings,
    config_hash: u64,
    model: Option<Arc<BoundModel>>,
    /// Stands in where the model does worse, if feedback says so.
    baseline: Option<Arc<BoundModel>>,
    /// Scores the grid beside the model, for quality alone.
    shadow: Option<Shadow>,
    recent: recent::RecentRows,
    quality: QualityWindow,
    events: Arc<EventLog>,
    index: FxHashMap<SymbolKey, usize>,
    entries: Vec<Entry>,
    names: FxHashMap<SymbolId, Arc<Symbol>>,
    touched: Vec<usize>,
    /// Rows of this step that wait to be scored.
    rows: rows::PendingRows,
    /// The partitions that lanes own.
    ownerships: lane::Ownerships,
    metrics: Arc<ShardMetrics>,
}

impl ShardCore {
    /// A shard without symbols.
    pub fn new(settings: StateSettings, model: Option<Arc<BoundModel>>, metrics: Arc<ShardMetrics>) -> Self {
        let mut core = Self {
            settings,
            config_hash: settings.fingerprint(),
            model: None,
            baseline: None,
            shadow: None,
            recent: recent::RecentRows::default(),
            quality: QualityWindow::new(QualitySettings::default(), settings.label.horizon_s),
            events: Arc::default(),
            index: FxHashMap::default(),
            entries: Vec::new(),
            names: FxHashMap::default(),
            touched: Vec::new(),
            rows: rows::PendingRows::default(),
            ownerships: lane::Ownerships::default(),
            metrics,
        };
        core.swap_model(model);
        core
    }

    /// The same with other bounds on what live quality keeps.
    pub fn with_quality(mut self, settings: QualitySettings) -> Self {
        self.quality = QualityWindow::new(settings, self.settings.label.horizon_s);
        self.name_models();
        self
    }

    /// The same with a model that stands in where the loaded one does worse.
    pub fn with_baseline(mut self, baseline: Option<Arc<BoundModel>>) -> Self {
        self.baseline = baseline;
        self.name_models();
        self
    }

    /// The same with a log that others read.
    pub fn with_events(mut self, events: Arc<EventLog>) -> Self {
        self.events = events;
        self
    }

    /// The same with room for the newest grid rows, on which a new model is tried.
    pub fn with_recent_rows(mut self, rows_max: usize) -> Self {
        self.recent = recent::RecentRows::new(rows_max);
        self
    }

    fn swap_model(&mut self, model: Option<Arc<BoundModel>>) -> Option<Arc<BoundModel>> {
        let old = std::mem::replace(&mut self.model, model);
        for entry in &mut self.entries {
            entry.is_outdated = true;
            entry.supersede_answer();
        }
        self.name_models();
        old
    }

    fn swap_shadow(&mut self, shadow: Option<Arc<BoundModel>>) -> Option<Arc<BoundModel>> {
        let old = std::mem::replace(&mut self.shadow, shadow.map(Shadow::new));
        // What another model said is not the new one's.
        self.entries.iter_mut().for_each(|entry| entry.waiting.clear());
        self.name_models();
        old.map(|shadow| shadow.model)
    }

    fn name_models(&mut self) {
        if let Some(shadow) = &self.shadow {
            self.quality.name_model(shadow.hash(), &shadow.info);
        }
        for model in [&self.model, &self.baseline].into_iter().flatten() {
            self.quality.name_model(model.hash, &model.info);
        }
    }

    /// The rows of live quality.
    pub fn quality(&self) -> &QualityWindow {
        &self.quality
    }

    /// Handles the messages in order and leaves the vector empty, ready to be filled again.
    pub fn step(&mut self, now: Instant, messages: &mut Vec<Message>, out: &mut impl Out) {
        let accepted_before = self.metrics.ticks_accepted.get();
        for message in messages.drain(..) {
            match message {
                Message::Ticks(batch) => self.ticks(&batch, out),
                Message::Lane(order) => self.lane(order, out),
                Message::Control(control) => self.control(now, control),
                // Dropping it tells whoever waits that the ticks before it are in the state.
                Message::Marker(marker) => drop(marker),
            }
        }
        self.rows.answer();
        let metrics = &self.metrics;
        if metrics.ticks_accepted.get() > accepted_before {
            metrics.newest_arrival.note(now);
        }
        metrics.steps.add(1);
        metrics.step_nanos.add(now.elapsed().as_nanos() as u64);
        if out.wants_newest() {
            for i in 0..self.touched.len() {
                if let Some(answer) = self.answer(self.touched[i]) {
                    out.newest(answer);
                }
            }
        }
        for i in self.touched.drain(..) {
            self.entries[i].touched = false;
        }
    }

    /// Takes a batch of ticks.
    pub fn ticks(&mut self, batch: &TickBatch, out: &mut impl Out) {
        for symbol in &batch.new_symbols {
            self.names.insert(symbol.id, symbol.clone());
        }
        for tick in &batch.ticks {
            self.tick(tick, out);
        }
    }

    /// Takes one tick; the entry of its symbol if it was accepted.
    fn tick(&mut self, routed: &RoutedTick, out: &mut impl Out) -> Option<usize> {
        let i = match self.index.get(&routed.key) {
            Some(&i) => i,
            None => self.add_symbol(routed.key, routed.position.offset),
        };
        let entry = &mut self.entries[i];
        let loaded = Loaded { model: self.model.as_deref(), baseline: self.baseline.as_deref() };
        let mut scorer = ShardScorer {
            symbol: &entry.symbol,
            loaded,
            shadow: self.shadow.as_ref(),
            waiting: &mut entry.waiting,
            recent: &mut self.recent,
            metrics: &self.metrics,
            horizon_s: self.settings.label.horizon_s,
            quality: &mut self.quality,
            events: &self.events,
            as_of: routed.tick.event_time,
            previous: entry.state.newest().map(|newest| newest.as_of),
            out,
        };
        let admission = entry.state.accept(&routed.tick, routed.position, &self.settings, &mut scorer);
        // Before it is counted: who sees the count may rely on it.
        if admission == Admission::Accepted {
            entry.supersede_answer();
        }
        match admission {
            Admission::Accepted => self.metrics.ticks_accepted.add(1),
            Admission::Late => self.metrics.ticks_late.add(1),
            Admission::Repeated => self.metrics.ticks_repeated.add(1),
            Admission::Jump => self.metrics.ticks_jump.add(1),
        }
        if admission != Admission::Accepted {
            return None;
        }
        self.metrics.newest_tick_nanos.raise(event_nanos(routed.tick.event_time));
        if !entry.touched {
            entry.touched = true;
            self.touched.push(i);
        }
        let hash = entry.state.newest().map_or(0, |newest| newest.model_hash);
        let info = loaded.info(hash);
        entry.is_outdated = false;
        if entry.scored_by.as_ref().map(Arc::as_ptr) != info.map(Arc::as_ptr) {
            entry.scored_by = info.cloned();
        }
        self.count_prediction(i);
        if out.wants_every_tick()
            && let Some(prediction) = self.prediction(i)
        {
            out.prediction(prediction);
        }
        Some(i)
    }

    fn count_prediction(&self, i: usize) {
        let Some(scored) = self.entries[i].state.newest() else { return };
        match scored.status {
            Status::Warming(reason) => {
                // The model has answered these; the answer is withheld.
                let withheld =
                    matches!(reason, WarmingReason::NoThreshold { .. } | WarmingReason::Contradiction { .. });
                self.metrics.rows_scored.add(u64::from(withheld));
                self.metrics.predictions_warming.add(1);
            }
            Status::Ok { probability } => {
                self.metrics.rows_scored.add(1);
                let threshold = self.entries[i].scored_by.as_ref().map_or(f64::INFINITY, |m| m.threshold);
                if probability >= threshold {
                    self.metrics.predictions_spike.add(1);
                } else {
                    self.metrics.predictions_calm.add(1);
                }
            }
        }
    }

    fn add_symbol(&mut self, key: SymbolKey, origin: Offset) -> usize {
        let symbol = self
            .names
            .get(&key.symbol)
            .expect("a batch names its new symbols before their first tick")
            .clone();
        let ownership = self.ownerships.get(&key.partition);
        let state_from = ownership.map_or(StateFrom::Origin, |ownership| ownership.state_from(origin));
        let state = Box::new(SymbolState::new(origin.0, state_from, &self.settings));
        self.insert(Entry {
            symbol,
            key,
            state,
            scored_by: None,
            is_outdated: false,
            answer: None,
            waiting: Waiting::default(),
            touched: false,
        })
    }

    fn insert(&mut self, entry: Entry) -> usize {
        if let Some(&i) = self.index.get(&entry.key) {
            self.entries[i] = entry;
            return i;
        }
        let i = self.entries.len();
        self.index.insert(entry.key, i);
        if entry.symbol.is_simulated() {
            self.metrics.symbols_simulated.add(1);
        }
        self.entries.push(entry);
        self.metrics.symbols.set(self.entries.len() as u64);
        i
    }

    /// The prediction of an entry's newest tick by the model that scored the tick, once one was accepted.
    fn prediction(&self, i: usize) -> Option<Prediction> {
        let entry = &self.entries[i];
        Some(self.prediction_of(entry, *entry.state.newest()?, entry.scored_by.clone()))
    }

    fn prediction_of(&self, entry: &Entry, scored: Scored, model: Option<Arc<ModelInfo>>) -> Prediction {
        Prediction {
            symbol: entry.symbol.clone(),
            scored,
            model,
            partition: entry.key.partition,
            origin: Offset(entry.state.origin),
            config_hash: self.config_hash,
            state_from: entry.state.state_from,
        }
    }

    /// The loaded model's newest prediction of an entry with its encoding, made at most once a tick and swap.
    fn answer(&mut self, i: usize) -> Option<Arc<Answer>> {
        if self.entries[i].answer.is_none() {
            self.entries[i].answer = Some(Arc::new(Answer::new(self.newest(i, None)?)));
        }
        self.entries[i].answer.clone()
    }

    fn summary(&self, i: usize) -> Option<SymbolSummary> {
        let Entry { symbol, key, state, .. } = &self.entries[i];
        let newest = state.newest()?;
        let known = state.row().iter().filter(|value| !value.is_nan()).count();
        Some(SymbolSummary {
            symbol: symbol.clone(),
            key: *key,
            newest_tick: newest.as_of,
            ticks_accepted: state.ticks_accepted,
            warm: known as f64 / FEATURE_COUNT as f64,
            // With enough ticks a row is scored by whichever model is loaded, also by one that was loaded after it.
            ready: match newest.status {
                Status::Ok { .. } | Status::Warming(WarmingReason::NoModel) => self.model.is_some(),
                Status::Warming(_) => false,
            },
            price: state.newest_price()?,
        })
    }

    fn features_of(&self, key: SymbolKey, model: Option<Arc<Model>>) -> Option<FeaturesAnswer> {
        let i = *self.index.get(&key)?;
        Some(FeaturesAnswer {
            row: self.entries[i].state.row().to_vec(),
            prediction: self.newest(i, self.pinned(model).as_ref())?,
            summary: self.summary(i)?,
        })
    }

    /// A reply that nobody waits for any more is dropped: the sender of the question has gone.
    fn control(&mut self, now: Instant, control: Control) {
        match control {
            Control::Predict { symbols, model, deadline, reply } => {
                if self.expired(now, deadline, reply.is_closed()) {
                    return;
                }
                let _ = reply.send(self.answers(&symbols, model));
            }
            Control::ScoreRows { model, rows, deadline, reply } => {
                if self.expired(now, deadline, reply.is_closed()) {
                    return;
                }
                self.rows.push(model, rows, reply);
            }
            Control::Features { symbol, model, reply } => {
                let _ = reply.send(self.features_of(symbol, model));
            }
            Control::Symbols { reply } => {
                let _ = reply.send((0..self.entries.len()).filter_map(|i| self.summary(i)).collect());
            }
            Control::SwapModel { model, reply } => {
                // Between batches; the old model goes back, to be dropped off the shard. Whoever does not wait for it
                // any more has given the swap up.
                let old = self.swap_model(model);
                if let Err(old) = reply.send(old) {
                    self.swap_model(old);
                }
            }
            Control::SwapShadow { model, reply } => {
                let old = self.swap_shadow(model);
                if let Err(old) = reply.send(old) {
                    self.swap_shadow(old);
                }
            }
            Control::RecentRows { reply } => {
                let _ = reply.send(self.recent.read());
            }
            Control::Quality { reply } => {
                let _ = reply.send(self.quality.read());
            }
            Control::Snapshot { symbol, reply } => {
                let _ = reply.send(self.snapshot(symbol));
            }
            Control::Restore { symbol, key, snapshot, reply } => {
                let _ = reply.send(self.restore(symbol, key, &snapshot));
            }
        }
    }

    fn expired(&self, now: Instant, deadline: Instant, abandoned: bool) -> bool {
        let expired = abandoned || now > deadline;
        if expired {
            self.metrics.questions_expired.add(1);
        }
        expired
    }

    /// Puts a snapshot in the place of the symbol's state.
    ///
    /// # Errors
    /// [`SnapshotError`] when its bytes are not a whole state of this version and these settings.
    pub fn restore(
        &mut self,
        symbol: Arc<Symbol>,
        key: SymbolKey,
        bytes: &[u8],
    ) -> Result<(), SnapshotError> {
        let state = Box::new(snapshot::decode(&symbol.name, self.snapshot_fingerprint(&symbol), bytes)?);
        self.names.insert(symbol.id, symbol.clone());
        self.metrics.newest_tick_nanos.raise(state.clock().map_or(0, event_nanos));
        self.metrics.restored.add(1);
        if state.newest().is_some_and(|newest| matches!(newest.status, Status::Ok { .. })) {
            self.metrics.restored_with_probability.add(1);
        }
        self.insert(Entry {
            symbol,
            key,
            state,
            scored_by: None,
            is_outdated: true,
            answer: None,
            waiting: Waiting::default(),
            touched: false,
        });
        Ok(())
    }

    /// The fingerprint of a symbol's snapshots: other settings, features or another symbol, another fingerprint.
    fn snapshot_fingerprint(&self, symbol: &Symbol) -> u64 {
        self.config_hash ^ xxhash_rust::xxh3::xxh3_64(symbol.name.as_bytes())
    }

    /// The state of a symbol as bytes.
    pub fn snapshot(&self, key: SymbolKey) -> Option<Vec<u8>> {
        let entry = &self.entries[*self.index.get(&key)?];
        Some(snapshot::encode(&entry.state, self.snapshot_fingerprint(&entry.symbol)))
    }

    /// The keys of all symbols with state.
    pub fn keys(&self) -> Vec<SymbolKey> {
        self.entries.iter().map(|entry| entry.key).collect()
    }
}

/// An event time as the metrics keep it; one before 1970 counts as none.
fn event_nanos(event_time: EventTime) -> u64 {
    u64::try_from(event_time.nanos()).unwrap_or(0)
}

/// Scores with the shard's model and counts.
struct ShardScorer<'a, O> {
    symbol: &'a Arc<Symbol>,
    loaded: Loaded<'a>,
    shadow: Option<&'a Shadow>,
    /// The symbol's.
    waiting: &'a mut Waiting,
    recent: &'a mut recent::RecentRows,
    metrics: &'a ShardMetrics,
    /// Seconds ahead that outcomes look.
    horizon_s: u32,
    quality: &'a mut QualityWindow,
    events: &'a EventLog,
    /// Event time of the tick.
    as_of: EventTime,
    /// Event time of the one before.
    previous: Option<EventTime>,
    out: &'a mut O,
}

impl<O: Out> Scorer for ShardScorer<'_, O> {
    fn score(&mut self, row: &Row) -> Option<f64> {
        self.loaded.score(row)
    }

    fn baseline_score(&mut self, row: &Row) -> Option<f64> {
        self.loaded.baseline_score(row)
    }

    fn baseline_hash(&self) -> u64 {
        self.loaded.baseline_hash()
    }

    fn changed(&mut self, change: Change) {
        self.events.note(Some(self.symbol), Some(self.as_of), Happening::Feedback(change));
    }

    fn model_hash(&self) -> u64 {
        self.loaded.model_hash()
    }

    fn grid_row(&mut self, row: GridRow<'_>) {
        if row.pending.probability.is_some() {
            self.metrics.grid_rows_scored.add(1);
            self.recent.push(row.row);
            if let Some(shadow) = self.shadow {
                shadow.score(row.row, row.pending.second, self.horizon_s, self.waiting);
            }
        }
        self.out.grid_row(self.symbol, row);
    }

    fn predicts_label(&self) -> bool {
        let horizon_s = self.loaded.model.map_or(0, |model| model.info.horizon_s);
        [0, self.horizon_s].contains(&horizon_s)
    }

    fn outcome(&mut self, outcome: Outcome) {
        // Only what was predicted, for the horizon that was looked at, has an outcome to count.
        let is_ours = self.predicts_label();
        if is_ours && outcome.pending.probability.is_some() {
            self.count_outcome(&outcome);
        }
        if is_ours && let Some(row) = QualityRow::of(self.symbol.id, &outcome) {
            self.quality.push(row);
        }
        if let Some(shadow) = self.shadow
            && let Some(row) = shadow.quality_row(self.symbol.id, &outcome, self.horizon_s, self.waiting)
        {
            self.quality.push(row);
        }
        self.out.outcome(self.symbol, &outcome);
    }

    fn gap(&mut self) {
        self.metrics.gaps.add(1);
        if let Some(previous) = self.previous {
            let silence_s = (self.as_of.nanos() - previous.nanos()) as f64 / NANOS_PER_SECOND as f64;
            self.events.note(Some(self.symbol), Some(self.as_of), Happening::Gap { silence_s });
        }
    }

    fn side_inferred(&mut self) {
        self.metrics.sides_inferred.add(1);
    }
}

impl<O> ShardScorer<'_, O> {
    fn count_outcome(&self, outcome: &Outcome) {
        if outcome.spike() {
            self.metrics.outcomes_spike.add(1);
        } else {
            self.metrics.outcomes_calm.add(1);
        }
    }
}
