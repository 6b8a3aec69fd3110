//! The lag of a lane: records between the committed offset and the end of its partitions.
//!
//! A working lane knows both from its consumer. A lane that fails or is held up asks the broker, because records wait
//! although no lane reads them, and the end that the client saw last does not move.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer;

use super::{Lane, turn::Turns};
use crate::{
    kafka::tools::topic_log::{self, Bounds},
    recording::LogError,
};

/// Interval at which a working lane computes its lag.
const LAG_EVERY: Duration = Duration::from_secs(1);
/// Interval at which a lane that is held up asks the broker for its lag.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Longest wait for one response of the broker.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

impl Lane<'_> {
    /// Sets this lane's lag in the metrics.
    pub(super) fn tell_lag(&mut self, lag: i64) {
        self.metrics.lag_records.fetch_add(lag - self.lag, Ordering::Relaxed);
        self.lag = lag;
    }

    /// Whether the reported lag is zero.
    pub(super) fn has_caught_up(&self) -> bool {
        self.lag == 0
    }

    /// Asks the broker for the group's lag in the partitions that this lane owns or owned. If this is the first lane
    /// and it has none, it asks for the whole topic, because perhaps no instance reads it.
    pub(super) fn look_for_lag(&mut self, is_owned: impl Fn(u32) -> bool) {
        self.lag_at = Instant::now();
        let is_ours = |partition: u32| is_owned(partition) || self.left.contains_key(&partition);
        let has_any = self.committed.keys().any(|&partition| is_ours(partition));
        if !self.metrics.is_connected() || !has_any && self.number > 0 {
            return;
        }
        let lag = self.ask_for_lag(|partition| is_ours(partition) || !has_any);
        match lag {
            Ok(lag) => self.tell_lag(i64::try_from(lag).unwrap_or(i64::MAX)),
            // The lag is unknown, and an alert on the lag must fire.
            Err(LogError::Topic(why)) => {
                tracing::debug!(why, "how many records wait is not known");
                self.tell_lag(self.lag.max(1));
            }
            Err(error) => tracing::debug!(%error, "how far the group is behind is not known now"),
        }
    }

    /// Calls [`Lane::look_for_lag`], but at most every [`LOOK_EVERY`].
    pub(super) fn look_for_lag_while_held_up(&mut self, is_owned: impl Fn(u32) -> bool) {
        if self.lag_at.elapsed() >= LOOK_EVERY {
            self.look_for_lag(is_owned);
        }
    }

    /// Counts the records after the group's committed offsets. If this user may not read those, it uses the offsets
    /// that this lane has committed.
    fn ask_for_lag(&self, is_ours: impl Fn(u32) -> bool) -> Result<u64, LogError> {
        let reader = topic_log::reader(&self.settings)?;
        let bounds = topic_log::bounds_within(&reader, &self.settings.topic_raw, LOOK_TIMEOUT)?;
        let committed = match topic_log::committed(&reader, &self.settings, &bounds, LOOK_TIMEOUT) {
            Ok(committed) => {
                committed.into_iter().map(|(partition, found)| (partition, found.offset)).collect()
            }
            Err(error) if topic_log::is_forbidden(&error) => self.committed.clone(),
            Err(error) => return Err(topic_log::kafka_error(error)),
        };
        let lag = |(partition, bounds): (&u32, &Bounds)| bounds.behind(committed.get(partition).copied());
        Ok(bounds.iter().filter(|(partition, _)| is_ours(**partition)).map(lag).sum())
    }
}

impl Turns<'_, '_> {
    /// Updates the lag once a second. While the lane is held up it asks the broker.
    pub(super) fn tell_lag(&mut self) {
        if self.is_held_up {
            self.note_committed();
            let owned = &self.owned;
            self.lane.look_for_lag_while_held_up(|partition| owned.contains_key(&partition));
        } else if self.lane.lag_at.elapsed() >= LAG_EVERY {
            self.tell_lag_now();
        }
    }

    /// Remembers the committed offsets, for the case that the broker does not give them to this user.
    pub(super) fn note_committed(&mut self) {
        self.lane.committed.extend(self.owned.iter().map(|(&number, owned)| (number, owned.committed)));
    }

    /// Computes and sets the lag now.
    pub(super) fn tell_lag_now(&mut self) {
        self.lane.lag_at = Instant::now();
        for (number, end) in self.consumer.context().ends() {
            if let Some(owned) = self.owned.get_mut(&(number as u32)) {
                let offset = u64::try_from(end.offset).unwrap_or_default();
                owned.end =
                    if end.is_reached && !owned.is_paused { owned.next } else { owned.end.max(offset) };
            }
        }
        let lag: u64 = self.owned.values().map(|owned| owned.lag()).sum();
        self.lane.tell_lag(i64::try_from(lag).unwrap_or(i64::MAX));
    }
}
