//! Checks of a lane: that its records belong to the topic it knows, and what a client error means for the lane.

use std::time::{Duration, Instant};

use rdkafka::{consumer::Consumer, error::KafkaError, types::RDKafkaErrorCode};

use super::{Lane, LaneError, turn::Turns};

use crate::kafka::{
    client::LaneConsumer,
    lane::{
        topic_id::{Sources, TopicId, topic_id},
        transaction::Broken,
    },
    refusal,
    settings::KafkaSettings,
};

/// A broker that keeps a lane waiting for longer than this is reported in `/health`.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Interval at which an idle lane asks for its topic's id.
const IDLE_LOOK_EVERY: Duration = Duration::from_secs(15);
/// Longest wait for the broker's answer.
const IDLE_LOOK_TIMEOUT: Duration = Duration::from_secs(1);

impl Turns<'_, '_> {
    /// Notes the topic of newly assigned partitions. Fails if partitions of another topic are owned.
    pub(super) fn take_topic(&mut self, topic_id: Option<TopicId>) -> Result<(), LaneError> {
        if !self.owned.is_empty() && topic_id != self.topic_id {
            let settings = &self.lane.settings;
            return Err(Broken::Withheld(topic_recreated(settings, self.topic_id, topic_id)).into());
        }
        self.topic_id = topic_id;
        if topic_id.is_none() && !std::mem::replace(&mut self.lane.has_told_no_ids, true) {
            tracing::warn!(
                "the brokers give topics no ids, as those before Kafka 2.8: a topic of ticks that is deleted and created \
                 again may be taken for the one before"
            );
        }
        Ok(())
    }

    /// Asks for the topic's id at intervals although nothing was read: a topic that was created again, with as many
    /// records as were read of the one before, has nothing for the client to fetch.
    pub(super) fn look_at_idle_topic(&mut self) -> Result<(), LaneError> {
        let is_idle = self.transaction.dirty_since().is_none() && !self.owned.is_empty();
        if !is_idle || self.topic_id.is_none() || self.topic_looked_at.elapsed() < IDLE_LOOK_EVERY {
            return Ok(());
        }
        self.topic_looked_at = Instant::now();
        let settings = &self.lane.settings;
        match topic_id(self.consumer.client(), &settings.topic_raw, None, IDLE_LOOK_TIMEOUT) {
            Ok(found) if !TopicId::may_be_same(found, self.topic_id) => {
                Err(Broken::Withheld(topic_recreated(settings, self.topic_id, found)).into())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "the id of the ticks' topic is not known now");
                Ok(())
            }
        }
    }

    /// Reports that the group's offsets have been unknown for long. For a short time that is normal: the transaction of
    /// an owner that died is still open.
    pub(super) fn say_that_offsets_are_not_known(&mut self) {
        if self.restoring_since.is_some_and(|since| since.elapsed() > PATIENCE) {
            let lane = self.lane.number;
            let reason =
                format!("lane {lane} is held up: the broker does not say what the group has committed");
            self.lane.report.hold_up(lane, reason);
            self.is_held_up = true;
        }
    }
}

/// Compares the topic id at each broker that records were polled from since the last check; `topic_id.rs` says why that
/// is enough.
pub(super) fn check_topic(
    consumer: &LaneConsumer,
    settings: &KafkaSettings,
    known: Option<TopicId>,
    sources: &mut Sources,
) -> Result<(), Broken> {
    let sources = sources.take();
    if known.is_none() {
        return Ok(());
    }
    for broker in sources {
        let timeout = settings.transaction_timeout_s.duration() / 2;
        let found = topic_id(consumer.client(), &settings.topic_raw, Some(broker), timeout);
        let found = found
            .map_err(|error| Broken::Withheld(format!("the id of the ticks' topic is not known: {error}")))?;
        if found != known {
            return Err(Broken::Withheld(topic_recreated(settings, known, found)));
        }
    }
    Ok(())
}

fn topic_recreated(settings: &KafkaSettings, was: Option<TopicId>, is: Option<TopicId>) -> String {
    let written = |id: Option<TopicId>| id.map_or("unknown".to_owned(), |id| id.to_string());
    format!(
        "the ticks' topic {:?} was deleted and created again: its id was {}, and is {} now",
        settings.topic_raw,
        written(was),
        written(is)
    )
}

/// Decides what an error that a poll returned means: `false` the lane goes on; `true` it is held up, which is reported
/// here; an error means that it must start again.
pub(super) fn on_error(
    lane: &Lane<'_>,
    consumer: &LaneConsumer,
    error: KafkaError,
) -> Result<bool, LaneError> {
    use RDKafkaErrorCode as Code;
    if let Some(refusal) = refusal::by_broker(&lane.settings, &error) {
        return Err(refusal.into());
    }
    let code = error.rdkafka_error_code();
    // An error of a member that was fenced, or that the group refuses for good, is fatal; so is each later error.
    let is_final = consumer.client().fatal_error().is_some()
        // The record to read next has been deleted: start again at the log's beginning.
        || matches!(code, Some(Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::Fatal))
        || matches!(error, KafkaError::MessageConsumptionFatal(_));
    if is_final {
        return Err(error.into());
    }
    let reason = consumer.context().take_reason();
    // The client goes on trying, but will not succeed before somebody mends the cause.
    if let Some(
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::InconsistentGroupProtocol
        | Code::GroupMaxSizeReached
        | Code::UnsupportedVersion,
    ) = code
    {
        let reason = reason.unwrap_or_else(|| error.to_string());
        tracing::warn!(lane = lane.number, reason, "the lane is held up");
        lane.report.hold_up(lane.number, format!("lane {} is held up: {reason}", lane.number));
        return Ok(true);
    }
    // Brokers come and go; the client reconnects by itself.
    tracing::debug!(%error, "kafka");
    Ok(false)
}
