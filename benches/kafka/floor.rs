//! The client that does no work: it reads ticks and writes, for each, a prediction that somebody else made, in the same
//! transactions and with the same properties as the engine's lanes. What it costs is what Kafka costs.

use std::time::{Duration, Instant};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{Header, Headers, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
    types::RDKafkaErrorCode,
};

use crate::{Result, broker};

/// As the lanes' in `engine/src/kafka/lane/turn.rs`.
const RECORDS_PER_TURN_MAX: usize = 1_024;
/// See [`RECORDS_PER_TURN_MAX`].
const RECORDS_PER_TRANSACTION_MAX: usize = 50_000;
const IDLE_WAIT: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Predictions that are copied, each partition's newest.
const SAMPLES_PER_PARTITION: i64 = 500;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    ticks: String,
    #[arg(long)]
    output: String,
    #[arg(long)]
    group: String,
    /// The predictions whose bytes are written.
    #[arg(long)]
    copy: String,
    #[arg(long, default_value_t = 100)]
    commit_interval_ms: u64,
}

/// A prediction to copy.
struct Copied {
    value: Vec<u8>,
    model: Vec<u8>,
}

/// The newest predictions of every partition.
fn copied(topic: &str) -> Result<Vec<Copied>> {
    let reader = broker::reader("read_committed")?;
    let ends = broker::ends(&reader, topic)?;
    let begins: Vec<i64> = ends.iter().map(|end| (end - SAMPLES_PER_PARTITION).max(0)).collect();
    reader.assign(&broker::positions(topic, &begins)?)?;
    let (mut open, mut found) = (ends.len(), Vec::new());
    while open > 0 {
        match reader.poll(TIMEOUT) {
            Some(Ok(message)) => {
                let headers = message.headers().ok_or("a prediction has headers")?;
                let model =
                    headers.iter().find(|header| header.key == "model").and_then(|header| header.value);
                found.push(Copied {
                    value: message.payload().unwrap_or_default().to_vec(),
                    model: model.unwrap_or_default().to_vec(),
                });
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(error)) => return Err(error.into()),
            None => return Err(format!("{topic} is not read to its end").into()),
        }
    }
    if found.is_empty() { Err(format!("{topic} has no predictions").into()) } else { Ok(found) }
}

/// As `engine/src/kafka/client.rs` sets them.
fn clients(arguments: &Arguments) -> Result<(BaseConsumer, BaseProducer)> {
    let consumer: BaseConsumer = broker::config()?
        .set("group.id", &arguments.group)
        .set("group.instance.id", format!("{}-0", arguments.group))
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "1666")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("check.crcs", "true")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "100")
        .set("queued.min.messages", "50000")
        .set("queued.max.messages.kbytes", "65536")
        .set("statistics.interval.ms", "1000")
        .create()?;
    let producer: BaseProducer = broker::config()?
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        .set("message.timeout.ms", "10000")
        .set("socket.timeout.ms", "10000")
        .set("queue.buffering.max.messages", "200000")
        .set("message.max.bytes", "1000000")
        .set("statistics.interval.ms", "1000")
        .set("transactional.id", format!("{}-0", arguments.group))
        .set("transaction.timeout.ms", "10000")
        .create()?;
    Ok((consumer, producer))
}

/// Runs until it is killed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let copied = copied(&arguments.copy)?;
    let (consumer, producer) = clients(arguments)?;
    let partitions = broker::partition_count(&consumer, &arguments.ticks)?;
    broker::create(&arguments.output, partitions as i32)?;
    let commit_interval = Duration::from_millis(arguments.commit_interval_ms);
    producer.init_transactions(TIMEOUT)?;
    consumer.subscribe(&[&arguments.ticks])?;
    let mut next: Vec<Option<i64>> = vec![None; partitions];
    let (mut dirty_since, mut records) = (None::<Instant>, 0);
    let mut copies = copied.iter().cycle();
    loop {
        let mut wait = dirty_since.map_or(IDLE_WAIT, |since| commit_interval.saturating_sub(since.elapsed()));
        for _ in 0..RECORDS_PER_TURN_MAX {
            let Some(message) = consumer.poll(wait) else { break };
            let message = message?;
            wait = Duration::ZERO;
            if dirty_since.is_none() {
                producer.begin_transaction()?;
                dirty_since = Some(Instant::now());
            }
            let (partition, offset) = (message.partition(), message.offset());
            let copy = copies.next().ok_or("a cycle has no end")?;
            let src = format!("{partition}:{offset}:0");
            let headers = OwnedHeaders::new_with_capacity(2)
                .insert(Header { key: "src", value: Some(src.as_bytes()) })
                .insert(Header { key: "model", value: Some(&copy.model) });
            let mut record = BaseRecord::to(&arguments.output)
                .partition(partition)
                .key(message.key().unwrap_or_default())
                .payload(&copy.value)
                .headers(headers);
            while let Err((error, back)) = producer.send(record) {
                if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                    return Err(error.into());
                }
                producer.poll(Duration::from_millis(10));
                record = back;
            }
            next[partition as usize] = Some(offset + 1);
            records += 1;
        }
        producer.poll(Duration::ZERO);
        let is_due = dirty_since.is_some_and(|since| since.elapsed() >= commit_interval);
        if is_due || records >= RECORDS_PER_TRANSACTION_MAX {
            let mut offsets = TopicPartitionList::new();
            for (partition, offset) in next.iter().enumerate() {
                if let Some(offset) = offset {
                    offsets.add_partition_offset(
                        &arguments.ticks,
                        partition as i32,
                        Offset::Offset(*offset),
                    )?;
                }
            }
            let member = consumer.group_metadata().ok_or("the consumer is in no group")?;
            producer.send_offsets_to_transaction(&offsets, &member, TIMEOUT)?;
            // As the lanes wait for delivery: `commit_transaction` would look every 100 ms.
            let deadline = Instant::now() + TIMEOUT;
            while producer.in_flight_count() > 0 && Instant::now() < deadline {
                producer.poll(Duration::from_millis(1));
            }
            producer.commit_transaction(TIMEOUT)?;
            (dirty_since, records) = (None, 0);
        }
    }
}
