//! What the lanes count. Several lanes share one set.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::file_writes::FileWrites;

/// A look at the connection that is older says nothing any more: whoever looks each second is held up by a broker.
const LOOK_AGE_MAX: Duration = Duration::from_secs(4);

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionOutcome {
    /// Its records and offsets are there.
    Committed,
    /// Given up, nothing of it is there.
    Aborted,
    /// Refused, because another producer has taken the name or the broker gave it up.
    Fenced,
    /// Not known; the lane asked the broker afterwards.
    Indefinite,
}

impl TransactionOutcome {
    /// All, in the order of [`LaneMetrics::transactions`], with their names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Committed, "committed"),
        (Self::Aborted, "aborted"),
        (Self::Fenced, "fenced"),
        (Self::Indefinite, "indefinite"),
    ];
}

/// The counts of all lanes of the process.
#[derive(Debug, Default)]
pub struct LaneMetrics {
    connected: Mutex<Option<(bool, Instant)>>,
    /// Records read that were not replayed.
    pub records: AtomicU64,
    /// Records read again to rebuild state.
    pub records_replayed: AtomicU64,
    /// Predictions committed.
    pub predictions: AtomicU64,
    /// Transactions, in the order of [`TransactionOutcome::ALL`].
    pub transactions: [AtomicU64; TransactionOutcome::ALL.len()],
    /// Nanoseconds in commits.
    pub commit_nanos: AtomicU64,
    /// Records put into the dead-letter topic.
    pub dead_letters: AtomicU64,
    /// Assignments and revocations.
    pub rebalances: AtomicU64,
    /// Times a lane began anew after a failure.
    pub restarts: AtomicU64,
    /// Partitions owned.
    pub partitions: AtomicI64,
    /// Partitions paused because too much in them could not be read.
    pub partitions_paused: AtomicI64,
    /// Records of the lanes' partitions that are not committed, also while no partition is live.
    pub lag_records: AtomicI64,
    /// At the last commit, the wall clock less the event time of its newest tick, ns.
    pub freshness_nanos: AtomicI64,
    /// Snapshots written.
    pub snapshots: AtomicU64,
    /// Bytes of them.
    pub snapshot_bytes: AtomicU64,
    /// Partitions restored from snapshots.
    pub restored_snapshots: AtomicU64,
    /// Partitions rebuilt from their origin.
    pub restored_origin: AtomicU64,
    /// Partitions begun anew because what came before is lost.
    pub restored_new_origin: AtomicU64,
    /// Partitions begun anew because the ticks' topic was deleted and created again.
    pub restored_new_log: AtomicU64,
    /// Nanoseconds from the last assignment to live.
    pub restore_nanos: AtomicU64,
    /// Whether states can be kept in `kafka.state_directory`.
    pub state_files: FileWrites,
    /// Events written to their topic.
    pub events_written: AtomicU64,
    /// Events that found no room, or were not delivered.
    pub events_dropped: AtomicU64,
}

impl LaneMetrics {
    /// Tells whether a client has a broker. Called about once a second.
    pub fn note_connected(&self, is_connected: bool) {
        *self.connected.lock().expect("no code panics while it holds the look") =
            Some((is_connected, Instant::now()));
    }

    /// Whether a broker is reachable, by the newest look.
    pub fn is_connected(&self) -> bool {
        let look = *self.connected.lock().expect("no code panics while it holds the look");
        look.is_some_and(|(is_connected, at)| is_connected && at.elapsed() < LOOK_AGE_MAX)
    }

    /// Counts a transaction.
    pub fn count(&self, outcome: TransactionOutcome) {
        self.transactions[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }
}
