//! Does the running service have the build and the model path that this command has?

use crate::{
    build_info,
    doctor::{
        context::{Context, Start},
        finding::Finding,
    },
};

pub(super) fn check(context: &Context) -> Vec<Finding> {
    let Some(service) = context.running() else {
        return vec![Finding::skipped("no service answers")];
    };
    let body = service.json("/version");
    let text = |key: &str| body[key].as_str().unwrap_or("none").to_owned();
    let mut found = Vec::new();
    if text("sha") != build_info::SHA {
        found.push(Finding::warning(
            format!("the service is of commit {}, this command of {}", text("sha"), build_info::SHA),
            "ask with the service's own binary, or restart it with this one",
        ));
    }
    let configured = context.loaded.as_ref().ok().and_then(|loaded| loaded.config.model.path.as_deref());
    // A recorded model outranks the configured path.
    let is_recorded = |start: &Start| start.report.is_recorded || body["variant_source"] == "record";
    let is_compared = context.start.as_ref().is_some_and(|start| !is_recorded(start));
    if is_compared && body["model_path"].as_str() != configured {
        found.push(Finding::warning(
            format!(
                "the service has the model path {}, the configuration here {}",
                text("model_path"),
                configured.unwrap_or("none")
            ),
            "a changed environment counts from the next start (of a container: made anew); or ask with the service's own \
             configuration",
        ));
    }
    found.push(Finding::ok(format!(
        "{} {} (sha256 {}), runtime {}: {}",
        text("model"),
        text("model_version"),
        text("model_sha256"),
        text("runtime"),
        text("runtime_reason")
    )));
    found
}
