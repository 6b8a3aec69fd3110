//! The trees: parallel arrays, one tree after another; a node without a left child is a leaf.

use std::collections::HashMap;

use super::{Fault, npy::Arrays};
use crate::{
    forest::wide::{CategorySet, Precision, SetRule, WideNode, WideTree},
    import::{grow::grow, missing, not_above},
};

/// The meaning of a leaf's numbers.
#[derive(Clone, Copy)]
pub(super) enum Leaves {
    /// One value, as in a regressor that averages.
    Values,
    /// Fractions of classes, or counts before scikit-learn 1.3. Of two classes only the second's fraction is kept.
    Fractions { classes: usize },
    /// Boosting: trees add to the outputs in turn, each leaf with one value.
    InTurn { outputs: usize },
}

impl Leaves {
    pub(super) fn outputs(self) -> usize {
        match self {
            Self::Values | Self::Fractions { classes: 2 } => 1,
            Self::Fractions { classes } => classes,
            Self::InTurn { outputs } => outputs,
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Values | Self::InTurn { .. } => 1,
            Self::Fractions { classes } => classes,
        }
    }
}

/// Trees, and the sets that their nodes refer to.
pub(super) struct Read {
    pub(super) trees: Vec<WideTree>,
    pub(super) sets: Vec<CategorySet>,
}

/// A node's test for categories.
struct Listed {
    set: u32,
    /// Whether listed categories go left; everything else, including missing values, goes the other way.
    left: bool,
}

pub(super) fn read_all(arrays: &Arrays, kind: Leaves, values: Precision) -> Result<Read, Fault> {
    let counts = arrays.get("node_count")?.integers()?;
    let (feature, threshold) = (arrays.get("feature")?.integers()?, arrays.get("threshold")?.doubles()?);
    let (left, right) = (arrays.get("left")?.integers()?, arrays.get("right")?.integers()?);
    let missing_left = arrays.get("missing_go_to_left")?.integers()?;
    let leaf_values = arrays.get("value")?.doubles()?;
    let total = left.len();
    // Files of earlier exports lack it.
    let samples = arrays.optional("weighted_n_node_samples").map(|samples| samples.doubles()).transpose()?;
    let samples = samples.filter(|samples| samples.len() == total);
    if [feature.len(), threshold.len(), right.len(), missing_left.len()] != [total; 4]
        || Some(leaf_values.len()) != total.checked_mul(kind.width())
    {
        return Err("the arrays of nodes differ in length".to_owned().into());
    }
    let (categories, sets) = categories(arrays)?;
    let question = |feature, threshold: f64, missing, left, right| match values {
        // Forests refuse rows with infinities: whether one is above +inf never matters, and narrow nodes hold the rest.
        Precision::Single => {
            WideNode::Split { feature, threshold: threshold.next_up(), missing, left, right }
        }
        Precision::Double => not_above(feature, threshold, missing, left, right),
    };
    let fractions =
        total > 0 && matches!(kind, Leaves::Fractions { .. }) && are_fractions(&leaf_values, kind.width());
    let (mut trees, mut start) = (Vec::with_capacity(counts.len()), 0_usize);
    for (number, &count) in counts.iter().enumerate() {
        let end = usize::try_from(count).ok().and_then(|count| start.checked_add(count));
        let end = end.filter(|&end| end <= total).ok_or_else(|| format!("tree {number}: {count} nodes"))?;
        let (mut leaves, mut cover) = (Vec::new(), Vec::new());
        let nodes = grow(0, end - start, |node| {
            let at = start + node;
            cover.extend(samples.as_ref().map(|samples| samples[at]));
            if left[at] < 0 {
                let first = leaves.len();
                leaves.extend(leaf(
                    &leaf_values[at * kind.width()..(at + 1) * kind.width()],
                    kind,
                    fractions,
                ));
                let width = (leaves.len() - first).max(1);
                return Ok(WideNode::Leaf((first / width) as u32));
            }
            let child = |child: i64| u32::try_from(child).map_err(|_| format!("node {node}: child {child}"));
            let (left, right) = (child(left[at])?, child(right[at])?);
            let feature =
                u16::try_from(feature[at]).map_err(|_| format!("node {node}: feature {}", feature[at]))?;
            Ok(match categories.get(&at) {
                Some(&Listed { set, left: true }) => {
                    WideNode::Member { feature, set, missing_left: false, left, right }
                }
                Some(&Listed { set, left: false }) => {
                    WideNode::Member { feature, set, missing_left: false, left: right, right: left }
                }
                None => question(feature, threshold[at], missing(missing_left[at] != 0), left, right),
            })
        })
        .map_err(|what| format!("tree {number}: {what}"))?;
        let output = match kind {
            Leaves::Values | Leaves::Fractions { classes: 2 } => Some(0),
            Leaves::Fractions { .. } => None,
            Leaves::InTurn { outputs } => Some((number % outputs) as u16),
        };
        trees.push(WideTree { nodes, output, leaves, lines: Vec::new(), cover });
        start = end;
    }
    match start == total {
        true => Ok(Read { trees, sets }),
        false => Err(format!("{total} nodes, but the trees have {start}").into()),
    }
}

/// The nodes that test for categories, and their sets.
fn categories(arrays: &Arrays) -> Result<(HashMap<usize, Listed>, Vec<CategorySet>), Fault> {
    let (mut by_node, mut sets) = (HashMap::new(), Vec::new());
    if arrays.optional("category_node").is_none() {
        return Ok((by_node, sets));
    }
    let nodes = arrays.get("category_node")?.integers()?;
    let (counts, lefts) =
        (arrays.get("category_count")?.integers()?, arrays.get("category_left")?.integers()?);
    let values = arrays.get("category_value")?.doubles()?;
    if [counts.len(), lefts.len()] != [nodes.len(); 2] {
        return Err("the arrays of categories differ in length".to_owned().into());
    }
    let mut rest = values.as_slice();
    for ((&node, &count), &left) in nodes.iter().zip(&counts).zip(&lefts) {
        let parts = usize::try_from(count).ok().and_then(|count| rest.split_at_checked(count));
        let (members, others) = parts.ok_or_else(|| format!("node {node}: {count} categories"))?;
        rest = others;
        if members.iter().any(|member| member.is_nan()) {
            return Err(format!("node {node}: a category is no number").into());
        }
        let mut members: Vec<f64> = members.iter().map(|member| member + 0.0).collect();
        members.sort_by(f64::total_cmp);
        members.dedup();
        let node = usize::try_from(node).map_err(|_| format!("node {node} has categories"))?;
        by_node.insert(node, Listed { set: sets.len() as u32, left: left != 0 });
        sets.push(CategorySet { rule: SetRule::Exact, members });
    }
    Ok((by_node, sets))
}

/// A leaf's values in the form in which they are summed.
fn leaf(values: &[f64], kind: Leaves, fractions: bool) -> Vec<f64> {
    let Leaves::Fractions { classes } = kind else { return values.to_vec() };
    let sum: f64 = values.iter().sum();
    // Before 1.3 a leaf held counts, and predict_proba divided; an empty leaf stayed zero.
    let divisor = if fractions || sum == 0.0 { 1.0 } else { sum };
    let first = if classes == 2 { 1 } else { 0 };
    values[first..].iter().map(|value| value / divisor).collect()
}

/// Whether all rows add up to about 1: then they are fractions already, which scikit-learn does not divide again.
fn are_fractions(values: &[f64], width: usize) -> bool {
    values.chunks_exact(width).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-6)
}
