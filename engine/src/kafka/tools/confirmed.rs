//! A producer for the commands, which counts the records that the broker has confirmed.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, KafkaResult},
    message::ToBytes,
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
    types::RDKafkaErrorCode,
};

use crate::kafka::{client, oauth::gives_tokens, settings::KafkaSettings};

/// Longest wait for the last confirmations, longer than a broker takes to restart.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(300);

/// Counts the records that the broker has confirmed, and those that failed.
#[derive(Default)]
pub(super) struct Deliveries {
    delivered: AtomicU64,
    failed: AtomicU64,
    failure: Mutex<Option<KafkaError>>,
}

impl Deliveries {
    fn fail(&self, error: &KafkaError) {
        let mut failure = self.failure.lock().expect("no code panics while it holds the failure");
        failure.get_or_insert_with(|| error.clone());
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

impl ClientContext for Deliveries {
    gives_tokens!();

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => self.fail(error),
        }
    }
}

/// The number of records delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Records that the broker has confirmed.
    pub delivered: u64,
    /// Records that it has not confirmed.
    pub failed: u64,
    /// The error of the first record that failed.
    pub failure: Option<String>,
}

/// An idempotent producer: each record is in the log once and in order, whatever the network does.
pub(super) struct ConfirmedProducer(BaseProducer<Deliveries>);

impl ConfirmedProducer {
    pub(super) fn new(settings: &KafkaSettings) -> KafkaResult<Self> {
        let producer = client::common(settings)
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            // Java's partitioner, so that a symbol is in the same partition as from Java producers.
            .set("partitioner", "murmur2_random")
            .create_with_context(Deliveries::default())?;
        Ok(Self(producer))
    }

    /// Queues a record; blocks while the queue is full. Failures are counted.
    pub(super) fn send<K: ToBytes + ?Sized, P: ToBytes + ?Sized>(&self, mut record: BaseRecord<'_, K, P>) {
        while let Err((error, back)) = self.0.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                self.0.context().fail(&error);
                return;
            }
            self.0.poll(Duration::from_millis(10));
            record = back;
        }
        self.0.poll(Duration::ZERO);
    }

    /// Whether a record has failed. Further records would leave a gap before them.
    pub(super) fn has_failed(&self) -> bool {
        self.0.context().failed.load(Ordering::Relaxed) > 0
    }

    /// Waits until every record is confirmed or has failed.
    pub(super) fn finish(self) -> Delivered {
        let flushed = self.0.flush(FLUSH_TIMEOUT);
        let deliveries = self.0.context();
        let failure = deliveries.failure.lock().expect("no code panics while it holds the failure").clone();
        let waiting = u64::try_from(self.0.in_flight_count()).unwrap_or_default();
        Delivered {
            delivered: deliveries.delivered.load(Ordering::Relaxed),
            failed: deliveries.failed.load(Ordering::Relaxed) + waiting,
            failure: failure.or(flushed.err()).map(|error| error.to_string()),
        }
    }
}
