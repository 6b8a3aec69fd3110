//! Builds trees from the table: yes and no become left and right, so that every condition is `x < t` or a set.

use super::{
    Fault,
    table::{ABOVE, ABOVE_OR_EQUAL, BELOW, BELOW_OR_EQUAL, EQUAL, LEAF, MEMBER, NOT_EQUAL, Table},
};
use crate::{
    forest::wide::{CategorySet, SetRule, WideNode, WideTree},
    import::{grow::grow_in, missing, not_above},
};

/// Most leaf values of all trees together, if leaves have several outputs.
const LEAF_VALUES_MAX: usize = 1 << 26;

/// Trees, and the sets that their nodes refer to.
pub(super) struct Grown {
    pub(super) trees: Vec<WideTree>,
    pub(super) sets: Vec<CategorySet>,
}

pub(super) fn grow_all(table: &Table, roots: &[usize], outputs: usize) -> Result<Grown, Fault> {
    let mut seen = vec![false; table.modes.len()];
    let mut grown = Grown { trees: Vec::with_capacity(roots.len()), sets: Vec::new() };
    let mut leaves_of = Vec::with_capacity(roots.len());
    for (number, &root) in roots.iter().enumerate() {
        let mut leaves = Vec::new();
        let nodes = grow_in(root, &mut seen, |node| {
            if table.modes[node] == LEAF {
                leaves.push(node);
                return Ok(WideNode::Leaf((leaves.len() - 1) as u32));
            }
            question(table, node, &mut grown.sets)
        });
        let nodes = nodes.map_err(|what| format!("tree {number}: {what}"))?;
        grown.trees.push(WideTree {
            nodes,
            output: None,
            leaves: Vec::new(),
            lines: Vec::new(),
            cover: Vec::new(),
        });
        leaves_of.push(leaves);
    }

    // One output for each tree, or else all outputs in every leaf of every tree.
    let own: Option<Vec<u16>> = leaves_of.iter().map(|leaves| own_output(table, leaves, outputs)).collect();
    let leaf_count: usize = leaves_of.iter().map(Vec::len).sum();
    if own.is_none() && leaf_count.saturating_mul(outputs) > LEAF_VALUES_MAX {
        let what =
            format!("{leaf_count} leaves for {outputs} outputs; {LEAF_VALUES_MAX} values are possible");
        return Err(Fault::Unsupported(what));
    }
    for (number, (tree, leaves)) in grown.trees.iter_mut().zip(&leaves_of).enumerate() {
        let width = if own.is_some() { 1 } else { outputs };
        tree.output = own.as_ref().map(|own| own[number]);
        tree.leaves = vec![0.0; leaves.len() * width];
        for (values, &leaf) in tree.leaves.chunks_exact_mut(width).zip(leaves) {
            for &(_, output, weight) in table.weights_of(leaf) {
                values[if own.is_some() { 0 } else { usize::from(output) }] = weight;
            }
        }
    }
    Ok(grown)
}

/// The only output of a tree's leaves; `None` if they have several.
fn own_output(table: &Table, leaves: &[usize], outputs: usize) -> Option<u16> {
    if outputs == 1 {
        return Some(0);
    }
    let mut named = leaves.iter().flat_map(|&leaf| table.weights_of(leaf)).map(|&(_, output, _)| output);
    let first = named.next().unwrap_or(0);
    named.all(|output| output == first).then_some(first)
}

fn question(table: &Table, node: usize, sets: &mut Vec<CategorySet>) -> Result<WideNode, String> {
    let place = |place: usize| u32::try_from(place).map_err(|_| format!("node {node}: child {place}"));
    let (yes, no) = (place(table.yes[node])?, place(table.no[node])?);
    let (value, mode) = (table.values[node], table.modes[node]);
    let feature = table.features[node];
    let feature = u16::try_from(feature).map_err(|_| format!("node {node}: feature {feature}"))?;
    let missing_yes = table.missing_yes.get(node).copied().unwrap_or(false);
    let split = |threshold: f64, below_is_yes: bool| {
        let (left, right) = if below_is_yes { (yes, no) } else { (no, yes) };
        WideNode::Split { feature, threshold, missing: missing(missing_yes == below_is_yes), left, right }
    };
    let mut member = |members: Vec<f64>, listed_is_yes: bool, missing_yes: bool| {
        let (left, right) = if listed_is_yes { (yes, no) } else { (no, yes) };
        sets.push(CategorySet { rule: SetRule::Exact, members });
        let set = (sets.len() - 1) as u32;
        WideNode::Member { feature, set, missing_left: missing_yes == listed_is_yes, left, right }
    };
    // NaN equals nothing.
    let alone = || if value.is_nan() { Vec::new() } else { vec![value] };
    Ok(match mode {
        BELOW_OR_EQUAL => not_above(feature, value, missing(missing_yes), yes, no),
        BELOW => split(value, true),
        ABOVE_OR_EQUAL => split(value, false),
        ABOVE => not_above(feature, value, missing(!missing_yes), no, yes),
        EQUAL => member(alone(), true, missing_yes),
        // A missing value differs from every value: the answer is yes, whatever the node's flag for missing values.
        NOT_EQUAL => member(alone(), false, true),
        MEMBER => {
            let mut members = table.members.get(&node).cloned().unwrap_or_default();
            // -0 is 0.
            members.iter_mut().for_each(|member| *member += 0.0);
            members.sort_by(f64::total_cmp);
            members.dedup();
            member(members, true, missing_yes)
        }
        other => return Err(format!("node {node}: mode {other} is unknown")),
    })
}
