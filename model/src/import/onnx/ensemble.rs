//! Reads the attributes of the ensemble operators into one table.

use std::collections::HashMap;

use super::{
    Fault,
    graph::Graph,
    message::Node,
    table::{self, LEAF, MEMBER, Table},
};
use crate::forest::wide::OUTPUTS_MAX;

/// The operator's transformation of the sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Transform {
    None,
    Logistic,
    Softmax,
}

/// An ensemble of any version.
pub(super) struct Ensemble {
    pub(super) table: Table,
    /// The trees' roots, in the order of the sum.
    pub(super) roots: Vec<usize>,
    pub(super) outputs: usize,
    pub(super) average: bool,
    pub(super) base: Vec<f64>,
    pub(super) transform: Transform,
    /// The labels of a classifier, as text.
    pub(super) labels: Option<Vec<String>>,
    /// For two labels with one score: the output that the score belongs to.
    pub(super) single: Option<u16>,
    /// Whether thresholds or weights are doubles.
    pub(super) double: bool,
}

pub(super) fn read(graph: &Graph<'_, '_>) -> Result<Ensemble, Fault> {
    let node = graph.ensemble;
    let mut ensemble = match node.kind {
        "TreeEnsemble" => read_new(node)?,
        "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => read_old(node)?,
        other => return Err(Fault::Unsupported(format!("operator {other:?}"))),
    };
    ensemble.table.settle()?;
    if ensemble.roots.is_empty() {
        return Err("there are no trees".to_owned().into());
    }
    Ok(ensemble)
}

/// Reads TreeEnsembleClassifier and TreeEnsembleRegressor: nodes are numbered within their tree, and leaves are nodes.
fn read_old(node: &Node<'_>) -> Result<Ensemble, Fault> {
    let classifies = node.kind == "TreeEnsembleClassifier";
    let labels = if classifies { Some(labels(node)?) } else { None };
    let outputs = match &labels {
        Some(labels) => labels.len(),
        None => usize::try_from(node.integer("n_targets")?.unwrap_or(1)).unwrap_or(0),
    };
    if outputs == 0 || outputs > OUTPUTS_MAX {
        return Err(Fault::Unsupported(format!("{outputs} outputs; 1 to {OUTPUTS_MAX} are possible")));
    }

    let (trees, numbers) = (node.integers("nodes_treeids")?, node.integers("nodes_nodeids")?);
    let modes = node.texts("nodes_modes", mode)?;
    let (values, values_double) = node.floats("nodes_values")?;
    let (yes, no) = (node.integers("nodes_truenodeids")?, node.integers("nodes_falsenodeids")?);
    let features = node.integers("nodes_featureids")?;
    let count = trees.len();
    if [numbers.len(), modes.len(), values.len(), yes.len(), no.len(), features.len()] != [count; 6] {
        return Err("its lists of nodes differ in length".to_owned().into());
    }
    let mut by_name: Vec<((i64, i64), usize)> = trees.iter().copied().zip(numbers).zip(0..).collect();
    by_name.sort_unstable();
    if let Some(pair) = by_name.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("tree {}: node {} twice", pair[0].0.0, pair[0].0.1).into());
    }
    let find = |tree: i64, number: i64| match by_name.binary_search_by_key(&(tree, number), |&(name, _)| name)
    {
        Ok(place) => Ok(by_name[place].1),
        Err(_) => Err(format!("tree {tree}: there is no node {number}")),
    };
    let mut table = Table { missing_yes: missing_yes(node, count)?, ..Table::default() };
    let mut is_child = vec![false; count];
    for at in 0..count {
        let mut child = |number: i64| {
            if modes[at] == LEAF {
                return Ok(0);
            }
            let place = find(trees[at], number)?;
            is_child[place] = true;
            Ok::<_, String>(place)
        };
        table.yes.push(child(yes[at])?);
        table.no.push(child(no[at])?);
    }
    let roots = (0..count).filter(|&at| !is_child[at]).collect();
    (table.modes, table.features, table.values) = (modes, features, values);
    table.fold_chains();

    let prefix = if classifies { "class" } else { "target" };
    let list = |what: &str| node.integers(&format!("{prefix}_{what}"));
    let (weight_trees, weight_nodes, ids) = (list("treeids")?, list("nodeids")?, list("ids")?);
    let (weights, weights_double) = node.floats(&format!("{prefix}_weights"))?;
    if [weight_trees.len(), weight_nodes.len(), weights.len()] != [ids.len(); 3] {
        return Err("its lists of weights differ in length".to_owned().into());
    }
    for (((tree, number), &id), weight) in weight_trees.into_iter().zip(weight_nodes).zip(&ids).zip(weights) {
        let output = u16::try_from(id).ok().filter(|&id| usize::from(id) < outputs);
        let output = output.ok_or_else(|| format!("a weight for output {id} of {outputs}"))?;
        table.weights.push((find(tree, number)?, output, weight));
    }
    let (base, base_double) = node.floats("base_values")?;
    let aggregate = node.text("aggregate_function")?.unwrap_or("SUM");
    let transform = match node.text("post_transform")?.unwrap_or("NONE") {
        "NONE" => Transform::None,
        "LOGISTIC" => Transform::Logistic,
        "SOFTMAX" => Transform::Softmax,
        other => return Err(Fault::Unsupported(format!("post_transform {other:?}"))),
    };
    let mut ensemble = Ensemble {
        table,
        roots,
        outputs,
        average: match aggregate {
            "SUM" => false,
            "AVERAGE" => true,
            other => return Err(Fault::Unsupported(format!("aggregate_function {other:?}"))),
        },
        base,
        transform,
        labels,
        single: None,
        double: values_double || weights_double || base_double,
    };
    ensemble.note_single(&ids);
    Ok(ensemble)
}

