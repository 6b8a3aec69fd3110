//! Does a service run, and is it alive?

use crate::doctor::{
    context::{Context, NoService},
    finding::Finding,
};

pub(super) fn check(context: &Context) -> Vec<Finding> {
    match &context.service {
        Err(NoService::Unknown) => vec![Finding::skipped("give --url to ask a running service")],
        Err(NoService::NotRunning(address)) => vec![Finding::skipped(format!(
            "nobody listens at {address}: no service runs here, or elsewhere (--url)"
        ))],
        Err(NoService::Silent(target, why)) => vec![Finding::failed(
            format!("{target}: {why}"),
            "start it (stormglass serve), or look at its log's first lines: they say why it did not start",
        )],
        Ok(service) => match service.status("/livez") {
            Some(200) => vec![Finding::ok(format!("{} is alive", service.target))],
            Some(503) => vec![Finding::failed(
                format!("a shard panicked: {}", service.json("/livez")),
                "restart it, and report the log line \"a shard panicked\"",
            )],
            other => {
                vec![Finding::failed(format!("/livez answers {other:?}"), "restart it, and look at its log")]
            }
        },
    }
}
