//! Records a topic into files, starting after the last record of the previous run.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer, error::KafkaError};

use crate::{
    intake::Progress,
    kafka::{
        settings::KafkaSettings,
        tools::topic_log::{bounds, kafka_error, reader, record},
    },
    recording::{LogError, SeriesSettings, SeriesWriter},
    stop::StopToken,
};

/// Longest wait of one poll for a record.
const SLICE: Duration = Duration::from_millis(100);
/// Interval at which files are checked for their age.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Records between two reports of progress.
const RECORDS_PER_REPORT: u64 = 1_024;
/// A broker that is silent for this long is given up.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Most partitions, because each has a file open.
const PARTITIONS_MAX: usize = 1_024;

/// The settings of one backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSettings {
    /// The topic to record.
    pub topic: String,
    /// Directory and limits of the files. Its topic and partition count are filled in from the broker.
    pub series: SeriesSettings,
    /// Go on after the end that the topic had at the start.
    pub follow: bool,
    /// Longest time to run.
    pub at_most: Option<Duration>,
}

/// The result of one backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupCounts {
    /// Records kept.
    pub records: u64,
    /// Files finished.
    pub files: u64,
    /// Partitions in which records were deleted before they could be kept.
    pub partitions_with_loss: u64,
    /// Number of offsets that were deleted before they could be kept.
    pub offsets_lost: u64,
}

/// Records a topic into files up to its present end, or until `stop`.
///
/// # Errors
/// [`LogError`]. Finished files stay, and the next run continues after them.
pub fn back_up(
    settings: &KafkaSettings,
    backup: &BackupSettings,
    stop: &StopToken,
    progress: &mut dyn Progress,
) -> Result<BackupCounts, LogError> {
    let consumer = reader(settings)?;
    let bounds = bounds(&consumer, &backup.topic)?;
    if bounds.len() > PARTITIONS_MAX {
        let (topic, count) = (&backup.topic, bounds.len());
        return Err(LogError::Recording(format!(
            "{topic} has {count} partitions; at most {PARTITIONS_MAX} are recorded at a time"
        )));
    }
    let partitions = bounds.len() as u32;
    let mut writer = SeriesWriter::open(SeriesSettings {
        topic: backup.topic.clone(),
        partitions,
        ..backup.series.clone()
    })?;
    let mut counts = BackupCounts::default();
    let mut list = TopicPartitionList::new();
    let (mut open, mut total) = (BTreeSet::new(), 0);
    for (&partition, bounds) in &bounds {
        let kept = writer.next(partition);
        if let Some(kept) = kept.filter(|&kept| kept > bounds.end) {
            return Err(LogError::Recording(format!(
                "the files hold partition {partition} up to {kept}, the topic ends at {}: it is another topic; \
                 record it to another directory",
                bounds.end
            )));
        }
        if let Some(kept) = kept.filter(|&kept| kept < bounds.first) {
            counts.partitions_with_loss += 1;
            counts.offsets_lost += bounds.first - kept;
        }
        let from = kept.unwrap_or(0).max(bounds.first);
        if from < bounds.end || backup.follow {
            let offset = Offset::Offset(from as i64);
            list.add_partition_offset(&backup.topic, partition as i32, offset).map_err(kafka_error)?;
            open.insert(partition);
            total += bounds.end - from;
        }
    }
    if list.count() > 0 {
        consumer.assign(&list).map_err(kafka_error)?;
    }
    let started = Instant::now();
    let (mut looked, mut heard) = (started, started);
    while !open.is_empty() && !stop.is_stopped() && backup.at_most.is_none_or(|most| started.elapsed() < most)
    {
        match consumer.poll(SLICE) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let record = record(&message);
                let end = bounds.get(&record.partition).map_or(0, |bounds| bounds.end);
                if !backup.follow && record.offset >= end {
                    open.remove(&record.partition);
                } else if open.contains(&record.partition) {
                    writer.write(&record)?;
                    counts.records += 1;
                    if counts.records.is_multiple_of(RECORDS_PER_REPORT) {
                        progress.advanced(counts.records, counts.records.min(total), total);
                    }
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                heard = Instant::now();
                if !backup.follow {
                    open.remove(&(partition as u32));
                }
            }
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => {}
            Some(Err(error)) => return Err(kafka_error(error)),
            None if !backup.follow && heard.elapsed() > SILENCE_MAX => {
                return Err(LogError::Kafka(format!(
                    "the broker has sent nothing for {} s",
                    SILENCE_MAX.as_secs()
                )));
            }
            None => {}
        }
        if looked.elapsed() >= LOOK_EVERY {
            looked = Instant::now();
            writer.finish_old()?;
        }
    }
    writer.finish_all()?;
    progress.advanced(counts.records, counts.records.min(total), total);
    counts.files = writer.files();
    Ok(counts)
}

/// Whether the client recovers from the error by itself, because only a broker is away.
fn is_passing(code: rdkafka::types::RDKafkaErrorCode) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::Resolve
    )
}
