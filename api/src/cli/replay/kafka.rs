//! Replays into a topic: records as they were, or ticks encoded anew.

use std::io::Write;

use engine::{
    intake::TickSink,
    kafka::{KafkaSettings, ResendSink, TopicSink},
    recording::{PartitionedLog, Recording},
    stop::StopToken,
    symbol::Offset,
    tick::{EventTime, Tick},
};

use super::{Input, Plan};
use crate::{
    cli::{Exit, Failure, broker, print_failed},
    config::Config,
};

pub(super) fn run(
    plan: &Plan,
    config: &Config,
    is_topic_named: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let settings = broker::settings(config)?;
    match &plan.input {
        Input::Recording { recording, .. } if plan.is_verbatim() => {
            resend(plan, recording, &settings, is_topic_named, out)
        }
        _ => write_anew(plan, &settings, out),
    }
}

fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Failed, message)
}

fn refused(topic: &str, newest: EventTime, first: EventTime) -> Failure {
    failed(format!(
        "{topic} holds ticks up to {newest}, and the recording begins at {first}: its ticks would be late; \
         use --shift-to-now, or another --topic"
    ))
}

fn write_anew(plan: &Plan, settings: &KafkaSettings, out: &mut dyn Write) -> Result<(), Failure> {
    let topic = settings.topic_raw.clone();
    let mut sink = TopicSink::open(settings, plan.first_at).map_err(|error| failed(error.to_string()))?;
    let newest = sink.newest();
    let sum = plan.replay(&mut sink)?;
    let (refused_at, oldest) = (sink.refused(), sink.oldest());
    let counts = sink.finish();
    broker::warn_of_retention(settings, &topic, oldest);
    writeln!(
        out,
        "{} ticks delivered to {topic}, {} not delivered, {} unreadable",
        counts.delivered, counts.failed, counts.unreadable
    )
    .map_err(print_failed)?;
    if let (Some(refused_at), Some(newest)) = (refused_at, newest) {
        return Err(refused(&topic, newest, refused_at));
    }
    let failure = counts.failure.map(|failure| match plan.is_shifted() {
        // By default a broker refuses records more than an hour in the future.
        true => format!(
            "{failure}; shifted times run ahead of the clock at this speed: replay at --speed 1, or raise the topic's \
             message.timestamp.after.max.ms"
        ),
        false => failure,
    });
    failure.map_or_else(|| plan.require_ticks(&sum), |failure| Err(failed(failure)))
}

fn resend(
    plan: &Plan,
    recording: &Recording,
    settings: &KafkaSettings,
    is_topic_named: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let (topic, recorded) = (&settings.topic_raw, recording.topic());
    if recorded != topic && !is_topic_named {
        let message =
            format!("these records are of {recorded:?}, and kafka.topic_raw is {topic:?}: name the --topic");
        return Err(Failure::new(Exit::Configuration, message));
    }
    let sink =
        ResendSink::open(settings, recording.partition_count()).map_err(|error| failed(error.to_string()))?;
    let stop = StopToken::default();
    let (mut pacer, mut refused_at, mut oldest) = (plan.pacer(), None, None);
    plan.for_each_record(recording, |record| {
        let time = record.timestamp_ms.and_then(|ms| EventTime::from_nanos(ms.checked_mul(1_000_000)?));
        if let Some(time) = time {
            // Compares only with records that were there before.
            if oldest.is_none() && sink.newest().is_some_and(|newest| time < newest) {
                refused_at = Some(time);
                return false;
            }
            oldest = Some(oldest.map_or(time, |oldest: EventTime| oldest.min(time)));
            pacer.wait_for(time, &mut NoTicks, &stop);
        }
        sink.send(record)
    })?;
    let newest = sink.newest();
    let delivered = sink.finish();
    broker::warn_of_retention(settings, topic, oldest);
    writeln!(
        out,
        "{} records delivered to {topic} as they were, {} not delivered",
        delivered.delivered, delivered.failed
    )
    .map_err(print_failed)?;
    if let (Some(refused_at), Some(newest)) = (refused_at, newest) {
        return Err(refused(topic, newest, refused_at));
    }
    delivered.failure.map_or(Ok(()), |failure| Err(failed(failure)))
}

/// Takes no ticks: records are paced by their own times.
struct NoTicks;

impl TickSink for NoTicks {
    fn tick(&mut self, _: &str, _: &str, _: Offset, _: u32, _: Tick) {}
}
