//! The handle through which a front end asks the engine. A question goes to a shard's mailbox; its answer comes back
//! through a oneshot channel.

mod gather;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use model::Model;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::oneshot,
};

use crate::{
    bound_model::BoundModel,
    events::EventLog,
    features::Row,
    intake::{Delivery, Intake, Names, Patience},
    mailbox::{Mailbox, PushError, Queue},
    message::{Answer, Control, FeaturesAnswer, HistoryAnswer, Message, SymbolSummary},
    metrics::{EngineMetrics, ShardMetrics},
    owners::OwnerTable,
    quality::QualityReport,
    route::{Place, RouteTable},
    runtime::{Liveness, RuntimeReport, ShardState},
    stop::StopToken,
    symbol::{ResolveError, Symbol, SymbolKey, SymbolTable},
};

/// A shard that leaves a message in its mailbox for longer than this makes the service not ready.
const STALL_MAX: Duration = Duration::from_secs(1);

/// Wait before a question is sent again to a mailbox that was full.
const FULL_WAIT: Duration = Duration::from_millis(1);

/// Builds the control message that gives a shard a model and returns its old one.
type Order = fn(Option<Arc<BoundModel>>, oneshot::Sender<Option<Arc<BoundModel>>>) -> Control;

/// The reason why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The shard's control queue is full: HTTP 503 with Retry-After.
    #[error("the shard's queue is full; retry after a second")]
    Full,
    /// The deadline passed: HTTP 504.
    #[error("the shard did not answer before the deadline")]
    Deadline,
    /// The engine is stopping: HTTP 503.
    #[error("the engine is stopping")]
    Closed,
}

/// The engine as front ends see it. Cheap to clone; every front thread has one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineHandle {
    /// The mailbox of each shard.
    pub mailboxes: Arc<[Arc<Mailbox<Message>>]>,
    /// The symbols by name and by number.
    pub symbols: Arc<SymbolTable>,
    /// The partition of each symbol and the shard of each partition.
    pub routes: Arc<RouteTable>,
    /// The processes that own the partitions which this one does not.
    pub owners: Arc<OwnerTable>,
    /// The loaded model. It also drives the stream, unless it scores given rows only. `None`: "Model not loaded".
    pub model: Arc<ArcSwapOption<Model>>,
    /// The counters of the engine.
    pub metrics: EngineMetrics,
    /// The runtime that drives the shards, and why.
    pub runtime: RuntimeReport,
    /// The shards' health; `None` if no runtime drives them.
    pub liveness: Option<Liveness>,
    /// The newest predictions, for the live stream.
    pub board: Arc<crate::board::Board>,
    /// The newest events, for people.
    pub events: Arc<EventLog>,
}

impl EngineHandle {
    /// A handle to shards that the caller drives itself, as the tests of a front end do: one mailbox and one set of
    /// counters a shard, no model, no watchdog, an empty board. A running engine gives
    /// [`Engine::handle`](crate::Engine::handle).
    pub fn with_shards(
        mailboxes: Arc<[Arc<Mailbox<Message>>]>,
        metrics: Vec<Arc<ShardMetrics>>,
        symbols: Arc<SymbolTable>,
        routes: Arc<RouteTable>,
        runtime: RuntimeReport,
    ) -> Self {
        assert_eq!(mailboxes.len(), metrics.len(), "a shard has one mailbox and one set of counters");
        Self {
            mailboxes,
            symbols,
            routes,
            owners: Arc::default(),
            model: Arc::default(),
            metrics: EngineMetrics {
                shards: metrics,
                ingest: Arc::default(),
                lanes: Arc::default(),
                live: Arc::default(),
            },
            runtime,
            liveness: None,
            board: Arc::default(),
            events: Arc::default(),
        }
    }

    /// A way to send the ticks of one source to the shards; `stop` ends its waits.
    pub fn intake(&self, stop: StopToken) -> Intake {
        let (symbols, routes) = (self.symbols.clone(), self.routes.clone());
        Intake::new(symbols, routes, self.mailboxes.clone(), self.metrics.ingest.clone(), stop)
    }

    /// The table of names for a source that knows the partitions of its records.
    pub fn names(&self) -> Names {
        Names::new(self.symbols.clone(), self.routes.clone(), self.metrics.ingest.clone())
    }

