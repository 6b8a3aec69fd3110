//! The shard: the state of its symbols, changed by messages, without I/O.
//!
//! [`ShardCore::step`] is a plain synchronous function over owned state; the runtimes only decide when it is called.
//! No lock, no clock but the instant passed in, and no allocation per tick once a symbol is known.

mod batch;
mod control;
mod effects;
mod entry;
mod out;
mod ownership;
mod recent;
mod rescore;
mod rows;
mod shadow;

use std::{sync::Arc, time::Instant};

use model::ModelInfo;
use rustc_hash::FxHashMap;

use entry::Entry;
pub use out::{NoOut, Out, Wanted};
pub use shadow::SHADOW_VARIANT;
use shadow::{Shadow, Waiting};

use crate::{
    bound_model::BoundModel,
    events::EventLog,
    message::{Answer, Message, RoutedTick},
    metrics::ShardMetrics,
    prediction::{Prediction, Scored, StateFrom, Status, WarmingReason},
    quality::{QualitySettings, QualityWindow},
    scoring::Scoring,
    snapshot::{self, SnapshotError},
    state::{Effect, StateSettings, SymbolState, guard::Admission},
    symbol::{Offset, Symbol, SymbolId, SymbolKey},
    tick::EventTime,
};

/// The state of one shard.
pub struct ShardCore {
    settings: StateSettings,
    config_hash: u64,
    scoring: Scoring,
    /// The shadow model: it scores the grid instants for live quality; nobody gets its predictions.
    shadow: Option<Shadow>,
    recent: recent::RecentRows,
    quality: QualityWindow,
    events: Arc<EventLog>,
    index: FxHashMap<SymbolKey, usize>,
    entries: Vec<Entry>,
    names: FxHashMap<SymbolId, Arc<Symbol>>,
    /// Indexes of the entries that accepted a tick in this step.
    touched: Vec<usize>,
    /// The buffer of one tick's effects; empty between ticks.
    effects: Vec<Effect>,
    /// Rows of this step that wait to be scored.
    rows: rows::PendingRows,
    /// The lanes' ownerships of partitions.
    ownerships: ownership::Ownerships,
    metrics: Arc<ShardMetrics>,
}

impl ShardCore {
    /// A shard without symbols.
    pub fn new(settings: StateSettings, model: Option<Arc<BoundModel>>, metrics: Arc<ShardMetrics>) -> Self {
        let mut core = Self {
            settings,
            config_hash: settings.fingerprint(),
            scoring: Scoring::default(),
            shadow: None,
            recent: recent::RecentRows::default(),
            quality: QualityWindow::new(QualitySettings::default(), settings.label.horizon_s),
            events: Arc::default(),
            index: FxHashMap::default(),
            entries: Vec::new(),
            names: FxHashMap::default(),
            touched: Vec::new(),
            effects: Vec::new(),
            rows: rows::PendingRows::default(),
            ownerships: ownership::Ownerships::default(),
            metrics,
        };
        core.swap_model(model);
        core
    }

    /// Sets the bounds on the rows that live quality keeps.
    pub fn with_quality(mut self, settings: QualitySettings) -> Self {
        self.quality = QualityWindow::new(settings, self.settings.label.horizon_s);
        self.name_models();
        self
    }

    /// Sets the baseline, which replaces the loaded model for a symbol while that does worse there.
    pub fn with_baseline(mut self, baseline: Option<Arc<BoundModel>>) -> Self {
        self.scoring.baseline = baseline;
        self.name_models();
        self
    }

    /// Sets the log in which the shard notes its events.
    pub fn with_events(mut self, events: Arc<EventLog>) -> Self {
        self.events = events;
        self
    }

    /// Keeps the newest `rows_max` grid rows, on which a new model is tried before it is activated.
    pub fn with_recent_rows(mut self, rows_max: usize) -> Self {
        self.recent = recent::RecentRows::new(rows_max);
        self
    }

    fn swap_model(&mut self, model: Option<Arc<BoundModel>>) -> Option<Arc<BoundModel>> {
        let old = std::mem::replace(&mut self.scoring.model, model);
        for entry in &mut self.entries {
            entry.is_outdated = true;
            entry.supersede_answer();
        }
        self.name_models();
        old
    }

    fn swap_shadow(&mut self, shadow: Option<Arc<BoundModel>>) -> Option<Arc<BoundModel>> {
        let old = std::mem::replace(&mut self.shadow, shadow.map(Shadow::new));
        // The waiting probabilities are those of the old shadow model.
        self.entries.iter_mut().for_each(|entry| entry.waiting.clear());
        self.name_models();
        old.map(|shadow| shadow.model)
    }

    fn name_models(&mut self) {
        if let Some(shadow) = &self.shadow {
            self.quality.name_model(shadow.hash(), &shadow.info);
        }
        for model in [&self.scoring.model, &self.scoring.baseline].into_iter().flatten() {
            self.quality.name_model(model.hash(), model.info());
        }
    }

