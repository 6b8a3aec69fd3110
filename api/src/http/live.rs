//! The live stream: one task takes predictions from the engine's board, encodes each once and sends it to all watchers.
//!
//! Each watcher has a bounded queue. One that reads too slowly loses the oldest events and is told their number.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use engine::{
    message::Answer,
    symbol::{SymbolId, SymbolKey},
};
use tokio::sync::{
    Notify,
    broadcast::{self, error::RecvError, error::TryRecvError},
    mpsc,
};

use super::{
    answer::{wall_clock_nanos, write_prediction},
    app::{App, draining},
};

/// Most events that a watcher may be behind before it loses the oldest.
const BEHIND_MAX: usize = 4_096;
/// Most events in one chunk.
const EVENTS_PER_CHUNK_MAX: usize = 64;
/// Interval at which the board is read while somebody watches.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Silence after which a comment is sent, so that proxies keep the connection.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);

/// One encoded prediction.
#[derive(Clone, Debug)]
struct Event {
    symbol: SymbolId,
    bytes: Bytes,
}

/// The sender of events to all watchers.
#[derive(Debug)]
pub struct Live {
    events: broadcast::Sender<Event>,
    watched: Notify,
}

impl Default for Live {
    fn default() -> Self {
        Self { events: broadcast::Sender::new(BEHIND_MAX), watched: Notify::new() }
    }
}

impl Live {
    /// Number of watchers.
    pub fn watchers(&self) -> usize {
        self.events.receiver_count()
    }
}

/// Sends the board's predictions to the watchers; one task for the process. Ends when the service drains.
pub(super) async fn fan_out(app: Arc<App>) {
    let mut drain = app.drain_signal();
    let mut retold = Retold::new(&app);
    loop {
        if !app.engine.board.is_watched() {
            tokio::select! {
                () = app.live.watched.notified() => {}
                () = draining(&mut drain) => return,
            }
            // Drops predictions that were posted for earlier watchers, which are too old to show.
            while app.engine.board.take().is_some() {}
            // A new watcher gets the newest predictions first.
            retold = Retold::new(&app);
        }
        let now_nanos = wall_clock_nanos();
        for _ in 0..engine::limits::BOARD_CAPACITY {
            let Some(answer) = app.engine.board.take() else { break };
            // An error means that the last watcher has just left.
            let _ = app.live.events.send(encode(&app, &answer, now_nanos));
        }
        retold.tell(&app).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = draining(&mut drain) => return,
        }
    }
}

/// Sends the newest predictions again after a model swap, because a symbol without a new tick posts none itself.
struct Retold {
    /// SHA-256 of the model whose predictions the watchers have.
    model: Option<String>,
    /// Symbols whose prediction by that model is still to be sent.
    keys: Vec<SymbolKey>,
}

impl Retold {
    fn new(app: &App) -> Self {
        Self { model: loaded_sha256(app), keys: Vec::new() }
    }

    /// Sends a bounded number of predictions, so that a watcher who reads is not left behind.
    async fn tell(&mut self, app: &App) {
        let model = loaded_sha256(app);
        if model != self.model {
            *self = Self { model, keys: current_keys(app, None) };
        }
        let from = self.keys.len().saturating_sub(EVENTS_PER_CHUNK_MAX);
        if self.keys.is_empty() {
            return;
        }
        // Shards that refuse or are late are asked again at the next look.
        let asked = app.engine.predict(&self.keys[from..], None, app.deadline(Instant::now())).await;
        let Ok(answers) = asked else { return };
        self.keys.truncate(from);
        let now_nanos = wall_clock_nanos();
        for answer in answers.iter().flatten() {
            let _ = app.live.events.send(encode(app, answer, now_nanos));
        }
    }
}

fn loaded_sha256(app: &App) -> Option<String> {
    app.engine.model.load().as_ref().map(|model| model.info().sha256.clone())
}

fn encode(app: &App, answer: &Answer, now_nanos: i64) -> Event {
    let mut bytes = Vec::with_capacity(1_024);
    bytes.extend_from_slice(b"data: ");
    write_prediction(&mut bytes, app, answer, now_nanos);
    bytes.extend_from_slice(b"\n\n");
    Event { symbol: answer.prediction.symbol.id, bytes: bytes.into() }
}

