//! Transactional calls of librdkafka that block, one of them possibly forever.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam::channel::bounded;
use rdkafka::{
    TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::KafkaError,
    producer::{Producer, PurgeConfig},
};

use crate::kafka::client::LaneProducer;

/// How much longer than its deadline the call may take before it is abandoned.
const CALL_GRACE: Duration = Duration::from_secs(1);

/// Adds the offsets to the transaction. The outer `Err` says why the outcome is unknown; the producer must not be used
/// any more then.
///
/// librdkafka blocks here forever if the broker that coordinated the group has left the cluster and no later change
/// makes it look again (2.12.1; confluentinc/librdkafka#5511). So a separate thread makes the call. If it does not
/// return in time it is abandoned with the producer, which the next attempt's producer fences. The thread ends when the
/// call does.
pub(super) fn send(
    producer: &Arc<LaneProducer>,
    offsets: &TopicPartitionList,
    member: ConsumerGroupMetadata,
    deadline: Instant,
) -> Result<Result<(), KafkaError>, String> {
    let (tell, told) = bounded(1);
    let call = {
        let (producer, offsets) = (producer.clone(), offsets.clone());
        move || {
            let send = || producer.send_offsets_to_transaction(&offsets, &member, remaining(deadline));
            // The receiver may have given up.
            let _ = tell.send(retrying(deadline, send));
        }
    };
    std::thread::Builder::new()
        .name("kafka-offsets".to_owned())
        .spawn(call)
        .map_err(|error| format!("no thread to send the offsets: {error}"))?;
    told.recv_timeout(remaining(deadline) + CALL_GRACE).map_err(|_| {
        producer.purge(PurgeConfig::default().queue().inflight());
        "the client does not come back from sending the offsets".to_owned()
    })
}

/// The time left until the deadline, at least 1 ms: librdkafka takes zero for a call that must not wait.
pub(super) fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Repeats the call while its error is retriable and the deadline has not passed.
pub(super) fn retrying(
    deadline: Instant,
    mut call: impl FnMut() -> Result<(), KafkaError>,
) -> Result<(), KafkaError> {
    loop {
        match call() {
            Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}
