//! Has the processor the instructions that the fast walks use?

use crate::doctor::{context::Context, finding::Finding};

#[cfg(target_arch = "x86_64")]
pub(super) fn check(_: &Context) -> Vec<Finding> {
    let wide = [
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vl", is_x86_feature_detected!("avx512vl")),
        ("avx512vbmi", is_x86_feature_detected!("avx512vbmi")),
    ];
    let missing: Vec<&str> = wide.iter().filter(|(_, has)| !has).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return vec![Finding::ok("AVX-512 with VBMI: the fastest walks of forests")];
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
        return vec![Finding::ok(format!("AVX2 (no {}): fast walks of forests", missing.join(", ")))];
    }
    vec![Finding::warning(
        "no AVX2: forests are walked by portable code, the same bits up to three times slower",
        "let the virtual machine have its host's instructions (CPU model host-passthrough)",
    )]
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn check(_: &Context) -> Vec<Finding> {
    vec![Finding::ok("portable walks of forests: this is no x86-64")]
}
