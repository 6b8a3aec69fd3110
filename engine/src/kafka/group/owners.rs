//! Publishes the owner of each partition to the fronts of all instances, in a compacted topic: one record for each
//! partition of the ticks, `{"instance","lane","url","symbols":[…]}` under the partition's number.
//!
//! The record is written in the transaction of the owner's first commit (which keeps the offsets unchanged if there is
//! nothing to read), and again with the commit after new symbols. The broker accepts offsets in a transaction only from
//! the group's present generation. So an owner that was replaced without noticing cannot commit its record, and an
//! owner that hands over has committed before the next owner starts: the newest committed record *is* the owner's. That
//! is stronger than comparing generations in the records, and the records hold none. (`kafka.delivery =
//! "at_least_once"` has no transactions: a replaced owner can publish once more there, until the new owner's next
//! record.)
//!
//! The topic also holds the claims to lane names, see `claim`.
//!
//! Only partition 0 of the topic is used, so a reader sees all records in the order of the log.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult},
    message::BorrowedMessage,
    types::RDKafkaErrorCode,
};
use serde::{Deserialize, Serialize};

use crate::{
    handle::EngineHandle,
    kafka::{
        client::{self, ReaderContext},
        group::claim,
        lane,
        lane::partition::{OwnedPartition, OwnedPartitions},
        settings::KafkaSettings,
        tools::topic_log,
        topics,
    },
    limits::{OWNER_NAME_BYTES_MAX, OWNER_RECORD_BYTES_MAX, PARTITIONS_MAX},
    owners::{Owner, Owners},
    stop::StopToken,
    symbol::Partition,
};

/// Longest wait for a record before the reader checks whether to stop.
const WAIT: Duration = Duration::from_millis(100);
/// Longest wait for a broker to say whether the topic exists.
const METADATA_TIMEOUT: Duration = Duration::from_millis(500);
/// Pause before the reader starts again after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// A record of the owners' topic: the owner of one partition of the ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerRecord {
    /// Partition of the ticks' topic, which is the record's key.
    pub(crate) partition: u32,
    /// The record's value.
    pub(crate) payload: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Value<'a> {
    #[serde(borrow)]
    instance: Cow<'a, str>,
    lane: usize,
    #[serde(borrow)]
    url: Cow<'a, str>,
    /// Full names, in the order in which they appeared.
    #[serde(borrow)]
    symbols: Vec<Cow<'a, str>>,
    /// Number of symbols that did not fit into the record; absent if all did.
    #[serde(default, skip_serializing_if = "is_zero")]
    unlisted: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Encodes the record of a partition. The flag is true if all symbols of the partition fit into it.
fn record(settings: &KafkaSettings, lane: usize, owned: &OwnedPartition) -> (OwnerRecord, bool) {
    let names = owned.symbols().iter().map(|symbol| &*symbol.symbol.name);
    let mut bytes = 0;
    let fitting = names.clone().take_while(|name| {
        // The length in JSON, with quotes, escapes and comma.
        bytes += serde_json::to_string(name).map_or(usize::MAX / 2, |text| text.len() + 1);
        bytes <= OWNER_RECORD_BYTES_MAX
    });
    let symbols: Vec<Cow<'_, str>> = fitting.map(Cow::Borrowed).collect();
    let unlisted = owned.symbols().len() - symbols.len();
    let (instance, url) = (Cow::from(&settings.instance), Cow::from(&settings.advertised_url));
    let value = Value { instance, lane, url, symbols, unlisted };
    let payload = serde_json::to_vec(&value).expect("text and numbers are always JSON");
    (OwnerRecord { partition: owned.partition.0, payload }, unlisted == 0)
}

/// Tracks the owner records that a lane has written, so that it writes a record only after a change.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    /// Number of symbols in the newest record of each partition; [`usize::MAX`] when no more fit.
    told: BTreeMap<u32, usize>,
    /// Whether a partition was taken whose record is not written yet.
    is_takeover: bool,
}

impl Announcements {
    /// Notes that partitions were taken.
    pub(crate) fn taken(&mut self) {
        self.is_takeover = true;
    }

    /// Notes that a partition was given back.
    pub(crate) fn given_back(&mut self, partition: u32) {
        self.told.remove(&partition);
    }

    /// Whether owner records alone make a commit due: a live partition has no record yet.
    pub(crate) fn is_commit_due(&mut self, owned: &OwnedPartitions) -> bool {
        if !self.is_takeover {
            return false;
        }
        let is_untold = |(number, _): (&u32, &OwnedPartition)| !self.told.contains_key(number);
        self.is_takeover = owned.iter().any(is_untold);
        owned.iter().any(|(number, owned)| owned.is_live() && is_untold((number, owned)))
    }

