//! CatBoost's trees: symmetric ones as complete binary trees, others as they are nested.

use std::collections::VecDeque;

use super::{Fault, Feature};
use crate::{
    forest::wide::{WideNode, WideTree},
    import::document::Value,
};

/// Levels of a symmetric tree; CatBoost makes at most 16.
const SYMMETRIC_DEPTH_MAX: usize = 24;

/// Bit i of the leaf's number is set where the value is above split i's border.
pub(super) fn symmetric(tree: &Value<'_>, features: &[Feature], outputs: usize) -> Result<WideTree, Fault> {
    let splits = match tree.optional("splits") {
        None | Some(Value::Null) => &[],
        Some(_) => tree.array("splits")?,
    };
    let leaves = tree.doubles("leaf_values")?;
    if splits.len() > SYMMETRIC_DEPTH_MAX || leaves.len() != outputs << splits.len() {
        let what = format!("{} leaf values for {} splits and {outputs} outputs", leaves.len(), splits.len());
        return Err(what.into());
    }
    let questions = splits.iter().map(|split| border(split, features)).collect::<Result<Vec<_>, _>>()?;
    // Level by level; on each, nodes stand in the order of the bits answered so far, the newest bit lowest.
    let mut nodes = Vec::with_capacity(2 << splits.len());
    for (level, &(feature, threshold)) in questions.iter().enumerate() {
        for _ in 0..1_u32 << level {
            let left = 2 * nodes.len() as u32 + 1;
            let Feature { place, missing } = features[feature];
            nodes.push(WideNode::Split { feature: place, threshold, missing, left, right: left + 1 });
        }
    }
    for place in 0..1_u32 << splits.len() {
        // The first split is the leaf number's lowest bit, but was asked first: the bits turn round.
        let leaf = if splits.is_empty() { 0 } else { place.reverse_bits() >> (32 - splits.len()) };
        nodes.push(WideNode::Leaf(leaf));
    }
    let weights = tree.doubles("leaf_weights").ok().filter(|weights| weights.len() == 1 << splits.len());
    let cover = cover(&nodes, weights.as_deref().unwrap_or_default());
    Ok(WideTree { nodes, output: (outputs == 1).then_some(0), leaves, lines: Vec::new(), cover })
}

/// From the weights of leaves, by their numbers, to those of all nodes: splits have the sum of what is below them.
/// Empty where a leaf has none.
fn cover(nodes: &[WideNode], weights: &[f64]) -> Vec<f64> {
    let mut cover = vec![0.0; nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        cover[at] = match *node {
            WideNode::Leaf(leaf) => match weights.get(leaf as usize) {
                Some(weight) => *weight,
                None => return Vec::new(),
            },
            WideNode::Split { left, right, .. } | WideNode::Member { left, right, .. } => {
                cover[left as usize] + cover[right as usize]
            }
        };
    }
    cover
}

/// A tree of `left`, `right` and `split`, or `value`.
pub(super) fn nested(tree: &Value<'_>, features: &[Feature], outputs: usize) -> Result<WideTree, Fault> {
    let mut queue = VecDeque::from([tree]);
    let (mut nodes, mut leaves, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(node) = queue.pop_front() {
        if node.optional("split").is_none() {
            match node.field("value")? {
                Value::Array(_) => leaves.extend(node.doubles("value")?),
                value => leaves.push(value.as_double().ok_or_else(|| "a leaf is no number".to_owned())?),
            }
            nodes.push(WideNode::Leaf((leaves.len() / outputs).max(1) as u32 - 1));
            weights.extend(node.optional("weight").and_then(Value::as_double));
            if leaves.len() % outputs != 0 {
                return Err(format!("a leaf has not {outputs} values").into());
            }
            continue;
        }
        let (feature, threshold) = border(node.field("split")?, features)?;
        queue.extend([node.field("left")?, node.field("right")?]);
        let right = (nodes.len() + queue.len()) as u32;
        let Feature { place, missing } = features[feature];
        nodes.push(WideNode::Split { feature: place, threshold, missing, left: right - 1, right });
    }
    let cover = cover(&nodes, &weights);
    Ok(WideTree { nodes, output: (outputs == 1).then_some(0), leaves, lines: Vec::new(), cover })
}

/// A split's float feature, and the threshold below which values are not above its border.
fn border(split: &Value<'_>, features: &[Feature]) -> Result<(usize, f64), Fault> {
    let kind = split.text("split_type").unwrap_or("FloatFeature");
    if kind != "FloatFeature" {
        let what =
            format!("split type {kind:?} (categories, which CatBoost looks up by hash; FloatFeature is)");
        return Err(Fault::Unsupported(what));
    }
    let feature = split.integer("float_feature_index")?;
    let feature = usize::try_from(feature).ok().filter(|&feature| feature < features.len());
    let feature = feature.ok_or_else(|| format!("a split's feature is none of {}", features.len()))?;
    let border = split.field("border")?.as_single();
    let border =
        border.filter(|border| border.is_finite()).ok_or_else(|| "a border is no number".to_owned())?;
    Ok((feature, f64::from(border).next_up()))
}
