//! Calls of the client that take their time, and the one that can take for ever.

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

/// How much longer than it was told to the call may take before it is left behind.
const CALL_GRACE: Duration = Duration::from_secs(1);

/// Adds the offsets to the transaction. `Err`: why nobody knows what became of it, and that the producer is of no more
/// use.
///
/// librdkafka waits here without end if the broker that coordinated the group has gone from the cluster, and no other
/// comes or goes that would make it look again (2.12.1; confluentinc/librdkafka#5511). So a thread of its own makes the
/// call, and is left behind then with the producer, which the next attempt's fences. It ends when the call does.
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
            // Nobody may be waiting any more.
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

/// The time left until the deadline, and a little if none is left: the client takes zero for a look without waiting.
pub(super) fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Calls again while the error says that this may help.
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
