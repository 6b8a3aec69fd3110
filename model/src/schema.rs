//! The features a model reads: ordered, versioned names.

use std::fmt;

/// A feature as a model names it: `lv60_tau@1`. A formula never changes under its version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeatureName {
    /// The name without its version, such as `lv60_tau`.
    pub name: String,
    /// The version of its formula, from 1; 0 for a column of the user's own.
    pub version: u16,
}

impl FeatureName {
    /// The feature `name@version`; version 0 for a column of the user's own.
    pub fn new(name: impl Into<String>, version: u16) -> Self {
        Self { name: name.into(), version }
    }
}

impl fmt::Display for FeatureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.version == 0 {
            write!(f, "{}", self.name)
        } else {
            write!(f, "{}@{}", self.name, self.version)
        }
    }
}

/// A 64-bit fingerprint of an ordered list of features (FNV-1a of `name@version
/// ` each): equal lists have equal fingerprints.
pub fn fingerprint(features: &[FeatureName]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for feature in features {
        for byte in feature.to_string().bytes().chain([b'\n']) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_version_change_the_fingerprint() {
        let (a, b) = (FeatureName::new("a", 1), FeatureName::new("b", 1));
        let forward = fingerprint(&[a.clone(), b.clone()]);
        assert_ne!(forward, fingerprint(&[b, a.clone()]));
        assert_ne!(forward, fingerprint(&[a, FeatureName::new("b", 2)]));
    }
}