/// Starts a watcher of these symbols (all if `None`); its chunks can be used as a body.
pub(super) fn watch(app: &Arc<App>, symbols: Option<HashSet<SymbolId>>) -> mpsc::Receiver<Bytes> {
    let (chunks, body) = mpsc::channel(4);
    let events = app.live.events.subscribe();
    let watching = Watching::new(app.clone());
    tokio::spawn(pump(watching, events, symbols, chunks));
    body
}

/// Keeps the board watched while it exists.
struct Watching(Arc<App>);

impl Watching {
    fn new(app: Arc<App>) -> Self {
        app.engine.board.watch(true);
        app.live.watched.notify_one();
        Self(app)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.engine.board.watch(false);
    }
}

async fn pump(
    watching: Watching,
    mut events: broadcast::Receiver<Event>,
    symbols: Option<HashSet<SymbolId>>,
    chunks: mpsc::Sender<Bytes>,
) {
    let wanted = |event: &Event| symbols.as_ref().is_none_or(|set| set.contains(&event.symbol));
    let mut drain = watching.0.drain_signal();
    for keys in current_keys(&watching.0, symbols.as_ref()).chunks(watching.0.config.predict.rows_max) {
        if let Some(picture) = current(&watching.0, keys).await
            && !hand_over(&chunks, picture, &mut drain).await
        {
            return;
        }
    }
    loop {
        let received = tokio::select! {
            received = events.recv() => received,
            () = tokio::time::sleep(KEEP_ALIVE_EVERY) => {
                if !hand_over(&chunks, Bytes::from_static(b": keep-alive\n\n"), &mut drain).await { return }
                continue;
            }
            () = chunks.closed() => return,
            () = draining(&mut drain) => return,
        };
        let mut chunk = BytesMut::new();
        match received {
            Ok(event) if wanted(&event) => chunk.extend_from_slice(&event.bytes),
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => chunk.extend_from_slice(&missed_event(missed)),
            Err(RecvError::Closed) => return,
        }
        for _ in 1..EVENTS_PER_CHUNK_MAX {
            match events.try_recv() {
                Ok(event) if wanted(&event) => chunk.extend_from_slice(&event.bytes),
                Ok(_) => {}
                Err(TryRecvError::Lagged(missed)) => chunk.extend_from_slice(&missed_event(missed)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if !chunk.is_empty() && !hand_over(&chunks, chunk.freeze(), &mut drain).await {
            return;
        }
    }
}

/// Sends a watcher its chunk; false if it is gone or the service drains, which a client that does not read must not
/// hold up. Until then `server.write_timeout_s` bounds the wait.
async fn hand_over(
    chunks: &mpsc::Sender<Bytes>,
    chunk: Bytes,
    drain: &mut tokio::sync::watch::Receiver<bool>,
) -> bool {
    tokio::select! {
        sent = chunks.send(chunk) => sent.is_ok(),
        () = draining(drain) => false,
    }
}

fn missed_event(missed: u64) -> Vec<u8> {
    format!("event: missed\ndata: {{\"missed\":{missed}}}\n\n").into_bytes()
}

/// The symbols whose newest predictions a watcher gets first.
fn current_keys(app: &App, symbols: Option<&HashSet<SymbolId>>) -> Vec<SymbolKey> {
    let ids: Vec<SymbolId> = match symbols {
        Some(set) => set.iter().copied().collect(),
        None => app.engine.symbols.all().iter().map(|symbol| symbol.id).collect(),
    };
    ids.into_iter().filter_map(|id| app.engine.routes.key_of(id)).collect()
}

/// The newest predictions of these symbols, so that a watcher sees something before the next tick.
async fn current(app: &App, keys: &[SymbolKey]) -> Option<Bytes> {
    let answers = app.engine.predict(keys, None, app.deadline(Instant::now())).await.ok()?;
    let now_nanos = wall_clock_nanos();
    let mut bytes = BytesMut::new();
    for answer in answers.iter().flatten() {
        bytes.extend_from_slice(&encode(app, answer, now_nanos).bytes);
    }
    (!bytes.is_empty()).then(|| bytes.freeze())
}
