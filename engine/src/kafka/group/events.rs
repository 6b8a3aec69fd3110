//! What happens to this instance, for whoever reads the topic `engine.events`: one JSON record each, of everything that
//! `GET /events` shows but gaps, with the instance that it happened to.
//!
//! Written by a producer of its own, outside the lanes' transactions: an event tells of an attempt, also of one that is
//! then given up. Nobody waits for it. What does not fit into the queue, or is not delivered, is counted.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crossbeam::channel::{Receiver, RecvTimeoutError};
use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, KafkaResult},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};
use serde::Serialize;

use crate::{
    events::Event,
    handle::EngineHandle,
    kafka::{client, lane, oauth::gives_tokens, settings::KafkaSettings},
    lanes::LaneMetrics,
    limits::EVENTS_QUEUED_MAX,
    stop::StopToken,
};

/// How long the writer waits for an event before it looks whether to stop.
const WAIT: Duration = Duration::from_millis(200);
/// How long a stop waits for the last events' delivery.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// Before the writer begins again.
const PAUSE: Duration = Duration::from_secs(1);

struct Deliveries(Arc<LaneMetrics>);

impl ClientContext for Deliveries {
    gives_tokens!();

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka events");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.0.events_written } else { &self.0.events_dropped };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Serialize)]
struct Record<'a> {
    instance: &'a str,
    #[serde(flatten)]
    event: &'a Event,
}

/// Writes the engine's events on the calling thread until told to stop.
pub fn write_events(settings: &KafkaSettings, engine: &EngineHandle, stop: &StopToken) {
    let metrics = engine.metrics.lanes.clone();
    let events = engine.events.queue(EVENTS_QUEUED_MAX, metrics.clone());
    loop {
        match producer(settings, &metrics) {
            Ok(producer) => return write(settings, &producer, &events, stop),
            Err(error) if stop.is_stopped() => return tracing::debug!(%error, "no producer of events"),
            Err(error) => {
                tracing::warn!(%error, "events are not written to Kafka");
                lane::wait(stop, PAUSE);
            }
        }
    }
}

fn producer(settings: &KafkaSettings, metrics: &Arc<LaneMetrics>) -> KafkaResult<BaseProducer<Deliveries>> {
    client::common(settings)
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "60000")
        .set("queue.buffering.max.messages", EVENTS_QUEUED_MAX.to_string())
        .create_with_context(Deliveries(metrics.clone()))
}

fn write(
    settings: &KafkaSettings,
    producer: &BaseProducer<Deliveries>,
    events: &Receiver<Event>,
    stop: &StopToken,
) {
    loop {
        match events.recv_timeout(WAIT) {
            Ok(event) => send(settings, producer, &event),
            Err(RecvTimeoutError::Timeout) if stop.is_stopped() => break,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        producer.poll(Duration::ZERO);
    }
    if let Err(error) = producer.flush(FLUSH_TIMEOUT) {
        tracing::debug!(%error, "the last events may not be written");
    }
}

fn send(settings: &KafkaSettings, producer: &BaseProducer<Deliveries>, event: &Event) {
    let record = Record { instance: &settings.instance, event };
    let payload = serde_json::to_vec(&record).expect("text and numbers are always JSON");
    let record =
        BaseRecord::to(&settings.topic_events).partition(0).key(&settings.instance).payload(&payload);
    if let Err((error, _)) = producer.send(record) {
        tracing::debug!(%error, "an event is not written");
        producer.context().0.events_dropped.fetch_add(1, Ordering::Relaxed);
    }
}
