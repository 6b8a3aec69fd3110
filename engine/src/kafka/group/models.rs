//! Records which model scores a partition from which offset on, in a compacted topic: one record for each partition of
//! the ticks, `{"from_offset","sha256","variant"}` under the partition's number.
//!
//! The record is written in the transaction of the model's first predictions of the partition, so either both are
//! committed or neither is. A new owner reads the record of the owner before it, and writes one only if its model
//! differs. The baseline model that replaces the model for a single symbol (`quality.fallback`) is not recorded.
//!
//! Only partition 0 of the topic is used.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use model::ModelInfo;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::Consumer,
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode,
};
use serde::{Deserialize, Serialize};

use crate::{
    kafka::{client, settings::KafkaSettings},
    message::Predictions,
};

/// Longest time for reading the topic.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The model of a partition, and the first offset that it scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelRecord {
    /// Partition of the ticks' topic, which is the record's key.
    #[serde(skip)]
    pub(crate) partition: u32,
    /// Offset of the first tick that the model scored.
    pub(crate) from_offset: u64,
    pub(crate) sha256: String,
    pub(crate) variant: String,
}

impl ModelRecord {
    /// The record's value.
    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and numbers are always JSON")
    }
}

/// Reads the newest record of each partition. A record that cannot be parsed counts as absent.
///
/// # Errors
/// When the topic cannot be read to its end.
pub(crate) fn read(settings: &KafkaSettings) -> KafkaResult<BTreeMap<u32, ModelRecord>> {
    let consumer = client::reader(settings)?;
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(&settings.topic_models, 0, Offset::Beginning)?;
    consumer.assign(&all)?;
    let mut records = BTreeMap::new();
    let deadline = Instant::now() + READ_TIMEOUT;
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let key = message.key().and_then(|key| std::str::from_utf8(key).ok()?.parse::<u32>().ok());
                let Some(partition) = key else { continue };
                match message.payload().map(serde_json::from_slice::<ModelRecord>) {
                    Some(Ok(record)) => drop(records.insert(partition, ModelRecord { partition, ..record })),
                    _ => drop(records.remove(&partition)),
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(records),
            Some(Err(error)) => return Err(error),
            None if Instant::now() > deadline => {
                return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
            }
            None => {}
        }
    }
}

/// The newest recorded model of each of a lane's partitions.
#[derive(Debug, Default)]
pub(crate) struct PartitionModels {
    sha256: BTreeMap<u32, String>,
    /// Partition and model of the newest prediction: most predictions repeat them and need no look-up.
    newest: Option<(u32, Arc<ModelInfo>)>,
}

impl PartitionModels {
    /// Notes that a partition was taken over; `record` is the newest record that its former owners wrote.
    pub(crate) fn taken(&mut self, partition: u32, record: Option<&ModelRecord>) {
        self.newest = None;
        match record {
            Some(record) => self.sha256.insert(partition, record.sha256.clone()),
            None => self.sha256.remove(&partition),
        };
    }

    /// The records to write in the transaction of these predictions: one for each partition whose model has changed.
    pub(crate) fn due(&mut self, predictions: &Predictions) -> Vec<ModelRecord> {
        let mut records = Vec::new();
        for entry in &predictions.entries {
            let Some(info) = entry.model.as_ref().filter(|_| !entry.is_stand_in) else { continue };
            let partition = entry.position.partition.0;
            let is_known = |(p, newest): &(u32, Arc<ModelInfo>)| *p == partition && Arc::ptr_eq(newest, info);
            if self.newest.as_ref().is_some_and(is_known) {
                continue;
            }
            self.newest = Some((partition, info.clone()));
            if self.sha256.get(&partition) == Some(&info.sha256) {
                continue;
            }
            self.sha256.insert(partition, info.sha256.clone());
            records.push(ModelRecord {
                partition,
                from_offset: entry.position.offset.0,
                sha256: info.sha256.clone(),
                variant: info.variant.clone(),
            });
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::PredictionEntry,
        symbol::{Offset, Partition, Position, SymbolTable},
        tick::EventTime,
    };

    fn info(sha256: &str) -> Arc<ModelInfo> {
        Arc::new(ModelInfo { sha256: sha256.to_owned(), ..ModelInfo::new("m", "1", "ml", Vec::new()) })
    }

    fn predictions(list: &[(u32, u64, &Arc<ModelInfo>, bool)]) -> Predictions {
        let symbol = SymbolTable::default().intern("v", "P").unwrap();
        let output =
            |&(partition, offset, info, is_stand_in): &(u32, u64, &Arc<ModelInfo>, bool)| PredictionEntry {
                symbol: symbol.clone(),
                position: Position { partition: Partition(partition), offset: Offset(offset), index: 0 },
                as_of: EventTime::MAX,
                model: Some(info.clone()),
                is_stand_in,
                end: 0,
            };
        Predictions { entries: list.iter().map(output).collect(), ..Predictions::default() }
    }

    #[test]
    fn the_first_prediction_of_a_model_is_told_once_a_partition() {
        let (a, b, stand_in) = (info("a"), info("b"), info("s"));
        let mut models = PartitionModels::default();
        let told = |models: &mut PartitionModels, list: &[_]| {
            let records = models.due(&predictions(list));
            records.into_iter().map(|r| (r.partition, r.from_offset, r.sha256)).collect::<Vec<_>>()
        };
        let of = |partition, offset, sha256: &str| (partition, offset, sha256.to_owned());
        let first = told(&mut models, &[(0, 5, &a, false), (1, 9, &a, false), (0, 6, &a, false)]);
        assert_eq!(first, [of(0, 5, "a"), of(1, 9, "a")]);
        let stood_in = told(&mut models, &[(0, 7, &a, false), (0, 8, &stand_in, true), (0, 9, &a, false)]);
        assert_eq!(stood_in, []);
        assert_eq!(
            told(&mut models, &[(0, 10, &b, false), (1, 10, &b, false)]),
            [of(0, 10, "b"), of(1, 10, "b")]
        );
    }

    #[test]
    fn a_takeover_tells_only_another_model() {
        let (a, b) = (info("a"), info("b"));
        let record =
            ModelRecord { partition: 0, from_offset: 5, sha256: "a".to_owned(), variant: "ml".to_owned() };
        assert_eq!(record.encode(), br#"{"from_offset":5,"sha256":"a","variant":"ml"}"#);
        let mut models = PartitionModels::default();
        models.taken(0, Some(&record));
        assert_eq!(models.due(&predictions(&[(0, 20, &a, false)])), []);
        models.taken(0, Some(&record));
        assert_eq!(models.due(&predictions(&[(0, 20, &b, false)]))[0].from_offset, 20);
        models.taken(0, None);
        assert_eq!(models.due(&predictions(&[(0, 30, &b, false)])).len(), 1);
    }
}
