//! Every bound of the engine, with the relations between the bounds checked at compile time.

/// Resident bytes of a symbol with all of its windows full, rounded up: `stormglass capacity` prints 148 KiB as "a symbol"
/// (500 symbols, default model). Its heap alone is less, see `memory` in benches/README.md.
pub const SYMBOL_RESIDENT_BYTES: u64 = 150 * 1_024;
/// Symbols a process can be allowed to hold; with [`SYMBOL_RESIDENT_BYTES`] each, more than most machines have room for.
pub const SYMBOLS_MAX: usize = 100_000;
/// Default bound on the symbols; ticks of a further one are refused and counted.
pub const SYMBOLS_MAX_DEFAULT: usize = 20_000;
/// Bytes of a symbol's name at most.
pub const SYMBOL_NAME_BYTES_MAX: usize = 64;
/// Bytes of one source record at most; a longer one is unreadable.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Tickers taken from one record at most.
pub const TICKERS_PER_RECORD_MAX: usize = 10_000;
/// Batches of ticks that one shard may owe a lane.
pub const LANE_BATCHES_PER_SHARD_MAX: usize = 2;
/// Snapshot and restore requests that the shards may owe a lane.
pub const LANE_QUESTIONS_MAX: usize = 32;
/// Messages waiting in a shard's control queue.
pub const CONTROL_QUEUE_CAPACITY: usize = 1_024;
/// Tick batches waiting in a shard's tick queue.
pub const TICK_QUEUE_CAPACITY: usize = 64;
/// Ticks in one batch at most.
pub const TICKS_PER_BATCH_MAX: usize = 256;
/// Control messages handled in one turn of a shard.
pub const CONTROL_PER_TURN_MAX: usize = 64;
/// Caller's rows after which a shard takes no further control message in a turn: ticks wait for these and one request
/// more, milliseconds for a large forest.
pub const ROWS_PER_TURN_MAX: usize = 1_024;
/// Tick batches handled in one turn of a shard.
pub const TICK_BATCHES_PER_TURN_MAX: usize = 1;
/// Ticks that a source holds to put them into order; beyond them the oldest leaves before its time.
pub const REORDER_TICKS_MAX: usize = 1 << 18;
/// Milliseconds over which ticks can be put into order.
pub const REORDER_MS_MAX: u64 = 600_000;
/// Partitions at most.
pub const PARTITIONS_MAX: u32 = 4_096;
/// Shards at most.
pub const SHARDS_MAX: usize = 256;
/// Trade ids a symbol remembers to drop repeats.
pub const TRADE_IDS_REMEMBERED: usize = 1_024;
/// Predictions waiting for the live stream; the oldest is dropped when it is full.
pub const BOARD_CAPACITY: usize = 4_096;
/// Newest grid rows kept by all shards together, on which a new model is tried.
pub const RECENT_ROWS_MAX: usize = 4_096;
/// Events of a kind that are kept.
pub const EVENTS_PER_KIND_MAX: usize = 256;
/// Events waiting to be written to a topic; an event that finds no room is dropped and counted.
pub const EVENTS_QUEUED_MAX: usize = 1_024;
/// Bytes of the symbols in an owner record, well below the megabyte that a broker accepts.
pub const OWNER_RECORD_BYTES_MAX: usize = 512 * 1_024;
/// Bytes of an owner's name, and of its url, at most.
pub const OWNER_NAME_BYTES_MAX: usize = 512;

const _: () = {
    assert!(CONTROL_PER_TURN_MAX <= CONTROL_QUEUE_CAPACITY);
    assert!(TICK_BATCHES_PER_TURN_MAX <= TICK_QUEUE_CAPACITY);
    assert!(SYMBOLS_MAX_DEFAULT <= SYMBOLS_MAX && SYMBOLS_MAX <= u32::MAX as usize);
    assert!(LANE_BATCHES_PER_SHARD_MAX <= TICK_QUEUE_CAPACITY);
    assert!(SHARDS_MAX <= u16::MAX as usize);
};
