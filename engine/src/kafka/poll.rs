//! From records to orders: decode, find the shard, keep the log's order, never hold more than the credits allow.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{dead_letter::DeadLetter, partition::OwnedPartition};
use crate::{
    decode::{DecodeDefaults, Decoded, RecordKind, decode},
    handle::EngineHandle,
    lane::{Emit, LaneOrder, LaneReply, LaneTick, LaneWork},
    limits::{LANE_BATCHES_PER_SHARD_MAX, LANE_QUESTIONS_MAX, TICKS_PER_BATCH_MAX},
    mailbox::{Lane as MailLane, PushError},
    message::{Message, RoutedTick},
    source::{SourceEvent, warnings::UnreadableWarnings},
    symbol::{Offset, Partition, Position, Symbol, SymbolKey},
};

/// How long a full shard is left alone.
const FULL_WAIT: Duration = Duration::from_micros(200);
/// A shard that answers nothing for this long is given up. It is counted in looks: the time for which the whole process
/// stood still, asleep or stopped, is one of them at most.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one look for an answer takes.
const ANSWER_LOOK: Duration = Duration::from_millis(500);

/// A shard does not answer: it has ended, or is busy with something else for very long.
#[derive(Debug, thiserror::Error)]
#[error("a shard does not answer")]
pub(super) struct ShardsGone;

/// Ticks on their way to one shard.
#[derive(Default)]
struct Pending {
    new_symbols: Vec<Arc<Symbol>>,
    ticks: Vec<LaneTick>,
}

/// The lane's link to the shards.
pub(super) struct ShardLink {
    engine: EngineHandle,
    venue: String,
    emit: Emit,
    decoded: Decoded,
    pending: Vec<Pending>,
    /// Batches under way, by shard.
    outstanding: Vec<usize>,
    reply: Sender<LaneReply>,
    replies: Receiver<LaneReply>,
    has_warned: bool,
    warnings: UnreadableWarnings,
}

impl ShardLink {
    pub(super) fn new(engine: EngineHandle, venue: String, emit: Emit) -> Self {
        let shards = engine.mailboxes.len();
        let (reply, replies) = replies(shards);
        Self {
            pending: (0..shards).map(|_| Pending::default()).collect(),
            outstanding: vec![0; shards],
            decoded: Decoded::default(),
            engine,
            venue,
            emit,
            reply,
            replies,
            has_warned: false,
            warnings: UnreadableWarnings::default(),
        }
    }

