//! The process's resources, read from /proc, under Prometheus's standard names.

use std::fs;

/// Clock ticks a second in /proc: the kernel's interface has it fixed at 100.
const TICKS_PER_SECOND: f64 = 100.0;

/// The resources that the process uses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProcessUse {
    pub(super) resident_bytes: f64,
    pub(super) cpu_seconds: f64,
    pub(super) open_files: f64,
    pub(super) open_files_max: f64,
    pub(super) start_time_s: f64,
}

/// Reads /proc; what cannot be read is 0.
pub(super) fn process_use() -> ProcessUse {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let machine = fs::read_to_string("/proc/stat").unwrap_or_default();
    // The second field is the name in parentheses and may hold spaces; the third field follows the last ')'.
    let fields: Vec<f64> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().map(|f| f.parse().unwrap_or(0.0)).collect())
        .unwrap_or_default();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
    ProcessUse {
        resident_bytes: resident_bytes() as f64,
        cpu_seconds: (field(14) + field(15)) / TICKS_PER_SECOND,
        open_files: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as f64,
        open_files_max: word_after(&limits, "Max open files", 0),
        start_time_s: word_after(&machine, "btime", 0) + field(22) / TICKS_PER_SECOND,
    }
}

/// Bytes of memory that the process has now.
pub(crate) fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    word_after(&status, "VmRSS:", 0) as u64 * 1_024
}

/// The number that is `skipped` words after `key`, which starts a line.
fn word_after(text: &str, key: &str, skipped: usize) -> f64 {
    text.lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().nth(skipped))
        .and_then(|word| word.parse().ok())
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_all_of_it() {
        let found = process_use();
        assert!(found.resident_bytes > 1e5 && found.open_files >= 3.0, "{found:?}");
        assert!(found.open_files_max >= found.open_files && found.cpu_seconds >= 0.0, "{found:?}");
        let now_s = crate::http::answer::wall_clock_nanos() as f64 * 1e-9;
        assert!((0.0..86_400.0).contains(&(now_s - found.start_time_s)), "{found:?} at {now_s}");
    }
}
