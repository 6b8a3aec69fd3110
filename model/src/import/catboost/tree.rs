//! CatBoost's trees: symmetric ones become complete binary trees, others keep their nesting.

use std::collections::VecDeque;

use super::{Fault, Feature, Features};
use crate::{
    forest::wide::{CategorySet, SetRule, WideNode, WideTree},
    import::document::Value,
};

/// Most levels of a symmetric tree; CatBoost makes at most 16.
const SYMMETRIC_DEPTH_MAX: usize = 24;

/// Builds a symmetric tree: bit i of the leaf's number is set if the value is above split i's border.
pub(super) fn symmetric(
    tree: &Value<'_>,
    features: &Features,
    outputs: usize,
    sets: &mut Vec<CategorySet>,
) -> Result<WideTree, Fault> {
    let splits = match tree.optional("splits") {
        None | Some(Value::Null) => &[],
        Some(_) => tree.array("splits")?,
    };
    let leaves = tree.doubles("leaf_values")?;
    if splits.len() > SYMMETRIC_DEPTH_MAX || leaves.len() != outputs << splits.len() {
        let what = format!("{} leaf values for {} splits and {outputs} outputs", leaves.len(), splits.len());
        return Err(what.into());
    }
    let questions =
        splits.iter().map(|split| question(split, features, sets)).collect::<Result<Vec<_>, _>>()?;
    // Level by level; the nodes of a level are in the order of the bits so far, the newest bit lowest.
    let mut nodes = Vec::with_capacity(2 << splits.len());
    for (level, question) in questions.iter().enumerate() {
        for _ in 0..1_u32 << level {
            let left = 2 * nodes.len() as u32 + 1;
            nodes.push(question.node(left, left + 1));
        }
    }
    for place in 0..1_u32 << splits.len() {
        // The first split is the leaf number's lowest bit, but is at the top: the bits are reversed.
        let leaf = if splits.is_empty() { 0 } else { place.reverse_bits() >> (32 - splits.len()) };
        nodes.push(WideNode::Leaf(leaf));
    }
    let weights = tree.doubles("leaf_weights").ok().filter(|weights| weights.len() == 1 << splits.len());
    let cover = cover(&nodes, weights.as_deref().unwrap_or_default());
    Ok(WideTree { nodes, output: (outputs == 1).then_some(0), leaves, lines: Vec::new(), cover })
}

/// Computes the covers of all nodes from the leaves' weights: a split's cover is the sum of those below it. Empty if a
/// leaf has no weight.
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

/// Builds a tree of nested objects with `left`, `right` and `split`, or `value`.
pub(super) fn nested(
    tree: &Value<'_>,
    features: &Features,
    outputs: usize,
    sets: &mut Vec<CategorySet>,
) -> Result<WideTree, Fault> {
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
        let question = question(node.field("split")?, features, sets)?;
        queue.extend([node.field("left")?, node.field("right")?]);
        let right = (nodes.len() + queue.len()) as u32;
        nodes.push(question.node(right - 1, right));
    }
    let cover = cover(&nodes, &weights);
    Ok(WideTree { nodes, output: (outputs == 1).then_some(0), leaves, lines: Vec::new(), cover })
}

/// The condition of a split; if true, it sets the bit of the leaf's number, or leads right.
enum Question<'f> {
    /// The value is not below the threshold.
    Above(&'f Feature, f64),
    /// The category of the feature at this position is the only one of this set.
    Is(u16, u32),
}

impl Question<'_> {
    /// The node that leads to `no` if the condition is false.
    fn node(&self, no: u32, yes: u32) -> WideNode {
        match *self {
            Self::Above(&Feature { place, missing }, threshold) => {
                WideNode::Split { feature: place, threshold, missing, left: no, right: yes }
            }
            Self::Is(feature, set) => {
                WideNode::Member { feature, set, missing_left: false, left: yes, right: no }
            }
        }
    }
}

fn question<'f>(
    split: &Value<'_>,
    features: &'f Features,
    sets: &mut Vec<CategorySet>,
) -> Result<Question<'f>, Fault> {
    let numbered = |name: &str, count: usize| {
        let feature = usize::try_from(split.integer(name)?).ok().filter(|&feature| feature < count);
        feature.ok_or_else(|| format!("a split's feature is none of {count}"))
    };
    match split.text("split_type").unwrap_or("FloatFeature") {
        "FloatFeature" => {
            let feature = numbered("float_feature_index", features.floats.len())?;
            let border = split.field("border")?.as_single().filter(|border| border.is_finite());
            let border = border.ok_or_else(|| "a border is no number".to_owned())?;
            Ok(Question::Above(&features.floats[feature], f64::from(border).next_up()))
        }
        "OneHotFeature" => {
            let feature = numbered("cat_feature_index", features.categories.len())?;
            let hash = split.integer("value")?;
            let category = features.by_hash.get(&hash);
            let category = category.ok_or_else(|| format!("no category has the hash {hash}"))?;
            let number = category.parse::<f64>().ok().filter(|number| number.is_finite());
            let number =
                number.ok_or_else(|| Fault::Unsupported(format!("the category {category:?}, no number")))?;
            sets.push(CategorySet { rule: SetRule::Exact, members: vec![number] });
            Ok(Question::Is(features.categories[feature], (sets.len() - 1) as u32))
        }
        kind => {
            let what =
                format!("split type {kind:?} (statistics of categories; FloatFeature and OneHotFeature are)");
            Err(Fault::Unsupported(what))
        }
    }
}
