//! Are all symbols live: not stale, warming, simulated or split over partitions?

use serde_json::Value;

use crate::doctor::{finding::Finding, service::Service};

/// Names of symbols that a finding lists.
const NAMED_MAX: usize = 5;

pub(super) fn check(service: &Service) -> Vec<Finding> {
    let body = service.json("/symbols");
    let Some(symbols) = body["symbols"].as_array() else {
        return vec![Finding::failed("/symbols gives no answer", "look at the shards: /health and the log")];
    };
    if symbols.is_empty() {
        return vec![without_symbols(service)];
    }
    // A split symbol is listed once for each of its partitions.
    let count = unique(symbols.iter()).len();
    let mut found = Vec::new();
    let mut warn = |is_so: &dyn Fn(&Value) -> bool, what: &str, fix: &str| {
        let names = unique(symbols.iter().filter(|symbol| is_so(symbol)));
        if !names.is_empty() {
            let more = if names.len() > NAMED_MAX { ", …" } else { "" };
            let named = names[..names.len().min(NAMED_MAX)].join(", ");
            found.push(Finding::warning(
                format!("{} of {count} symbols {what}: {named}{more}", names.len()),
                fix,
            ));
        }
    };
    warn(
        &|symbol| symbol["status"] == "stale",
        "are stale",
        "their feed has stopped: look at the source's log lines, and at the producer",
    );
    warn(
        &|symbol| symbol["status"] == "warming",
        "are warming",
        "wait ten minutes of feed; if it stays, the feed has gaps (stormglass_gaps_total)",
    );
    warn(
        &|symbol| symbol["simulated"] == true,
        "are simulated",
        "never act on them: set source.kind to a real feed",
    );
    warn(
        &|symbol| symbol["partitions"].as_array().is_some_and(|partitions| !partitions.is_empty()),
        "are split over partitions, each with a part of the market",
        "key the producer by symbol, and `stormglass rekey` the topic: RUNBOOK, StormglassSymbolsSplit",
    );
    if found.is_empty() { vec![Finding::ok(format!("{count} symbols, all live"))] } else { found }
}

/// The names of these symbols, each once.
fn unique<'a>(symbols: impl Iterator<Item = &'a Value>) -> Vec<&'a str> {
    let mut names: Vec<&str> = symbols.filter_map(|symbol| symbol["symbol"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The finding if the service lists no symbols, by its own account of its source.
fn without_symbols(service: &Service) -> Finding {
    let health = service.json("/health");
    let (what, fix) = match health["feed"]["state"].as_str() {
        Some("not_configured") => {
            return Finding::ok("no symbol is live: no source is configured, only rows are scored");
        }
        Some("none_is_a_tick") => (
            "records were read, and none is a tick",
            "the source is not one of ticks, or in another format: stormglass_unreadable_total and the log say why",
        ),
        Some("all_unreadable") => {
            let reasons = health["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let said = reasons.into_iter().find(|reason| reason.contains("unreadable"));
            return Finding::warning(
                said.unwrap_or("all records are unreadable"),
                "the source is in a format that is not read: its log lines say what was seen, docs/ticks.md what is read",
            );
        }
        Some("no_symbol_held") => (
            "no symbol is held here any more",
            "its partitions moved to other instances: `curl /symbols?all` lists them",
        ),
        _ => (
            "no tick has ever come",
            "the source gives none yet: look at /sources, /health and the log, and at the producer",
        ),
    };
    Finding::warning(what, fix)
}