impl Ensemble {
    /// Handles two labels whose weights all belong to one of them: they have one score, unless a softmax over both is
    /// needed.
    fn note_single(&mut self, ids: &[i64]) {
        let (Some(2), Some(&first)) = (self.labels.as_ref().map(Vec::len), ids.first()) else { return };
        if ids.iter().any(|&id| id != first) || (first == 1 && self.transform == Transform::Softmax) {
            return;
        }
        self.single = Some(first as u16);
        self.outputs = 1;
        for (_, output, _) in &mut self.table.weights {
            *output = 0;
        }
    }
}

fn labels(node: &Node<'_>) -> Result<Vec<String>, Fault> {
    let texts = node.texts("classlabels_strings", |text| Ok(String::from_utf8_lossy(text).into_owned()))?;
    let numbers = node.integers("classlabels_int64s")?;
    match (texts.len(), numbers.len()) {
        (0, 0) => Err("there are no class labels".to_owned().into()),
        (0, 1) | (1, 0) => Err(Fault::Unsupported("a classifier of one class".to_owned())),
        (0, _) => Ok(numbers.iter().map(i64::to_string).collect()),
        _ => Ok(texts),
    }
}

fn mode(text: &[u8]) -> Result<u8, String> {
    Ok(match text {
        b"BRANCH_LEQ" => table::BELOW_OR_EQUAL,
        b"BRANCH_LT" => table::BELOW,
        b"BRANCH_GTE" => table::ABOVE_OR_EQUAL,
        b"BRANCH_GT" => table::ABOVE,
        b"BRANCH_EQ" => table::EQUAL,
        b"BRANCH_NEQ" => table::NOT_EQUAL,
        b"LEAF" => LEAF,
        other => return Err(format!("node mode {:?} is unknown", String::from_utf8_lossy(other))),
    })
}

fn missing_yes(node: &Node<'_>, count: usize) -> Result<Vec<bool>, String> {
    let tracks: Vec<bool> =
        node.integers("nodes_missing_value_tracks_true")?.into_iter().map(|yes| yes != 0).collect();
    match tracks.len() {
        0 => Ok(tracks),
        length if length == count => Ok(tracks),
        length => Err(format!("nodes_missing_value_tracks_true has {length} values for {count} nodes")),
    }
}

