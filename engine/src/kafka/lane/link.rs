//! A lane's link to the shards: records become batches, which go out as far as the credits allow, and replies come back.

use std::{sync::atomic::Ordering, time::Duration};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{
    decode::Unreadable,
    handle::EngineHandle,
    intake::{Batches, Delivery, Names, Patience, RecordFormat, RecordPlace, RecordReader, Undelivered},
    kafka::lane::{dead_letter::DeadLetter, partition::OwnedPartition},
    limits::{LANE_BATCHES_PER_SHARD_MAX, LANE_QUESTIONS_MAX},
    message::{Batch, BatchReply, Epoch, Message, PartitionOrder, PartitionWork, RoutedTick, ShardReply},
    settings::Emit,
    symbol::{Offset, Partition, Position, Symbol, SymbolId, SymbolKey},
};

/// A shard that takes or answers nothing for this long is given up. For replies it is counted in looks: the time for which
/// the whole process stood still, asleep or stopped, is one of them at most.
const SHARD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one look for a reply takes.
const REPLY_LOOK: Duration = Duration::from_millis(500);

/// A shard does not answer: it has ended, or is busy with something else for very long.
#[derive(Debug, thiserror::Error)]
#[error("a shard does not answer")]
pub(super) struct ShardsGone;

impl From<Undelivered> for ShardsGone {
    fn from(_: Undelivered) -> Self {
        Self
    }
}

/// The link.
pub(super) struct ShardLink {
    engine: EngineHandle,
    reader: RecordReader,
    format: RecordFormat,
    names: Names,
    batches: Batches,
    delivery: Delivery,
    emit: Emit,
    /// Batches under way, by shard.
    outstanding: Vec<usize>,
    reply: Sender<ShardReply>,
    replies: Receiver<ShardReply>,
}

impl ShardLink {
    /// A link of a lane whose records name this venue, or none.
    pub(super) fn new(engine: EngineHandle, venue: String, emit: Emit) -> Self {
        let shards = engine.mailboxes.len();
        let (reply, replies) = replies(shards);
        Self {
            reader: RecordReader::default(),
            format: RecordFormat::json(venue),
            names: engine.names(),
            batches: Batches::new(shards),
            delivery: engine.delivery(Patience::For(SHARD_TIMEOUT)),
            emit,
            outstanding: vec![0; shards],
            reply,
            replies,
            engine,
        }
    }

