//! (3) From a source to the shards: names become numbers, ticks become batches, full means wait.
//!
//! One [`Ingest`] belongs to one source thread. It keeps the order of the source's ticks: those of one symbol go to
//! one shard, in one lane, in order.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crossbeam::channel::{RecvTimeoutError, bounded};
use rustc_hash::FxHashMap;

use crate::{
    decode::Unreadable,
    limits::TICKS_PER_BATCH_MAX,
    mailbox::{Lane, Mailbox, PushError},
    message::{Message, RoutedTick, TickBatch},
    metrics::IngestMetrics,
    route::RouteTable,
    source::{SourceEvent, StopToken, TickSink},
    symbol::{Offset, Position, Symbol, SymbolKey, SymbolTable, default_partition},
    tick::Tick,
};

/// How long a source waits before it tries a full shard again.
const FULL_WAIT: Duration = Duration::from_micros(200);
/// How often a source that waits for the shards looks whether it was stopped.
const SETTLE_LOOK: Duration = Duration::from_millis(50);

/// Where a symbol's ticks go.
#[derive(Clone, Debug)]
struct Destination {
    shard: usize,
    key: SymbolKey,
}

/// Routes one source's ticks.
#[derive(Debug)]
pub struct Ingest {
    symbols: Arc<SymbolTable>,
    routes: Arc<RouteTable>,
    mailboxes: Arc<[Arc<Mailbox<Message>>]>,
    metrics: Arc<IngestMetrics>,
    stop: StopToken,
    /// By venue, then product: at most as many as the table of symbols holds.
    known: FxHashMap<Box<str>, FxHashMap<Box<str>, Destination>>,
    pending: Vec<TickBatch>,
    /// Whether a stop has dropped a batch: nothing may follow it.
    has_dropped: bool,
    /// Whether a full table of symbols was told.
    has_warned: bool,
}

impl Ingest {
    /// A router of this source's ticks; `stop` ends its waits.
    pub fn new(
        symbols: Arc<SymbolTable>,
        routes: Arc<RouteTable>,
        mailboxes: Arc<[Arc<Mailbox<Message>>]>,
        metrics: Arc<IngestMetrics>,
        stop: StopToken,
    ) -> Self {
        let pending = mailboxes.iter().map(|_| TickBatch::default()).collect();
        Self {
            symbols,
            routes,
            mailboxes,
            metrics,
            stop,
            known: FxHashMap::default(),
            pending,
            has_dropped: false,
            has_warned: false,
        }
    }

    fn destination(&mut self, venue: &str, product: &str) -> Option<Destination> {
        if let Some(known) = self.known.get(venue).and_then(|products| products.get(product)) {
            return Some(known.clone());
        }
        let destination = self.learn(venue, product)?;
        self.known.entry(venue.into()).or_default().insert(product.into(), destination.clone());
        Some(destination)
    }

    /// A symbol this source has not named before: it travels with the batch of its first tick.
    fn learn(&mut self, venue: &str, product: &str) -> Option<Destination> {
        let symbol: Arc<Symbol> = match self.symbols.intern(venue, product) {
            Ok(symbol) => symbol,
            Err(full) => {
                if !std::mem::replace(&mut self.has_warned, true) {
                    tracing::warn!(%full, "ticks of this symbol, and of any further one, are refused");
                }
                return None;
            }
        };
        let partition = default_partition(&symbol.name, self.routes.partition_count());
        let (shard, is_newly_split) = self.routes.learn(symbol.id, partition);
        if is_newly_split {
            self.metrics.note_split(&symbol.name);
        }
        let key = SymbolKey { partition, symbol: symbol.id };
        self.pending[shard].new_symbols.push(symbol);
        Some(Destination { shard, key })
    }

    /// Hands a shard its batch, waiting while its lane is full. A stop drops what is left.
    fn send(&mut self, shard: usize) {
        let batch = std::mem::take(&mut self.pending[shard]);
        if batch.ticks.is_empty() && batch.new_symbols.is_empty() {
            return;
        }
        let tick_count = batch.ticks.len() as u64;
        if self.has_dropped || !self.push(shard, Message::Ticks(batch)) {
            self.metrics.ticks_undelivered.fetch_add(tick_count, Ordering::Relaxed);
        }
    }

    /// Puts a message into a shard's tick lane, waiting while that is full; false if the shard has ended, or a stop
    /// found no room. After such a stop nothing may follow.
    fn push(&mut self, shard: usize, mut message: Message) -> bool {
        loop {
            match self.mailboxes[shard].push(Lane::Ticks, message) {
                Ok(()) => return true,
                Err(PushError::Closed(_)) => return false,
                Err(PushError::Full(back)) => {
                    if self.stop.is_stopped() {
                        self.has_dropped = true;
                        return false;
                    }
                    message = back;
                    self.metrics.waits_full.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(FULL_WAIT);
                }
            }
        }
    }

