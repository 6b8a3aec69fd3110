//! The one way in for a tick, whoever brings it.
//!
//! ```text
//!  record -> records: decode, count, warn -> names: venue, product -> symbol, shard -> batches: push or wait -> shard
//!                                       |     ^
//!                                       reorder: by event time, if source.reorder_ms is set
//! ```
//!
//! | Who brings ticks | its records | its names | its batches |
//! |---|---|---|---|
//! | a file | [`RecordReader`] | [`Intake`] | [`Intake`] |
//! | the simulator | makes ticks | [`Intake`] | [`Intake`] |
//! | a Kafka lane | [`RecordReader`] | [`Names`], one [`NameMap`] a partition | [`Batches`], which want replies |
//! | [`offline`](crate::offline) | as its source | [`Sorter`] | [`Sorter`], to a core on the same thread |
//! | `verify`, `rekey`, `dlq replay` | [`RecordReader`] | their own | none |
//!
//! A new venue is a shape in [`decode`](crate::decode), one file a venue: files, Kafka and live feeds then read it alike. A
//! live feed is a [`source`](crate::source) that gives each message to a [`RecordReader`], and calls
//! [`RecordReader::begin_connection`] whenever it connects.

mod batches;
mod names;
mod progress;
mod records;
mod reorder;
mod sequence;
mod sink;
mod tally;
mod warnings;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crossbeam::channel::{RecvTimeoutError, bounded};

pub use batches::{Batches, Delivery, Patience, Undelivered};
pub use names::{NameMap, Names};
pub use progress::Progress;
pub(crate) use records::DecodedRecord;
pub use records::{NotOfJson, RecordFormat, RecordPlace, RecordReader, RecordRules};
pub use reorder::ReorderSettings;
pub use sequence::SequenceTracker;
pub use sink::{RecordEvent, TickSink};
pub use tally::{Fault, Faults, Remark, Tally, TickOutcomes, grouped};

use crate::{
    mailbox::Mailbox,
    message::{Batch, Epoch, Message, RoutedTick},
    metrics::IngestMetrics,
    route::RouteTable,
    stop::StopToken,
    symbol::{Offset, Position, SymbolKey, SymbolTable, default_partition},
    tick::Tick,
};

/// How often a source that waits for the shards looks whether it was stopped.
const SETTLE_LOOK: Duration = Duration::from_millis(50);

/// Sorts the ticks of one source by shard. A symbol's partition is computed from its name, as no log says it.
#[derive(Debug)]
pub struct Sorter {
    names: Names,
    /// At most as many as the table of symbols holds.
    known: NameMap<(usize, SymbolKey)>,
    batches: Batches,
    metrics: Arc<IngestMetrics>,
}

impl Sorter {
    /// Sorts for as many shards as the routes have.
    pub fn new(symbols: Arc<SymbolTable>, routes: Arc<RouteTable>, metrics: Arc<IngestMetrics>) -> Self {
        let batches = Batches::new(routes.shard_count());
        let names = Names::new(symbols, routes, metrics.clone());
        Self { names, known: NameMap::default(), batches, metrics }
    }

    /// Takes a tick, and returns the number of the shard whose batch it has filled.
    pub fn add(
        &mut self,
        venue: &str,
        product: &str,
        record_offset: Offset,
        index: u32,
        tick: Tick,
    ) -> Option<usize> {
        let known = self.known.get(venue, product).copied();
        let Some((shard, key)) = known.or_else(|| self.learn(venue, product)) else {
            self.metrics.ticks_refused.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let position = Position { partition: key.partition, offset: record_offset, index };
        let tick = RoutedTick { key, position, epoch: Epoch::NONE, tick };
        self.batches.add(shard, tick).then_some(shard)
    }

    /// The shard and the key of a symbol that the source has not named before; `None` if the table of symbols is full.
    pub fn learn(&mut self, venue: &str, product: &str) -> Option<(usize, SymbolKey)> {
        let symbol = self.names.intern(venue, product)?;
        let partition = default_partition(&symbol.name, self.names.partition_count());
        let shard = self.names.route(&symbol, partition);
        let key = SymbolKey { partition, symbol: symbol.id };
        self.batches.introduce(shard, symbol);
        self.known.insert(venue, product, (shard, key));
        Some((shard, key))
    }

    /// Takes the batch of a shard, which may be empty.
    pub fn take(&mut self, shard: usize) -> Batch {
        self.batches.take(shard)
    }

    /// All symbols so far.
    pub fn symbols(&self) -> &SymbolTable {
        self.names.symbols()
    }

    /// Counts what a record told beside its ticks.
    pub fn count(&self, event: RecordEvent) {
        event.count(&self.metrics);
    }
}

/// Brings the ticks of one source to the shards, and keeps their order: the ticks of one symbol go to one shard, by one
/// queue, in order. It belongs to the thread of its source.
#[derive(Debug)]
pub struct Intake {
    sorter: Sorter,
    delivery: Delivery,
    metrics: Arc<IngestMetrics>,
    stop: StopToken,
    /// Whether a stop has dropped a batch: none may follow it.
    has_dropped: bool,
}

impl Intake {
    /// A way into the shards behind these mailboxes, which are those of the routes; `stop` ends its waits.
    pub fn new(
        symbols: Arc<SymbolTable>,
        routes: Arc<RouteTable>,
        mailboxes: Arc<[Arc<Mailbox<Message>>]>,
        metrics: Arc<IngestMetrics>,
        stop: StopToken,
    ) -> Self {
        let sorter = Sorter::new(symbols, routes, metrics.clone());
        let delivery = Delivery::new(mailboxes, metrics.clone(), Patience::UntilStopped(stop.clone()));
        Self { sorter, delivery, metrics, stop, has_dropped: false }
    }