    pub(super) fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// Takes a record of a partition. Its ticks wait for [`flush`](Self::flush); a record that cannot be read, or not
    /// whole, comes back as a letter, unless it was read before.
    pub(super) fn record(
        &mut self,
        owned: &mut OwnedPartition,
        offset: u64,
        key: Option<&[u8]>,
        payload: &[u8],
    ) -> Option<DeadLetter> {
        let is_new = offset >= owned.committed;
        self.reader.read(payload, &mut self.format);
        for ticker in self.reader.decoded().ticks() {
            let known = owned.find(ticker.venue, ticker.product);
            let i = match known {
                Some(i) => i,
                None => match self.names.intern(ticker.venue, ticker.product) {
                    Some(symbol) => {
                        self.names.route(&symbol, owned.partition);
                        self.batches.introduce(owned.shard, symbol.clone());
                        owned.add(symbol, offset, None)
                    }
                    None => {
                        self.engine.metrics.ingest.ticks_refused.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                },
            };
            let symbol = &owned.symbols()[i];
            // Its snapshot has seen this record.
            if !is_new && symbol.snapshot.is_some_and(|next| offset < next) {
                continue;
            }
            let key = SymbolKey { partition: owned.partition, symbol: symbol.symbol.id };
            let position =
                Position { partition: owned.partition, offset: Offset(offset), index: ticker.index };
            let tick = RoutedTick { key, position, epoch: owned.epoch, tick: ticker.tick };
            self.batches.add(owned.shard, tick);
        }
        let partition = owned.partition.0;
        let place = RecordPlace::Log { partition, offset };
        if !is_new {
            self.reader.pass(place);
            return None;
        }
        let ingest = &self.engine.metrics.ingest;
        self.reader.tell(payload, place, |event| event.count(ingest));
        let rejected = self.reader.decoded().rejected();
        let letter = |reason: Unreadable, rejected| {
            DeadLetter::new((partition as i32, offset), key, payload, reason, rejected)
        };
        match (self.reader.outcome(), rejected) {
            (Err(reason), _) => Some(letter(reason, &[])),
            (Ok(_), [(_, reason), ..]) => Some(letter(*reason, rejected)),
            (Ok(_), []) => None,
        }
    }

    /// Tells the fronts where the state of a symbol is.
    pub(super) fn note_route(&self, symbol: &Symbol, partition: Partition) {
        self.names.route(symbol, partition);
    }

    /// Whether a shard has as much waiting as may be: then nothing more is read.
    pub(super) fn is_full(&self) -> bool {
        self.batches.is_any_full()
    }

    /// Whether any batch is under way or waits.
    pub(super) fn is_busy(&self) -> bool {
        self.has_outstanding() || self.batches.has_ticks()
    }

    /// Whether any batch is under way.
    pub(super) fn has_outstanding(&self) -> bool {
        self.outstanding.iter().any(|&count| count > 0)
    }

    /// Hands the shards what waits for them, as far as their credits go.
    pub(super) fn flush(&mut self) -> Result<(), ShardsGone> {
        for shard in 0..self.outstanding.len() {
            if !self.batches.has_ticks_for(shard) || self.outstanding[shard] >= LANE_BATCHES_PER_SHARD_MAX {
                continue;
            }
            self.outstanding[shard] += 1;
            let reply = Some(BatchReply { to: self.reply.clone(), shard, emit: self.emit });
            let batch = Batch { reply, ..self.batches.take(shard) };
            self.delivery.push(shard, Message::Ticks(batch))?;
        }
        Ok(())
    }

    /// Begins the ownership of a partition, and drops the states it had.
    pub(super) fn open(&mut self, owned: &OwnedPartition) -> Result<(), ShardsGone> {
        // What came before the first record was read by somebody else.
        self.reader.begin_connection(owned.partition.0);
        let new_origin_before = Offset(owned.new_origin_before);
        let work = PartitionWork::Open { new_origin_before, emit_from: Offset(owned.committed) };
        self.order(owned.shard, owned.partition, owned.epoch, work)
    }

    /// Ends an ownership, and drops the states.
    pub(super) fn close(&self, shard: usize, partition: Partition, epoch: Epoch) -> Result<(), ShardsGone> {
        self.order(shard, partition, epoch, PartitionWork::Close)
    }

    /// Asks for the state of a symbol; a [`ShardReply::Snapshot`] comes.
    pub(super) fn ask_snapshot(&self, owned: &OwnedPartition, symbol: SymbolId) -> Result<(), ShardsGone> {
        let work = PartitionWork::Snapshot { symbol, reply: self.reply.clone() };
        self.order(owned.shard, owned.partition, owned.epoch, work)
    }

    /// Puts a snapshot in the place of the state of a symbol; a [`ShardReply::Restored`] comes.
    pub(super) fn restore(
        &self,
        owned: &OwnedPartition,
        symbol: std::sync::Arc<Symbol>,
        snapshot: Vec<u8>,
    ) -> Result<(), ShardsGone> {
        let work = PartitionWork::Restore { symbol, snapshot, reply: self.reply.clone() };
        self.order(owned.shard, owned.partition, owned.epoch, work)
    }

    fn order(
        &self,
        shard: usize,
        partition: Partition,
        epoch: Epoch,
        work: PartitionWork,
    ) -> Result<(), ShardsGone> {
        Ok(self.delivery.push(shard, Message::Partition(PartitionOrder { partition, epoch, work }))?)
    }

    /// The next reply, if one comes within `wait`.
    pub(super) fn reply(&mut self, wait: Duration) -> Option<ShardReply> {
        let reply = match self.replies.recv_timeout(wait) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        };
        if let ShardReply::Predictions(predictions) = &reply {
            self.outstanding[predictions.shard] -= 1;
        }
        Some(reply)
    }

    /// The next reply, which must come.
    pub(super) fn awaited(&mut self) -> Result<ShardReply, ShardsGone> {
        let looks = SHARD_TIMEOUT.div_duration_f64(REPLY_LOOK) as u32;
        (0..looks).find_map(|_| self.reply(REPLY_LOOK)).ok_or(ShardsGone)
    }

    /// Whether any shard has ended, and will never reply.
    pub(super) fn has_ended(&self) -> bool {
        self.engine.mailboxes.iter().any(|mailbox| mailbox.is_closed())
    }

    /// Throws away what is under way, as when the lane begins anew. Nobody hears the replies to that.
    pub(super) fn forget(&mut self) {
        self.batches.clear();
        self.outstanding.fill(0);
        (self.reply, self.replies) = replies(self.outstanding.len());
    }
}

/// The way back. It has room for every reply that can be under way: a shard never waits for a lane.
fn replies(shards: usize) -> (Sender<ShardReply>, Receiver<ShardReply>) {
    bounded(shards * LANE_BATCHES_PER_SHARD_MAX + LANE_QUESTIONS_MAX)
}
