//! The machine, as this process may use it.

use std::{fs, path::Path};

use engine::sys;
use serde::Serialize;

/// What there is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// The processor's name, where the kernel tells it.
    pub processor: Option<String>,
    /// Processors that this process may run on.
    pub cores: usize,
    /// Processors' worth of time that the control group allows, if it limits it.
    pub quota_cores: Option<f64>,
    /// Bytes of memory that can be had now, within the control group's limit.
    pub memory_available_bytes: u64,
}

impl Machine {
    /// Looks.
    pub(crate) fn look() -> Self {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = information
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned());
        Self {
            processor,
            cores: sys::allowed_cpus().map_or(1, |cpus| cpus.len().max(1)),
            quota_cores: sys::cpu_quota(),
            memory_available_bytes: memory_available(),
        }
    }
}

/// Bytes that can be had: what the machine has left, or what the control group leaves if that is less.
pub(crate) fn memory_available() -> u64 {
    let information = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free = information
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib * 1_024);
    group_left(Path::new("/sys/fs/cgroup")).map_or(free, |left| left.min(free))
}

/// What version 2 of control groups leaves of its limit; inside a container the mount's root is our group.
fn group_left(mount: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(mount.join(name)).ok()?.trim().parse::<u64>().ok();
    Some(read("memory.max")?.saturating_sub(read("memory.current")?))
}