    /// Hands a shard its batch. A stop drops what is left.
    fn send(&mut self, shard: usize) {
        let batch = self.sorter.take(shard);
        if batch.ticks.is_empty() && batch.new_symbols.is_empty() {
            return;
        }
        let tick_count = batch.ticks.len() as u64;
        if self.has_dropped || !self.push(shard, Message::Ticks(batch)) {
            self.metrics.ticks_undelivered.fetch_add(tick_count, Ordering::Relaxed);
        }
    }

    fn push(&mut self, shard: usize, message: Message) -> bool {
        let pushed = self.delivery.push(shard, message);
        self.has_dropped |= pushed == Err(Undelivered::NoRoom);
        pushed.is_ok()
    }

    /// Hands over what is buffered and waits until the shards have taken every tick into their states. A stop, or the
    /// end of a shard, ends the wait.
    pub fn settle(&mut self) {
        self.flush();
        let (marker, all_taken) = bounded(0);
        for shard in 0..self.delivery.shards() {
            self.push(shard, Message::Marker(marker.clone()));
        }
        // The channel closes when the last shard has dropped its marker.
        drop(marker);
        while all_taken.recv_timeout(SETTLE_LOOK) == Err(RecvTimeoutError::Timeout) && !self.stop.is_stopped()
        {
        }
    }
}

impl TickSink for Intake {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        if let Some(full) = self.sorter.add(venue, product, record_offset, index, tick) {
            self.send(full);
        }
    }

    fn event(&mut self, _record_offset: Offset, event: RecordEvent) {
        self.sorter.count(event);
    }

    fn flush(&mut self) {
        for shard in 0..self.delivery.shards() {
            self.send(shard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        limits::{TICK_QUEUE_CAPACITY, TICKS_PER_BATCH_MAX},
        mailbox::Queue,
        sim::{SimConfig, Simulator},
    };

    #[test]
    fn what_a_stop_leaves_no_room_for_is_counted() {
        let mailboxes: Arc<[_]> = Arc::from([Arc::new(Mailbox::new(1, TICK_QUEUE_CAPACITY))]);
        let (metrics, stop) = (Arc::new(IngestMetrics::default()), StopToken::default());
        let routes = Arc::new(RouteTable::new(1, 1, &[]));
        let mut intake =
            Intake::new(Arc::default(), routes, mailboxes.clone(), metrics.clone(), stop.clone());
        // Nobody empties the queue, and a source that was asked to stop does not wait.
        stop.stop();
        let room = TICK_QUEUE_CAPACITY * TICKS_PER_BATCH_MAX;
        let beyond = 2 * TICKS_PER_BATCH_MAX + 7;
        for (offset, (_, tick)) in Simulator::new(SimConfig::default()).take(room + beyond).enumerate() {
            intake.tick("v", "P", Offset(offset as u64), 0, tick);
        }
        intake.flush();
        assert_eq!(mailboxes[0].depth(Queue::Ticks), TICK_QUEUE_CAPACITY);
        assert_eq!(metrics.ticks_undelivered.load(Ordering::Relaxed), beyond as u64);
    }

    #[test]
    fn settling_waits_until_every_shard_has_taken_its_ticks() {
        let mailboxes: Arc<[_]> = (0..2).map(|_| Arc::new(Mailbox::new(1, TICK_QUEUE_CAPACITY))).collect();
        let routes = Arc::new(RouteTable::new(8, 2, &[]));
        let mut intake =
            Intake::new(Arc::default(), routes, mailboxes.clone(), Arc::default(), StopToken::default());
        for (offset, (symbol, tick)) in Simulator::new(SimConfig::default()).take(100).enumerate() {
            intake.tick("v", &format!("P{symbol}"), Offset(offset as u64), 0, tick);
        }
        let (settles, settled) = bounded(1);
        let thread = std::thread::spawn(move || {
            intake.settle();
            settles.send(()).unwrap();
        });
        let mut taken = 0;
        for mailbox in mailboxes.iter() {
            loop {
                match mailbox.pop(Queue::Ticks) {
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
        let mailboxes: Arc<[_]> = Arc::from([Arc::new(Mailbox::new(1, TICK_QUEUE_CAPACITY))]);
        let stop = StopToken::default();
        let routes = Arc::new(RouteTable::new(1, 1, &[]));
        let mut intake = Intake::new(Arc::default(), routes, mailboxes, Arc::default(), stop.clone());
        let thread = std::thread::spawn(move || intake.settle());
        stop.stop();
        thread.join().unwrap();
    }
}
