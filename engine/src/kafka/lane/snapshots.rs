//! Schedules snapshots: each symbol's state is written once an interval, a few with each commit.

use std::{sync::atomic::Ordering, time::Instant};

use super::{
    LaneError, partition::OwnedPartition, snapshot_topic::KeptSnapshot, transaction::Sent, turn::Turns,
};
use crate::{
    limits::LANE_QUESTIONS_MAX,
    message::{PartitionWork, ShardReply},
};

/// Most snapshots written with one commit.
const SNAPSHOTS_PER_COMMIT_MAX: usize = 16;
/// Most snapshots written when partitions are given back.
const SNAPSHOTS_AT_HANDOVER_MAX: usize = 512;

/// Tracks how many snapshots are due.
#[derive(Debug)]
pub(super) struct SnapshotSchedule {
    /// Snapshots that are due; a fraction is carried over to the next commit.
    due: f64,
    /// The time at which `due` was computed.
    at: Instant,
    /// Snapshots taken so far.
    taken: u64,
}

impl Default for SnapshotSchedule {
    fn default() -> Self {
        Self { due: 0.0, at: Instant::now(), taken: 0 }
    }
}

/// A symbol of an owned partition: the partition's number, and the symbol's index in the partition's list.
type OwnedSymbol = (u32, usize);

/// The symbols of a partition whose newest snapshot does not include the last record read.
fn stale(owned: &OwnedPartition) -> impl Iterator<Item = OwnedSymbol> {
    let symbols = owned.symbols().iter().enumerate();
    let stale = symbols.filter(|(_, symbol)| symbol.snapshot != Some(owned.next));
    stale.map(|(i, _)| (owned.partition.0, i))
}

impl Turns<'_, '_> {
    /// The symbols whose state the next commit writes, those with the oldest snapshot first.
    pub(super) fn snapshots_due(&mut self) -> Vec<OwnedSymbol> {
        let total: usize = self.owned.values().map(|owned| owned.symbols().len()).sum();
        let interval = self.lane.settings.snapshot_interval_s;
        let share = self.snapshots.at.elapsed().as_secs_f64() / interval.get();
        self.snapshots.at = Instant::now();
        let due = (self.snapshots.due + share * total as f64).min(SNAPSHOTS_PER_COMMIT_MAX as f64);
        let live = self.owned.values().filter(|owned| owned.is_live());
        let turn = |&(partition, i): &OwnedSymbol| self.owned[&partition].symbols()[i].snapshot_turn;
        let mut waiting: Vec<OwnedSymbol> = live.flat_map(stale).collect();
        waiting.sort_unstable_by_key(|symbol| (turn(symbol), *symbol));
        waiting.truncate(due as usize);
        self.snapshots.due = due - waiting.len() as f64;
        waiting
    }

    /// The symbols of these partitions whose state must be written before another owner takes the partitions over.
    pub(super) fn stale_snapshots(&self, partitions: &[u32]) -> Vec<OwnedSymbol> {
        let owned = partitions.iter().filter_map(|partition| self.owned.get(partition));
        let live = owned.filter(|owned| owned.is_live());
        live.flat_map(stale).take(SNAPSHOTS_AT_HANDOVER_MAX).collect()
    }

    /// Requests the state of these symbols, as of the last commit, and adds it to the next transaction.
    pub(super) fn snapshot(&mut self, due: &[OwnedSymbol]) -> Result<(), LaneError> {
        for some in due.chunks(LANE_QUESTIONS_MAX) {
            for &(partition, i) in some {
                let owned = &self.owned[&partition];
                let (link, symbol) = (&self.lane.link, owned.symbols()[i].symbol.id);
                let work = PartitionWork::Snapshot { symbol, reply: link.reply_to() };
                link.order(owned.shard, owned.partition, owned.epoch, work)?;
            }
            // Replies of one shard come in order, those of several shards do not: the key identifies the symbol.
            for _ in some {
                let ShardReply::Snapshot { key, bytes } = self.lane.link.awaited()? else { continue };
                let owned = self.owned.get_mut(&key.partition.0).expect("it was asked for a moment ago");
                let (next, origin, new_origin_before) = (owned.next, owned.origin, owned.new_origin_before);
                let symbol = owned.symbols_mut().iter_mut().find(|s| s.symbol.id == key.symbol);
                let (Some(symbol), Some(bytes)) = (symbol, bytes) else { continue };
                symbol.snapshot = Some(next);
                self.snapshots.taken += 1;
                symbol.snapshot_turn = self.snapshots.taken;
                let kept = KeptSnapshot {
                    partition: key.partition.0,
                    symbol: symbol.symbol.name.to_string(),
                    first: symbol.first,
                    next,
                    topic_id: self.topic_id,
                    bytes,
                };
                self.lane.files.keep(&kept, origin, new_origin_before);
                let metrics = &self.lane.metrics;
                metrics.snapshots.fetch_add(1, Ordering::Relaxed);
                metrics.snapshot_bytes.fetch_add(kept.bytes.len() as u64, Ordering::Relaxed);
                self.transaction.send(Sent::Snapshot(kept))?;
            }
        }
        Ok(())
    }
}
