//! Do the clock of the service and the clock of this machine agree?

use crate::doctor::{finding::Finding, service::Service};

/// Greatest difference that is no finding: the Date header has whole seconds, and may be a second old.
const APART_S_MAX: i64 = 2;

pub(super) fn check(service: &Service) -> Vec<Finding> {
    let Some(apart) = service.clock_ahead_s else {
        return vec![Finding::skipped("the service's answer has no Date")];
    };
    if apart.abs() <= APART_S_MAX {
        return vec![Finding::ok("the service's clock and this one agree")];
    }
    let direction = if apart > 0 { "ahead of" } else { "behind" };
    vec![Finding::warning(
        format!("the service's clock is {} s {direction} this one", apart.abs()),
        "run a time service (chrony, systemd-timesyncd) on both: predictions go by the ticks' own time, but age_ms, \
         \"stale\" and freshness go by the clock",
    )]
}
