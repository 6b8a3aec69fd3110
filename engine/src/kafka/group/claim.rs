//! Claims decide which of two processes may use the same lane name.
//!
//! If two processes use one name, the group and the transaction coordinator serve the younger one and fence the older
//! one, which must end. But a fenced process cannot tell from the fencing that a second process exists: a member whose
//! response was lost while a coordinator died joins again and fences itself, and a broker fences a producer whose
//! transaction has timed out. Such a process starts its lane again and must not end.
//!
//! So a process writes a record to the owners' topic, under `name:MEMBER`, before it uses a name. A lane that starts
//! again first reads the records after its own. If another process has claimed the name since, that process is the
//! younger one. The broker's order decides, not a clock: the claim of the process that fenced a lane is in the log
//! before the fencing, however long the lane was stopped. A claim is written outside of transactions and counts as soon
//! as it is written.

use std::{
    borrow::Cow,
    hash::{BuildHasher, RandomState},
    sync::Mutex,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::Consumer,
    error::{KafkaError, KafkaResult},
    message::BorrowedMessage,
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
    types::RDKafkaErrorCode,
};
use serde::{Deserialize, Serialize};

use crate::kafka::{client, oauth::gives_tokens, settings::KafkaSettings};

/// Prefix of the keys of claims. The keys of owner records are numbers.
const PREFIX: &str = "name:";
/// Longest wait for the broker to confirm the claim, or to send the next record.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait of one poll.
const SLICE: Duration = Duration::from_millis(50);

/// Whether a record of the owners' topic is a claim.
pub(crate) fn is_claim(key: &[u8]) -> bool {
    key.starts_with(PREFIX.as_bytes())
}

/// The value of a claim: the process that makes it, and the address of its front.
#[derive(Serialize, Deserialize)]
struct Value<'a> {
    /// URL of its front, for people.
    #[serde(borrow)]
    url: Cow<'a, str>,
    /// Identifies the process among all others.
    #[serde(borrow)]
    process: Cow<'a, str>,
}

/// The reason why it is unknown whether the claim stands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("{topic} did not take the claim to this lane's name: {reason}")]
    NotTaken { topic: String, reason: String },
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

/// Another process that claimed the name later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namesake {
    /// URL of its front.
    pub(crate) url: String,
}

/// This process's claim to a lane's name.
pub(crate) struct Claim {
    key: String,
    process: String,
    /// Offset of the claim in the owners' topic; `None` before it is written.
    offset: Option<i64>,
}

impl Claim {
    /// A claim that is not written yet.
    pub(crate) fn new(settings: &KafkaSettings, lane: usize) -> Self {
        let process = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        Self { key: format!("{PREFIX}{}", settings.member(lane)), process, offset: None }
    }

    /// Writes the claim, or checks that no other process has claimed the name since. Returns that process if one has.
    ///
    /// # Errors
    /// [`ClaimError`] when the broker does not take the record, or the records after it cannot be read.
    pub(crate) fn uphold(&mut self, settings: &KafkaSettings) -> Result<Option<Namesake>, ClaimError> {
        if let Some(offset) = self.offset {
            let found = self.look_behind(settings, offset)?;
            if found.namesake.is_some() || !found.is_log_new {
                return Ok(found.namesake);
            }
        }
        self.offset = Some(self.write(settings)?);
        Ok(None)
    }

    /// Writes the record and returns its offset.
    fn write(&self, settings: &KafkaSettings) -> Result<i64, ClaimError> {
        let value = Value { url: Cow::from(&settings.advertised_url), process: Cow::from(&self.process) };
        let payload = serde_json::to_vec(&value).expect("text is always JSON");
        let producer: BaseProducer<Confirmation> = client::common(settings)
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", TIMEOUT.as_millis().to_string())
            .create_with_context(Confirmation::default())?;
        let record = BaseRecord::to(&settings.topic_owners).partition(0).key(&self.key).payload(&payload);
        producer.send(record).map_err(|(error, _)| error)?;
        // Bounded: the client itself gives the record up after its timeout.
        loop {
            producer.poll(SLICE);
            if let Some(confirmed) = producer.context().take() {
                return confirmed.map_err(|error| {
                    // If the producer itself is unusable, the record's own error says only that it was purged.
                    let fatal = producer.client().fatal_error().map(|(_, reason)| reason);
                    let reason = fatal.unwrap_or_else(|| error.to_string());
                    ClaimError::NotTaken { topic: settings.topic_owners.clone(), reason }
                });
            }
        }
    }

    /// Reads the records after the claim.
    fn look_behind(&self, settings: &KafkaSettings, offset: i64) -> KafkaResult<Found> {
        // A claim that fenced this lane counts at once, even if transactions before it are still open.
        let reader = client::reader_as(settings, "read_uncommitted")?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&settings.topic_owners, 0, Offset::Offset(offset + 1))?;
        reader.assign(&list)?;
        let mut found = Found::default();
        let mut deadline = Instant::now() + TIMEOUT;
        loop {
            match reader.poll(SLICE) {
                Some(Ok(message)) => {
                    deadline = Instant::now() + TIMEOUT;
                    // The topic was created again, and is read from its beginning.
                    found.is_log_new |= message.offset() <= offset;
                    found.namesake = self.namesake(&message).or(found.namesake);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(found),
                Some(Err(error)) if Instant::now() > deadline => return Err(error),
                None if Instant::now() > deadline => {
                    return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
                }
                Some(Err(_)) | None => {}
            }
        }
    }

    fn namesake(&self, message: &BorrowedMessage<'_>) -> Option<Namesake> {
        if message.key() != Some(self.key.as_bytes()) {
            return None;
        }
        let value: Value<'_> = serde_json::from_slice(message.payload()?).ok()?;
        (value.process != self.process).then(|| Namesake { url: value.url.into_owned() })
    }
}

/// The result of reading the records after our claim.
#[derive(Default)]
struct Found {
    namesake: Option<Namesake>,
    /// The offset of our claim was given out again: the topic was deleted and created anew.
    is_log_new: bool,
}

/// Whether the broker took the claim, and its offset; `None` before the broker answers.
#[derive(Default)]
struct Confirmation(Mutex<Option<KafkaResult<i64>>>);

impl Confirmation {
    fn take(&self) -> Option<KafkaResult<i64>> {
        self.0.lock().expect("no code panics while it holds the result").take()
    }
}

impl ClientContext for Confirmation {
    gives_tokens!();

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka claim");
    }
}

impl ProducerContext for Confirmation {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let confirmed = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.clone()),
        };
        *self.0.lock().expect("no code panics while it holds the result") = Some(confirmed);
    }
}
