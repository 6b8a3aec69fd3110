//! Rebalances of a lane: the group assigns partitions to it or revokes them.

use std::{sync::atomic::Ordering, time::Instant};

use rdkafka::TopicPartitionList;

use super::{LaneError, turn::Turns};
use crate::{
    events::Happening,
    kafka::{
        client::{Rebalance, give_back, take_over},
        group::models,
        lane::restore::{self, Restored, Restorer},
    },
    message::PartitionWork,
};

impl Turns<'_, '_> {
    /// Carries out the oldest pending decision of the group, if there is one.
    pub(super) fn serve_rebalance(&mut self) -> Result<(), LaneError> {
        let Some(rebalance) = self.rebalances.front() else { return Ok(()) };
        let done = match rebalance {
            Rebalance::Assigned(partitions) => {
                let partitions = partitions.clone();
                self.assigned(&partitions)?
            }
            Rebalance::Revoked { partitions, lost } => {
                let (partitions, lost) = (partitions.clone(), *lost);
                self.revoked(&partitions, lost)?;
                true
            }
        };
        if done {
            self.rebalances.pop_front();
            self.lane.metrics.rebalances.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Restores the states of the partitions and assigns them to the consumer. Returns false if the committed offsets
    /// are not known yet, so that it must be called again.
    fn assigned(&mut self, partitions: &TopicPartitionList) -> Result<bool, LaneError> {
        // From here on only replies to questions may come. No transaction may stay open meanwhile, because a restore
        // can take longer than its timeout.
        self.drain()?;
        if self.transaction.dirty_since().is_some() {
            self.commit_now()?;
        }
        self.restoring_since.get_or_insert_with(Instant::now);
        let lane = &mut *self.lane;
        let restorer = Restorer {
            settings: &lane.settings,
            metrics: &lane.metrics,
            files: &lane.files,
            consumer: self.consumer,
            known_topic: lane.topic_id,
        };
        let Some(restored) = restore::restore(&restorer, &mut lane.link, partitions)? else {
            self.say_that_offsets_are_not_known();
            return Ok(false);
        };
        let Restored { owned: restored, topic_id } = restored?;
        self.take_topic(topic_id)?;
        let lane = &mut *self.lane;
        let positions = restore::positions(&lane.settings, &restored)?;
        let mut numbers: Vec<u32> = restored.iter().map(|owned| owned.partition.0).collect();
        numbers.sort_unstable();
        lane.metrics.partitions.fetch_add(restored.len() as i64, Ordering::Relaxed);
        // If anything fails from here on, the states are known to be in the shards.
        for owned in restored {
            lane.left.remove(&owned.partition.0);
            self.owned.insert(owned.partition.0, owned);
        }
        if !numbers.is_empty() {
            let told = models::read(&lane.settings)?;
            numbers.iter().for_each(|&number| self.models.taken(number, told.get(&number)));
        }
        take_over(self.consumer, &positions)?;
        self.is_held_up = false;
        self.announcements.taken();
        // The restore has read the partitions' ends, so the lag is known.
        self.tell_lag_now();
        let lane = &mut *self.lane;
        if numbers.is_empty() && self.owned.is_empty() {
            lane.report.work(lane.number);
        } else if !numbers.is_empty() {
            lane.note(Happening::PartitionsTaken { lane: lane.number, partitions: numbers });
        }
        let owned = &self.owned;
        lane.close_left(|partition| owned.contains_key(&partition))?;
        Ok(true)
    }

    /// Commits and gives back the partitions. `lost`: another member owns them already, and nothing can be committed.
    fn revoked(&mut self, partitions: &TopicPartitionList, lost: bool) -> Result<(), LaneError> {
        let mut numbers: Vec<u32> = partitions.elements().iter().map(|e| e.partition() as u32).collect();
        numbers.sort_unstable();
        tracing::info!(?numbers, lost, "partitions are given back");
        let lane = self.lane.number;
        self.lane.note(Happening::PartitionsGivenBack { lane, partitions: numbers.clone(), lost });
        if lost {
            return Err(LaneError::Lost);
        }
        self.hand_over(&numbers)?;
        self.forget_waiting(&numbers)?;
        give_back(self.consumer, partitions)?;
        for number in numbers {
            self.announcements.given_back(number);
            if let Some(owned) = self.owned.remove(&number) {
                self.lane.metrics.partitions.fetch_sub(1, Ordering::Relaxed);
                self.lane.link.order(owned.shard, owned.partition, owned.epoch, PartitionWork::Close)?;
            }
        }
        Ok(())
    }

    /// Commits what was read, then writes the states of these partitions, so that their next owner has nothing to read
    /// again.
    pub(super) fn hand_over(&mut self, partitions: &[u32]) -> Result<(), LaneError> {
        self.commit()?;
        let due = self.stale_snapshots(partitions);
        self.snapshot(&due)?;
        // The commit before may have sent states too, perhaps all that were due.
        if self.transaction.dirty_since().is_some() {
            self.commit_now()?;
        }
        Ok(())
    }
}
