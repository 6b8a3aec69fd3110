//! Events for people: model swaps, changes by feedback, gaps in the ticks, partitions taken and given back.
//!
//! Each kind has a bounded ring of its own, so that many gaps do not push a swap out. Events are rare: an
//! ordinary tick causes none. A bounded queue carries them to the events' topic, if there is one; noting an event never
//! waits.

mod encode;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crossbeam::{
    channel::{Receiver, Sender, bounded},
    queue::ArrayQueue,
};

use crate::{
    feedback::Change, lanes::LaneMetrics, limits::EVENTS_PER_KIND_MAX, symbol::Symbol, tick::EventTime,
};

/// A change of the model. Models are named as `name@version sha256`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelChange {
    /// The model of the change; `None` if no model is left.
    pub model: Option<String>,
    /// The model before the change.
    pub before: Option<String>,
    /// The reason that the request gave.
    pub reason: Option<String>,
    /// Id of the request that asked for the change.
    pub request_id: Option<String>,
}

/// A kind of event with its fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// From now on another model scores, or none does.
    ModelSwapped(ModelChange),
    /// The previous model scores again.
    ModelRolledBack(ModelChange),
    /// A model was refused; the loaded one goes on.
    ModelRefused {
        /// The change that was asked for.
        change: ModelChange,
        /// The cause of the refusal.
        why: String,
    },
    /// From now on a shadow model scores the grid instants beside the loaded model.
    ShadowOn(ModelChange),
    /// The shadow model no longer scores.
    ShadowOff(ModelChange),
    /// Feedback changed how a symbol's predictions are made.
    Feedback(Change),
    /// A silence was longer than the limit, so its seconds are invalid.
    Gap {
        /// Length of the silence, seconds.
        silence_s: f64,
    },
    /// A lane took partitions over.
    PartitionsTaken {
        /// Number of the lane.
        lane: usize,
        /// The partitions, ascending.
        partitions: Vec<u32>,
    },
    /// A lane gave partitions back.
    PartitionsGivenBack {
        /// Number of the lane.
        lane: usize,
        /// The partitions, ascending.
        partitions: Vec<u32>,
        /// Whether another member owned them already, so that uncommitted work was dropped.
        lost: bool,
    },
    /// The state of a partition was restored.
    Restored {
        /// The partition.
        partition: u32,
        /// `start`, `snapshots`, `origin`, `new_origin` or `new_log`.
        from: &'static str,
        /// Records that are read again before the partition is live.
        replayed: u64,
    },
    /// A lane restarted after a failure.
    LaneRestarted {
        /// Number of the lane.
        lane: usize,
        /// The failure.
        reason: String,
    },
    /// Too many records of a partition were unreadable: the partition is no longer read.
    PartitionPaused {
        /// The partition.
        partition: u32,
        /// Offset of the record at which the limit was passed.
        offset: u64,
    },
}

/// The names of the kinds, in the order of the rings.
pub const KINDS: [&str; 14] = [
    "model_swapped",
    "recalibrated",
    "fell_back",
    "recovered",
    "gap",
    "partitions_taken",
    "partitions_given_back",
    "restored",
    "lane_restarted",
    "partition_paused",
    "model_rolled_back",
    "model_refused",
    "shadow_on",
    "shadow_off",
];

impl Happening {
    /// Name of the kind, one of [`KINDS`].
    pub fn kind(&self) -> &'static str {
        KINDS[self.index()]
    }

    fn index(&self) -> usize {
        match self {
            Self::ModelSwapped(_) => 0,
            Self::Feedback(Change::Recalibrated(_)) => 1,
            Self::Feedback(Change::FellBack { .. }) => 2,
            Self::Feedback(Change::Recovered { .. }) => 3,
            Self::Gap { .. } => 4,
            Self::PartitionsTaken { .. } => 5,
            Self::PartitionsGivenBack { .. } => 6,
            Self::Restored { .. } => 7,
            Self::LaneRestarted { .. } => 8,
            Self::PartitionPaused { .. } => 9,
            Self::ModelRolledBack(_) => 10,
            Self::ModelRefused { .. } => 11,
            Self::ShadowOn(_) => 12,
            Self::ShadowOff(_) => 13,
        }
    }
}

/// One event with its times.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Wall-clock time at which the event was noted.
    pub noted_at: EventTime,
    /// Event time of the tick that caused the event; `None` if no tick did.
    pub as_of: Option<EventTime>,
    /// The symbol of the event; `None` if it concerns all.
    pub symbol: Option<Arc<Symbol>>,
    /// The kind with its fields.
    pub happening: Happening,
}

#[derive(Debug)]
struct Ring {
    /// Events that no reader has moved into the ring yet.
    fresh: ArrayQueue<Event>,
    kept: Mutex<VecDeque<Event>>,
    count: AtomicU64,
}

/// The queue to the events' topic.
#[derive(Debug)]
struct Outlet {
    queue: Sender<Event>,
    metrics: Arc<LaneMetrics>,
}

/// The rings.
#[derive(Debug)]
pub struct EventLog {
    rings: [Ring; KINDS.len()],
    outlet: OnceLock<Outlet>,
}

