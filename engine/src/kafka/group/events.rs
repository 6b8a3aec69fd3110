//! Writes events of this instance to the topic `engine.events`: one JSON record for each event that `GET /events`
//! shows, except gaps, with the name of the instance.
//!
//! A producer of its own writes them, outside the lanes' transactions, because an event can report an attempt that is
//! then aborted. Nothing waits for it. An event that does not fit into the queue, or is not delivered, is counted.

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

/// Longest wait for an event before the writer checks whether to stop.
const WAIT: Duration = Duration::from_millis(200);
/// Longest wait for the last deliveries when the writer stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before the writer starts again after a failure.
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

/// Writes the engine's events on the calling thread until `stop`.
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