    /// The records to write in the next commit.
    pub(crate) fn due(
        &mut self,
        settings: &KafkaSettings,
        lane: usize,
        owned: &OwnedPartitions,
    ) -> Vec<OwnerRecord> {
        let mut records = Vec::new();
        for (&number, owned) in owned.iter().filter(|(_, owned)| owned.is_live()) {
            let count = owned.symbols().len();
            if self.told.get(&number).is_some_and(|&told| told >= count) {
                continue;
            }
            let (record, is_whole) = record(settings, lane, owned);
            if !is_whole {
                tracing::warn!(
                    partition = number,
                    symbols = count,
                    "the owner's record has no room for all symbols: other instances do not find the rest"
                );
            }
            self.told.insert(number, if is_whole { count } else { usize::MAX });
            records.push(record);
        }
        records
    }
}

/// Keeps the engine's table of owners equal to the topic, on the calling thread, until `stop`. While the broker is away
/// or the topic does not exist, the table stays as it is.
pub fn watch_owners(settings: &KafkaSettings, engine: &EngineHandle, stop: &StopToken) {
    let owners = Owners::new();
    let mut reader = Reader { settings, engine, owners, has_warned: false, is_refused: false };
    while !stop.is_stopped() {
        if let Err(error) = reader.read(stop) {
            tracing::debug!(%error, "the owners' topic is read again from its beginning");
            lane::wait(stop, PAUSE);
        }
    }
}

struct Reader<'a> {
    settings: &'a KafkaSettings,
    engine: &'a EngineHandle,
    owners: Owners,
    /// Whether the warning about a full symbol table was logged.
    has_warned: bool,
    /// Whether the broker refuses this user the topic. The refusal is logged once.
    is_refused: bool,
}

impl Reader<'_> {
    /// Reads the topic from its beginning. `Ok` after `stop`.
    fn read(&mut self, stop: &StopToken) -> KafkaResult<()> {
        let consumer = client::reader(self.settings)?;
        if !self.await_topic(&consumer, stop) {
            return Ok(());
        }
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(&self.settings.topic_owners, 0, Offset::Beginning)?;
        consumer.assign(&all)?;
        self.owners.clear();
        let mut is_read = false;
        let mut is_changed = true;
        while !stop.is_stopped() {
            match consumer.poll(WAIT) {
                Some(Ok(message)) => {
                    self.is_refused = false;
                    self.take(&message);
                    is_changed = true;
                    continue;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => is_read = true,
                Some(Err(error)) if is_topic_gone(&error) => return Err(error),
                Some(Err(error)) if topic_log::is_forbidden(&error) => self.note_refusal(),
                Some(Err(error)) => tracing::debug!(%error, "the owners' topic is not read now"),
                None => {}
            }
            if is_read && is_changed {
                self.engine.owners.publish(self.owners.clone());
                is_changed = false;
            }
        }
        Ok(())
    }

    /// Logs once that this user may not read the topic.
    fn note_refusal(&mut self) {
        if !std::mem::replace(&mut self.is_refused, true) {
            tracing::warn!(
                topic = self.settings.topic_owners,
                "this user may not read the owners' topic, so which instance owns a symbol is not known here: give it \
                 DESCRIBE, READ and WRITE"
            );
        }
    }

    /// Waits until the topic exists. Returns false after `stop`.
    fn await_topic(&mut self, consumer: &BaseConsumer<ReaderContext>, stop: &StopToken) -> bool {
        let settings = self.settings;
        let topic = &settings.topic_owners;
        while !stop.is_stopped() {
            let asked = Instant::now();
            match consumer.fetch_metadata(Some(topic), METADATA_TIMEOUT) {
                Ok(metadata) if metadata.topics().iter().any(|found| !found.partitions().is_empty()) => {
                    return true;
                }
                Ok(metadata) if metadata.topics().iter().any(topics::is_hidden) => self.note_refusal(),
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "whether the owners' topic exists is not known"),
            }
            lane::wait(stop, METADATA_TIMEOUT.saturating_sub(asked.elapsed()));
        }
        false
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        if message.key().is_some_and(claim::is_claim) {
            return;
        }
        let Some(partition) = message
            .key()
            .and_then(|key| std::str::from_utf8(key).ok()?.parse::<u32>().ok())
            .filter(|&partition| partition < self.engine.routes.partition_count().min(PARTITIONS_MAX))
        else {
            tracing::warn!(offset = message.offset(), "an owner's record names no partition");
            return;
        };
        let Some(payload) = message.payload() else {
            self.owners.remove(&partition);
            return;
        };
        match serde_json::from_slice::<Value<'_>>(payload) {
            Ok(value) if value.instance.len().max(value.url.len()) <= OWNER_NAME_BYTES_MAX => {
                self.note(partition, &value);
            }
            Ok(_) => tracing::warn!(partition, "an owner's record has a name or url of more than 512 bytes"),
            Err(error) => tracing::warn!(partition, %error, "an owner's record cannot be read"),
        }
    }

    fn note(&mut self, partition: u32, value: &Value<'_>) {
        let owner = Owner {
            instance: value.instance.to_string(),
            lane: value.lane,
            url: value.url.to_string(),
            is_here: value.instance == self.settings.instance,
        };
        let known = self.owners.get(&partition);
        if known.is_none_or(|known| **known != owner) {
            tracing::debug!(partition, instance = owner.instance, url = owner.url, "owned");
            self.owners.insert(partition, Arc::new(owner));
        }
        for name in &value.symbols {
            let Some((venue, product)) = name.split_once(':') else { continue };
            match self.engine.symbols.intern_told(venue, product) {
                Ok(symbol) => {
                    if self.engine.routes.learn_elsewhere(symbol.id, Partition(partition)) {
                        self.engine.metrics.ingest.note_split(&symbol.name);
                    }
                }
                Err(full) if !std::mem::replace(&mut self.has_warned, true) => {
                    tracing::warn!(%full, "further symbols of other instances are not known here");
                }
                Err(_) => {}
            }
        }
    }
}

