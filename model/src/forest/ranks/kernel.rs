//! With which instructions a machine walks bytes.

/// With which instructions byte blocks and oblivious trees are walked. The bits are the same with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kernel {
    /// On any machine, everything read through bounds checks.
    Portable,
    /// AVX2: 32 ranks are compared at once.
    Avx2,
    /// AVX-512 with byte permutes (VBMI).
    Avx512,
}

impl Kernel {
    /// All of them, the fastest last.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// Whether this machine has the instructions.
    pub fn is_here(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_here()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// The fastest that this machine has.
    pub fn fastest() -> Self {
        Self::ALL.into_iter().rfind(|kernel| kernel.is_here()).unwrap_or(Self::Portable)
    }
}
