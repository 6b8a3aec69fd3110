//! Checks a wide forest before it is packed or walked.

use super::{CategorySet, OUTPUTS_MAX, Precision, SetRule, WideForest, WideNode, WideTree};
use crate::{combine::is_moderate, error::DraftError, forest::canonical::TREES_MAX};

/// Most levels of splits in a wide tree.
pub(crate) const WIDE_DEPTH_MAX: u32 = 65_535;

impl WideForest {
    /// Checks everything that packing and the walks rely on.
    ///
    /// # Errors
    /// The first invalid tree and node, and the fault. `member` is used in that message only.
    pub fn check(&self, member: usize, feature_count: usize) -> Result<(), DraftError> {
        let whole = |what: String| DraftError::Member { member, what };
        if self.trees.is_empty() || self.trees.len() > TREES_MAX {
            return Err(whole(format!("{} trees; 1 to {TREES_MAX} are possible", self.trees.len())));
        }
        if self.base.is_empty() || self.base.len() > OUTPUTS_MAX {
            return Err(whole(format!("{} outputs; 1 to {OUTPUTS_MAX} are possible", self.base.len())));
        }
        if let Some(base) = self.base.iter().find(|base| !keeps(self.sum, **base)) {
            return Err(whole(format!("base {base} cannot be kept exactly")));
        }
        for (number, set) in self.sets.iter().enumerate() {
            check_set(set).map_err(|what| whole(format!("set {number}: {what}")))?;
        }
        if self.trees.iter().any(|tree| tree.output.is_none() != self.trees[0].output.is_none()) {
            return Err(whole("trees with one output beside trees with all of them".to_owned()));
        }
        for (number, tree) in self.trees.iter().enumerate() {
            self.check_tree(tree, feature_count).map_err(|(node, what)| DraftError::Tree {
                member,
                tree: number,
                node,
                what,
            })?;
        }
        Ok(())
    }

    fn check_tree(&self, tree: &WideTree, feature_count: usize) -> Result<(), (usize, String)> {
        let leaf_count = self.check_leaves(tree, feature_count).map_err(|what| (0, what))?;
        // Depth of each node, once its parent was visited; parents come first, so one pass suffices.
        let mut depths: Vec<Option<u32>> = vec![None; tree.nodes.len()];
        *depths.first_mut().ok_or_else(|| (0, "the tree has no nodes".to_owned()))? = Some(0);
        for (node, &wide) in tree.nodes.iter().enumerate() {
            let depth = depths[node].ok_or_else(|| (node, "no earlier node has it as a child".to_owned()))?;
            let (feature, left, right) = match wide {
                WideNode::Leaf(leaf) if (leaf as usize) < leaf_count => continue,
                WideNode::Leaf(leaf) => return Err((node, format!("leaf {leaf} of {leaf_count}"))),
                WideNode::Split { threshold, .. } if threshold.is_nan() => {
                    return Err((node, "threshold NaN".to_owned()));
                }
                WideNode::Member { set, .. } if set as usize >= self.sets.len() => {
                    return Err((node, format!("set {set} of {}", self.sets.len())));
                }
                WideNode::Split { feature, left, right, .. } => (feature, left, right),
                WideNode::Member { feature, left, right, .. } => (feature, left, right),
            };
            if usize::from(feature) >= feature_count {
                return Err((node, format!("feature {feature} of {feature_count}")));
            }
            if depth == WIDE_DEPTH_MAX {
                return Err((node, format!("deeper than {WIDE_DEPTH_MAX} levels")));
            }
            for child in [left, right] {
                let place = depths.get_mut(child as usize);
                let place = place.ok_or_else(|| (node, format!("child {child} is out of range")))?;
                if child as usize <= node || place.is_some() {
                    return Err((node, format!("child {child} is not after it, or has another parent")));
                }
                *place = Some(depth + 1);
            }
        }
        Ok(())
    }

    /// Checks a tree's leaves and returns their number.
    fn check_leaves(&self, tree: &WideTree, feature_count: usize) -> Result<usize, String> {
        let width = match tree.output {
            Some(output) if usize::from(output) >= self.base.len() => {
                return Err(format!("output {output} of {}", self.base.len()));
            }
            Some(_) => 1,
            None => self.base.len(),
        };
        if let Some(leaf) = tree.leaves.iter().find(|leaf| !keeps(self.sum, **leaf)) {
            return Err(format!("leaf {leaf} cannot be kept exactly"));
        }
        let leaf_count = tree.leaves.len() / width;
        if leaf_count * width != tree.leaves.len() {
            return Err(format!("{} leaf values for {width} outputs", tree.leaves.len()));
        }
        if !tree.lines.is_empty() && (tree.lines.len() != leaf_count || tree.output.is_none()) {
            return Err(format!("{} linear leaves for {leaf_count} leaves", tree.lines.len()));
        }
        if !tree.lines.is_empty() && self.sum != Precision::Double {
            return Err("linear leaves in a sum of f32".to_owned());
        }
        for line in &tree.lines {
            let sound = |&(feature, coefficient): &(u16, f64)| {
                usize::from(feature) < feature_count && is_moderate(coefficient)
            };
            if !is_moderate(line.constant) || !line.terms.iter().all(sound) {
                return Err(format!("linear leaf {line:?} is out of range"));
            }
        }
        Ok(leaf_count)
    }
}

/// Whether a type represents a number exactly.
fn keeps(precision: Precision, value: f64) -> bool {
    is_moderate(value) && precision.round(value) == value
}

fn check_set(set: &CategorySet) -> Result<(), String> {
    check_members(set.rule, set.members.iter().copied())
}

/// Checks a set's members: numbers, ascending, and integers from 0 if the rule truncates values.
pub(crate) fn check_members(rule: SetRule, members: impl Iterator<Item = f64>) -> Result<(), String> {
    let mut last = f64::NEG_INFINITY;
    for (place, member) in members.enumerate() {
        let known = rule == SetRule::Exact || (member >= 0.0 && member.trunc() == member);
        let ascending = member > last || (place == 0 && member == last);
        if !known || !ascending {
            return Err(format!("member {member} after {last}"));
        }
        last = member;
    }
    Ok(())
}
