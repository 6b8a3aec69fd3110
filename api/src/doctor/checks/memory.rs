//! Does the state of `engine.symbols_max` symbols fit into memory?

use engine::limits::SYMBOL_RESIDENT_BYTES;

use crate::{capacity::memory_available, config::Loaded, doctor::finding::Finding};

pub(super) fn check(loaded: &Loaded) -> Vec<Finding> {
    let (symbols, available) = (loaded.config.engine.symbols_max as u64, memory_available());
    let mib = |bytes: u64| bytes >> 20;
    let wanted = symbols * SYMBOL_RESIDENT_BYTES;
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
                available / SYMBOL_RESIDENT_BYTES
            ),
        )];
    }
    vec![Finding::ok(format!(
        "{} MiB can be had, {symbols} symbols take {} at most",
        mib(available),
        mib(wanted)
    ))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sizes_a_machine_by_the_documents_is_told_the_same_number() {
        let number = format!("{} KiB", SYMBOL_RESIDENT_BYTES / 1_024);
        for (file, words) in [
            ("RUNBOOK.md", format!("({number} of memory each)")),
            ("config/stormglass.toml", format!("symbols held, {number} each")),
            ("deploy/kubernetes/instances.yaml", format!("Memory: {number} a symbol")),
        ] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
            assert!(std::fs::read_to_string(path).unwrap().contains(&words), "{file} has no {words:?}");
        }
    }
}