    /// The way to the shards for such a source; `patience` bounds its waits.
    pub fn delivery(&self, patience: Patience) -> Delivery {
        Delivery::new(self.mailboxes.clone(), self.metrics.ingest.clone(), patience)
    }

    /// Number of shards that take messages and have left none untouched for a second; all of them if no runtime drives
    /// the shards.
    pub fn shards_alive(&self) -> usize {
        let Some(liveness) = &self.liveness else { return self.mailboxes.len() };
        let stalled = liveness.stalled_for();
        let well = |(state, stalled): &(ShardState, Duration)| {
            *state == ShardState::Running && *stalled <= STALL_MAX
        };
        liveness.states().into_iter().zip(stalled).filter(well).count()
    }

    /// The symbol of this name and the place of its records, in this process or another.
    ///
    /// # Errors
    /// [`ResolveError`] when the name is unknown or ambiguous.
    pub fn locate(&self, name: &str) -> Result<(Arc<Symbol>, Place), ResolveError> {
        let symbol = self.symbols.resolve(name)?;
        match self.routes.place_of(symbol.id) {
            Some(place) => Ok((symbol, place)),
            None => Err(ResolveError::Unknown(name.to_owned())),
        }
    }

    /// The newest prediction of each symbol, in order; `None` for a symbol without state here. Each shard gets one
    /// message.
    ///
    /// If `model` is given, it scores all symbols, even while the shards change to another one. Otherwise each shard
    /// scores by its loaded model.
    ///
    /// # Errors
    /// [`AskError`] if any shard refuses or is late.
    pub async fn predict(
        &self,
        symbols: &[SymbolKey],
        model: Option<&Arc<Model>>,
        deadline: Instant,
    ) -> Result<Vec<Option<Arc<Answer>>>, AskError> {
        let mut by_shard: Vec<Vec<usize>> = vec![Vec::new(); self.mailboxes.len()];
        for (i, key) in symbols.iter().enumerate() {
            if let Some(shard) = self.routes.shard_of(key.partition) {
                by_shard[shard].push(i);
            }
        }
        let mut pending = Vec::new();
        for (shard, indexes) in by_shard.into_iter().enumerate().filter(|(_, list)| !list.is_empty()) {
            let asked: Vec<SymbolKey> = indexes.iter().map(|&i| symbols[i]).collect();
            let model = model.cloned();
            let answer =
                self.send(shard, |reply| Control::Predict { symbols: asked, model, deadline, reply })?;
            pending.push((indexes, answer));
        }
        let mut predictions = vec![None; symbols.len()];
        for (indexes, answer) in pending {
            for (i, prediction) in indexes.into_iter().zip(wait(answer, deadline).await?) {
                predictions[i] = prediction;
            }
        }
        Ok(predictions)
    }

