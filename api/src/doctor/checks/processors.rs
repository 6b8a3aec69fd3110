//! Do the threads of shards and front fit the processors that this process may use?

use std::time::Duration;

use engine::{
    cpu::{self, CpuRequest},
    sys,
};

use crate::{config::Loaded, doctor::finding::Finding};

pub(super) fn check(loaded: &Loaded) -> Vec<Finding> {
    let allowed = match sys::allowed_cpus() {
        Ok(allowed) => allowed,
        Err(error) => {
            return vec![Finding::failed(
                format!("the processors this process may use cannot be read: {error}"),
                "allow sched_getaffinity in the sandbox: the engine does not start without",
            )];
        }
    };
    let quota = sys::cpu_quota().filter(|&quota| quota < allowed.len() as f64);
    let (engine, server) = (&loaded.config.engine, &loaded.config.server);
    let asked = CpuRequest {
        shards: engine.shards,
        fronts: server.front_threads,
        spin: Duration::from_micros(engine.spin_us),
    };
    let plan = cpu::plan(&allowed, quota, &asked);
    let threads = plan.shard_cpus.len() + plan.front_cpus.len();
    let room = quota.unwrap_or(allowed.len() as f64);
    let mut found = Vec::new();
    if threads as f64 > room.ceil() && (asked.shards.is_some() || asked.fronts.is_some()) {
        found.push(Finding::warning(
            plan.sentence.clone(),
            format!(
                "{threads} threads share {room} processor(s): set engine.shards and server.front_threads to 0, or give the \
                 process more processors"
            ),
        ));
    }
    if let Some(quota) = quota {
        found.push(Finding::warning(
            format!("the control group stops this process once it has used {quota} CPU(s) of {}: {}", allowed.len(), plan.sentence),
            "a quota costs tail latency (up to 100 ms each time it is used up): give whole processors instead (cpuset, or \
             the static policy of Kubernetes)",
        ));
    }
    if allowed.len() == 1 {
        found.push(Finding::warning(
            "one processor for shards and front",
            "give it two, so that ticks and requests do not wait for each other",
        ));
    }
    if found.is_empty() { vec![Finding::ok(plan.sentence)] } else { found }
}
