//! The states of symbols, taken out of live shards and put into others as a lane does it. No lane owns the partitions that
//! a test fills.

use std::time::Duration;

use crossbeam::channel::{Sender, bounded};
use engine::{
    handle::EngineHandle,
    intake::Patience,
    message::{Epoch, Message, PartitionOrder, PartitionWork, ShardReply},
    snapshot::SnapshotError,
    symbol::{Partition, Symbol, default_partition},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// The state of a symbol as bytes, behind all ticks that were handed over.
pub(crate) fn snapshot(handle: &EngineHandle, symbol: &Symbol) -> Vec<u8> {
    let key = handle.routes.key_of(symbol.id).unwrap();
    let work = |reply| PartitionWork::Snapshot { symbol: key.symbol, reply };
    let ShardReply::Snapshot { bytes, .. } = order(handle, key.partition, work) else { panic!("no state") };
    bytes.unwrap()
}

/// Puts a state in the place of that of `name`, `venue:product`.
pub(crate) fn restore(handle: &EngineHandle, name: &str, snapshot: Vec<u8>) -> Result<(), SnapshotError> {
    let (venue, product) = name.split_once(':').unwrap();
    let symbol = handle.symbols.intern(venue, product).unwrap();
    let partition = default_partition(name, handle.routes.partition_count());
    handle.names().route(&symbol, partition);
    let work = |reply| PartitionWork::Restore { symbol, snapshot, reply };
    let ShardReply::Restored { outcome, .. } = order(handle, partition, work) else { panic!("no outcome") };
    outcome.unwrap()
}

fn order(
    handle: &EngineHandle,
    partition: Partition,
    work: impl FnOnce(Sender<ShardReply>) -> PartitionWork,
) -> ShardReply {
    let shard = handle.routes.shard_of(partition).unwrap();
    let (reply, replies) = bounded(1);
    let order = PartitionOrder { partition, epoch: Epoch::NONE, work: work(reply) };
    handle.delivery(Patience::For(DEADLINE)).push(shard, Message::Partition(order)).unwrap();
    replies.recv_timeout(DEADLINE).unwrap()
}
