//! (7) What happened to the service, for people: model swaps, what feedback changed, gaps, partitions that came and
//! went.
//!
//! Each kind has a bounded ring of its own, so that many gaps do not push a swap out. Events are rare: none on an
//! ordinary tick. Where a log carries them to others, a bounded queue does; whoever notes one never waits.

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
    feedback::Change, lane::LaneMetrics, limits::EVENTS_PER_KIND_MAX, symbol::Symbol, tick::EventTime,
};

/// A change of the model. Models are told as `name@version sha256`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelChange {
    /// The one that it is about; `None` where there is none any more.
    pub model: Option<String>,
    /// The one before.
    pub before: Option<String>,
    /// Why, in the words of whoever asked for it.
    pub reason: Option<String>,
    /// The request that asked for it.
    pub request_id: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// Another model scores from now on, or none.
    ModelSwapped(ModelChange),
    /// The model before scores again.
    ModelRolledBack(ModelChange),
    /// A model was not taken; the one before goes on.
    ModelRefused {
        /// What was asked for.
        change: ModelChange,
        /// Why not.
        why: String,
    },
    /// A second model scores the grid beside the active one from now on.
    ShadowOn(ModelChange),
    /// It does not any more.
    ShadowOff(ModelChange),
    /// Feedback changed how a symbol's predictions are given.
    Feedback(Change),
    /// A silence invalidated its seconds.
    Gap {
        /// How long it was, seconds.
        silence_s: f64,
    },
    /// A lane took partitions over.
    PartitionsTaken {
        /// Which lane.
        lane: usize,
        /// Which.
        partitions: Vec<u32>,
    },
    /// A lane gave partitions back.
    PartitionsGivenBack {
        /// Which lane.
        lane: usize,
        /// Which.
        partitions: Vec<u32>,
        /// Whether they were somebody else's already, so that what was not committed was dropped.
        lost: bool,
    },
    /// The state of a partition was found again.
    Restored {
        /// Which.
        partition: u32,
        /// `start`, `snapshots`, `origin`, `new_origin` or `new_log`.
        from: &'static str,
        /// Records to read again before it is live.
        replayed: u64,
    },
    /// A lane began anew.
    LaneRestarted {
        /// Which lane.
        lane: usize,
        /// Why.
        reason: String,
    },
    /// Too much of a partition could not be read: nothing of it is read any more.
    PartitionPaused {
        /// Which.
        partition: u32,
        /// The record that was one too many.
        offset: u64,
    },
}

/// The kinds, in the order of the rings.
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
    /// Its kind.
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

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it was noted, by the wall clock.
    pub noted_at: EventTime,
    /// Event time of the tick that brought it about; `None` where no tick did.
    pub as_of: Option<EventTime>,
    /// Whose symbol; `None` where it concerns all.
    pub symbol: Option<Arc<Symbol>>,
    /// What.
    pub happening: Happening,
}

#[derive(Debug)]
struct Ring {
    /// What nobody has read yet.
    fresh: ArrayQueue<Event>,
    kept: Mutex<VecDeque<Event>>,
    count: AtomicU64,
}

/// Where events go beside the rings.
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
    /// A queue of what is noted from now on, gaps left out; what finds it full is dropped and counted in `metrics`.
    /// There is one: a later caller's stays empty.
    pub fn queue(&self, capacity: usize, metrics: Arc<LaneMetrics>) -> Receiver<Event> {
        let (queue, events) = bounded(capacity);
        let _ = self.outlet.set(Outlet { queue, metrics });
        events
    }

    /// Notes what happened and logs it; the oldest of its kind goes when the ring is full. Never waits.
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
            // The lanes log what they do themselves.
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

    /// What is kept, of one kind or of all, the newest first.
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

    /// How many of each kind there have been.
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
