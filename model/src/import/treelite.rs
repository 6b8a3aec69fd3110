//! Treelite checkpoints, version 4, of XGBoost, LightGBM and scikit-learn models, scored as Treelite's reference scorer
//! does.
//!
//! Values are compared in the thresholds' type, leaves added in tree order from 0, averaged if the model says so; base
//! scores are added last. A library's own differences (XGBoost starts from its base, scikit-learn rounds rows to f32)
//! are lost in the checkpoint, except for forests that are recognised by their averaged classes: import the library's
//! own file if there is one.

mod bytes;
mod tree;

use bytes::Bytes;

use super::{Fault, Foreign, Options, precision};
use crate::{
    forest::{
        canonical::TREES_MAX,
        wide::{OUTPUTS_MAX, WideForest},
    },
    link::{Link, Outputs},
};

/// Whether the bytes start with version 4 and the types of thresholds and leaves.
pub(super) fn is_it(bytes: &[u8]) -> bool {
    bytes.len() > 64
        && bytes.starts_with(&[4, 0, 0, 0])
        && bytes[5..8] == [0; 3]
        && matches!(bytes[12..14], [2, 2] | [3, 3] | [2, 3] | [3, 2])
}

pub(super) fn read(bytes: &[u8], _: &Options) -> Result<Foreign, Fault> {
    let mut bytes = Bytes::new(bytes);
    let version = [bytes.i32()?, bytes.i32()?, bytes.i32()?];
    if version[1] < 0 {
        return Err(Fault::Unsupported(format!("version {version:?}")));
    }
    let (thresholds_double, leaves_double) = (bytes.u8()? == 3, bytes.u8()? == 3);
    if thresholds_double != leaves_double {
        return Err(Fault::Unsupported("thresholds and leaves of different types".to_owned()));
    }
    let tree_count = usize::try_from(bytes.u64()?).unwrap_or(usize::MAX);
    let feature_count = usize::try_from(bytes.i32()?).unwrap_or(0);
    let (_task, averages) = (bytes.u8()?, bytes.u8()? != 0);
    if bytes.i32()? != 1 {
        return Err(Fault::Unsupported("several targets".to_owned()));
    }
    let outputs = match bytes.array(4)? {
        [] => 1,
        classes => usize::try_from(bytes::signed(&classes[..4])).unwrap_or(0),
    };
    if outputs == 0 || outputs > OUTPUTS_MAX {
        return Err(Fault::Unsupported(format!("{outputs} outputs; 1 to {OUTPUTS_MAX} are possible")));
    }
    bytes.array(4)?; // the shape of leaf vectors: as many values as there are outputs
    bytes.array(4)?; // each tree's target, of which there is one
    let classes: Vec<i64> = bytes.array(4)?.chunks_exact(4).map(bytes::signed).collect();
    let postprocessor = String::from_utf8_lossy(bytes.array(1)?).into_owned();
    let alpha = f32::from_bits(bytes.i32()? as u32);
    bytes.i32()?; // the ratio of a postprocessor that is refused
    let base: Vec<f64> = bytes.array(8)?.chunks_exact(8).map(bytes::double).collect();
    bytes.array(1)?;
    bytes.i32()?;

    let mut after = Outputs::plain(outputs, precision(leaves_double), link(&postprocessor, alpha)?);
    if base.len() == outputs {
        after.bias = base.iter().map(|&base| after.precision.round(base)).collect();
    } else if base.iter().any(|&base| base != 0.0) {
        return Err(format!("{} base scores for {outputs} outputs", base.len()).into());
    }
    if averages {
        after.divisor = averaged(&classes, tree_count, outputs)?;
    }
    let (mut trees, mut sets) = (Vec::new(), Vec::new());
    for number in 0..tree_count {
        let class = classes.get(number).copied().unwrap_or(-1);
        let tree = tree::read(&mut bytes, thresholds_double, class, outputs, &mut sets);
        trees.push(tree.map_err(|fault| match fault {
            Fault::Broken(what) => Fault::Broken(format!("tree {number}: {what}")),
            unsupported => unsupported,
        })?);
    }
    let mut notes =
        vec!["Scored as Treelite's reference scorer does, not as the library that trained it.".to_owned()];
    // Averaged leaves with a value for every class come from scikit-learn's forests, which round their rows.
    let forest_of_classes = averages && trees.iter().all(|tree| tree.output.is_none());
    let values = precision(thresholds_double && !forest_of_classes);
    if forest_of_classes && thresholds_double {
        notes.push(
            "An averaged forest of classes: rows are rounded to f32, as scikit-learn rounds them.".to_owned(),
        );
    }
    let forest = WideForest { trees, sets, base: vec![0.0; outputs], values, sum: after.precision };
    let library = format!("Treelite checkpoint {}.{}.{}", version[0], version[1], version[2]);
    let features = vec![String::new(); feature_count.min(1 << 17)];
    Ok(Foreign { features, preparation: None, forest, outputs: after, library, notes })
}

/// The divisor of the sums: the number of trees that add to each output.
fn averaged(classes: &[i64], tree_count: usize, outputs: usize) -> Result<f64, Fault> {
    let mut counts = vec![0_usize; outputs];
    for number in 0..tree_count.min(TREES_MAX + 1) {
        match classes.get(number).copied().unwrap_or(-1) {
            all if all < 0 => counts.iter_mut().for_each(|count| *count += 1),
            class => {
                let count = usize::try_from(class).ok().and_then(|class| counts.get_mut(class));
                *count.ok_or_else(|| format!("tree {number}: class {class} of {outputs}"))? += 1;
            }
        }
    }
    match counts.iter().all(|count| *count == counts[0]) {
        true => Ok(counts[0].max(1) as f64),
        false => Err(Fault::Unsupported("an average over classes of different numbers of trees".to_owned())),
    }
}

fn link(postprocessor: &str, alpha: f32) -> Result<Link, Fault> {
    Ok(match postprocessor {
        "identity" | "identity_multiclass" => Link::Identity,
        "sigmoid" | "multiclass_ova" => Link::Sigmoid { slope: f64::from(alpha) },
        "softmax" => Link::Softmax,
        "exponential" => Link::Exponential,
        "signed_square" => Link::SignedSquare,
        "hinge" => Link::Hinge,
        "logarithm_one_plus_exp" => Link::Softplus,
        other => return Err(Fault::Unsupported(format!("postprocessor {other:?}"))),
    })
}
