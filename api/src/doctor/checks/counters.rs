//! Does a counter say that something went wrong since the start?

use crate::doctor::{finding::Finding, service::Service};

/// Metrics that should be 0, each with what it means if it is not.
const ZERO: &[(&str, &str)] = &[
    (
        "stormglass_shard_rewakes_total",
        "a shard slept although mail lay there and was woken: service goes on; report it with the log",
    ),
    (
        "stormglass_symbol_split_total",
        "symbols lie in two partitions: key the producer by symbol, RUNBOOK, StormglassSymbolsSplit",
    ),
    (
        "stormglass_ticks_refused_total",
        "more symbols than engine.symbols_max: raise it, or find the producer that makes names up",
    ),
    (
        "stormglass_kafka_partitions_paused",
        "too many of their records cannot be read: fix the producer, then restart (stormglass dlq list)",
    ),
    (
        "stormglass_http_connections_refused_total",
        "more clients than server.connections_max: raise it with the limit of open files, or add instances",
    ),
    (
        "stormglass_quality_rows_dropped_total",
        "the window of quality holds fewer rows than its time says: raise quality.rows_max",
    ),
    (
        "stormglass_ticks_undelivered_total",
        "ticks were dropped because a shard had ended: look for \"a shard panicked\" in the log",
    ),
    (
        "stormglass_questions_expired_total",
        "shards answered too late: look at stormglass_shard_busy_seconds_total by shard, add processors or instances",
    ),
];

pub(super) fn check(service: &Service) -> Vec<Finding> {
    let risen = ZERO.iter().filter_map(|(name, fix)| {
        let value = service.metric(name).filter(|&value| value > 0.0)?;
        Some(Finding::warning(format!("{name} is {value}"), *fix))
    });
    let found: Vec<Finding> = risen.collect();
    if !found.is_empty() {
        return found;
    }
    match service.metric("process_start_time_seconds") {
        Some(_) => vec![Finding::ok(format!("all {} that should be 0 are", ZERO.len()))],
        None => vec![Finding::warning("/metrics gives no answer", "look at the service's log")],
    }
}

#[cfg(test)]
mod tests {
    use super::ZERO;

    #[test]
    fn each_counter_is_one_that_the_service_declares() {
        let declared = crate::metrics::names();
        for (name, _) in ZERO {
            assert!(declared.contains(name), "{name}");
        }
    }
}
