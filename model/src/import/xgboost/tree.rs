//! XGBoost's trees: parallel arrays; a node without a left child is a leaf.

use std::collections::HashMap;

use crate::{
    forest::wide::{CategorySet, SetRule, WideNode, WideTree},
    import::{Fault, document::Value, grow::grow, missing},
};

/// Reads the first `kept` trees, and the sets of categories that they refer to.
pub(super) fn read_all(
    model: &Value<'_>,
    weights: Option<&[f32]>,
    kept: usize,
    outputs: usize,
) -> Result<(Vec<WideTree>, Vec<CategorySet>), Fault> {
    let groups = model.integers("tree_info")?;
    let (mut trees, mut sets) = (Vec::with_capacity(kept), Vec::new());
    for (number, tree) in model.array("trees")?.iter().take(kept).enumerate() {
        let group = groups.get(number).and_then(|&group| u16::try_from(group).ok());
        let group = group.ok_or_else(|| format!("tree {number}: no group in tree_info"))?;
        let weight = match weights.map(|weights| weights.get(number)) {
            None => 1.0,
            Some(weight) => *weight.ok_or_else(|| format!("tree {number}: no weight in weight_drop"))?,
        };
        let tree = read(tree, group, weight, outputs, &mut sets);
        trees.push(tree.map_err(|what| format!("tree {number}: {what}"))?);
    }
    Ok((trees, sets))
}

fn read(
    tree: &Value<'_>,
    group: u16,
    weight: f32,
    outputs: usize,
    sets: &mut Vec<CategorySet>,
) -> Result<WideTree, String> {
    let left = tree.integers("left_children")?;
    let right = tree.integers("right_children")?;
    let features = tree.integers("split_indices")?;
    let conditions = tree.singles("split_conditions")?;
    let defaults = tree.integers("default_left")?;
    let count = left.len();
    if [right.len(), features.len(), conditions.len(), defaults.len()] != [count; 4] {
        return Err("its arrays differ in length".to_owned());
    }
    let categories = categories(tree, count, sets)?;
    let vector = tree.field("tree_param")?.integer("size_leaf_vector").unwrap_or(1) > 1;
    // Before 3.2 each node has its weights; since then only leaves have, with a number stored as their right child.
    let numbered = vector && tree.optional("leaf_weights").is_some();
    let leaf_weights = match (vector, numbered) {
        (false, _) => Vec::new(),
        (true, true) => tree.singles("leaf_weights")?,
        (true, false) => tree.singles("base_weights")?,
    };

    let mut leaves: Vec<f64> = Vec::new();
    let hessians = tree.singles("sum_hessian").ok().filter(|hessians| hessians.len() == count);
    let mut cover = Vec::new();
    let nodes = grow(0, count, |node| {
        cover.extend(hessians.as_ref().map(|hessians| f64::from(hessians[node])));
        if left[node] < 0 {
            let leaf = if vector {
                let place = if numbered { usize::try_from(right[node]).ok() } else { Some(node) };
                let first = place.and_then(|place| place.checked_mul(outputs));
                let values = first.and_then(|first| leaf_weights.get(first..first.checked_add(outputs)?));
                let values = values.ok_or_else(|| format!("node {node}: no leaf_weights"))?;
                if leaves.len() >= leaf_weights.len() {
                    return Err(format!("node {node}: more leaves than leaf_weights"));
                }
                leaves.extend(values.iter().map(|&value| f64::from(value * weight)));
                leaves.len() / outputs
            } else {
                leaves.push(f64::from(conditions[node] * weight));
                leaves.len()
            };
            return Ok(WideNode::Leaf((leaf - 1) as u32));
        }
        let number = |value: i64| u32::try_from(value).map_err(|_| format!("node {node}: child {value}"));
        let (left, right) = (number(left[node])?, number(right[node])?);
        let feature = u16::try_from(features[node])
            .map_err(|_| format!("node {node}: feature {} is beyond 65,535", features[node]))?;
        let default_left = defaults[node] != 0;
        Ok(match categories.get(&node) {
            // Listed categories go right, so the children are exchanged.
            Some(&set) => {
                WideNode::Member { feature, set, missing_left: !default_left, left: right, right: left }
            }
            None => WideNode::Split {
                feature,
                threshold: f64::from(conditions[node]),
                missing: missing(default_left),
                left,
                right,
            },
        })
    })?;
    Ok(WideTree { nodes, output: (!vector).then_some(group), leaves, lines: Vec::new(), cover })
}

/// The set of each node that tests for categories.
fn categories(
    tree: &Value<'_>,
    count: usize,
    sets: &mut Vec<CategorySet>,
) -> Result<HashMap<usize, u32>, String> {
    let mut by_node = HashMap::new();
    if tree.optional("split_type").is_none() {
        return Ok(by_node);
    }
    let types = tree.integers("split_type")?;
    let nodes = tree.integers("categories_nodes")?;
    let (starts, sizes) = (tree.integers("categories_segments")?, tree.integers("categories_sizes")?);
    let all = tree.integers("categories")?;
    if types.len() != count || [starts.len(), sizes.len()] != [nodes.len(); 2] {
        return Err("its arrays of categories differ in length".to_owned());
    }
    // Nodes share no categories: what they hold together is bounded by what the file lists.
    if sizes.iter().try_fold(0_i64, |sum, &size| sum.checked_add(size)) != i64::try_from(all.len()).ok() {
        return Err("categories_sizes are not those of its categories".to_owned());
    }
    for ((&node, &start), &size) in nodes.iter().zip(&starts).zip(&sizes) {
        let range = || {
            let (start, size) = (usize::try_from(start).ok()?, usize::try_from(size).ok()?);
            all.get(start..start.checked_add(size)?)
        };
        let listed = range().ok_or_else(|| format!("node {node}: its categories are out of range"))?;
        let mut members: Vec<f64> = listed.iter().map(|&category| category as f64).collect();
        members.sort_by(f64::total_cmp);
        members.dedup();
        let node = usize::try_from(node).map_err(|_| format!("node {node} has categories"))?;
        by_node.insert(node, sets.len() as u32);
        sets.push(CategorySet { rule: SetRule::NotNegative, members });
    }
    match types.iter().enumerate().find(|&(node, &kind)| (kind == 1) != by_node.contains_key(&node)) {
        Some((node, kind)) => Err(format!("node {node}: split type {kind} does not go with its categories")),
        None => Ok(by_node),
    }
}