fn is_topic_gone(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::OffsetOutOfRange
                | RDKafkaErrorCode::Fatal
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::SymbolTable;

    fn settings() -> KafkaSettings {
        KafkaSettings { advertised_url: "http://a:8000".to_owned(), ..KafkaSettings::new("x:1", "a", "v") }
    }

    fn owned(symbols: usize, product: impl Fn(usize) -> String) -> OwnedPartitions {
        let names = SymbolTable::default();
        let mut owned = OwnedPartition::new(Partition(3), 0, 0, 0);
        for i in 0..symbols {
            owned.add(names.intern("v", &product(i)).unwrap(), 0, None);
        }
        OwnedPartitions::from([(3, owned)])
    }

    #[test]
    fn a_record_tells_who_where_and_what() {
        let mut told = Announcements::default();
        let records = told.due(&settings(), 1, &owned(2, |i| format!("P{i}")));
        let expected = r#"{"instance":"a","lane":1,"url":"http://a:8000","symbols":["v:P0","v:P1"]}"#;
        assert_eq!(std::str::from_utf8(&records[0].payload), Ok(expected));
        assert_eq!(records[0].partition, 3);
    }

    #[test]
    fn it_is_told_at_a_takeover_and_when_symbols_are_new_and_not_otherwise() {
        let (mut told, few) = (Announcements::default(), owned(2, |i| format!("P{i}")));
        assert!(!told.is_commit_due(&few));
        told.taken();
        assert!(told.is_commit_due(&few), "an idle partition has an owner too");
        assert_eq!(told.due(&settings(), 0, &few).len(), 1);
        assert!(!told.is_commit_due(&few));
        assert_eq!(told.due(&settings(), 0, &few), []);
        let more = owned(3, |i| format!("P{i}"));
        assert!(!told.is_commit_due(&more), "with the commit of its ticks");
        assert_eq!(told.due(&settings(), 0, &more).len(), 1);
        told.given_back(3);
        told.taken();
        assert!(told.is_commit_due(&more));
    }

    #[test]
    fn a_partition_that_is_not_live_is_not_told_of() {
        let mut told = Announcements::default();
        let mut owned = owned(1, |i| format!("P{i}"));
        owned.get_mut(&3).unwrap().committed = 10;
        told.taken();
        assert!(!told.is_commit_due(&owned));
        assert_eq!(told.due(&settings(), 0, &owned), []);
        owned.get_mut(&3).unwrap().next = 10;
        assert!(told.is_commit_due(&owned));
    }

    #[test]
    fn a_record_stays_well_below_what_a_broker_takes() {
        // A control character is six bytes in JSON.
        let many = owned(15_000, |i| format!("{}{i}", "\u{1}".repeat(40)));
        let mut told = Announcements::default();
        let records = told.due(&settings(), 0, &many);
        assert!(records[0].payload.len() < OWNER_RECORD_BYTES_MAX + 2_048, "{}", records[0].payload.len());
        let value: Value<'_> = serde_json::from_slice(&records[0].payload).unwrap();
        assert!(value.unlisted > 0 && value.symbols.len() + value.unlisted == 15_000);
        assert_eq!(told.due(&settings(), 0, &many), [], "and is not written over and over");
    }
}
