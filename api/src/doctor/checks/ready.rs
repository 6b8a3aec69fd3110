//! Is the service ready for traffic?

use crate::doctor::{finding::Finding, service::Service};

pub(super) fn check(service: &Service) -> Vec<Finding> {
    if service.status("/readyz?verbose") == Some(200) {
        return vec![Finding::ok("it takes traffic")];
    }
    let body = service.json("/readyz?verbose");
    let checks = body["checks"].as_array().into_iter().flatten();
    let found: Vec<Finding> = checks
        .filter(|check| check["ok"] == false)
        .map(|check| {
            let (name, detail) = (&check["name"], check["detail"].as_str().unwrap_or_default());
            let name = name.as_str().unwrap_or_default();
            Finding::failed(format!("not ready: {name}: {detail}"), fix_of(name))
        })
        .collect();
    if found.is_empty() {
        return vec![Finding::failed("/readyz gives no answer", "look at the service's log")];
    }
    found
}

/// What to do if this check of the service's own `/readyz` fails.
fn fix_of(check: &str) -> &'static str {
    match check {
        "model" => "fix MODEL_PATH or unset it; /health says what is wrong with the file",
        "shards" => "restart it: a shard panicked or stands still; report its log",
        "draining" => "it was told to end: nothing to do",
        "warm" => "wait ready.warm_wait_s; if it stays, /health says what the source gives",
        _ => "look at the service's log",
    }
}
