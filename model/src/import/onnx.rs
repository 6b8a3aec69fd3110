//! ONNX: a TreeEnsembleClassifier or TreeEnsembleRegressor (ai.onnx.ml 1 to 3) or a TreeEnsemble (5), scored as ONNX
//! Runtime scores it.
//! The result equals the converted file, not its original: what the converter lost of its library's model stays lost
//! (docs/models.md has the table). Around the ensemble only operators that keep its numbers are accepted; any other is
//! refused by name. Sums are f32 unless the rows or the weights are doubles.

mod ensemble;
mod graph;
mod message;
mod outcome;
mod table;
mod tree;
mod wire;

use super::{Fault, Foreign, Options, precision};
use crate::forest::wide::WideForest;
use graph::Graph;
use wire::Wire;

/// Whether the bytes start with the format's version and consist of a model's fields up to its graph.
pub(super) fn is_it(bytes: &[u8]) -> bool {
    if !matches!(bytes, [0x08, 1..=32, ..]) {
        return false;
    }
    for field in wire::fields(bytes) {
        match field {
            Ok((7, Wire::Bytes(_))) => return true,
            Ok((1..=6 | 8 | 14 | 20 | 25 | 26, _)) => {}
            _ => return false,
        }
    }
    false
}

pub(super) fn read(bytes: &[u8], _: &Options) -> Result<Foreign, Fault> {
    let model = message::Model::read(bytes)?;
    let graph = Graph::of(&model)?;
    let double_rows = graph.row_double();
    let ensemble = ensemble::read(&graph)?;
    let feature_count = match (graph.width, ensemble.table.feature_count()?) {
        (Some(width), read) if width < read => {
            return Err(format!("a node reads feature {} of {width}", read - 1).into());
        }
        (width, read) => width.unwrap_or(read).max(1),
    };
    let double = graph.ensemble_double() || ensemble.double;
    let trees = tree::grow_all(&ensemble.table, &ensemble.roots, ensemble.outputs)?;

    let mut notes = vec![
        "Scored as ONNX Runtime scores the converted file, not as the library that trained it: import the library's own \
         file where there is one."
            .to_owned(),
    ];
    let outputs = outcome::outputs(&ensemble, &graph, trees.trees.len(), precision(double), &mut notes)?;
    if double {
        notes.push("Answers are f64; ONNX Runtime rounds them to f32.".to_owned());
    }
    let forest = WideForest {
        trees: trees.trees,
        sets: trees.sets,
        base: vec![0.0; ensemble.outputs],
        values: precision(double_rows),
        sum: precision(double),
    };
    let features = vec![String::new(); feature_count];
    Ok(Foreign { features, preparation: None, forest, outputs, library: model.producer(), notes })
}
