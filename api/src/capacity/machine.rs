//! The resources of the machine that this process may use: processors, their quota and memory.

use std::{fs, path::Path};

use engine::sys;
use serde::Serialize;

/// The resources that this process can use.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// The processor's name; `None` if `/proc/cpuinfo` has none.
    pub processor: Option<String>,
    /// Processors that this process may run on.
    pub cores: usize,
    /// Limit of processor time by the control group, in processors; `None` without a limit.
    pub quota_cores: Option<f64>,
    /// Bytes that can be allocated now without swapping, within the control group's limit.
    pub memory_available_bytes: u64,
}

impl Machine {
    /// Reads `/proc`, the processor affinity and the control group.
    pub(crate) fn detect() -> Self {
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

/// `MemAvailable` of the machine, or what the control group's limit leaves if that is less; bytes.
pub(crate) fn memory_available() -> u64 {
    let information = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free = information
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib * 1_024);
    control_group_left(Path::new("/sys/fs/cgroup")).map_or(free, |left| left.min(free))
}

/// Bytes left below the memory limit of the control group (version 2) mounted at `mount`; `None` without a limit.
/// Inside a container, the mount's root is this process's own group.
fn control_group_left(mount: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(mount.join(name)).ok()?.trim().parse::<u64>().ok();
    Some(read("memory.max")?.saturating_sub(read("memory.current")?))
}
