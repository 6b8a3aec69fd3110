//! Does the state of as many symbols as are allowed fit the memory?

use crate::{capacity::memory_available, config::Loaded, doctor::finding::Finding};

/// Bytes of a symbol's state: RUNBOOK's 120 KiB.
const SYMBOL_BYTES: u64 = 120 * 1_024;

pub(super) fn look(loaded: &Loaded) -> Vec<Finding> {
    let (symbols, available) = (loaded.config.engine.symbols_max as u64, memory_available());
    let mib = |bytes: u64| bytes >> 20;
    let wanted = symbols * SYMBOL_BYTES;
    if available == 0 {
        return vec![Finding::skipped("/proc/meminfo does not say what is free")];
    }
    if wanted > available {
        return vec![Finding::warning(
            format!(
                "{} MiB can be had; engine.symbols_max = {symbols} may take {} MiB",
                mib(available),
                mib(wanted)
            ),
            format!(
                "fine with fewer symbols; set engine.symbols_max to {} at most, so that invented names cannot fill the \
                 memory, or give it more",
                available / SYMBOL_BYTES
            ),
        )];
    }
    vec![Finding::ok(format!(
        "{} MiB can be had, {symbols} symbols take {} at most",
        mib(available),
        mib(wanted)
    ))]
}