    /// Hands over what is buffered and waits until the shards have taken every tick into their states. A stop, or the
    /// end of a shard, ends the wait.
    pub fn settle(&mut self) {
        self.flush();
        let (marker, all_taken) = bounded(0);
        for shard in 0..self.mailboxes.len() {
            self.push(shard, Message::Marker(marker.clone()));
        }
        // The channel closes when the last shard has dropped its marker.
        drop(marker);
        while all_taken.recv_timeout(SETTLE_LOOK) == Err(RecvTimeoutError::Timeout) && !self.stop.is_stopped()
        {
        }
    }
}

impl TickSink for Ingest {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        let Some(Destination { shard, key }) = self.destination(venue, product) else {
            self.metrics.ticks_refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let position = Position { partition: key.partition, offset: record_offset, index };
        let batch = &mut self.pending[shard];
        if batch.ticks.capacity() == 0 {
            batch.ticks.reserve_exact(TICKS_PER_BATCH_MAX);
        }
        batch.ticks.push(RoutedTick { key, position, tick });
        if batch.ticks.len() >= TICKS_PER_BATCH_MAX {
            self.send(shard);
        }
    }

    fn unreadable(&mut self, _record_offset: Offset, reason: Unreadable, _record: &[u8]) {
        self.metrics.count_unreadable(reason);
    }

    fn event(&mut self, event: SourceEvent) {
        self.metrics.count(event);
    }

    fn flush(&mut self) {
        for shard in 0..self.pending.len() {
            self.send(shard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        limits::TICK_LANE_CAPACITY,
        sim::{SimConfig, Simulator},
    };

    #[test]
    fn what_a_stop_leaves_no_room_for_is_counted() {
        let mailboxes: Arc<[_]> = Arc::from([Arc::new(Mailbox::new(1, TICK_LANE_CAPACITY))]);
        let (metrics, stop) = (Arc::new(IngestMetrics::default()), StopToken::default());
        let routes = Arc::new(RouteTable::new(1, 1, &[]));
        let mut ingest =
            Ingest::new(Arc::default(), routes, mailboxes.clone(), metrics.clone(), stop.clone());
        // Nobody empties the lane, and a source that was asked to stop does not wait.
        stop.stop();
        let room = TICK_LANE_CAPACITY * TICKS_PER_BATCH_MAX;
        let beyond = 2 * TICKS_PER_BATCH_MAX + 7;
        for (offset, (_, tick)) in Simulator::new(SimConfig::default()).take(room + beyond).enumerate() {
            ingest.tick("v", "P", Offset(offset as u64), 0, tick);
        }
        ingest.flush();
        assert_eq!(mailboxes[0].depth(Lane::Ticks), TICK_LANE_CAPACITY);
        assert_eq!(metrics.ticks_undelivered.load(Ordering::Relaxed), beyond as u64);
    }
    #[test]
    fn settling_waits_until_every_shard_has_taken_its_ticks() {
        let mailboxes: Arc<[_]> = (0..2).map(|_| Arc::new(Mailbox::new(1, TICK_LANE_CAPACITY))).collect();
        let routes = Arc::new(RouteTable::new(8, 2, &[]));
        let mut ingest =
            Ingest::new(Arc::default(), routes, mailboxes.clone(), Arc::default(), StopToken::default());
        for (offset, (symbol, tick)) in Simulator::new(SimConfig::default()).take(100).enumerate() {
            ingest.tick("v", &format!("P{symbol}"), Offset(offset as u64), 0, tick);
        }
        let (settles, settled) = bounded(1);
        let thread = std::thread::spawn(move || {
            ingest.settle();
            settles.send(()).unwrap();
        });
        let mut taken = 0;
        for mailbox in mailboxes.iter() {
            loop {
                match mailbox.pop(Lane::Ticks) {
                    Some(Message::Ticks(batch)) => taken += batch.ticks.len(),
                    Some(Message::Marker(_)) => break,
                    other => assert!(other.is_none(), "{other:?}"),
                }
                assert!(settled.try_recv().is_err(), "settled before the ticks were taken");
            }
        }
        assert_eq!(taken, 100);
        settled.recv_timeout(Duration::from_secs(20)).expect("the markers were dropped");
        thread.join().unwrap();
    }

    #[test]
    fn a_stop_ends_the_wait_for_a_shard_that_takes_nothing() {
        let mailboxes: Arc<[_]> = Arc::from([Arc::new(Mailbox::new(1, TICK_LANE_CAPACITY))]);
        let stop = StopToken::default();
        let routes = Arc::new(RouteTable::new(1, 1, &[]));
        let mut ingest = Ingest::new(Arc::default(), routes, mailboxes, Arc::default(), stop.clone());
        let thread = std::thread::spawn(move || ingest.settle());
        stop.stop();
        thread.join().unwrap();
    }
}
