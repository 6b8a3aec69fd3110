//! Records whose schema is not known yet, as when the Schema Registry does not answer. Such a record is no dead letter: its
//! partition is paused at it, the others go on, and it is read once the schema is there.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer;

use super::{LaneError, partition::WaitingRecord, turn::Turns};

/// Records of a partition that wait at most. The client gives none of a paused partition, so there are few.
const WAITING_RECORDS_MAX: usize = 1_024;
/// How often a wait is reported.
const TELL_EVERY: Duration = Duration::from_secs(1);

impl Turns<'_, '_> {
    /// Whether a record must wait for its schema, or for those before it that do. It is kept then, and its partition is
    /// paused.
    pub(super) fn waits(
        &mut self,
        partition: u32,
        offset: u64,
        key: Option<&[u8]>,
        payload: &[u8],
    ) -> Result<bool, LaneError> {
        let Some(owned) = self.owned.get_mut(&partition) else { return Ok(false) };
        if owned.waiting.is_empty() && self.lane.link.unframer().is_ready(payload).is_ok() {
            return Ok(false);
        }
        if owned.waiting.len() >= WAITING_RECORDS_MAX {
            return Err(LaneError::TooManyWait);
        }
        if owned.waiting.is_empty() {
            tracing::warn!(partition, offset, "the record waits for its schema");
            self.consumer.pause(&self.lane.of_ticks(partition))?;
        }
        let (key, payload) = (key.map(<[u8]>::to_vec), payload.to_vec());
        owned.waiting.push_back(WaitingRecord { offset, key, payload });
        Ok(true)
    }

    /// Takes the records whose schemas have come, and reports those that still wait.
    pub(super) fn look_at_waiting(&mut self) -> Result<(), LaneError> {
        let waits = self.owned.values().filter(|owned| !owned.waiting.is_empty());
        let partitions: Vec<u32> = waits.map(|owned| owned.partition.0).collect();
        let mut still_waiting = 0;
        for partition in partitions {
            still_waiting += i64::from(self.partition_waits(partition)?);
        }
        if still_waiting != self.waiting {
            let change = still_waiting - self.waiting;
            self.lane.metrics.partitions_waiting.fetch_add(change, Ordering::Relaxed);
            self.waiting = still_waiting;
        }
        Ok(())
    }

    /// Takes the records of a partition whose schemas are known. Returns whether any still waits.
    fn partition_waits(&mut self, partition: u32) -> Result<bool, LaneError> {
        while let Some(owned) = self.owned.get_mut(&partition) {
            if owned.is_paused {
                // Too many were unreadable: nothing more is read until a restart, which reads from `next`.
                owned.waiting.clear();
                return Ok(false);
            }
            let Some(record) = owned.waiting.front() else {
                tracing::info!(partition, "the schema has come: the partition goes on");
                self.consumer.resume(&self.lane.of_ticks(partition))?;
                return Ok(false);
            };
            let unframer = self.lane.link.unframer();
            if let Err(schema) = unframer.is_ready(&record.payload) {
                if self.waiting_told_at.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                    self.waiting_told_at = Some(Instant::now());
                    let (lane, offset) = (self.lane.number, record.offset);
                    let why = unframer.trouble().unwrap_or_else(|| "no registry has answered yet".to_owned());
                    let reason = format!(
                        "lane {lane} is held up at partition {partition}, offset {offset}, whose schema {schema} is not \
                         known: {why}"
                    );
                    self.lane.report.hold_up(lane, reason);
                }
                return Ok(true);
            }
            if self.lane.link.is_full() {
                return Ok(true);
            }
            let record = owned.waiting.pop_front().expect("it was looked at");
            self.take_record(partition, record.offset, record.key.as_deref(), &record.payload)?;
        }
        Ok(false)
    }

    /// Drops the waiting records of partitions that are given back: their next owner reads them from the log.
    pub(super) fn forget_waiting(&mut self, partitions: &[u32]) -> Result<(), LaneError> {
        for partition in partitions {
            if let Some(owned) = self.owned.get_mut(partition)
                && !owned.waiting.is_empty()
            {
                owned.waiting.clear();
                // The client would remember the pause if the partition came back.
                self.consumer.resume(&self.lane.of_ticks(*partition))?;
            }
        }
        Ok(())
    }
}
