//! A lane's link to the shards: it collects ticks into batches, sends them as far as the credits allow, and receives
//! replies.

use std::{sync::atomic::Ordering, time::Duration};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{
    decode::{Unreadable, explain},
    handle::EngineHandle,
    intake::{
        Batches, Delivery, Names, Patience, RecordFormat, RecordPlace, RecordReader, RecordRules, Undelivered,
    },
    kafka::lane::{dead_letter::DeadLetter, partition::OwnedPartition},
    limits::{LANE_BATCHES_PER_SHARD_MAX, LANE_QUESTIONS_MAX},
    message::{Batch, BatchReply, Epoch, Message, PartitionOrder, PartitionWork, RoutedTick, ShardReply},
    schemas::Unframer,
    settings::Emit,
    symbol::{Offset, Partition, Position, Symbol, SymbolKey},
};

/// A shard that takes or answers nothing for this long is given up. For replies the time is counted in polls, so that a
/// pause of the whole process (suspended or stopped) counts as one poll at most.
const SHARD_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait of one poll for a reply.
const REPLY_LOOK: Duration = Duration::from_millis(500);

/// A shard does not answer: it has ended, or has been busy for [`SHARD_TIMEOUT`].
#[derive(Debug, thiserror::Error)]
#[error("a shard does not answer")]
pub(super) struct ShardsGone;

impl From<Undelivered> for ShardsGone {
    fn from(_: Undelivered) -> Self {
        Self
    }
}

/// The sender and receiver between one lane and all shards.
pub(super) struct ShardLink {
    engine: EngineHandle,
    reader: RecordReader,
    format: RecordFormat,
    names: Names,
    batches: Batches,
    delivery: Delivery,
    emit: Emit,
    /// Number of batches that each shard has not answered yet.
    outstanding: Vec<usize>,
    reply: Sender<ShardReply>,
    replies: Receiver<ShardReply>,
}

impl ShardLink {
    /// A link for records that are read by these rules.
    pub(super) fn new(engine: EngineHandle, records: &RecordRules, emit: Emit) -> Self {
        let shards = engine.mailboxes.len();
        let (reply, replies) = replies(shards);
        Self {
            reader: records.reader(),
            format: records.format.clone(),
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

    /// Says whether the schema of a record is known.
    pub(super) fn unframer(&self) -> &Unframer {
        self.reader.unframer()
    }

    pub(super) fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// Decodes a record of a partition. Its ticks wait for [`flush`](Self::flush). A record that cannot be read in
    /// whole or in part gives a dead letter, unless it was read before.
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
            // The symbol's snapshot includes this record.
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
            let text = explain(reason, self.reader.unframer().seen(payload));
            DeadLetter::new((partition as i32, offset), key, payload, (reason, text), rejected)
        };
        match (self.reader.outcome(), rejected) {
            (Err(reason), _) => Some(letter(reason, &[])),
            (Ok(_), [(_, reason), ..]) => Some(letter(*reason, rejected)),
            (Ok(_), []) => None,
        }
    }

    /// Publishes the partition of a symbol to the fronts.
    pub(super) fn note_route(&self, symbol: &Symbol, partition: Partition) {
        self.names.route(symbol, partition);
    }

    /// Whether a shard has as many ticks waiting as it may: the lane then reads nothing more.
    pub(super) fn is_full(&self) -> bool {
        self.batches.is_any_full()
    }

    /// Whether any batch is unanswered or any tick waits.
    pub(super) fn is_busy(&self) -> bool {
        self.has_outstanding() || self.batches.has_ticks()
    }

    /// Whether any batch is unanswered.
    pub(super) fn has_outstanding(&self) -> bool {
        self.outstanding.iter().any(|&count| count > 0)
    }

    /// Sends the waiting ticks to the shards, as far as their credits allow.
    pub(super) fn flush(&mut self) -> Result<(), ShardsGone> {
        for shard in 0..self.outstanding.len() {
            if !self.batches.has_ticks_for(shard) || self.outstanding[shard] >= LANE_BATCHES_PER_SHARD_MAX {
                continue;
            }
            self.outstanding[shard] += 1;
            let reply = Some(BatchReply { to: self.reply_to(), shard, emit: self.emit });
            let batch = Batch { reply, ..self.batches.take(shard) };
            self.delivery.push(shard, Message::Ticks(batch))?;
        }
        Ok(())
    }

    /// Starts the ownership of a partition, and drops the states that the shard had of it.
    pub(super) fn open(&mut self, owned: &OwnedPartition) -> Result<(), ShardsGone> {
        // Records before the first one were read by another member.
        self.reader.begin_connection(owned.partition.0);
        let new_origin_before = Offset(owned.new_origin_before);
        let work = PartitionWork::Open { new_origin_before, emit_from: Offset(owned.committed) };
        self.order(owned.shard, owned.partition, owned.epoch, work)
    }

    /// Sends an order about a partition, under the ownership `epoch`. A reply goes to [`reply_to`](Self::reply_to).
    pub(super) fn order(
        &self,
        shard: usize,
        partition: Partition,
        epoch: Epoch,
        work: PartitionWork,
    ) -> Result<(), ShardsGone> {
        Ok(self.delivery.push(shard, Message::Partition(PartitionOrder { partition, epoch, work }))?)
    }

    /// The sender for replies to this lane.
    pub(super) fn reply_to(&self) -> Sender<ShardReply> {
        self.reply.clone()
    }

    /// The next reply; `None` if none comes within `wait`.
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

    /// The next reply, or an error after [`SHARD_TIMEOUT`].
    pub(super) fn awaited(&mut self) -> Result<ShardReply, ShardsGone> {
        let looks = SHARD_TIMEOUT.div_duration_f64(REPLY_LOOK) as u32;
        (0..looks).find_map(|_| self.reply(REPLY_LOOK)).ok_or(ShardsGone)
    }

    /// Whether any shard has ended and will never reply.
    pub(super) fn has_ended(&self) -> bool {
        self.engine.mailboxes.iter().any(|mailbox| mailbox.is_closed())
    }

    /// Forgets unsent ticks and unanswered batches, for a lane that starts again. Late replies to those batches are
    /// dropped.
    pub(super) fn forget(&mut self) {
        self.batches.clear();
        self.outstanding.fill(0);
        (self.reply, self.replies) = replies(self.outstanding.len());
    }
}

/// Makes the channel for replies. It has room for every reply that can be outstanding, so a shard never waits for a
/// lane.
fn replies(shards: usize) -> (Sender<ShardReply>, Receiver<ShardReply>) {
    bounded(shards * LANE_BATCHES_PER_SHARD_MAX + LANE_QUESTIONS_MAX)
}
