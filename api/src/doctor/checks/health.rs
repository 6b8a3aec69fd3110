//! Is the service healthy, and if not, for which reasons?

use serde_json::Value;

use crate::doctor::{finding::Finding, service::Service};

/// Beginnings of the service's reasons, each with what to do about it.
const FIXES: &[(&str, &str)] = &[
    ("Model not loaded", "fix MODEL_PATH or unset it: the shipped model loads"),
    ("the model's event", "set [label] to the model's event, or train for the configured one"),
    ("warming", "wait ten minutes of feed; if it stays, the feed has gaps or there is none"),
    ("no tick has ever come", "look at the producer, and at source.kind and what it names"),
    (
        "no tick for",
        "the feed has stopped: look at the producer and the venue; answers are stale until ticks come",
    ),
    (
        "ticks come, but",
        "the ticks are old: recorded ones, a backlog (stormglass_kafka_lag_records), or a slow clock",
    ),
    ("source finished", "recorded ticks are at their end: nothing to do; restart to play them again"),
    ("no symbol is held", "the partitions moved to other instances: nothing to do"),
    (
        "kafka.state_directory",
        "free some room there, or move it: RUNBOOK, StormglassFilesNotWritten; predictions go on",
    ),
    (
        "model.record",
        "free some room there, or move it: RUNBOOK, StormglassFilesNotWritten; changes of the model are refused",
    ),
    ("the source", "fix the cause and restart: what it gave before stays and turns stale"),
    (LANE, "RUNBOOK, StormglassNothingCommitted, has the usual reasons; the checks of Kafka below, too"),
    ("Kafka:", "see the checks of Kafka below"),
    ("all ", "raise server.connections_max with the limit of open files, or add instances"),
];

/// Beginning of the reason of a lane that makes no progress. Nothing is predicted then, so it is a failure although the
/// service calls itself degraded.
const LANE: &str = "Kafka: lane";

pub(super) fn check(service: &Service) -> Vec<Finding> {
    let body = service.json("/health");
    let status = body["status"].as_str().unwrap_or("unknown");
    let reasons: Vec<&str> =
        body["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if status == "healthy" {
        return vec![Finding::ok("healthy")];
    }
    let found = reasons.iter().map(|reason| {
        let fix = FIXES.iter().find(|(begin, _)| reason.starts_with(begin)).map(|(_, fix)| *fix);
        let fix = fix.unwrap_or("RUNBOOK has it, under its alerts and symptoms");
        let what = format!("{status}: {reason}");
        let is_warning = status == "degraded" && !reason.starts_with(LANE);
        if is_warning { Finding::warning(what, fix) } else { Finding::failed(what, fix) }
    });
    let found: Vec<Finding> = found.collect();
    if found.is_empty() {
        return vec![Finding::failed(format!("/health says {status} and no reason"), "look at its log")];
    }
    found
}