    /// The newest prediction of one symbol; `None` if it has no state here. On a current-thread runtime, questions that
    /// arrive together are sent in one message.
    ///
    /// # Errors
    /// [`AskError`] if the shard refuses or is late.
    pub async fn predict_one(
        &self,
        symbol: SymbolKey,
        deadline: Instant,
    ) -> Result<Option<Arc<Answer>>, AskError> {
        let Some(shard) = self.routes.shard_of(symbol.partition) else { return Ok(None) };
        if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            return gather::ask(&self.mailboxes[shard], symbol, deadline).await;
        }
        let ask = |reply| Control::Predict { symbols: vec![symbol], model: None, deadline, reply };
        Ok(self.ask(shard, deadline, ask).await?.pop().flatten())
    }

    /// Scores rows whose columns are in the order of `model.info().features`, on the shard with the shortest queue.
    /// Returns `model.answer_count()` numbers for each row.
    ///
    /// # Errors
    /// [`AskError`] if the shard refuses or is late.
    pub async fn score_rows(
        &self,
        model: Arc<Model>,
        rows: Vec<f64>,
        deadline: Instant,
    ) -> Result<Vec<f64>, AskError> {
        let shard = (0..self.mailboxes.len())
            .min_by_key(|&s| self.mailboxes[s].depth(Queue::Control))
            .ok_or(AskError::Closed)?;
        self.ask(shard, deadline, |reply| Control::ScoreRows { model, rows, deadline, reply }).await
    }

    /// The features behind a symbol's newest prediction, and that prediction by `model`, or by the loaded one; `None`
    /// if the symbol has no state here.
    ///
    /// # Errors
    /// [`AskError`] if the shard refuses or is late.
    pub async fn features(
        &self,
        symbol: SymbolKey,
        model: Option<Arc<Model>>,
        deadline: Instant,
    ) -> Result<Option<FeaturesAnswer>, AskError> {
        let Some(shard) = self.routes.shard_of(symbol.partition) else { return Ok(None) };
        self.ask(shard, deadline, |reply| Control::Features { symbol, model, reply }).await
    }

    /// What was predicted for a symbol in the last `minutes`, and what came of it; `None` if the symbol has no state here.
    ///
    /// # Errors
    /// [`AskError`] if the shard refuses or is late.
    pub async fn history(
        &self,
        symbol: SymbolKey,
        minutes: u32,
        deadline: Instant,
    ) -> Result<Option<HistoryAnswer>, AskError> {
        let Some(shard) = self.routes.shard_of(symbol.partition) else { return Ok(None) };
        self.ask(shard, deadline, |reply| Control::History { symbol, minutes, reply }).await
    }

    /// Every symbol with state, sorted by name.
    ///
    /// # Errors
    /// [`AskError`] if a shard refuses or is late.
    pub async fn summaries(&self, deadline: Instant) -> Result<Vec<SymbolSummary>, AskError> {
        let mut all = Vec::new();
        for shard in 0..self.mailboxes.len() {
            all.extend(self.ask(shard, deadline, |reply| Control::Symbols { reply }).await?);
        }
        all.sort_by(|a, b| a.symbol.name.cmp(&b.symbol.name));
        Ok(all)
    }

    /// The quality of the predictions over the configured window of event time, from all rows that the shards hold now.
    /// It is computed on a thread for blocking work.
    ///
    /// # Errors
    /// [`AskError`] if a shard refuses or is late.
    pub async fn quality(&self, deadline: Instant) -> Result<QualityReport, AskError> {
        let mut asked = Vec::with_capacity(self.mailboxes.len());
        for shard in 0..self.mailboxes.len() {
            asked.push(self.send(shard, |reply| Control::Quality { reply })?);
        }
        let mut shards = Vec::with_capacity(asked.len());
        for answer in asked {
            shards.push(wait(answer, deadline).await?);
        }
        let symbols = self.symbols.clone();
        let make = move || QualityReport::new(&shards, |id| symbols.by_id(id).map(|s| s.name.clone()));
        // The runtime refuses work only when it ends.
        tokio::task::spawn_blocking(make).await.map_err(|_| AskError::Closed)
    }

    /// Exchanges the model on every shard, or on none. `bound` is the same model bound to the engine's row; `None` if
    /// it scores posted rows only. A shard uses it from its next batch on; the old models are dropped here, not on the
    /// shards. Only one caller may do this at a time, and it notes the event.
    ///
    /// # Errors
    /// [`AskError`] if a shard refuses or is late. Every shard keeps its former model then.
    pub async fn exchange_model(
        &self,
        model: Option<Arc<Model>>,
        bound: Option<Arc<BoundModel>>,
        timeout: Duration,
    ) -> Result<(), AskError> {
        self.exchange(bound, timeout, |model, reply| Control::SwapModel { model, reply }).await?;
        self.model.store(model);
        Ok(())
    }

    /// Exchanges the shadow model, which scores the grid instants beside the loaded one, on every shard or on none.
    /// `None` ends the shadow.
    ///
    /// # Errors
    /// [`AskError`] if a shard refuses or is late. Every shard keeps its former shadow then.
    pub async fn exchange_shadow(
        &self,
        bound: Option<Arc<BoundModel>>,
        timeout: Duration,
    ) -> Result<(), AskError> {
        self.exchange(bound, timeout, |model, reply| Control::SwapShadow { model, reply }).await
    }

    /// Gives every shard a model by this message. If one shard does not take it, the shards before it get their old
    /// models back.
    async fn exchange(
        &self,
        bound: Option<Arc<BoundModel>>,
        timeout: Duration,
        order: Order,
    ) -> Result<(), AskError> {
        let deadline = Instant::now() + timeout;
        let mut replaced = Vec::with_capacity(self.mailboxes.len());
        for shard in 0..self.mailboxes.len() {
            match self.exchange_on(shard, bound.clone(), deadline, order).await {
                Ok(old) => replaced.push(old),
                Err(error) => {
                    let deadline = Instant::now() + timeout;
                    for (shard, old) in replaced.into_iter().enumerate() {
                        if let Err(error) = self.exchange_on(shard, old, deadline, order).await {
                            tracing::error!(shard, %error, "the shard did not take its model back");
                        }
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Exchanges the model of one shard. An error means that the shard did not take the model, even if it was late.
    async fn exchange_on(
        &self,
        shard: usize,
        bound: Option<Arc<BoundModel>>,
        deadline: Instant,
        order: Order,
    ) -> Result<Option<Arc<BoundModel>>, AskError> {
        let mut answer = self.send_when_free(shard, deadline, |reply| order(bound.clone(), reply)).await?;
        if let Ok(answered) = tokio::time::timeout_at(deadline.into(), &mut answer).await {
            return answered.map_err(|_| AskError::Closed);
        }
        // From here on the shard cannot send its answer, and without that it does not swap.
        answer.close();
        answer.try_recv().map_err(|_| AskError::Deadline)
    }

    /// The newest grid rows that the shards scored, shard after shard, each shard's oldest row first.
    ///
    /// # Errors
    /// [`AskError`] if a shard refuses or is late.
    pub async fn recent_rows(&self, deadline: Instant) -> Result<Vec<Row>, AskError> {
        let mut rows = Vec::new();
        for shard in 0..self.mailboxes.len() {
            let answer = self.send_when_free(shard, deadline, |reply| Control::RecentRows { reply }).await?;
            rows.extend(wait(answer, deadline).await?);
        }
        Ok(rows)
    }

    /// Sends one question and waits for its answer.
    ///
    /// # Errors
    /// [`AskError`] if the shard refuses or is late.
    pub async fn ask<T>(
        &self,
        shard: usize,
        deadline: Instant,
        question: impl FnOnce(oneshot::Sender<T>) -> Control,
    ) -> Result<T, AskError> {
        wait(self.send(shard, question)?, deadline).await
    }

    /// Sends a question that must not fail because requests fill the mailbox: on a full mailbox it waits and sends
    /// again until the deadline. A shard empties its mailbox within milliseconds.
    async fn send_when_free<T>(
        &self,
        shard: usize,
        deadline: Instant,
        question: impl Fn(oneshot::Sender<T>) -> Control,
    ) -> Result<oneshot::Receiver<T>, AskError> {
        loop {
            match self.send(shard, &question) {
                Err(AskError::Full) if Instant::now() < deadline => tokio::time::sleep(FULL_WAIT).await,
                sent => return sent,
            }
        }
    }

    fn send<T>(
        &self,
        shard: usize,
        question: impl FnOnce(oneshot::Sender<T>) -> Control,
    ) -> Result<oneshot::Receiver<T>, AskError> {
        push(&self.mailboxes[shard], question)
    }
}

fn push<T>(
    mailbox: &Mailbox<Message>,
    question: impl FnOnce(oneshot::Sender<T>) -> Control,
) -> Result<oneshot::Receiver<T>, AskError> {
    let (reply, answer) = oneshot::channel();
    match mailbox.push(Queue::Control, Message::Control(question(reply))) {
        Ok(()) => Ok(answer),
        Err(PushError::Full(_)) => Err(AskError::Full),
        Err(PushError::Closed(_)) => Err(AskError::Closed),
    }
}

async fn wait<T>(answer: oneshot::Receiver<T>, deadline: Instant) -> Result<T, AskError> {
    match tokio::time::timeout_at(deadline.into(), answer).await {
        Ok(Ok(answer)) => Ok(answer),
        // A shard drops the sender of an expired question.
        Ok(Err(_)) if Instant::now() >= deadline => Err(AskError::Deadline),
        Ok(Err(_)) => Err(AskError::Closed),
        Err(_) => Err(AskError::Deadline),
    }
}
