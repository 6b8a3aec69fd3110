//! What an error means for a lane, and what holds it up without one.

use std::time::Duration;

use rdkafka::{consumer::Consumer, error::KafkaError, types::RDKafkaErrorCode};

use super::{Lane, LaneError, turn::Turns};
use crate::kafka::{client::LaneConsumer, refusal};

/// A broker that keeps a lane waiting for longer is told of.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

impl Turns<'_, '_> {
    /// Tells that the group's offsets are not known for long. For a while that is everyday's: the transaction of an owner
    /// that died is open.
    pub(super) fn say_that_offsets_are_not_known(&self) {
        if self.restoring_since.is_some_and(|since| since.elapsed() > PATIENCE) {
            let lane = self.lane.number;
            let reason =
                format!("lane {lane} is held up: the broker does not say what the group has committed");
            self.lane.report.hold_up(lane, reason);
        }
    }
}

/// What an error among the records means.
pub(super) fn on_error(lane: &Lane<'_>, consumer: &LaneConsumer, error: KafkaError) -> Result<(), LaneError> {
    use RDKafkaErrorCode as Code;
    if let Some(refusal) = refusal::by_broker(&lane.settings, &error) {
        return Err(refusal.into());
    }
    let code = error.rdkafka_error_code();
    // A member that was fenced, or that the group refuses for good, is fatal; so is each error from then on.
    let is_final = consumer.client().fatal_error().is_some()
        // The record to read next has been deleted: look again where the log begins.
        || matches!(code, Some(Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::Fatal))
        || matches!(error, KafkaError::MessageConsumptionFatal(_));
    if is_final {
        return Err(error.into());
    }
    let reason = consumer.context().take_reason();
    // The client tries on by itself, and gets nowhere before somebody does something about it.
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
        return Ok(());
    }
    // Brokers come and go; the client reconnects by itself.
    tracing::debug!(%error, "kafka");
    Ok(())
}
