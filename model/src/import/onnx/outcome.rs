//! The transformation of the sums to ONNX Runtime's output, including its rules for two labels.

use super::{
    Fault,
    ensemble::{Ensemble, Transform},
    graph::Graph,
};
use crate::{
    forest::wide::Precision,
    link::{Link, Outputs},
};

pub(super) fn outputs(
    ensemble: &Ensemble,
    graph: &Graph<'_, '_>,
    tree_count: usize,
    precision: Precision,
    notes: &mut Vec<String>,
) -> Result<Outputs, Fault> {
    let (base, count) = (&ensemble.base, ensemble.outputs);
    let mut outputs = Outputs::plain(count, precision, Link::Identity);
    if ensemble.average {
        outputs.divisor = tree_count.clamp(1, 1 << 30) as f64;
    }
    outputs.classes = ensemble.labels.clone().unwrap_or_default();
    let base_is = |length: usize| base.is_empty() || base.len() == length;
    match (ensemble.single, &ensemble.labels) {
        (Some(_), Some(labels)) => {
            if !base_is(1) {
                return Err(Fault::Unsupported("two base_values for two labels with one score".to_owned()));
            }
            // The runtime gives the first label the base value; a score of the second label does not get it.
            if ensemble.single == Some(0) {
                outputs.bias[0] = base.first().copied().unwrap_or(-0.0);
            }
            notes.push(format!("Two labels with one score: the answer speaks of {:?}.", labels[1]));
            if ensemble.transform == Transform::Logistic {
                outputs.link = Link::ReflectedSigmoid;
            } else if ensemble.single == Some(0)
                && ensemble.table.weights.iter().any(|&(.., weight)| weight < 0.0)
            {
                // Its opposite is the first label's: no probability.
                outputs.classes.clear();
            }
        }
        (None, Some(labels)) => {
            // If leaves have scores of the second label only, the runtime adds one base value to the first label's;
            // with two base values the result is undefined.
            let expected = if labels.len() == 2 && only_second(ensemble) { 1 } else { count };
            if !base_is(expected) {
                return Err(Fault::Unsupported(format!("{} base_values for {count} labels", base.len())));
            }
            if labels.len() == 2 && !always_scores_second(ensemble) {
                let what = "two labels of which rows may leave the second without a score";
                return Err(Fault::Unsupported(what.to_owned()));
            }
            if base.len() == count {
                outputs.bias.clone_from(base);
            }
            outputs.link = link(ensemble.transform);
        }
        (_, None) => {
            if !base_is(count) {
                return Err(Fault::Unsupported(format!("{} base_values for {count} targets", base.len())));
            }
            if count == 1 && ensemble.transform != Transform::None {
                return Err(Fault::Unsupported(format!(
                    "post_transform {:?} of one target",
                    ensemble.transform
                )));
            }
            if !base.is_empty() {
                outputs.bias.clone_from(base);
            }
            outputs.link = link(ensemble.transform);
        }
    }
    if graph.exponential {
        if outputs.link != Link::Identity || !outputs.classes.is_empty() {
            return Err(Fault::Unsupported("operator \"Exp\" behind probabilities".to_owned()));
        }
        outputs.link = Link::Exponential;
    }
    Ok(outputs)
}

fn link(transform: Transform) -> Link {
    match transform {
        Transform::None => Link::Identity,
        Transform::Logistic => Link::ReflectedSigmoid,
        Transform::Softmax => Link::Softmax,
    }
}

fn only_second(ensemble: &Ensemble) -> bool {
    ensemble.table.weights.iter().all(|&(_, output, _)| output == 1)
}

/// Whether every row gets a score for the second label, because all leaves of some tree have one. Otherwise the runtime
/// invents one.
fn always_scores_second(ensemble: &Ensemble) -> bool {
    let table = &ensemble.table;
    let mut queue = Vec::new();
    ensemble.roots.iter().any(|&root| {
        queue.clear();
        queue.push(root);
        while let Some(node) = queue.pop() {
            if table.modes[node] != super::table::LEAF {
                queue.extend([table.yes[node], table.no[node]]);
            } else if !table.weights_of(node).iter().any(|&(_, output, _)| output == 1) {
                return false;
            }
        }
        true
    })
}
