//! The comparisons of all splits, prepared so that each is evaluated once for a row.
//!
//! Every split becomes `answers[slot] < threshold`. A slot is a feature with a rule for missing values, which replaces
//! them by a value below or above every threshold; a split that this cannot express (a set, a threshold of -inf) has
//! its own slot that holds 0 for left and 1 for right.

use std::collections::HashMap;

use crate::forest::{CategorySet, MissingRule, Precision, WideForest, WideNode, wide::ZERO_BAND};

/// A comparison of a slot with a threshold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) slot: u32,
    pub(super) threshold: f64,
}

#[derive(Debug)]
enum Slot {
    Value { feature: u16, missing: MissingRule },
    BelowAll { feature: u16, missing: MissingRule },
    Member { feature: u16, set: u32, missing_left: bool },
}

/// The slots of a forest.
#[derive(Debug)]
pub(super) struct Questions {
    values: Precision,
    sets: Vec<CategorySet>,
    slots: Vec<Slot>,
    numbers: HashMap<(u16, u8), u32>,
}

/// The threshold of slots that hold 0 or 1.
const HALF: f64 = 0.5;

impl Questions {
    pub(super) fn new(forest: &WideForest) -> Self {
        Self { values: forest.values, sets: forest.sets.clone(), slots: Vec::new(), numbers: HashMap::new() }
    }

    /// The feature and the question of a split; `None` for a leaf.
    pub(super) fn of(&mut self, node: WideNode) -> Option<(u16, Question)> {
        match node {
            WideNode::Leaf(_) => None,
            WideNode::Split { feature, threshold: f64::NEG_INFINITY, missing, .. } => {
                Some((feature, self.own(Slot::BelowAll { feature, missing })))
            }
            WideNode::Split { feature, threshold, missing, .. } => {
                let next = self.slots.len() as u32;
                let slot = *self.numbers.entry((feature, missing.code())).or_insert(next);
                if slot == next {
                    self.slots.push(Slot::Value { feature, missing });
                }
                Some((feature, Question { slot, threshold }))
            }
            WideNode::Member { feature, set, missing_left, .. } => {
                Some((feature, self.own(Slot::Member { feature, set, missing_left })))
            }
        }
    }

    fn own(&mut self, slot: Slot) -> Question {
        self.slots.push(slot);
        Question { slot: self.slots.len() as u32 - 1, threshold: HALF }
    }

    /// The values of all slots for a row.
    pub(super) fn ask(&self, row: &[f64]) -> Vec<f64> {
        let value = |feature: u16| self.values.round(row[usize::from(feature)]);
        let side = |left: bool| if left { 0.0 } else { 1.0 };
        let answer = |slot: &Slot| match slot {
            Slot::Value { feature, missing } => stand_in(value(*feature), *missing),
            Slot::BelowAll { feature, missing } => {
                side(missing.goes_left(value(*feature), f64::NEG_INFINITY))
            }
            Slot::Member { feature, set, missing_left } => {
                let value = value(*feature);
                side(if value.is_nan() { *missing_left } else { holds(&self.sets[*set as usize], value) })
            }
        };
        self.slots.iter().map(answer).collect()
    }
}

/// Whether the set contains the value, as [`CategorySet::holds`] defines it, by bisection.
fn holds(set: &CategorySet, value: f64) -> bool {
    let key = set.rule.key(value);
    let place = set.members.partition_point(|&member| member < key);
    set.members.get(place) == Some(&key)
}

/// The value, or if it is missing the one that the comparison uses instead.
fn stand_in(value: f64, missing: MissingRule) -> f64 {
    let nan = value.is_nan();
    match missing {
        MissingRule::Left if nan => f64::NEG_INFINITY,
        MissingRule::Right if nan => f64::INFINITY,
        MissingRule::Zero if nan => 0.0,
        MissingRule::ZeroLeft if nan || value.abs() <= ZERO_BAND => f64::NEG_INFINITY,
        MissingRule::ZeroRight if nan || value.abs() <= ZERO_BAND => f64::INFINITY,
        _ => value,
    }
}