    /// The grid rows with a known outcome, for live quality.
    pub fn quality(&self) -> &QualityWindow {
        &self.quality
    }

    /// Handles the messages in order and leaves the vector empty for reuse.
    pub fn step(&mut self, now: Instant, messages: &mut Vec<Message>, out: &mut impl Out) {
        let accepted_before = self.metrics.ticks_accepted.get();
        for message in messages.drain(..) {
            match message {
                Message::Ticks(batch) => self.ticks(&batch, out),
                Message::Partition(order) => self.order(order),
                Message::Control(control) => self.control(now, control),
                // Dropping it signals that the ticks before it are in the states.
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
        let is_newest_wanted = out.wanted() == Wanted::NewestOfStep;
        let mut touched = std::mem::take(&mut self.touched);
        for i in touched.drain(..) {
            self.entries[i].touched = false;
            if is_newest_wanted && let Some(answer) = self.answer(i) {
                out.prediction(answer);
            }
        }
        self.touched = touched;
    }

    /// Passes a tick to its symbol's state; returns the index of the symbol's entry if the tick was accepted.
    fn tick(&mut self, routed: &RoutedTick, out: &mut impl Out) -> Option<usize> {
        let i = match self.index.get(&routed.key) {
            Some(&i) => i,
            None => self.add_symbol(routed.key, routed.position.offset),
        };
        let tick = &routed.tick;
        let state = &mut self.entries[i].state;
        let admission = state.accept(tick, routed.position, &self.settings, &self.scoring, &mut self.effects);
        if !self.effects.is_empty() {
            self.take_effects(i, tick.event_time, out);
        }
        let entry = &mut self.entries[i];
        // Before it is counted, because readers of the count may rely on it.
        if admission == Admission::Accepted {
            entry.supersede_answer();
        }
        match admission {
            Admission::Accepted => self.metrics.ticks_accepted.add(1),
            Admission::Late => self.metrics.ticks_late.add(1),
            Admission::Repeated => self.metrics.ticks_repeated.add(1),
            Admission::Jump => self.metrics.ticks_jump.add(1),
            Admission::Outlier => self.metrics.ticks_outlier.add(1),
        }
        if admission != Admission::Accepted {
            return None;
        }
        self.metrics.newest_tick_nanos.raise(event_nanos(routed.tick.event_time));
        if !entry.touched {
            entry.touched = true;
            self.touched.push(i);
        }
        entry.is_outdated = false;
        let hash = entry.state.newest().map_or(0, |newest| newest.model_hash);
        let info = self.scoring.info(hash);
        if entry.scored_by.as_ref().map(Arc::as_ptr) != info.map(Arc::as_ptr) {
            entry.scored_by = info.cloned();
        }
        self.count_prediction(i);
        if out.wanted() == Wanted::EveryTick
            && let Some(answer) = self.answer(i)
        {
            out.prediction(answer);
        }
        Some(i)
    }

    fn count_prediction(&self, i: usize) {
        let Some(scored) = self.entries[i].state.newest() else { return };
        match scored.status {
            Status::Warming(reason) => {
                // The model has scored these; the probability is withheld.
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

    /// The prediction of an entry's newest tick by the model that scored it; `None` before the first accepted tick.
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

    /// The loaded model's newest prediction of an entry with its JSON, encoded at most once for each tick and model
    /// swap.
    fn answer(&mut self, i: usize) -> Option<Arc<Answer>> {
        if self.entries[i].answer.is_none() {
            self.entries[i].answer = Some(Arc::new(Answer::new(self.newest(i, None)?)));
        }
        self.entries[i].answer.clone()
    }

    /// Replaces the symbol's state by a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are not a whole state of this version and these settings.
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

    /// The fingerprint in a symbol's snapshots: of the settings, the features and the symbol's name.
    fn snapshot_fingerprint(&self, symbol: &Symbol) -> u64 {
        self.config_hash ^ xxhash_rust::xxh3::xxh3_64(symbol.name.as_bytes())
    }

    /// A snapshot of the symbol's state; `None` without state.
    pub fn snapshot(&self, key: SymbolKey) -> Option<Vec<u8>> {
        let entry = &self.entries[*self.index.get(&key)?];
        Some(snapshot::encode(&entry.state, self.snapshot_fingerprint(&entry.symbol)))
    }

    /// The keys of all symbols with state.
    pub fn keys(&self) -> Vec<SymbolKey> {
        self.entries.iter().map(|entry| entry.key).collect()
    }
}

/// An event time as the metrics hold it; a time before 1970 becomes 0, which means none.
fn event_nanos(event_time: EventTime) -> u64 {
    u64::try_from(event_time.nanos()).unwrap_or(0)
}