    pub(super) fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// Takes a record of a partition: its ticks wait for [`flush`](Self::flush), what cannot be read comes back.
    pub(super) fn record(
        &mut self,
        owned: &mut OwnedPartition,
        offset: u64,
        key: Option<&[u8]>,
        payload: &[u8],
    ) -> Option<DeadLetter> {
        let emit = offset >= owned.committed;
        let mut decoded = std::mem::take(&mut self.decoded);
        let outcome = decode(payload, &DecodeDefaults { venue: &self.venue }, &mut decoded);
        for ticker in decoded.ticks() {
            let known = owned.find(ticker.venue, ticker.product);
            let Some(i) = known.or_else(|| self.learn(owned, ticker.venue, ticker.product, offset)) else {
                self.engine.metrics.ingest.ticks_refused.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let symbol = &owned.symbols()[i];
            // Its snapshot has seen this record.
            if !emit && symbol.snapshot.is_some_and(|next| offset < next) {
                continue;
            }
            let key = SymbolKey { partition: owned.partition, symbol: symbol.symbol.id };
            let position =
                Position { partition: owned.partition, offset: Offset(offset), index: ticker.index };
            let routed = RoutedTick { key, position, tick: ticker.tick };
            self.pending[owned.shard].ticks.push(LaneTick { routed, epoch: owned.epoch, emit });
        }
        let letter = emit.then(|| self.faults(owned.partition, offset, key, payload, outcome, &decoded));
        self.decoded = decoded;
        letter.flatten()
    }

    /// Counts what a live record told beside its ticks, and keeps what could not be read.
    fn faults(
        &mut self,
        partition: Partition,
        offset: u64,
        key: Option<&[u8]>,
        payload: &[u8],
        outcome: Result<RecordKind, crate::decode::Unreadable>,
        decoded: &Decoded,
    ) -> Option<DeadLetter> {
        let ingest = &self.engine.metrics.ingest;
        for _ in 0..decoded.zoneless_times {
            ingest.count(SourceEvent::ZonelessTime);
        }
        let place = (partition.0 as i32, offset);
        match outcome {
            Err(reason) => {
                ingest.count_unreadable(reason);
                self.warnings.note(reason, payload, || format!("partition {}, offset {offset}", partition.0));
                Some(DeadLetter::new(place, key, payload, reason, &[]))
            }
            Ok(kind) => {
                if let RecordKind::NoTick(kind) = kind {
                    ingest.count(SourceEvent::NoTick(kind));
                }
                for &(_, reason) in decoded.rejected() {
                    ingest.count_unreadable(reason);
                    self.warnings
                        .note(reason, payload, || format!("partition {}, offset {offset}", partition.0));
                }
                let &(_, reason) = decoded.rejected().first()?;
                Some(DeadLetter::new(place, key, payload, reason, decoded.rejected()))
            }
        }
    }

    /// A symbol that this ownership has not met before.
    fn learn(
        &mut self,
        owned: &mut OwnedPartition,
        venue: &str,
        product: &str,
        offset: u64,
    ) -> Option<usize> {
        let symbol = match self.engine.symbols.intern(venue, product) {
            Ok(symbol) => symbol,
            Err(full) => {
                if !std::mem::replace(&mut self.has_warned, true) {
                    tracing::warn!(%full, "ticks of this symbol, and of any further one, are refused");
                }
                return None;
            }
        };
        self.note_route(&symbol, owned.partition);
        self.pending[owned.shard].new_symbols.push(symbol.clone());
        Some(owned.add(symbol, offset, None))
    }

    /// Tells the fronts where a symbol's state is.
    pub(super) fn note_route(&self, symbol: &Symbol, partition: Partition) {
        let (_, is_newly_split) = self.engine.routes.learn(symbol.id, partition);
        if is_newly_split {
            self.engine.metrics.ingest.note_split(&symbol.name);
        }
    }

    /// Whether a shard has as much waiting as may be: then nothing more is read.
    pub(super) fn is_full(&self) -> bool {
        self.pending.iter().any(|pending| pending.ticks.len() >= TICKS_PER_BATCH_MAX)
    }

    /// Whether any batch is under way or waits.
    pub(super) fn is_busy(&self) -> bool {
        self.has_outstanding() || self.pending.iter().any(|pending| !pending.ticks.is_empty())
    }

    /// Whether any batch is under way.
    pub(super) fn has_outstanding(&self) -> bool {
        self.outstanding.iter().any(|&count| count > 0)
    }

    /// Hands the shards what waits for them, as far as their credits go.
    pub(super) fn flush(&mut self) -> Result<(), ShardsGone> {
        for shard in 0..self.pending.len() {
            let pending = &self.pending[shard];
            if pending.ticks.is_empty() || self.outstanding[shard] >= LANE_BATCHES_PER_SHARD_MAX {
                continue;
            }
            let Pending { new_symbols, ticks } = std::mem::take(&mut self.pending[shard]);
            self.outstanding[shard] += 1;
            self.order(shard, LaneWork::Ticks { shard, new_symbols, ticks, emit: self.emit })?;
        }
        Ok(())
    }

    /// Gives a shard an order, waiting while its lane is full.
    pub(super) fn order(&self, shard: usize, work: LaneWork) -> Result<(), ShardsGone> {
        let mut message = Message::Lane(LaneOrder { work, reply: self.reply.clone() });
        for _ in 0..looks(FULL_WAIT) {
            match self.engine.mailboxes[shard].push(MailLane::Ticks, message) {
                Ok(()) => return Ok(()),
                Err(PushError::Closed(_)) => return Err(ShardsGone),
                Err(PushError::Full(back)) => {
                    message = back;
                    self.engine.metrics.ingest.waits_full.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(FULL_WAIT);
                }
            }
        }
        Err(ShardsGone)
    }

    /// The next answer, if one comes within `wait`.
    pub(super) fn answer(&mut self, wait: Duration) -> Option<LaneReply> {
        let reply = match self.replies.recv_timeout(wait) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        };
        if let LaneReply::Ticks(outputs) = &reply {
            self.outstanding[outputs.shard] -= 1;
        }
        Some(reply)
    }

    /// The next answer, which must come.
    pub(super) fn awaited(&mut self) -> Result<LaneReply, ShardsGone> {
        (0..looks(ANSWER_LOOK)).find_map(|_| self.answer(ANSWER_LOOK)).ok_or(ShardsGone)
    }

    /// Whether any shard has ended, and will never answer.
    pub(super) fn has_ended(&self) -> bool {
        self.engine.mailboxes.iter().any(|mailbox| mailbox.is_closed())
    }

    /// Throws away what is under way, as when the lane begins anew. Nobody hears the answers to that.
    pub(super) fn forget(&mut self) {
        self.pending.fill_with(Pending::default);
        self.outstanding.fill(0);
        (self.reply, self.replies) = replies(self.outstanding.len());
    }
}

/// The way back. Room for every answer that can be under way: a shard never waits for a lane.
fn replies(shards: usize) -> (Sender<LaneReply>, Receiver<LaneReply>) {
    bounded(shards * LANE_BATCHES_PER_SHARD_MAX + LANE_QUESTIONS_MAX)
}

/// How many looks of this length make up the patience with a shard.
fn looks(look: Duration) -> u32 {
    u32::try_from(ANSWER_TIMEOUT.as_micros() / look.as_micros()).unwrap_or(u32::MAX)
}
