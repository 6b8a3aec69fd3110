//! Numbers the thresholds and slots of a forest.

use std::collections::BTreeMap;

use super::{
    RANK_SLOTS_MAX, THRESHOLDS_MAX,
    source::{SourceForest, SourceNode},
};
use crate::{
    file::v1,
    forest::{canonical::Missing, wide::Precision},
};

/// The slot and rank numbers of a forest's conditions.
#[derive(Debug)]
pub(crate) struct RankNumbers {
    /// The distinct thresholds of each feature, ascending.
    thresholds: BTreeMap<u16, Vec<f64>>,
    /// Slot numbers, ordered by feature, then direction.
    slots: BTreeMap<(u16, Missing), u8>,
    values: Precision,
}

impl RankNumbers {
    /// Numbers the slots and thresholds of a checked forest.
    ///
    /// # Errors
    /// More thresholds or slots than a byte can number.
    pub(crate) fn of(forest: &SourceForest) -> Result<Self, String> {
        let mut numbers = Self { thresholds: BTreeMap::new(), slots: BTreeMap::new(), values: forest.values };
        for node in forest.trees.iter().flat_map(|tree| &tree.nodes) {
            if let SourceNode::Split { feature, threshold, missing, .. } = *node {
                numbers.thresholds.entry(feature).or_default().push(threshold);
                numbers.slots.insert((feature, missing), 0);
            }
        }
        for (feature, thresholds) in &mut numbers.thresholds {
            thresholds.sort_by(f64::total_cmp);
            // Numerically: nothing lies between -0 and 0.
            thresholds.dedup_by(|later, earlier| later == earlier);
            if thresholds.len() > THRESHOLDS_MAX {
                let count = thresholds.len();
                return Err(format!(
                    "feature {feature} has {count} thresholds; {THRESHOLDS_MAX} are possible"
                ));
            }
        }
        if numbers.slots.len() > RANK_SLOTS_MAX {
            let count = numbers.slots.len();
            return Err(format!(
                "{count} slots of feature and missing direction; {RANK_SLOTS_MAX} are possible"
            ));
        }
        for (number, place) in (0..).zip(numbers.slots.values_mut()) {
            *place = number;
        }
        Ok(numbers)
    }

    /// The slot and rank of a split: it sends left if the row's rank in that slot is not above this rank.
    ///
    /// # Panics
    /// If the split is not of this forest.
    pub(crate) fn condition(&self, feature: u16, threshold: f64, missing: Missing) -> (u8, u8) {
        let thresholds = &self.thresholds[&feature];
        let rank = thresholds.partition_point(|&other| other < threshold);
        (self.slots[&(feature, missing)], rank as u8)
    }

    /// Number of features that are ranked.
    pub(crate) fn feature_count(&self) -> usize {
        self.thresholds.len()
    }

    /// Number of slots.
    pub(crate) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The numbers as a part of an archived section.
    pub(crate) fn to_archive(&self) -> v1::Ranks {
        v1::Ranks {
            thresholds: self.thresholds.values().flatten().copied().collect(),
            features: self
                .thresholds
                .iter()
                .map(|(&feature, thresholds)| v1::RankFeature {
                    feature,
                    thresholds: thresholds.len() as u16,
                })
                .collect(),
            values: self.values.code(),
            slots: self
                .slots
                .keys()
                .map(|&(feature, missing)| v1::Slot { feature, missing: missing.code(), reserved: 0 })
                .collect(),
        }
    }
}