/// Reads TreeEnsemble: nodes and leaves have separate numberings, and a leaf may occur several times.
fn read_new(node: &Node<'_>) -> Result<Ensemble, Fault> {
    let outputs = usize::try_from(node.integer("n_targets")?.unwrap_or(1)).unwrap_or(0);
    if outputs == 0 || outputs > OUTPUTS_MAX {
        return Err(Fault::Unsupported(format!("{outputs} outputs; 1 to {OUTPUTS_MAX} are possible")));
    }
    let tensor = |name: &str| match node.tensor(name)? {
        Some(tensor) => Ok::<_, String>((tensor.numbers()?, tensor.element == super::message::DOUBLE)),
        None => Ok((Vec::new(), false)),
    };
    let modes: Vec<u8> = tensor("nodes_modes")?.0.into_iter().map(|mode| mode as u8).collect();
    if let Some(mode) = modes.iter().find(|mode| **mode > MEMBER) {
        return Err(format!("node mode {mode} is unknown").into());
    }
    let ((values, values_double), (leaf_weights, weights_double)) =
        (tensor("nodes_splits")?, tensor("leaf_weights")?);
    let features = node.integers("nodes_featureids")?;
    let branches = [
        (node.integers("nodes_truenodeids")?, node.integers("nodes_trueleafs")?),
        (node.integers("nodes_falsenodeids")?, node.integers("nodes_falseleafs")?),
    ];
    let targets = node.integers("leaf_targetids")?;
    let count = modes.len();
    let lengths = branches.iter().flat_map(|(ids, leaves)| [ids.len(), leaves.len()]);
    if [values.len(), features.len()].into_iter().chain(lengths).any(|length| length != count)
        || targets.len() != leaf_weights.len()
    {
        return Err("its lists of nodes differ in length".to_owned().into());
    }
    let members = members(&modes, &tensor("membership_values")?.0)?;
    let missing_yes = missing_yes(node, count)?;
    let mut table = Table { modes, features, values, missing_yes, members, ..Table::default() };
    for (side, (ids, leaves)) in branches.iter().enumerate() {
        for (&id, &leaf) in ids.iter().zip(leaves) {
            let id = usize::try_from(id).map_err(|_| format!("child {id}"))?;
            let place = if leaf == 0 {
                id
            } else {
                let target = targets.get(id).ok_or_else(|| format!("leaf {id} of {}", targets.len()))?;
                let output = u16::try_from(*target).ok().filter(|&output| usize::from(output) < outputs);
                let output = output.ok_or_else(|| format!("leaf {id}: output {target} of {outputs}"))?;
                // A row of its own for each place where the leaf stands.
                table.weights.push((table.modes.len(), output, leaf_weights[id]));
                table.modes.push(LEAF);
                table.modes.len() - 1
            };
            if side == 0 { table.yes.push(place) } else { table.no.push(place) }
        }
    }
    let roots = node.integers("tree_roots")?.into_iter();
    let roots = roots.map(|root| usize::try_from(root).ok().filter(|&root| root < count));
    let roots: Option<Vec<usize>> = roots.collect();
    let mut ensemble = Ensemble {
        table,
        roots: roots.ok_or_else(|| format!("a root is none of {count} nodes"))?,
        outputs,
        average: match node.integer("aggregate_function")?.unwrap_or(1) {
            0 => true,
            1 => false,
            other => {
                return Err(Fault::Unsupported(format!(
                    "aggregate_function {other} (average, 0, and sum, 1, are)"
                )));
            }
        },
        base: Vec::new(),
        transform: match node.integer("post_transform")?.unwrap_or(0) {
            0 => Transform::None,
            1 => Transform::Softmax,
            2 => Transform::Logistic,
            other => return Err(Fault::Unsupported(format!("post_transform {other}"))),
        },
        labels: None,
        single: None,
        double: values_double || weights_double,
    };
    // Leaves have no features and thresholds; the columns are as long all the same.
    let rows = ensemble.table.modes.len();
    ensemble.table.features.resize(rows, 0);
    ensemble.table.values.resize(rows, 0.0);
    ensemble.table.yes.resize(rows, 0);
    ensemble.table.no.resize(rows, 0);
    Ok(ensemble)
}

/// Reads the sets, which follow one another, each ended by a NaN, in the order of the nodes that test membership.
fn members(modes: &[u8], values: &[f64]) -> Result<HashMap<usize, Vec<f64>>, String> {
    let mut sets = values.split(|value| value.is_nan());
    let asking = modes.iter().enumerate().filter(|(_, mode)| **mode == MEMBER);
    asking
        .map(|(node, _)| {
            let set = sets.next().ok_or_else(|| format!("node {node}: no membership_values"))?;
            Ok((node, set.to_vec()))
        })
        .collect()
}
