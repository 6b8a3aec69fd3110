//! How far a lane is behind: records of its partitions that are not committed, by the log's end.
//!
//! A lane that works knows both. A lane that fails asks the broker after each failure, because the records wait although
//! no lane works on them.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer;

use super::{Lane, turn::Turns};
use crate::kafka::topic_log;

/// How often the lag is told.
const LAG_EVERY: Duration = Duration::from_secs(1);
/// How long one answer of the broker may hold up a lane that begins anew.
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

    /// Asks the broker how far the group is behind in the partitions that this lane had. The first lane asks for the
    /// whole topic where it had none yet, because perhaps no instance works on it. Without an answer the lag stays as told.
    pub(super) fn look_for_lag(&mut self) {
        if !self.metrics.is_connected() || self.left.is_empty() && self.number > 0 {
            return;
        }
        match topic_log::positions(&self.settings, LOOK_TIMEOUT) {
            Ok(positions) => {
                let is_ours = |partition: &u32| self.left.is_empty() || self.left.contains_key(partition);
                let ours = positions.iter().filter(|(partition, _)| is_ours(partition));
                let lag: u64 = ours.map(|(_, position)| position.lag()).sum();
                self.tell_lag(i64::try_from(lag).unwrap_or(i64::MAX));
            }
            Err(error) => tracing::debug!(%error, "how far the group is behind is not known now"),
        }
    }
}

impl Turns<'_, '_> {
    /// Tells how far the lane is behind, once a second.
    pub(super) fn tell_lag(&mut self) {
        if self.lag_at.elapsed() >= LAG_EVERY {
            self.tell_lag_now();
        }
    }

    /// The same at once.
    pub(super) fn tell_lag_now(&mut self) {
        self.lag_at = Instant::now();
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