impl Default for EventLog {
    fn default() -> Self {
        let ring = |_| Ring {
            fresh: ArrayQueue::new(EVENTS_PER_KIND_MAX),
            kept: Mutex::default(),
            count: AtomicU64::new(0),
        };
        Self { rings: std::array::from_fn(ring), outlet: OnceLock::new() }
    }
}

impl EventLog {
    /// Returns a queue of the events that are noted from now on, except gaps. An event that finds the queue full is
    /// dropped and counted in `metrics`. Only the first caller gets such a queue; a later one gets a queue that stays
    /// empty.
    pub fn queue(&self, capacity: usize, metrics: Arc<LaneMetrics>) -> Receiver<Event> {
        let (queue, events) = bounded(capacity);
        let _ = self.outlet.set(Outlet { queue, metrics });
        events
    }

    /// Notes an event and logs it. If the ring of its kind is full, the oldest event of the kind is dropped. Never
    /// waits.
    pub fn note(&self, symbol: Option<&Arc<Symbol>>, as_of: Option<EventTime>, happening: Happening) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        let name = symbol.map(|symbol| &*symbol.name);
        match &happening {
            Happening::Gap { silence_s } => tracing::debug!(symbol = name, silence_s, "gap"),
            Happening::ModelSwapped(_)
            | Happening::ModelRolledBack(_)
            | Happening::ModelRefused { .. }
            | Happening::ShadowOn(_)
            | Happening::ShadowOff(_)
            | Happening::Feedback(_) => {
                tracing::info!(kind = happening.kind(), symbol = name, detail = ?happening, "event");
            }
            // The lanes log these events themselves.
            of_lane => tracing::debug!(kind = of_lane.kind(), detail = ?of_lane, "event"),
        }
        let ring = &self.rings[happening.index()];
        ring.count.fetch_add(1, Ordering::Relaxed);
        let event = Event {
            noted_at: EventTime::from_nanos(nanos).unwrap_or(EventTime::MAX),
            as_of,
            symbol: symbol.cloned(),
            happening,
        };
        if let Some(outlet) = self.outlet.get().filter(|_| !matches!(event.happening, Happening::Gap { .. }))
            && outlet.queue.try_send(event.clone()).is_err()
        {
            outlet.metrics.events_dropped.fetch_add(1, Ordering::Relaxed);
        }
        ring.fresh.force_push(event);
    }

    /// The kept events of one kind, or of all kinds, the newest first.
    pub fn read(&self, kind: Option<&str>) -> Vec<Event> {
        let mut events = Vec::new();
        for (ring, name) in self.rings.iter().zip(KINDS) {
            if kind.is_some_and(|kind| kind != name) {
                continue;
            }
            let mut kept = ring.kept.lock().expect("no code panics while it holds a ring");
            while let Some(event) = ring.fresh.pop() {
                if kept.len() == EVENTS_PER_KIND_MAX {
                    kept.pop_front();
                }
                kept.push_back(event);
            }
            events.extend(kept.iter().cloned());
        }
        events.sort_by_key(|event| std::cmp::Reverse(event.noted_at));
        events
    }

    /// Number of events of each kind since the start.
    pub fn counts(&self) -> [(&'static str, u64); KINDS.len()] {
        std::array::from_fn(|i| (KINDS[i], self.rings[i].count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_gaps_push_out_gaps_only() {
        let log = EventLog::default();
        log.note(None, None, Happening::ModelSwapped(ModelChange::default()));
        for i in 0..3 * EVENTS_PER_KIND_MAX {
            log.note(None, None, Happening::Gap { silence_s: i as f64 });
            if i % 100 == 0 {
                log.read(None);
            }
        }
        assert_eq!(log.read(Some("model_swapped")).len(), 1);
        let gaps = log.read(Some("gap"));
        assert_eq!(gaps.len(), EVENTS_PER_KIND_MAX);
        assert!(gaps.iter().all(|gap| {
            matches!(gap.happening, Happening::Gap { silence_s } if silence_s >= 2.0 * EVENTS_PER_KIND_MAX as f64)
        }));
        assert_eq!(log.read(None).len(), EVENTS_PER_KIND_MAX + 1);
        assert_eq!(log.counts()[4], ("gap", 3 * EVENTS_PER_KIND_MAX as u64));
    }
    #[test]
    fn the_queue_takes_all_but_gaps_and_counts_what_it_cannot_take() {
        let (log, metrics) = (EventLog::default(), Arc::new(LaneMetrics::default()));
        log.note(None, None, Happening::ModelSwapped(ModelChange::default()));
        let events = log.queue(2, metrics.clone());
        log.note(None, None, Happening::Gap { silence_s: 11.0 });
        for lane in 0..3 {
            log.note(None, None, Happening::LaneRestarted { lane, reason: "lost".to_owned() });
        }
        assert_eq!(metrics.events_dropped.load(Ordering::Relaxed), 1);
        let queued: Vec<Event> = events.try_iter().collect();
        let json = serde_json::to_string(&queued[1]).unwrap();
        assert!(json.starts_with(r#"{"kind":"lane_restarted","noted_at":""#), "{json}");
        assert!(json.ends_with(r#"Z","lane":1,"reason":"lost"}"#), "{json}");
        assert_eq!(queued.len(), 2);
        assert_eq!(log.read(Some("lane_restarted")).len(), 3);
    }
}
