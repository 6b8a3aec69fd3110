//! Counters of the lanes. All lanes of a process share one set.

use std::{
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{file_writes::FileWrites, schemas::Schemas};

/// A connection state that is older than this is stale: a lane that checks each second is held up by a broker.
const LOOK_AGE_MAX: Duration = Duration::from_secs(4);

/// The outcome of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionOutcome {
    /// Its records and offsets are committed.
    Committed,
    /// Aborted; nothing of it is visible.
    Aborted,
    /// Refused, because another producer took the name or the broker timed the transaction out.
    Fenced,
    /// Unknown; the lane restarted from what the broker had committed.
    Indefinite,
}

impl TransactionOutcome {
    /// All outcomes with their names, in the order of [`LaneMetrics::transactions`].
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Committed, "committed"),
        (Self::Aborted, "aborted"),
        (Self::Fenced, "fenced"),
        (Self::Indefinite, "indefinite"),
    ];
}

/// The counters of all lanes of the process.
#[derive(Debug, Default)]
pub struct LaneMetrics {
    connected: Mutex<Option<(bool, Instant)>>,
    /// Records read for the first time.
    pub records: AtomicU64,
    /// Records read again to rebuild state.
    pub records_replayed: AtomicU64,
    /// Predictions committed.
    pub predictions: AtomicU64,
    /// Transactions, in the order of [`TransactionOutcome::ALL`].
    pub transactions: [AtomicU64; TransactionOutcome::ALL.len()],
    /// Nanoseconds spent in commits.
    pub commit_nanos: AtomicU64,
    /// Records written to the dead-letter topic.
    pub dead_letters: AtomicU64,
    /// Assignments and revocations.
    pub rebalances: AtomicU64,
    /// Times a lane started again after a failure.
    pub restarts: AtomicU64,
    /// Partitions owned now.
    pub partitions: AtomicI64,
    /// Partitions that are paused because too many records were unreadable.
    pub partitions_paused: AtomicI64,
    /// Partitions whose next record waits for a schema.
    pub partitions_waiting: AtomicI64,
    /// The schemas of framed records, if there are any.
    pub schemas: OnceLock<Schemas>,
    /// Records of the lanes' partitions that are not committed, also while no partition is live.
    pub lag_records: AtomicI64,
    /// At the last commit, wall-clock time minus the event time of its newest tick, ns.
    pub freshness_nanos: AtomicI64,
    /// Snapshots written.
    pub snapshots: AtomicU64,
    /// Bytes of the snapshots written.
    pub snapshot_bytes: AtomicU64,
    /// Partitions restored from snapshots.
    pub restored_snapshots: AtomicU64,
    /// Partitions rebuilt from their origin.
    pub restored_origin: AtomicU64,
    /// Partitions restored without their older records, which were deleted.
    pub restored_new_origin: AtomicU64,
    /// Partitions restarted because the ticks' topic was deleted and created again.
    pub restored_new_log: AtomicU64,
    /// Nanoseconds from the last assignment until all partitions were live.
    pub restore_nanos: AtomicU64,
    /// Whether states can be written to `kafka.state_directory`.
    pub state_files: FileWrites,
    /// Events written to the events' topic.
    pub events_written: AtomicU64,
    /// Events that found the queue full, or were not delivered.
    pub events_dropped: AtomicU64,
}

impl LaneMetrics {
    /// Notes whether a client has a connection to a broker. Called about once a second.
    pub fn note_connected(&self, is_connected: bool) {
        *self.connected.lock().expect("no code panics while it holds the look") =
            Some((is_connected, Instant::now()));
    }

    /// Whether a broker was reachable at the newest check.
    pub fn is_connected(&self) -> bool {
        let look = *self.connected.lock().expect("no code panics while it holds the look");
        look.is_some_and(|(is_connected, at)| is_connected && at.elapsed() < LOOK_AGE_MAX)
    }

    /// Counts a transaction.
    pub fn count(&self, outcome: TransactionOutcome) {
        self.transactions[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }
}
