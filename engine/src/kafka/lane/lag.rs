//! How far a lane is behind: records of its partitions that are not committed, by the log's end.
//!
//! A lane that works knows both. One that fails or is held up asks the broker, because the records wait although no lane
//! works on them, and what the client last saw of the log's end does not move.

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

/// How often a lane that works determines its lag.
const LAG_EVERY: Duration = Duration::from_secs(1);
/// How often a lane that is held up asks the broker for it.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long one answer of the broker may hold up a lane that gets nowhere anyhow.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

impl Lane<'_> {
    /// Tells how far this lane is behind.
    pub(super) fn tell_lag(&mut self, lag: i64) {
        self.metrics.lag_records.fetch_add(lag - self.lag, Ordering::Relaxed);
        self.lag = lag;
    }

    /// Whether nothing waits, as far as it was told.
    pub(super) fn has_caught_up(&self) -> bool {
        self.lag == 0
    }

    /// Asks the broker how far the group is behind in the partitions that this lane owns or had. The first lane asks for
    /// the whole topic where it has none, because perhaps no instance works on it.
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
            // It cannot be known, and whoever watches the lag must hear of it.
            Err(LogError::Topic(why)) => {
                tracing::debug!(why, "how many records wait is not known");
                self.tell_lag(self.lag.max(1));
            }
            Err(error) => tracing::debug!(%error, "how far the group is behind is not known now"),
        }
    }

    /// Asks as [`Lane::look_for_lag`] does, but only every few seconds.
    pub(super) fn look_for_lag_while_held_up(&mut self, is_owned: impl Fn(u32) -> bool) {
        if self.lag_at.elapsed() >= LOOK_EVERY {
            self.look_for_lag(is_owned);
        }
    }

    /// Records behind what the group has committed, or behind what this lane knows of that where the group's offsets are
    /// not for this user to see.
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
    /// Tells how far the lane is behind, once a second; while it is held up by the broker's word.
    pub(super) fn tell_lag(&mut self) {
        if self.is_held_up {
            self.note_committed();
            let owned = &self.owned;
            self.lane.look_for_lag_while_held_up(|partition| owned.contains_key(&partition));
        } else if self.lane.lag_at.elapsed() >= LAG_EVERY {
            self.tell_lag_now();
        }
    }

    /// Remembers up to where the group has committed, for when it may not be asked.
    pub(super) fn note_committed(&mut self) {
        self.lane.committed.extend(self.owned.iter().map(|(&number, owned)| (number, owned.committed)));
    }

    /// Tells how far the lane is behind, now.
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
