//! LightGBM's trees: splits and leaves are numbered separately; a child below zero is a leaf.

use std::collections::HashMap;

use super::text::Block;
use crate::{
    forest::wide::{CategorySet, LinearLeaf, MissingRule, SetRule, WideNode, WideTree},
    import::{Fault, grow::grow, missing, not_above},
};

/// Bit of a decision type: the split is categorical.
const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

pub(super) fn read(block: &Block<'_>, output: u16, sets: &mut Vec<CategorySet>) -> Result<WideTree, Fault> {
    let leaf_count = block.number::<usize>("num_leaves")?;
    let leaves: Vec<f64> = block.counted("leaf_value", leaf_count)?;
    let lines = linear_leaves(block, leaf_count)?;
    if leaf_count <= 1 {
        let nodes = vec![WideNode::Leaf(0)];
        return Ok(WideTree { nodes, output: Some(output), leaves, lines, cover: vec![1.0] });
    }
    let splits = leaf_count - 1;
    let features: Vec<u16> = block.counted("split_feature", splits)?;
    let thresholds: Vec<f64> = block.counted("threshold", splits)?;
    let decisions: Vec<u8> = block.counted("decision_type", splits)?;
    let left: Vec<i64> = block.counted("left_child", splits)?;
    let right: Vec<i64> = block.counted("right_child", splits)?;
    let categories = categories(block, &thresholds, &decisions, sets)?;

    // Splits keep their numbers, leaves follow them.
    let number = |child: i64| {
        let number = if child >= 0 { Some(child) } else { (splits as i64).checked_add(!child) };
        number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| format!("child {child}"))
    };
    let counts = counts(block, leaf_count);
    let mut cover = Vec::new();
    let nodes = grow(0, splits + leaf_count, |node| {
        cover.extend(counts.as_ref().map(|counts| counts[node]));
        if node >= splits {
            return Ok(WideNode::Leaf((node - splits) as u32));
        }
        let (left, right) = (number(left[node])?, number(right[node])?);
        let (feature, decision) = (features[node], decisions[node]);
        if let Some(&set) = categories.get(&node) {
            return Ok(WideNode::Member { feature, set, missing_left: false, left, right });
        }
        let default_left = decision & DEFAULT_LEFT != 0;
        let missing = match (decision >> 2) & 3 {
            0 => MissingRule::Zero,
            1 if default_left => MissingRule::ZeroLeft,
            1 => MissingRule::ZeroRight,
            2 => missing(default_left),
            kind => return Err(format!("node {node}: missing type {kind}")),
        };
        // Not above the threshold is below the next number.
        Ok(not_above(feature, thresholds[node], missing, left, right))
    })?;
    Ok(WideTree { nodes, output: Some(output), leaves, lines, cover })
}

/// Training rows that reached each split and then each leaf; `None` if the file has no counts.
fn counts(block: &Block<'_>, leaf_count: usize) -> Option<Vec<f64>> {
    let mut counts: Vec<f64> = block.counted("internal_count", leaf_count - 1).ok()?;
    counts.extend(block.counted::<f64>("leaf_count", leaf_count).ok()?);
    Some(counts)
}

/// The set of each categorical split. Its threshold is an index into `cat_boundaries`, which divides the bitsets'
/// words.
fn categories(
    block: &Block<'_>,
    thresholds: &[f64],
    decisions: &[u8],
    sets: &mut Vec<CategorySet>,
) -> Result<HashMap<usize, u32>, String> {
    let (mut by_node, mut by_place) = (HashMap::new(), HashMap::new());
    if !decisions.iter().any(|decision| decision & CATEGORICAL != 0) {
        return Ok(by_node);
    }
    let boundaries: Vec<usize> = block.numbers("cat_boundaries")?;
    let words: Vec<u32> = block.numbers("cat_threshold")?;
    if boundaries.windows(2).any(|pair| pair[0] > pair[1]) {
        return Err("cat_boundaries do not ascend".to_owned());
    }
    for (node, threshold) in thresholds.iter().enumerate() {
        if decisions[node] & CATEGORICAL == 0 {
            continue;
        }
        let place = *threshold as usize;
        let set = match by_place.get(&place) {
            Some(&set) => set,
            None => {
                let bounds = boundaries.get(place).zip(boundaries.get(place.saturating_add(1)));
                let words = bounds.and_then(|(&start, &end)| words.get(start..end));
                let words = words.ok_or_else(|| format!("node {node}: set {threshold} is out of range"))?;
                let listed = (0..words.len() * 32).filter(|bit| words[bit / 32] >> (bit % 32) & 1 == 1);
                let members = listed.map(|category| category as f64).collect();
                sets.push(CategorySet { rule: SetRule::Truncated, members });
                let set = (sets.len() - 1) as u32;
                by_place.insert(place, set);
                set
            }
        };
        by_node.insert(node, set);
    }
    Ok(by_node)
}

fn linear_leaves(block: &Block<'_>, leaf_count: usize) -> Result<Vec<LinearLeaf>, String> {
    if block.optional("is_linear").is_none_or(|linear| linear.trim() != "1") {
        return Ok(Vec::new());
    }
    let constants: Vec<f64> = block.counted("leaf_const", leaf_count)?;
    let counts: Vec<usize> = block.counted("num_features", leaf_count)?;
    let total = counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count));
    let total = total.ok_or_else(|| "num_features do not end".to_owned())?;
    let features: Vec<u16> = block.counted("leaf_features", total)?;
    let coefficients: Vec<f64> = block.counted("leaf_coeff", total)?;
    let mut terms = features.into_iter().zip(coefficients);
    let line = |(constant, count)| LinearLeaf { constant, terms: terms.by_ref().take(count).collect() };
    Ok(constants.into_iter().zip(counts).map(line).collect())
}
